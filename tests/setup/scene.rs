//! A system below a directory of its own, the program run on it, and its files compared. Knows no test.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use test_hosts::process::{Outcome, clean, run};
use test_hosts::workdir::Workdir;

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_distcc-arch");
/// The three machines of the wiki's example.
pub(crate) const HOSTS: &str = "192.168.0.2/5,lzo 192.168.0.3/3 192.168.0.4/3";

pub(crate) struct Scene {
    work: Workdir,
}

/// Each path with its kind, mode, owner and contents.
pub(crate) type Tree = BTreeMap<PathBuf, String>;

impl Scene {
    /// A system whose makepkg.conf has this text.
    pub(crate) fn new(makepkg_conf: impl AsRef<[u8]>) -> Scene {
        let scene = Scene::bare();
        scene.write("etc/makepkg.conf", makepkg_conf);
        scene
    }

    pub(crate) fn bare() -> Scene {
        let scene = Scene { work: Workdir::new() };
        fs::create_dir_all(scene.root().join("etc")).unwrap();
        scene
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.work.path().join("root")
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.work.home()
    }

    pub(crate) fn path(&self, inside: &str) -> PathBuf {
        self.root().join(inside)
    }

    pub(crate) fn write(&self, inside: &str, text: impl AsRef<[u8]>) {
        let path = self.path(inside);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, inside: &str) -> String {
        String::from_utf8_lossy(&fs::read(self.path(inside)).unwrap()).into_owned()
    }

    /// `distcc-arch WORDS --root ROOT`, not run yet.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = clean(PROGRAM);
        command.args(words).arg("--root").arg(self.root()).env("HOME", self.home());
        command
    }

    pub(crate) fn run(&self, words: &[&str]) -> Outcome {
        run(self.command(words))
    }

    pub(crate) fn setup(&self, words: &[&str]) -> Outcome {
        let words: Vec<&str> = ["setup", "--yes"].iter().chain(words).copied().collect();
        self.run(&words)
    }

    /// Undoes everything; the program's own messages are the tests' of undo.
    pub(crate) fn undo(&self) {
        self.run(&["undo", "--yes"]).good();
    }

    pub(crate) fn tree(&self) -> Tree {
        tree(&self.root())
    }

    /// Runs it, which must do well and leave everything as it is.
    #[track_caller]
    pub(crate) fn changes_nothing(&self, words: &[&str]) -> Outcome {
        let before = self.tree();
        let outcome = self.run(words).good();
        assert_eq!(self.tree(), before, "{words:?}");
        outcome
    }

    /// Runs it, which must say this in one line and leave everything as it is.
    #[track_caller]
    pub(crate) fn refuses(&self, words: &[&str], said: &str) {
        let before = self.tree();
        refused(&self.run(words), said);
        assert_eq!(self.tree(), before, "{words:?}");
    }
}

/// Exit 2 with one line.
#[track_caller]
pub(crate) fn refused(outcome: &Outcome, said: &str) {
    let err = outcome.err();
    assert_eq!(outcome.code(), Some(2), "{}{err}", outcome.out());
    assert!(err.starts_with("distcc-arch: ") && err.contains(said) && err.lines().count() == 1, "{err}");
    assert_eq!(outcome.out(), "");
}

/// Everything below a directory.
pub(crate) fn tree(top: &Path) -> Tree {
    let mut entries = Tree::new();
    let mut directories = vec![top.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let found = fs::symlink_metadata(&path).unwrap();
            let what = if found.is_symlink() {
                format!("-> {}", fs::read_link(&path).unwrap().display())
            } else if found.is_dir() {
                directories.push(path.clone());
                "directory".to_owned()
            } else {
                contents(&fs::read(&path).unwrap())
            };
            let entry = format!("{:o} {}:{} {what}", found.mode(), found.uid(), found.gid());
            entries.insert(path.strip_prefix(top).unwrap().to_owned(), entry);
        }
    }
    entries
}

/// Text as it is; of programs only what tells them apart, for nobody reads a failed comparison of a hundred megabytes.
fn contents(bytes: &[u8]) -> String {
    match str::from_utf8(bytes) {
        Ok(text) => format!("{text:?}"),
        Err(_) => {
            let mut hasher = DefaultHasher::new();
            bytes.hash(&mut hasher);
            format!("{} bytes, {:016x}", bytes.len(), hasher.finish())
        }
    }
}

/// What bash has in its variables after it sourced a file, in a clean environment: DISTCC_HOSTS, MAKEFLAGS, then the
/// words of BUILDENV.
#[track_caller]
pub(crate) fn seen_by_bash(files: &[&Path]) -> Vec<String> {
    let script = "for file; do source \"$file\" || exit; done\n\
                  printf '%s\\0' \"$DISTCC_HOSTS\" \"$MAKEFLAGS\" \"${BUILDENV[@]}\"";
    let mut bash = clean("/bin/bash");
    bash.args(["--noprofile", "--norc", "-c", script, "bash"]).args(files);
    let out = run(bash).good().out();
    out.split_terminator('\0').map(str::to_owned).collect()
}

/// Lets a user who is not root go through a directory.
pub(crate) fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}
