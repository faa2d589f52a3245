//! Runs the build to its end, whatever signals arrive. Knows nothing of include servers.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::SignalsInfo;
use signal_hook::iterator::exfiltrator::WithOrigin;
use signal_hook::low_level::emulate_default_handler;
use signal_hook::low_level::siginfo::Cause;

/// Signals that end a build from outside.
const FATAL: [i32; 4] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM];

/// From its making on, the fatal signals do not end this process.
pub(crate) struct Build {
    signals: SignalsInfo<WithOrigin>,
    interrupted: Option<i32>,
}

/// How a build ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// With this exit status.
    Status(u8),
    /// By this signal.
    Signal(i32),
}

impl Ended {
    /// As a shell has it: 128 and the signal's number for a signal.
    pub(crate) fn code(self) -> u8 {
        match self {
            Ended::Status(status) => status,
            Ended::Signal(signal) => u8::try_from(128 + signal).unwrap_or(u8::MAX),
        }
    }
}

impl From<ExitStatus> for Ended {
    fn from(status: ExitStatus) -> Ended {
        let code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX);
        status.signal().map_or(Ended::Status(code), Ended::Signal)
    }
}

impl Build {
    /// Begins to catch signals. What this process was started to ignore stays ignored, here and in the build.
    ///
    /// # Errors
    /// Those of `sigaction(2)`.
    pub(crate) fn catch() -> io::Result<Build> {
        let ignored = ignored()?;
        let heeded = FATAL.into_iter().filter(|signal| ignored & 1 << (signal - 1) == 0);
        let signals = SignalsInfo::new(heeded.chain([SIGCHLD]))?;
        Ok(Build { signals, interrupted: None })
    }

    /// The last fatal signal that arrived so far.
    pub(crate) fn interrupted(&mut self) -> Option<i32> {
        let arrived =
            self.signals.pending().map(|origin| origin.signal).filter(|signal| *signal != SIGCHLD).last();
        self.interrupted = arrived.or(self.interrupted);
        self.interrupted
    }

    /// Runs the command with this added to its environment, in our process group, so that a terminal's keys reach it, too;
    /// other signals are passed on to it. A signal that has arrived before is how it ended.
    ///
    /// # Errors
    /// No process can be made.
    pub(crate) fn run(&mut self, words: &[OsString], environment: &[(&str, OsString)]) -> io::Result<Ended> {
        if let Some(signal) = self.interrupted() {
            return Ok(Ended::Signal(signal));
        }
        let mut child = start(words, environment)?;
        let pid = Pid::from_raw(child.id().cast_signed());
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(status.into());
            }
            for origin in self.signals.wait().filter(|origin| origin.signal != SIGCHLD) {
                self.interrupted = Some(origin.signal);
                if origin.cause != Cause::Kernel {
                    // It may have ended just now.
                    let _ = kill(pid, Signal::try_from(origin.signal).ok());
                }
            }
        }
    }
}

/// Ends this process by a signal, as if it had never been caught.
pub(crate) fn die_of(signal: i32) -> ! {
    let _ = emulate_default_handler(signal);
    std::process::exit(128 + signal)
}

fn start(words: &[OsString], environment: &[(&str, OsString)]) -> io::Result<Child> {
    let set = environment.iter().map(|(name, value)| (name, value));
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).envs(set.clone());
    // What is no program may be a word of the shell, and if it is not, a shell has the right words and exit code for it.
    let by_shell = |_| Command::new("/bin/sh").args(["-c", r#""$@""#, "pump"]).args(words).envs(set).spawn();
    command.spawn().or_else(by_shell)
}

/// The signals that this process was started to ignore: bit 0 is signal 1.
fn ignored() -> io::Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    Ok(mask.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok()).unwrap_or(0))
}
