//! A real distccd that serves until it is dropped, and what its log says it did. Knows nothing of clients.

use std::fs::{self, File, Permissions};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::{Pid, geteuid};

use crate::C_DISTCC;
use crate::client::gets_jobs_only;
use crate::netns::Netns;
use crate::process::{clean, pid_of};
use crate::settings::PATH;
use crate::wait::{wait_for, wait_until};
use crate::workdir::{Workdir, names_in};

const START: Duration = Duration::from_secs(20);
/// A job's line is in the log by then.
const SOON: Duration = Duration::from_secs(5);
/// A daemon that outlives a killed test ends itself.
const LIFETIME: &str = "--lifetime=1200";

/// How to start a daemon.
pub struct Setup<'a> {
    /// The program.
    pub distccd: &'a str,
    /// `--jobs`.
    pub jobs: u32,
    /// The host it runs on; None: here, on the loopback interface.
    pub on: Option<&'a Netns>,
    /// Words of its own that the command line gets.
    pub words: &'a [&'a str],
    /// Its search path for compilers.
    pub path: &'a str,
    /// The port to listen on; None: one that is free.
    pub port: Option<u16>,
}

impl<'a> Setup<'a> {
    /// A daemon on the loopback interface that lets any compiler run.
    pub fn of(distccd: &'a str) -> Setup<'a> {
        Setup { distccd, jobs: 4, on: None, words: &[], path: PATH, port: None }
    }
}

/// A daemon that listens.
pub struct Distccd {
    command: Command,
    child: Child,
    address: Ipv4Addr,
    port: u16,
    place: Workdir,
}

/// One line of a daemon's log about one job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// `COMPILE_OK`, `COMPILE_ERROR`, `CLI_DISCONN`, …
    pub result: String,
    /// The source as the client named it, where the daemon got that far.
    pub source: Option<String>,
}

impl Distccd {
    /// Starts the daemon and waits until it listens.
    #[track_caller]
    pub fn start(setup: &Setup) -> Distccd {
        // A free port may be taken by another test before the daemon has it: then it ends at once with status 102.
        for _ in 0..5 {
            if let Some(daemon) = Distccd::try_start(setup) {
                if setup.distccd == C_DISTCC.distccd {
                    gets_jobs_only(daemon.host());
                }
                return daemon;
            }
        }
        panic!("{} found no free port in five tries", setup.distccd);
    }

    /// The same; None: its port was taken before it had it.
    #[track_caller]
    pub fn try_start(setup: &Setup) -> Option<Distccd> {
        let place = Workdir::new();
        let [logs, tmp] = ["logs", "spool"].map(|name| place.open_dir(name));
        let (address, port) = match setup.on {
            Some(host) => (host.address(), 3632),
            None => (Ipv4Addr::LOCALHOST, setup.port.unwrap_or_else(free_port)),
        };
        let mut command = setup.on.map_or_else(|| clean(setup.distccd), |host| host.command(setup.distccd));
        command
            .args(["--daemon", "--no-detach", "--log-level", "info", LIFETIME])
            .args(["--listen", &address.to_string(), "--port", &port.to_string()])
            .args(["--allow", &format!("{address}/24"), "--jobs", &setup.jobs.to_string()])
            .arg("--log-file")
            .arg(logs.join("distccd.log"))
            .arg("--enable-tcp-insecure")
            .args(setup.words);
        if geteuid().is_root() {
            command.args(["--user", "nobody"]);
        }
        command.env("TMPDIR", &tmp).env("HOME", &tmp).env("PATH", setup.path);
        let said = File::create(place.path().join("said")).expect("a file in a directory of ours");
        let also = said.try_clone().expect("a file that is open");
        command.current_dir("/").stdout(said).stderr(also).stdin(Stdio::null()).process_group(0);
        let child = command.spawn().unwrap_or_else(|error| panic!("cannot start {}: {error}", setup.distccd));
        let mut daemon = Distccd { command, child, address, port, place };
        daemon.listening().then_some(daemon)
    }

    #[track_caller]
    fn listening(&mut self) -> bool {
        let pid = pid_of(&self.child);
        let ended = wait_for(START, "a daemon that listens", || {
            if listens(pid, self.port) {
                return Some(None);
            }
            self.child.try_wait().expect("a child that is ours").map(Some)
        });
        match ended {
            None => true,
            Some(status) if status.code() == Some(102) => false,
            Some(status) => panic!("the daemon ended with {status}:\n{}{}", self.said(), self.log()),
        }
    }

    /// The host as a host list names it.
    pub fn host(&self) -> String {
        format!("{}:{}", self.address, self.port)
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The process that was started.
    pub fn pid(&self) -> Pid {
        pid_of(&self.child)
    }

    /// What it wrote to stdout and stderr.
    pub fn said(&self) -> String {
        fs::read_to_string(self.place.path().join("said")).unwrap_or_default()
    }

    /// Its log so far.
    pub fn log(&self) -> String {
        // The C daemon writes names as they are, be they text or not.
        let bytes = fs::read(self.place.path().join("logs/distccd.log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The jobs its log tells of so far.
    pub fn jobs(&self) -> Vec<Job> {
        self.log().lines().filter_map(Job::parse).collect()
    }

    /// How many jobs had this result so far.
    pub fn count(&self, result: &str) -> usize {
        self.jobs().iter().filter(|job| job.result == result).count()
    }

    /// Whether the log soon tells of this many jobs with this result: the line about a job may come after its answer.
    pub fn comes_to_tell(&self, result: &str, jobs: usize) -> bool {
        let started = Instant::now();
        wait_for(START, "a daemon's log", || {
            let told = self.count(result) >= jobs;
            (told || started.elapsed() > SOON).then_some(told)
        })
    }

    /// Panics unless the log comes to tell of this many good compiles, and not of more.
    #[track_caller]
    pub fn assert_served(&self, jobs: usize) {
        // The line about a job may come a moment after its answer.
        wait_until(START, &format!("a log that tells of {jobs} good jobs"), || {
            self.count("COMPILE_OK") >= jobs
        });
        assert_eq!(self.count("COMPILE_OK"), jobs, "{}", self.log());
    }

    /// What lies in its TMPDIR.
    pub fn spool(&self) -> Vec<String> {
        names_in(&self.place.path().join("spool"))
    }

    /// Takes its TMPDIR away, so that whatever is asked of it fails inside.
    pub fn lose_spool(&self) {
        let spool = self.place.path().join("spool");
        // It may be asking a compiler what it is, in there.
        wait_until(SOON, "a directory that goes", || fs::remove_dir_all(&spool).is_ok() || !spool.exists());
    }

    /// Starts it anew after a kill, with the port and the log that it had.
    #[track_caller]
    pub fn restart(&mut self) {
        self.child = self.command.spawn().expect("it could be started before");
        assert!(self.listening(), "somebody else has taken port {}", self.port);
    }

    /// Kills it as a crash or a power switch would; nothing gets to clean up.
    pub fn kill(&mut self) {
        let _ = killpg(self.pid(), Signal::SIGKILL);
        let _ = self.child.wait();
    }
}

impl Drop for Distccd {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Job {
    /// `… client: 127.0.0.1:42640 COMPILE_OK exit:0 sig:0 core:0 ret:0 time:45ms gcc hello.c`
    fn parse(line: &str) -> Option<Job> {
        let (_, facts) = line.split_once("client: ")?;
        let words: Vec<&str> = facts.split_whitespace().collect();
        let result = (*words.get(1)?).to_owned();
        let time = words.iter().position(|word| word.starts_with("time:"))?;
        Some(Job { result, source: words.get(time + 2).map(|&word| word.to_owned()) })
    }
}

/// A port of the loopback interface that nobody uses now.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free loopback port");
    listener.local_addr().expect("a bound socket").port()
}

/// Whether anything listens at a port of the network that this process sees; asks the kernel, so that no connection is made.
pub fn listens(pid: Pid, port: u16) -> bool {
    ["tcp", "tcp6"].iter().any(|family| {
        let table = PathBuf::from(format!("/proc/{pid}/net/{family}"));
        fs::read_to_string(table).is_ok_and(|text| table_has_listener(&text, port))
    })
}

fn table_has_listener(table: &str, port: u16) -> bool {
    table.lines().skip(1).any(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        words.get(1).is_some_and(|local| local.ends_with(&format!(":{port:04X}")))
            && words.get(3) == Some(&"0A")
    })
}

/// Makes an existing file executable for everybody.
pub fn make_executable(path: &Path) {
    fs::set_permissions(path, Permissions::from_mode(0o755)).expect("a file of ours");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: Option<(&str, Option<&str>)>) {
        let expected =
            expected.map(|(result, source)| Job { result: result.into(), source: source.map(Into::into) });
        assert_eq!(Job::parse(line), expected, "{line}");
    }

    #[test]
    fn job_lines() {
        check(
            "distccd[7] (dcc_job_summary) client: 127.0.0.1:9 COMPILE_OK exit:0 sig:0 core:0 ret:0 time:45ms gcc hello.c",
            Some(("COMPILE_OK", Some("hello.c"))),
        );
        check(
            "distccd[7] client: 127.0.0.1:9 OTHER exit:0 sig:0 core:0 ret:108 time:20ms ",
            Some(("OTHER", None)),
        );
        check("distccd[7] connection from 127.0.0.1:9", None);
    }

    #[test]
    fn kernel_table() {
        let table = "  sl  local_address rem_address   st\n   0: 0100007F:0E30 00000000:0000 0A 0\n   1: 0100007F:0E31 0100007F:1 01 0\n";
        assert!(table_has_listener(table, 3632));
        assert!(!table_has_listener(table, 3633));
    }
}
