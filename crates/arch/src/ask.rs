//! Asks another program something: runs it to its end, within a time, and keeps what it said. Knows nothing of what is
//! asked.

use crate::processes::Processes;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

/// More than this nobody has to say; the rest is not read.
const MOST_BYTES: u64 = 16 << 20;

/// How one command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// An error when it could not be run, or took too long.
    pub(crate) status: io::Result<ExitStatus>,
    /// What it wrote to stdout.
    pub(crate) stdout: Vec<u8>,
    /// What it wrote to stderr.
    pub(crate) stderr: Vec<u8>,
}

/// Runs `command` without input. Whatever still runs of it after `limit` is ended.
pub(crate) fn ask(processes: &Arc<Processes>, command: &mut Command, limit: Duration) -> Ended {
    let mut said = Said::default();
    let status = said.listen_to(processes, command, limit);
    Ended { status, stdout: said.stdout, stderr: said.stderr }
}

#[derive(Default)]
struct Said {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl Said {
    /// Into files: a pipe would stay open as long as a grandchild in the background holds it, as ssh's masters do.
    fn listen_to(
        &mut self,
        processes: &Arc<Processes>,
        command: &mut Command,
        limit: Duration,
    ) -> io::Result<ExitStatus> {
        let (mut stdout, mut stderr) = (tempfile::tempfile()?, tempfile::tempfile()?);
        command.stdin(Stdio::null()).stdout(stdout.try_clone()?).stderr(stderr.try_clone()?);
        let mut running = processes.start(command)?;
        let ended = running.wait_at_most(limit)?;
        drop(running);
        read(&mut stdout, &mut self.stdout)?;
        read(&mut stderr, &mut self.stderr)?;
        ended.ok_or_else(|| {
            io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {} s", limit.as_secs()))
        })
    }
}

fn read(file: &mut File, into: &mut Vec<u8>) -> io::Result<()> {
    file.rewind()?;
    file.take(MOST_BYTES).read_to_end(into)?;
    Ok(())
}

impl Ended {
    /// Whether it ran and ended with status 0.
    pub(crate) fn well(&self) -> bool {
        self.status.as_ref().is_ok_and(ExitStatus::success)
    }

    /// How it ended, and the line on stderr that tells why, if there is one.
    pub(crate) fn how(&self) -> String {
        let end = match &self.status {
            Ok(status) => status.to_string(),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => error.to_string(),
            Err(error) => format!("cannot be run: {error}"),
        };
        let said = String::from_utf8_lossy(&self.stderr);
        // systemctl enable --now tells of its links before it fails to start anything.
        let tells = |line: &&str| !line.trim().is_empty() && !line.starts_with("Created symlink");
        let error = said.lines().find(|line| line.contains("error: "));
        match error.or_else(|| said.lines().find(tells)) {
            Some(line) => format!("{end}: {line}"),
            None => end,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    fn asked(script: &str, limit: Duration) -> Ended {
        ask(&Arc::default(), Command::new("sh").args(["-c", script]), limit)
    }

    #[test]
    fn both_streams_and_the_status() {
        let ended = asked("echo out; printf 'in x:\\nerror: bad\\n' >&2; exit 3", Duration::from_secs(60));
        assert_eq!((ended.stdout.as_slice(), ended.well()), (b"out\n".as_slice(), false));
        assert_eq!(ended.how(), "exit status: 3: error: bad");
        let script = "printf 'Created symlink a -> b.\\nJob for x failed.\\nSee y\\n' >&2; exit 1";
        assert_eq!(asked(script, Duration::from_secs(60)).how(), "exit status: 1: Job for x failed.");
    }

    #[test]
    fn whoever_holds_the_streams_open_is_not_waited_for() {
        let begun = Instant::now();
        let ended = asked("setsid sleep 30 & echo out", Duration::from_secs(60));
        assert_eq!((ended.stdout.as_slice(), ended.well()), (b"out\n".as_slice(), true));
        assert!(begun.elapsed() < Duration::from_secs(25));
    }

    #[test]
    fn an_end_is_made_when_the_time_is_over() {
        let ended = asked("echo begun; sleep 600", Duration::from_millis(300));
        assert_eq!(ended.stdout, b"begun\n");
        assert_eq!(ended.how(), "no answer within 0 s");
    }

    #[test]
    fn what_cannot_be_run() {
        let ended = ask(&Arc::default(), &mut Command::new("/nowhere/at/all"), Duration::from_secs(1));
        assert!(ended.how().starts_with("cannot be run: No such file"), "{}", ended.how());
    }
}
