//! Runs many commands, a bounded number at a time, and keeps what they said. Knows nothing of what they do.

use crate::ask::{Ended, ask};
use crate::processes::Processes;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// How many run at a time, and where they are known.
#[derive(Debug)]
pub(crate) struct Crew {
    pub(crate) workers: usize,
    pub(crate) processes: Arc<Processes>,
}

/// A compile that takes longer never ends.
const LIMIT: Duration = Duration::from_secs(3600);

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
        ask(&self.processes, command, LIMIT)
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
}
