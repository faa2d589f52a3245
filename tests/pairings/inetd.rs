//! A super-server that starts a daemon for each connection: inetd, or what systemd brings to try such services. Knows
//! nothing of clients.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use test_hosts::C_DISTCC;
use test_hosts::client::gets_jobs_only;
use test_hosts::distccd::{free_port, listens, make_executable};
use test_hosts::need;
use test_hosts::process::{Running, clean};
use test_hosts::settings::PATH;
use test_hosts::wait::wait_until;
use test_hosts::workdir::Workdir;

const SOON: Duration = Duration::from_secs(20);

/// A super-server that listens; gone when dropped.
pub(crate) struct SuperServer {
    port: u16,
    place: Workdir,
    _running: Running,
}

impl SuperServer {
    /// systemd-socket-activate(1); None after a skip has been announced.
    pub(crate) fn socket_activate(distccd: &str) -> Option<SuperServer> {
        let program = need::program("systemd-socket-activate", "install systemd")?;
        Some(SuperServer::start(distccd, |port, service, _| {
            let mut command = clean(program);
            command.arg(format!("--listen=127.0.0.1:{port}")).args(["--accept", "--inetd"]).arg(service);
            command
        }))
    }

    /// inetd(8), which only root may ask to run something as root; None after a skip has been announced.
    pub(crate) fn inetd(distccd: &str) -> Option<SuperServer> {
        if !need::root() {
            return None;
        }
        let program = need::program("inetd", "install openbsd-inetd (Debian)")?;
        Some(SuperServer::start(distccd, |port, service, place| {
            let configuration = place.join("inetd.conf");
            let line = format!("127.0.0.1:{port} stream tcp nowait root {0} {0}\n", service.display());
            fs::write(&configuration, line).expect("a file in a directory of ours");
            let mut command = clean(program);
            // More starts in a minute than anyone needs.
            command.args(["-i", "-R", "100000"]).arg(configuration);
            command
        }))
    }

    fn start(distccd: &str, command: impl FnOnce(u16, &Path, &Path) -> Command) -> SuperServer {
        let place = Workdir::new();
        let (log, spool) = (place.open_dir("logs").join("log"), place.open_dir("spool"));
        let service = place.path().join("service");
        // inetd gives it no PATH at all, without which gcc does not find its parts.
        let script = format!(
            "#!/bin/sh\nexport TMPDIR={} PATH={PATH}\nexec {distccd} --inetd --allow 127.0.0.1 --enable-tcp-insecure \
             --user nobody --log-level info --log-file {}\n",
            spool.display(),
            log.display()
        );
        fs::write(&service, script).expect("a file in a directory of ours");
        make_executable(&service);
        let port = free_port();
        if distccd == C_DISTCC.distccd {
            gets_jobs_only(format!("127.0.0.1:{port}"));
        }
        let running = Running::start(command(port, &service, place.path()));
        let pid = running.pid();
        wait_until(SOON, "a super-server that listens", || listens(pid, port));
        SuperServer { port, place, _running: running }
    }

    /// Where it listens.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Panics unless the daemons come to tell of this many good compiles, and of no other end of a job.
    #[track_caller]
    pub(crate) fn assert_served(&self, jobs: usize) {
        let log = || fs::read_to_string(self.place.path().join("logs/log")).unwrap_or_default();
        let ends = |word: &str| log().lines().filter(|line| line.contains(word)).count();
        wait_until(SOON, "a log of all jobs", || ends(" client: ") >= jobs);
        assert_eq!((ends(" client: "), ends(" COMPILE_OK ")), (jobs, jobs), "{}", log());
    }
}
