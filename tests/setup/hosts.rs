//! `distcc-arch hosts` shows the list in force and edits it where it is written.

use std::fs;

use test_hosts::process::{clean, run};

use crate::scene::{HOSTS, PROGRAM, Scene, refused, seen_by_bash};

const CONF: &str = "MAKEFLAGS=\"-j11 -O\"\nBUILDENV=(distcc)\n# strongest first\nDISTCC_HOSTS=\"192.168.0.2/5,lzo 192.168.0.3/3 192.168.0.4/3\"\n";

#[track_caller]
fn check(scene: &Scene, words: &[&str], hosts: &str, flags: &str) {
    scene.changes_nothing(&[&["hosts"], words, &["--dry-run"]].concat());
    scene.run(&[&["hosts"], words, &["--yes"]].concat()).good();
    assert_eq!(seen_by_bash(&[&scene.path("etc/makepkg.conf")])[..2], [hosts, flags], "{words:?}");
}

#[test]
fn a_list_in_makepkg_conf() {
    let scene = Scene::new(CONF);
    let shown = scene.changes_nothing(&["hosts", "list"]).out();
    assert!(
        shown.contains("etc/makepkg.conf:4\n") && shown.contains("\n192.168.0.2:3632      5  lzo\n"),
        "{shown}"
    );
    assert!(shown.ends_with("\n3 hosts, 11 slots\n"), "{shown}");
    let json = scene.changes_nothing(&["hosts", "list", "--json"]).out();
    assert!(json.contains("\"slots\": 11") && json.contains("\"name\": \"192.168.0.4\""), "{json}");

    let longer = format!("{HOSTS} red");
    check(&scene, &["add", "red"], &longer, "-j15 -O");
    check(&scene, &["add", "red/1,lzo"], &format!("{HOSTS} red/1,lzo"), "-j12 -O");
    check(&scene, &["remove", "192.168.0.3", "red"], "192.168.0.2/5,lzo 192.168.0.4/3", "-j8 -O");
    let same = scene.changes_nothing(&["hosts", "add", "192.168.0.4/3", "--yes"]).out();
    assert!(same.starts_with("nothing to change"), "{same}");
    scene.refuses(&["hosts", "remove", "blue", "--yes"], "there is no host blue");
    scene.refuses(&["hosts", "add", "blue/x", "--yes"], "cannot use \"blue/x\"");
    scene.refuses(&["hosts", "remove", "192.168.0.2", "192.168.0.4", "--yes"], "no host would be left");
    scene.refuses(&["hosts", "add", "blue"], "add --yes");
    scene.undo();
    assert_eq!(scene.read("etc/makepkg.conf"), CONF);
}

#[test]
fn jobs_that_somebody_chose_stay() {
    for (flags, spec, after, warnings) in [
        ("-j11 -O", "red", "-j15 -O", 0),
        ("-j4 -O", "red", "-j15 -O", 0),
        ("-j 4 -O", "red", "-j 15 -O", 0),
        ("--jobs=12", "red", "--jobs=15", 0),
        ("-O", "red", "-O -j15", 0),
        ("-j20 -O", "red", "-j20 -O", 1),
        ("-j -O", "red", "-j -O", 1),
        ("-O -j$(echo 3)", "red", "-O -j3", 1),
        ("-j20 -O", "192.168.0.2/5,lzo", "-j20 -O", 0),
    ] {
        let scene = Scene::new(CONF.replace("-j11 -O", flags));
        let err = scene.run(&["hosts", "add", spec, "--yes"]).good().err();
        let said = format!("MAKEFLAGS=\"{after}\" stays as it is, and the hosts have 15 slots");
        assert_eq!(err.matches(&said).count(), warnings, "{flags}: {err}");
        assert_eq!(err.matches("warning").count(), warnings, "{flags}: {err}");
        let seen = seen_by_bash(&[&scene.path("etc/makepkg.conf")]);
        let words =
            |text: &str| text.split(' ').map(str::to_owned).collect::<std::collections::BTreeSet<_>>();
        assert_eq!(words(&seen[1]), words(after), "{flags}");
    }
}

#[test]
fn a_list_in_a_file_of_hosts() {
    let scene = Scene::new("BUILDENV=(distcc)\n");
    scene.refuses(&["hosts", "list"], "there is no list of hosts yet");
    scene.write("etc/distcc/hosts", "# mine\nred/3   # old\nblue\n");
    let original = scene.tree();
    let shown = scene.changes_nothing(&["hosts", "list"]).out();
    assert!(shown.contains("etc/distcc/hosts\n") && shown.ends_with("2 hosts, 7 slots\n"), "{shown}");
    scene.run(&["hosts", "add", "green", "red/9", "--yes"]).good();
    assert_eq!(scene.read("etc/distcc/hosts"), "# mine\nred/9   # old\nblue\ngreen\n");
    scene.run(&["hosts", "remove", "blue", "--yes"]).good();
    assert_eq!(scene.read("etc/distcc/hosts"), "# mine\nred/9   # old\ngreen\n");
    scene.undo();
    assert_eq!(scene.tree(), original);
}

#[test]
fn a_list_of_ones_own() {
    // On this machine, for distcc's own directory lies where it says; makepkg is told of an empty file.
    let scene = Scene::bare();
    let (conf, list) = (scene.path("etc/m.conf"), scene.home().join("d/hosts"));
    fs::write(&conf, "").unwrap();
    fs::create_dir(list.parent().unwrap()).unwrap();
    fs::write(&list, "red/3\n").unwrap();
    let here = |words: &[&str], variable: Option<&str>| {
        let mut command = clean(PROGRAM);
        command.arg("hosts").args(words).arg("--config").arg(&conf);
        command.env("HOME", scene.home()).env("DISTCC_DIR", list.parent().unwrap());
        command.envs(variable.map(|hosts| ("DISTCC_HOSTS", hosts)));
        run(command)
    };
    let shown = here(&["list"], None).good().out();
    assert!(shown.starts_with(&format!("from {}\n", list.display())), "{shown}");
    let shown = here(&["list"], Some("blue")).good().out();
    assert!(shown.starts_with("from the variable DISTCC_HOSTS") && shown.contains("blue:3632"), "{shown}");
    refused(
        &here(&["add", "green", "--yes"], Some("blue")),
        "DISTCC_HOSTS of your environment: change it there",
    );
    let shown = here(&["add", "green", "--dry-run"], None).good().out();
    assert!(shown.contains("\n+green\n"), "{shown}");
    assert_eq!(fs::read_to_string(&list).unwrap(), "red/3\n");
}

#[test]
fn a_list_in_a_drop_in() {
    let scene = Scene::new("MAKEFLAGS=-O\nBUILDENV=(!distcc)\n");
    scene.write("usr/share/makepkg/util/config.sh", "for c in \"$MAKEPKG_CONF.d\"/*.conf; do :; done\n");
    let original = scene.tree();
    scene.setup(&["--drop-in", "--hosts", "red/3"]).good();
    scene.run(&["hosts", "add", "blue/2", "--yes"]).good();
    let files = [scene.path("etc/makepkg.conf"), scene.path("etc/makepkg.conf.d/distcc.conf")];
    let seen = seen_by_bash(&[&files[0], &files[1]]);
    assert_eq!(seen, ["red/3 blue/2", "-O -j5", "distcc"]);
    scene.undo();
    assert_eq!(scene.tree(), original);
}

/// Told and not done: how users log in is theirs to say.
#[test]
fn hosts_behind_ssh() {
    let scene = Scene::new(CONF);
    let said = scene.setup(&["--hosts", "ted@blue/3"]).good().err();
    assert!(
        said.contains("~/.ssh/config") && said.contains("\n    Host blue\n        ControlMaster auto\n"),
        "{said}"
    );
    assert!(!scene.home().join(".ssh").exists());
    scene.undo();
}
