//! Real disks that are full, read-only or mounted file by file: one clear line, and nothing is changed. Knows nothing of
//! errors that only a tracer can cause.

use crate::cut_off::program;
use crate::scene::Scene;
use crate::tree::Tree;
use std::fs;
use test_hosts::need;
use test_hosts::process::{Outcome, clean, run};

/// More memory pages than the changes need.
const ENOUGH: usize = 40;

/// Runs a shell script, with `change-scene apply` as its last command, in a mount namespace of its own.
fn among_mounts(scene: &Scene, script: &str) -> Outcome {
    let mut command = clean("unshare");
    command.current_dir(scene.directory()).args(["--mount", "sh", "-c"]).arg(format!(
        "set -e; {script}\nset +e; '{}' apply . >said 2>&1; status=$?; cat said >&2; rm -rf seen; cp -a root seen; exit $status",
        program().display()
    ));
    run(command)
}

fn check(script: &str, expected: &str) {
    if !need::network_namespaces() {
        return;
    }
    let scene = Scene::new();
    let before = scene.tree();
    let outcome = among_mounts(&scene, script);
    assert_eq!((outcome.code(), outcome.err().as_str()), (Some(1), expected));
    assert_eq!(Tree::below(&scene.directory().join("seen")), before);
}

#[test]
fn a_directory_that_is_read_only() {
    check(
        "mount --bind root/etc root/etc; mount -o remount,ro,bind root/etc",
        "cannot change ./root/etc/makepkg.conf: read-only file system (remount it writable and run it again); nothing was changed\n",
    );
}

#[test]
fn a_journal_that_is_read_only() {
    check(
        "mount --bind root/var root/var; mount -o remount,ro,bind root/var",
        "cannot make ./root/var/lib/journal: read-only file system (remount it writable and run it again); nothing was changed\n",
    );
}

#[test]
fn a_file_that_is_mounted_by_itself() {
    check(
        "cp -p root/etc/makepkg.conf other; mount --bind other root/etc/makepkg.conf",
        "cannot replace ./root/etc/makepkg.conf: cross-device link (it is mounted by itself and cannot be replaced: \
         change it where it is mounted from); nothing was changed\n",
    );
}

#[test]
fn a_disk_that_is_full_but_for_some_pages() {
    if !need::network_namespaces() {
        return;
    }
    let scene = Scene::new();
    let before = scene.tree();
    for free in 0..ENOUGH {
        let script = format!(
            "[ -e template ] || mv root template; mkdir -p root; mount -t tmpfs -o size=256k,mode=755 none root\n\
             cp -a template/. root/; head -c 1M /dev/zero >root/filler 2>/dev/null || true; truncate -s -{}K root/filler",
            4 * free
        );
        let outcome = among_mounts(&scene, &script);
        if outcome.code() == Some(0) {
            assert!(free > 5, "{free} pages were enough: the disk was not full");
            return;
        }
        let said = outcome.err();
        assert_eq!(outcome.code(), Some(1), "{free} pages free: {said}");
        assert!(
            said.starts_with("cannot ") && said.contains(": no space left on device (make room"),
            "{said}"
        );
        assert!(said.ends_with("; nothing was changed\n"), "{said}");
        let seen = scene.directory().join("seen");
        fs::remove_file(seen.join("filler")).unwrap();
        assert_eq!(Tree::below(&seen), before, "{free} pages free: {said}");
    }
    panic!("{ENOUGH} pages were not enough");
}
