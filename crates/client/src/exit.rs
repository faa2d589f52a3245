//! How the client ends: every exit code in one table, or the signal that ended it. Knows nothing of jobs.

use crate::interrupts::heed;
use nix::sys::prctl::set_dumpable;
use nix::sys::signal::Signal;
use std::process::ExitStatus;

/// Exit codes that are ours rather than the compiler's (distcc(1), "EXIT CODES").
pub(crate) mod code {
    /// Nothing else says it better.
    pub(crate) const GENERAL: u8 = 100;
    /// The command line or a variable makes no sense.
    pub(crate) const BAD_ARGUMENTS: u8 = 101;
    /// No usable host in any host list.
    pub(crate) const BAD_HOSTSPEC: u8 = 106;
    /// Reading or writing failed.
    pub(crate) const IO_ERROR: u8 = 107;
    /// The compiler could not be started.
    pub(crate) const COMPILER_MISSING: u8 = 110;
    /// We were called by ourselves.
    pub(crate) const RECURSION: u8 = 111;
    /// No host could take the job, and running it here is forbidden.
    pub(crate) const NO_HOSTS: u8 = 116;
}

/// Signals whose default action ends nobody.
const SURVIVED: [Signal; 8] = [
    Signal::SIGCHLD,
    Signal::SIGCONT,
    Signal::SIGSTOP,
    Signal::SIGTSTP,
    Signal::SIGTTIN,
    Signal::SIGTTOU,
    Signal::SIGURG,
    Signal::SIGWINCH,
];

/// How the process should end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// With this exit code.
    Code(u8),
    /// By this signal, which ended the compiler or was to end us: whoever waits for us sees what it would have seen of
    /// the compiler.
    Signal(Signal),
}

impl Exit {
    /// Everything went well.
    pub const SUCCESS: Exit = Exit::Code(0);

    /// What the shell makes of this end: the code, or 128 + the signal's number.
    #[must_use]
    pub fn shell_code(self) -> u8 {
        match self {
            Exit::Code(code) => code,
            Exit::Signal(signal) => 128u8.wrapping_add(signal as i32 as u8),
        }
    }

    /// As a process ends that this signal killed. One that kills nobody, or that has no name, was made up by a host.
    fn by_signal(number: i32) -> Exit {
        let named = Signal::try_from(number).ok().filter(|signal| !SURVIVED.contains(signal));
        named.map_or(Exit::Code(128u8.wrapping_add(number as u8)), Exit::Signal)
    }

    /// Ends the process. A signal is raised with its default action, after all that was held has been dropped.
    pub fn leave(self) -> ! {
        if let Exit::Signal(signal) = self {
            // The core that may lie here is the compiler's.
            let _ = set_dumpable(false);
            heed(signal);
            let mut mask = nix::sys::signal::SigSet::empty();
            mask.add(signal);
            // Should raising fail there is still the shell's convention below.
            let _ = nix::sys::signal::raise(signal).and_then(|()| mask.thread_unblock());
        }
        std::process::exit(i32::from(self.shell_code()))
    }
}

impl From<ExitStatus> for Exit {
    /// The end of a compiler that ran here.
    fn from(status: ExitStatus) -> Exit {
        use std::os::unix::process::ExitStatusExt;
        let by_signal = || status.signal().map(Exit::by_signal);
        status.code().map(|code| Exit::Code(code as u8)).or_else(by_signal).unwrap_or(Exit::Code(255))
    }
}

impl From<protocol::WaitStatus> for Exit {
    /// The same for a compiler that ran elsewhere.
    fn from(status: protocol::WaitStatus) -> Exit {
        status.code().map_or_else(|| Exit::by_signal(status.signal().unwrap_or(0)), Exit::Code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;

    #[test]
    fn wait_statuses_become_exit_codes() {
        let check = |raw: i32, expected: Exit| {
            assert_eq!(Exit::from(ExitStatus::from_raw(raw)), expected, "{raw:#x}");
            let sent = protocol::WaitStatus::from_raw(raw.cast_unsigned());
            assert_eq!(Exit::from(sent), expected, "{raw:#x} from elsewhere");
        };
        for (raw, code) in [(0, 0), (0x100, 1), (0x6e00, 110), (0xff00, 255)] {
            check(raw, Exit::Code(code));
        }
        check(11, Exit::Signal(Signal::SIGSEGV));
        check(0x8b, Exit::Signal(Signal::SIGSEGV));
        check(13, Exit::Signal(Signal::SIGPIPE));
        check(19, Exit::Code(147));
        check(64, Exit::Code(192));
    }

    #[test]
    fn signals_have_a_shell_code() {
        assert_eq!(Exit::Signal(Signal::SIGTERM).shell_code(), 143);
    }
}
