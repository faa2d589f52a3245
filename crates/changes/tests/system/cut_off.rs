//! Runs that are killed at every system call that changes something: each file is whole, and all can be taken back.
//! Knows nothing of errors.

use crate::kinds::{every_kind, outside, perform, undo};
use crate::scene::Scene;
use crate::tree::Tree;
use std::path::Path;
use test_hosts::process::{Outcome, clean, run};
use test_hosts::strace::{CHANGING_CALLS, strace};

/// Runs `change-scene` below strace, which does `what` ("signal=KILL:when=3") to calls of one name.
pub(crate) fn tampered(strace: &Path, verb: &str, scene: &Scene, call: &str, what: &str) -> Outcome {
    let mut command = clean(strace);
    command
        .args(["-f", "-qq", "-o"])
        .arg(scene.directory().join("trace"))
        .arg("-e")
        .arg(format!("trace={call}"));
    command.arg("-e").arg(format!("inject={call}:{what}"));
    command.arg(program()).arg(verb).arg(scene.directory());
    run(command)
}

pub(crate) fn program() -> std::path::PathBuf {
    let tests = std::env::current_exe().unwrap();
    let program = tests.ancestors().nth(2).unwrap().join("examples/change-scene");
    assert!(program.exists(), "{} is not built; run `cargo build -p changes --examples`", program.display());
    program
}

/// Whether every file is as it was before or as it is after; what stands beside them under names of ours does not count.
fn assert_whole(now: &Tree, before: &Tree, after: &Tree, when: &str) {
    for (path, entry) in &now.0 {
        let name = path.file_name().unwrap().to_string_lossy();
        let is_beside = name.ends_with(".new") || name.ends_with(".old");
        if is_beside || path.starts_with("var/lib/journal") || path.starts_with("var/lib/journal.scrap") {
            continue;
        }
        let what = |tree: &Tree| tree.0.get(path).map(|entry| entry.what.clone());
        let now = Some(entry.what.clone());
        assert!(now == what(before) || now == what(after), "{when}: {} is {now:?}", path.display());
    }
    // What is moved and then replaced is away for a moment.
    let stays =
        |path: &&std::path::PathBuf| after.0.contains_key(*path) && !path.starts_with("home/user/.distcc");
    for path in before.0.keys().filter(stays) {
        assert!(now.0.contains_key(path), "{when}: {} is gone", path.display());
    }
}

/// Kills `verb` at each call of each name, one run for each; `rest` may go on with what is left then.
fn kill_at_each_call(verb: &str, prepare: fn(&Scene), rest: fn(&Scene, &Path, usize)) {
    let Some(strace) = strace() else { return };
    let pristine = Scene::in_memory();
    let before = pristine.tree();
    every_kind(&pristine.site).apply(&mut perform).unwrap();
    let after = pristine.tree();
    let mut kills = 0;
    for call in CHANGING_CALLS {
        for number in 1.. {
            let scene = Scene::in_memory();
            prepare(&scene);
            let when = format!("{verb} killed at {call} {number}");
            let outcome = tampered(&strace, verb, &scene, call, &format!("signal=KILL:when={number}"));
            assert_whole(&scene.tree(), &before, &after, &when);
            rest(&scene, &strace, kills);
            undo(&scene.site).unwrap_or_else(|failure| panic!("{when}: {failure}"));
            assert_eq!(scene.tree(), before, "{when}");
            if outcome.code() == Some(0) {
                break;
            }
            assert_eq!(outcome.signal(), Some(9), "{when}: {}", outcome.err());
            kills += 1;
        }
    }
    assert!(kills > 50, "{kills} calls only: the runs were not traced");
}

fn make(scene: &Scene) {
    every_kind(&scene.site).apply(&mut perform).unwrap();
}

#[test]
fn making_changes() {
    kill_at_each_call("apply", |_| {}, |_, _, _| {});
}

#[test]
fn taking_them_back() {
    kill_at_each_call("undo", make, |_, _, _| {});
}

#[test]
fn taking_back_what_was_cut_off() {
    // The recovery is killed, too, at one call or another.
    kill_at_each_call(
        "apply",
        |_| {},
        |scene, strace, kills| {
            let (call, number) =
                (CHANGING_CALLS[kills % CHANGING_CALLS.len()], 1 + kills / CHANGING_CALLS.len() % 5);
            let outcome = tampered(strace, "undo", scene, call, &format!("signal=KILL:when={number}"));
            assert!(outcome.signal() == Some(9) || outcome.code() == Some(0), "{}", outcome.err());
        },
    );
}

#[test]
fn somebody_edits_after_a_cut() {
    let Some(strace) = strace() else { return };
    for call in 1.. {
        let scene = Scene::in_memory();
        let before = scene.text("/etc/makepkg.conf");
        let outcome = tampered(&strace, "apply", &scene, "fsync", &format!("signal=KILL:when={call}"));
        let edited = scene.text("/etc/makepkg.conf") + "theirs\n";
        scene.put("/etc/makepkg.conf", &edited);
        undo(&scene.site).unwrap();
        assert_eq!(scene.text("/etc/makepkg.conf"), format!("{before}theirs\n"), "call {call}");
        let rest = scene.tree().names();
        assert!(
            !rest.contains("journal") && !rest.contains(".old\n") && !rest.contains(".new\n"),
            "{call}: {rest}"
        );
        assert!(!outside(&scene.site, "/etc/touched").exists());
        if outcome.code() == Some(0) {
            return;
        }
    }
}
