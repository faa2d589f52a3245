//! What the client says of its hosts and of itself, in the words and exit statuses that scripts know. Compiles little.

use std::fs;

use test_hosts::client::Client;
use test_hosts::distccd::{Distccd, Setup};
use test_hosts::process::Outcome;
use test_hosts::workdir::Workdir;

const DISTCC: &str = env!("CARGO_BIN_EXE_distcc");
const DISTCCD: &str = env!("CARGO_BIN_EXE_distccd");

/// Shown hosts, their slots, and how many tokens are complained of.
fn check(list: &str, shown: &[&str], slots: &str, complaints: usize) {
    let work = Workdir::new();
    let client = Client::new(DISTCC, &work, list);
    let hosts = client.run(&["--show-hosts"]).good();
    assert_eq!(hosts.out().lines().collect::<Vec<_>>(), shown, "{list:?}");
    assert_eq!(hosts.err().lines().count(), complaints, "{list:?}: {}", hosts.err());
    assert!(
        hosts.err().lines().all(|line| line.contains("] Warning: $DISTCC_HOSTS: ignoring \"")),
        "{list:?}"
    );
    assert_eq!(client.run(&["-j"]).good().out(), format!("{slots}\n"), "{list:?}");
}

#[test]
fn hosts_and_slots() {
    check("localhost", &["localhost"], "2", 0);
    check("127.0.0.1 [::1]", &["127.0.0.1", "[::1]"], "8", 0);
    check(
        "a b:1/3\t@c/2 ted@d:/opt/distccd,lzo\n",
        &["a", "b:1/3", "@c/2", "ted@d:/opt/distccd,lzo"],
        "13",
        0,
    );
    check("a/44:300 a:300/44", &["a/44:300", "a:300/44"], "88", 0);
    check("# none\na # one\nb,lzo#two\n", &["a", "b,lzo"], "8", 0);
    check("a,lzo,lzo,cpp", &["a,lzo,lzo,cpp"], "4", 0);
    check("--localslots=3 --localslots_cpp=9 a", &["a"], "4", 0);
}

#[test]
fn wrong_tokens_cost_only_themselves() {
    check("@ : mbp@ angry:: :4200 a/0 localhost/0 a,lzox good", &["good"], "4", 8);
    check("--localslots=0 good", &["good"], "4", 1);
}

#[test]
fn lists_without_hosts() {
    for list in ["", "    ", "\t", "  @ ", ":", "mbp@", "angry::", ":4200"] {
        let work = Workdir::new();
        for option in ["--show-hosts", "-j"] {
            let outcome = Client::new(DISTCC, &work, list).run(&[option]);
            assert_eq!((outcome.code(), outcome.out().as_str()), (Some(106), ""), "{list:?} {option}");
            assert!(
                outcome.err().contains("Failed to get host list: $DISTCC_HOSTS contained no hosts"),
                "{list:?}"
            );
        }
    }
}

/// Of which a job would be sent to none.
#[test]
fn hosts_of_no_use() {
    let work = Workdir::new();
    let check = |list: &str, expected: &str| {
        let said = Client::new(DISTCC, &work, list).run(&["--why", "gcc", "-c", "x.c"]).good().out();
        assert!(said.starts_with(expected) && said.lines().count() == 1, "{list:?}: {said}");
    };
    for list in ["localhost", "red,down", "red,auth", "red,auth=me blue,down localhost"] {
        check(list, "local: no-hosts: ");
    }
    check("red,auth blue", "remote: ");
}

/// $DISTCC_HOSTS, even empty, comes before $DISTCC_DIR/hosts, and that before ~/.distcc/hosts.
#[test]
fn the_first_list_counts() {
    let work = Workdir::new();
    fs::create_dir(work.home().join(".distcc")).unwrap();
    fs::write(work.home().join(".distcc/hosts"), "of-home\n").unwrap();
    fs::write(work.distcc_dir().join("hosts"), "# mine\n\nof-directory # fast\n").unwrap();
    let shown = |unset: &[&str]| {
        let mut env = Client::new(DISTCC, &work, "of-variable").command("env");
        env.args(unset.iter().flat_map(|name| ["-u", name]));
        env.args([DISTCC, "--show-hosts"]);
        test_hosts::process::run(env).good().out()
    };
    assert_eq!(shown(&[]), "of-variable\n");
    assert_eq!(shown(&["DISTCC_HOSTS"]), "of-directory\n");
    assert_eq!(shown(&["DISTCC_HOSTS", "DISTCC_DIR"]), "of-home\n");
}

#[test]
fn a_build_with_half_a_list() {
    let daemon = Distccd::start(&Setup::of(DISTCCD));
    let compile = |list: &str| -> Outcome {
        let work = Workdir::new();
        work.write("x.c", "int x;\n");
        Client::new(DISTCC, &work, list).env("DISTCC_FALLBACK", "0").run(&["gcc", "-c", "x.c"])
    };
    let outcome = compile(&format!("angry:: {}", daemon.host())).good();
    assert_eq!(outcome.err().lines().count(), 1, "{}", outcome.err());
    daemon.assert_served(1);
    let outcome = compile("angry::");
    assert_eq!(outcome.code(), Some(116), "{}", outcome.err());
    assert!(outcome.err().contains("Warning: $DISTCC_HOSTS contained no hosts; can't distribute work"));
}

#[test]
fn version_and_help() {
    let work = Workdir::new();
    let client = Client::new(DISTCC, &work, "");
    let version = client.run(&["--version"]).good().out();
    let lines: Vec<&str> = version.lines().collect();
    assert!(
        lines.len() >= 3 && lines[0].starts_with("distcc ") && lines[0].split(' ').count() == 3,
        "{version}"
    );
    assert!(lines[1].starts_with("  (protocols ") && lines[1].ends_with("(default port 3632)"), "{version}");
    assert!(client.run(&["--help"]).good().out().starts_with(&version));
    let outcome = client.run(&["--scan-includes", "gcc", "-c", "x.c"]);
    assert_eq!(outcome.code(), Some(100), "{}", outcome.err());
    assert_eq!(client.run(&[]).code(), Some(101));
}
