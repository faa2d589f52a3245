//! A setup that is killed at any system call that changes something leaves whole files, and an undo the old ones.

use std::path::Path;

use test_hosts::process::{clean, run};
use test_hosts::strace::{CHANGING_CALLS, strace};

use crate::scene::{HOSTS, PROGRAM, Scene, Tree};

const CONF: &str = "MAKEFLAGS=-j2\nBUILDENV=(!distcc color)\n";

fn scene() -> Scene {
    let scene = Scene::new(CONF);
    for name in ["gcc", "distcc"] {
        scene.write(&format!("usr/bin/{name}"), "#!/bin/sh\n");
        crate::scene::set_mode(&scene.path(&format!("usr/bin/{name}")), 0o755);
    }
    // What the journal and systemctl's link lie in, so that nothing is left of either.
    for directory in ["var/lib", "etc/systemd/system/multi-user.target.wants"] {
        std::fs::create_dir_all(scene.path(directory)).unwrap();
    }
    scene.write("etc/systemd/system/multi-user.target.wants/x.service", "");
    scene.write("etc/conf.d/distccd", "DISTCC_ARGS=\"--allow-private\"\n");
    scene.write(
        "usr/lib/systemd/system/distccd.service",
        "[Service]\nExecStart=/x\n[Install]\nWantedBy=multi-user.target\n",
    );
    scene
}

const WORDS: &[&str] = &["setup", "--yes", "--hosts", HOSTS, "--server", "--allow", "10.0.0.0/8"];

#[track_caller]
fn check_whole(now: &Tree, before: &Tree, after: &Tree, when: &str) {
    for path in before.keys() {
        let whole = [before.get(path), after.get(path)].contains(&now.get(path));
        assert!(whole, "{when}: {}: {:?}", path.display(), now.get(path));
    }
    for path in ["usr/lib/distcc/bin/gcc", "etc/systemd/system/multi-user.target.wants/distccd.service"] {
        let path = Path::new(path);
        assert!([None, after.get(path)].contains(&now.get(path)), "{when}: {}", path.display());
    }
}

#[test]
fn at_each_call() {
    let Some(strace) = strace() else { return };
    let pristine = scene();
    let before = pristine.tree();
    pristine.run(WORDS).good();
    let after = pristine.tree();
    let mut kills = 0;
    for call in CHANGING_CALLS {
        for number in 1.. {
            let when = format!("killed at {call} {number}");
            let scene = scene();
            let mut command = clean(&strace);
            // Only our own calls: not those of systemctl and bash.
            command.args(["-qq", "-o", "/dev/null", "-e", &format!("trace={call}")]);
            command.args(["-e", &format!("inject={call}:signal=KILL:when={number}"), "--", PROGRAM]);
            command.args(WORDS).arg("--root").arg(scene.root()).env("HOME", scene.home());
            let outcome = run(command);
            check_whole(&scene.tree(), &before, &after, &when);
            scene.undo();
            assert_eq!(scene.tree(), before, "{when}");
            if outcome.code() == Some(0) {
                break;
            }
            assert_eq!(outcome.signal(), Some(9), "{when}: {}", outcome.err());
            kills += 1;
        }
    }
    assert!(kills > 20, "{kills} calls only: the runs were not traced");
}
