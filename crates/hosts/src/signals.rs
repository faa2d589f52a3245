//! What signals may do while a process waits: end it, or wake it from time to time. Knows nothing of what is waited for.

use std::io;
use std::time::Duration;

use nix::libc;
use nix::sys::signal::{
    SaFlags, SigAction, SigEvent, SigHandler, SigSet, SigevNotify, SigmaskHow, Signal, sigaction,
};
use nix::sys::timer::{Expiration, Timer, TimerSetTimeFlags};
use nix::time::ClockId;
use nix::unistd::gettid;

/// Which signals reach this thread, until dropped; then those that did before.
#[derive(Debug)]
pub(crate) struct Mask {
    before: SigSet,
}

impl Mask {
    /// These reach it even if they were blocked.
    pub(crate) fn letting_through(signals: impl IntoIterator<Item = Signal>) -> io::Result<Mask> {
        let signals: SigSet = signals.into_iter().collect();
        Ok(Mask { before: signals.thread_swap_mask(SigmaskHow::SIG_UNBLOCK)? })
    }

    /// None reach it, nor a thread that it starts.
    pub(crate) fn blocking_all() -> io::Result<Mask> {
        Ok(Mask { before: SigSet::all().thread_swap_mask(SigmaskHow::SIG_BLOCK)? })
    }
}

impl Drop for Mask {
    fn drop(&mut self) {
        self.before.thread_set_mask().expect("a mask that the kernel gave is valid");
    }
}

/// While this lives, every call that sleeps in the kernel returns with EINTR when the period is over, again and again:
/// one that comes late to its sleep is woken by the next.
#[derive(Debug)]
pub(crate) struct Alarm {
    // Dropped first, so that no signal comes after its handler is gone.
    _timer: Timer,
    _handler: Handler,
    _mask: Mask,
}

impl Alarm {
    pub(crate) fn every(period: Duration) -> io::Result<Alarm> {
        let mask = Mask::letting_through([Signal::SIGALRM])?;
        let handler = Handler::install()?;
        // To this thread alone: another one of the process would take the signal and leave the sleeper asleep.
        let notify =
            SigevNotify::SigevThreadId { signal: Signal::SIGALRM, thread_id: gettid().as_raw(), si_value: 0 };
        let mut timer = Timer::new(ClockId::CLOCK_MONOTONIC, SigEvent::new(notify))?;
        timer.set(Expiration::Interval(period.into()), TimerSetTimeFlags::empty())?;
        Ok(Alarm { _timer: timer, _handler: handler, _mask: mask })
    }
}

/// SIGALRM's handler that does nothing, in place of what was there before.
#[derive(Debug)]
struct Handler {
    before: SigAction,
}

impl Handler {
    fn install() -> io::Result<Handler> {
        extern "C" fn nothing(_: libc::c_int) {}
        // Without SA_RESTART, for the sleeping call is to end.
        let action = SigAction::new(SigHandler::Handler(nothing), SaFlags::empty(), SigSet::empty());
        Ok(Handler { before: set_alarm_action(&action)? })
    }
}

impl Drop for Handler {
    fn drop(&mut self) {
        set_alarm_action(&self.before).expect("an action that the kernel gave is valid");
    }
}

#[allow(unsafe_code, reason = "installing a signal handler has no safe form")]
fn set_alarm_action(action: &SigAction) -> nix::Result<SigAction> {
    // SAFETY: the handler is either one that does nothing or one that was installed before.
    unsafe { sigaction(Signal::SIGALRM, action) }
}
