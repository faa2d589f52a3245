//! Why something could not be done, in one line: what, where, and what to do about it. Knows no caller.

use nix::errno::Errno;
use std::fmt;
use std::io;
use std::path::Path;

/// One line, lowercase, that reads after "distcc-arch: " or the like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    line: String,
    kind: io::ErrorKind,
}

const MOUNTED: &str = "it is mounted by itself and cannot be replaced: change it where it is mounted from";

/// What a person can do about an error of the system, where that is not plain from its name.
const REMEDIES: &[(Errno, &str)] = &[
    (Errno::EACCES, "run it as root"),
    (Errno::EBUSY, MOUNTED),
    (Errno::EDQUOT, "make room and run it again"),
    (Errno::ENOSPC, "make room and run it again"),
    (Errno::EXDEV, MOUNTED),
    (Errno::EPERM, "run it as root; if it is root already, look at lsattr"),
    (Errno::EROFS, "remount it writable and run it again"),
];

impl Failure {
    pub(crate) fn new(line: impl Into<String>) -> Failure {
        Failure { line: line.into(), kind: io::ErrorKind::Other }
    }

    /// "cannot {what} {path}: {why}".
    pub(crate) fn of(what: &str, path: &Path, errno: Errno) -> Failure {
        let remedy = REMEDIES.iter().find(|(known, _)| *known == errno);
        let remedy = remedy.map(|(_, remedy)| format!(" ({remedy})")).unwrap_or_default();
        let line = format!("cannot {what} {}: {}{remedy}", path.display(), errno.desc().to_lowercase());
        Failure { line, kind: io::Error::from(errno).kind() }
    }

    pub(crate) fn of_io(what: &str, path: &Path, error: &io::Error) -> Failure {
        match error.raw_os_error() {
            Some(number) => Failure::of(what, path, Errno::from_raw(number)),
            None => Failure::new(format!("cannot {what} {}: {error}", path.display())),
        }
    }

    pub(crate) fn and(mut self, more: &str) -> Failure {
        self.line.push_str("; ");
        self.line.push_str(more);
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.line)
    }
}

impl std::error::Error for Failure {}

impl From<Failure> for io::Error {
    fn from(failure: Failure) -> io::Error {
        io::Error::new(failure.kind, failure.line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(errno: Errno, expected: &str) {
        assert_eq!(Failure::of("write", Path::new("/etc/x"), errno).to_string(), expected);
    }

    #[test]
    fn says_what_where_and_what_to_do() {
        check(
            Errno::EROFS,
            "cannot write /etc/x: read-only file system (remount it writable and run it again)",
        );
        check(Errno::ENOSPC, "cannot write /etc/x: no space left on device (make room and run it again)");
        check(Errno::EIO, "cannot write /etc/x: i/o error");
    }
}
