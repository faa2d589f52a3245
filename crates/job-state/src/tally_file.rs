//! The file that all clients of a user add to, and how far it has been shown. Knows nothing of what is counted.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::sys::resource::{Resource, getrlimit};

use crate::record::CAREFULLY;
use crate::tally::{self, Entry, SIZE};

const NAME: &str = "tally";
/// What came before `tally`.
const OLD: &str = "tally.old";
/// Holds the time up to which all has been shown, in milliseconds since 1970, as text.
const SHOWN: &str = "tally.shown";

/// At this length, that of some 40,000 records, a file becomes the old one.
const LONGEST: u64 = 40_000 * SIZE as u64;
/// So many bytes are read of a file that somehow has grown beyond that.
const MOST: u64 = 2 * LONGEST;
/// More than all clients together add while one of them looks at the length.
const MARGIN: u64 = 1 << 16;
/// No number of milliseconds has more digits.
const DIGITS: u64 = 40;

/// The tally of a DISTCC_DIR: to be added to, or to be read and later read on.
#[derive(Debug)]
pub struct Tally {
    directory: PathBuf,
    /// The file that was read last, as its inode, and how far.
    read: Option<(u64, u64)>,
}

impl Tally {
    /// Has read nothing yet.
    #[must_use]
    pub fn new(distcc_dir: &Path) -> Tally {
        Tally { directory: distcc_dir.to_owned(), read: None }
    }

    /// Adds a record to `DISTCC_DIR/tally` (0666 & ~umask) with one `write(2)`, so that those of parallel clients do not
    /// mix. DISTCC_DIR is not made.
    ///
    /// # Errors
    /// The file cannot be written, or not without the signal that ends who writes more than `ulimit -f` allows.
    pub fn add(&self, entry: &Entry) -> io::Result<()> {
        let path = self.directory.join(NAME);
        let mut file = File::options().append(true).create(true).custom_flags(CAREFULLY).open(&path)?;
        let (allowed, _) = getrlimit(Resource::RLIMIT_FSIZE)?;
        if allowed < LONGEST + MARGIN && file.metadata()?.len() + MARGIN > allowed {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        file.write_all(&entry.encode())?;
        if file.stream_position()? < LONGEST { Ok(()) } else { self.begin_anew(file) }
    }

    fn begin_anew(&self, file: File) -> io::Result<()> {
        let locked = Flock::lock(file, FlockArg::LockExclusiveNonblock);
        let file = match &locked {
            Ok(file) => &**file,
            // Who has the lock does it.
            Err((_, Errno::EWOULDBLOCK)) => return Ok(()),
            // A file system without locks: doing it twice is better than never.
            Err((file, _)) => file,
        };
        let path = self.directory.join(NAME);
        // Another client may have done it since the file was opened.
        if fs::metadata(&path)?.ino() == file.metadata()?.ino() {
            fs::rename(path, self.directory.join(OLD))?;
        }
        Ok(())
    }

    /// Up to when everything has been shown; the beginning of time where nothing tells.
    #[must_use]
    pub fn shown(&self) -> SystemTime {
        let mut text = String::new();
        if let Ok(Some(file)) = open(&self.directory.join(SHOWN)) {
            // What cannot be read tells nothing.
            let _ = file.take(DIGITS).read_to_string(&mut text);
        }
        let since = text.trim().parse().ok().map(Duration::from_millis);
        since.and_then(|since| SystemTime::UNIX_EPOCH.checked_add(since)).unwrap_or(SystemTime::UNIX_EPOCH)
    }

    /// Says that everything before `when` has been shown.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn set_shown(&self, when: SystemTime) -> io::Result<()> {
        let since = when.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let mut options = File::options();
        options.write(true).create(true).truncate(true).custom_flags(CAREFULLY);
        let mut file = options.open(self.directory.join(SHOWN))?;
        file.write_all(format!("{}\n", since.as_millis()).as_bytes())
    }

    /// All records there are, and after that those which are new, in the order of their writing; none where there is no
    /// file.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn read(&mut self) -> io::Result<Vec<Entry>> {
        let mut file = open(&self.directory.join(NAME))?;
        let mut found = Vec::new();
        let inode = file.as_ref().map(File::metadata).transpose()?.map(|metadata| metadata.ino());
        if self.read.is_none_or(|(read, _)| Some(read) != inode) {
            // The file that was read last, if any, is the old one now.
            if let Some(mut old) = open(&self.directory.join(OLD))? {
                let from = self.read.filter(|(read, _)| old.metadata().is_ok_and(|now| now.ino() == *read));
                found = read_from(&mut old, from.map_or(0, |(_, at)| at))?.0;
            }
            self.read = inode.map(|inode| (inode, 0));
        }
        if let (Some(file), Some((_, at))) = (&mut file, &mut self.read) {
            let (new, end) = read_from(file, *at)?;
            found.extend(new);
            *at = end;
        }
        Ok(found)
    }
}

fn open(path: &Path) -> io::Result<Option<File>> {
    match File::options().read(true).custom_flags(CAREFULLY).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        opened => opened.map(Some),
    }
}

/// The records from there on, and up to where the file is done with.
fn read_from(file: &mut File, at: u64) -> io::Result<(Vec<Entry>, u64)> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(at))?;
    file.take(MOST).read_to_end(&mut bytes)?;
    let (found, done) = tally::entries(&bytes);
    Ok((found, at + done as u64))
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::Outcome;

    fn entry(file: &str) -> Entry {
        let (host, reason) = (String::new(), "link".to_owned());
        Entry { when: SystemTime::UNIX_EPOCH, outcome: Outcome::Here, host, reason, file: file.into() }
    }

    /// The next reading gives these.
    #[track_caller]
    fn check(tally: &mut Tally, expected: &[&str]) {
        let found = tally.read().unwrap();
        let files: Vec<_> = found.iter().map(|entry| entry.file.to_str().unwrap()).collect();
        assert_eq!(files, expected);
    }

    #[test]
    fn what_is_new_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let mut tally = Tally::new(dir.path());
        check(&mut tally, &[]);
        tally.add(&entry("a.c")).unwrap();
        check(&mut tally, &["a.c"]);
        check(&mut tally, &[]);
        tally.add(&entry("b.c")).unwrap();
        fs::rename(dir.path().join(NAME), dir.path().join(OLD)).unwrap();
        tally.add(&entry("c.c")).unwrap();
        check(&mut tally, &["b.c", "c.c"]);
        check(&mut tally, &[]);
        check(&mut Tally::new(dir.path()), &["a.c", "b.c", "c.c"]);
    }

    #[test]
    fn a_file_becomes_the_old_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(NAME);
        File::create(&path).unwrap().set_len(LONGEST - SIZE as u64).unwrap();
        Tally::new(dir.path()).add(&entry("last.c")).unwrap();
        assert!(!path.exists());
        Tally::new(dir.path()).add(&entry("first.c")).unwrap();
        assert_eq!(fs::metadata(path).unwrap().len(), SIZE as u64);
        check(&mut Tally::new(dir.path()), &["last.c", "first.c"]);
    }

    #[test]
    fn one_client_alone_begins_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(NAME);
        File::create(&path).unwrap().set_len(LONGEST).unwrap();
        let other = Flock::lock(File::open(&path).unwrap(), FlockArg::LockExclusive).unwrap();
        Tally::new(dir.path()).add(&entry("a.c")).unwrap();
        assert!(path.exists());
        drop(other);
        Tally::new(dir.path()).add(&entry("b.c")).unwrap();
        assert!(!path.exists());
    }

    /// What another user may have put there neither holds anybody up nor leads anywhere.
    #[test]
    fn what_is_no_file_is_not_touched() {
        let (dir, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (mut tally, target) = (Tally::new(dir.path()), elsewhere.path().join("target"));
        for name in [NAME, SHOWN] {
            nix::unistd::mkfifo(&dir.path().join(name), nix::sys::stat::Mode::S_IRWXU).unwrap();
        }
        assert!(tally.add(&entry("a.c")).is_err() && tally.set_shown(SystemTime::now()).is_err());
        assert_eq!(tally.shown(), SystemTime::UNIX_EPOCH);
        assert!(tally.read().is_err());
        for (name, target) in
            [(NAME, target.as_path()), (SHOWN, target.as_path()), (OLD, Path::new("/dev/zero"))]
        {
            let _ = fs::remove_file(dir.path().join(name));
            std::os::unix::fs::symlink(target, dir.path().join(name)).unwrap();
        }
        assert!(tally.add(&entry("a.c")).is_err() && tally.set_shown(SystemTime::now()).is_err());
        assert!(Tally::new(dir.path()).read().is_err() && !target.exists());
        fs::remove_file(dir.path().join(SHOWN)).unwrap();
        std::os::unix::fs::symlink("/dev/zero", dir.path().join(SHOWN)).unwrap();
        assert_eq!(tally.shown(), SystemTime::UNIX_EPOCH);
    }

    #[test]
    fn many_add_at_once() {
        let dir = tempfile::tempdir().unwrap();
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..250).for_each(|_| Tally::new(dir.path()).add(&entry("a.c")).unwrap()));
            }
        });
        assert_eq!(Tally::new(dir.path()).read().unwrap().len(), 1000);
        assert_eq!(fs::metadata(dir.path().join(NAME)).unwrap().len(), 1000 * SIZE as u64);
    }

    #[test]
    fn how_far_it_was_shown() {
        let dir = tempfile::tempdir().unwrap();
        let tally = Tally::new(dir.path());
        assert_eq!(tally.shown(), SystemTime::UNIX_EPOCH);
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_123);
        tally.set_shown(now).unwrap();
        assert_eq!(tally.shown(), now);
        fs::write(dir.path().join(SHOWN), "99999999999999999999").unwrap();
        assert_eq!(tally.shown(), SystemTime::UNIX_EPOCH);
    }

    #[test]
    fn a_missing_distcc_dir_is_not_made() {
        let dir = tempfile::tempdir().unwrap();
        assert!(Tally::new(&dir.path().join("none")).add(&entry("a.c")).is_err());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
