//! A daemon under measurement, ours or the C one, started alike. Knows nothing of what is measured.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::{Pid, geteuid};
use test_hosts::distccd::{free_port, listens};
use test_hosts::process::{clean, pid_of};
use test_hosts::wait::wait_until;
use test_hosts::workdir::Workdir;

use crate::cpu;
use crate::stub::Stub;

const LIMIT: Duration = Duration::from_secs(20);

/// A daemon that listens; dropped, it is killed with all that it started.
pub(crate) struct Daemon {
    /// Its process, which leads a process group.
    pid: Pid,
    port: u16,
    log: PathBuf,
    over: bool,
}

/// What a daemon and its children take of memory, in MiB.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    /// Resident; what processes share counts for each of them.
    pub(crate) resident: f64,
    /// Resident; what processes share is divided among them.
    pub(crate) share: f64,
}

impl Daemon {
    /// Starts it with a search path of stubs and waits until it listens. Temporary files lie where it likes best.
    pub(crate) fn start(program: &str, jobs: u32, stub: &Stub, work: &Workdir) -> Daemon {
        let port = free_port();
        let log = work.path().join(format!("logs/{port}"));
        let mut command = clean(program);
        command
            .args(["--daemon", "--no-detach", "--enable-tcp-insecure", "--lifetime=600"])
            .args(["--listen", "127.0.0.1", "--allow", "127.0.0.0/8", "--port", &port.to_string()])
            .args(["--jobs", &jobs.to_string(), "--log-level", "notice", "--log-file"])
            .arg(&log)
            .env("DISTCCD_PATH", stub.directory())
            .current_dir("/");
        if geteuid().is_root() {
            command.args(["--user", "nobody"]);
        }
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
        let pid = pid_of(&child.unwrap_or_else(|error| panic!("cannot start {program}: {error}")));
        let daemon = Daemon { pid, port, log, over: false };
        wait_until(LIMIT, "a daemon that listens", || listens(pid, port));
        daemon
    }

    /// Its entry in a host list.
    pub(crate) fn host(&self, slots: u32, options: &str) -> String {
        format!("127.0.0.1:{}/{slots}{options}", self.port)
    }

    /// How many compiles its log tells of.
    pub(crate) fn served(&self) -> usize {
        fs::read_to_string(&self.log).unwrap_or_default().matches("COMPILE_OK").count()
    }

    /// What it and its children hold now.
    pub(crate) fn memory(&self) -> Memory {
        let held: Vec<String> = family(self.pid)
            .iter()
            .filter_map(|pid| fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok())
            .collect();
        let sum = |name| held.iter().map(|text| field(text, name)).sum::<f64>() / 1024.0;
        Memory { resident: sum("Rss:"), share: sum("Pss:") }
    }

    /// Ends it as an init system would; returns the processor time of its whole life, and that of all it ran.
    pub(crate) fn stop(mut self) -> Duration {
        self.over = true;
        let (time, ()) = cpu::spent(|| {
            kill(self.pid, Signal::SIGTERM).expect("a daemon that still runs");
            cpu::reap_group(self.pid);
        });
        time
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if !self.over {
            let _ = killpg(self.pid, Signal::SIGKILL);
        }
    }
}

/// A process and all below it.
fn family(pid: Pid) -> Vec<Pid> {
    let tasks = fs::read_dir(Path::new("/proc").join(pid.to_string()).join("task"));
    let children = tasks
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    let below: Vec<Pid> = children
        .flat_map(|text| {
            text.split_whitespace()
                .map(|word| word.parse().expect("the kernel writes numbers"))
                .collect::<Vec<i32>>()
        })
        .flat_map(|child| family(Pid::from_raw(child)))
        .collect();
    std::iter::once(pid).chain(below).collect()
}

/// `Rss:      1234 kB`
fn field(text: &str, name: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0.0)
}
