//! A distccd that is started in a way that may be wrong. Knows nothing of who looks at it.

use std::net::Ipv4Addr;
use std::time::Duration;

use nix::unistd::geteuid;
use test_hosts::distccd::{free_port, listens};
use test_hosts::need;
use test_hosts::netns::Netns;
use test_hosts::process::{Running, clean};
use test_hosts::wait::wait_until;
use test_hosts::workdir::Workdir;

const DISTCCD: &str = env!("CARGO_BIN_EXE_distccd");
const USUAL_PATH: &str = "/usr/local/bin:/usr/bin:/bin";
const START: Duration = Duration::from_secs(20);

/// How to start one.
#[derive(Clone)]
pub(crate) struct Start<'a> {
    pub(crate) distccd: &'a str,
    /// Another machine than this one; there it has its usual port.
    pub(crate) on: Option<&'a Netns>,
    pub(crate) allow: &'a str,
    pub(crate) path: String,
    pub(crate) variables: Vec<(&'a str, String)>,
    /// `--enable-tcp-insecure`.
    pub(crate) anything: bool,
}

/// A daemon that runs until it is dropped.
pub(crate) struct Daemon {
    _running: Running,
    _place: Workdir,
    pub(crate) host: String,
}

/// The makes to try: ours, and the C one where there is one.
pub(crate) fn makes() -> Vec<&'static str> {
    [Some(DISTCCD), need::c_distcc().map(|programs| programs.distccd)].into_iter().flatten().collect()
}

impl<'a> Start<'a> {
    /// One with which nothing is wrong.
    pub(crate) fn good(distccd: &'a str) -> Start<'a> {
        Start {
            distccd,
            on: None,
            allow: "127.0.0.1",
            path: USUAL_PATH.to_owned(),
            variables: Vec::new(),
            anything: false,
        }
    }

    /// Ours.
    pub(crate) fn ours() -> Start<'a> {
        Start::good(DISTCCD)
    }

    /// Starts it and waits until it listens.
    #[track_caller]
    pub(crate) fn start(&self) -> Daemon {
        let place = Workdir::new();
        let spool = place.open_dir("spool");
        let (address, port) = match self.on {
            Some(host) => (host.address(), 3632),
            None => (Ipv4Addr::LOCALHOST, free_port()),
        };
        let mut command = self.on.map_or_else(|| clean(self.distccd), |host| host.command(self.distccd));
        command.args(["--daemon", "--no-detach", "--log-stderr", "--jobs", "4", "--lifetime=600"]);
        command.args(["--listen", &address.to_string(), "--port", &port.to_string(), "--allow", self.allow]);
        command.args(self.anything.then_some("--enable-tcp-insecure"));
        if geteuid().is_root() {
            command.args(["--user", "nobody"]);
        }
        // `ip` is looked for on the PATH, too.
        command.env(if self.on.is_some() { "DISTCCD_PATH" } else { "PATH" }, &self.path);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.env("TMPDIR", &spool).current_dir("/");
        let running = Running::start(command);
        let pid = running.pid();
        wait_until(START, "a daemon that listens", || listens(pid, port));
        let host = if self.on.is_some() { address.to_string() } else { format!("{address}:{port}") };
        Daemon { _running: running, _place: place, host }
    }
}
