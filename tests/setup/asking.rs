//! Nobody's files are changed without a word: on a terminal a question, elsewhere --yes.

use test_hosts::need;
use test_hosts::process::{Outcome, clean, run};

use crate::scene::{PROGRAM, Scene};

const CONF: &str = "BUILDENV=(!distcc)\n";

/// Runs it on a pseudo-terminal where somebody types this once they are asked.
fn at_a_terminal(scene: &Scene, typed: &str) -> Option<Outcome> {
    need::program("script", "install util-linux")?;
    let screen = scene.home().join("screen");
    let line = format!("{PROGRAM} setup --hosts red/3 --root {}", scene.root().display());
    let types = "{ timeout 20 sh -c 'until grep -q y/N \"$0\"; do sleep 0.02; done' \"$1\" 2>/dev/null; printf %s \"$2\"; } | \
                 script -qefc \"$3\" \"$1\"";
    let mut command = clean("/bin/sh");
    command.args(["-c", types, "sh"]).arg(&screen).args([typed, &line]).env("HOME", scene.home());
    Some(run(command))
}

#[track_caller]
fn check(typed: &str, code: i32, changes: bool, said: &str) {
    let scene = Scene::new(CONF);
    let before = scene.tree();
    let Some(outcome) = at_a_terminal(&scene, typed) else { return };
    let out = outcome.out();
    assert_eq!(outcome.code(), Some(code), "{typed:?}: {out}");
    assert!(out.contains("+BUILDENV=(distcc)") && out.contains("make these changes? [y/N]"), "{out}");
    assert!(out.contains(said), "{out}");
    assert_eq!(scene.tree() != before, changes, "{typed:?}");
}

#[test]
fn answers() {
    check("y\n", 0, true, "next: distcc-arch check");
    check("yes\n", 0, true, "changed:");
    check("n\n", 1, false, "nothing was changed");
    check("\n", 1, false, "nothing was changed");
    check("", 1, false, "nothing was changed");
}

#[test]
fn an_interrupt_is_no_yes() {
    check("\x03", 130, false, "interrupted: nothing was changed");
}

#[test]
fn where_nobody_can_answer() {
    let scene = Scene::new(CONF);
    scene.refuses(
        &["setup", "--hosts", "red/3"],
        "nothing was changed: add --yes to do it, or --dry-run to see it",
    );
}
