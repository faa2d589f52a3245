//! Real programs, built with `make -j8` on two other hosts, are what a local build makes. Knows nothing of how a job travels.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use test_hosts::client::Client;
use test_hosts::distccd::{Distccd, Setup};
use test_hosts::netns::Network;
use test_hosts::objects::{assert_same_but_debug, assert_same_bytes, assert_same_debug_but_columns};
use test_hosts::process::{Running, clean, run};
use test_hosts::wait::wait_until;
use test_hosts::workdir::Workdir;
use test_hosts::{C_DISTCC, Programs, need};

const OURS: Programs =
    Programs { distcc: env!("CARGO_BIN_EXE_distcc"), distccd: env!("CARGO_BIN_EXE_distccd") };
const LONGEST_BUILD: Duration = Duration::from_secs(300);
const LOG: Duration = Duration::from_secs(10);

/// A program to build.
struct Project {
    name: &'static str,
    /// Run once in the fresh tree.
    configure: Option<&'static str>,
    make: &'static [&'static str],
    /// The compiler as the project's own makefile calls it.
    compiler: &'static str,
    /// The variable for flags, by default and with debug information.
    flags: [&'static str; 2],
    /// A shell script in the built tree that fails if the programs do not work.
    proof: &'static str,
}

static LUA: Project = Project {
    name: "lua5.4",
    configure: None,
    make: &["linux"],
    compiler: "gcc -std=gnu99",
    flags: ["MYCFLAGS=", "MYCFLAGS=-g"],
    proof: r#"src/lua -v && test "$(echo 'print(6 * 7, ("x"):rep(3))' | src/lua - | tr '\t' ' ')" = "42 xxx""#,
};

static GZIP: Project = Project {
    name: "gzip",
    configure: Some("./configure"),
    make: &[],
    compiler: "gcc",
    flags: ["CFLAGS=-O2", "CFLAGS=-O2 -g"],
    proof: "./gzip -9 <NEWS >n.gz && ./gzip -t n.gz && ./gzip -dc n.gz | cmp - NEWS && ./gzip --version",
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Flags {
    Default,
    Debug,
}

/// Two ends, the hosts' options, flags.
type Case = (Programs, Programs, &'static str, Flags);

#[test]
fn lua_ours_with_ours_compressed_with_debug_information() {
    check(&LUA, (OURS, OURS, ",lzo", Flags::Debug));
}

#[test]
fn lua_c_with_c_shows_that_this_test_is_fair() {
    check(&LUA, (C_DISTCC, C_DISTCC, "", Flags::Debug));
}

#[test]
fn gzip_ours_with_ours_compressed() {
    check(&GZIP, (OURS, OURS, ",lzo", Flags::Default));
}

#[test]
fn gzip_ours_with_ours_with_debug_information() {
    check(&GZIP, (OURS, OURS, "", Flags::Debug));
}

#[test]
fn gzip_c_client_with_our_daemons_compressed() {
    check(&GZIP, (C_DISTCC, OURS, ",lzo", Flags::Default));
}

#[test]
fn gzip_our_client_with_c_daemons() {
    check(&GZIP, (OURS, C_DISTCC, "", Flags::Default));
}

/// Builds of one project share a path, which debug information and `__FILE__` would tell apart, so they take turns.
static LUA_PLACE: Mutex<Option<Place>> = Mutex::new(None);
static GZIP_PLACE: Mutex<Option<Place>> = Mutex::new(None);

fn check(project: &'static Project, (client, daemons, options, flags): Case) {
    let c_is_needed = [client, daemons].contains(&C_DISTCC);
    if c_is_needed && need::c_distcc().is_none() || !need::network_namespaces() {
        return;
    }
    let Some(source) = need::source(project.name) else { return };
    let shared = if project.name == LUA.name { &LUA_PLACE } else { &GZIP_PLACE };
    let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
    let place = shared.get_or_insert_with(|| Place::prepare(project, &source));
    place.check(client, daemons, options, flags);
}

/// Where one project is built again and again.
struct Place {
    project: &'static Project,
    /// Stays in the target directory until the next run: what all tests of a process share has no last owner to remove it.
    root: PathBuf,
    /// The directories of finished local builds, by flags.
    local: [Option<PathBuf>; 2],
}

impl Place {
    fn prepare(project: &'static Project, source: &Path) -> Place {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("builds").join(project.name);
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(&root).expect("a directory that cargo keeps for tests");
        let place = Place { project, root, local: [None, None] };
        copy(source, &place.tree());
        if let Some(script) = project.configure {
            let mut configure = clean(script);
            configure.current_dir(place.tree());
            Running::start(configure).finish(LONGEST_BUILD).good();
        }
        fs::rename(place.tree(), place.fresh()).expect("two directories of ours");
        place
    }

    fn tree(&self) -> PathBuf {
        self.root.join("tree")
    }

    fn fresh(&self) -> PathBuf {
        self.root.join("fresh")
    }

    fn check(&mut self, client: Programs, daemons: Programs, options: &str, flags: Flags) {
        let local = self.local_build(flags);
        let expected = objects_in(&local);
        let network = Network::new(2);
        let hosts: Vec<Distccd> = network
            .others()
            .iter()
            .map(|host| Distccd::start(&Setup { on: Some(host), ..Setup::of(daemons.distccd) }))
            .collect();
        let list: Vec<String> = hosts.iter().map(|host| format!("{}/4{options}", host.host())).collect();
        let fresh = Workdir::new();
        let client_here = Client::new(client.distcc, &fresh, &list.join(" ")).on(Some(network.builder()));

        self.build(&client_here, &format!("{} {}", client.distcc, self.project.compiler), flags);

        assert_eq!(objects_in(&self.tree()), expected);
        for object in &expected {
            let [got, expected] = [self.tree(), local.clone()].map(|tree| tree.join(object));
            if flags == Flags::Default {
                assert_same_bytes(&got, &expected);
                continue;
            }
            assert_same_but_debug(&got, &expected);
            assert_same_debug_but_columns(&got, &expected);
        }
        self.prove();
        wait_until(LOG, "logs that tell of every object", || {
            served(&hosts).iter().sum::<usize>() == expected.len()
        });
        assert!(
            served(&hosts).iter().all(|&jobs| jobs > 0),
            "one host had nothing to do: {:?}",
            served(&hosts)
        );
        let others: Vec<String> = hosts
            .iter()
            .flat_map(Distccd::jobs)
            .map(|job| job.result)
            .filter(|result| result != "COMPILE_OK")
            .collect();
        assert!(others.is_empty(), "{others:?}");
    }

    /// The directory of a finished local build, made at the first call.
    fn local_build(&mut self, flags: Flags) -> PathBuf {
        let index = usize::from(flags == Flags::Debug);
        if self.local[index].is_none() {
            let scratch = Workdir::new();
            let nowhere = Client::new("distcc", &scratch, "");
            self.build(&nowhere, self.project.compiler, flags);
            self.prove();
            let done = self.root.join(format!("local{index}"));
            fs::rename(self.tree(), &done).expect("two directories of ours");
            self.local[index] = Some(done);
        }
        self.local[index].clone().expect("made above")
    }

    /// Builds a fresh copy of the tree, always at the same path.
    fn build(&self, client: &Client, compiler: &str, flags: Flags) {
        let _ = fs::remove_dir_all(self.tree());
        copy(&self.fresh(), &self.tree());
        let mut make = client.command("make");
        make.current_dir(self.tree()).arg("-j8").args(self.project.make).arg(format!("CC={compiler}"));
        make.arg(self.project.flags[usize::from(flags == Flags::Debug)]);
        Running::start(make).finish(LONGEST_BUILD).good();
    }

    fn prove(&self) {
        let mut shell = clean("/bin/sh");
        shell.args(["-ec", self.project.proof]).current_dir(self.tree());
        run(shell).good();
    }
}

fn served(hosts: &[Distccd]) -> Vec<usize> {
    hosts.iter().map(|host| host.count("COMPILE_OK")).collect()
}

fn copy(from: &Path, to: &Path) {
    // With their times, or make would make what a release ships ready-made.
    let mut copy = clean("cp");
    copy.arg("-a").args([from, to]);
    run(copy).good();
}

/// The objects below a directory, as sorted paths relative to it.
fn objects_in(directory: &Path) -> Vec<PathBuf> {
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
