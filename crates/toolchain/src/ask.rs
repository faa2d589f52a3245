//! Asks a compiler one question: runs it, within a time, and keeps what it said. Knows nothing of what is asked.

use std::ffi::OsStr;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

/// More than this no compiler has to say.
const MOST_BYTES: usize = 64 << 10;

/// How often to look whether a process that has closed its output is gone.
const STEP: Duration = Duration::from_millis(1);

/// Runs `compiler WORDS…` without input, in an environment of a plain locale and `search_path` as `PATH`, and returns
/// what it wrote to stdout.
///
/// # Errors
/// One line without the compiler's name: it cannot be run, takes longer than `limit`, says too much, or fails.
pub(crate) fn ask(
    compiler: &Path,
    words: &[&str],
    search_path: &OsStr,
    limit: Duration,
) -> Result<Vec<u8>, String> {
    let mut command = Command::new(compiler);
    command.args(words).env_clear().env("PATH", search_path).env("LC_ALL", "C").current_dir("/");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0);
    let asked = Asked(command.spawn().map_err(|error| format!("cannot be run: {error}"))?);
    match asked.answer(Instant::now() + limit) {
        Ok((said, status)) if status.success() => Ok(said),
        Ok((_, status)) => Err(status.to_string()),
        Err(error) if error.kind() == io::ErrorKind::TimedOut => {
            Err(format!("no answer within {} s", limit.as_secs_f32()))
        }
        Err(error) => Err(error.to_string()),
    }
}

/// A compiler that was asked; dropped, it and what it started are killed.
struct Asked(Child);

impl Asked {
    fn answer(mut self, deadline: Instant) -> io::Result<(Vec<u8>, ExitStatus)> {
        let stdout = self.0.stdout.take().expect("a pipe was asked for");
        let said = read_until(stdout, deadline)?;
        loop {
            if let Some(status) = self.0.try_wait()? {
                return Ok((said, status));
            }
            if Instant::now() >= deadline {
                return Err(io::ErrorKind::TimedOut.into());
            }
            thread::sleep(STEP);
        }
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        // As long as it was not waited for, its id is its own.
        if let Ok(None) = self.0.try_wait() {
            let _ = killpg(Pid::from_raw(self.0.id().cast_signed()), Signal::SIGKILL);
            let _ = self.0.wait();
        }
    }
}

fn read_until(mut pipe: ChildStdout, deadline: Instant) -> io::Result<Vec<u8>> {
    let mut said = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        match poll(&mut [PollFd::new(pipe.as_fd(), PollFlags::POLLIN)], timeout) {
            Ok(0) if left.is_zero() => return Err(io::ErrorKind::TimedOut.into()),
            Ok(0) | Err(Errno::EINTR) => continue,
            Ok(_) => {}
            Err(error) => return Err(error.into()),
        }
        match pipe.read(&mut chunk)? {
            0 => return Ok(said),
            length => said.extend_from_slice(&chunk[..length]),
        }
        if said.len() > MOST_BYTES {
            return Err(io::Error::other("says more than a compiler would"));
        }
    }
}
