//! Our text and that of the C daemon, side by side. Knows nothing of how either is made.

use test_hosts::wait::wait_until;
use test_hosts::{C_DISTCC, need};

use crate::daemon::{Daemon, SOON};

type Event = fn(&Daemon);

/// One of each that can happen, and the counter that both daemons must then have increased.
const EVENTS: &[(&str, Event)] = &[
    ("dcc_compile_ok", |daemon| daemon.compile("gcc", "/some/where/a.c", "int x;")),
    ("dcc_compile_ok", |daemon| daemon.compile(&daemon.sleeper(1), "b.c", "int x;")),
    ("dcc_compile_error", |daemon| daemon.compile("gcc", "c.c", "int x")),
    ("dcc_compile_error", |daemon| daemon.compile("no-such-compiler", "d.c", "int x;")),
    ("dcc_other", |daemon| daemon.compile("gcc", "-E", "int x;")),
    ("dcc_rej_bad_req", |daemon| drop(daemon.send(b"GET / HTTP/1.0\r\n\r\n"))),
    ("dcc_rej_bad_req", |daemon| drop(daemon.send(b"DIST00000009"))),
    ("dcc_other", |daemon| drop(daemon.send(b"DIST00000001ARGC00000005ARGV"))),
    ("dcc_other", |daemon| drop(daemon.send(b"DI"))),
    ("dcc_compile_timeout", |daemon| daemon.compile(&daemon.sleeper(60), "e.c", "int x;")),
    ("dcc_cli_disconnect", |daemon| {
        let client = daemon.begin(&daemon.sleeper(60), "f.c", "int x;");
        wait_until(SOON, "a compiler that runs", || daemon.log().contains("compile from f.c"));
        drop(client);
    }),
];

const COUNTERS: &[&str] = &[
    "dcc_tcp_accept",
    "dcc_rej_bad_req",
    "dcc_rej_overload",
    "dcc_compile_ok",
    "dcc_compile_error",
    "dcc_compile_timeout",
    "dcc_cli_disconnect",
    "dcc_other",
    "dcc_longest_job",
    "dcc_longest_job_compiler",
    "dcc_max_kids",
    "dcc_avg_kids1",
    "dcc_avg_kids2",
    "dcc_avg_kids3",
    "dcc_num_compiles1",
    "dcc_num_compiles2",
    "dcc_num_compiles3",
];

#[test]
fn the_same_jobs_are_counted_in_the_same_way() {
    if need::c_distcc().is_none() {
        return;
    }
    let daemons = [C_DISTCC.distccd, crate::daemon::DISTCCD]
        .map(|distccd| Daemon::start(distccd, &["--listen=127.0.0.1", "--job-lifetime=4"]));
    check_form(&daemons);
    for (counter, happen) in EVENTS {
        for daemon in &daemons {
            let before: u64 = daemon.value(counter).parse().expect("a number");
            happen(daemon);
            let counted = || daemon.value(counter).parse::<u64>().expect("a number") == before + 1;
            wait_until(SOON, counter, counted);
        }
    }
    // The C daemon counts a job as recent only when three seconds are over.
    let works = EVENTS.iter().filter(|(counter, _)| counter.starts_with("dcc_c")).count().to_string();
    for daemon in &daemons {
        wait_until(SOON, "recent jobs", || daemon.value("dcc_num_compiles3") == works);
    }
    let [theirs, ours] = daemons.each_ref().map(counters);
    assert_eq!(ours, theirs);
    check_form(&daemons);
}

/// Apart from numbers, and the name of the largest process, both are the same bytes.
#[track_caller]
fn check_form(daemons: &[Daemon; 2]) {
    for request in ["", "GET / HTTP/1.0\r\n\r\n", "GET /some/path HTTP/1.1\r\nHost: x\r\n\r\n", "stats\n"] {
        let [theirs, ours] = daemons.each_ref().map(|daemon| form(&anywhere(daemon, &daemon.ask(request))));
        assert_eq!(ours, theirs, "{request:?}");
    }
}

fn counters(daemon: &Daemon) -> Vec<String> {
    COUNTERS.iter().map(|name| format!("{name} {}", anywhere(daemon, &daemon.value(name)))).collect()
}

/// Without the name of the daemon's own directory.
fn anywhere(daemon: &Daemon, text: &str) -> String {
    text.replace(&daemon.work.path().display().to_string(), "")
}

fn form(answer: &str) -> String {
    let number = |word: &str| word.parse::<f64>().is_ok();
    let decimals = |word: &str| word.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    let word = |word: &str| {
        if number(word) { format!("N.{}", decimals(word)) } else { word.to_owned() }
    };
    let line = |line: &str| {
        let words: Vec<String> = line.split(' ').map(word).collect();
        if words[0] == "dcc_max_RSS_name" {
            assert!(words[1].starts_with('(') && words[1].ends_with(')') || words.len() > 2, "{line}");
            return words[0].clone();
        }
        words.join(" ")
    };
    answer.split('\n').map(line).collect::<Vec<_>>().join("\n")
}
