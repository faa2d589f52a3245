//! The place where one row after another is run, with a daemon of its own beside it, and the three ways to run one.
//! Judges nothing.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::unistd::geteuid;
use test_hosts::Programs;
use test_hosts::client::Client;
use test_hosts::distccd::{Distccd, Setup};
use test_hosts::process::{LIMIT, Running};
use test_hosts::workdir::{Workdir, names_in, records_in};

use crate::row::{Case, Row, Verdict};
use crate::traces::Traces;

/// What every row finds around it.
const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/matrix/sources");
/// The names under which the client is found on a search path.
const LINKS: [&str; 6] = ["cc", "c++", "gcc", "g++", "clang", "clang++"];

/// Runs a command of root's with the rights of an ordinary owner of its files.
const HUMBLY: &str = "setpriv --bounding-set=-all --inh-caps=-all";
/// A host where nobody listens.
const NOBODY: &str = "127.0.0.1:1";

/// How a row's command is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// By the compiler, without us.
    Direct,
    /// By the client, which knows no other host.
    Here,
    /// By the client, which may do nothing here that it could do there.
    There,
    /// By the client as it is used.
    Usual,
    /// By the client, which has promised the compiler's own words to the byte.
    Exact,
}

/// Directories and a host that serves nobody else.
pub(crate) struct Place {
    work: Workdir,
    distcc: &'static str,
    daemon: Distccd,
    /// The host's good and its refused compiles so far.
    counted: Counts,
}

/// Compiles on the host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) good: usize,
    pub(crate) refused: usize,
}

/// One run of a row.
pub(crate) struct Run {
    pub(crate) traces: Traces,
    /// What the client told in its log.
    pub(crate) log: String,
    /// What it left that it should not have left.
    pub(crate) litter: Vec<String>,
}

impl Place {
    pub(crate) fn new(programs: Programs) -> Place {
        let work = Workdir::new();
        symlink(programs.distcc, work.path().join("distcc-client")).expect("a new name");
        for links in ["links", "no-links"] {
            fs::create_dir(work.path().join(links)).expect("a new directory");
        }
        for name in LINKS {
            symlink(programs.distcc, work.path().join("links").join(name)).expect("a new name");
        }
        let daemon = Distccd::start(&Setup::of(programs.distccd));
        Place { work, distcc: programs.distcc, daemon, counted: Counts::default() }
    }

    /// Runs a row's command in a tree as it is at the beginning of each.
    pub(crate) fn run(&self, row: &Row, case: Case, way: Way) -> Run {
        self.renew();
        let mut shell = self.shell(case, way, self.hosts(row, way));
        shell.args(["-c", &row.script]);
        let outcome = Running::start(shell).finish(LIMIT);
        let traces = Traces::of(&outcome, &self.work.src());
        Run { traces, log: fs::read_to_string(self.log()).unwrap_or_default(), litter: self.litter() }
    }

    fn hosts(&self, row: &Row, way: Way) -> String {
        match way {
            Way::Here => "localhost".to_owned(),
            _ if row.verdict == Verdict::Fallback => NOBODY.to_owned(),
            _ => self.daemon.host(),
        }
    }

    fn shell(&self, case: Case, way: Way, hosts: String) -> Command {
        let client = self.work.path().join("distcc-client");
        let compiler = case.compiler();
        let (prefix, links) = match way {
            Way::Direct => (String::new(), "no-links"),
            _ => (format!("{} ", client.display()), "links"),
        };
        let mut shell = Client::new(self.distcc, &self.work, &hosts).command("sh");
        shell
            .env("CC", format!("{prefix}{compiler}"))
            .env("PLAIN", compiler)
            .env("X", case.extension())
            // An include server that a row starts does not outlive the row for long.
            .env("DISTCC_INCLUDE_SERVER_IDLE", "0.05")
            .env("DISTCC", self.distcc)
            .env("HOST", &hosts)
            .env("LZO", if way == Way::Here { "" } else { ",lzo" })
            .env("HUMBLY", if geteuid().is_root() { HUMBLY } else { "" })
            .env("LINKS", self.work.path().join(links));
        if way != Way::Here {
            shell.env("DISTCC_LOG", self.log()).env("DISTCC_VERBOSE", "1");
        }
        match way {
            Way::There => shell.env("DISTCC_FALLBACK", "0"),
            Way::Exact => shell.env("DISTCC_EXACT_DIAGNOSTICS", "1"),
            Way::Direct | Way::Here | Way::Usual => &mut shell,
        };
        shell
    }

    /// How many compiles the host has done since the last call; waits until there are as many as are expected.
    pub(crate) fn served_since(&mut self, expected: Counts) -> Counts {
        let before = self.counted;
        self.daemon.comes_to_tell("COMPILE_OK", before.good + expected.good);
        self.daemon.comes_to_tell("COMPILE_ERROR", before.refused + expected.refused);
        let count = |result| self.daemon.count(result);
        self.counted = Counts { good: count("COMPILE_OK"), refused: count("COMPILE_ERROR") };
        Counts { good: self.counted.good - before.good, refused: self.counted.refused - before.refused }
    }

    fn log(&self) -> PathBuf {
        self.work.path().join("client.log")
    }

    fn renew(&self) {
        let source = self.work.src();
        let _ = fs::remove_file(self.log());
        fs::remove_dir_all(&source).expect("a directory of ours");
        copy(Path::new(SOURCES), &source);
    }

    /// Lock files stay, and so do the files that tell what a slot of this machine did last, how compilers sign, what became
    /// of jobs and what a build was told, and the include server's place while it has not noticed that nobody comes.
    fn litter(&self) -> Vec<String> {
        let mut found = records_in(&self.work);
        found.extend(names_in(&self.work.tmp()));
        found.extend(names_in(&self.work.home()));
        found.extend(names_in(&self.work.distcc_dir()));
        let stays = ["compilers", "known", "lock", "state", "tally", "told"];
        found.retain(|name| !stays.contains(&name.as_str()) && !name.starts_with("pump-"));
        found
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).expect("a new directory");
    fs::set_permissions(to, fs::Permissions::from_mode(0o755)).expect("a directory of ours");
    for name in names_in(from) {
        let (from, to) = (from.join(&name), to.join(&name));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            fs::write(&to, fs::read(&from).expect("a file of the project")).expect("a new file");
        }
    }
}
