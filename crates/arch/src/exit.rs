//! How `distcc-arch` ends. Knows nothing of why.

use signal_hook::low_level::emulate_default_handler;

/// How the process should end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// With this exit status: 0 when all went well, 1 when not, 2 for a command line that makes no sense.
    Code(u8),
    /// By the signal of this number, so that whoever waits for us sees what ended us.
    Signal(i32),
}

impl Exit {
    /// Ends the process, after all that was held has been dropped.
    pub fn leave(self) -> ! {
        let code = match self {
            Exit::Code(code) => i32::from(code),
            Exit::Signal(signal) => {
                // Should raising fail there is still the shell's convention below.
                let _ = emulate_default_handler(signal);
                128 + signal
            }
        };
        std::process::exit(code)
    }
}
