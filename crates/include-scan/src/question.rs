//! One run of a compiler for what it prints: in time, bounded, and ended with its whole family if it is not; understands
//! nothing of the answer.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// More than any compiler says about itself or about the files of one source.
const MOST_PRINTED: usize = 16 << 20;

/// A question: words for a compiler.
pub(crate) struct Question<'a> {
    pub(crate) compiler: &'a Path,
    pub(crate) words: Vec<OsString>,
    pub(crate) directory: &'a Path,
    /// The whole environment.
    pub(crate) environment: Vec<(OsString, OsString)>,
    /// Standard input: short enough for a pipe to hold.
    pub(crate) input: Vec<u8>,
    pub(crate) patience: Duration,
}

/// What a compiler printed before it ended.
pub(crate) struct Printed {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
}

impl Question<'_> {
    /// Runs the compiler. Errors: it cannot be started, takes too long, or prints without end.
    pub(crate) fn ask(&self) -> io::Result<Printed> {
        let mut command = Command::new(self.compiler);
        command.args(&self.words).current_dir(self.directory).env_clear();
        command.envs(self.environment.iter().map(|(name, value)| (name, value))).env("LC_ALL", "C");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut running = Running { child: command.spawn()?, ended: false };
        let mut stdin = running.child.stdin.take().expect("stdin was asked to be a pipe");
        // A compiler that ends without reading its question has no answer, and its status says so.
        let _ = stdin.write_all(&self.input);
        drop(stdin);
        running.listen(Instant::now() + self.patience)
    }
}

/// A compiler that runs; drop ends it and all that it has started.
struct Running {
    child: Child,
    ended: bool,
}

impl Running {
    fn listen(&mut self, until: Instant) -> io::Result<Printed> {
        let mut stdout = self.child.stdout.take().expect("stdout was asked to be a pipe");
        let mut stderr = self.child.stderr.take().expect("stderr was asked to be a pipe");
        let mut printed = [Vec::new(), Vec::new()];
        let mut open = [true, true];
        while open != [false, false] {
            let ready = {
                let fds = [stdout.as_fd(), stderr.as_fd()];
                readable(&fds, open, until)?
            };
            for (at, stream) in [&mut stdout as &mut dyn Read, &mut stderr].into_iter().enumerate() {
                if ready[at] {
                    open[at] = read_some(stream, &mut printed[at])?;
                }
            }
        }
        let [stdout, stderr] = printed;
        let status = self.wait(until)?;
        Ok(Printed { status, stdout, stderr })
    }

    fn wait(&mut self, until: Instant) -> io::Result<ExitStatus> {
        if let Some(pid) = Pid::from_raw(self.child.id().cast_signed()) {
            let end = pidfd_open(pid, PidfdFlags::empty())?;
            readable(&[end.as_fd()], [true], until)?;
        }
        let status = self.child.wait()?;
        self.ended = true;
        Ok(status)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        if let Some(group) = Pid::from_raw(self.child.id().cast_signed()) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.child.wait();
    }
}

/// Which of the open descriptors have something to read, or have ended. Waits until one has.
fn readable<const N: usize>(
    fds: &[std::os::fd::BorrowedFd<'_>; N],
    open: [bool; N],
    until: Instant,
) -> io::Result<[bool; N]> {
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "the compiler does not answer"));
        }
        let wait = Timespec { tv_sec: left.as_secs().cast_signed(), tv_nsec: i64::from(left.subsec_nanos()) };
        let mut waited: Vec<PollFd> =
            (0..N).filter(|at| open[*at]).map(|at| PollFd::new(&fds[at], PollFlags::IN)).collect();
        match poll(&mut waited, Some(&wait)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => {}
            Ok(_) => {
                let mut ready = waited.iter().map(|fd| !fd.revents().is_empty());
                return Ok(std::array::from_fn(|at| open[at] && ready.next().unwrap_or(false)));
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Reads what is there; false at the end.
fn read_some(stream: &mut dyn Read, into: &mut Vec<u8>) -> io::Result<bool> {
    let mut buffer = [0; 16 << 10];
    let read = stream.read(&mut buffer)?;
    into.extend_from_slice(&buffer[..read]);
    if into.len() > MOST_PRINTED {
        return Err(io::Error::other("the compiler prints without end"));
    }
    Ok(read > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn ask(script: &str, input: &[u8], patience: Duration) -> io::Result<Printed> {
        Question {
            compiler: Path::new("/bin/sh"),
            words: vec!["-c".into(), script.into()],
            directory: Path::new("/"),
            environment: vec![("PATH".into(), "/usr/bin:/bin".into())],
            input: input.to_vec(),
            patience,
        }
        .ask()
    }

    #[test]
    fn both_streams_and_the_status_are_heard() {
        let printed = ask("cat; echo e >&2; env; exit 3", b"in", Duration::from_secs(10)).unwrap();
        assert_eq!(printed.status.code(), Some(3));
        assert!(printed.stdout.starts_with(b"in") && !printed.stdout.windows(5).any(|part| part == b"HOME="));
        assert_eq!(printed.stderr, b"e\n");
    }

    #[test]
    fn what_takes_too_long_is_ended_with_its_children() {
        for script in ["sleep 1000 & sleep 1000", "exec >&- 2>&-; sleep 1000", "while :; do echo; done"] {
            let started = Instant::now();
            assert!(ask(script, b"", Duration::from_millis(300)).is_err(), "{script}");
            assert!(started.elapsed() < Duration::from_secs(10), "{script}");
        }
    }
}
