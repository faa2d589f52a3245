//! What the client adds to the compiler's streams: nothing, or one line a build. Knows nothing of how that is remembered but
//! where.

use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use test_hosts::client::Client;
use test_hosts::distccd::{Distccd, Setup, free_port};
use test_hosts::need;
use test_hosts::process::{LIMIT, Running};
use test_hosts::workdir::{Workdir, names_in};

const DISTCC: &str = env!("CARGO_BIN_EXE_distcc");
const DISTCCD: &str = env!("CARGO_BIN_EXE_distccd");

/// How many clients work at the same time.
const FILES: usize = 12;
const CANNOT: &str = "Warning: cannot compile ";
const INSTEAD: &str = "running locally instead";

#[test]
fn a_good_command_adds_nothing() {
    let daemon = Distccd::start(&Setup::of(DISTCCD));
    let commands = [
        "gcc -Wall -g -O2 -c good.c",
        "g++ -Wall -c good.cc -o cc.o",
        "gcc -MD -c good.c -o sub.o",
        "gcc -E good.c",
        "gcc good.c -o good",
        "gcc -Wall -Wextra -c warned.c -w",
        "gcc --version",
        "gcc -c conftest.c",
    ];
    for variables in [&[][..], &[("DISTCC_LOG", "log")], &[("DISTCC_EXACT_DIAGNOSTICS", "1")]] {
        let work = sources();
        let client = with(Client::new(DISTCC, &work, &daemon.host()), variables);
        for command in commands {
            let words: Vec<&str> = command.split(' ').collect();
            let (through, plain) = (client.run(&words).good(), client.run_plain(&words).good());
            assert_eq!((through.err(), through.out()), (plain.err(), plain.out()), "{command} {variables:?}");
        }
    }
}

#[test]
fn a_host_that_is_away_costs_a_build_two_lines() {
    let (work, hosts) = (sources(), dead_host());
    let client = Client::new(DISTCC, &work, &hosts).env("DISTCC_BACKOFF_PERIOD", "0");
    check(&said_by_many(&client), &[(CANNOT, 1), (INSTEAD, 1), ("", 2)]);
    check(&said_by_many(&client), &[("", 0)]);

    // Another build has not heard of it.
    let mut other = client.command("setsid");
    other.args(["--wait", DISTCC, "gcc", "-c", "good.c"]);
    check(&Running::start(other).finish(LIMIT).good().err(), &[(CANNOT, 1), (INSTEAD, 1), ("", 2)]);

    // Nor does this one remember it for ever.
    for mark in names_in(&work.distcc_dir().join("told")) {
        let mark = File::options().write(true).open(work.distcc_dir().join("told").join(mark));
        let before = SystemTime::now() - Duration::from_secs(3600);
        mark.and_then(|mark| mark.set_modified(before)).expect("a file of ours");
    }
    check(&said_by_many(&client), &[(CANNOT, 1), (INSTEAD, 1), ("", 2)]);
}

/// Where the same process numbers come again at once.
#[test]
fn each_container_is_a_build_of_its_own() {
    if !need::network_namespaces() {
        return;
    }
    let (work, hosts) = (sources(), dead_host());
    let client = Client::new(DISTCC, &work, &hosts).env("DISTCC_BACKOFF_PERIOD", "0");
    for leader in [&[][..], &[], &["setsid"], &["setsid"]] {
        let mut container = client.command("unshare");
        container.args(["--pid", "--fork", "--kill-child", "--mount-proc"]).args(leader);
        container.args([DISTCC, "gcc", "-c", "good.c"]);
        let said = Running::start(container).finish(LIMIT).good().err();
        check(&said, &[(CANNOT, 1), (INSTEAD, 1), ("", 2)]);
    }
}

#[test]
fn a_host_that_is_left_alone_costs_nothing_more() {
    let (work, hosts) = (sources(), dead_host());
    let client = Client::new(DISTCC, &work, &hosts);
    check(&said_by_many(&client), &[(CANNOT, 1), (INSTEAD, 1), ("", 2)]);
    check(&said_by_many(&client), &[("", 0)]);
}

#[test]
fn each_host_is_told_of() {
    let (work, hosts) = (sources(), format!("{} {}", dead_host(), dead_host()));
    let client = Client::new(DISTCC, &work, &hosts).env("DISTCC_BACKOFF_PERIOD", "0");
    check(&said_by_many(&client), &[(CANNOT, 2), (INSTEAD, 1), ("", 3)]);
}

#[test]
fn a_log_has_it_all() {
    let (work, hosts) = (sources(), dead_host());
    let log = work.path().join("log");
    let client = Client::new(DISTCC, &work, &hosts).env("DISTCC_BACKOFF_PERIOD", "0").env("DISTCC_LOG", &log);
    check(&said_by_many(&client), &[("", 0)]);
    let told = fs::read_to_string(log).expect("a log");
    check(&told.replace(" Warning: ", " "), &[(" cannot compile ", FILES), (INSTEAD, FILES)]);
}

#[test]
fn who_may_not_fall_back_hears_why_each_time() {
    let (work, hosts) = (sources(), dead_host());
    let client =
        Client::new(DISTCC, &work, &hosts).env("DISTCC_BACKOFF_PERIOD", "0").env("DISTCC_FALLBACK", "0");
    for _ in 0..3 {
        let outcome = client.run(&["gcc", "-c", "good.c"]);
        assert_eq!(outcome.code(), Some(116));
        check(&outcome.err(), &[(CANNOT, 1), ("fallbacks are disabled", 1), ("", 2)]);
    }
}

#[test]
fn what_is_wrong_here_is_told_once() {
    let daemon = Distccd::start(&Setup::of(DISTCCD));
    let host = daemon.host();
    check_here(&format!("{host} blue:port"), &[], &[("blue:port", 1), ("", 1)]);
    check_here(&host, &[("DISTCC_DIR", "/nowhere")], &[("/nowhere for locks", 1), (INSTEAD, 1), ("", 2)]);
    check_here(&host, &[("DISTCC_LOG", "/nowhere/log")], &[("failed to open logfile", 1), ("", 1)]);
    check_here("", &[], &[(INSTEAD, 1), ("", 2)]);
}

#[track_caller]
fn check_here(hosts: &str, variables: &[(&str, &str)], expected: &[(&str, usize)]) {
    let work = sources();
    let client = with(Client::new(DISTCC, &work, hosts), variables);
    check(&said_by_many(&client), expected);
    check(&said_by_many(&client), &[("", 0)]);
}

/// Texts, and how many lines have them.
#[track_caller]
fn check(said: &str, expected: &[(&str, usize)]) {
    for (text, count) in expected {
        assert_eq!(said.lines().filter(|line| line.contains(text)).count(), *count, "{text:?} in:\n{said}");
    }
}

/// All that many clients say that compile at the same time, each another file.
#[track_caller]
fn said_by_many(client: &Client) -> String {
    let name = |number| [format!("{number}.c"), format!("{number}.o")];
    let start = |number| {
        let [source, object] = name(number);
        client.start(&["gcc", "-c", &source, "-o", &object])
    };
    let running: Vec<Running> = (0..FILES).map(start).collect();
    running.into_iter().map(|running| running.finish(LIMIT).good().err()).collect()
}

fn with<'a>(client: Client<'a>, variables: &[(&str, &str)]) -> Client<'a> {
    variables.iter().fold(client, |client, (name, value)| client.env(name, value))
}

fn sources() -> Workdir {
    let work = Workdir::new();
    for name in ["good.c", "conftest.c", "good.cc"] {
        work.write(name, "int main(void) { return 0; }\n");
    }
    work.write("warned.c", "int f(void) { int unused; }\n");
    for number in 0..FILES {
        work.write(&format!("{number}.c"), format!("int x{number};\n"));
    }
    work
}

/// Nobody listens there.
fn dead_host() -> String {
    format!("127.0.0.1:{}", free_port())
}
