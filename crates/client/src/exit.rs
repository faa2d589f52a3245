//! How the client ends: every exit code in one table, or the signal that ended it. Knows nothing of jobs.

use nix::sys::signal::Signal;
use std::process::ExitStatus;

/// Exit codes that are ours rather than the compiler's (distcc(1), "EXIT CODES").
pub(crate) mod code {
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

/// How the process should end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// With this exit code.
    Code(u8),
    /// By this signal, so that whoever waits for us sees what it would have seen of the compiler.
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

    /// Ends the process. A signal is raised with its default action, after all that was held has been dropped.
    pub fn leave(self) -> ! {
        if let Exit::Signal(signal) = self {
            let mut mask = nix::sys::signal::SigSet::empty();
            mask.add(signal);
            // Should raising fail there is still the shell's convention below.
            let _ = nix::sys::signal::raise(signal).and_then(|()| mask.thread_unblock());
        }
        std::process::exit(i32::from(self.shell_code()))
    }
}

impl From<ExitStatus> for Exit {
    /// A compiler that died from a signal gives 128 + its number, as a shell would.
    fn from(status: ExitStatus) -> Exit {
        use std::os::unix::process::ExitStatusExt;
        let code = status.code().or(status.signal().map(|signal| 128 + signal)).unwrap_or(255);
        Exit::Code(code as u8)
    }
}

impl From<protocol::WaitStatus> for Exit {
    /// The same for a compiler that ran elsewhere.
    fn from(status: protocol::WaitStatus) -> Exit {
        let by_signal = 128u8.wrapping_add(status.signal().unwrap_or(0) as u8);
        Exit::Code(status.code().unwrap_or(by_signal))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;

    #[test]
    fn wait_statuses_become_exit_codes() {
        for (raw, expected) in [(0, 0), (0x100, 1), (0x6e00, 110), (11, 139), (0x8b, 139), (0xff00, 255)] {
            assert_eq!(Exit::from(ExitStatus::from_raw(raw)), Exit::Code(expected), "{raw:#x}");
        }
    }

    #[test]
    fn signals_have_a_shell_code() {
        assert_eq!(Exit::Signal(Signal::SIGTERM).shell_code(), 143);
    }
}
