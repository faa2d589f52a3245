//! What is compiled behind ssh is what is compiled here, whatever its size and whatever ssh is called.

use std::fs;
use std::time::{Duration, Instant};

use test_hosts::C_DISTCC;
use test_hosts::client::Client;
use test_hosts::need;
use test_hosts::objects::assert_same_bytes;
use test_hosts::process::{clean, run};
use test_hosts::ssh_host::SshHost;
use test_hosts::workdir::Workdir;

use crate::OURS;

/// The daemon at a local socket instead of pipes, with nothing between it and the client.
#[test]
fn every_client_with_every_daemon_and_no_ssh_between() {
    let Some(host) = SshHost::start(OURS.distccd) else { return };
    let direct = host.sshd.install("direct", "unset TMPDIR; shift; exec \"$@\"");
    let work = Workdir::new();
    work.write("x.c", "int x;\n");
    for client in [OURS, C_DISTCC] {
        for (daemon, options) in [(OURS, ""), (C_DISTCC, ",lzo"), (OURS, ",lzo")] {
            if [client, daemon].contains(&C_DISTCC) && need::c_distcc().is_none() {
                continue;
            }
            let list = format!("@local:{}{options}", daemon.distccd);
            let calling = Client::new(client.distcc, &work, &list).env("DISTCC_FALLBACK", "0");
            let calling = calling.env("DISTCC_SSH", &direct);
            calling.run(&["gcc", "-c", "x.c", "-o", "there.o"]).good();
            calling.run_plain(&["gcc", "-c", "x.c", "-o", "here.o"]).good();
            assert_same_bytes(&work.src().join("there.o"), &work.src().join("here.o"));
        }
    }
}

/// More than any buffer on the way holds, in both directions.
#[test]
fn megabytes() {
    for distccd in [OURS.distccd, C_DISTCC.distccd] {
        let Some(host) = SshHost::start(distccd) else { continue };
        let work = Workdir::new();
        let numbers: String =
            (0..300_000u32).map(|n| format!("{},\n", n.wrapping_mul(2_654_435_761))).collect();
        work.write("x.c", format!("unsigned x[] = {{\n{numbers}}};\n"));
        for options in ["", ",lzo"] {
            let calling = host.client(OURS.distcc, &work, &host.spec(1, options)).env("DISTCC_FALLBACK", "0");
            calling.run(&["gcc", "-c", "x.c", "-o", "there.o"]).good();
            calling.run_plain(&["gcc", "-c", "x.c", "-o", "here.o"]).good();
            assert_same_bytes(&work.src().join("there.o"), &work.src().join("here.o"));
        }
        host.assert_served(2);
    }
}

/// As distcc's own client does it, up to the quotes, which that does not understand.
#[test]
fn a_program_with_quoted_words_leads_there() {
    let Some(host) = SshHost::start(OURS.distccd) else { return };
    let work = Workdir::new();
    work.write("x.c", "int x;\n");
    let program = host.sshd.install("my ssh", &format!("exec {} \"$@\"", host.sshd.ssh("key")));
    let calling = Client::new(OURS.distcc, &work, &host.spec(1, "")).env("DISTCC_FALLBACK", "0");
    let calling = calling.env("DISTCC_SSH", format!("'{}' -o \"ConnectTimeout 20\"", program.display()));
    calling.run(&["gcc", "-c", "x.c"]).good();
    host.assert_served(1);
}

/// ssh's kept connection outlives the job; its keeper must hold nothing of ours, or whoever reads our output waits for it.
#[test]
fn a_shared_connection_is_used_and_waited_for_by_nobody() {
    let Some(host) = SshHost::start(OURS.distccd) else { return };
    let work = Workdir::new();
    work.write("x.c", "int x;\n");
    let control = host.sshd.place().join("control");
    let shared = format!(
        "{} -o ControlMaster=auto -o ControlPath={} -o ControlPersist=60",
        host.sshd.ssh("key"),
        control.display()
    );
    let calling = Client::new(OURS.distcc, &work, &host.spec(1, "")).env("DISTCC_FALLBACK", "0");
    let calling = calling.env("DISTCC_SSH", &shared);
    let mut fastest = Duration::MAX;
    for _ in 0..5 {
        let started = Instant::now();
        let outcome = calling.run(&["gcc", "-c", "x.c"]).good();
        assert_eq!(outcome.err(), "");
        fastest = fastest.min(started.elapsed());
    }
    assert!(control.exists(), "no connection was kept");
    host.assert_served(5);
    assert!(fastest < Duration::from_secs(1), "{fastest:?} for a job without a login");
    let mut end = clean("sh");
    end.args(["-c", &format!("{shared} -O exit root@127.0.0.1")]);
    run(end).good();
}

#[test]
fn what_the_compiler_says_comes_back_alone() {
    let Some(host) = SshHost::start(OURS.distccd) else { return };
    let work = Workdir::new();
    work.write("x.c", "int f(void) { return; }\n");
    let noisy =
        host.sshd.install("noisy", &format!("echo greeting >&2; exec {} \"$@\"", host.sshd.ssh("key")));
    let log = work.path().join("log");
    let calling = Client::new(OURS.distcc, &work, &host.spec(1, "")).env("DISTCC_FALLBACK", "0");
    let calling = calling.env("DISTCC_SSH", noisy).env("DISTCC_LOG", &log);
    let outcome = calling.run(&["gcc", "-c", "x.c"]).good();
    assert!(outcome.err().contains("warning") && !outcome.err().contains("greeting"), "{}", outcome.err());
    let log = fs::read_to_string(log).unwrap();
    // Once for the word of the compiler, once for the job.
    assert!(log.contains("ssh: greeting\n") && log.matches("ssh: ").count() == 2, "{log}");
}
