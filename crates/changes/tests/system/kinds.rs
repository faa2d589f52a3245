//! One change of each kind, making them and taking them back, for tests and for the program that tests kill. Knows nothing
//! of what a test expects.

use changes::{Action, Failure, Journal, Plan, Site, Undone, three_way};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

pub(crate) const CONF: &str = "/etc/makepkg.conf";
pub(crate) const ORIGINAL: &str = "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\n";

/// One change of each kind, and a program that leaves a file.
pub(crate) fn every_kind(site: &Site) -> Plan {
    let mut plan = Plan::new(site);
    plan.write(Path::new(CONF), ORIGINAL.replace("four", "FOUR").into(), 0o644).unwrap();
    plan.write(Path::new("/etc/conf.d/new"), b"new\n".to_vec(), 0o600).unwrap();
    plan.remove(Path::new("/etc/old.conf")).unwrap();
    plan.link(Path::new("/etc/dangling"), Path::new("somewhere")).unwrap();
    plan.rename(Path::new("/home/user/.distcc"), Path::new("/home/user/.distcc.before")).unwrap();
    plan.link(Path::new("/home/user/.distcc"), Path::new("/run/distcc")).unwrap();
    plan.run(touching(site));
    plan
}

/// A program, as it were, that makes a file and one that removes it.
pub(crate) fn touching(site: &Site) -> Action {
    let mark = outside(site, "/etc/touched").display().to_string();
    let words = |first: &str| vec![first.to_owned(), mark.clone()];
    Action { shown: "touch it".to_owned(), run: words("touch"), undo: words("rm") }
}

/// Runs the two programs of [`touching`], which bear being run twice.
pub(crate) fn perform(words: &[String]) -> Result<(), String> {
    let done = match words {
        [program, path] if program == "touch" => fs::write(path, ""),
        // Tests let one call fail, and this one is not what they are about.
        [program, path] if program == "rm" => fs::remove_file(path).or_else(|_| fs::remove_file(path)),
        _ => return Err(format!("no such program: {words:?}")),
    };
    match done {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error.to_string()),
        _ => Ok(()),
    }
}

/// Recovers and takes back everything, as a person would.
pub(crate) fn undo(site: &Site) -> Result<Undone, Failure> {
    let mut journal = Journal::open(site)?;
    journal.recover(&mut perform)?;
    journal.undo(&mut |_, original, ours, now| three_way(original, ours, now))?.apply(&mut perform)
}

/// Where a path inside the root is outside.
pub(crate) fn outside(site: &Site, path: &str) -> PathBuf {
    site.root.join(path.strip_prefix('/').expect("an absolute path"))
}
