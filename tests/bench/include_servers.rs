//! An include server under measurement, ours or the C one, as its own `pump --startup` starts it. Knows nothing of what is
//! measured.

use std::fs;
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use test_hosts::process::{clean, run};
use test_hosts::wait::wait_until;
use test_hosts::workdir::Workdir;

use crate::stub::Stub;

const LIMIT: Duration = Duration::from_secs(20);

/// An include server that listens; its process has become a child of ours.
pub(crate) struct IncludeServer {
    pid: Pid,
    /// As printed for a shell.
    variables: Vec<(String, String)>,
}

impl IncludeServer {
    /// Starts it for a client in `location`, with the stub in front of all compilers.
    pub(crate) fn start(pump: &Path, location: &Path, stub: &Stub, work: &Workdir) -> IncludeServer {
        let mut command = clean(pump);
        command
            .arg("--startup")
            .env("DISTCC_LOCATION", location)
            .env("DISTCC_HOSTS", "127.0.0.1,lzo,cpp")
            .env("DISTCC_DIR", work.distcc_dir())
            .env("HOME", work.home())
            .env("TMPDIR", work.tmp())
            .env("PATH", format!("{}:/usr/bin:/bin", stub.directory().display()))
            .current_dir(work.src());
        let printed = run(command).good().out();
        let variables: Vec<(String, String)> = printed.lines().filter_map(variable).collect();
        let pid = variables.iter().find(|(name, _)| name == "INCLUDE_SERVER_PID");
        let pid = pid.and_then(|(_, pid)| pid.parse().ok()).unwrap_or_else(|| panic!("no server: {printed}"));
        IncludeServer { pid: Pid::from_raw(pid), variables }
    }

    /// What a client needs to know of it.
    pub(crate) fn variables(&self) -> Vec<(String, String)> {
        self.variables.iter().filter(|(name, _)| name == "INCLUDE_SERVER_PORT").cloned().collect()
    }

    /// What it holds, in MiB.
    pub(crate) fn memory(&self) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid)).unwrap_or_default();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let resident = resident.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok());
        resident.expect("a server that still runs") / 1024.0
    }

    /// Ends it, so that its processor time counts.
    pub(crate) fn stop(self) {
        kill(self.pid, Signal::SIGTERM).expect("a server that still runs");
        wait_until(LIMIT, "the end of an include server", || {
            let ended = waitpid(self.pid, Some(WaitPidFlag::WNOHANG));
            !matches!(ended, Ok(WaitStatus::StillAlive) | Err(Errno::EINTR))
        });
    }
}

/// `export NAME='VALUE'`
fn variable(line: &str) -> Option<(String, String)> {
    let (name, value) = line.strip_prefix("export ")?.split_once('=')?;
    Some((name.to_owned(), value.trim_matches('\'').to_owned()))
}
