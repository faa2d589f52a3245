//! Random plans, made one after the other, are what they say; the undo of all gives back what was there. Knows nothing of
//! failures.

use crate::scene::{Scene, well};
use changes::Plan;
use proptest::prelude::*;
use proptest::sample::select;
use std::path::Path;

const FILES: &[&str] = &[
    "/etc/makepkg.conf",
    "/etc/old.conf",
    "/etc/new",
    "/etc/x/y/new",
    "/etc/x/new",
    "/home/user/link.conf",
    "/home/user/.distcc/hosts",
    "/home/user/.distcc/new",
];
const LINKS: &[&str] = &["/etc/dangling", "/etc/link", "/etc/x/link", "/home/user/link.conf"];
const TARGETS: &[&str] = &["makepkg.conf", "/etc/new", "nowhere"];
const MOVES: &[(&str, &str)] =
    &[("/home/user/.distcc", "/home/user/moved"), ("/etc/old.conf", "/etc/x/moved")];

#[derive(Clone, Debug)]
enum Step {
    Write(&'static str, String, u32),
    Link(&'static str, &'static str),
    Remove(&'static str),
    MakeDirectory(&'static str, u32),
    Rename(&'static str, &'static str),
}

fn step() -> impl Strategy<Value = Step> {
    let mode = || select(&[0o600, 0o644, 0o640][..]);
    prop_oneof![
        4 => (select(FILES), "([abc]\n){0,4}", mode()).prop_map(|(path, text, mode)| Step::Write(path, text, mode)),
        2 => (select(LINKS), select(TARGETS)).prop_map(|(path, target)| Step::Link(path, target)),
        2 => select([FILES, LINKS].concat()).prop_map(Step::Remove),
        1 => (select(&["/etc/x", "/etc/x/y", "/etc/z"][..]), select(&[0o700, 0o755][..]))
            .prop_map(|(path, mode)| Step::MakeDirectory(path, mode)),
        1 => select(MOVES).prop_map(|(from, to)| Step::Rename(from, to)),
    ]
}

/// Adds a step; what a plan refuses is left out.
fn add(plan: &mut Plan, step: &Step) {
    let _ = match step {
        Step::Write(path, text, mode) => plan.write(Path::new(path), text.clone().into(), *mode),
        Step::Link(path, target) => plan.link(Path::new(path), Path::new(target)),
        Step::Remove(path) => plan.remove(Path::new(path)),
        Step::MakeDirectory(path, mode) => plan.make_directory(Path::new(path), *mode, None),
        Step::Rename(from, to) => plan.rename(Path::new(from), Path::new(to)),
    };
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn undo_gives_back_what_was_there(plans in prop::collection::vec(prop::collection::vec(step(), 1..6), 1..5)) {
        let scene = Scene::in_memory();
        let before = scene.tree();
        for steps in &plans {
            let mut plan = Plan::new(&scene.site);
            steps.iter().for_each(|step| add(&mut plan, step));
            let promised: Vec<_> = FILES.iter().map(|path| plan.read(Path::new(path)).ok()).collect();
            plan.apply(&mut well).map_err(|failure| TestCaseError::fail(failure.to_string()))?;
            let now = Plan::new(&scene.site);
            for (path, promised) in FILES.iter().zip(promised) {
                if let Some(promised) = promised {
                    prop_assert_eq!(now.read(Path::new(path)).unwrap(), promised, "{}", path);
                }
            }
        }
        scene.undo().map_err(|failure| TestCaseError::fail(failure.to_string()))?;
        prop_assert_eq!(scene.tree(), before);
    }
}
