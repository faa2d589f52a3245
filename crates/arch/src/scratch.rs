//! A directory that is gone when its value is dropped. Knows nothing of what is put there.

use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// What programs are asked and what they answer lies in temporary files: without room for these every answer is wrong.
///
/// # Errors
/// One line.
pub(crate) fn has_room(directory: &Path) -> Result<(), String> {
    let written = tempfile::tempfile_in(directory).and_then(|mut file| file.write_all(&[0; NEEDED]));
    written.map_err(|error| format!("cannot write to {0}: {error}: df -h {0}", directory.display()))
}

/// As much as an object and a log take.
const NEEDED: usize = 256 << 10;

/// A temporary directory. Others may pass through it but not look around, because a daemon that root starts gives up
/// being root and still has to reach its own directory.
#[derive(Debug)]
pub(crate) struct Scratch(TempDir);

impl Scratch {
    pub(crate) fn make() -> io::Result<Scratch> {
        let directory = tempfile::Builder::new().prefix("distcc-arch-demo.").tempdir()?;
        fs::set_permissions(directory.path(), Permissions::from_mode(0o711))?;
        Ok(Scratch(directory))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// A new directory of this name that only we may use.
    pub(crate) fn private(&self, name: &str) -> io::Result<PathBuf> {
        self.directory(name, 0o700)
    }

    /// A new directory of this name that everyone may use, as they may /tmp.
    pub(crate) fn open_to_all(&self, name: &str) -> io::Result<PathBuf> {
        self.directory(name, 0o1777)
    }

    fn directory(&self, name: &str, mode: u32) -> io::Result<PathBuf> {
        let path = self.path().join(name);
        fs::create_dir(&path)?;
        fs::set_permissions(&path, Permissions::from_mode(mode))?;
        Ok(path)
    }
}
