//! Runs many commands, a bounded number at a time, and keeps what they said. Knows nothing of what they do.

use crate::processes::Processes;
use std::io::{self, Read};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// How many run at a time, and where they are known.
#[derive(Debug)]
pub(crate) struct Crew {
    pub(crate) workers: usize,
    pub(crate) processes: Arc<Processes>,
}

/// How one command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// An error when it could not be run.
    pub(crate) status: io::Result<ExitStatus>,
    /// What it wrote to stdout.
    pub(crate) stdout: Vec<u8>,
    /// What it wrote to stderr.
    pub(crate) stderr: Vec<u8>,
}

impl Crew {
    /// Runs all `commands`, each without input, and tells `step` after each. What is left when everything is
    /// interrupted is not run.
    pub(crate) fn run(&self, commands: Vec<Command>, step: impl Fn() + Sync) -> Vec<Ended> {
        let next = AtomicUsize::new(0);
        let slots: Vec<Mutex<(Command, Option<Ended>)>> =
            commands.into_iter().map(|command| Mutex::new((command, None))).collect();
        thread::scope(|scope| {
            for _ in 0..self.workers.min(slots.len()) {
                scope.spawn(|| {
                    while let Some(slot) = slots.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
                        slot.1 = Some(self.run_one(&mut slot.0));
                        step();
                    }
                });
            }
        });
        let results =
            slots.into_iter().map(|slot| slot.into_inner().unwrap_or_else(PoisonError::into_inner).1);
        results.map(|ended| ended.expect("the scope ends after its last command")).collect()
    }

    /// Runs a command to its end.
    pub(crate) fn run_one(&self, command: &mut Command) -> Ended {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let status = self.listen_to(command, &mut stdout, &mut stderr);
        Ended { status, stdout, stderr }
    }

    fn listen_to(
        &self,
        command: &mut Command,
        out: &mut Vec<u8>,
        err: &mut Vec<u8>,
    ) -> io::Result<ExitStatus> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut running = self.processes.start(command)?;
        let (stdout, stderr) = (running.child().stdout.take(), running.child().stderr.take());
        thread::scope(|scope| {
            scope.spawn(|| stdout.map(|mut pipe| pipe.read_to_end(out)));
            stderr.map(|mut pipe| pipe.read_to_end(err))
        });
        running.wait()
    }
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
            Err(error) => format!("cannot be run: {error}"),
        };
        let said = String::from_utf8_lossy(&self.stderr);
        let error = said.lines().find(|line| line.contains("error: "));
        match error.or_else(|| said.lines().find(|line| !line.trim().is_empty())) {
            Some(line) => format!("{end}: {line}"),
            None => end,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn all_commands_run_and_are_heard() {
        let crew = Crew { workers: 3, processes: Arc::default() };
        let steps = AtomicUsize::new(0);
        let script =
            |number| format!("echo {number}; printf 'in x:\\nerror: e{number}\\n' >&2; exit {number}");
        let scripts = (0..7).map(|number| shell(&script(number)));
        let ended = crew.run(scripts.collect(), || {
            steps.fetch_add(1, Ordering::Relaxed);
        });
        for (number, ended) in ended.iter().enumerate() {
            assert_eq!(ended.stdout, format!("{number}\n").as_bytes());
            assert_eq!(ended.well(), number == 0);
        }
        assert_eq!(ended[2].how(), "exit status: 2: error: e2");
        assert_eq!(steps.into_inner(), 7);
    }

    #[test]
    fn what_cannot_be_run() {
        let crew = Crew { workers: 1, processes: Arc::default() };
        let ended = crew.run_one(&mut Command::new("/nowhere/at/all"));
        assert!(ended.how().starts_with("cannot be run: No such file"), "{}", ended.how());
    }
}
