//! A client that is told to stop leaves nothing: no file, no record, no process, here or on the host. Knows nothing of how it does that.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use nix::sys::signal::Signal;
use test_hosts::client::Client;
use test_hosts::distccd::{Distccd, Setup, free_port, make_executable};
use test_hosts::stub::Stub;
use test_hosts::wait::wait_until;
use test_hosts::workdir::{Workdir, names_in, records_in};

const DISTCC: &str = env!("CARGO_BIN_EXE_distcc");
const DISTCCD: &str = env!("CARGO_BIN_EXE_distccd");
const SOON: Duration = Duration::from_secs(10);
/// Longer than any test waits, short enough that nothing stays if a test fails.
const LONG: &str = "60";

#[test]
fn while_the_host_compiles() {
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        check(signal, Stub::new);
    }
}

#[test]
fn while_the_source_is_preprocessed() {
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        check(signal, Stub::with_slow_preprocessor);
    }
}

#[test]
fn while_it_compiles_here() {
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        check_with(signal, Stub::new, None);
    }
}

/// What is blocked or ignored is passed on to a program that is started, so the client's own arrangements must not reach compilers:
/// one that blocks SIGTERM cannot be stopped, and a shell that blocks SIGCHLD waits for ever.
#[test]
fn compilers_meet_signals_as_their_caller_does() {
    let work = Workdir::new();
    let seen = work.open_dir("seen").join("seen");
    // The shell reads its own masks: its children get others.
    let script = format!(
        "#!/bin/sh\nwhile read -r line; do\n  case $line in Sig[BI]*) echo \"$line\" >>{} ;; esac\ndone </proc/$$/status\nexec gcc \"$@\"\n",
        seen.display()
    );
    let compiler = work.write("compiler", script);
    make_executable(&compiler);
    let compiler = compiler.to_str().expect("temporary paths are plain");
    work.write("x.c", "int x;\n");
    let words = [compiler, "-c", "x.c", "-o", "x.o"];
    let masks = |client: &dyn Fn()| {
        let _ = fs::remove_file(&seen);
        client();
        fs::read_to_string(&seen).expect("a file that the script writes")
    };

    let daemon = Distccd::start(&Setup::of(DISTCCD));
    let nobody = format!("127.0.0.1:{}", free_port());
    let plain = masks(&|| drop(Client::new(DISTCC, &work, "").run_plain(&words).good()));
    // At the second call that host is left alone, which is another way to work here.
    for hosts in [nobody.as_str(), nobody.as_str(), "", "localhost", &daemon.host()] {
        let through = masks(&|| drop(Client::new(DISTCC, &work, hosts).run(&words).good()));
        // Twice where a preprocessor runs before the compiler.
        let lines = |text: &str| text.lines().map(str::to_owned).collect::<BTreeSet<_>>();
        assert_eq!(lines(&through), lines(&plain), "hosts: {hosts}");
    }
}

fn check(signal: Signal, stub: fn(&Workdir, &str) -> Stub) {
    let daemon = Distccd::start(&Setup::of(DISTCCD));
    check_with(signal, stub, Some(&daemon));
    wait_until(SOON, "an empty spool", || daemon.spool().is_empty());
}

fn check_with(signal: Signal, stub: fn(&Workdir, &str) -> Stub, daemon: Option<&Distccd>) {
    let work = Workdir::new();
    let stub = stub(&work, LONG);
    work.write("x.c", "int x;\n");
    let hosts = daemon.map_or_else(String::new, |daemon| format!("{}/1", daemon.host()));
    let client = Client::new(DISTCC, &work, &hosts);
    let running = client.start(&[stub.word(), "-c", "x.c", "-o", "x.o"]);
    wait_until(SOON, "a compiler at work", || stub.running().len() == 1);

    assert!(running.signal(signal), "the client ended by itself");
    let outcome = running.finish(SOON);
    assert_eq!(outcome.signal(), Some(signal as i32), "{signal}: {}", outcome.err());
    wait_until(SOON, "the end of the compiler", || stub.running().is_empty());
    assert_eq!(names_in(&work.src()), ["x.c"], "{signal}");
    assert_eq!(names_in(&work.tmp()), [""; 0], "{signal}");
    assert_eq!(records_in(&work), [""; 0], "{signal}");

    // The only slot is free again.
    work.write("y.c", "int y;\n");
    client.run(&["gcc", "-c", "y.c", "-o", "y.o"]).good();
}
