//! The include server of one build: its process and the directory that it shares with clients; both are gone when this is
//! dropped. Knows nothing of hosts.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, mkdtemp};

use super::settings::Settings;

/// A server that does not listen by then never will.
const START: Duration = Duration::from_secs(10);
/// How long it may take to end by itself.
const END: Duration = Duration::from_secs(3);
const STEP: Duration = Duration::from_millis(2);
/// Only after a pump that was killed is there nobody to end the server but itself.
const IDLE_MINUTES: &str = "60";
/// What a server has to say besides, in its directory.
const SAID: &str = "stderr";
/// Discrepancies are counted in full and listed up to here.
const LISTED: usize = 10;
/// The longest name of a directory in which a socket can have a name that every client can connect to.
const LONGEST_TEMPORARY: usize = 70;

/// A directory with an include server, until it is dropped.
#[derive(Debug)]
pub(crate) struct Session {
    directory: PathBuf,
    child: Option<Child>,
    known: Option<i32>,
    left: bool,
}

impl Session {
    /// Makes the directory and starts a server that listens there.
    ///
    /// # Errors
    /// A sentence; the server's own words are in it.
    pub(crate) fn start(settings: &Settings) -> Result<Session, String> {
        let temporary =
            Some(&settings.temporary).filter(|place| place.as_os_str().len() <= LONGEST_TEMPORARY);
        let temporary = temporary.map_or(Path::new("/tmp"), PathBuf::as_path);
        let directory = mkdtemp(&temporary.join("distcc-pump.XXXXXX")).map_err(|error| {
            format!("Could not make temp \"distcc-pump\": {}: {}", temporary.display(), error.desc())
        })?;
        let mut session = Session::of(directory, None);
        session
            .begin()
            .map_err(|why| format!("{why}\n__________Could not start distcc-pump include server"))?;
        Ok(session)
    }

    /// That of an earlier `pump --startup`, with the process that it named.
    pub(crate) fn of(directory: PathBuf, known: Option<i32>) -> Session {
        Session { directory, child: None, known, left: false }
    }

    fn begin(&mut self) -> Result<(), String> {
        let wrong = |error: io::Error| format!("__________{}: {error}", self.directory.display());
        let said = File::create(self.directory.join(SAID)).map_err(wrong)?;
        let mut server = Command::new(std::env::current_exe().map_err(wrong)?);
        server.arg("--include-server").arg(&self.directory).args(["--idle", IDLE_MINUTES]);
        server.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(said);
        // A key that ends the build must not end the server first. Nor may it hold a directory that is to be removed.
        server.process_group(0).current_dir("/");
        let child = self.child.insert(server.spawn().map_err(wrong)?);
        let first_word = child.stdout.take().expect("a pipe was asked for");
        if says_something(first_word) {
            return Ok(());
        }
        let said = fs::read_to_string(self.directory.join(SAID)).unwrap_or_default();
        Err(format!("{said}__________Expected a socket at '{}'", self.directory.join("socket").display()))
    }

    /// What clients, and `pump --shutdown`, have to know.
    pub(crate) fn exports(&self) -> Vec<(&'static str, OsString)> {
        let pid = self.child.as_ref().map(|child| child.id().to_string()).unwrap_or_default();
        vec![
            ("INCLUDE_SERVER_PID", pid.into()),
            ("INCLUDE_SERVER_DIR", self.directory.clone().into()),
            ("INCLUDE_SERVER_PORT", self.directory.join("socket").into()),
        ]
    }

    /// Lets the server serve on.
    pub(crate) fn leave(mut self) {
        self.left = true;
    }

    /// Tells of compiles that failed elsewhere in pump mode and succeeded here.
    pub(crate) fn report(&self, settings: &Settings, err: &mut impl Write) {
        let count =
            fs::metadata(self.directory.join("discrepancy_counter")).map_or(0, |counter| counter.len());
        if count == 0 {
            return;
        }
        let mut report = format!(
            "__________Warning: {count} pump-mode compilation(s) failed on server, but succeeded locally.\n"
        );
        if settings.most_discrepancies.is_some_and(|most| count >= most) {
            report += "__________Distcc-pump was demoted to plain mode.\n";
        }
        let list = fs::read(self.directory.join("discrepancies")).unwrap_or_default();
        for line in String::from_utf8_lossy(&list).lines().take(LISTED) {
            report += &format!("    {line}\n");
        }
        report += "See the DISCREPANCIES section in the pump(1) man page.\n";
        let _ = err.write_all(report.as_bytes());
    }

    /// Ends the server, passes on what it said, and removes the directory.
    pub(crate) fn end(mut self, settings: &Settings, out: &mut impl Write, err: &mut impl Write) {
        if !self.serving().is_empty() {
            settings.say(out, format_args!("Shutting down distcc-pump include server"));
        }
        self.stop();
        if let Ok(mut said) = File::open(self.directory.join(SAID)) {
            let _ = io::copy(&mut said, err);
        }
    }
}

/// Not for what was left to serve on.
impl Drop for Session {
    fn drop(&mut self) {
        if !self.left {
            self.stop();
            let _ = fs::remove_dir_all(&self.directory);
        }
    }
}

impl Session {
    /// Makes every server of this directory end: ours, and the one that a client started after ours had died.
    fn stop(&mut self) {
        let started = Instant::now();
        let mut asked: Vec<Pid> = Vec::new();
        while started.elapsed() < 2 * END {
            let serving = self.serving();
            if serving.is_empty() {
                break;
            }
            for pid in serving {
                if started.elapsed() > END {
                    let _ = kill(pid, Signal::SIGKILL);
                } else if !asked.contains(&pid) {
                    asked.push(pid);
                    let _ = kill(pid, Signal::SIGTERM);
                    // One that was stopped would not hear of it.
                    let _ = kill(pid, Signal::SIGCONT);
                }
            }
            sleep(STEP);
        }
    }

    fn serving(&mut self) -> Vec<Pid> {
        // Waited for, or its number stays in use.
        let child = self.child.as_mut().and_then(|child| match child.try_wait() {
            Ok(None) => Some(child.id().cast_signed()),
            _ => None,
        });
        let written = fs::read_to_string(self.directory.join("pid")).ok();
        let written = written.and_then(|pid| pid.trim().parse().ok());
        let others = [written, self.known].into_iter().flatten().filter(|pid| serves(*pid, &self.directory));
        let mut pids: Vec<i32> = child.into_iter().chain(others).collect();
        pids.sort_unstable();
        pids.dedup();
        pids.into_iter().map(Pid::from_raw).collect()
    }
}

/// Whether a server says in time that it listens; it has nothing else to say there.
fn says_something(mut pipe: ChildStdout) -> bool {
    let started = Instant::now();
    let ready = loop {
        let left = PollTimeout::try_from(START.saturating_sub(started.elapsed())).unwrap_or(PollTimeout::MAX);
        match poll(&mut [PollFd::new(pipe.as_fd(), PollFlags::POLLIN)], left) {
            // Another child has ended.
            Err(Errno::EINTR) => {}
            ready => break ready.is_ok_and(|ready| ready > 0),
        }
    };
    ready && pipe.read(&mut [0; 16]).is_ok_and(|read| read > 0)
}

/// Whether this process is an include server of this directory: its number may be another's by now.
fn serves(pid: i32, directory: &Path) -> bool {
    let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let words: Vec<&[u8]> = command.split(|byte| *byte == 0).collect();
    words.windows(2).any(|pair| pair == [b"--include-server", directory.as_os_str().as_bytes()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_with_another_command_line_is_not_a_server() {
        let own = std::process::id().cast_signed();
        assert!(!serves(own, Path::new("/tmp")));
        assert!(!serves(-1, Path::new("/tmp")));
        let mut server = Command::new("/bin/sh")
            .args(["-c", "echo; read -r wait", "sh", "--include-server", "/the/directory"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // A process has its command line a moment after it was started.
        server.stdout.take().unwrap().read_exact(&mut [0]).unwrap();
        let pid = server.id().cast_signed();
        assert!(serves(pid, Path::new("/the/directory")) && !serves(pid, Path::new("/the")));
        server.kill().unwrap();
        server.wait().unwrap();
    }

    #[test]
    fn what_is_reported() {
        let check = |counter: &str, most, expected: &[&str]| {
            let place = tempfile::tempdir().unwrap();
            fs::write(place.path().join("discrepancy_counter"), counter).unwrap();
            fs::write(place.path().join("discrepancies"), "a.c: b.h\n").unwrap();
            let session = Session::of(place.path().to_owned(), None);
            let mut said = Vec::new();
            session.report(&Settings { most_discrepancies: most, ..Settings::default() }, &mut said);
            let said = String::from_utf8(said).unwrap();
            let begins: Vec<&str> = said.lines().map(|line| line.split([' ', '.']).next().unwrap()).collect();
            assert_eq!(begins, expected, "{said}");
        };
        check("", None, &[]);
        check("x", None, &["__________Warning:", "", "See"]);
        check("xx", Some(3), &["__________Warning:", "", "See"]);
        check("xxx", Some(3), &["__________Warning:", "__________Distcc-pump", "", "See"]);
    }
}
