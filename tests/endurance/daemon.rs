//! The daemon under test, and everything that it could leak. Knows nothing of jobs.

use std::fs;
use std::ops::Deref;
use std::path::Path;

use test_hosts::distccd::make_executable;
use test_hosts::foreground::Foreground;
use test_hosts::process::{clean, run};
use test_hosts::workdir::{Workdir, names_in};

const DISTCCD: &str = env!("CARGO_BIN_EXE_distccd");

/// A daemon that serves; killed when dropped.
pub(crate) struct Daemon(Foreground);

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
    /// Starts it with these options and variables, and waits until it listens. Any compiler may run.
    #[track_caller]
    pub(crate) fn start(options: &[&str], variables: &[(&str, &str)]) -> Daemon {
        let options = [&["--enable-tcp-insecure"], options].concat();
        Daemon(Foreground::start(clean(DISTCCD), &options, variables))
    }

    /// What it holds now.
    pub(crate) fn holdings(&self) -> Holdings {
        let mut files: Vec<String> = names_in(&self.proc("fd"))
            .iter()
            .filter_map(|number| fs::read_link(self.proc("fd").join(number)).ok())
            .map(|target| kind(&target))
            .collect();
        files.sort();
        let tasks = names_in(&self.proc("task"));
        let children = tasks.iter().flat_map(|task| {
            let list = fs::read_to_string(self.proc("task").join(task).join("children")).unwrap_or_default();
            list.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
        });
        let children = children.collect();
        Holdings { files, threads: tasks.len(), children, spool: self.spool() }
    }

    /// Resident memory in KiB: now, and the most so far.
    pub(crate) fn memory(&self) -> [usize; 2] {
        ["VmRSS", "VmHWM"].map(|name| {
            let line = self.status(name);
            line.split_whitespace().next().expect("a number and its unit").parse().expect("a number")
        })
    }
}

impl Deref for Daemon {
    type Target = Foreground;

    fn deref(&self) -> &Foreground {
        &self.0
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
