//! The daemon under test, and everything that it could leak. Knows nothing of jobs.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use test_hosts::distccd::make_executable;
use test_hosts::process::{clean, run};
use test_hosts::wait::{wait_for, wait_until};
use test_hosts::workdir::{Workdir, names_in};

const DISTCCD: &str = env!("CARGO_BIN_EXE_distccd");
const SOON: Duration = Duration::from_secs(30);
/// A daemon that outlives a killed test ends itself.
const LIFETIME: &str = "--lifetime=600";

/// A daemon that serves; killed when dropped.
pub(crate) struct Daemon {
    child: Child,
    address: SocketAddr,
    work: Workdir,
}

/// What a daemon holds at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Holdings {
    pub(crate) files: Vec<String>,
    pub(crate) threads: usize,
    /// Children, be they alive or not.
    pub(crate) children: Vec<String>,
    /// What lies in its TMPDIR.
    pub(crate) spool: Vec<String>,
}

impl Daemon {
    /// Starts it with these options and variables, and waits until it listens.
    #[track_caller]
    pub(crate) fn start(options: &[&str], variables: &[(&str, &str)]) -> Daemon {
        let work = Workdir::new();
        let spool = work.open_dir("spool");
        let said = File::create(work.path().join("said")).unwrap();
        let mut command = clean(DISTCCD);
        command.args(["--daemon", "--no-detach", "--port=0", "--log-stderr", "--log-level=info", LIFETIME]);
        command.args(["--enable-tcp-insecure"]).args(options).envs(variables.iter().copied());
        let child = command.env("TMPDIR", spool).stderr(said).stdin(Stdio::null()).spawn().unwrap();
        let mut daemon = Daemon { child, address: ([127, 0, 0, 1], 0).into(), work };
        let port = wait_for(SOON, "a daemon that listens", || {
            assert!(daemon.child.try_wait().unwrap().is_none(), "{}", daemon.log());
            let log = daemon.log();
            let (_, address) = log.split_once("] listening on ")?;
            Some(address.split_once('\n')?.0.parse::<SocketAddr>().unwrap().port())
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

    /// Waits for so many lines with these words in the log.
    #[track_caller]
    pub(crate) fn wait_for_log(&self, words: &str, times: usize) {
        wait_until(SOON, &format!("{times} times \"{words}\" in the log"), || {
            self.log().matches(words).count() >= times
        });
    }

    /// What it holds now.
    pub(crate) fn holdings(&self) -> Holdings {
        let proc = |part: &str| PathBuf::from(format!("/proc/{}/{part}", self.child.id()));
        let mut files: Vec<String> = names_in(&proc("fd"))
            .iter()
            .filter_map(|number| fs::read_link(proc("fd").join(number)).ok())
            .map(|target| kind(&target))
            .collect();
        files.sort();
        let tasks = names_in(&proc("task"));
        let children = tasks.iter().flat_map(|task| {
            let list = fs::read_to_string(proc("task").join(task).join("children")).unwrap_or_default();
            list.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
        });
        let children = children.collect();
        let spool = names_in(&self.work.path().join("spool"));
        Holdings { files, threads: tasks.len(), children, spool }
    }

    /// Resident memory in KiB: now, and the most so far.
    pub(crate) fn memory(&self) -> [usize; 2] {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        ["VmRSS:", "VmHWM:"].map(|name| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.split_whitespace().next().unwrap().parse().unwrap()
        })
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `socket:[123]` without its number.
fn kind(target: &Path) -> String {
    let target = target.display().to_string();
    target.split_once(":[").map_or(target.clone(), |(kind, _)| kind.to_owned())
}

/// A compiler that makes a stub's object in next to no time, in a directory that every user may enter.
pub(crate) fn quick_compiler(work: &Workdir) -> String {
    let source = work.write(
        "quick.c",
        "#include <stdio.h>\n#include <string.h>\n\
         int main(int argc, char **argv) {\n  for (int i = 1; i + 1 < argc; i++)\n    if (!strcmp(argv[i], \"-o\")) {\n\
         \x20     FILE *f = fopen(argv[i + 1], \"w\");\n      return fputs(\"object\\n\", f) < 0 || fclose(f);\n    }\n  return 1;\n}\n",
    );
    let program = work.path().join("quick-cc");
    let mut gcc = clean("gcc");
    gcc.args(["-O1", "-static", "-o"]).args([&program, &source]);
    run(gcc).good();
    make_executable(&program);
    program.display().to_string()
}
