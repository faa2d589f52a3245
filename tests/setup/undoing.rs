//! What somebody changed after setup stays, and only what setup wrote is taken back. Knows nothing of how.

use std::fs;

use crate::scene::{Scene, seen_by_bash};

const CONF: &str = "CFLAGS=\"-O2\"\n\n\n\nBUILDENV=(!distcc color check)\n\n\n\nPKGEXT=.pkg.tar.zst\n";

fn set_up() -> Scene {
    let scene = Scene::new(CONF);
    scene.setup(&["--hosts", "red/3"]).good();
    scene
}

fn edit(scene: &Scene, from: &str, to: &str) {
    let text = scene.read("etc/makepkg.conf");
    assert!(text.contains(from), "{text}");
    scene.write("etc/makepkg.conf", text.replace(from, to));
}

#[test]
fn nothing_to_take_back() {
    let scene = Scene::new(CONF);
    let said = scene.changes_nothing(&["undo"]).out();
    assert!(said.starts_with("nothing to take back"), "{said}");
}

#[test]
fn shown_asked_and_done() {
    let scene = set_up();
    let shown = scene.changes_nothing(&["undo", "--dry-run"]).out();
    assert!(shown.contains("\n-BUILDENV=(distcc color check)\n+BUILDENV=(!distcc color check)\n"), "{shown}");
    scene.refuses(&["undo"], "nothing was changed: add --yes to do it, or --dry-run to see it");
    let said = scene.run(&["undo", "--yes"]).good().out();
    assert!(said.ends_with("nothing of what distcc-arch changed here is left\n"), "{said}");
    assert_eq!(scene.read("etc/makepkg.conf"), CONF);
}

#[test]
fn edits_elsewhere_stay() {
    let scene = set_up();
    edit(&scene, "-O2", "-O3");
    let said = scene.run(&["undo", "--yes"]).good().out();
    assert!(
        said.contains("was changed since; these changes stay:") && said.contains("+CFLAGS=\"-O3\""),
        "{said}"
    );
    assert_eq!(scene.read("etc/makepkg.conf"), CONF.replace("-O2", "-O3"));
}

#[test]
fn edits_of_the_same_line_stay_too() {
    let scene = set_up();
    edit(&scene, "(distcc color", "(distcc !color");
    scene.run(&["undo", "--yes"]).good();
    let seen = seen_by_bash(&[&scene.path("etc/makepkg.conf")]);
    assert_eq!(seen, ["", "", "!distcc", "!color", "check"]);
}

#[test]
fn a_file_that_somebody_removed_is_not_missed() {
    let scene = set_up();
    fs::remove_file(scene.path("etc/makepkg.conf")).unwrap();
    let said = scene.run(&["undo", "--yes"]).good().out();
    let removed = format!("{} was removed since, and stays so", scene.path("etc/makepkg.conf").display());
    assert_eq!(said, format!("nothing of what distcc-arch changed here is left\n{removed}\n"));
    assert!(!scene.path("etc/makepkg.conf").exists() && !scene.path("var").exists());
}

#[test]
fn a_file_of_ours_that_somebody_edited_is_not_forgotten() {
    let scene = Scene::new(CONF);
    scene.write("usr/share/makepkg/util/config.sh", "for c in \"$MAKEPKG_CONF.d\"/*.conf; do :; done\n");
    scene.setup(&["--drop-in", "--hosts", "red/3"]).good();
    let drop_in = "etc/makepkg.conf.d/distcc.conf";
    scene.write(drop_in, scene.read(drop_in).replace("red/3", "red/3 blue"));
    let before = scene.read(drop_in);
    let outcome = scene.run(&["undo", "--yes"]);
    let said = outcome.out();
    assert_eq!(outcome.code(), Some(1), "{said}");
    assert!(said.contains("distcc.conf was changed since and is left alone: "), "{said}");
    assert!(!said.contains("nothing of what distcc-arch changed here is left"), "{said}");
    assert_eq!(scene.read(drop_in), before);
    fs::remove_file(scene.path(drop_in)).unwrap();
    scene.undo();
    assert!(!scene.path("etc/makepkg.conf.d").exists() && !scene.path("var").exists());
}

#[test]
fn no_empty_directory_of_drop_ins_is_left() {
    let scene = Scene::new(CONF);
    scene.write("usr/share/makepkg/util/config.sh", "for c in \"$MAKEPKG_CONF.d\"/*.conf; do :; done\n");
    fs::create_dir(scene.path("etc/makepkg.conf.d")).unwrap();
    scene.setup(&["--drop-in", "--hosts", "red/3"]).good();
    scene.undo();
    assert!(!scene.path("etc/makepkg.conf.d").exists());
    assert_eq!(scene.read("etc/makepkg.conf"), CONF);
}
