//! Where lines go, and writing one there. Knows nothing of levels beyond passing them on.

use std::ffi::OsStr;
use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process;

use crate::system::{Record, System};
use crate::{Field, Level, line};

/// Where a program's lines go.
#[derive(Debug)]
pub enum Sink {
    /// Standard error.
    Stderr,
    /// An open file, best opened with [`Sink::append`].
    File(File),
    /// A descriptor that someone passed to this process, best taken with [`Sink::inherited`].
    Fd(OwnedFd),
    /// The system's log, facility daemon: the journal where there is one, else `/dev/log`.
    Syslog,
    /// The journal, which reads our stderr, too; best found with [`Sink::stderr`].
    Journal,
}

impl Sink {
    /// Standard error, or the journal itself where `JOURNAL_STREAM` (systemd.exec(5)) says that it reads that: records
    /// tell it more than lines.
    #[must_use]
    pub fn stderr(journal_stream: Option<&OsStr>) -> Sink {
        let stream = journal_stream.and_then(OsStr::to_str);
        if stream.is_some_and(|stream| is_file(io::stderr(), stream)) { Sink::Journal } else { Sink::Stderr }
    }

    /// A file that grows at its end, made (0666 & ~umask) when missing, as DISTCC_LOG and `--log-file` name it.
    ///
    /// # Errors
    /// The file cannot be opened or made.
    pub fn append(path: &Path) -> io::Result<Sink> {
        File::options().append(true).create(true).open(path).map(Sink::File)
    }

    /// The descriptor with this number, as UNCACHED_ERR_FD names it. Children do not inherit our copy.
    ///
    /// # Errors
    /// No such descriptor is open.
    pub fn inherited(number: RawFd) -> io::Result<Sink> {
        if number < 0 {
            return Err(io::Error::from(io::ErrorKind::InvalidInput));
        }
        duplicate(number).map(Sink::Fd)
    }
}

/// Whether a descriptor's file has this `DEVICE:INODE`.
fn is_file(descriptor: impl AsFd, identity: &str) -> bool {
    let file = descriptor.as_fd().try_clone_to_owned().map(File::from);
    let found = file.and_then(|file| file.metadata());
    found.is_ok_and(|found| format!("{}:{}", found.dev(), found.ino()) == identity)
}

#[allow(unsafe_code, reason = "a descriptor named by number in the environment has no owner in Rust")]
fn duplicate(number: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: the number is not -1, the borrow ends with this call, and the kernel refuses a closed descriptor.
    unsafe { BorrowedFd::borrow_raw(number) }.try_clone_to_owned()
}

/// A sink made ready to be written through a shared reference.
#[derive(Debug)]
pub(crate) enum Target {
    Stderr,
    File(File),
    System(System),
}

impl From<Sink> for Target {
    fn from(sink: Sink) -> Target {
        match sink {
            Sink::Stderr => Target::Stderr,
            Sink::File(file) => Target::File(file),
            Sink::Fd(fd) => Target::File(File::from(fd)),
            Sink::Syslog => Target::System(System::log()),
            Sink::Journal => Target::System(System::behind_stderr()),
        }
    }
}

impl Target {
    pub(crate) fn write(
        &self,
        program: &'static str,
        level: Level,
        about: &[(Field, Vec<u8>)],
        message: fmt::Arguments,
    ) {
        // Asked anew each time: a daemon forks after its log was made.
        let pid = process::id();
        let message = &line::one_line(level, message);
        // A log that cannot be written must not fail the work it tells of.
        let _ = match self {
            Target::Stderr => io::stderr().write_all(line::for_stream(program, pid, message).as_bytes()),
            Target::File(file) => {
                let mut file: &File = file;
                file.write_all(line::for_stream(program, pid, message).as_bytes())
            }
            Target::System(system) => system.write(&Record { program, pid, level, message, about }),
        };
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::fd::AsRawFd;

    use super::*;
    use crate::Log;

    fn lines_of(sink: Sink, path: &Path) -> String {
        let log = Log::new("distcc", sink, Level::Info);
        log.error(format_args!("no {}", "way"));
        log.info(format_args!("hello"));
        log.debug(format_args!("unseen"));
        fs::read_to_string(path).unwrap().replace(&format!("[{}]", process::id()), "[PID]")
    }

    #[test]
    fn a_file_grows_and_shows_what_passes_the_threshold() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        fs::write(&path, "before\n").unwrap();
        let text = lines_of(Sink::append(&path).unwrap(), &path);
        assert_eq!(text, "before\ndistcc[PID] ERROR: no way\ndistcc[PID] hello\n");
    }

    #[test]
    fn a_descriptor_is_named_by_its_number() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let text = lines_of(Sink::inherited(file.as_raw_fd()).unwrap(), file.path());
        assert_eq!(text, "distcc[PID] ERROR: no way\ndistcc[PID] hello\n");
        for closed in [-1, -5, 1_000_000] {
            assert!(Sink::inherited(closed).is_err(), "{closed}");
        }
    }

    #[test]
    fn a_stream_of_the_journal_is_known_by_device_and_inode() {
        let file = tempfile::tempfile().unwrap();
        let found = file.metadata().unwrap();
        let identity = format!("{}:{}", found.dev(), found.ino());
        assert!(is_file(&file, &identity));
        for other in ["", "0:0", &format!("{identity}1"), &identity[1..]] {
            assert!(!is_file(&file, other), "{other}");
        }
        assert!(matches!(Sink::stderr(None), Sink::Stderr));
        assert!(matches!(Sink::stderr(Some(OsStr::new("0:0"))), Sink::Stderr));
    }

    #[test]
    fn a_full_disk_fails_nothing() {
        let full = File::options().write(true).open("/dev/full").unwrap();
        Log::new("distcc", Sink::File(full), Level::Debug).error(format_args!("lost"));
    }
}
