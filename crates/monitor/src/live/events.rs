//! Sleeping until there is something new to show, or until the user or a signal ends the view. Knows nothing of what is shown.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::PathBuf;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

/// Clocks on the screen go on when nothing else happens.
const TICK: Duration = Duration::from_secs(1);
/// Nobody reads faster, and a build changes state hundreds of times a second.
const REST: Duration = Duration::from_millis(100);
const CTRL_C: u8 = 3;

/// What a wait ended with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    /// There may be something new to show.
    Change,
    /// The user has seen enough.
    Quit,
    /// The view is to end as this signal would end it.
    Signal(Signal),
}

/// Keys, signals and what happens in directories. Signals act as before again when it is dropped.
#[derive(Debug)]
pub(crate) struct Events {
    keys: Option<File>,
    signals: SignalFd,
    before: SigSet,
    directories: Option<Inotify>,
}

impl Events {
    /// From now on no signal ends the process.
    ///
    /// # Errors
    /// The kernel gives no descriptor.
    pub(crate) fn catch() -> io::Result<Events> {
        let caught = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGWINCH];
        let caught: SigSet = caught.into_iter().collect();
        let signals = SignalFd::with_flags(&caught, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?;
        let before = caught.thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
        // Without a terminal of its own the view ends by a signal; without events it is a second late.
        let keys = File::open("/dev/tty").ok();
        let directories = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK).ok();
        Ok(Events { keys, signals, before, directories })
    }

    /// Heeds the state files of these, each a DISTCC_DIR; one that is watched already stays so.
    pub(crate) fn watch(&self, directories: &[PathBuf]) {
        let Some(inotify) = &self.directories else { return };
        for directory in directories {
            // Our clients keep the file open, so its closing alone would not tell of a phase.
            let kinds = AddWatchFlags::IN_MODIFY | AddWatchFlags::IN_CREATE | AddWatchFlags::IN_DELETE;
            // What is not there yet is tried again at the next tick.
            let _ = inotify.add_watch(&directory.join("state"), kinds);
        }
    }

    /// Sleeps at most a second.
    ///
    /// # Errors
    /// Those of `poll(2)` and of reading the terminal.
    pub(crate) fn wait(&mut self) -> io::Result<Event> {
        if let Some(event) = self.sleep(TICK, true)? {
            return Ok(event);
        }
        let Some(inotify) = &self.directories else { return Ok(Event::Change) };
        if !matches!(inotify.read_events(), Ok(events) if !events.is_empty()) {
            return Ok(Event::Change);
        }
        let event = self.sleep(REST, false)?;
        Ok(event.unwrap_or(Event::Change))
    }

    /// `None` when the time is over or, if those are heeded, something happened in a directory.
    fn sleep(&mut self, at_most: Duration, heed_directories: bool) -> io::Result<Option<Event>> {
        let directories = self.directories.as_ref().filter(|_| heed_directories);
        let sources: [Option<BorrowedFd>; 3] =
            [Some(self.signals.as_fd()), self.keys.as_ref().map(AsFd::as_fd), directories.map(AsFd::as_fd)];
        let mut sources: Vec<PollFd> =
            sources.into_iter().flatten().map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
        let timeout = PollTimeout::try_from(at_most).unwrap_or(PollTimeout::MAX);
        match poll(&mut sources, timeout) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        let has_key = self.keys.is_some() && sources[1].any() == Some(true);
        drop(sources);
        if let Some(signal) = self.signals.read_signal()? {
            return Ok(Some(meaning(signal.ssi_signo)));
        }
        if has_key { self.read_keys() } else { Ok(None) }
    }

    fn read_keys(&mut self) -> io::Result<Option<Event>> {
        let mut bytes = [0; 64];
        let count = match &mut self.keys {
            Some(keys) => keys.read(&mut bytes)?,
            None => return Ok(None),
        };
        // A terminal that has nothing more to say is gone.
        let quit = count == 0 || bytes[..count].iter().any(|byte| [b'q', b'Q', CTRL_C].contains(byte));
        Ok(quit.then_some(Event::Quit))
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        // A mask that was in force can be so again.
        let _ = self.before.thread_set_mask();
    }
}

fn meaning(number: u32) -> Event {
    match i32::try_from(number).ok().and_then(|number| Signal::try_from(number).ok()) {
        Some(Signal::SIGWINCH) | None => Event::Change,
        Some(signal) => Event::Signal(signal),
    }
}
