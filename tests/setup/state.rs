//! `~/.distcc` in memory, made by the real systemd-tmpfiles; the list of hosts outlives it. Knows no other part of setup.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown, symlink};

use test_hosts::need;
use test_hosts::process::{clean, run};

use crate::scene::Scene;

const USER: u32 = 1234;
const WORDS: &[&str] = &["setup", "--yes", "--state-on-tmpfs", "builder"];

fn scene() -> Option<Scene> {
    if !need::root() {
        return None;
    }
    need::program("systemd-tmpfiles", "install systemd")?;
    let scene = Scene::bare();
    scene.write(
        "etc/passwd",
        format!("root:x:0:0::/root:/bin/sh\nbuilder:x:{USER}:{USER}::/home/builder:/bin/sh\n"),
    );
    scene.write("etc/group", format!("root:x:0:\nbuilder:x:{USER}:\n"));
    for directory in ["home/builder", "run"] {
        fs::create_dir_all(scene.path(directory)).unwrap();
    }
    chown(scene.path("home/builder"), Some(USER), Some(USER)).unwrap();
    Some(scene)
}

#[test]
fn there_and_back() {
    let Some(scene) = scene() else { return };
    scene.write("home/builder/.distcc/hosts", "red/3\n");
    scene.write("home/builder/.distcc/lock/x", "");
    let original = scene.tree();
    scene.run(WORDS).good();
    let state = scene.path("home/builder/.distcc");
    assert_eq!(fs::read_link(&state).unwrap().to_str(), Some("/run/distcc-builder"));
    assert_eq!(fs::symlink_metadata(&state).unwrap().uid(), USER);
    let memory = fs::metadata(scene.path("run/distcc-builder")).unwrap();
    assert_eq!((memory.uid(), memory.mode() & 0o7777), (USER, 0o700));
    let hosts = fs::read_link(scene.path("run/distcc-builder/hosts")).unwrap();
    assert_eq!(scene.read(hosts.strip_prefix("/").unwrap().to_str().unwrap()), "red/3\n");
    scene.changes_nothing(WORDS);

    // As at the next start of the machine.
    fs::remove_dir_all(scene.path("run/distcc-builder")).unwrap();
    for _ in 0..2 {
        let mut boot = clean("systemd-tmpfiles");
        boot.arg(format!("--root={}", scene.root().display())).args(["--create", "distcc-builder.conf"]);
        let outcome = run(boot).good();
        assert_eq!(outcome.err(), "");
    }
    assert!(fs::symlink_metadata(scene.path("run/distcc-builder/hosts")).is_ok());
    scene.undo();
    assert_eq!(scene.tree(), original);
}

#[test]
fn a_home_without_any_state() {
    let Some(scene) = scene() else { return };
    let original = scene.tree();
    scene.run(WORDS).good();
    scene.write("home/builder/.distcc.disk/hosts", "written later");
    scene.changes_nothing(WORDS);
    fs::remove_file(scene.path("home/builder/.distcc.disk/hosts")).unwrap();
    scene.undo();
    assert_eq!(scene.tree(), original);
}

#[test]
fn refusals() {
    let Some(scene) = scene() else { return };
    let passwd = scene.read("etc/passwd");
    scene.refuses(
        &["setup", "--yes", "--state-on-tmpfs", "nobody-here"],
        "there is no user nobody-here below ",
    );
    for (home, said) in
        [("/nonexistent", "cannot be looked at (No such file"), ("/", "is no home of theirs: ")]
    {
        scene.write("etc/passwd", format!("daemon:x:{USER}:{USER}::{home}:/bin/sh\n{passwd}"));
        scene.refuses(&["setup", "--yes", "--state-on-tmpfs", "daemon"], said);
    }
    symlink("/elsewhere", scene.path("home/builder/.distcc")).unwrap();
    scene.refuses(WORDS, ".distcc is a link already: remove it first");
}
