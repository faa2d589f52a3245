//! One daemon, and a middleman in front of it that sees which protocol each job speaks. Knows nothing of what is built.

use std::process::Command;
use std::time::Duration;

use test_hosts::client::Client;
use test_hosts::distccd::{Distccd, Setup};
use test_hosts::relay::Relay;
use test_hosts::wait::wait_until;
use test_hosts::workdir::Workdir;
use test_hosts::{C_DISTCC, Programs, need};

use crate::PUMP;

const LOG: Duration = Duration::from_secs(10);

/// A daemon that takes sources.
pub(crate) struct Farm {
    daemon: Distccd,
    /// It would count a sample as a job.
    is_c: bool,
    middleman: Relay,
}

/// How a client gets its include server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// `pump CMD`.
    Wrapped,
    /// By itself.
    Alone,
}

impl Farm {
    pub(crate) fn start(distccd: &str, words: &[&str]) -> Farm {
        let daemon = Distccd::start(&Setup { words, ..Setup::of(distccd) });
        let middleman = Relay::start(&daemon.host());
        Farm { daemon, is_c: distccd == C_DISTCC.distccd, middleman }
    }

    /// The list of hosts for a client.
    pub(crate) fn hosts(&self) -> String {
        format!("{}/4,lzo,cpp", self.middleman.host())
    }

    /// A client whose jobs may run nowhere else, and which tells of each trouble again.
    pub(crate) fn strict_client<'a>(&self, client: Programs, work: &'a Workdir) -> Client<'a> {
        self.client(client, work).env("DISTCC_FALLBACK", "0")
    }

    /// A client whose include server does not outlive a test for long.
    pub(crate) fn client<'a>(&self, client: Programs, work: &'a Workdir) -> Client<'a> {
        let client =
            Client::new(client.distcc, work, &self.hosts()).env("DISTCC_INCLUDE_SERVER_IDLE", "0.05");
        if self.is_c { client.env("DISTCC_TOOLCHAIN_CHECK", "off") } else { client }
    }

    /// Panics unless the daemon compiled so many jobs, all well, and each came as sources.
    #[track_caller]
    pub(crate) fn assert_all_were_sources(&self, jobs: usize) {
        self.assert_served(jobs);
        let versions = self.middleman.versions();
        let text = versions.iter().filter(|version| **version != 3).count();
        assert_eq!(text, 0, "so many came as text, of {jobs}");
        assert_eq!(versions.len(), jobs, "one connection for each job");
    }

    /// Panics unless the daemon compiled so many jobs, all well.
    #[track_caller]
    pub(crate) fn assert_served(&self, jobs: usize) {
        wait_until(LOG, "a log that tells of every job", || self.daemon.jobs().len() >= jobs);
        let bad: Vec<_> = self.daemon.jobs().into_iter().filter(|job| job.result != "COMPILE_OK").collect();
        assert!(bad.is_empty(), "{bad:?}\n{}", self.daemon.log());
        assert_eq!(self.daemon.jobs().len(), jobs, "{}", self.daemon.log());
    }

    /// How many jobs came as sources so far, and how many as preprocessed text.
    pub(crate) fn came(&self) -> (usize, usize) {
        let versions = self.middleman.versions();
        let sources = versions.iter().filter(|version| **version == 3).count();
        (sources, versions.len() - sources)
    }
}

/// `make` for a client: in the client's pump, or with nothing around it. None: the C pump does not work here.
pub(crate) fn make(client: Programs, calling: &Client, way: Way) -> Option<Command> {
    let pump = match (client == C_DISTCC, way) {
        (true, _) => need::c_pump()?.to_string_lossy().into_owned(),
        (false, Way::Wrapped) => PUMP.to_owned(),
        (false, Way::Alone) => return Some(calling.command("make")),
    };
    let mut command = calling.command(&pump);
    if client == C_DISTCC {
        command.env("DISTCC_LOCATION", "/usr/bin");
    }
    command.arg("make");
    Some(command)
}
