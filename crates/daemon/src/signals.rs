//! What the outside wants of the daemon: to end, or to open log and settings anew. Knows nothing of what it takes to do so.

use std::future::pending;
use std::io;
use std::time::Duration;

use nix::sys::signal::{SigHandler, SigSet, Signal, raise, signal};
use tokio::select;
use tokio::signal::unix::{self, SignalKind};
use tokio::time::{Instant, sleep_until};

/// The signals and the time that the daemon listens to; from its making on they no longer end the process.
#[derive(Debug)]
pub(crate) struct Signals {
    terminate: unix::Signal,
    interrupt: unix::Signal,
    hang_up: unix::Signal,
    end: Option<Instant>,
}

/// What the daemon is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    /// Whoever rotates logs has moved the file away, or settings have changed.
    Reload,
    /// End as this signal would end it.
    End(Signal),
}

/// How the daemon ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// With this exit code.
    Code(u8),
    /// As this signal ends a process.
    Signal(Signal),
}

impl Signals {
    /// Listens from now on; `lifetime` from now the daemon is to end by itself, if the clock goes that far.
    ///
    /// # Errors
    /// The kernel refuses.
    pub(crate) fn listen(lifetime: Option<Duration>) -> io::Result<Signals> {
        Ok(Signals {
            terminate: unix::signal(SignalKind::terminate())?,
            interrupt: unix::signal(SignalKind::interrupt())?,
            hang_up: unix::signal(SignalKind::hangup())?,
            end: lifetime.and_then(|lifetime| Instant::now().checked_add(lifetime)),
        })
    }

    /// The next wish. Dropping the future loses none.
    pub(crate) async fn next(&mut self) -> Wish {
        let end = self.end;
        let old_age = async {
            match end {
                Some(end) => sleep_until(end).await,
                None => pending().await,
            }
        };
        select! {
            _ = self.terminate.recv() => Wish::End(Signal::SIGTERM),
            _ = self.interrupt.recv() => Wish::End(Signal::SIGINT),
            _ = self.hang_up.recv() => Wish::Reload,
            () = old_age => Wish::End(Signal::SIGALRM),
        }
    }
}

/// Undoes what whoever started the daemon has set for it: without SIGCHLD nobody learns how a compiler ended, and a
/// blocked signal is never heard of.
pub(crate) fn forget_inherited() {
    restore_default(Signal::SIGCHLD);
    let ours = [Signal::SIGCHLD, Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP];
    // Fails for no set of signals.
    let _ = SigSet::from_iter(ours).thread_unblock();
}

/// Ends the process by `deadly`, so that whoever waits for it sees that.
pub(crate) fn die_of(deadly: Signal) -> ! {
    restore_default(deadly);
    // Where that fails there is still the shell's convention.
    let _ = raise(deadly);
    std::process::exit(128 + deadly as i32)
}

#[allow(unsafe_code, reason = "tokio keeps its handlers for ever, and what is inherited has to be undone")]
fn restore_default(of: Signal) {
    // SAFETY: the default action runs no code of ours.
    let _ = unsafe { signal(of, SigHandler::SigDfl) };
}
