//! This process's state file: made, rewritten at each change of phase, removed at the end. Knows no byte of its content.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process;

use nix::libc;

use crate::task::{self, Phase, Task};

/// The state file of this process, `DISTCC_DIR/state/binstate_PID`. Dropping it removes the file.
#[derive(Debug)]
pub struct Record {
    path: PathBuf,
    pid: u32,
    source: OsString,
    file: File,
}

impl Record {
    /// Makes the state file (0666 & ~umask) for the source named `file`, of which the last component is shown.
    /// `DISTCC_DIR/state` is made when missing, DISTCC_DIR is not. Monitors pass over the file until the first
    /// [`Record::update`].
    ///
    /// # Errors
    /// The directory or the file cannot be made.
    pub fn create(distcc_dir: &Path, file: &OsStr) -> io::Result<Record> {
        let pid = process::id();
        let path = distcc_dir.join("state").join(format!("binstate_{pid}"));
        let source = task::basename(file).to_owned();
        Ok(Record { file: open(&path)?, path, pid, source })
    }

    /// Says what the job is doing now: one `pwrite(2)` of 296 bytes. `host` is a name without port or options.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn update(&mut self, phase: Phase, host: &str, slot: u32) -> io::Result<()> {
        // Monitors of distcc 3.4 delete what has not changed for 60 seconds, so a long compile loses its file.
        if self.file.metadata()?.nlink() == 0 {
            self.file = open(&self.path)?;
        }
        let task = Task { pid: self.pid, file: self.source.clone(), host: host.to_owned(), slot, phase };
        self.file.write_all_at(&task::encode(&task), 0)
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        // A forked child holds a copy of this value, but the file is its parent's.
        if process::id() == self.pid {
            // A monitor may have removed it already.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    open_with(File::options().write(true).create(true).truncate(true), path)
}

/// How files are opened in a directory that others may write to: neither a pipe nor a link is to hold us up or lead us
/// elsewhere.
pub(crate) const CAREFULLY: i32 = libc::O_NONBLOCK | libc::O_NOFOLLOW;

/// Makes the directory `state` when that is missing.
pub(crate) fn open_with(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    let options = options.custom_flags(CAREFULLY);
    let open = || options.open(path);
    open().or_else(|error| {
        if error.kind() != io::ErrorKind::NotFound {
            return Err(error);
        }
        match fs::create_dir(path.parent().expect("the path ends in state/binstate_PID")) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => open(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode;

    fn only_file(dir: &Path) -> PathBuf {
        let mut files: Vec<_> =
            fs::read_dir(dir.join("state")).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(files.len(), 1);
        files.pop().unwrap()
    }

    #[test]
    fn a_record_lives_as_long_as_its_value() {
        let dir = tempfile::tempdir().unwrap();
        let mut record = Record::create(dir.path(), OsStr::new("../src/hello.c")).unwrap();
        let path = only_file(dir.path());
        assert_eq!(path.file_name().unwrap().to_str(), Some(&*format!("binstate_{}", process::id())));
        assert_eq!(fs::read(&path).unwrap(), b"");
        for (phase, host, slot) in [(Phase::Connect, "red", 2), (Phase::Compile, "localhost", 0)] {
            record.update(phase, host, slot).unwrap();
            let task = Task { pid: process::id(), file: "hello.c".into(), host: host.into(), slot, phase };
            assert_eq!(decode(&fs::read(&path).unwrap()), Ok(task));
        }
        drop(record);
        assert!(!path.exists());
    }

    #[test]
    fn a_file_that_a_monitor_removed_comes_back() {
        let dir = tempfile::tempdir().unwrap();
        let mut record = Record::create(dir.path(), OsStr::new("a.c")).unwrap();
        fs::remove_dir_all(dir.path().join("state")).unwrap();
        record.update(Phase::Send, "red", 0).unwrap();
        assert_eq!(decode(&fs::read(only_file(dir.path())).unwrap()).unwrap().phase, Phase::Send);
    }

    #[test]
    fn what_a_dead_process_left_is_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("state")).unwrap();
        let path = dir.path().join(format!("state/binstate_{}", process::id()));
        fs::write(&path, "x".repeat(1000)).unwrap();
        Record::create(dir.path(), OsStr::new("a.c")).unwrap().update(Phase::Send, "red", 0).unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn a_missing_distcc_dir_is_not_made() {
        let dir = tempfile::tempdir().unwrap();
        assert!(Record::create(&dir.path().join("none"), OsStr::new("a.c")).is_err());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_another_user_put_there_is_left_alone() {
        let (dir, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::NamedTempFile::new().unwrap());
        fs::write(elsewhere.path(), "precious").unwrap();
        fs::create_dir(dir.path().join("state")).unwrap();
        let path = dir.path().join("state").join(format!("binstate_{}", process::id()));
        std::os::unix::fs::symlink(elsewhere.path(), &path).unwrap();
        assert!(Record::create(dir.path(), OsStr::new("a.c")).is_err());
        assert_eq!(fs::read(elsewhere.path()).unwrap(), b"precious");
        fs::remove_file(&path).unwrap();
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert!(Record::create(dir.path(), OsStr::new("a.c")).is_err());
    }
}
