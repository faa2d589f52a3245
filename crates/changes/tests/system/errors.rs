//! Runs whose system calls fail: one clear line, and nothing is changed. Knows nothing of runs that are killed.

use crate::cut_off::tampered;
use crate::kinds::{CONF, every_kind, perform, undo};
use crate::scene::{Scene, well};
use changes::{Action, Plan};
use std::fs;
use std::os::unix::fs::{MetadataExt, chown, lchown, symlink};
use std::path::Path;
use test_hosts::need;
use test_hosts::strace::{CHANGING_CALLS, strace};

/// Lets each call of each name fail, one run for each. A run that fails changes nothing, unless it failed to clear the
/// journal after all was done.
fn fail_at_each_call(verb: &str, prepare: fn(&Scene), error: &str) {
    let Some(strace) = strace() else { return };
    let original = Scene::in_memory().tree();
    let mut failures = 0;
    for call in CHANGING_CALLS {
        for number in 1.. {
            let scene = Scene::in_memory();
            prepare(&scene);
            let before = scene.tree();
            let when = format!("{verb} with {error} at {call} {number}");
            let outcome = tampered(&strace, verb, &scene, call, &format!("error={error}:when={number}"));
            let said = outcome.err();
            if outcome.code() == Some(1) {
                failures += 1;
                assert_eq!(said.lines().count(), 1, "{when}: {said}");
                assert!(said.starts_with("cannot "), "{when}: {said}");
                if verb == "apply" || !said.contains("everything is taken back") {
                    assert_eq!(scene.tree(), before, "{when}: {said}");
                }
            } else {
                assert_eq!(outcome.code(), Some(0), "{when}: {said}");
            }
            undo(&scene.site).unwrap_or_else(|failure| panic!("{when}: {failure}"));
            assert_eq!(scene.tree(), original, "{when}: {said}");
            if !scene.was_injected() {
                break;
            }
        }
    }
    assert!(failures > 30, "{failures} failures only: the runs were not traced");
}

#[test]
fn no_room_to_make_changes() {
    fail_at_each_call("apply", |_| {}, "ENOSPC");
}

#[test]
fn no_room_to_take_them_back() {
    let make = |scene: &Scene| {
        every_kind(&scene.site).apply(&mut perform).unwrap();
    };
    fail_at_each_call("undo", make, "ENOSPC");
}

#[test]
fn a_file_system_that_turns_read_only() {
    fail_at_each_call("apply", |_| {}, "EROFS");
}

#[test]
fn a_file_that_changes_between_reading_and_writing() {
    let scene = Scene::new();
    let mut plan = Plan::new(&scene.site);
    plan.write(Path::new("/etc/new"), b"new\n".to_vec(), 0o644).unwrap();
    plan.write(Path::new(CONF), b"ours\n".to_vec(), 0o644).unwrap();
    scene.put(CONF, "theirs\n");
    let before = scene.tree();
    let refused = plan.apply(&mut well).unwrap_err().to_string();
    let expected = "was changed by somebody else just now: run it again; nothing was changed";
    assert_eq!(refused, format!("{} {expected}", scene.outside(CONF).display()));
    assert_eq!(scene.tree(), before);
}

#[test]
fn a_program_that_fails_takes_everything_back() {
    let scene = Scene::new();
    let before = scene.tree();
    let mut plan = every_kind(&scene.site);
    let unknown = vec!["frobnicate".to_owned()];
    plan.run(Action { shown: "frobnicate".to_owned(), run: unknown.clone(), undo: unknown });
    let refused = plan.apply(&mut perform).unwrap_err().to_string();
    let expected = "cannot run `frobnicate`: no such program: [\"frobnicate\"]; nothing was changed; \
        run this yourself: frobnicate: no such program: [\"frobnicate\"]";
    assert_eq!(refused, expected);
    assert_eq!(scene.tree(), before);
}

#[test]
fn a_file_that_nobody_could_take_back() {
    let scene = Scene::new();
    let mut plan = Plan::new(&scene.site);
    let contents = vec![b'x'; (64 << 20) + 1];
    let refused = plan.write(Path::new(CONF), contents, 0o644).unwrap_err().to_string();
    assert_eq!(refused, format!("{} is larger than 67108864 bytes", scene.outside(CONF).display()));
    assert!(plan.is_empty());
}

#[test]
fn a_name_in_the_way() {
    let scene = Scene::new();
    scene.put("/etc/.makepkg.conf.1-1.new", "whose?\n");
    let before = scene.tree();
    let refused = every_kind(&scene.site).apply(&mut perform).unwrap_err().to_string();
    let place = scene.outside("/etc/.makepkg.conf.1-1.new");
    assert_eq!(refused, format!("{} is in the way: remove it; nothing was changed", place.display()));
    assert_eq!(scene.tree(), before);
}

#[test]
fn links_of_other_users_do_not_lead_root_astray() {
    if !need::root() {
        return;
    }
    let scene = Scene::new();
    let user = Some(4711);
    for path in ["/home/user", "/home/user/.makepkg.conf"] {
        chown(scene.outside(path), user, user).unwrap();
    }
    symlink("/etc", scene.outside("/home/user/.config")).unwrap();
    lchown(scene.outside("/home/user/.config"), user, user).unwrap();
    let mut plan = Plan::new(&scene.site);
    let refused =
        plan.write(Path::new("/home/user/.config/x"), b"x".to_vec(), 0o644).unwrap_err().to_string();
    let [link, target] = ["/home/user/.config/x", "/etc/x"].map(|path| scene.outside(path));
    let expected = format!("{} leads through a link of user 4711 to {}", link.display(), target.display());
    assert!(refused.starts_with(&expected), "{refused}");

    let before = scene.tree();
    plan.write(Path::new("/home/user/.makepkg.conf"), b"ours\n".to_vec(), 0o644).unwrap();
    plan.write(Path::new("/home/user/new/file"), b"ours\n".to_vec(), 0o644).unwrap();
    plan.apply(&mut well).unwrap();
    for path in ["/home/user/.makepkg.conf", "/home/user/new", "/home/user/new/file"] {
        let metadata = fs::metadata(scene.outside(path)).unwrap();
        assert_eq!((metadata.uid(), metadata.gid()), (4711, 4711), "{path}");
    }
    scene.undo().unwrap();
    assert_eq!(scene.tree(), before);
}

#[test]
fn a_journal_of_somebody_else_is_not_trusted() {
    if !need::root() {
        return;
    }
    let scene = Scene::new();
    fs::create_dir(&scene.site.journal).unwrap();
    chown(&scene.site.journal, Some(4711), None).unwrap();
    let refused = every_kind(&scene.site).apply(&mut perform).unwrap_err().to_string();
    assert!(refused.contains("belongs to user 4711"), "{refused}");
}
