//! Waiting for a descriptor, a child or a deadline while INT, TERM and HUP end the wait instead of the process, so
//! that what is held is dropped on the way out. Knows nothing of what is waited for.

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{
    SaFlags, SigAction, SigHandler, SigSet, SigmaskHow, Signal, killpg, raise, sigaction, signal,
};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::unistd::Pid;
use std::fmt;
use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus};
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::{Duration, Instant};

/// Signals that end a job from outside.
const FATAL: [Signal; 3] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP];

/// A lost SIGCHLD costs at most this much.
const CHILD_RECHECK: Duration = Duration::from_secs(1);

/// How often it is asked whether a child may go on.
const CHILD_LOOK: Duration = Duration::from_millis(20);

/// How long a compiler may take to remove its temporary files after SIGTERM.
const CHILD_GRACE: Duration = Duration::from_secs(2);

/// From its making on, the fatal signals are seen only by this value's waits; dropping it lets them act as before.
#[derive(Debug)]
pub(crate) struct Interrupts {
    signals: SignalFd,
    caught: SigSet,
    before: SigSet,
}

/// Why a wait ended without what was waited for.
#[derive(Debug)]
pub(crate) enum Broken {
    /// One of the fatal signals arrived.
    Interrupted(Signal),
    /// The deadline passed.
    TimedOut,
    /// The kernel refused.
    Io(io::Error),
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Broken::Interrupted(signal) => write!(f, "interrupted by {signal}"),
            Broken::TimedOut => f.write_str("IO timeout"),
            Broken::Io(error) => write!(f, "{error}"),
        }
    }
}

impl From<Errno> for Broken {
    fn from(error: Errno) -> Broken {
        Broken::Io(error.into())
    }
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Broken {
        Broken::Io(error)
    }
}

impl Interrupts {
    /// Blocks the fatal signals and SIGCHLD and opens the descriptor they are read from.
    ///
    /// # Errors
    /// Those of `sigprocmask(2)` and `signalfd(2)`.
    pub(crate) fn catch() -> io::Result<Interrupts> {
        // A parent may have us ignore it, and then nobody learns how a child ended; compilers do the same for theirs.
        heed(Signal::SIGCHLD);
        let caught: SigSet = FATAL.into_iter().chain([Signal::SIGCHLD]).collect();
        let signals = SignalFd::with_flags(&caught, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
        let before = caught.thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
        Ok(Interrupts { signals, caught, before })
    }

    /// Starts `command` as the leader of a process group, for [`Interrupts::wait_child`]. It gets the mask that we were
    /// started with, which std's way of starting processes would not give it. A signal that arrives meanwhile ends the
    /// next wait.
    ///
    /// # Errors
    /// It cannot be started.
    pub(crate) fn spawn(&self, command: &mut Command) -> io::Result<Child> {
        self.spawn_with(&self.before, command)
    }

    /// Likewise what speaks where we do. To a terminal its group is in the background, and there `stty tostop` stops whoever
    /// speaks and does not block SIGTTOU.
    ///
    /// # Errors
    /// It cannot be started.
    pub(crate) fn spawn_to_speak(&self, command: &mut Command) -> io::Result<Child> {
        let mut mask = self.before;
        if io::stderr().is_terminal() {
            mask.add(Signal::SIGTTOU);
        }
        self.spawn_with(&mask, command)
    }

    fn spawn_with(&self, mask: &SigSet, command: &mut Command) -> io::Result<Child> {
        let postponed = Postponed::all()?;
        let child = self.with_mask(mask, || command.process_group(0).spawn());
        drop(postponed);
        child
    }

    /// Does `work` while fatal signals act as before: they end us on the spot, so nothing may be held that would stay.
    pub(crate) fn let_through<T>(&self, work: impl FnOnce() -> T) -> T {
        self.with_mask(&self.before, work)
    }

    fn with_mask<T>(&self, mask: &SigSet, work: impl FnOnce() -> T) -> T {
        // Masks that came from the kernel are masks that the kernel takes.
        let _ = mask.thread_set_mask();
        let done = work();
        let _ = self.caught.thread_block();
        done
    }

    /// Waits until `fd` is ready for `what`.
    ///
    /// # Errors
    /// [`Broken`]; it never waits past `deadline`.
    pub(crate) fn wait_ready(
        &self,
        fd: BorrowedFd<'_>,
        what: PollFlags,
        deadline: Instant,
    ) -> Result<(), Broken> {
        self.wait_first(&[(fd, what)], deadline).map(drop)
    }

    /// Waits until one of `sources` is ready for what stands beside it; returns the first that is.
    ///
    /// # Errors
    /// [`Broken`]; it never waits past `deadline`.
    pub(crate) fn wait_first(
        &self,
        sources: &[(BorrowedFd<'_>, PollFlags)],
        deadline: Instant,
    ) -> Result<usize, Broken> {
        loop {
            let mut polled: Vec<_> = sources.iter().map(|(fd, what)| PollFd::new(*fd, *what)).collect();
            polled.push(PollFd::new(self.signals.as_fd(), PollFlags::POLLIN));
            match poll(&mut polled, until(deadline)?) {
                Err(Errno::EINTR) => continue,
                other => other?,
            };
            let ready = |at: &usize| polled[*at].any() == Some(true);
            if ready(&sources.len()) {
                self.take_fatal()?;
            }
            if let Some(first) = (0..sources.len()).find(ready) {
                return Ok(first);
            }
        }
    }

    /// Waits until `child`, the leader of a process group, has ended. A fatal signal ends the whole group: a
    /// compiler driver that is killed alone would leave the compiler proper behind.
    ///
    /// # Errors
    /// [`Broken::Interrupted`] and [`Broken::Io`].
    pub(crate) fn wait_child(&self, child: &mut Child) -> Result<ExitStatus, Broken> {
        self.watch_child(child, CHILD_RECHECK, || true)
    }

    /// Likewise one whose group is ended as soon as it may not go on, which is `TimedOut`.
    ///
    /// # Errors
    /// [`Broken`].
    pub(crate) fn wait_child_while(
        &self,
        child: &mut Child,
        may_go_on: impl Fn() -> bool,
    ) -> Result<ExitStatus, Broken> {
        self.watch_child(child, CHILD_LOOK, may_go_on)
    }

    fn watch_child(
        &self,
        child: &mut Child,
        interval: Duration,
        may_go_on: impl Fn() -> bool,
    ) -> Result<ExitStatus, Broken> {
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(status);
            }
            let mut polled = [PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
            match poll(&mut polled, until(Instant::now() + interval)?) {
                Err(Errno::EINTR) => continue,
                other => other?,
            };
            let ended =
                self.take_fatal().and_then(|()| if may_go_on() { Ok(()) } else { Err(Broken::TimedOut) });
            if let Err(broken) = ended {
                end_group(child)?;
                return Err(broken);
            }
        }
    }

    /// Reads all pending signals; a fatal one that the user has not told us to ignore (nohup) is an error.
    fn take_fatal(&self) -> Result<(), Broken> {
        while let Some(info) = self.signals.read_signal()? {
            let signal = Signal::try_from(info.ssi_signo.cast_signed())?;
            if FATAL.contains(&signal) && !is_ignored(signal)? {
                return Err(Broken::Interrupted(signal));
            }
        }
        Ok(())
    }
}

/// Gives a signal its default action.
#[allow(unsafe_code, reason = "setting a signal's action has no safe form")]
pub(crate) fn heed(number: Signal) {
    // SAFETY: the default action runs no code of ours.
    let _ = unsafe { signal(number, SigHandler::SigDfl) };
}

/// The fatal signal that arrived while they were postponed; 0 for none.
static ARRIVED: AtomicI32 = AtomicI32::new(0);

/// While this lives, fatal signals that are not ignored are only noted; afterwards they act as before, and one that was
/// noted is sent again.
struct Postponed(Vec<(Signal, SigAction)>);

impl Postponed {
    fn all() -> io::Result<Postponed> {
        let noting = SigAction::new(SigHandler::Handler(note), SaFlags::SA_RESTART, SigSet::empty());
        let mut postponed = Postponed(Vec::new());
        for fatal in FATAL {
            let before = set_action(fatal, &noting)?;
            if matches!(before.handler(), SigHandler::SigIgn) {
                set_action(fatal, &before)?;
            } else {
                postponed.0.push((fatal, before));
            }
        }
        Ok(postponed)
    }
}

impl Drop for Postponed {
    fn drop(&mut self) {
        for (fatal, before) in &self.0 {
            let _ = set_action(*fatal, before);
        }
        if let Ok(arrived) = Signal::try_from(ARRIVED.swap(0, Ordering::Relaxed)) {
            let _ = raise(arrived);
        }
    }
}

extern "C" fn note(arrived: i32) {
    ARRIVED.store(arrived, Ordering::Relaxed);
}

#[allow(unsafe_code, reason = "setting a signal's action has no safe form")]
fn set_action(number: Signal, action: &SigAction) -> nix::Result<SigAction> {
    // SAFETY: the only code of ours that an action of these runs stores a number.
    unsafe { sigaction(number, action) }
}

impl Drop for Interrupts {
    fn drop(&mut self) {
        let _ = self.before.thread_set_mask();
    }
}

/// Asks the child's process group to end and, after a while, makes it.
fn end_group(child: &mut Child) -> io::Result<()> {
    let group = Pid::from_raw(child.id().cast_signed());
    // The group may be gone already.
    let _ = killpg(group, Signal::SIGTERM);
    let deadline = Instant::now() + CHILD_GRACE;
    while child.try_wait()?.is_none() {
        if Instant::now() >= deadline {
            let _ = killpg(group, Signal::SIGKILL);
            child.wait()?;
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

fn until(deadline: Instant) -> Result<PollTimeout, Broken> {
    let left = deadline.checked_duration_since(Instant::now()).ok_or(Broken::TimedOut)?;
    // Rounded up, or the last millisecond would be spent spinning.
    Ok(PollTimeout::try_from(left + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX))
}

/// A blocked signal is queued even when its action is to be ignored, so the action has to be asked for.
fn is_ignored(signal: Signal) -> io::Result<bool> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok()).unwrap_or(0);
    Ok(mask & 1 << (signal as i32 - 1) != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Mutex, MutexGuard, PoisonError};

    /// What signals do is the whole process's, which tests share.
    fn alone() -> MutexGuard<'static, ()> {
        static ALONE: Mutex<()> = Mutex::new(());
        ALONE.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[test]
    fn a_deadline_ends_a_wait() {
        let interrupts = Interrupts::catch().unwrap();
        let (reader, _writer) = io::pipe().unwrap();
        let soon = Instant::now() + Duration::from_millis(20);
        let result = interrupts.wait_ready(reader.as_fd(), PollFlags::POLLIN, soon);
        assert!(matches!(result, Err(Broken::TimedOut)), "{result:?}");
    }

    #[test]
    fn a_signal_ends_a_wait_and_the_child() {
        let _alone = alone();
        let interrupts = Interrupts::catch().unwrap();
        let mut child = interrupts.spawn(Command::new("sleep").arg("60")).unwrap();
        // Blocked in this thread, so it stays pending here until the wait looks for it.
        raise(Signal::SIGTERM).unwrap();
        let result = interrupts.wait_child(&mut child);
        assert!(matches!(result, Err(Broken::Interrupted(Signal::SIGTERM))), "{result:?}");
        assert!(child.try_wait().unwrap().is_some());
    }

    #[test]
    fn a_signal_while_a_child_starts_ends_the_next_wait_and_the_child() {
        let _alone = alone();
        let interrupts = Interrupts::catch().unwrap();
        // Pending, so that it arrives the moment that signals are let through.
        raise(Signal::SIGTERM).unwrap();
        let mut child = interrupts.spawn(Command::new("sleep").arg("60")).unwrap();
        let result = interrupts.wait_child(&mut child);
        assert!(matches!(result, Err(Broken::Interrupted(Signal::SIGTERM))), "{result:?}");
        assert!(child.try_wait().unwrap().is_some());
    }

    #[test]
    fn a_child_that_ends_is_noticed() {
        let _alone = alone();
        let interrupts = Interrupts::catch().unwrap();
        let mut child = interrupts.spawn(Command::new("sh").args(["-c", "exit 7"])).unwrap();
        assert_eq!(interrupts.wait_child(&mut child).unwrap().code(), Some(7));
    }

    #[test]
    fn children_and_what_comes_after_get_the_mask_from_before() {
        let _alone = alone();
        let blocked =
            |status: &str| status.lines().find(|line| line.starts_with("SigBlk:")).unwrap().to_owned();
        let before = blocked(&std::fs::read_to_string("/proc/thread-self/status").unwrap());
        let interrupts = Interrupts::catch().unwrap();
        let mut cat = Command::new("cat");
        cat.arg("/proc/self/status").stdout(std::process::Stdio::piped());
        let child = interrupts.spawn(&mut cat).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(blocked(&String::from_utf8(output.stdout).unwrap()), before);
        let during = blocked(&std::fs::read_to_string("/proc/thread-self/status").unwrap());
        assert_ne!(during, before);
        drop(interrupts);
        assert_eq!(blocked(&std::fs::read_to_string("/proc/thread-self/status").unwrap()), before);
    }
}
