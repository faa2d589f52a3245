//! A small system below a temporary directory, for tests. Knows nothing of what they look for.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use crate::Root;

/// Dropped, it is gone.
pub(crate) struct FakeRoot(tempfile::TempDir);

impl FakeRoot {
    /// Each word is a file: `usr/bin/gcc*` may be run, `usr/bin/cc>gcc` is a link, `etc/x=text` holds text.
    pub(crate) fn with(files: &[&str]) -> FakeRoot {
        let fake = FakeRoot(tempfile::tempdir().unwrap());
        files.iter().for_each(|file| fake.add(file));
        fake
    }

    pub(crate) fn add(&self, file: &str) {
        let place = |name: &str| {
            let place = self.path(name);
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            place
        };
        if let Some((name, target)) = file.split_once('>') {
            symlink(target, place(name)).unwrap();
        } else if let Some(name) = file.strip_suffix('*') {
            fs::write(place(name), "").unwrap();
            fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o755)).unwrap();
        } else {
            let (name, text) = file.split_once('=').unwrap_or((file, ""));
            fs::write(place(name), text).unwrap();
        }
    }

    pub(crate) fn root(&self) -> Root {
        Root::open(self.0.path()).unwrap()
    }

    pub(crate) fn path(&self, inside: impl AsRef<Path>) -> PathBuf {
        self.0.path().join(inside)
    }
}
