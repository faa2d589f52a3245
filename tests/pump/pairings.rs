//! Whole programs, built in pump mode: every job is sent as sources, and every object is the local one. Knows nothing of
//! how a job travels.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use test_hosts::objects::assert_same_bytes;
use test_hosts::project::{GZIP, LEVELDB, LUA, Place, Project, objects_in};
use test_hosts::workdir::Workdir;
use test_hosts::{C_DISTCC, Programs, need};

use crate::OURS;
use crate::farm::{Farm, Way, make};

const JOBS: usize = 4;
const NAMESPACE: &[&str] = &["--pump=namespace"];
const MIRROR: &[&str] = &["--pump=mirror"];
/// The C daemon has no such option.
const C: &[&str] = &[];

/// Client and how it gets its include server, daemon and how it is told to show the files, flags.
type Case = (Programs, Way, Programs, &'static [&'static str], &'static str);

const LUA_CASES: &[Case] = &[
    (C_DISTCC, Way::Wrapped, OURS, NAMESPACE, ""),
    (OURS, Way::Wrapped, C_DISTCC, C, ""),
    (OURS, Way::Alone, OURS, NAMESPACE, "-g3"),
    (OURS, Way::Wrapped, OURS, MIRROR, "-g3"),
];
const GZIP_CASES: &[Case] = &[
    (C_DISTCC, Way::Wrapped, OURS, MIRROR, "-O2"),
    (OURS, Way::Alone, C_DISTCC, C, "-O2"),
    (OURS, Way::Wrapped, OURS, NAMESPACE, MAKEPKG_DEBUG),
    (OURS, Way::Wrapped, OURS, MIRROR, MAKEPKG_DEBUG),
];
/// Without -O, which takes twice as long.
const LEVELDB_CASES: &[Case] = &[
    (C_DISTCC, Way::Wrapped, OURS, NAMESPACE, "-g"),
    (OURS, Way::Wrapped, C_DISTCC, C, ""),
    (OURS, Way::Wrapped, OURS, NAMESPACE, "-g"),
    (OURS, Way::Alone, OURS, MIRROR, "-g"),
];
/// What makepkg adds for `debug`.
const MAKEPKG_DEBUG: &str = "-O2 -g -ffile-prefix-map={tree}=/usr/src/debug/x";

#[test]
fn lua() {
    check_all(&LUA, LUA_CASES);
}

#[test]
fn gzip() {
    check_all(&GZIP, GZIP_CASES);
}

#[test]
fn leveldb() {
    check_all(&LEVELDB, LEVELDB_CASES);
}

/// Builds keep all processors busy: two at a time would only be in each other's way.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

#[track_caller]
fn check_all(project: &'static Project, cases: &[Case]) {
    let Some(source) = need::source(project.name) else { return };
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pump").join(project.name);
    let mut place = Place::prepare(project, &source, root);
    for case in cases {
        check(&mut place, *case);
    }
}

#[track_caller]
fn check(place: &mut Place, (client, way, daemon, words, flags): Case) {
    if [client, daemon].contains(&C_DISTCC) && need::c_distcc().is_none() {
        return;
    }
    let here = place.local(JOBS, flags);
    let farm = Farm::start(daemon.distccd, words);
    let work = Workdir::new();
    let calling = farm.strict_client(client, &work);
    let Some(make) = make(client, &calling, way) else { return };
    let case = format!("{} {way:?} with {} {words:?}, {flags}", client.distcc, daemon.distccd);
    let built = place.build(make, JOBS, client.distcc, flags);
    assert_eq!(built.code(), Some(0), "{case}\n{}", built.err());
    let objects = objects_in(&here);
    assert_eq!(objects_in(&place.tree()), objects, "{case}");
    farm.assert_all_were_sources(objects.len());
    for object in &objects {
        assert_same_bytes(&place.tree().join(object), &here.join(object));
    }
    place.prove();
    println!("{case}: {} jobs in {:.1} s", objects.len(), built.took.as_secs_f32());
}
