//! Sleeping until a file of a directory is closed, replaced or deleted. Knows nothing of what the files mean.

use std::ffi::OsStr;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, InotifyEvent};

use crate::signals::Mask;

/// The longest sleep: on a network file system what other machines do raises no event here.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);
/// The sleep when the kernel gives no more event queues (fs.inotify.max_user_instances).
const BLIND_SLEEP: Duration = Duration::from_millis(20);
/// Enough for a thread that closes a descriptor.
const STACK: usize = 64 * 1024;

/// Events of a directory from now on.
#[derive(Debug)]
pub(crate) struct Watch {
    events: Option<Inotify>,
}

impl Watch {
    pub(crate) fn on(directory: &Path) -> Watch {
        let events = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK).and_then(|inotify| {
            // A slot is freed by closing its file, also when its holder is killed; a host's bench is deleted.
            let kinds = AddWatchFlags::IN_CLOSE_WRITE | AddWatchFlags::IN_DELETE | AddWatchFlags::IN_MOVED_TO;
            inotify.add_watch(directory, kinds)?;
            Ok(inotify)
        });
        Watch { events: events.ok() }
    }

    /// Sleeps until something happens to a file that `concerns` us, at most so long, and at most a second.
    pub(crate) fn sleep(&self, at_most: Duration, concerns: impl Fn(&OsStr) -> bool) -> io::Result<()> {
        let Some(inotify) = &self.events else {
            thread::sleep(at_most.min(BLIND_SLEEP));
            return Ok(());
        };
        let end = Instant::now() + at_most.min(LONGEST_SLEEP);
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() || !wait_for_events(inotify, left)? {
                return Ok(());
            }
            match inotify.read_events() {
                Ok(events) if events.iter().any(|event| is_for_us(event, &concerns)) => return Ok(()),
                Ok(_) | Err(Errno::EAGAIN | Errno::EINTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Ends the watch without waiting for it.
    pub(crate) fn end(self) {
        // Closing an event queue, the kernel waits for a grace period of its own: 10 ms, and 50 while other clients
        // come and go. A thread waits for that while the job runs; no signal is to find it.
        let _mask = Mask::blocking_all();
        // Where no thread can be had, the closing happens here.
        let _ = thread::Builder::new().stack_size(STACK).spawn(move || drop(self.events));
    }
}

/// False when the time is over or a signal came.
fn wait_for_events(inotify: &Inotify, left: Duration) -> io::Result<bool> {
    // Rounded up: poll counts in milliseconds, and 0 would return at once until the time is over.
    let timeout = PollTimeout::try_from(left + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX);
    match poll(&mut [PollFd::new(inotify.as_fd(), PollFlags::POLLIN)], timeout) {
        Ok(ready) => Ok(ready > 0),
        Err(Errno::EINTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn is_for_us(event: &InotifyEvent, concerns: &impl Fn(&OsStr) -> bool) -> bool {
    // Without a name it is the directory itself, or more events than the queue holds.
    event.name.as_deref().is_none_or(concerns)
}
