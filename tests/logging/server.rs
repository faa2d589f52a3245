//! The daemon's log where the machine's log is wanted: each job's facts by name, readers that restart, readers that sleep.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::process::{Child, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use test_hosts::client::Client;
use test_hosts::distccd::{free_port, make_executable};
use test_hosts::need;
use test_hosts::process::pid_of;
use test_hosts::wait::wait_until;
use test_hosts::workdir::Workdir;

use crate::reader::{Reader, bound};
use crate::record::Record;
use crate::rooms::Rooms;

const DISTCC: &str = env!("CARGO_BIN_EXE_distcc");
const DISTCCD: &str = env!("CARGO_BIN_EXE_distccd");
const SOON: Duration = Duration::from_secs(20);

/// A daemon that logs to the machine's log; killed when dropped.
struct Daemon {
    child: Child,
    port: u16,
    work: Workdir,
}

impl Daemon {
    #[track_caller]
    fn start(rooms: &Rooms, options: &[&str], variables: &[(&str, &str)]) -> Daemon {
        let (work, port) = (Workdir::new(), free_port());
        let spool = work.open_dir("spool");
        let mut command = rooms.command(DISTCCD);
        command
            .args(["--daemon", "--no-detach", "--lifetime=600", "--jobs=4", &format!("--port={port}")])
            .args(options)
            .env("TMPDIR", spool)
            .envs(variables.iter().copied())
            .stderr(Stdio::null());
        let mut daemon = Daemon { child: command.spawn().unwrap(), port, work };
        wait_until(SOON, "a daemon that listens", || {
            assert!(daemon.child.try_wait().unwrap().is_none());
            daemon.connect().is_some()
        });
        daemon
    }

    /// A connection that is closed at once is a job that the log tells of.
    fn connect(&self) -> Option<TcpStream> {
        TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).ok()
    }

    #[track_caller]
    fn compile(&self, words: &[&str]) -> Option<i32> {
        let host = format!("127.0.0.1:{}", self.port);
        let client = Client::new(DISTCC, &self.work, &host).env("DISTCC_BACKOFF_PERIOD", "0");
        // A host that says beforehand that it has not the compiler is given no job to refuse.
        let client = client.env("DISTCC_TOOLCHAIN_CHECK", "off");
        client.env("DISTCC_FALLBACK", "0").env("DISTCC_NO_REWRITE_CROSS", "").run(words).code()
    }

    /// Returns when the log has been told: the daemon closes the connection then, in one way or another.
    fn odd_request(&self) {
        let mut client = self.connect().unwrap();
        client.set_read_timeout(Some(SOON)).unwrap();
        let _ = client.write_all(b"DIST00000009").and_then(|()| client.read_to_end(&mut Vec::new()));
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const GCC: [&str; 5] = ["gcc", "-c", "x.c", "-o", "x.o"];

const GOOD_JOB: &[&str] = &[
    "PRIORITY=5",
    "SYSLOG_FACILITY=3",
    "SYSLOG_IDENTIFIER=distccd",
    "DISTCC_CLIENT=127.0.0.1",
    "DISTCC_FILE=x.c",
    "DISTCC_COMPILER=gcc",
    "DISTCC_RESULT=COMPILE_OK",
    "DISTCC_EXIT=0",
    "DISTCC_SIGNAL=0",
    "DISTCC_REASON=",
];

#[test]
fn the_journal_knows_each_fact_of_a_job_by_its_name() {
    if !need::root() {
        return;
    }
    let rooms = Rooms::new();
    let journal = Reader::at(&rooms.journal());
    let daemon = Daemon::start(&rooms, &["--enable-tcp-insecure"], &[]);
    daemon.work.write("x.c", "int x;\n");
    daemon.work.write("bad.c", "int x = y;\n");
    assert_eq!(daemon.compile(&GCC), Some(0));
    let good = journal.record(" COMPILE_OK ");
    good.check(GOOD_JOB);
    let text = |record: &Record, name| record.get(name).parse::<u32>().unwrap();
    let [port, time] = ["DISTCC_CLIENT_PORT", "DISTCC_MILLISECONDS"].map(|name| text(&good, name));
    let expected = format!(
        "(dcc_job_summary) client: 127.0.0.1:{port} COMPILE_OK exit:0 sig:0 core:0 ret:0 time:{time}ms gcc x.c"
    );
    assert_eq!(good.get("MESSAGE"), expected);

    assert_eq!(daemon.compile(&["gcc", "-c", "bad.c", "-o", "x.o"]), Some(1));
    journal.record(" COMPILE_ERROR ").check(&[
        "DISTCC_FILE=bad.c",
        "DISTCC_RESULT=COMPILE_ERROR",
        "DISTCC_EXIT=1",
    ]);
    daemon.odd_request();
    let refused = journal.record(" REJ_BAD_REQ ");
    assert!(refused.get("DISTCC_REASON").starts_with("bad request: "), "{refused:?}");
    refused.check(&["PRIORITY=5", "DISTCC_CLIENT=127.0.0.1", "DISTCC_FILE=", "DISTCC_RESULT=REJ_BAD_REQ"]);
}

#[test]
fn the_reason_of_a_refusal_is_in_its_record() {
    if !need::root() {
        return;
    }
    let rooms = Rooms::new();
    let journal = Reader::at(&rooms.journal());
    let nowhere = ("DISTCCD_PATH", "/nowhere");
    let daemon = Daemon::start(&rooms, &["--allow=127.0.0.1"], &[nowhere]);
    daemon.work.write("x.c", "int x;\n");
    let own = daemon.work.write("gcc", "#!/bin/sh\nexec gcc \"$@\"\n");
    make_executable(&own);
    let own = own.to_str().unwrap();
    assert_eq!(daemon.compile(&[own, "-c", "x.c", "-o", "x.o"]), Some(116));
    let told = journal.record("\" refused: ");
    told.check(&["PRIORITY=4", "DISTCC_FILE=x.c", &format!("DISTCC_COMPILER={own}")]);
    let summary = journal.record(" exit:0 sig:0 core:0 ret:100 ");
    summary.check(&["DISTCC_RESULT=OTHER", "DISTCC_FILE=x.c", "DISTCC_CLIENT=127.0.0.1"]);
    assert!(told.get("MESSAGE").contains(&summary.get("DISTCC_REASON")), "{summary:?}");
    if need::compiler_link("gcc") {
        assert_eq!(daemon.compile(&GCC), Some(110));
        journal.record("failed to exec gcc").check(&["PRIORITY=3", "DISTCC_CLIENT=127.0.0.1"]);
        let missing = "DISTCC_REASON=gcc: no such program on the PATH of this server; it has no compiler";
        journal.record(" exit:110 ").check(&["DISTCC_RESULT=COMPILE_ERROR", "DISTCC_EXIT=110", missing]);
    }
}

#[test]
fn the_threshold_holds_for_the_journal_too() {
    if !need::root() {
        return;
    }
    let rooms = Rooms::new();
    let journal = Reader::at(&rooms.journal());
    let daemon = Daemon::start(&rooms, &["--enable-tcp-insecure", "--log-level=error"], &[]);
    for _ in 0..2 {
        daemon.odd_request();
    }
    journal.record("bad request: ");
    let levels: Vec<String> = journal.records().iter().map(|record| record.get("PRIORITY")).collect();
    assert!(levels.iter().all(|level| level == "3"), "{levels:?}");
}

#[test]
fn syslog_gets_lines_and_the_reason_stands_before_the_summary() {
    if !need::root() {
        return;
    }
    let rooms = Rooms::new();
    let syslog = Reader::at(&rooms.syslog());
    let daemon = Daemon::start(&rooms, &["--enable-tcp-insecure"], &[]);
    daemon.work.write("x.c", "int x;\n");
    assert_eq!(daemon.compile(&GCC), Some(0));
    let [line, _] = syslog.line(" COMPILE_OK ");
    let head = format!("<29>distccd[{}]: (dcc_job_summary) client: 127.0.0.1:", daemon.child.id());
    assert!(line.starts_with(&head) && line.ends_with("ms gcc x.c"), "{line}");
    daemon.odd_request();
    let [line, reason] = syslog.line(" REJ_BAD_REQ ");
    let client = line.split_whitespace().nth(3).unwrap();
    assert!(reason.starts_with("<27>distccd[") && reason.contains("]: ERROR: bad request: "), "{reason}");
    assert!(reason.ends_with(&format!(" (from {client})")), "{reason} / {line}");
}

#[test]
fn readers_may_come_and_go() {
    if !need::root() {
        return;
    }
    let rooms = Rooms::new();
    let daemon = Daemon::start(&rooms, &["--enable-tcp-insecure"], &[]);
    daemon.odd_request();
    for _ in 0..2 {
        let syslog = Reader::at(&rooms.syslog());
        daemon.odd_request();
        syslog.line(" REJ_BAD_REQ ");
        syslog.line(" lines of this log were lost");
        drop(syslog);
        daemon.odd_request();
        // It is preferred as soon as it is there, and only what nobody read was lost.
        let journal = Reader::at(&rooms.journal());
        daemon.odd_request();
        journal.record(" REJ_BAD_REQ ").check(&["DISTCC_CLIENT=127.0.0.1"]);
        drop(journal);
        daemon.odd_request();
    }
    kill(pid_of(&daemon.child), Signal::SIGHUP).unwrap();
    let journal = Reader::at(&rooms.journal());
    daemon.odd_request();
    journal.record(" REJ_BAD_REQ ");
}

#[test]
fn a_reader_that_sleeps_costs_lines_and_no_time() {
    if !need::root() {
        return;
    }
    let rooms = Rooms::new();
    let asleep = bound(&rooms.journal());
    let daemon = Daemon::start(&rooms, &["--enable-tcp-insecure", "--log-level=debug"], &[]);
    let queue = std::fs::read_to_string("/proc/sys/net/unix/max_dgram_qlen").unwrap();
    for _ in 0..queue.trim().parse::<u32>().unwrap_or(512) {
        daemon.odd_request();
    }
    daemon.work.write("x.c", "int x;\n");
    assert_eq!(daemon.compile(&GCC), Some(0));
    asleep.set_nonblocking(true).unwrap();
    let mut buffer = [0; 9000];
    while asleep.recv(&mut buffer).is_ok() {}
    daemon.odd_request();
    asleep.set_nonblocking(false).unwrap();
    asleep.set_read_timeout(Some(SOON)).unwrap();
    loop {
        let length = asleep.recv(&mut buffer).expect("a record of how many were lost");
        let record = Record::read(&buffer[..length]);
        if record.get("MESSAGE").contains(" lines of this log were lost") {
            record.check(&["PRIORITY=4", "SYSLOG_IDENTIFIER=distccd"]);
            return;
        }
    }
}
