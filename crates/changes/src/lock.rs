//! Keeps two runs from changing the same system at once. Knows nothing of what they change.

use crate::failure::Failure;
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

const LONGEST_WAIT: Duration = Duration::from_secs(10);
const BETWEEN_TRIES: Duration = Duration::from_millis(50);

/// Held until it is dropped, or until the process ends.
#[derive(Debug)]
pub(crate) struct Lock {
    _held: Flock<File>,
}

impl Lock {
    /// Waits for the lock file at `path`, which is made; None if its directory is gone.
    pub(crate) fn take(path: &Path) -> Result<Option<Lock>, Failure> {
        Lock::take_within(path, LONGEST_WAIT)
    }

    /// Waits for a directory itself. Nothing is made in it; who only makes files there does not notice.
    pub(crate) fn of_directory(path: &Path) -> Result<Lock, Failure> {
        let started = Instant::now();
        loop {
            let directory = File::open(path).map_err(|error| Failure::of_io("lock", path, &error))?;
            if let Some(lock) = try_to_hold(directory, path, started, LONGEST_WAIT)? {
                return Ok(lock);
            }
        }
    }

    fn take_within(path: &Path, wait: Duration) -> Result<Option<Lock>, Failure> {
        let failed = |error| Failure::of_io("lock", path, &error);
        let started = Instant::now();
        loop {
            let opened =
                OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path);
            let file = match opened {
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
                other => other.map_err(failed)?,
            };
            if let Some(lock) = try_to_hold(file, path, started, wait)? {
                return Ok(Some(lock));
            }
        }
    }
}

/// None after a short while without it, and where the file has been replaced: the holder before us removes it when it
/// leaves nothing behind.
fn try_to_hold(file: File, path: &Path, started: Instant, wait: Duration) -> Result<Option<Lock>, Failure> {
    let inode = file.metadata().map_err(|error| Failure::of_io("lock", path, &error))?.ino();
    match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
        Ok(held) if fs::metadata(path).is_ok_and(|now| now.ino() == inode) => Ok(Some(Lock { _held: held })),
        Ok(_) => Ok(None),
        Err((_, Errno::EWOULDBLOCK)) if started.elapsed() < wait => {
            sleep(BETWEEN_TRIES);
            Ok(None)
        }
        Err((_, Errno::EWOULDBLOCK)) => Err(held_by_another(path, inode)),
        Err((_, errno)) => Err(Failure::of("lock", path, errno)),
    }
}

fn held_by_another(path: &Path, inode: u64) -> Failure {
    let locks = fs::read_to_string("/proc/locks").unwrap_or_default();
    let who = holder(&locks, inode).map(|process| {
        let name = fs::read_to_string(format!("/proc/{process}/comm")).unwrap_or_default();
        format!(" (process {process}, {})", name.trim_end())
    });
    let who = who.unwrap_or_default();
    Failure::new(format!(
        "another run{who} is making changes and holds {}: wait for it to end",
        path.display()
    ))
}

/// The process that holds a whole-file lock on this inode, according to the lines of /proc/locks (proc_locks(5)).
fn holder(locks: &str, inode: u64) -> Option<u32> {
    let of_line = |line: &str| {
        let mut words = line.split_whitespace().skip_while(|word| *word != "FLOCK").skip(3);
        let process = words.next()?.parse().ok()?;
        (words.next()?.rsplit(':').next()?.parse() == Ok(inode)).then_some(process)
    };
    locks.lines().filter(|line| !line.contains("->")).find_map(of_line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_holder_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lock");
        let held = Lock::take(&path).unwrap();
        let refused = Lock::take_within(&path, Duration::from_millis(120)).unwrap_err().to_string();
        let named = format!("another run (process {}, ", std::process::id());
        assert!(refused.starts_with(&named), "{refused}");
        drop(held);
        assert!(Lock::take_within(&path, Duration::ZERO).unwrap().is_some());
        assert!(Lock::take(&directory.path().join("gone/lock")).unwrap().is_none());
    }

    #[test]
    fn holders_are_read() {
        let locks = "1: POSIX  ADVISORY  WRITE 7 00:1a:55 0 EOF\n2: FLOCK  ADVISORY  WRITE 708 00:1a:55 0 EOF\n2: -> FLOCK  ADVISORY  WRITE 709 00:1a:55 0 EOF\n";
        assert_eq!([holder(locks, 55), holder(locks, 5)], [Some(708), None]);
    }
}
