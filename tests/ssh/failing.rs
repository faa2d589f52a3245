//! An ssh that leads nowhere costs one line that says why and a while without that host; the job is done here, once.

use std::fs;
use std::time::Duration;

use test_hosts::client::Client;
use test_hosts::process::Outcome;
use test_hosts::ssh_host::SshHost;
use test_hosts::sshd::Sshd;
use test_hosts::workdir::{Workdir, names_in};

use crate::OURS;

const HOST: &str = "root@127.0.0.1/1";

/// For programs that do nothing on purpose.
const IMPATIENT: &str = "1";
/// For those that log in.
const PATIENT: &str = "30";

/// What the client says of a host that its ssh does not lead to; the job is done here all the same, and only once.
#[track_caller]
fn check(ssh: &str, silence: &str, host: &str, reason: &str) {
    let work = Workdir::new();
    let count = work.open_dir("seen").join("runs");
    let compiler =
        work.write("compiler", format!("#!/bin/sh\necho x >>{}\nexec gcc \"$@\"\n", count.display()));
    test_hosts::distccd::make_executable(&compiler);
    work.write("x.c", "int x;\n");
    let words = [compiler.to_str().unwrap(), "-c", "x.c", "-o", "x.o"];
    // Questions about the compiler would be counted, too.
    let calling = Client::new(OURS.distcc, &work, host).env("DISTCC_TOOLCHAIN_CHECK", "off");
    let calling = calling.env("DISTCC_SSH", ssh).env("DISTCC_IO_TIMEOUT", silence);
    let outcome = calling.run(&words).good();
    let line = first_line(&outcome);
    assert!(line.contains(&format!("Warning: cannot compile x.c on {host}: ")), "{}", outcome.err());
    assert!(line.contains(reason), "{}\nbut not {reason}", outcome.err());
    let lines = outcome.err().lines().count();
    assert_eq!(lines, 2, "one line for the host, one for the build: {}", outcome.err());
    assert!(outcome.took < Duration::from_secs(25), "{:?}", outcome.took);
    // The preprocessor and the compiler: a client that went on in ssh's place would have started another.
    assert_eq!(fs::read_to_string(&count).unwrap(), "x\nx\n");
    let locks = names_in(&work.distcc_dir().join("lock"));
    assert!(locks.iter().any(|name| name.starts_with("backoff_ssh_")), "{locks:?}");
    let again = calling.run(&words).good();
    assert!(!again.err().contains("cannot compile"), "{}", again.err());
    let refused = calling.env("DISTCC_BACKOFF_PERIOD", "0").env("DISTCC_FALLBACK", "0").run(&words);
    assert_eq!(refused.code(), Some(116), "{}", refused.err());
}

fn first_line(outcome: &Outcome) -> String {
    outcome.err().lines().next().unwrap_or_default().to_owned()
}

#[test]
fn the_question_about_the_compiler_fails_as_a_job_does() {
    let work = Workdir::new();
    work.write("x.c", "int x;\n");
    let calling = Client::new(OURS.distcc, &work, HOST).env("DISTCC_TOOLCHAIN_CHECK", "strict");
    let calling = calling.env("DISTCC_SSH", "sh -c 'echo no such host >&2; exit 255'");
    let outcome = calling.run(&["gcc", "-c", "x.c"]).good();
    let expected = format!("Warning: cannot compile x.c on {HOST}: ssh: no such host");
    assert!(first_line(&outcome).ends_with(&expected), "{}", outcome.err());
}

#[test]
fn programs_that_are_no_ssh() {
    check("/missing/ssh -p 1", IMPATIENT, HOST, "cannot start /missing/ssh: No such file");
    check("ssh 'x", IMPATIENT, HOST, "Bad DISTCC_SSH value: ssh 'x: a quote is not closed");
    check("false", IMPATIENT, HOST, "server provided no answer");
    check("sh -c 'kill -9 $$'", IMPATIENT, HOST, "ssh: ended by signal 9");
    check("sh -c 'exit 255'", IMPATIENT, HOST, "ssh: ended with status 255 and said nothing");
    check("sh -c 'echo why >&2; exit 255'", IMPATIENT, HOST, "ssh: why");
    check("cat /dev/null", IMPATIENT, HOST, "");
    check("sh -c 'echo Password:; cat >/dev/null'", IMPATIENT, HOST, "expected token \"DONE\"");
}

/// One second of silence is allowed here.
#[test]
fn programs_that_never_end() {
    check("sh -c 'exec sleep 60'", IMPATIENT, HOST, "IO timeout while waiting for the answer");
    check("sh -c 'exec yes noise >&2'", IMPATIENT, HOST, "IO timeout while waiting for the answer; ssh: noi");
    check(
        "sh -c 'while :; do head -c 70000 /dev/zero >&2; echo end >&2; done'",
        IMPATIENT,
        HOST,
        "IO timeout",
    );
    check("sh -c 'trap \"\" TERM; while :; do sleep 1; done'", IMPATIENT, HOST, "IO timeout");
    check("sh -c 'kill -STOP $$'", IMPATIENT, HOST, "IO timeout");
}

#[test]
fn logins_that_fail() {
    let Some(sshd) = Sshd::start() else { return };
    let batch = |key: &str| format!("{} -o BatchMode=yes", sshd.ssh(key));
    check(&batch("key"), PATIENT, HOST, "ssh: Host key verification failed.");
    sshd.know_host("other-key");
    check(&batch("key"), PATIENT, HOST, "ssh: Host key verification failed.");
    sshd.know_host("host-key");
    check(&batch("other-key"), PATIENT, HOST, "ssh: root@127.0.0.1: Permission denied (publickey).");
    let missing = format!("{HOST}:/missing/distccd");
    check(&batch("key"), PATIENT, &missing, "ssh: ");
    check("ssh -F none -p 9", PATIENT, HOST, "ssh: connect to host 127.0.0.1 port 9: Connection refused");
    check("ssh -F none", PATIENT, "@name.invalid", "ssh: Could not resolve hostname name.invalid");
}

#[test]
fn connections_that_break_in_the_middle() {
    let Some(host) = SshHost::start(OURS.distccd) else { return };
    let daemon = host.sshd.install("dying", "head -c 30 >/dev/null; kill -9 $PPID");
    check(&host.sshd.ssh("key"), PATIENT, &format!("{HOST}:{}", daemon.display()), "");
    let daemon = host.sshd.install("babbling", "printf 'DONE00000001'; exit 3");
    check(
        &host.sshd.ssh("key"),
        PATIENT,
        &format!("{HOST}:{}", daemon.display()),
        "; ssh: ended with status 3 and said nothing",
    );
}

/// A daemon that fails tells so where it always does, and its words are not the compiler's.
#[test]
fn a_host_that_has_not_the_compiler() {
    let Some(host) = SshHost::start(OURS.distccd) else { return };
    let work = Workdir::new();
    work.write("x.c", "int x;\n");
    let calling = host.client(OURS.distcc, &work, &host.spec(1, ""));
    let outcome = calling.run(&["gcc", "-fplugin=none", "-c", "x.c"]);
    assert_ne!(outcome.code(), Some(0), "the compiler here has no such plugin either");
    let outcome = calling.run(&["gcc", "-c", "x.c", "-DX=y", "-Wall"]).good();
    assert_eq!(outcome.err(), "");
}
