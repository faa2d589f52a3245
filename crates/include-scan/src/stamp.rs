//! When a file or directory counts as the one that was read before. Opens nothing.

use rustix::fs::{FileType, Stat};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// File systems keep times in ticks of up to 2 s, so that a change soon after another may leave none.
const SETTLED_AFTER: Duration = Duration::from_secs(2);

/// What a change of content cannot leave as it was, once some time has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) device: u64,
    pub(crate) inode: u64,
    pub(crate) size: u64,
    modified: Nanoseconds,
    changed: Nanoseconds,
}

/// Since 1970.
type Nanoseconds = i128;

impl Stamp {
    #[allow(clippy::useless_conversion, reason = "the fields differ in width between processors")]
    pub(crate) fn of(stat: &Stat) -> Stamp {
        let time = |seconds: i64, nanoseconds: i128| Nanoseconds::from(seconds) * 1_000_000_000 + nanoseconds;
        Stamp {
            device: stat.st_dev.into(),
            inode: stat.st_ino.into(),
            size: u64::try_from(stat.st_size).unwrap_or(0),
            modified: time(stat.st_mtime, stat.st_mtime_nsec.into()),
            changed: time(stat.st_ctime, stat.st_ctime_nsec.into()),
        }
    }

    /// True when any change after `now` leaves another stamp.
    pub(crate) fn is_settled(&self, now: SystemTime) -> bool {
        let now = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos().cast_signed());
        now - self.modified.max(self.changed) >= SETTLED_AFTER.as_nanos().cast_signed()
    }
}

pub(crate) fn kind_of(stat: &Stat) -> FileType {
    FileType::from_raw_mode(stat.st_mode)
}
