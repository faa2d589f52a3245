//! The processes that we started. Each ends when its value is dropped, and all of them when INT, TERM or HUP arrives,
//! so that every wait for one of them ends, too. Knows nothing of what they do.

use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::collections::HashSet;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How long a process may take to clean up after SIGTERM.
const GRACE: Duration = Duration::from_secs(3);

const STEP: Duration = Duration::from_millis(5);

/// Every process of ours that runs.
#[derive(Debug, Default)]
pub(crate) struct Processes(Mutex<Living>);

#[derive(Debug, Default)]
struct Living {
    /// Leaders of process groups. An id stays here until its process has been reaped under this lock, so a signal
    /// never reaches a stranger with the same id.
    groups: HashSet<Pid>,
    /// The signal that ended everything.
    interrupted_by: Option<i32>,
}

/// A process of ours, the leader of a group; dropped, the group ends.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    processes: Arc<Processes>,
    reaped: bool,
}

impl Processes {
    /// No process yet. From now on the fatal signals no longer end this process.
    pub(crate) fn watched() -> io::Result<Arc<Processes>> {
        let processes = Arc::new(Processes::default());
        let ignored = ignored_signals()?;
        let heeded = [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|signal| ignored & 1 << (signal - 1) == 0);
        let mut signals = Signals::new(heeded)?;
        let watcher = Arc::clone(&processes);
        thread::Builder::new().name("signals".into()).spawn(move || {
            signals.forever().for_each(|signal| watcher.interrupt(signal));
        })?;
        Ok(processes)
    }

    /// Starts a command in a process group of its own.
    pub(crate) fn start(self: &Arc<Self>, command: &mut Command) -> io::Result<Running> {
        let mut living = self.living();
        if living.interrupted_by.is_some() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let child = command.process_group(0).spawn()?;
        living.groups.insert(pid_of(&child));
        Ok(Running { child, processes: Arc::clone(self), reaped: false })
    }

    /// The signal that ended everything, if one did.
    pub(crate) fn interrupted_by(&self) -> Option<i32> {
        self.living().interrupted_by
    }

    /// Asks all to end and, after a while, makes them; at a second signal at once.
    fn interrupt(self: &Arc<Self>, signal: i32) {
        let again = self.living().interrupted_by.replace(signal).is_some();
        self.signal_all(if again { Signal::SIGKILL } else { Signal::SIGTERM });
        let processes = Arc::clone(self);
        // Not in the thread that has to see the second signal.
        thread::spawn(move || {
            thread::sleep(GRACE);
            processes.signal_all(Signal::SIGKILL);
        });
    }

    fn signal_all(&self, signal: Signal) {
        for group in &self.living().groups {
            // It may have ended already.
            let _ = killpg(*group, signal);
        }
    }

    fn living(&self) -> MutexGuard<'_, Living> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Running {
    /// The child, for its pipes.
    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Waits for its end, but not longer than `limit`; none when it still runs.
    pub(crate) fn wait_at_most(&mut self, limit: Duration) -> io::Result<Option<ExitStatus>> {
        let deadline = Instant::now() + limit;
        while !self.has_ended()? {
            if Instant::now() >= deadline {
                return Ok(None);
            }
            thread::sleep(STEP);
        }
        self.reap().map(Some)
    }

    /// Asks it to end and, after a while, makes it.
    pub(crate) fn end(&mut self) -> io::Result<ExitStatus> {
        let group = pid_of(&self.child);
        let deadline = Instant::now() + GRACE;
        let mut signal = Some(Signal::SIGTERM);
        while !self.has_ended()? {
            if Instant::now() >= deadline {
                signal = Some(Signal::SIGKILL);
            }
            // Not reaped, so the id is still its own.
            signal.take().map(|signal| killpg(group, signal));
            thread::sleep(STEP);
        }
        self.reap()
    }

    fn has_ended(&self) -> io::Result<bool> {
        if self.reaped {
            return Ok(true);
        }
        let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT | WaitPidFlag::WNOHANG;
        let seen = waitid(Id::Pid(pid_of(&self.child)), flags)?;
        Ok(seen != nix::sys::wait::WaitStatus::StillAlive)
    }

    /// What its group still runs ends, too: the group's id is its own until it is reaped.
    fn reap(&mut self) -> io::Result<ExitStatus> {
        let mut living = self.processes.living();
        if !self.reaped {
            let _ = killpg(pid_of(&self.child), Signal::SIGKILL);
        }
        let status = self.child.wait()?;
        living.groups.remove(&pid_of(&self.child));
        self.reaped = true;
        Ok(status)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.end();
    }
}

fn pid_of(child: &Child) -> Pid {
    Pid::from_raw(child.id().cast_signed())
}

/// A bit for each signal that whoever started us wants ignored (nohup), which then stays so.
fn ignored_signals() -> io::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    Ok(mask.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;

    fn sleeper(processes: &Arc<Processes>) -> Running {
        processes.start(Command::new("sleep").arg("60")).unwrap()
    }

    fn is_gone(pid: Pid) -> bool {
        killpg(pid, None).is_err()
    }

    #[test]
    fn what_is_dropped_has_ended() {
        let processes = Arc::new(Processes::default());
        let mut running = sleeper(&processes);
        let pid = pid_of(running.child());
        drop(running);
        assert!(is_gone(pid) && processes.living().groups.is_empty());
    }

    #[test]
    fn a_signal_ends_all_and_nothing_starts_afterwards() {
        let processes = Arc::new(Processes::default());
        let mut all = [sleeper(&processes), sleeper(&processes)];
        processes.interrupt(SIGINT);
        for running in &mut all {
            assert_eq!(running.wait_at_most(GRACE).unwrap().unwrap().signal(), Some(SIGTERM));
        }
        assert_eq!(processes.interrupted_by(), Some(SIGINT));
        assert!(processes.start(&mut Command::new("true")).is_err());
    }

    #[test]
    fn what_a_process_leaves_behind_ends_with_it() {
        let processes = Arc::new(Processes::default());
        let script = "trap '' TERM; (sleep 600; :) & echo";
        let mut running = processes.start(Command::new("sh").args(["-c", script])).unwrap();
        let group = pid_of(running.child());
        running.wait_at_most(GRACE * 20).unwrap().unwrap();
        let deadline = Instant::now() + GRACE;
        // The killed are there until whoever inherits them has seen it.
        let lives =
            || std::fs::read_dir("/proc").unwrap().flatten().any(|process| is_of(&process.path(), group));
        while lives() {
            assert!(Instant::now() < deadline, "it lives on");
            thread::sleep(STEP);
        }
    }

    /// Whether a process of proc(5) that is no zombie belongs to a group.
    fn is_of(process: &std::path::Path, group: Pid) -> bool {
        let stat = std::fs::read_to_string(process.join("stat")).unwrap_or_default();
        let fields: Vec<_> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
        fields.len() > 2 && fields[0] != "Z" && fields[2] == group.to_string()
    }

    #[test]
    fn the_status_can_be_asked_for_twice() {
        let processes = Arc::new(Processes::default());
        let mut running = processes.start(Command::new("sh").args(["-c", "exit 7"])).unwrap();
        assert_eq!(running.wait_at_most(GRACE * 20).unwrap().unwrap().code(), Some(7));
        assert_eq!(running.end().unwrap().code(), Some(7));
    }
}
