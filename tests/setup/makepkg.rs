//! makepkg distributes afterwards, whatever its configuration looks like, and an undo gives back every byte.

use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};

use test_hosts::need;
use test_hosts::process::{clean, run};

use crate::scene::{HOSTS, PROGRAM, Scene, seen_by_bash, set_mode, tree};

const PLAIN: &str =
    "CFLAGS=\"-O2\"\n#MAKEFLAGS=\"-j2\"\nBUILDENV=(!distcc color !ccache check)\n#DISTCC_HOSTS=\"\"\n";
/// Enough of makepkg for a system that reads drop-ins.
const LOADER: &str = "for c in \"$MAKEPKG_CONF.d\"/*.conf; do source_safe \"$c\"; done\n";

fn fixtures() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/makepkg-conf/tests/fixtures");
    let mut files: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 12, "{files:?}");
    files
}

fn without_distcc(words: &[String]) -> Vec<&String> {
    words.iter().filter(|word| word.trim_start_matches('!') != "distcc").collect()
}

#[test]
fn every_configuration_there_and_back() {
    for fixture in fixtures() {
        let name = fixture.file_name().unwrap().to_string_lossy().into_owned();
        let scene = Scene::new(fs::read(&fixture).unwrap());
        let conf = scene.path("etc/makepkg.conf");
        let original = scene.tree();
        let before = seen_by_bash(&[&conf]);
        scene.setup(&["--hosts", HOSTS, "--jobs", "7"]).good();
        let after = seen_by_bash(&[&conf]);
        assert_eq!(after[0], HOSTS, "{name}");
        assert!(after[1].split(' ').any(|flag| flag == "-j7"), "{name}: {}", after[1]);
        assert_eq!(after[2..].iter().rev().find(|word| word.contains("distcc")).unwrap(), "distcc", "{name}");
        // Where lines end in carriage returns, bash sees no array before.
        if !original[Path::new("etc/makepkg.conf")].contains("\\r") {
            assert_eq!(without_distcc(&after[2..]), without_distcc(&before[2..]), "{name}");
        }
        let again = scene.changes_nothing(&["setup", "--hosts", HOSTS, "--jobs", "7", "--yes"]);
        assert!(again.out().starts_with("nothing to change"), "{name}: {}", again.out());
        scene.undo();
        assert_eq!(scene.tree(), original, "{name}");
    }
}

#[test]
fn the_example_of_the_wiki() {
    let scene = Scene::new(PLAIN);
    let said = scene.setup(&["--hosts", HOSTS]).good();
    let conf = scene.path("etc/makepkg.conf");
    assert_eq!(seen_by_bash(&[&conf]), [HOSTS, "-j11", "distcc", "color", "!ccache", "check"]);
    assert!(said.out().contains("\nnext: distcc-arch check --root "), "{}", said.out());

    let words = ["--hosts", "192.168.0.3/3", "--hosts", "192.168.0.2 localhost"];
    scene.setup(&words).good();
    assert_eq!(seen_by_bash(&[&conf])[..2], ["192.168.0.3/3 192.168.0.2 localhost", "-j9"]);
    scene.undo();
    assert_eq!(scene.read("etc/makepkg.conf"), PLAIN);
}

#[test]
fn other_flags_of_make_stay() {
    let scene = Scene::new("MAKEFLAGS=\"-j 8 --output-sync\"\nBUILDENV=(distcc)\n");
    scene.setup(&["--hosts", "--randomize red/3"]).good();
    let seen = seen_by_bash(&[&scene.path("etc/makepkg.conf")]);
    assert_eq!(seen[..2], ["--randomize red/3", "-j 3 --output-sync"]);
}

#[test]
fn what_only_bash_can_tell_is_left_to_a_person() {
    let scene = Scene::new("BUILDENV=(!distcc)\nMAKEFLAGS=\"-j$(nproc) --silent\"\n");
    let words = ["setup", "--hosts", "red/3", "--yes"];
    let by_hand = "MAKEFLAGS=\"-j3 --silent\"";
    let said = format!(
        "etc/makepkg.conf:2: the value of MAKEFLAGS holds a command's output: write {by_hand} there yourself"
    );
    scene.refuses(&words, &format!("{said}\n"));
    scene.write("usr/share/makepkg/util/config.sh", LOADER);
    scene.refuses(&words, &format!("{said}, or add --drop-in\n"));
    // Each way that is told leads there.
    let files = [scene.path("etc/makepkg.conf"), scene.path("etc/makepkg.conf.d/distcc.conf")];
    scene.setup(&["--hosts", "red/3", "--drop-in"]).good();
    let seen = seen_by_bash(&files.each_ref().map(PathBuf::as_path));
    assert_eq!(seen, ["red/3", "--silent -j3", "distcc"]);
    scene.undo();
    scene.write("etc/makepkg.conf", format!("BUILDENV=(!distcc)\n{by_hand}\n"));
    scene.run(&words).good();
    assert_eq!(seen_by_bash(&[&files[0]]), ["red/3", "-j3 --silent", "distcc"]);
}

#[test]
fn a_dry_run_only_shows() {
    let scene = Scene::new(PLAIN);
    let shown = scene.changes_nothing(&["setup", "--hosts", "red/3", "--dry-run"]).out();
    for line in
        ["--- a/etc/makepkg.conf\n", "\n-BUILDENV=(!distcc color", "\n+BUILDENV=(distcc color", "red/3"]
    {
        assert!(shown.contains(line), "{shown}");
    }
}

#[test]
fn owner_and_mode_stay() {
    let scene = Scene::new(PLAIN);
    let conf = scene.path("etc/makepkg.conf");
    set_mode(&conf, 0o640);
    if need::root() {
        chown(&conf, Some(1234), Some(4321)).unwrap();
        set_mode(&scene.root(), 0o755);
    }
    let before = scene.tree()[Path::new("etc/makepkg.conf")].clone();
    scene.setup(&["--hosts", "red/3"]).good();
    let after = scene.tree()[Path::new("etc/makepkg.conf")].clone();
    assert_eq!(before.split('"').next(), after.split('"').next());
    scene.undo();
    assert_eq!(scene.tree()[Path::new("etc/makepkg.conf")], before);
}

#[test]
fn a_user_sets_up_a_file_of_their_own() {
    if !need::root() {
        return;
    }
    let scene = Scene::bare();
    let home = scene.home();
    let conf = home.join("my makepkg.conf");
    fs::write(&conf, PLAIN).unwrap();
    for path in [&home, &conf] {
        chown(path, Some(65534), Some(65534)).unwrap();
    }
    let before = tree(&home);
    let user = |words: &[&str]| {
        let mut command = clean(PROGRAM);
        command.args(words).env("HOME", &home).current_dir(&home).uid(65534).gid(65534);
        run(command)
    };
    let said = user(&["setup", "--config", "my makepkg.conf", "--hosts", "red/3", "--yes"]).good();
    assert_eq!(seen_by_bash(&[&conf])[..3], ["red/3", "-j3", "distcc"]);
    assert!(home.join(".local/state/distcc-arch").is_dir(), "{}", said.out());
    user(&["undo", "--yes"]).good();
    assert_eq!(tree(&home), before);
}

#[test]
fn a_users_own_file_adds_to_the_machines() {
    let scene = Scene::new(format!("{PLAIN}MAKEFLAGS=-O\n"));
    scene.write("home/b/.makepkg.conf", "PACKAGER=\"b\"");
    let original = scene.tree();
    let words = ["setup", "--config", "/home/b/.makepkg.conf", "--hosts", "red/3", "--yes"];
    scene.run(&words).good();
    assert_eq!(scene.read("etc/makepkg.conf"), format!("{PLAIN}MAKEFLAGS=-O\n"));
    let seen = seen_by_bash(&[&scene.path("etc/makepkg.conf"), &scene.path("home/b/.makepkg.conf")]);
    assert_eq!(seen, ["red/3", "-O -j3", "!distcc", "color", "!ccache", "check", "distcc"]);
    scene.changes_nothing(&words);
    scene.undo();
    assert_eq!(scene.tree(), original);
}

#[test]
fn drop_ins() {
    let scene = Scene::new(PLAIN);
    scene.refuses(&["setup", "--drop-in", "--hosts", "red/3", "--yes"], "this makepkg reads no drop-ins");
    scene.write("usr/share/makepkg/util/config.sh", LOADER);
    let original = scene.tree();
    scene.setup(&["--drop-in", "--hosts", "red/3"]).good();
    assert_eq!(scene.read("etc/makepkg.conf"), PLAIN);
    let files = [scene.path("etc/makepkg.conf"), scene.path("etc/makepkg.conf.d/distcc.conf")];
    let seen = || seen_by_bash(&files.each_ref().map(PathBuf::as_path));
    assert_eq!(seen(), ["red/3", "-j3", "distcc", "color", "!ccache", "check"]);
    scene.changes_nothing(&["setup", "--drop-in", "--hosts", "red/3", "--yes"]);
    // Whoever has the drop-in means it.
    scene.setup(&["--hosts", "red/3 blue"]).good();
    assert_eq!(seen()[..2], ["red/3 blue", "-j7"]);
    assert_eq!(scene.read("etc/makepkg.conf"), PLAIN);
    scene.undo();
    assert_eq!(scene.tree(), original);
}

#[test]
fn what_stands_in_the_way_is_told() {
    let scene = Scene::new(PLAIN);
    scene.write("usr/share/makepkg/util/config.sh", LOADER);
    scene.write("etc/makepkg.conf.d/10-mine.conf", "BUILDENV=(color)\n");
    let err = scene.setup(&["--hosts", "red/3"]).good().err();
    assert!(err.contains("10-mine.conf is read later and sets BUILDENV to something else"), "{err}");
    assert_eq!(err.lines().count(), 1, "{err}");
}

#[test]
fn links_are_made_where_they_are_missing() {
    let scene = Scene::new(PLAIN);
    for name in ["gcc", "cc", "distcc"] {
        scene.write(&format!("usr/bin/{name}"), "#!/bin/sh\n");
        set_mode(&scene.path(&format!("usr/bin/{name}")), 0o755);
    }
    let original = scene.tree();
    scene.setup(&["--hosts", "red/3"]).good();
    for link in ["usr/lib/distcc/bin/gcc", "usr/lib/distcc/bin/cc", "usr/lib/distcc/gcc"] {
        assert!(fs::symlink_metadata(scene.path(link)).is_ok_and(|found| found.is_symlink()), "{link}");
        assert!(scene.path(link).exists(), "{link} leads nowhere");
    }
    scene.changes_nothing(&["setup", "--hosts", "red/3", "--yes"]);
    scene.undo();
    assert_eq!(scene.tree(), original);
}

#[test]
fn command_lines_that_make_no_sense() {
    let scene = Scene::new(PLAIN);
    for (words, said) in [
        (&["setup"][..], "nothing to set up: name hosts"),
        (&["setup", "--hosts", "red/0"], "--hosts: cannot use \"red/0\": bad multiplier"),
        (&["setup", "--hosts", "red blue,zip"], "cannot use \"blue,zip\""),
        (
            &["setup", "--hosts", "red/3", "--config", "/nowhere.conf", "--yes"],
            "nowhere.conf: name another with --config",
        ),
    ] {
        scene.refuses(words, said);
    }
    let conf = "if true; then\nDISTCC_HOSTS=x\nfi\n";
    scene.write("etc/makepkg.conf", conf);
    scene.refuses(&["setup", "--hosts", "red/3", "--yes"], "etc/makepkg.conf:2: DISTCC_HOSTS");
    scene.write("etc/makepkg.conf", b"MAKEFLAGS=\"-j2 \xe9\"\n");
    scene.refuses(
        &["setup", "--hosts", "red/3", "--yes"],
        "MAKEFLAGS is not in UTF-8, as bash reads it: edit",
    );
    scene.write("etc/makepkg.conf", "A=1\nB=(\n");
    scene.refuses(&["setup", "--hosts", "red/3", "--yes"], "etc/makepkg.conf: ");
}
