//! The real ccache before and behind us, by variable, by command and by links: what is found again, what is compiled
//! elsewhere, and whose messages are kept.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use test_hosts::client::Client;
use test_hosts::distccd::{Distccd, Setup};
use test_hosts::need;
use test_hosts::objects::assert_same_bytes;
use test_hosts::process::{Outcome, run};
use test_hosts::workdir::Workdir;

const DISTCC: &str = env!("CARGO_BIN_EXE_distcc");
const DISTCCD: &str = env!("CARGO_BIN_EXE_distccd");

/// A user with a cache of its own, and directories with links `gcc` to ccache and to us.
struct Scene {
    work: Workdir,
    ccache: PathBuf,
}

impl Scene {
    fn new() -> Option<Scene> {
        let ccache = need::program("ccache", "install ccache")?;
        let scene = Scene { work: Workdir::new(), ccache };
        for (directory, program) in [("ours", Path::new(DISTCC)), ("theirs", &scene.ccache)] {
            let directory = scene.work.path().join(directory);
            fs::create_dir(&directory).unwrap();
            symlink(program, directory.join("gcc")).unwrap();
        }
        let bin = scene.work.path().join("bin");
        fs::create_dir(&bin).unwrap();
        symlink(DISTCC, bin.join("distcc")).unwrap();
        scene.work.write("x.c", "static int unused;\nint x;\n");
        Some(scene)
    }

    /// Runs a shell command with a PATH in which `ours` and `theirs` stand for the directories of links.
    #[track_caller]
    fn run(&self, hosts: &str, path: &str, command: &str) -> Outcome {
        let place = self.work.path();
        let first = path
            .split(':')
            .filter(|name| !name.is_empty())
            .map(|name| place.join(name).display().to_string());
        let path: Vec<String> =
            first.chain([place.join("bin").display().to_string(), "/usr/bin:/bin".into()]).collect();
        let client = Client::new(DISTCC, &self.work, hosts).env("PATH", path.join(":"));
        let client = client.env("CCACHE_DIR", place.join("cache")).env("DISTCC_BACKOFF_PERIOD", "0");
        let mut shell = client.command("/bin/sh");
        shell.args(["-c", command]);
        run(shell).good()
    }

    /// How often something was found in the cache, and how often it was not.
    fn counted(&self) -> [u32; 2] {
        let said = self.run("", "", "ccache --print-stats").out();
        let counters: BTreeMap<&str, u32> = said
            .lines()
            .filter_map(|line| line.split_once('\t'))
            .map(|(name, n)| (name, n.parse().unwrap()))
            .collect();
        [counters["direct_cache_hit"] + counters["preprocessed_cache_hit"], counters["cache_miss"]]
    }
}

/// The same compile twice; then what the cache counted (found, not found) and what the daemon compiled.
#[track_caller]
fn check(path: &str, command: &str, counted: [u32; 2], served: usize) {
    let Some(scene) = Scene::new() else { return };
    let daemon = Distccd::start(&Setup::of(DISTCCD));
    let words = "-O2 -Wall -c x.c -o x.o";
    let plain = scene.run("", "", &format!("gcc {words}"));
    fs::rename(scene.work.src().join("x.o"), scene.work.src().join("plain.o")).unwrap();
    for time in ["first", "second"] {
        let ours = scene.run(&daemon.host(), path, &format!("{command} {words}"));
        assert_eq!(ours.out(), plain.out(), "{time}");
        assert!(ours.err().contains("unused") && !ours.err().contains("distcc["), "{time}: {}", ours.err());
        assert_same_bytes(&scene.work.src().join("x.o"), &scene.work.src().join("plain.o"));
        fs::remove_file(scene.work.src().join("x.o")).unwrap();
    }
    daemon.assert_served(served);
    assert_eq!(scene.counted(), counted, "{command} with {path}");
}

#[test]
fn what_ccache_does_not_know_it_has_us_compile() {
    check("", "CCACHE_PREFIX=distcc ccache gcc", [1, 1], 1);
    check("theirs", "CCACHE_PREFIX=distcc gcc", [1, 1], 1);
    check("theirs:ours", "gcc", [1, 1], 1);
}

/// What is sent away is no question to the cache; it is better asked first.
#[test]
fn a_ccache_behind_us_is_passed_over() {
    check("", "distcc ccache gcc", [0, 0], 2);
    // The cache would count the sample that is compiled for a compiler behind a launcher.
    check("ours:theirs", "DISTCC_TOOLCHAIN_CHECK=off gcc", [0, 0], 2);
}

/// What runs here does run through it.
#[test]
fn a_ccache_behind_us_serves_what_runs_here() {
    let check = |path: &str, command: &str| {
        let Some(scene) = Scene::new() else { return };
        for _ in 0..2 {
            let said = scene.run("localhost", path, &format!("{command} -c x.c")).err();
            assert_eq!(said, "", "{command} with {path}");
        }
        assert_eq!(scene.counted(), [1, 1], "{command} with {path}");
    };
    check("", "distcc ccache gcc");
    check("ours:theirs", "gcc");
    check("theirs:ours", "gcc");
    check("", "CCACHE_PREFIX=distcc ccache gcc");
}

/// ccache keeps what a compiler prints and shows it again; that a host was away on that day is no part of it.
#[test]
fn our_messages_are_not_kept() {
    let check = |path: &str, command: &str| {
        let Some(scene) = Scene::new() else { return };
        let compile = || scene.run("127.0.0.1:1", path, &format!("{command} -Wall -c x.c")).err();
        let [first, second] = [compile(), compile()];
        assert!(first.contains("unused") && first.contains("running locally instead"), "{first}");
        assert!(second.contains("unused") && !second.contains("distcc"), "{second}");
        assert_eq!(scene.counted(), [1, 1], "{command} with {path}");
    };
    check("", "CCACHE_PREFIX=distcc ccache gcc");
    check("theirs:ours", "gcc");
}
