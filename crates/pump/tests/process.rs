//! The include server as a process: how it is started, stopped, killed and replaced.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// No test waits for longer.
const BOUND: Duration = Duration::from_secs(20);

/// A directory for a server, whose servers end with it.
struct Site(TempDir);

impl Site {
    fn new() -> Site {
        Site(tempfile::tempdir().unwrap())
    }

    fn directory(&self) -> PathBuf {
        self.0.path().join("server")
    }

    fn command(&self) -> Command {
        let program = std::env::current_exe().unwrap();
        let program = program.ancestors().nth(2).unwrap().join("examples/pump");
        assert!(program.exists(), "{} is not built; run `cargo build -p pump --examples`", program.display());
        let mut command = Command::new(program);
        command.arg("--include-server").arg(self.directory()).stdin(Stdio::null());
        command
    }

    /// A server that is our child, once it listens.
    fn start(&self) -> Child {
        let mut child = self.command().stdout(Stdio::piped()).spawn().unwrap();
        let mut word = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut word).unwrap();
        assert_eq!(word, "listening\n");
        child
    }

    fn is_served(&self) -> bool {
        UnixStream::connect(self.directory().join("socket")).is_ok()
    }

    fn pid(&self) -> Pid {
        let text = fs::read_to_string(self.directory().join("pid")).unwrap();
        Pid::from_raw(text.trim().parse().unwrap())
    }

    fn names(&self) -> usize {
        fs::read_dir(self.directory()).unwrap().count()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if let Ok(text) = fs::read_to_string(self.directory().join("pid")) {
            let _ = kill(Pid::from_raw(text.trim().parse().unwrap()), Signal::SIGKILL);
        }
    }
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < BOUND, "{what}");
        sleep(Duration::from_millis(10));
    }
}

fn send(child: &Child, signal: Signal) {
    kill(Pid::from_raw(child.id().cast_signed()), signal).unwrap();
}

#[test]
fn it_ends_when_told_and_leaves_nothing() {
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        let site = Site::new();
        let mut server = site.start();
        assert_eq!(site.pid().as_raw(), server.id().cast_signed());
        // A client that only listens does not hold it up for long.
        let _client = UnixStream::connect(site.directory().join("socket")).unwrap();
        send(&server, signal);
        assert!(server.wait().unwrap().success());
        assert_eq!(site.names(), 0);
    }
}

#[test]
fn a_killed_one_is_replaced() {
    let site = Site::new();
    let mut server = site.start();
    server.kill().unwrap();
    server.wait().unwrap();
    assert!(site.directory().join("socket").exists() && !site.is_served());
    let mut next = site.start();
    assert!(site.is_served());
    assert_eq!(site.pid().as_raw(), next.id().cast_signed());
    send(&next, Signal::SIGTERM);
    next.wait().unwrap();
}

#[test]
fn a_stopped_one_ends_when_it_finds_its_place_taken() {
    let site = Site::new();
    let mut stopped = site.start();
    send(&stopped, Signal::SIGSTOP);
    fs::remove_file(site.directory().join("socket")).unwrap();
    let mut next = site.start();
    send(&stopped, Signal::SIGCONT);
    assert!(stopped.wait().unwrap().success());
    assert!(site.is_served());
    assert_eq!(site.pid().as_raw(), next.id().cast_signed());
    send(&next, Signal::SIGTERM);
    next.wait().unwrap();
}

#[test]
fn one_is_enough() {
    let site = Site::new();
    let mut server = site.start();
    let second = site.command().output().unwrap();
    assert!(second.status.success(), "{second:?}");
    assert_eq!(site.pid().as_raw(), server.id().cast_signed());
    send(&server, Signal::SIGTERM);
    server.wait().unwrap();
}

#[test]
fn who_starts_it_in_the_background_is_rid_of_it() {
    let site = Site::new();
    // The shell's pipe, as make's jobserver is one, comes along without being asked for.
    let script = "exec 9>&1; \"$@\" >/dev/null 2>&1";
    let direct = site.command();
    let mut shell = Command::new("sh");
    shell.args(["-c", script, "sh"]).arg(direct.get_program()).args(direct.get_args());
    shell.args(["--detach", "--idle", "1"]).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut shell = shell.spawn().unwrap();
    let mut pipe = shell.stdout.take().unwrap();
    assert!(shell.wait().unwrap().success());
    assert!(site.is_served());
    // It ends though the server is there.
    pipe.read_to_end(&mut Vec::new()).unwrap();
    let server = site.pid();
    let link = |name: &str| fs::read_link(format!("/proc/{server}/{name}")).unwrap();
    assert_eq!(link("cwd"), Path::new("/"));
    // Until just now it had a pipe to who started it, to say that it serves.
    wait_until("its streams lead nowhere", || {
        ["fd/0", "fd/1", "fd/2"].iter().all(|descriptor| link(descriptor) == Path::new("/dev/null"))
    });
    let stat = fs::read_to_string(format!("/proc/{server}/stat")).unwrap();
    let session = stat.rsplit_once(") ").unwrap().1.split(' ').nth(3).unwrap().to_owned();
    assert_eq!(session, server.to_string());
    kill(server, Signal::SIGTERM).unwrap();
    wait_until("it leaves", || site.names() == 0);
}

#[test]
fn what_prevents_it_is_told() {
    let site = Site::new();
    fs::DirBuilder::new().mode(0o755).create(site.directory()).unwrap();
    for more in [&[][..], &["--detach"]] {
        let output = site.command().args(more).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("cannot serve in") && said.lines().count() == 1, "{said}");
    }
}
