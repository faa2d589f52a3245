//! `DISTCC_DIR/zeroconf`: the hosts that announce themselves, read by clients and kept by one watcher, as distcc 3.4 does
//! it, so that both may share it. Knows nothing of how hosts are found or a watcher is started.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::stat::futimens;
use nix::sys::time::TimeSpec;

use crate::host::Host;
use crate::host_list::HostList;
use crate::lock_file::{self, Bytes};
use crate::watch::Watch;

/// The file of hosts within the directory.
const HOSTS: &str = "hosts";
/// distcc 3.4 takes no larger one.
const LARGEST: u64 = 100 * 1024;
/// How long the first client waits for a watcher to have looked round, which takes one a second, or two where nobody is.
const FIRST_LOOK: Duration = Duration::from_secs(4);
/// The watcher of distcc 3.4 writes in place, but not for long.
const LONGEST_WRITE: Duration = Duration::from_millis(500);
const SHORT: Duration = Duration::from_millis(10);
/// Clients hold the lock for a moment, too, to see whether anybody has it.
const TRIES: u32 = 20;
/// A file with this time of access has not been read since. Long before any other time, so that the kernel notes the next
/// access even where it notes few of them (relatime).
const UNREAD: TimeSpec = TimeSpec::new(0, 0);

/// The hosts that a watcher knows of now. Where there is none, `start` is to start one, which then gets the time for a
/// first look. The hosts are those of `cc` here and in no order of preference.
///
/// # Errors
/// Why nobody can know of any.
pub fn discovered(distcc_dir: &Path, start: impl FnOnce() -> io::Result<()>) -> io::Result<Vec<Host>> {
    let directory = open(distcc_dir)?;
    if !is_watched(&directory)? {
        start()?;
    }
    let path = directory.join(HOSTS);
    wait_for(&path, &directory)?;
    let text = read(&path)?;
    Ok(HostList::parse(&text, "").hosts)
}

/// The right to keep the file of hosts. Dropping it removes the file, for nobody would keep it true.
#[derive(Debug)]
pub struct Watcher {
    directory: PathBuf,
    lock: File,
    last_use: Instant,
}

impl Watcher {
    /// None where somebody keeps the file already.
    ///
    /// # Errors
    /// The directory below `distcc_dir` cannot be made or locked.
    pub fn take(distcc_dir: &Path) -> io::Result<Option<Watcher>> {
        let directory = open(distcc_dir)?;
        let lock = lock_file::open(&directory.join("lock"))?;
        for _ in 0..TRIES {
            if lock_file::try_lock(&lock, Bytes::All)? {
                remove(&directory.join(HOSTS))?;
                return Ok(Some(Watcher { directory, lock, last_use: Instant::now() }));
            }
            sleep(SHORT);
        }
        Ok(None)
    }

    /// Replaces the list: each line one host, as a host list spells it.
    ///
    /// # Errors
    /// The file cannot be written; the old one is then still there.
    pub fn write(&mut self, hosts: &[String]) -> io::Result<()> {
        self.idle();
        let new = self.directory.join("hosts.new");
        let mut file = with_care().write(true).create(true).truncate(true).open(&new)?;
        let lines: String = hosts.iter().map(|host| format!("{host}\n")).collect();
        file.write_all(lines.as_bytes())?;
        futimens(&file, &UNREAD, &TimeSpec::UTIME_OMIT)?;
        fs::rename(&new, self.directory.join(HOSTS))
    }

    /// How long nobody has read the file.
    pub fn idle(&mut self) -> Duration {
        let path = self.directory.join(HOSTS);
        if fs::metadata(&path).is_ok_and(|found| found.atime() != UNREAD.tv_sec()) {
            self.last_use = Instant::now();
            // On a disk that takes no times nobody is ever seen to read, and a new watcher is soon started.
            let _ = with_care()
                .read(true)
                .open(&path)
                .and_then(|file| Ok(futimens(&file, &UNREAD, &TimeSpec::UTIME_OMIT)?));
        }
        self.last_use.elapsed()
    }

    /// Whether clients still look here: somebody may have removed the whole directory.
    #[must_use]
    pub fn is_in_place(&self) -> bool {
        let there = fs::metadata(self.directory.join("lock"));
        let ours = self.lock.metadata();
        there
            .and_then(|there| Ok((there.dev(), there.ino()) == ours.map(|ours| (ours.dev(), ours.ino()))?))
            .unwrap_or(false)
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        if self.is_in_place() {
            let _ = remove(&self.directory.join(HOSTS));
        }
    }
}

/// Makes `DISTCC_DIR/zeroconf` (0777 & ~umask) when missing, but not DISTCC_DIR itself.
fn open(distcc_dir: &Path) -> io::Result<PathBuf> {
    let directory = distcc_dir.join("zeroconf");
    match fs::create_dir(&directory) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            Err(io::Error::new(error.kind(), format!("cannot make {}: {error}", directory.display())))
        }
        _ => Ok(directory),
    }
}

/// Whether a watcher has the lock. What one that has ended left behind is removed, so that nobody takes it for true.
fn is_watched(directory: &Path) -> io::Result<bool> {
    let lock = lock_file::open(&directory.join("lock"))?;
    if !lock_file::try_lock(&lock, Bytes::All)? {
        return Ok(true);
    }
    remove(&directory.join(HOSTS))?;
    Ok(false)
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(io::Error::new(error.kind(), format!("cannot remove {}: {error}", path.display())))
        }
        _ => Ok(()),
    }
}

/// Until the watcher has written what it found first.
fn wait_for(path: &Path, directory: &Path) -> io::Result<()> {
    if path.exists() {
        return Ok(());
    }
    let end = Instant::now() + FIRST_LOOK;
    let watch = Watch::on(directory);
    while !path.exists() {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "nobody has looked for any within four seconds",
            ));
        }
        watch.sleep(left, |name| name == HOSTS)?;
    }
    watch.end();
    Ok(())
}

fn with_care() -> OpenOptions {
    let mut options = File::options();
    options.custom_flags(lock_file::CAREFULLY);
    options
}

/// Leaves a mark that the file is in use.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = with_care().read(true).open(path)?;
    let end = Instant::now() + LONGEST_WRITE;
    while !lock_file::try_share(&file)? && Instant::now() < end {
        sleep(SHORT);
    }
    let mut text = Vec::new();
    Read::by_ref(&mut file).take(LARGEST).read_to_end(&mut text)?;
    // Not every disk notes who reads; whose file it is not cannot mark it, and need not.
    let _ = futimens(&file, &TimeSpec::UTIME_NOW, &TimeSpec::UTIME_OMIT);
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn specs(hosts: &[Host]) -> Vec<&str> {
        hosts.iter().map(|host| host.spec.as_str()).collect()
    }

    #[test]
    fn a_client_without_a_watcher_starts_one_and_waits() {
        let dir = tempfile::tempdir().unwrap();
        let stale = open(dir.path()).unwrap().join(HOSTS);
        fs::write(&stale, "gone\n").unwrap();
        let place = dir.path().to_owned();
        let hosts = discovered(dir.path(), || {
            assert!(!stale.exists());
            std::thread::spawn(move || {
                let mut watcher = Watcher::take(&place).unwrap().unwrap();
                watcher.write(&["10.0.0.1:3632/3,lzo".into(), "[fe80::1%eth0]:3632/4".into()]).unwrap();
                std::mem::forget(watcher);
            });
            Ok(())
        });
        assert_eq!(specs(&hosts.unwrap()), ["10.0.0.1:3632/3,lzo", "[fe80::1%eth0]:3632/4"]);
    }

    #[test]
    fn a_watcher_sees_when_it_is_used() {
        let dir = tempfile::tempdir().unwrap();
        let mut watcher = Watcher::take(dir.path()).unwrap().unwrap();
        watcher.write(&["red".into()]).unwrap();
        let long_ago = Instant::now() - Duration::from_secs(60);
        watcher.last_use = long_ago;
        assert!(watcher.idle() >= Duration::from_secs(60));
        for (used, write) in [(true, false), (true, true), (false, true), (false, false)] {
            watcher.last_use = long_ago;
            if used {
                assert_eq!(read(&dir.path().join("zeroconf/hosts")).unwrap(), b"red\n");
            }
            if write {
                watcher.write(&["red".into()]).unwrap();
            }
            assert_eq!(watcher.idle() < Duration::from_secs(60), used, "{used} {write}");
        }
    }

    #[test]
    fn a_watcher_takes_its_file_along() {
        let dir = tempfile::tempdir().unwrap();
        let mut watcher = Watcher::take(dir.path()).unwrap().unwrap();
        watcher.write(&[]).unwrap();
        assert!(watcher.is_in_place());
        drop(watcher);
        assert!(!dir.path().join("zeroconf/hosts").exists());
        let watcher = Watcher::take(dir.path()).unwrap().unwrap();
        fs::remove_dir_all(dir.path().join("zeroconf")).unwrap();
        assert!(!watcher.is_in_place());
    }

    #[test]
    fn what_stands_in_the_way() {
        let dir = tempfile::tempdir().unwrap();
        let start = || Err(io::Error::other("no watcher"));
        assert_eq!(discovered(dir.path(), start).unwrap_err().to_string(), "no watcher");
        let gone = discovered(&dir.path().join("gone"), start).unwrap_err().to_string();
        assert!(gone.starts_with("cannot make ") && gone.contains("/gone/zeroconf: "), "{gone}");
    }
}
