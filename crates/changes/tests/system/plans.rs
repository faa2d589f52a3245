//! What plans show, do and refuse on a system that works. Knows nothing of undoing beyond that it works.

use crate::kinds::{CONF, ORIGINAL, every_kind, perform};
use crate::scene::{Scene, well};
use changes::{Action, Plan, Site};
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;

/// What [`every_kind`] shows.
const SHOWN: &str = "\
--- a/etc/makepkg.conf
+++ b/etc/makepkg.conf
@@ -1,7 +1,7 @@
 one
 two
 three
-four
+FOUR
 five
 six
 seven
new directory /etc/conf.d (mode 0755)
new file /etc/conf.d/new (mode 0600)
--- /dev/null
+++ b/etc/conf.d/new
@@ -0,0 +1 @@
+new
deleted file /etc/old.conf
--- a/etc/old.conf
+++ /dev/null
@@ -1 +0,0 @@
-goes
link /etc/dangling -> somewhere (was -> nowhere)
rename /home/user/.distcc -> /home/user/.distcc.before
new link /home/user/.distcc -> /run/distcc
# touch it
";

#[test]
fn every_kind_of_change_is_shown_made_and_taken_back() {
    let scene = Scene::new();
    let before = scene.tree();
    let plan = every_kind(&scene.site);
    assert_eq!(plan.diff(false), SHOWN);
    assert!(plan.diff(true).contains("\x1b[32m+FOUR\x1b[0m\n"), "{:?}", plan.diff(true));
    assert_eq!(scene.tree(), before, "a plan alone changes nothing");

    plan.apply(&mut perform).unwrap();
    assert_eq!(scene.text(CONF), ORIGINAL.replace("four", "FOUR"));
    assert_eq!(fs::metadata(scene.outside(CONF)).unwrap().mode() & 0o7777, 0o640);
    assert_eq!(fs::metadata(scene.outside("/etc/conf.d/new")).unwrap().mode() & 0o7777, 0o600);
    assert!(!scene.outside("/etc/old.conf").exists() && scene.outside("/etc/touched").exists());
    assert_eq!(fs::read_link(scene.outside("/etc/dangling")).unwrap(), Path::new("somewhere"));
    assert_eq!(scene.text("/home/user/.distcc.before/hosts"), "red\n");
    let journal = scene.site.journal.join("1");
    assert_eq!(fs::metadata(journal.join("4.before")).unwrap().mode() & 0o777, 0o600);
    let beside: Vec<String> =
        scene.tree().names().lines().filter(|name| name.contains("/.")).map(str::to_owned).collect();
    assert!(beside.iter().all(|name| !name.ends_with(".new") && !name.ends_with(".old")), "{beside:?}");

    scene.undo().unwrap();
    assert_eq!(scene.tree(), before);
}

#[test]
fn several_runs_at_once_wait_for_each_other() {
    let scene = Scene::new();
    let before = scene.tree();
    let paths: Vec<String> = (0..8).map(|number| format!("/etc/shared/{number}")).collect();
    fs::create_dir(scene.outside("/etc/shared")).unwrap();
    std::thread::scope(|threads| {
        for path in &paths {
            threads.spawn(|| scene.write(path, "mine\n"));
        }
    });
    assert!(paths.iter().all(|path| scene.text(path) == "mine\n"));
    scene.undo().unwrap();
    fs::remove_dir(scene.outside("/etc/shared")).unwrap();
    assert_eq!(scene.tree(), before);
}

#[test]
fn planning_what_is_there_is_no_step() {
    let scene = Scene::new();
    let mut plan = Plan::new(&scene.site);
    plan.write(Path::new(CONF), ORIGINAL.into(), 0o600).unwrap();
    plan.link(Path::new("/etc/dangling"), Path::new("nowhere")).unwrap();
    plan.remove(Path::new("/etc/nothing")).unwrap();
    plan.make_directory(Path::new("/etc"), 0o700, None).unwrap();
    plan.write(Path::new("/etc/a"), b"a".to_vec(), 0o600).unwrap();
    plan.remove(Path::new("/etc/a")).unwrap();
    assert!(plan.is_empty(), "{}", plan.diff(false));
    let before = scene.tree();
    plan.apply(&mut well).unwrap();
    assert_eq!(scene.tree(), before, "not even a journal");
}

#[test]
fn links_stay_inside_the_root_and_what_they_lead_to_is_written() {
    let scene = Scene::new();
    symlink("../../../../../../etc", scene.outside("/home/out")).unwrap();
    let mut plan = Plan::new(&scene.site);
    assert_eq!(plan.read(Path::new("/home/out/makepkg.conf")).unwrap().unwrap(), ORIGINAL.as_bytes());
    plan.write(Path::new("/home/user/link.conf"), b"new\n".to_vec(), 0o644).unwrap();
    plan.write(Path::new("/etc/dangling"), b"there\n".to_vec(), 0o644).unwrap();
    assert_eq!(plan.read(Path::new(CONF)).unwrap().unwrap(), b"new\n");
    plan.apply(&mut well).unwrap();
    assert_eq!(scene.text(CONF), "new\n");
    assert_eq!(scene.text("/etc/nowhere"), "there\n");
    assert!(scene.outside("/home/user/link.conf").is_symlink());
    let site = Site::inside(&scene.site.root.join("../root"), Path::new("/home/out/journal")).unwrap();
    assert_eq!(site, Site { root: scene.site.root.clone(), journal: scene.outside("/etc/journal") });
}

#[test]
fn what_cannot_be_planned_is_refused() {
    let scene = Scene::new();
    fs::hard_link(scene.outside(CONF), scene.outside("/etc/second")).unwrap();
    let check = |planned: fn(&mut Plan) -> io::Result<()>, expected: &str| {
        let refused = planned(&mut Plan::new(&scene.site)).unwrap_err().to_string();
        // What a message says to type is typed outside the root.
        let expected = expected.replace("ROOT", &scene.site.root.display().to_string());
        assert!(refused.contains(&expected), "{refused}");
    };
    check(
        |plan| plan.write(Path::new(CONF), b"x".to_vec(), 0o644),
        "a file of its own (cp -p ROOT/etc/makepkg.conf ROOT/etc/makepkg.conf.new && ",
    );
    check(|plan| plan.write(Path::new("/etc"), b"x".to_vec(), 0o644), "ROOT/etc is no file");
    check(|plan| plan.write(Path::new("etc/x"), b"x".to_vec(), 0o644), "is not an absolute path");
    check(|plan| plan.write(Path::new("/"), b"x".to_vec(), 0o644), "ROOT/ is the root directory");
    check(
        |plan| plan.write(Path::new("/etc/old.conf/x"), b"x".to_vec(), 0o644),
        "cannot reach ROOT/etc/old.conf/x: ",
    );
    check(
        |plan| plan.link(Path::new("/etc/old.conf"), Path::new("x")),
        "ROOT/etc/old.conf is no symbolic link",
    );
    check(|plan| plan.remove(Path::new("/home")), "ROOT/home is no file");
    check(|plan| plan.make_directory(Path::new(CONF), 0o755, None), "ROOT/etc/makepkg.conf is no directory");
    check(|plan| plan.rename(Path::new("/etc/x"), Path::new("/etc/y")), "ROOT/etc/x is not there");
    check(|plan| plan.rename(Path::new("/home"), Path::new(CONF)), "ROOT/etc/makepkg.conf is there already");
}

#[test]
fn what_a_file_holds_does_not_steer_the_terminal() {
    let scene = Scene::new();
    let mut plan = Plan::new(&scene.site);
    plan.write(Path::new("/etc/x"), b"\x1b[2Jgone\xff\r\n".to_vec(), 0o644).unwrap();
    plan.run(Action { shown: "a\x07".to_owned(), ..Action::default() });
    assert!(plan.diff(false).contains("+\\x1b[2Jgone\u{fffd}\r\n"), "{}", plan.diff(false));
    assert!(plan.diff(false).ends_with("# a\\x07\n"), "{}", plan.diff(false));
}
