//! Files, links and directories of a made-up project in a directory of their own. Knows nothing of what reads them.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// What stands at a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Thing {
    File(Vec<u8>),
    Link(Vec<u8>),
    Directory,
}

/// The project's directory, gone when dropped.
pub(crate) struct Scene {
    root: TempDir,
}

impl Scene {
    /// An empty one.
    pub(crate) fn new() -> Scene {
        Scene { root: tempfile::Builder::new().prefix("scan").tempdir().expect("a temporary directory") }
    }

    /// The canonical name of its directory.
    pub(crate) fn root(&self) -> PathBuf {
        self.root.path().canonicalize().expect("it was just made")
    }

    /// Puts something there in place of what was, with the directories above it. `@ROOT@` and `@BASE@` stand for the
    /// scene's directory and its last part.
    pub(crate) fn put(&self, name: &[u8], thing: &Thing) {
        let path = self.path(name);
        self.remove(name);
        fs::create_dir_all(path.parent().expect("it lies below the scene")).expect("directories of ours");
        match thing {
            Thing::File(text) => fs::write(&path, self.filled_in(text)).expect("a file of ours"),
            Thing::Link(target) => {
                symlink(OsStr::from_bytes(&self.filled_in(target)), &path).expect("a link of ours");
            }
            Thing::Directory => fs::create_dir_all(&path).expect("a directory of ours"),
        }
    }

    /// Takes away what is there, if there is anything.
    pub(crate) fn remove(&self, name: &[u8]) {
        let path = self.path(name);
        let is_directory = path.symlink_metadata().map(|found| found.is_dir());
        match is_directory {
            Ok(true) => fs::remove_dir_all(path).expect("a directory of ours"),
            Ok(false) => fs::remove_file(path).expect("a file of ours"),
            Err(_) => {}
        }
    }

    /// Where a name of the scene lies.
    pub(crate) fn path(&self, name: &[u8]) -> PathBuf {
        self.root().join(OsStr::from_bytes(name))
    }

    /// A text with the scene's directory in place of its marks.
    pub(crate) fn filled_in(&self, text: &[u8]) -> Vec<u8> {
        let root = self.root();
        let base = Path::new(root.file_name().expect("it is not the top")).as_os_str().as_bytes().to_owned();
        replaced(&replaced(text, b"@ROOT@", root.as_os_str().as_bytes()), b"@BASE@", &base)
    }
}

fn replaced(text: &[u8], mark: &[u8], by: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.windows(mark.len()).position(|window| window == mark) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(by);
        rest = &rest[at + mark.len()..];
    }
    out.extend_from_slice(rest);
    out
}
