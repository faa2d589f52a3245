//! A directory tree as a value that can be compared. Knows nothing of plans.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Every name below a directory, with all that a change could leave different.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tree(pub(crate) BTreeMap<PathBuf, Entry>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// A file's text, "-> target" of a link, "/" for a directory.
    pub(crate) what: String,
    pub(crate) mode: u32,
    pub(crate) owner: (u32, u32),
    /// Names of a file.
    pub(crate) names: u64,
}

impl Tree {
    pub(crate) fn below(top: &Path) -> Tree {
        let mut entries = BTreeMap::new();
        let mut folders = vec![top.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).unwrap().map(Result::unwrap) {
                let metadata = fs::symlink_metadata(entry.path()).unwrap();
                let what = if metadata.is_dir() {
                    folders.push(entry.path());
                    "/".to_owned()
                } else if metadata.is_symlink() {
                    format!("-> {}", fs::read_link(entry.path()).unwrap().display())
                } else {
                    String::from_utf8_lossy(&fs::read(entry.path()).unwrap()).into_owned()
                };
                let names = if metadata.is_dir() { 1 } else { metadata.nlink() };
                let mode = metadata.permissions().mode() & 0o7777;
                let path = entry.path().strip_prefix(top).unwrap().to_owned();
                entries.insert(path, Entry { what, mode, owner: (metadata.uid(), metadata.gid()), names });
            }
        }
        Tree(entries)
    }

    /// The names alone, one a line.
    pub(crate) fn names(&self) -> String {
        self.0.keys().map(|path| format!("{}\n", path.display())).collect()
    }
}
