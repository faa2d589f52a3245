//! How the client ends: each of its own exit codes, and those of compilers. Knows nothing of the words it says.

use std::fs;
use std::os::unix::fs::symlink;

use test_hosts::client::Client;
use test_hosts::distccd::{Distccd, Setup, make_executable};
use test_hosts::process::{Outcome, run};
use test_hosts::workdir::Workdir;

const DISTCC: &str = env!("CARGO_BIN_EXE_distcc");
const DISTCCD: &str = env!("CARGO_BIN_EXE_distccd");
const NOWHERE: &str = "127.0.0.1:1";
const NO_FALLBACK: (&str, &str) = ("DISTCC_FALLBACK", "0");

fn ended(hosts: &str, variables: &[(&str, &str)], words: &[&str]) -> Outcome {
    let work = Workdir::new();
    work.write("x.c", "int x;\n");
    let client = Client::new(DISTCC, &work, hosts);
    variables.iter().fold(client, |client, (name, value)| client.env(name, value)).run(words)
}

#[track_caller]
fn check(code: i32, hosts: &str, variables: &[(&str, &str)], words: &[&str], said: &str) {
    let outcome = ended(hosts, variables, words);
    let seen = outcome.err();
    assert_eq!(outcome.code(), Some(code), "{words:?}: {seen}");
    assert!(seen.contains(said), "{words:?}: {seen}");
}

const GCC: &[&str] = &["gcc", "-c", "x.c"];

#[test]
fn words_and_variables_that_make_no_sense_are_101() {
    let timeout = |value| [("DISTCC_IO_TIMEOUT", value)];
    check(101, NOWHERE, &[], &[], "missing option/operand");
    check(101, NOWHERE, &[], &["--why"], "--why needs a command");
    check(101, NOWHERE, &[], &["--scan-includes"], "missing operand");
    check(101, NOWHERE, &[], &["--show-principal"], "--show-principal is not supported");
    check(101, NOWHERE, &timeout("soon"), GCC, "Bad DISTCC_IO_TIMEOUT value: soon");
    check(101, NOWHERE, &timeout("0"), GCC, "Bad DISTCC_IO_TIMEOUT value: 0");
    check(101, NOWHERE, &[("DISTCC_MAX_BODY", "-1")], GCC, "Bad DISTCC_MAX_BODY value: -1");
    let most = [("DISTCC_MAX_DISCREPANCY", "0")];
    check(101, "127.0.0.1:1,lzo,cpp", &most, GCC, "Bad DISTCC_MAX_DISCREPANCY value: 0");
    check(0, NOWHERE, &most, GCC, "running locally instead");
    // They say nothing to a job that is never sent.
    check(0, NOWHERE, &timeout("soon"), &["gcc", "-E", "x.c"], "");
}

#[test]
fn what_would_not_be_sent_with_its_headers_is_100() {
    let scan = |command: &[&'static str]| [&["--scan-includes"], command].concat();
    check(
        100,
        NOWHERE,
        &[],
        &scan(GCC),
        "'--scan_includes' specified, but distcc wouldn't have used include server",
    );
    check(100, "127.0.0.1:1,lzo,cpp", &[], &scan(&["gcc", "x.c"]), "wouldn't have used include server");
    let none = [("DISTCC_INCLUDE_SERVER", "0")];
    check(1, "127.0.0.1:1,lzo,cpp", &none, &scan(GCC), "failed to get includes from include server");
}

#[test]
fn host_lists_without_a_host_are_106_for_who_asks_and_116_for_a_job() {
    check(106, "", &[], &["--show-hosts"], "Failed to get host list");
    check(106, "", &[], &["-j"], "Failed to get host list");
    check(116, "", &[NO_FALLBACK], GCC, "fallbacks are disabled");
    check(116, NOWHERE, &[NO_FALLBACK], GCC, "fallbacks are disabled");
    check(116, "red,down", &[NO_FALLBACK], GCC, "fallbacks are disabled");
    check(0, NOWHERE, &[], GCC, "running locally instead");
    check(0, "", &[], GCC, "running locally instead");
    // What never leaves this machine needs no fallback.
    check(0, NOWHERE, &[NO_FALLBACK], &["gcc", "-E", "x.c"], "");
}

/// What is this machine's trouble is no host's.
#[test]
fn trouble_here_is_107_where_nothing_may_run_here() {
    let work = Workdir::new();
    work.write("x.c", "int x;\n");
    for (fallback, code) in [("0", 107), ("1", 0)] {
        let client = Client::new(DISTCC, &work, NOWHERE).env("DISTCC_FALLBACK", fallback);
        let mut command = client.command("sh");
        // Enough for a compiler, and not for one whose output is kept.
        command.args(["-c", "ulimit -n 8; exec \"$0\" gcc -c x.c", DISTCC]);
        let outcome = run(command);
        assert_eq!(outcome.code(), Some(code), "{}", outcome.err());
        assert!(outcome.err().contains("cannot preprocess: Too many open files"), "{}", outcome.err());
    }
}

#[test]
fn a_compiler_that_is_missing_is_110() {
    check(110, NOWHERE, &[], &["no-such-gcc", "-c", "x.c"], "failed to exec no-such-gcc: No such file");
    check(110, NOWHERE, &[], &["", "-c", "x.c"], "failed to exec : No such file");
    check(110, NOWHERE, &[], &["/etc/passwd", "-c", "x.c"], "failed to exec /etc/passwd: Permission denied");
}

#[test]
fn who_calls_itself_is_111() {
    check(111, NOWHERE, &[], &[DISTCC, "gcc", "-c", "x.c"], "invoked itself recursively");
    let work = Workdir::new();
    work.write("x.c", "int x;\n");
    let links = work.path().join("links");
    fs::create_dir(&links).unwrap();
    symlink(DISTCC, links.join("gcc")).unwrap();
    // With nothing behind our links there is only ourselves.
    let client = Client::new(DISTCC, &work, NOWHERE).env("PATH", &links);
    let outcome = client.run(GCC);
    assert_eq!(outcome.code(), Some(111), "{}", outcome.err());
}

/// Whatever a compiler ends with is what we end with, wherever it ran.
#[test]
fn compilers_end_as_they_do_without_us() {
    let work = Workdir::new();
    work.write("x.c", "int x;\n");
    let gcc = work.path().join("gcc");
    let daemon = Distccd::start(&Setup::of(DISTCCD));
    for (end, code) in
        [("exit 1", 1), ("exit 4", 4), ("exit 116", 116), ("exit 255", 255), ("kill -SEGV $$", 139)]
    {
        fs::write(&gcc, format!("#!/bin/sh\ncase \"$*\" in *-E*) cat x.c;; *) {end};; esac\n")).unwrap();
        make_executable(&gcc);
        for hosts in [daemon.host(), "localhost".to_owned(), NOWHERE.to_owned()] {
            for skip in [true, false] {
                let mut client = Client::new(DISTCC, &work, &hosts).env("DISTCC_BACKOFF_PERIOD", "0");
                if skip {
                    client = client.env("DISTCC_SKIP_LOCAL_RETRY", "1");
                }
                let outcome = client.run(&[gcc.to_str().unwrap(), "-c", "x.c"]);
                let ended = outcome.code().or(outcome.signal().map(|signal| 128 + signal));
                assert_eq!(ended, Some(code), "{end} on {hosts}: {}", outcome.err());
            }
        }
    }
}
