//! How the daemon starts, says so and gives up, as scripts and service managers see it. Knows nothing of jobs beyond
//! one that works.

use std::fs::{self, Permissions};
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::process::{Child, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, geteuid};
use test_hosts::distccd::free_port;
use test_hosts::foreground::port_in;
use test_hosts::process::{Outcome, Running, clean, run};
use test_hosts::wait::{wait_for, wait_until};
use test_hosts::workdir::{Workdir, names_in};

use crate::daemon::{DISTCCD, Daemon, SOON, distccd};
use crate::wire::{answer, ask, read_all, request};

const GCC: [&str; 5] = ["gcc", "-c", "t.c", "-o", "t.o"];

fn place() -> Workdir {
    let work = Workdir::new();
    work.open_dir("spool");
    work.open_dir("run");
    work
}

#[track_caller]
fn ends(options: &[&str], code: i32, said: &str) -> Outcome {
    let outcome = run(distccd(options, &place()));
    assert_eq!(outcome.code(), Some(code), "{options:?}: {}", outcome.err());
    assert!(outcome.err().contains(said), "{options:?}: {}", outcome.err());
    outcome
}

#[test]
fn command_lines_that_make_no_sense() {
    ends(&["--bogus"], 101, "distccd: ERROR: --bogus: unknown option\n");
    ends(&["gcc", "--bogus-option"], 101, "--bogus-option: unknown option");
    ends(&["--port", "80000"], 101, "port number out of range: 80000");
    ends(&["--jobs=0"], 101, "--jobs argument must be between 1 and ");
    ends(&["--allow", "1.2.3.4/40"], 101, "invalid mask \"40\"");
    ends(&["--allow", "1.2.3.4.5.6.7/8"], 101, "can't parse internet address");
    let silent = ends(&["--bogus"], 101, "");
    assert_eq!(silent.err().lines().count(), 1);
}

#[test]
fn texts() {
    let version = ends(&["--version"], 0, "").out();
    assert!(version.starts_with("distccd ") && version.lines().count() >= 3, "{version}");
    assert!(ends(&["--help"], 0, "").out().contains("--pid-file"));
}

#[test]
fn a_port_that_is_taken() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for detach in ["--daemon", "--no-detach"] {
        let options = ["--daemon", detach, "--listen=127.0.0.1", "--port", &port, "--enable-tcp-insecure"];
        ends(&options, 102, &format!("bind of 127.0.0.1:{port} failed: Address already in use"));
    }
}

/// Ends the daemon that a test started and lost sight of.
struct Detached(Pid);

impl Drop for Detached {
    fn drop(&mut self) {
        let _ = kill(self.0, Signal::SIGKILL);
    }
}

#[test]
fn a_daemon_that_detaches() {
    let work = place();
    let [pid_file, log] = ["run/pid", "run/log"].map(|name| work.path().join(name));
    let port = free_port();
    let mut command = distccd(&["--daemon", "--enable-tcp-insecure", "--listen=127.0.0.1"], &work);
    command.arg("--port").arg(port.to_string());
    command.arg("--pid-file").arg(&pid_file).arg("--log-file").arg(&log);
    run(command).good();
    // The process that was started ends only when the port is open and the file written.
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let text = fs::read_to_string(&pid_file).unwrap();
    let daemon = Detached(Pid::from_raw(text.strip_suffix('\n').unwrap().parse().unwrap()));
    let address = stream.peer_addr().unwrap();
    drop(stream);
    assert_eq!(ask(address, &GCC, "int x;\n").status, 0);
    let session = fs::read_to_string(format!("/proc/{}/stat", daemon.0)).unwrap();
    let session = session.rsplit_once(") ").unwrap().1.split(' ').nth(3).unwrap().to_owned();
    assert_eq!(session, daemon.0.to_string(), "it has a session of its own");
    kill(daemon.0, Signal::SIGTERM).unwrap();
    wait_until(SOON, "the end of the daemon", || kill(daemon.0, None).is_err());
    assert_eq!(names_in(&work.path().join("run")), ["log"]);
    assert!(fs::read_to_string(&log).unwrap().contains("COMPILE_OK"));
}

/// --no-detach outranks --daemon, and the pid file is there all the same.
#[test]
fn a_daemon_in_the_foreground_has_a_pid_file() {
    let work = place();
    let pid_file = work.path().join("run/pid");
    let options = ["--daemon", "--no-detach", "--port=0", "--enable-tcp-insecure", "--log-stderr"];
    let mut command = distccd(&options, &work);
    let running = Running::start({
        command.arg("--pid-file").arg(&pid_file).current_dir(work.src());
        command
    });
    let told = || fs::read_to_string(&pid_file).ok().filter(|text| text.ends_with('\n'));
    assert_eq!(wait_for(SOON, "a pid file", told), format!("{}\n", running.pid()));
    running.signal(Signal::SIGTERM);
    assert_eq!(running.finish(SOON).signal(), Some(Signal::SIGTERM as i32));
    assert_eq!(names_in(&work.path().join("run")), [""; 0]);
    assert_eq!(names_in(&work.src()), [""; 0]);
}

#[test]
fn inetd_on_a_socket() {
    for mode in [&["--inetd"][..], &[]] {
        let work = place();
        let (mut client, server) = UnixStream::pair().unwrap();
        client.set_read_timeout(Some(SOON)).unwrap();
        let mut command = distccd(mode, &work);
        command.args(["--enable-tcp-insecure", "--log-file"]).arg(work.path().join("run/log"));
        command.stdin(Stdio::from(std::os::fd::OwnedFd::from(server.try_clone().unwrap())));
        let mut child = command.stdout(Stdio::from(std::os::fd::OwnedFd::from(server))).spawn().unwrap();
        drop(command);
        let long = format!("int x[500000] = {{1}};{}\n", " ".repeat(1_000_000));
        client.write_all(&request(&GCC, long.as_bytes())).unwrap();
        assert_eq!(answer(&read_all(&mut client)).status, 0);
        assert_eq!(end(&mut child), Some(0));
        let log = fs::read_to_string(work.path().join("run/log")).unwrap();
        assert!(log.contains("client: UNIX-DOMAIN COMPILE_OK "), "{log}");
        assert_eq!(names_in(&work.path().join("spool")), [""; 0]);
    }
}

#[test]
fn inetd_on_pipes() {
    let work = place();
    let mut command = distccd(&["--inetd", "--enable-tcp-insecure"], &work);
    command.arg("--log-file").arg(work.path().join("run/log")).stdin(Stdio::piped()).stdout(Stdio::piped());
    for (bytes, code) in [(request(&GCC, b"int x;\n"), 0), (b"GET / HTTP/1.0\r\n\r\n".to_vec(), 109)] {
        let mut child = command.spawn().unwrap();
        let mut to = child.stdin.take().unwrap();
        to.write_all(&bytes).unwrap();
        let output = read_all(&mut child.stdout.take().unwrap());
        assert_eq!(output.is_empty(), code != 0);
        assert_eq!(end(&mut child), Some(code));
        drop(to);
    }
    let log = fs::read_to_string(work.path().join("run/log")).unwrap();
    assert!(
        log.contains("client: NOTSOCKET COMPILE_OK ") && log.contains("client: NOTSOCKET REJ_BAD_REQ "),
        "{log}"
    );
}

#[test]
fn what_is_inherited_does_no_harm() {
    for before in ["exec env --ignore-signal=CHLD", "ulimit -n 64; exec", "ulimit -c 0; ulimit -f 1000; exec"]
    {
        let work = place();
        let mut command = clean("/bin/sh");
        command.arg("-c").arg(format!("{before} \"$0\" \"$@\"")).arg(DISTCCD);
        command.args(["--inetd", "--enable-tcp-insecure", "--jobs=4", "--log-file"]);
        command.arg(work.path().join("run/log")).env("TMPDIR", work.path().join("spool"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut to = child.stdin.take().unwrap();
        to.write_all(&request(&GCC, b"int x;\n")).unwrap();
        assert_eq!(answer(&read_all(&mut child.stdout.take().unwrap())).status, 0, "{before}");
        assert_eq!(end(&mut child), Some(0), "{before}");
    }
}

#[track_caller]
fn end(child: &mut Child) -> Option<i32> {
    wait_for(SOON, "the end of the daemon", || child.try_wait().unwrap()).code()
}

#[test]
fn the_service_manager_is_told_of_start_and_end() {
    let work = Workdir::new();
    let path = work.path().join("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o777)).unwrap();
    manager.set_read_timeout(Some(SOON)).unwrap();
    let variables = [("NOTIFY_SOCKET", path.to_str().unwrap())];
    let mut daemon = Daemon::start(&["--enable-tcp-insecure", "--drain=100000"], &variables);
    let word = || {
        let mut bytes = [0; 100];
        let length = manager.recv(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes[..length]).trim().to_owned()
    };
    assert_eq!(word(), "READY=1");
    daemon.signal(Signal::SIGTERM);
    assert_eq!(word(), "STOPPING=1");
    assert_eq!(word(), "EXTEND_TIMEOUT_USEC=100003000000");
    daemon.wait_for_end();
}

#[test]
fn a_hang_up_opens_the_log_anew() {
    let work = place();
    let [log, moved] = ["run/log", "run/log.1"].map(|name| work.path().join(name));
    let mut command = distccd(&["--daemon", "--no-detach", "--enable-tcp-insecure", "--port=0"], &work);
    let mut child = command.arg("--log-level=info").arg("--log-file").arg(&log).spawn().unwrap();
    let daemon = Detached(Pid::from_raw(child.id().cast_signed()));
    let port = wait_for(SOON, "a daemon that listens", || port_in(&fs::read_to_string(&log).ok()?));
    fs::rename(&log, &moved).unwrap();
    kill(daemon.0, Signal::SIGHUP).unwrap();
    wait_until(SOON, "a new log", || log.exists());
    assert_eq!(ask(([127, 0, 0, 1], port).into(), &GCC, "int x;\n").status, 0);
    wait_until(SOON, "a line in the new log", || fs::read_to_string(&log).unwrap().contains("COMPILE_OK"));
    kill(daemon.0, Signal::SIGTERM).unwrap();
    wait_for(SOON, "the end of the daemon", || child.try_wait().unwrap());
}

#[test]
fn both_families_are_served() {
    let daemon = Daemon::insecure(&[]);
    let port = daemon.address().port();
    for address in ["127.0.0.1", "::1"] {
        let address = std::net::SocketAddr::new(address.parse().unwrap(), port);
        if TcpListener::bind((address.ip(), 0)).is_ok() {
            assert_eq!(ask(address, &GCC, "int x;\n").status, 0, "{address}");
        }
    }
    daemon.wait_for_log("client: 127.0.0.1:");
}

#[test]
fn root_gives_way() {
    if !geteuid().is_root() {
        let _ =
            std::io::stderr().write_all(b"SKIPPED test root_gives_way: not root. To get it: run as root\n");
        return;
    }
    for options in [&[][..], &["--user", "nobody"], &["--user", "no-such-user"]] {
        let daemon = Daemon::insecure(options);
        let [uids, groups, gained] = ["Uid", "Groups", "NoNewPrivs"].map(|name| daemon.status(name));
        assert!(
            uids.split(' ').all(|uid| uid != "0") && groups != "0" && gained == "1",
            "{uids} {groups} {gained}"
        );
        assert_eq!(ask(daemon.address(), &GCC, "int x;\n").status, 0);
    }
    let daemon = Daemon::insecure(&["--user", "no-such-user"]);
    assert!(daemon.log().contains("Warning: no such user as \"no-such-user\""));
}

#[test]
fn politeness() {
    let daemon = Daemon::insecure(&["--nice", "7", "--oom-score-adj", "300"]);
    let proc = format!("/proc/{}", daemon.pid());
    let niceness = fs::read_to_string(format!("{proc}/stat")).unwrap();
    assert_eq!(niceness.rsplit_once(") ").unwrap().1.split(' ').nth(16), Some("7"));
    assert_eq!(fs::read_to_string(format!("{proc}/oom_score_adj")).unwrap().trim(), "300");
}
