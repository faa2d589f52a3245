//! The include server's life: from its directory and socket to its end. Knows nothing of what is said in a conversation.

use std::io;
use std::num::NonZero;
use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use logging::Log;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

use crate::comparisons::Comparisons;
use crate::conversation::Desk;
use crate::guests::Guests;
use crate::peer::Peer;
use crate::place::Place;
use crate::scans::Scans;

/// How often it is looked whether clients still find us.
const LOOK: Duration = Duration::from_secs(2);

/// After so long without a client a build is probably over.
const REST: Duration = Duration::from_secs(4);

/// How long a conversation may go on when we were told to end; the client of one that is cut off preprocesses by itself.
const GRACE: Duration = Duration::from_secs(2);

/// No client waits longer for a host, see `conversation`.
const LAST_WORDS: Duration = Duration::from_secs(3600);

/// Where files are many, they are the first to run out.
const DESCRIPTORS_EACH: u64 = 8;

/// Conversations do little themselves.
const STACK: usize = 256 * 1024;

/// Where, how long and how an include server serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Serving {
    /// A directory of ours with mode 0700, made where it is missing; `socket` and `pid` are made in it.
    pub directory: PathBuf,
    /// The server ends when nobody was connected for so long; none: only when it is told to.
    pub idle: Option<Duration>,
    /// How much it keeps of what it has read, in bytes.
    pub memory: usize,
    /// One in so many scans is compared with the compiler's own list when its job is over.
    pub compared: u64,
}

/// A server that clients can connect to.
pub struct IncludeServer {
    place: Arc<Place>,
    listener: UnixListener,
    signals: SignalFd,
    idle: Option<Duration>,
    desk: Arc<Desk>,
    guests: Guests,
    /// So many guests at a time.
    most: usize,
}

/// Why a server ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// By a signal.
    Told,
    /// Nobody has come for long.
    Idle,
    /// Another has our place, or it is gone.
    Displaced,
}

impl IncludeServer {
    /// From now on connections succeed; fatal signals of this thread and of those it starts are kept for the server. `None`:
    /// another server has this directory.
    ///
    /// # Errors
    /// A sentence.
    pub fn listen(serving: &Serving, log: &Log) -> Result<Option<IncludeServer>, String> {
        let directory = serving.directory.display();
        let place =
            Place::take(&serving.directory).map_err(|error| format!("cannot serve in {directory}: {error}"));
        let Some((place, listener)) = place? else {
            log.info(format_args!("another include server has {directory}"));
            return Ok(None);
        };
        let started = IncludeServer::open(serving, Arc::new(place), listener, log);
        started.map(Some).map_err(|error| format!("cannot serve: {error}"))
    }

    fn open(
        serving: &Serving,
        place: Arc<Place>,
        listener: UnixListener,
        log: &Log,
    ) -> io::Result<IncludeServer> {
        let fatal: SigSet = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP].into_iter().collect();
        fatal.thread_block()?;
        let signals = SignalFd::with_flags(&fatal, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
        listener.set_nonblocking(true)?;
        let threads = thread::available_parallelism().map_or(1, NonZero::get);
        let scans = Scans::start(threads, serving.memory)?;
        let comparisons =
            Comparisons::start(serving.compared, Arc::clone(&scans), Arc::clone(&place), log.clone())?;
        let desk = Arc::new(Desk { scans, comparisons, log: log.clone() });
        let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        let most = limit.map_or(usize::MAX, |limit| (limit / DESCRIPTORS_EACH) as usize).clamp(16, 4096);
        Ok(IncludeServer { place, listener, signals, idle: serving.idle, desk, guests: Guests::new()?, most })
    }

    /// Serves until it is told to end, or nobody has come for long, or its socket is no longer in its place. What it has
    /// put into the directory is then gone, unless another has replaced it.
    pub fn serve(self) {
        let ending = self.welcome();
        self.place.withdraw();
        if ending != Ending::Told {
            // Who has found us just before is still served.
            self.accept_all();
        }
        self.see_off(if ending == Ending::Told { GRACE } else { LAST_WORDS });
        self.place.leave();
        self.desk.log.info(format_args!("the include server ends: {ending:?}"));
    }

    fn welcome(&self) -> Ending {
        loop {
            let patience = match self.idle.map(|idle| idle.saturating_sub(self.guests.absence())) {
                Some(Duration::ZERO) => return Ending::Idle,
                Some(left) => left.min(LOOK),
                None => LOOK,
            };
            let ready = wait([self.signals.as_fd(), self.listener.as_fd()], patience);
            if ready[0] {
                return Ending::Told;
            }
            if !self.place.is_ours() {
                return Ending::Displaced;
            }
            if self.guests.absence() >= REST {
                self.desk.scans.rest();
            }
            if ready[1] && !self.accept_all() {
                // Perhaps descriptors have run out; the clients wait in the queue.
                wait([self.signals.as_fd()], Duration::from_millis(100));
            }
        }
    }

    /// Takes all who wait; false if one could not be taken.
    fn accept_all(&self) -> bool {
        loop {
            match self.listener.accept() {
                Ok((socket, _)) => self.seat(socket),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return true,
                Err(error) => {
                    self.desk.log.warning(format_args!("cannot accept a client: {error}"));
                    return false;
                }
            }
        }
    }

    /// A conversation of its own for each. One that cannot be had ends here, and its client knows what to do.
    fn seat(&self, socket: UnixStream) {
        let log = &self.desk.log;
        let Some(guest) = self.guests.admit(self.most) else {
            return log.warning(format_args!("{} clients are connected: no more can be", self.most));
        };
        let peer = match Peer::admit(socket) {
            Ok(peer) => peer,
            Err(error) => return log.warning(format_args!("a client was turned away: {error}")),
        };
        let desk = Arc::clone(&self.desk);
        let builder = thread::Builder::new().name("client".to_owned()).stack_size(STACK);
        let started = builder.spawn(move || {
            desk.receive(peer);
            drop(guest);
        });
        if let Err(error) = started {
            log.warning(format_args!("no thread for a client: {error}"));
        }
    }

    /// Waits until all have gone, but not longer than `patience`, and when told to end not for long.
    fn see_off(&self, patience: Duration) {
        let mut deadline = Instant::now() + patience;
        while !self.guests.have_gone() && Instant::now() < deadline {
            let left = deadline.saturating_duration_since(Instant::now());
            let ready = wait([self.signals.as_fd(), self.guests.bell()], left);
            if ready[0] && matches!(self.signals.read_signal(), Ok(Some(_))) {
                deadline = deadline.min(Instant::now() + GRACE);
            }
            if ready[1] {
                self.guests.hush();
            }
        }
    }
}

/// Which of them are ready, or none when `patience` is over.
fn wait<const N: usize>(sources: [std::os::fd::BorrowedFd<'_>; N], patience: Duration) -> [bool; N] {
    let mut polled = sources.map(|source| PollFd::new(source, PollFlags::POLLIN));
    // Rounded up, or the last millisecond would be spent spinning.
    let patience = patience + Duration::from_millis(1);
    match poll(&mut polled, PollTimeout::try_from(patience).unwrap_or(PollTimeout::MAX)) {
        Ok(0) | Err(Errno::EINTR) => [false; N],
        Ok(_) => polled.map(|one| one.any() == Some(true)),
        // Without descriptors there is nothing to do but end, as if told.
        Err(_) => [true; N],
    }
}
