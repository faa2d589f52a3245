//! One machine behind an sshd, with a distccd that is started for each job and keeps a log. Knows nothing of clients.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use crate::C_DISTCC;
use crate::client::Client;
use crate::need;
use crate::sshd::Sshd;
use crate::wait::wait_until;
use crate::workdir::Workdir;

const SOON: Duration = Duration::from_secs(20);

/// A machine that compiles for whoever may log in.
pub struct SshHost {
    /// Its server.
    pub sshd: Sshd,
    logs: Workdir,
    daemon: PathBuf,
    is_c: bool,
}

impl SshHost {
    /// None after a skip has been announced.
    pub fn start(distccd: &str) -> Option<SshHost> {
        if distccd == C_DISTCC.distccd && need::c_distcc().is_none() {
            return None;
        }
        let sshd = Sshd::start_known()?;
        let logs = Workdir::new();
        let log = logs.open_dir("logs").join("log");
        let script =
            format!("exec {distccd} --user nobody --log-level info --log-file {} \"$@\"", log.display());
        let daemon = sshd.install("distccd", &script);
        Some(SshHost { sshd, logs, daemon, is_c: distccd == C_DISTCC.distccd })
    }

    /// As a host list names it, with so many slots.
    pub fn spec(&self, slots: u32, options: &str) -> String {
        format!("root@127.0.0.1/{slots}:{}{options}", self.daemon.display())
    }

    /// A client that knows the way.
    pub fn client<'a>(&self, distcc: &'a str, work: &'a Workdir, hosts: &str) -> Client<'a> {
        let client = Client::new(distcc, work, hosts).env("DISTCC_SSH", self.sshd.ssh("key"));
        // A sample would be counted as a job.
        if self.is_c { client.env("DISTCC_TOOLCHAIN_CHECK", "off") } else { client }
    }

    /// What the daemons there logged so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.logs.path().join("logs/log")).unwrap_or_default()
    }

    /// How many jobs had this result.
    pub fn count(&self, result: &str) -> usize {
        self.log().lines().filter(|line| line.contains(&format!(" {result} "))).count()
    }

    /// Panics unless the log comes to tell of this many good compiles, and not of more.
    #[track_caller]
    pub fn assert_served(&self, jobs: usize) {
        wait_until(SOON, &format!("a log that tells of {jobs} good jobs"), || {
            self.count("COMPILE_OK") >= jobs
        });
        assert_eq!(self.count("COMPILE_OK"), jobs, "{}", self.log());
    }
}
