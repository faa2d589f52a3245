//! Real programs to build: how each is configured, made and proved to work. Knows nothing of who compiles.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::client::Client;
use crate::process::{Outcome, Running, clean, run};
use crate::workdir::Workdir;

const LONGEST_BUILD: Duration = Duration::from_secs(300);

/// A program to build.
pub struct Project {
    /// Its source, as tests/run fetches it.
    pub name: &'static str,
    /// Files that the tree gets beside its own.
    pub files: &'static [(&'static str, &'static str)],
    /// Run once in the fresh tree.
    pub configure: Option<&'static str>,
    /// Words for make.
    pub make: &'static [&'static str],
    /// make's variable for the compiler, and the compiler as the project itself calls it.
    pub compiler: (&'static str, &'static str),
    /// make's variable for flags.
    pub flags: &'static str,
    /// A shell script in the built tree that fails if the programs do not work.
    pub proof: &'static str,
}

/// C without a configure script.
pub static LUA: Project = Project {
    name: "lua5.4",
    files: &[],
    configure: None,
    make: &["linux"],
    compiler: ("CC", "gcc -std=gnu99"),
    flags: "MYCFLAGS",
    proof: r#"src/lua -v && test "$(echo 'print(6 * 7, ("x"):rep(3))' | src/lua - | tr '\t' ' ')" = "42 xxx""#,
};

/// C with a configure script, generated headers, and dependencies written beside the objects.
pub static GZIP: Project = Project {
    name: "gzip",
    files: &[],
    configure: Some("./configure"),
    make: &[],
    compiler: ("CC", "gcc"),
    flags: "CFLAGS",
    proof: "./gzip -9 <NEWS >n.gz && ./gzip -t n.gz && ./gzip -dc n.gz | cmp - NEWS && ./gzip --version",
};

/// C++, the library alone.
pub static LEVELDB: Project = Project {
    name: "leveldb",
    files: &[("GNUmakefile", LEVELDB_MAKEFILE)],
    configure: None,
    make: &[],
    compiler: ("CXX", "g++ -std=c++11"),
    flags: "CXXFLAGS",
    proof: "test -s libleveldb.a",
};

/// That of its authors wants cmake, and builds tests and benchmarks of other projects.
const LEVELDB_MAKEFILE: &str = "\
SOURCES := $(filter-out %_test.cc db/leveldbutil.cc util/testutil.cc util/env_windows.cc, \\
    $(wildcard db/*.cc table/*.cc util/*.cc)) helpers/memenv/memenv.cc
CPPFLAGS := -I. -Iinclude -DLEVELDB_PLATFORM_POSIX=1 -DHAVE_FDATASYNC=1 -DHAVE_O_CLOEXEC=1
libleveldb.a: $(SOURCES:.cc=.o)
\t$(AR) rcs $@ $^
";

/// Where one project is built again and again, always at the same path, which debug information and `__FILE__` tell.
pub struct Place {
    project: &'static Project,
    /// Stays until the next run: what all tests of a process share has no last owner to remove it.
    root: PathBuf,
    /// The directories of finished local builds, by flags.
    local: BTreeMap<String, PathBuf>,
}

impl Place {
    /// Makes `root` anew with the configured source in it.
    #[track_caller]
    pub fn prepare(project: &'static Project, source: &Path, root: PathBuf) -> Place {
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(&root).expect("a directory that cargo keeps for tests");
        let place = Place { project, root, local: BTreeMap::new() };
        copy(source, &place.tree());
        for (name, text) in project.files {
            fs::write(place.tree().join(name), text).expect("a tree of ours");
        }
        if let Some(script) = project.configure {
            let mut configure = clean(script);
            configure.current_dir(place.tree());
            Running::start(configure).finish(LONGEST_BUILD).good();
        }
        fs::rename(place.tree(), place.fresh()).expect("two directories of ours");
        place
    }

    /// Where it is built.
    pub fn tree(&self) -> PathBuf {
        self.root.join("tree")
    }

    fn fresh(&self) -> PathBuf {
        self.root.join("fresh")
    }

    /// The directory of a finished local build, made at the first call with these flags.
    #[track_caller]
    pub fn local(&mut self, jobs: usize, flags: &str) -> PathBuf {
        if let Some(done) = self.local.get(flags) {
            return done.clone();
        }
        let scratch = Workdir::new();
        self.build(Client::new("distcc", &scratch, "").command("make"), jobs, "", flags).good();
        self.prove();
        let done = self.root.join(format!("local{}", self.local.len()));
        fs::rename(self.tree(), &done).expect("two directories of ours");
        self.local.insert(flags.to_owned(), done.clone());
        done
    }

    /// Builds a fresh copy of the tree with `make`, to which words are added; the compiler's command begins with `launcher`.
    /// `{tree}` in the flags is where it is built.
    #[track_caller]
    pub fn build(&self, mut make: Command, jobs: usize, launcher: &str, flags: &str) -> Outcome {
        let _ = fs::remove_dir_all(self.tree());
        copy(&self.fresh(), &self.tree());
        let Project { make: words, compiler: (variable, compiler), flags: flags_variable, .. } = self.project;
        let flags = flags.replace("{tree}", &self.tree().display().to_string());
        make.current_dir(self.tree()).arg(format!("-j{jobs}")).args(*words);
        make.arg(format!("{variable}={}", format!("{launcher} {compiler}").trim()));
        make.arg(format!("{flags_variable}={flags}"));
        Running::start(make).finish(LONGEST_BUILD)
    }

    /// Panics unless what was built works.
    #[track_caller]
    pub fn prove(&self) {
        let mut shell = clean("/bin/sh");
        shell.args(["-ec", self.project.proof]).current_dir(self.tree());
        run(shell).good();
    }
}

fn copy(from: &Path, to: &Path) {
    // With their times, or make would make what a release ships ready-made.
    let mut copy = clean("cp");
    copy.arg("-a").args([from, to]);
    run(copy).good();
}

/// The objects below a directory, as sorted paths relative to it; panics if there are none.
#[track_caller]
pub fn objects_in(directory: &Path) -> Vec<PathBuf> {
    let mut folders = vec![directory.to_owned()];
    let mut objects = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a built tree").flatten() {
            let path = entry.path();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "o") {
                objects.push(path.strip_prefix(directory).expect("a path below it").to_owned());
            }
        }
    }
    assert!(!objects.is_empty(), "nothing was built");
    objects.sort();
    objects
}
