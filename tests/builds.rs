//! Real programs, built with `make -j8` on two other hosts, are what a local build makes. Knows nothing of how a job travels.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use test_hosts::client::Client;
use test_hosts::distccd::{Distccd, Setup};
use test_hosts::netns::Network;
use test_hosts::objects::{assert_same_but_debug, assert_same_bytes, assert_same_debug_but_columns};
use test_hosts::project::{GZIP, LUA, Place, Project, objects_in};
use test_hosts::wait::wait_until;
use test_hosts::workdir::Workdir;
use test_hosts::{C_DISTCC, Programs, need};

const OURS: Programs =
    Programs { distcc: env!("CARGO_BIN_EXE_distcc"), distccd: env!("CARGO_BIN_EXE_distccd") };
const JOBS: usize = 8;
const LOG: Duration = Duration::from_secs(10);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Flags {
    Default,
    Debug,
}

impl Flags {
    /// The words for a project that has its own for the default.
    fn of(self, project: &Project) -> &'static str {
        match (self, project.name == GZIP.name) {
            (Flags::Default, false) => "",
            (Flags::Default, true) => "-O2",
            (Flags::Debug, false) => "-g",
            (Flags::Debug, true) => "-O2 -g",
        }
    }
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
    let root = || Path::new(env!("CARGO_TARGET_TMPDIR")).join("builds").join(project.name);
    let place = shared.get_or_insert_with(|| Place::prepare(project, &source, root()));
    check_in(place, project, (client, daemons, options, flags));
}

fn check_in(place: &mut Place, project: &Project, (client, daemons, options, flags): Case) {
    let local = place.local(JOBS, flags.of(project));
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

    place.build(client_here.command("make"), JOBS, client.distcc, flags.of(project)).good();

    assert_eq!(objects_in(&place.tree()), expected);
    for object in &expected {
        let [got, expected] = [place.tree(), local.clone()].map(|tree| tree.join(object));
        if flags == Flags::Default {
            assert_same_bytes(&got, &expected);
            continue;
        }
        assert_same_but_debug(&got, &expected);
        assert_same_debug_but_columns(&got, &expected);
    }
    place.prove();
    assert_served_by_all(&hosts, expected.len());
}

#[track_caller]
fn assert_served_by_all(hosts: &[Distccd], jobs: usize) {
    let served = || -> Vec<usize> { hosts.iter().map(|host| host.count("COMPILE_OK")).collect() };
    wait_until(LOG, "logs that tell of every object", || served().iter().sum::<usize>() == jobs);
    assert!(served().iter().all(|&jobs| jobs > 0), "one host had nothing to do: {:?}", served());
    let others: Vec<String> = hosts
        .iter()
        .flat_map(Distccd::jobs)
        .map(|job| job.result)
        .filter(|result| result != "COMPILE_OK")
        .collect();
    assert!(others.is_empty(), "{others:?}");
}
