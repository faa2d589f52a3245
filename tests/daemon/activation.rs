//! A daemon that a service manager starts when somebody connects, with the sockets that it listens on. Knows nothing of
//! units.

use std::fs::{self, File};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};

use test_hosts::client::Client;
use test_hosts::distccd::{free_port, listens};
use test_hosts::process::{clean, pid_of};
use test_hosts::wait::{wait_for, wait_until};
use test_hosts::workdir::Workdir;
use test_hosts::{C_DISTCC, need};

use crate::daemon::{DISTCCD, SOON};

const DISTCC: &str = env!("CARGO_BIN_EXE_distcc");

/// What stands in for systemd: it listens, and becomes the daemon when somebody connects.
fn activator(sockets: &[String]) -> Option<Command> {
    let mut activator = clean(need::program("systemd-socket-activate", "install systemd")?);
    activator.args(sockets.iter().map(|socket| format!("--listen={socket}")));
    activator.arg(DISTCCD).args(["--daemon", "--no-detach", "--enable-tcp-insecure", "--lifetime=600"]);
    activator.args(["--log-stderr", "--log-level=info", "--allow-private"]);
    Some(activator)
}

fn name_of(pid: u32) -> String {
    fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default().trim().to_owned()
}

#[test]
fn starts_for_the_first_client_and_ends_when_nobody_comes() {
    let ports = [free_port(), free_port()];
    let Some(mut activator) = activator(&ports.map(|port| format!("127.0.0.1:{port}"))) else { return };
    let work = Workdir::new();
    let said = work.path().join("said");
    activator.args(["--port=9", "--listen=192.0.2.1", "--idle-exit=1"]);
    let mut daemon = activator.stderr(File::create(&said).unwrap()).stdin(Stdio::null()).spawn().unwrap();
    wait_until(SOON, "both ports", || ports.iter().all(|&port| listens(pid_of(&daemon), port)));
    assert_eq!(name_of(daemon.id()), "systemd-socket-", "an idle volunteer runs nothing of ours");

    work.write("x.c", "int x;\n");
    for port in ports {
        for distcc in [DISTCC, C_DISTCC.distcc] {
            if distcc == C_DISTCC.distcc && need::c_distcc().is_none() {
                continue;
            }
            let client = Client::new(distcc, &work, &format!("127.0.0.1:{port}")).env("DISTCC_FALLBACK", "0");
            client.run(&["gcc", "-c", "x.c"]).good();
            assert_eq!(name_of(daemon.id()), "distccd");
        }
    }

    let ended = wait_for(SOON, "the end of a daemon without clients", || daemon.try_wait().unwrap());
    let log = fs::read_to_string(&said).unwrap();
    assert_eq!(ended.code(), Some(0), "{log}");
    assert!(log.contains("--port and --listen not heeded: the service manager passed the sockets"), "{log}");
    assert_eq!(log.matches("] listening on 127.0.0.1:").count(), 2, "{log}");
    assert!(log.matches(" COMPILE_OK ").count() >= 2, "{log}");
}

#[test]
fn a_socket_that_is_none_of_tcp_is_refused() {
    let work = Workdir::new();
    let socket = work.path().join("socket");
    let Some(mut activator) = activator(&[socket.display().to_string()]) else { return };
    let said = work.path().join("said");
    let mut daemon = activator.stderr(File::create(&said).unwrap()).spawn().unwrap();
    wait_until(SOON, "a socket", || UnixStream::connect(&socket).is_ok());
    let ended = wait_for(SOON, "the end of the daemon", || daemon.try_wait().unwrap());
    let log = fs::read_to_string(&said).unwrap();
    assert_eq!(ended.code(), Some(102), "{log}");
    assert!(log.contains("a socket that was passed cannot be used: "), "{log}");
}
