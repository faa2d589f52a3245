//! A small system in a scratch directory, with a journal beside it. Knows nothing of what a test does there.

use crate::kinds::{CONF, ORIGINAL, outside, undo};
use crate::tree::Tree;
use changes::{Failure, Plan, Site, Undone};
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The files of the small system: path, mode, text.
const FILES: &[(&str, u32, &str)] = &[
    (CONF, 0o640, ORIGINAL),
    ("/etc/old.conf", 0o600, "goes\n"),
    ("/home/user/.makepkg.conf", 0o644, "user's\n"),
    ("/home/user/.distcc/hosts", 0o644, "red\n"),
];

pub(crate) struct Scene {
    scratch: TempDir,
    pub(crate) site: Site,
}

impl Scene {
    pub(crate) fn new() -> Scene {
        Scene::inside(tempfile::tempdir().unwrap())
    }

    /// In memory, where there is such a place: for many runs, each of which would wait for a disk.
    pub(crate) fn in_memory() -> Scene {
        Scene::inside(tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap())
    }

    fn inside(scratch: TempDir) -> Scene {
        let site =
            Site { root: scratch.path().join("root"), journal: scratch.path().join("root/var/lib/journal") };
        furnish(&site.root);
        Scene { scratch, site }
    }

    /// What holds the root.
    pub(crate) fn directory(&self) -> &Path {
        self.scratch.path()
    }

    /// Whether strace has found the call that it should tamper with.
    pub(crate) fn was_injected(&self) -> bool {
        fs::read_to_string(self.directory().join("trace")).unwrap().contains("(INJECTED)")
    }

    /// Where a path inside the root is outside.
    pub(crate) fn outside(&self, path: &str) -> PathBuf {
        outside(&self.site, path)
    }

    pub(crate) fn text(&self, path: &str) -> String {
        fs::read_to_string(self.outside(path)).unwrap()
    }

    pub(crate) fn put(&self, path: &str, text: &str) {
        fs::write(self.outside(path), text).unwrap();
    }

    pub(crate) fn tree(&self) -> Tree {
        Tree::below(&self.site.root)
    }

    /// Makes one file's new contents a set of changes of its own.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let mut plan = Plan::new(&self.site);
        plan.write(Path::new(path), text.into(), 0o644).unwrap();
        plan.apply(&mut well).unwrap();
    }

    pub(crate) fn undo(&self) -> Result<Undone, Failure> {
        undo(&self.site)
    }
}

/// Makes the small system's files.
pub(crate) fn furnish(root: &Path) {
    for (path, mode, text) in FILES {
        let path = root.join(&path[1..]);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(*mode)).unwrap();
    }
    fs::create_dir_all(root.join("var/lib")).unwrap();
    symlink("/etc/makepkg.conf", root.join("home/user/link.conf")).unwrap();
    symlink("nowhere", root.join("etc/dangling")).unwrap();
}

pub(crate) fn well(_: &[String]) -> Result<(), String> {
    Ok(())
}
