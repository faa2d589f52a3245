//! OpenMetrics as Prometheus' own reader takes it, and what becomes of names that mean harm. Knows nothing of
//! the page.

use std::io::Read;

use test_hosts::need;
use test_hosts::process::{clean, run};
use test_hosts::wait::wait_until;

use crate::daemon::{Daemon, SOON};

const READ: &str = "
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
for family in text_string_to_metric_families(open(sys.argv[1]).read()):
    for sample in family.samples:
        print(sample.name, sorted(sample.labels.items()), sample.value)
";

#[test]
fn a_strict_reader_takes_every_line() {
    let remedy = "install python3-prometheus-client (Debian)";
    let Some(python) = need::python_module("prometheus_client", remedy) else { return };
    let daemon = Daemon::ours(&[]);
    let read = || {
        let file = daemon.work.write("metrics", daemon.metrics());
        let mut reader = clean(&python);
        reader.args(["-c", READ]).arg(file);
        run(reader).good().out()
    };
    assert!(read().contains("distccd_jobs_total [('reason', 'done'), ('result', 'compile_ok')] 0.0\n"));
    let name = "quo\"ted\\ \u{1b}[1m{a=\"b\"}\n# EOF\n";
    daemon.compile("gcc", &format!("{name}.c"), "int x;");
    daemon.compile(name, "x.c", "int x;");
    let samples = read();
    assert!(
        samples.contains("distccd_jobs_total [('reason', 'done'), ('result', 'compile_ok')] 1.0\n"),
        "{samples}"
    );
    let line = "distccd_compiler_jobs_total [('compiler', 'quo\"ted\\\\ ?[1m{a=\"b\"}?# EOF?'), ('result', 'failed')] 1.0\n";
    assert!(samples.contains(line), "{samples}");
    assert_eq!(daemon.value("dcc_longest_job"), "quo\"ted\\ ?[1m{a=\"b\"}?# EOF?.c");
    assert_eq!(daemon.ask("").lines().filter(|line| line.starts_with("dcc_")).count(), 27);
}

#[test]
fn what_happens_now() {
    let daemon = Daemon::ours(&[]);
    let sleeper = daemon.sleeper(60);
    let mut clients: Vec<_> =
        (0..6).map(|number| daemon.begin(&sleeper, &format!("{number}.c"), "int x;")).collect();
    let now = || {
        ["clients_connected", "jobs_running", "jobs_waiting", "slots"]
            .map(|name| daemon.metric(&format!("distccd_{name}")) as u32)
    };
    wait_until(SOON, "four jobs that run and two that wait", || now() == [6, 4, 2, 4]);
    clients.push(daemon.send(b"DIST"));
    wait_until(SOON, "one that is still read", || now() == [7, 4, 2, 4]);
    clients.clear();
    wait_until(SOON, "nothing", || now() == [0, 0, 0, 4]);
    assert_eq!(daemon.metric("distccd_jobs_total{result=\"cli_disconn\",reason=\"left\"}") as u32, 6);
    assert_eq!(daemon.metric("distccd_jobs_total{result=\"other\",reason=\"truncated\"}") as u32, 1);
}

#[test]
fn bytes_and_times() {
    let daemon = Daemon::ours(&[]);
    let source = format!("/*{}*/int x;", "x".repeat(100_000));
    daemon.compile("gcc", "x.c", &source);
    let count = "distccd_job_duration_seconds_count";
    wait_until(SOON, "the end of the job", || daemon.metric(count) as u32 == 1);
    let received = daemon.metric("distccd_received_bytes_total");
    assert!((100_000.0..101_000.0).contains(&received), "{received}");
    let sent = daemon.metric("distccd_sent_bytes_total");
    assert!((500.0..50_000.0).contains(&sent), "{sent}");
    let time = daemon.metric("distccd_job_duration_seconds_sum");
    assert!(time > 0.0);
    for sum in [
        "distccd_compiler_seconds_total{compiler=\"gcc\"}",
        "distccd_client_seconds_total{client=\"127.0.0.1\"}",
    ] {
        assert!((daemon.metric(sum) - time).abs() < 1e-6);
    }
    assert!((daemon.metric("distccd_longest_job_seconds") - time).abs() < 1e-6);
}

#[test]
fn a_client_that_calls_itself_many_things_fills_no_memory() {
    let daemon = Daemon::ours(&[]);
    for number in 0..200 {
        daemon.compile(&format!("no-such-compiler-{number}"), "x.c", "int x;");
    }
    let others = "distccd_compiler_jobs_total{compiler=\"(others)\",result=\"failed\"}";
    wait_until(SOON, "the last of them", || daemon.metric(others) as u32 == 200 - 64);
    assert!(daemon.metrics().len() < 40_000);
}

#[test]
fn an_inquiry_is_no_job() {
    let daemon = Daemon::ours(&[]);
    let mut answer = String::new();
    let mut client = daemon.send(b"DIST0000da01ASKT0000000dcompiler gcc\n");
    client.read_to_string(&mut answer).expect("an answer");
    assert!(answer.contains("\ncompiler gcc "), "{answer}");
    daemon.compile("gcc", "x.c", "int x;");
    wait_until(SOON, "a job in the books", || daemon.value("dcc_compile_ok") == "1");
    for name in ["dcc_other", "dcc_rej_bad_req", "dcc_compile_error", "dcc_cli_disconnect"] {
        assert_eq!(daemon.value(name), "0", "{name}");
    }
    assert_eq!(daemon.value("dcc_num_compiles1"), "1");
}
