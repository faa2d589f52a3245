//! distcc --summary after builds: every job is counted once, and C programs beside ours do not mind. Knows no record's bytes.

use std::fs;

use test_hosts::client::Client;
use test_hosts::distccd::{Distccd, Setup, free_port};
use test_hosts::need;
use test_hosts::process::{LIMIT, Running, run};
use test_hosts::workdir::Workdir;

const DISTCC: &str = env!("CARGO_BIN_EXE_distcc");
const DISTCCD: &str = env!("CARGO_BIN_EXE_distccd");
const NOTHING: &str = "no jobs since the last summary\n";

#[test]
fn jobs_are_counted_by_place_and_reason() {
    let daemon = Distccd::start(&Setup::of(DISTCCD));
    let (work, host) = (sources(), daemon.host());
    let client = Client::new(DISTCC, &work, &host);
    check(&client, NOTHING);

    compile(
        &client,
        &["-c a.c", "-c b.c", "-c conftest.c", "a.o b.o -o prog", "-c bad.c", "-E a.c", "a.o -o again"],
    );
    let reasons = "2 link, 1 conftest, 1 preprocess-only, 1 rejected";
    check(&client, &format!("2 remote, 5 here ({reasons})\n  {host}  2\n"));
    check(&client, NOTHING);

    compile(&client, &["-c a.c"]);
    assert_eq!(client.run(&["--summary", "--begin"]).good().out(), "");
    compile(&client, &["-c b.c"]);
    check(&client, &format!("1 remote, 0 here\n  {host}  1\n"));
    assert_eq!(client.run(&["--summary", "all"]).code(), Some(101));
}

#[test]
fn hosts_are_blamed_by_name() {
    let daemon = Distccd::start(&Setup::of(DISTCCD));
    let (work, host, dead) = (sources(), daemon.host(), format!("127.0.0.1:{}", free_port()));
    let away = "Connection refused (os error 111)";
    let client = Client::new(DISTCC, &work, &format!("{dead} {host}"));
    compile(&client, &["-c a.c", "-c b.c"]);
    let said = client.run(&["--summary"]).good().out();
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines[0], "2 remote, 0 here");
    assert!(lines[1].starts_with(&format!("  {host}")) && lines[1].ends_with("  2"), "{said}");
    assert!(lines[2].contains(", failed 1, once with a.c: ") && lines[2].contains(away), "{said}");

    let client = Client::new(DISTCC, &work, &dead);
    compile(&client, &["-c a.c"]);
    check(&client, "0 remote, 1 here (1 no-hosts)\n");
}

#[test]
fn many_clients_are_counted_one_by_one() {
    let work = sources();
    let client = Client::new(DISTCC, &work, "localhost/2");
    let start = |_| client.start(&["gcc", "-c", "a.c", "-o", "/dev/null"]);
    let running: Vec<Running> = (0..40).map(start).collect();
    running.into_iter().for_each(|running| drop(running.finish(LIMIT).good()));
    check(&client, "0 remote, 40 here (40 localhost)\n");
}

/// The tally is one more file in their directory.
#[test]
fn c_programs_do_not_mind() {
    let Some(c) = need::c_distcc() else { return };
    let daemon = Distccd::start(&Setup::of(DISTCCD));
    let work = sources();
    let ours = Client::new(DISTCC, &work, &daemon.host());
    compile(&ours, &["-c a.c"]);
    Client::new(c.distcc, &work, &daemon.host()).run(&["gcc", "-c", "b.c"]).good();
    daemon.assert_served(2);
    let monitor = run(ours.command("/usr/bin/distccmon-text")).good();
    assert_eq!((monitor.out().trim(), monitor.err().as_str()), ("", ""));
    check(&ours, &format!("1 remote, 0 here\n  {}  1\n", daemon.host()));
}

#[test]
fn a_tally_that_cannot_be_read_is_named() {
    let work = sources();
    fs::create_dir(work.distcc_dir().join("tally")).expect("a directory of ours");
    let client = Client::new(DISTCC, &work, "localhost");
    compile(&client, &["-c a.c"]);
    let outcome = client.run(&["--summary"]);
    assert_eq!(outcome.code(), Some(107));
    assert!(outcome.err().contains(&work.distcc_dir().display().to_string()), "{}", outcome.err());
}

/// A file that may not grow is no reason to end a compile by a signal.
#[test]
fn a_tally_that_may_not_grow_stays_as_it_is() {
    let work = sources();
    let tally = work.distcc_dir().join("tally");
    fs::write(&tally, vec![0; 400_000]).expect("a file of ours");
    let client = Client::new(DISTCC, &work, "localhost");
    let mut limited = client.command("sh");
    limited.args(["-c", "ulimit -f 600; exec \"$0\" gcc -c a.c", DISTCC]);
    assert_eq!(run(limited).good().err(), "");
    assert_eq!(fs::metadata(tally).expect("a file of ours").len(), 400_000);
}

#[track_caller]
fn check(client: &Client, expected: &str) {
    let outcome = client.run(&["--summary"]).good();
    assert_eq!((outcome.out().as_str(), outcome.err().as_str()), (expected, ""));
}

fn compile(client: &Client, commands: &[&str]) {
    for command in commands {
        let words: Vec<&str> = ["gcc"].into_iter().chain(command.split(' ')).collect();
        assert_eq!(client.run(&words).code(), Some(i32::from(command.contains("bad"))), "{command}");
    }
}

fn sources() -> Workdir {
    let work = Workdir::new();
    work.write("a.c", "int main(void) { return 0; }\n");
    work.write("b.c", "int b;\n");
    work.write("conftest.c", "int c;\n");
    work.write("bad.c", "int f(void) { return undeclared; }\n");
    work
}
