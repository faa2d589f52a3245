//! Runs a program to its end within a hard limit and keeps all it said. Knows nothing of what it runs.

use std::io::Read;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

use crate::settings::PATH;

/// Nothing that a test runs may take longer, unless the test says so.
pub const LIMIT: Duration = Duration::from_secs(60);

/// How a finished program ended and what it said.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Exit status or signal.
    pub status: ExitStatus,
    /// All of stdout.
    pub stdout: Vec<u8>,
    /// All of stderr.
    pub stderr: Vec<u8>,
    /// From start to end, wall clock.
    pub took: Duration,
}

impl Outcome {
    /// The exit status; None when a signal ended it.
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// The signal that ended it.
    pub fn signal(&self) -> Option<i32> {
        self.status.signal()
    }

    /// stderr as text.
    pub fn err(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    /// stdout as text.
    pub fn out(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Panics with all that was said unless the exit status is 0.
    #[track_caller]
    pub fn good(self) -> Outcome {
        assert!(
            self.status.success(),
            "{}\n--- stdout\n{}--- stderr\n{}",
            self.status,
            self.out(),
            self.err()
        );
        self
    }
}

/// A command with an environment of PATH and a plain locale, and no input.
pub fn clean(program: impl AsRef<Path>) -> Command {
    let mut command = Command::new(program.as_ref());
    command.env_clear().env("PATH", PATH).env("LANG", "C").env("LC_ALL", "C").stdin(Stdio::null());
    command
}

/// Runs a command to its end; panics if that takes longer than [`LIMIT`].
#[track_caller]
pub fn run(command: Command) -> Outcome {
    Running::start(command).finish(LIMIT)
}

/// A program that runs; dropped, it and its process group are killed.
pub struct Running {
    name: String,
    pid: Pid,
    started: Instant,
    ended: Receiver<ExitStatus>,
    stdout: Receiver<Vec<u8>>,
    stderr: Receiver<Vec<u8>>,
    over: bool,
}

impl Running {
    /// Starts a command in a process group of its own.
    #[track_caller]
    pub fn start(mut command: Command) -> Running {
        let name = format!("{command:?}");
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let started = Instant::now();
        let mut child = command.spawn().unwrap_or_else(|error| panic!("cannot start {name}: {error}"));
        let stdout = collect(child.stdout.take().expect("a pipe was asked for"));
        let stderr = collect(child.stderr.take().expect("a pipe was asked for"));
        let pid = pid_of(&child);
        let (tell, ended) = channel();
        thread::spawn(move || tell.send(child.wait().expect("a child that is ours")));
        Running { name, pid, started, ended, stdout, stderr, over: false }
    }

    /// Its process id, which is its process group's too.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// Sends a signal to the program alone; false if it has ended already.
    pub fn signal(&self, signal: Signal) -> bool {
        kill(self.pid, signal).is_ok()
    }

    /// Waits for the end; panics if that comes later than `limit` from now, or if something that the program left behind
    /// keeps its output open.
    #[track_caller]
    pub fn finish(mut self, limit: Duration) -> Outcome {
        let status = match self.ended.recv_timeout(limit) {
            Ok(status) => status,
            Err(RecvTimeoutError::Timeout) => panic!("still running after {limit:?}: {}", self.name),
            Err(RecvTimeoutError::Disconnected) => unreachable!("the waiting thread always tells"),
        };
        self.over = true;
        let took = self.started.elapsed();
        let [stdout, stderr] = [&self.stdout, &self.stderr].map(|output| {
            output
                .recv_timeout(Duration::from_secs(10))
                .unwrap_or_else(|_| panic!("left a process behind that holds its output: {}", self.name))
        });
        Outcome { status, stdout, stderr, took }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.over {
            let _ = killpg(self.pid, Signal::SIGKILL);
        }
    }
}

/// The id of a child process.
pub fn pid_of(child: &Child) -> Pid {
    Pid::from_raw(i32::try_from(child.id()).expect("Linux process ids fit"))
}

fn collect(mut pipe: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (tell, all) = channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.read_to_end(&mut bytes);
        tell.send(bytes)
    });
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = clean("/bin/sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn keeps_what_was_said() {
        let outcome = run(shell("echo out; echo err >&2; exit 3"));
        assert_eq!(
            (outcome.code(), outcome.out().as_str(), outcome.err().as_str()),
            (Some(3), "out\n", "err\n")
        );
    }

    #[test]
    fn tells_a_signal() {
        assert_eq!(run(shell("kill -TERM $$")).signal(), Some(Signal::SIGTERM as i32));
    }

    #[test]
    #[should_panic(expected = "still running after 50ms")]
    fn a_hang_is_a_failure() {
        Running::start(shell("sleep 60")).finish(Duration::from_millis(50));
    }
}
