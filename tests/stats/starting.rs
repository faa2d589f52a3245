//! Where statistics can be had, and what happens when they cannot. Knows nothing of what is in them.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Stdio;

use test_hosts::distccd::{free_port, listens};
use test_hosts::need;
use test_hosts::process::{clean, pid_of, run};
use test_hosts::wait::{wait_for, wait_until};
use test_hosts::workdir::Workdir;

use crate::daemon::{DISTCCD, Daemon, SOON, ask, connect};

#[test]
fn only_this_machine_can_ask_unless_more_is_said() {
    let check = |options: &[&str], reached: &[&str], not_reached: &[&str]| {
        let daemon = Daemon::ours(options);
        let reaches = |address: &str| TcpStream::connect((address, daemon.stats)).is_ok();
        assert!(reached.iter().all(|address| reaches(address)), "{options:?}: {}", daemon.log());
        assert!(!not_reached.iter().any(|address| reaches(address)), "{options:?}: {}", daemon.log());
    };
    check(&[], &["127.0.0.1"], &["127.0.0.2"]);
    check(&["--listen=0.0.0.0"], &["127.0.0.1"], &["127.0.0.2"]);
    check(&["--stats-listen=127.0.0.2"], &["127.0.0.2"], &["127.0.0.1"]);
    check(&["--stats-listen=0.0.0.0"], &["127.0.0.1", "127.0.0.2"], &[]);
    if need::ipv6() {
        check(&[], &["127.0.0.1", "::1"], &["127.0.0.2"]);
        check(&["--stats-listen=::"], &["127.0.0.2", "::1"], &[]);
    }
}

#[test]
fn a_port_that_is_taken_is_told_before_the_daemon_leaves_the_terminal() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let work = Workdir::new();
    let (port, stats) = (free_port(), taken.local_addr().unwrap().port());
    for detached in [&["--no-detach"][..], &[]] {
        let mut distccd = clean(DISTCCD);
        distccd.args(["--daemon", "--stats", "--enable-tcp-insecure", "--lifetime=60", "--log-stderr"]);
        distccd.args([format!("--port={port}"), format!("--stats-port={stats}")]).args(detached);
        let ended = run({
            distccd.env("TMPDIR", work.tmp());
            distccd
        });
        assert_eq!(ended.code(), Some(102), "{}", ended.err());
        assert!(ended.err().contains(&format!("bind of 127.0.0.1:{stats} failed: Address already in use")));
        TcpListener::bind(("127.0.0.1", port)).expect("nothing is left of it");
    }
}

#[test]
fn without_statistics_nobody_listens_and_one_client_has_none() {
    let check = |options: &[&str], expected: &str| {
        let mut distccd = clean(DISTCCD);
        distccd.args(["--inetd", "--log-stderr", "--enable-tcp-insecure"]).args(options);
        let said = run(distccd).err();
        assert!(said.contains(expected), "{said}");
    };
    check(&["--stats"], "Warning: --stats not heeded: a daemon for one client keeps no statistics\n");
    check(&["--stats-listen=::"], "Warning: --stats-listen not heeded: there is no --stats\n");
}

#[test]
fn who_asks_keeps_no_daemon_that_waits_behind_its_socket() {
    let Some(activator) = need::program("systemd-socket-activate", "install systemd") else { return };
    let work = Workdir::new();
    let (port, stats, said) = (free_port(), free_port(), work.path().join("said"));
    let mut daemon = clean(activator)
        .arg(format!("--listen=127.0.0.1:{port}"))
        .arg(DISTCCD)
        .args(["--daemon", "--no-detach", "--enable-tcp-insecure", "--lifetime=60", "--log-stderr"])
        .args(["--log-level=info", "--idle-exit=2", "--stats"])
        .arg(format!("--stats-port={stats}"))
        .stderr(File::create(&said).unwrap())
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let address = SocketAddr::from(([127, 0, 0, 1], stats));
    wait_until(SOON, "the port for jobs", || listens(pid_of(&daemon), port));
    assert!(TcpStream::connect(address).is_err(), "nothing of ours runs yet");
    drop(connect(port));
    wait_until(SOON, "the port for statistics", || listens(pid_of(&daemon), stats));
    assert!(ask(stats, "").contains("\ndcc_max_kids "));
    let ended = wait_for(SOON, "the end of a daemon that is only asked", || {
        let _ = TcpStream::connect(address);
        daemon.try_wait().unwrap()
    });
    let log = fs::read_to_string(&said).unwrap();
    assert_eq!(ended.code(), Some(0), "{log}");
    assert!(log.contains(&format!("] statistics at http://127.0.0.1:{stats}/ and ")), "{log}");
}
