//! Ends that come early: a client that leaves, a compiler that takes too long, a daemon that is told to stop. Knows
//! nothing of good ends.

use std::fs;
use std::io::Write;
use std::net::Shutdown;
use std::time::Duration;

use nix::sys::signal::Signal;
use test_hosts::process::Running;
use test_hosts::stub::Stub;
use test_hosts::wait::wait_until;
use test_hosts::workdir::{Workdir, names_in};

use crate::daemon::{Daemon, SOON, distccd};
use crate::wire::{ask, connect, read_all, request};

/// Longer than any test waits, short enough that nothing stays if a test fails.
const LONG: &str = "60";

struct Compiling {
    stub: Stub,
    /// The stub lives in it.
    work: Workdir,
    daemon: Daemon,
    client: std::net::TcpStream,
}

/// A client whose compiler is at work.
#[track_caller]
fn compiling(options: &[&str]) -> Compiling {
    let work = Workdir::new();
    let stub = Stub::new(&work, LONG);
    let daemon = Daemon::insecure(options);
    let mut client = connect(daemon.address());
    client.write_all(&request(&[stub.word(), "-c", "t.c", "-o", "t.o"], b"int x;\n")).unwrap();
    wait_until(SOON, "a compiler at work", || stub.running().len() == 1);
    assert_eq!(daemon.spool().len(), 1);
    Compiling { stub, work, daemon, client }
}

#[test]
fn a_client_that_leaves_takes_its_compiler_along() {
    let leave: [fn(&mut std::net::TcpStream); 2] = [
        |client| client.shutdown(Shutdown::Both).unwrap(),
        |client| client.shutdown(Shutdown::Write).unwrap(),
    ];
    for leave in leave {
        let Compiling { stub, work: _work, daemon, mut client } = compiling(&["--jobs", "1"]);
        leave(&mut client);
        wait_until(SOON, "the end of the compiler", || stub.running().is_empty());
        daemon.wait_for_empty_spool();
        daemon.wait_for_log("Client fd disconnected, killing job");
        daemon.wait_for_log(" CLI_DISCONN exit:107 sig:0 core:0 ret:107 time:");
        // The only slot is free again.
        assert_eq!(ask(daemon.address(), &["gcc", "-c", "t.c", "-o", "t.o"], "int x;\n").status, 0);
    }
}

#[test]
fn a_client_that_leaves_while_it_waits_for_a_slot() {
    let Compiling { stub, work: _work, daemon, client: _compiling } = compiling(&["--jobs", "1"]);
    let mut waiting = connect(daemon.address());
    waiting.write_all(&request(&[stub.word(), "-c", "u.c", "-o", "u.o"], b"int x;\n")).unwrap();
    daemon.wait_for_log("] compile from u.c to u.o\n");
    drop(waiting);
    daemon.wait_for_log(" CLI_DISCONN exit:107 sig:0 core:0 ret:107 time:");
    assert_eq!(stub.diary().started, 1);
}

#[test]
fn more_bytes_than_a_request_mean_nothing() {
    let Compiling { stub, work: _work, daemon, mut client } = compiling(&["--job-lifetime", "2"]);
    client.write_all(&[b'x'; 100_000]).unwrap();
    assert_eq!(stub.running().len(), 1);
    let answer = read_all(&mut client);
    assert!(answer.starts_with(b"DONE00000001STAT00007600SERR"), "{}", String::from_utf8_lossy(&answer));
    drop(daemon);
}

#[test]
fn a_compiler_that_takes_too_long() {
    let Compiling { stub, work: _work, daemon, mut client } = compiling(&["--job-lifetime", "1"]);
    let answer = crate::wire::answer(&read_all(&mut client));
    assert_eq!((answer.status, answer.object.len()), (0x7600, 0));
    assert!(answer.stderr.ends_with("ERROR: Compilation takes too long, timeout.\n"), "{}", answer.stderr);
    wait_until(SOON, "the end of the compiler", || stub.running().is_empty());
    daemon.wait_for_log(" COMPILE_TIMEOUT exit:118 sig:0 core:0 ret:0 time:");
    daemon.wait_for_empty_spool();
}

#[test]
fn a_compiler_that_does_not_listen_is_killed() {
    let work = Workdir::new();
    let pid_file = work.open_dir("pid").join("pid");
    let script = work.path().join("cc");
    let text = format!("#!/bin/sh\ntrap '' TERM\necho $$ >{}\nsleep 60\nsleep 60\n", pid_file.display());
    fs::write(&script, text).unwrap();
    test_hosts::distccd::make_executable(&script);
    let daemon = Daemon::insecure(&["--job-lifetime", "1"]);
    let answer = ask(daemon.address(), &[script.to_str().unwrap(), "-c", "t.c", "-o", "t.o"], "int x;\n");
    assert_eq!(answer.status, 0x7600);
    let pid = fs::read_to_string(pid_file).unwrap();
    assert!(!fs::exists(format!("/proc/{}", pid.trim())).unwrap());
}

#[test]
fn what_a_compiler_left_running_is_killed() {
    let work = Workdir::new();
    let pid_file = work.open_dir("pid").join("pid");
    let script = work.path().join("cc");
    fs::write(&script, format!("#!/bin/sh\nsleep 60 &\necho $! >{}\n: >t.o\n", pid_file.display())).unwrap();
    test_hosts::distccd::make_executable(&script);
    let daemon = Daemon::insecure(&[]);
    let answer = ask(daemon.address(), &[script.to_str().unwrap(), "-c", "t.c", "-o", "t.o"], "int x;\n");
    assert_eq!(answer.status, 0);
    let pid = fs::read_to_string(pid_file).unwrap();
    wait_until(SOON, "the end of what was left", || {
        let stat = fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
        stat.map_or(true, |stat| stat.contains(") Z "))
    });
}

#[test]
fn silence_has_an_end() {
    let daemon = Daemon::start(&["--enable-tcp-insecure"], &[("DISTCC_IO_TIMEOUT", "1")]);
    let request = request(&["gcc", "-c", "t.c", "-o", "t.o"], b"int x;\n");
    for length in [4, 30, request.len() - 1] {
        let mut client = connect(daemon.address());
        client.write_all(&request[..length]).unwrap();
        assert_eq!(read_all(&mut client), b"");
    }
    daemon.wait_for_log("ERROR: IO timeout: the request did not come (from 127.0.0.1:");
    daemon.wait_for_log(" CLI_DISCONN exit:0 sig:0 core:0 ret:107 time:");
}

#[test]
fn a_daemon_that_is_told_to_end_leaves_nothing() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let pids = Workdir::new();
        let pid_file = pids.open_dir("run").join("pid");
        let Compiling { stub, work: _work, mut daemon, mut client } =
            compiling(&["--pid-file", pid_file.to_str().unwrap()]);
        assert!(pid_file.exists());
        daemon.signal(signal);
        assert_eq!(daemon.wait_for_end(), Some(signal as i32));
        assert_eq!(stub.running(), [0; 0]);
        assert_eq!(read_all(&mut client), b"");
        assert_eq!(daemon.spool(), [""; 0]);
        assert_eq!(names_in(&pids.path().join("run")), [""; 0]);
    }
}

#[test]
fn what_a_killed_daemon_left_is_swept_by_the_next() {
    let work = Workdir::new();
    let spool = work.open_dir("spool");
    let stub = Stub::new(&work, LONG);
    let variables = [("TMPDIR", spool.to_str().unwrap())];
    let mut killed = Daemon::start(&["--enable-tcp-insecure"], &variables);
    let mut client = connect(killed.address());
    client.write_all(&request(&[stub.word(), "-c", "t.c", "-o", "t.o"], b"int x;\n")).unwrap();
    wait_until(SOON, "a compiler at work", || stub.running().len() == 1);
    killed.signal(Signal::SIGKILL);
    killed.wait_for_end();
    assert_eq!(names_in(&spool).len(), 1);
    let _next = Daemon::start(&["--enable-tcp-insecure"], &variables);
    assert_eq!(names_in(&spool), [""; 0]);
    let compiler = nix::unistd::Pid::from_raw(stub.running()[0].cast_signed());
    nix::sys::signal::killpg(compiler, Signal::SIGKILL).unwrap();
}

#[test]
fn a_lifetime_beyond_all_clocks() {
    let daemon = Daemon::insecure(&["--lifetime=9223372036854775807"]);
    assert_eq!(ask(daemon.address(), &["gcc", "-c", "t.c", "-o", "t.o"], "int x;\n").status, 0);
}

#[test]
fn a_daemon_with_a_lifetime_ends_itself() {
    let work = Workdir::new();
    work.open_dir("spool");
    let mut command = distccd(&["--daemon", "--no-detach", "--port=0", "--enable-tcp-insecure"], &work);
    command.arg("--lifetime=1");
    let outcome = Running::start(command).finish(SOON);
    assert_eq!(outcome.signal(), Some(Signal::SIGALRM as i32), "{}", outcome.err());
    assert!(outcome.took >= Duration::from_secs(1));
}
