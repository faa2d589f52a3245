//! How a daemon that is told to end does so: at once, or when its compilers have ended (`--drain`). Knows nothing of
//! what else its jobs do.

use std::time::Duration;

use logging::Log;
use nix::sys::signal::Signal;
use sd_notify::NotifyState;
use tokio::select;
use tokio::time::{sleep, timeout};

use crate::server::Server;
use crate::signals::{Signals, Wish};

/// How long jobs that are told to end may take: compilers get [`crate::execution::GRACE`] of it.
const FAREWELL: Duration = Duration::from_millis(1500);

/// How long what did not end by then may take to let go of what it holds. A disk that does not answer, or a log that
/// nobody reads, keeps a thread for as long as it likes.
pub(crate) const LAST_MOMENT: Duration = Duration::from_millis(100);

/// Waits for the `work` of a daemon that `signal` tells to end. If it is to `drain`, its compilers may go on for so
/// long after a SIGTERM, unless another signal comes; otherwise, and then, they are killed. Returns what work there
/// was, if it ended in time.
pub(crate) async fn end<T>(
    work: impl Future<Output = T>,
    signal: Signal,
    server: &Server,
    signals: &mut Signals,
    drain: Option<Duration>,
) -> Option<T> {
    tokio::pin!(work);
    let patience = drain.filter(|_| signal == Signal::SIGTERM);
    tell_manager(&server.log(), patience.unwrap_or_default());
    if let Some(patience) = patience {
        let seconds = patience.as_secs();
        server.log().notice(format_args!("no new jobs; those that compile may take {seconds} s"));
        server.drain();
        select! {
            done = &mut work => return Some(done),
            () = sleep(patience) => {
                server.log().warning(format_args!("jobs that took longer than {seconds} s are killed"));
            }
            () = told_again(server, signals) => {}
        }
    }
    server.close();
    timeout(FAREWELL, work).await.ok()
}

async fn told_again(server: &Server, signals: &mut Signals) {
    while signals.next().await == Wish::Reload {
        server.journal.reopen();
    }
}

/// Without being told, a service manager kills after TimeoutStopSec whatever is left.
fn tell_manager(log: &Log, patience: Duration) {
    notify(log, &[NotifyState::Stopping]);
    if !patience.is_zero() {
        // The crate's own word for it holds 71 minutes at most.
        let longer = format!("EXTEND_TIMEOUT_USEC={}", (patience + 2 * FAREWELL).as_micros());
        notify(log, &[NotifyState::Custom(&longer)]);
    }
}

/// Tells the service manager, if there is one.
pub(crate) fn notify(log: &Log, states: &[NotifyState]) {
    if let Err(error) = sd_notify::notify(states) {
        log.warning(format_args!("cannot tell the service manager: {error}"));
    }
}
