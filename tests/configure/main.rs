//! Configuring real programs with the client in the compiler's place finds what it finds without. Knows nothing of which
//! compiles are probes but how many travel.

mod project;
mod tree;

use project::{Compiler, PROJECTS, Project};
use std::path::PathBuf;
use std::time::Duration;
use test_hosts::client::Client;
use test_hosts::distccd::{Distccd, Setup, free_port};
use test_hosts::need;
use test_hosts::process::Running;
use test_hosts::workdir::Workdir;
use tree::Tree;

const DISTCC: &str = env!("CARGO_BIN_EXE_distcc");
const DISTCCD: &str = env!("CARGO_BIN_EXE_distccd");
const LONGEST: Duration = Duration::from_secs(300);

#[test]
fn autoconf_and_libtool() {
    check("libffi");
}

#[test]
fn cmake() {
    check("json-c");
}

#[test]
fn meson() {
    check("pkgconf");
}

#[test]
fn kconfig() {
    check("busybox");
}

/// One way to call the compiler.
struct Way {
    name: &'static str,
    compiler: Compiler,
    hosts: String,
    /// DISTCC_PROBES.
    probes: &'static str,
}

#[track_caller]
fn check(name: &str) {
    let project = PROJECTS.iter().find(|project| project.name == name).expect("a project of the table");
    let Some(place) = Place::prepare(project) else { return };
    let (quiet, busy) = (Distccd::start(&Setup::of(DISTCCD)), Distccd::start(&Setup::of(DISTCCD)));
    let way = |name, compiler, hosts, probes| Way { name, compiler, hosts, probes };
    let plain = place.configure(&way("without", Compiler::Plain, String::new(), ""));
    assert!(plain.has(project.found), "{name}: {:?} is not what it found", project.found);

    for way in [
        way("as a link, probes stay", Compiler::Link, quiet.host(), "local"),
        way("as a command, probes travel", Compiler::Command, busy.host(), "remote"),
        way("as a link, the host is away", Compiler::Link, format!("127.0.0.1:{}", free_port()), "remote"),
    ] {
        let found = place.configure(&way);
        let differences = match (way.compiler, project.headers_only) {
            (Compiler::Command, true) => plain.headers().differences(&found.headers()),
            _ => plain.differences(&found),
        };
        assert!(differences.is_empty(), "{name}, {}: {differences:#?}", way.name);
    }
    quiet.assert_served(project.compiles);
    let (served, wanted) = (busy.count("COMPILE_OK"), project.compiles + project.probes);
    assert!(served >= wanted, "{name}: {served} probes travelled, not {wanted}");
}

/// Where one project is configured again and again: always in the same directory, because results name it.
struct Place {
    project: &'static Project,
    source: PathBuf,
    work: Workdir,
}

impl Place {
    /// None: something is missing, and that has been said.
    fn prepare(project: &'static Project) -> Option<Place> {
        for program in project.programs {
            need::program(program, "install it")?;
        }
        let place = Place { project, source: need::source(project.name)?, work: Workdir::new() };
        let links = place.links();
        std::fs::create_dir(&links).expect("a new directory of ours");
        for compiler in ["gcc", "g++", "cc", "c++"] {
            std::os::unix::fs::symlink(DISTCC, links.join(compiler)).expect("a new link of ours");
        }
        Some(place)
    }

    fn links(&self) -> PathBuf {
        self.work.path().join("links")
    }

    /// Configures a fresh copy of the source; says what came of it, as if the compiler had been called plainly.
    #[track_caller]
    fn configure(&self, way: &Way) -> Tree {
        let tree = self.work.src().join("tree");
        Tree::copy(&self.source, &tree);
        let client = Client::new(DISTCC, &self.work, &way.hosts).env("DISTCC_PROBES", way.probes);
        let mut command = client.command("sh");
        command.args(["-e", "-c", self.project.configure]).current_dir(&tree);
        way.compiler.set_up(&mut command, DISTCC, &self.links());
        Running::start(command).finish(LONGEST).good();
        let found = Tree::read(&tree, self.project.unsteady, |text| {
            way.compiler.plainly(text, DISTCC, &self.links())
        });
        std::fs::remove_dir_all(tree).expect("a directory of ours");
        found
    }
}
