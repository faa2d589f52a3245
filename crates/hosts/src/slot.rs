//! The lock directory and a held slot. Knows nothing of how slots are chosen or waited for.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};

/// `DISTCC_DIR/lock`, which all clients of a user share, those of distcc 3.4 too.
#[derive(Debug, Clone)]
pub struct LockDir {
    path: PathBuf,
}

impl LockDir {
    /// Makes `DISTCC_DIR/lock` (0777 & ~umask) when missing, but not DISTCC_DIR itself.
    ///
    /// # Errors
    /// The directory cannot be made.
    pub fn open(distcc_dir: &Path) -> io::Result<LockDir> {
        let path = distcc_dir.join("lock");
        match fs::create_dir(&path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                Err(io::Error::new(error.kind(), format!("cannot make {}: {error}", path.display())))
            }
            _ => Ok(LockDir { path }),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

/// A held slot: the right to run one job on one host. Dropping it, or the death of the process, frees it.
#[derive(Debug)]
pub struct Slot {
    number: u32,
    file: File,
}

impl Slot {
    pub(crate) fn held(number: u32, locked: File) -> Slot {
        Slot { number, file: locked }
    }

    /// Which of the host's slots it is, from 0.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Lets a program that replaces this process by exec keep the slot until it ends.
    ///
    /// # Errors
    /// Those of `fcntl(2)`.
    pub fn keep_over_exec(&self) -> io::Result<()> {
        fcntl(&self.file, FcntlArg::F_SETFD(FdFlag::empty()))?;
        Ok(())
    }
}
