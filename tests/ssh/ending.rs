//! However a client ends, its ssh ends too, and what ran behind it.

use std::fs;

use nix::sys::signal::{Signal, killpg};
use test_hosts::client::Client;
use test_hosts::ssh_host::SshHost;
use test_hosts::stub::Stub;
use test_hosts::wait::wait_until;
use test_hosts::workdir::{Workdir, names_in};

use crate::{OURS, SOON};

const LONG: &str = "60";
const SIGNALS: [Signal; 4] = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGKILL];

#[test]
fn while_the_host_compiles() {
    let Some(host) = SshHost::start(OURS.distccd) else { return };
    for signal in SIGNALS {
        let work = Workdir::new();
        let stub = Stub::new(&work, LONG);
        work.write("x.c", "int x;\n");
        let calling = host.client(OURS.distcc, &work, &host.spec(1, ""));
        let running = calling.start(&[stub.word(), "-c", "x.c", "-o", "x.o"]);
        wait_until(SOON, "a compiler at work", || stub.running().len() == 1);
        assert!(running.signal(signal), "the client ended by itself");
        assert_eq!(running.finish(SOON).signal(), Some(signal as i32));
        wait_until(SOON, "the end of the compiler", || stub.running().is_empty());
        wait_until(SOON, "the end of ssh", || processes_with(&work_word(&host)).is_empty());
        assert_eq!(names_in(&work.src()), ["x.c"], "{signal}");
    }
}

/// What tells this test's ssh from others: the path of its daemon is among its arguments.
fn work_word(host: &SshHost) -> String {
    host.sshd.place().display().to_string()
}

/// An ssh that has not logged in yet does not look at what it is to send, so its end of the stream tells it nothing.
#[test]
fn while_ssh_connects() {
    for signal in SIGNALS {
        let work = Workdir::new();
        work.write("x.c", "int x;\n");
        let mark = work.path().join("connecting");
        let ssh = format!("sh -c 'echo $$ >{0}.new; mv {0}.new {0}; exec sleep 61' {0}", mark.display());
        let calling = Client::new(OURS.distcc, &work, "@127.0.0.1").env("DISTCC_SSH", ssh);
        let running = calling.start(&["gcc", "-c", "x.c", "-o", "x.o"]);
        wait_until(SOON, "an ssh that connects", || mark.exists());
        let ssh = fs::read_to_string(&mark).unwrap();
        assert!(running.signal(signal), "the client ended by itself");
        let outcome = running.finish(SOON);
        assert_eq!(outcome.signal(), Some(signal as i32), "{}", outcome.err());
        assert_eq!(outcome.err(), "", "{signal}: a host is not to blame for that");
        wait_until(SOON, "the end of ssh", || has_ended(ssh.trim()));
    }
}

fn has_ended(pid: &str) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    status.is_empty() || status.contains(") Z ")
}

/// A terminal sends SIGINT to ssh, too, which then ends first.
#[test]
fn by_a_key_on_the_terminal() {
    let work = Workdir::new();
    work.write("x.c", "int x;\n");
    let mark = work.path().join("connecting");
    let ssh = format!("sh -c 'echo >{}; exec sleep 61'", mark.display());
    let calling = Client::new(OURS.distcc, &work, "@127.0.0.1").env("DISTCC_SSH", ssh);
    let running = calling.start(&["gcc", "-c", "x.c", "-o", "x.o"]);
    wait_until(SOON, "an ssh that connects", || mark.exists());
    killpg(running.pid(), Signal::SIGINT).unwrap();
    let outcome = running.finish(SOON);
    assert_eq!(outcome.signal(), Some(Signal::SIGINT as i32), "{}", outcome.err());
    assert_eq!(outcome.err(), "");
    assert_eq!(
        names_in(&work.distcc_dir().join("lock")).iter().filter(|name| name.starts_with("backoff")).count(),
        0
    );
}

fn processes_with(word: &str) -> Vec<String> {
    let mut found = Vec::new();
    for process in fs::read_dir("/proc").unwrap().flatten() {
        let line = fs::read(process.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        if line.starts_with("ssh ") && line.contains(word) {
            found.push(line);
        }
    }
    found
}
