//! The daemon under test: the words by which these tests start it. Knows nothing of requests.

use std::ops::{Deref, DerefMut};
use std::process::{Command, Stdio};
use std::time::Duration;

use test_hosts::foreground::Foreground;
use test_hosts::process::clean;
use test_hosts::workdir::Workdir;

pub(crate) const DISTCCD: &str = env!("CARGO_BIN_EXE_distccd");

/// Nothing that the daemon does may take longer.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// A daemon that outlives a killed test ends itself.
const LIFETIME: &str = "--lifetime=600";

/// A daemon that serves; killed when dropped.
pub(crate) struct Daemon(Foreground);

impl Daemon {
    /// Any compiler may run.
    #[track_caller]
    pub(crate) fn insecure(options: &[&str]) -> Daemon {
        Daemon::start(&[&["--enable-tcp-insecure"], options].concat(), &[])
    }

    /// Starts `distccd OPTIONS…` with these variables and waits until it listens.
    #[track_caller]
    pub(crate) fn start(options: &[&str], variables: &[(&str, &str)]) -> Daemon {
        Daemon::start_by(clean(DISTCCD), options, variables)
    }

    /// The same, by a command that becomes the daemon.
    #[track_caller]
    pub(crate) fn start_by(command: Command, options: &[&str], variables: &[(&str, &str)]) -> Daemon {
        Daemon(Foreground::start(command, options, variables))
    }
}

impl Deref for Daemon {
    type Target = Foreground;

    fn deref(&self) -> &Foreground {
        &self.0
    }
}

impl DerefMut for Daemon {
    fn deref_mut(&mut self) -> &mut Foreground {
        &mut self.0
    }
}

/// `distccd OPTIONS…` in a plain environment and with this TMPDIR.
pub(crate) fn distccd(options: &[&str], work: &Workdir) -> Command {
    let mut command = clean(DISTCCD);
    command.args(options).arg(LIFETIME).env("TMPDIR", work.path().join("spool")).stdin(Stdio::null());
    command
}
