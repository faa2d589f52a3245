//! What the system says of a file or directory, in which it differs from what was there before. Opens nothing.

use std::fmt;
use std::str::FromStr;

use nix::sys::stat::FileStat;

/// Changes whenever a file is written, replaced, or led to by another link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: Time,
    changed: Time,
}

/// Seconds and nanoseconds.
type Time = (i64, i64);

/// A text that is no stamp.
#[derive(Debug)]
pub(crate) struct NotAStamp;

/// In seconds. What was changed so shortly before it was read may change once more and look the same, for the clocks of file
/// systems are not exact.
const SETTLING: i64 = 2;

impl Stamp {
    pub(crate) fn of(status: &FileStat) -> Stamp {
        Stamp {
            device: status.st_dev,
            inode: status.st_ino,
            size: status.st_size.cast_unsigned(),
            modified: (status.st_mtime, status.st_mtime_nsec),
            changed: (status.st_ctime, status.st_ctime_nsec),
        }
    }

    /// Whether it would be another if the file had changed since then, in seconds since 1970.
    pub(crate) fn had_settled(&self, then: i64) -> bool {
        self.modified.0.max(self.changed.0) < then - SETTLING
    }
}

/// `DEVICE INODE SIZE MODIFIED CHANGED`
impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Stamp { device, inode, size, modified: (m, mn), changed: (c, cn) } = self;
        write!(f, "{device} {inode} {size} {m}.{mn} {c}.{cn}")
    }
}

impl FromStr for Stamp {
    type Err = NotAStamp;

    fn from_str(text: &str) -> Result<Stamp, NotAStamp> {
        decode(text).ok_or(NotAStamp)
    }
}

fn decode(text: &str) -> Option<Stamp> {
    let mut words = text.split(' ');
    let mut number = || words.next()?.parse().ok();
    let (device, inode, size) = (number()?, number()?, number()?);
    let mut time = || {
        let (seconds, rest) = words.next()?.split_once('.')?;
        Some((seconds.parse().ok()?, rest.parse().ok()?))
    };
    let (modified, changed) = (time()?, time()?);
    words.next().is_none().then_some(Stamp { device, inode, size, modified, changed })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        for (text, good) in [
            ("1 2 3 4.5 -6.7", true),
            ("1 2 3 4.5", false),
            ("1 2 3 4.5 6.7 8", false),
            ("1 2 -3 4.5 6.7", false),
            ("1 2 3 4 6.7", false),
            ("", false),
        ] {
            let found = text.parse::<Stamp>();
            assert_eq!(found.is_ok(), good, "{text}");
            assert!(found.is_ok_and(|found| found.to_string() == text) == good, "{text}");
        }
    }

    #[test]
    fn settling() {
        let check = |stamp: &str, then: i64, expected: bool| {
            assert_eq!(stamp.parse::<Stamp>().unwrap().had_settled(then), expected, "{stamp}");
        };
        check("1 1 1 0.0 100.999", 103, true);
        check("1 1 1 0.0 100.0", 102, false);
        check("1 1 1 100.0 0.0", 102, false);
        check("1 1 1 0.0 200.0", 102, false);
    }
}
