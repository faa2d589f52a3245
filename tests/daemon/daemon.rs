//! The daemon under test in the foreground at a port of its own, and its log. Knows nothing of requests.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use test_hosts::process::{clean, pid_of};
use test_hosts::wait::{wait_for, wait_until};
use test_hosts::workdir::{Workdir, names_in};

pub(crate) const DISTCCD: &str = env!("CARGO_BIN_EXE_distccd");

/// Nothing that the daemon does may take longer.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// A daemon that outlives a killed test ends itself.
const LIFETIME: &str = "--lifetime=600";

/// A daemon that serves; killed when dropped.
pub(crate) struct Daemon {
    child: Child,
    address: SocketAddr,
    pub(crate) work: Workdir,
}

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
    pub(crate) fn start_by(mut command: Command, options: &[&str], variables: &[(&str, &str)]) -> Daemon {
        let work = Workdir::new();
        let spool = work.open_dir("spool");
        let said = File::create(work.path().join("said")).unwrap();
        let child = command
            .args(["--daemon", "--no-detach", "--port=0", "--log-stderr", "--log-level=info", LIFETIME])
            .args(options)
            .env("TMPDIR", spool)
            .envs(variables.iter().copied())
            .stderr(said)
            .spawn()
            .unwrap();
        let mut daemon = Daemon { child, address: ([127, 0, 0, 1], 0).into(), work };
        let port = wait_for(SOON, "a daemon that listens", || {
            let ended = daemon.child.try_wait().unwrap();
            assert!(ended.is_none(), "{ended:?}: {}", daemon.log());
            port_in(&daemon.log())
        });
        daemon.address.set_port(port);
        daemon
    }

    /// Where it listens, on the loopback interface.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Everything that it logged so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.work.path().join("said")).unwrap()
    }

    /// Waits for a line in the log; it may come a moment after the answer.
    #[track_caller]
    pub(crate) fn wait_for_log(&self, text: &str) {
        wait_until(SOON, &format!("\"{text}\" in the log"), || self.log().contains(text));
    }

    /// The same, behind what was logged before.
    #[track_caller]
    pub(crate) fn wait_for_log_after(&self, logged: usize, text: &str) {
        wait_until(SOON, &format!("\"{text}\" in the log"), || self.log()[logged..].contains(text));
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What lies in its TMPDIR.
    pub(crate) fn spool(&self) -> Vec<String> {
        names_in(&self.work.path().join("spool"))
    }

    /// Waits until its jobs have left nothing.
    #[track_caller]
    pub(crate) fn wait_for_empty_spool(&self) {
        wait_until(SOON, "an empty spool", || self.spool().is_empty());
    }

    /// A line of /proc/PID/status.
    pub(crate) fn status(&self, name: &str) -> String {
        let text = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim_start_matches(':').split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill(pid_of(&self.child), signal).unwrap();
    }

    /// Waits for its end, and says which signal that was.
    #[track_caller]
    pub(crate) fn wait_for_end(&mut self) -> Option<i32> {
        let child = &mut self.child;
        wait_for(SOON, "the end of the daemon", || child.try_wait().unwrap()).signal()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The port that a log says is listened on. Signals are heeded from then on, too.
pub(crate) fn port_in(log: &str) -> Option<u16> {
    let (_, address) = log.split_once("] listening on ")?;
    let (address, _) = address.split_once('\n')?;
    Some(address.parse::<SocketAddr>().unwrap().port())
}

/// `distccd OPTIONS…` in a plain environment and with this TMPDIR.
pub(crate) fn distccd(options: &[&str], work: &Workdir) -> Command {
    let mut command = clean(DISTCCD);
    command.args(options).arg(LIFETIME).env("TMPDIR", work.path().join("spool")).stdin(Stdio::null());
    command
}
