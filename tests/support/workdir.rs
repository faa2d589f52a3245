//! One test's own directories, gone when it ends. Knows nothing of which programs use them.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};
use tempfile::TempDir;

const PREFIX: &str = "distcc-arch-test.";

/// A scratch directory with a DISTCC_DIR, a TMPDIR, a HOME and a place for sources, each empty.
pub struct Workdir {
    root: TempDir,
}

impl Workdir {
    /// Makes the directories. Every user may enter, so that a daemon that gave up root can run stub compilers from here.
    pub fn new() -> Workdir {
        Workdir::at(tempfile::Builder::new().prefix(PREFIX).tempdir().expect("a temporary directory"))
    }

    /// Makes them below a directory that has more room than the one for temporary files.
    pub fn below(parent: &Path) -> Workdir {
        Workdir::at(tempfile::Builder::new().prefix(PREFIX).tempdir_in(parent).expect("a directory of ours"))
    }

    fn at(root: TempDir) -> Workdir {
        fs::set_permissions(root.path(), Permissions::from_mode(0o755)).expect("our own directory");
        let work = Workdir { root };
        for part in [work.distcc_dir(), work.tmp(), work.home(), work.src()] {
            fs::create_dir(part).expect("a new directory of ours");
        }
        work
    }

    /// The directory that holds the others.
    pub fn path(&self) -> &Path {
        self.root.path()
    }

    /// DISTCC_DIR of the test's clients.
    pub fn distcc_dir(&self) -> PathBuf {
        self.path().join("distcc")
    }

    /// TMPDIR of the test's clients.
    pub fn tmp(&self) -> PathBuf {
        self.path().join("tmp")
    }

    /// HOME of the test's clients.
    pub fn home(&self) -> PathBuf {
        self.path().join("home")
    }

    /// Where sources lie and compilers run.
    pub fn src(&self) -> PathBuf {
        self.path().join("src")
    }

    /// Writes a source file below [`Workdir::src`] and returns its path.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.src().join(name);
        fs::write(&path, text).expect("a file in a directory of ours");
        path
    }

    /// Makes a directory that every user may write in, whatever the umask.
    pub fn open_dir(&self, name: &str) -> PathBuf {
        let path = self.path().join(name);
        fs::create_dir(&path).expect("a new directory of ours");
        fs::set_permissions(&path, Permissions::from_mode(0o777)).expect("our own directory");
        path
    }
}

impl Default for Workdir {
    fn default() -> Self {
        Workdir::new()
    }
}

/// Waits until no other test process holds the file, and holds it until dropped.
pub fn hold(file: &Path) -> Flock<File> {
    let opened = File::options().create(true).append(true).open(file).expect("a file that can be written");
    Flock::lock(opened, FlockArg::LockExclusive)
        .map_err(|(_, error)| error)
        .expect("a file that can be locked")
}

/// The names of what lies in a directory, sorted; an absent directory holds nothing.
pub fn names_in(directory: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("a readable directory").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}
