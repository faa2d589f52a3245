//! Sources that do not compile: the user reads what a local compiler says, and the host is not blamed. Knows nothing of how that is done.

use test_hosts::client::Client;
use test_hosts::distccd::{Distccd, Setup};
use test_hosts::workdir::{Workdir, names_in};

const DISTCC: &str = env!("CARGO_BIN_EXE_distcc");
const DISTCCD: &str = env!("CARGO_BIN_EXE_distccd");

#[test]
fn as_a_local_compiler_would() {
    check(&["gcc", "-c", "bad.c"], "int f(void) { return 1 +; }\nint g(void) { return undeclared; }\n");
    check(&["gcc", "-Wall", "-Werror", "-O2", "-c", "bad.c", "-o", "sub.o"], "static int unused;\n");
    check(&["gcc", "-c", "bad.c"], "#include \"nowhere.h\"\n");
    check(&["gcc", "-c", "bad.c"], "#error no\n");
    check(&["gcc", "-c", "nothing.c"], "int x;\n");
    check(&["gcc", "-c", "bad.c", "-o", "no/such/place.o"], "int x;\n");
    check(&["gcc", "-fno-such-option", "-c", "bad.c"], "int x;\n");
    check(&["gcc", "-c", "-x", "c++", "bad.c"], "class C { int x }\n");
}

#[test]
fn without_fallback_the_compilers_status_remains() {
    let work = Workdir::new();
    work.write("bad.c", "int f(void) { return 1 +; }\n");
    let daemon = Distccd::start(&Setup::of(DISTCCD));
    let client = Client::new(DISTCC, &work, &daemon.host()).env("DISTCC_FALLBACK", "0");
    let outcome = client.run(&["gcc", "-c", "bad.c"]);
    assert_eq!(outcome.code(), Some(1), "{}", outcome.err());
    assert!(outcome.err().contains("bad.c:1:"), "{}", outcome.err());
    assert_eq!(names_in(&work.src()), ["bad.c"]);
}

/// The words, run plainly and through the client, say and make the same; then a good source goes to the same host.
fn check(words: &[&str], source: &str) {
    let work = Workdir::new();
    work.write("bad.c", source);
    work.write("good.c", "int x;\n");
    let daemon = Distccd::start(&Setup::of(DISTCCD));
    let client = Client::new(DISTCC, &work, &daemon.host());
    let before = names_in(&work.src());

    let plain = client.run_plain(words);
    let through = client.run(words);
    assert_eq!(through.err(), plain.err(), "{words:?} {source}");
    assert_eq!(
        (through.code(), through.signal(), &through.stdout),
        (plain.code(), plain.signal(), &plain.stdout),
        "{words:?} {source}"
    );
    assert_eq!(names_in(&work.src()), before, "{words:?} {source}");
    assert_eq!(names_in(&work.tmp()), [""; 0], "{words:?} {source}");

    let benched: Vec<String> = names_in(&work.distcc_dir().join("lock"))
        .into_iter()
        .filter(|name| name.starts_with("backoff"))
        .collect();
    assert!(benched.is_empty(), "{words:?} {source}: {benched:?}");
    let served = daemon.count("COMPILE_OK");
    client.run(&["gcc", "-c", "good.c"]).good();
    daemon.assert_served(served + 1);
}
