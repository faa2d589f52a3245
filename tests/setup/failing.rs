//! A system that cannot be written, or has no bash: one line, exit 2, nothing changed.

use std::fs;
use std::path::Path;

use test_hosts::need;
use test_hosts::process::{Outcome, clean, run};

use crate::scene::{PROGRAM, Scene, refused, tree};

const CONF: &str = "BUILDENV=(!distcc)\n";

/// Runs setup on a file system of its own, after `prepare`, which finds it at $1; says what is there before and after.
fn on_a_file_system_of_its_own(options: &str, prepare: &str) -> Option<Outcome> {
    if !need::root() {
        return None;
    }
    let unshare = need::program("unshare", "install util-linux")?;
    let scene = Scene::bare();
    let root = scene.root();
    let script = format!(
        "mount -t tmpfs -o {options} none \"$1\" && mkdir \"$1/etc\" && printf '%s' '{CONF}' >\"$1/etc/makepkg.conf\" || exit 9\n\
         {prepare}\n\
         before=$(cd \"$1\" && find . -ls && cat etc/makepkg.conf)\n\
         \"$2\" setup --hosts \"$3\" --root \"$1\" --yes\n\
         status=$?\n\
         [[ $before == \"$(cd \"$1\" && find . -ls && cat etc/makepkg.conf)\" ]] || {{ find \"$1\" -ls; exit 8; }}\n\
         exit $status\n"
    );
    let mut command = clean(unshare);
    command.args(["-m", "--", "bash", "-c", &script, "bash"]).arg(&root).arg(PROGRAM).arg("red/3");
    Some(run(command))
}

#[test]
fn a_file_system_that_is_read_only() {
    let Some(outcome) = on_a_file_system_of_its_own("size=1m", "mount -o remount,ro \"$1\"") else { return };
    refused(&outcome, "read-only file system (remount it writable and run it again)");
}

#[test]
fn a_file_system_that_is_full() {
    for left in [0, 1, 2, 3] {
        let fill = format!(
            "dd if=/dev/zero of=\"$1/filler\" bs=4k 2>/dev/null; truncate -s -{} \"$1/filler\"",
            left * 4096
        );
        let Some(outcome) = on_a_file_system_of_its_own("size=256k", &fill) else { return };
        refused(&outcome, "no space left on device (make room and run it again)");
    }
}

#[test]
fn no_bash() {
    let scene = Scene::new(CONF);
    let mut command = scene.command(&["setup", "--hosts", "red/3", "--yes"]);
    let before = scene.tree();
    let empty = scene.home().join("bin");
    fs::create_dir(&empty).unwrap();
    refused(
        &run({
            command.env("PATH", empty);
            command
        }),
        "there is no bash on PATH",
    );
    assert_eq!(scene.tree(), before);
}

#[test]
fn a_file_of_somebody_else() {
    if !need::root() {
        return;
    }
    use std::os::unix::process::CommandExt;
    let scene = Scene::new(CONF);
    let before = scene.tree();
    // Who may not do it is not asked first.
    for words in [&["setup", "--hosts", "red/3"][..], &["setup", "--hosts", "red/3", "--yes"]] {
        let mut command = scene.command(words);
        command.uid(65534).gid(65534);
        refused(&run(command), "permission denied (run it as root); nothing was changed");
    }
    assert_eq!(tree(Path::new(&scene.root())), before);
}
