//! Hosts that failed are left alone for a while: one file each in the lock directory. Knows nothing of why they failed.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use crate::host::Host;
use crate::lock_file::{self, Bytes};
use crate::slot::LockDir;

/// The benches of all hosts. A host sits out until its file, which distcc 3.4 shares, is as old as the period; then one
/// client alone may try it, and only its success brings the others back.
#[derive(Debug)]
pub struct Backoff {
    locks: LockDir,
    period: Duration,
}

/// How far a host can be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    Good,
    /// Its bench time is over; whoever wins [`Backoff::claim`] may try it.
    Due,
    /// It sits out for so long.
    Benched(Duration),
}

impl Backoff {
    /// A period of 0 (DISTCC_BACKOFF_PERIOD) switches all of this off.
    #[must_use]
    pub fn new(locks: &LockDir, period: Duration) -> Backoff {
        Backoff { locks: locks.clone(), period }
    }

    /// Whether the host sits out.
    #[must_use]
    pub fn is_benched(&self, host: &Host) -> bool {
        matches!(self.standing(host), Standing::Benched(_))
    }

    /// The host failed: nobody tries it for a period. Where the file cannot be written, it stays in use.
    pub fn bench(&self, host: &Host) {
        if !self.period.is_zero() {
            let _ = lock_file::open(&self.file(host)).and_then(|file| mark(&file));
        }
    }

    /// The host did its work: all may use it.
    pub fn pardon(&self, host: &Host) {
        if !self.period.is_zero() {
            // Mostly there is none.
            let _ = fs::remove_file(self.file(host));
        }
    }

    pub(crate) fn standing(&self, host: &Host) -> Standing {
        if self.period.is_zero() {
            return Standing::Good;
        }
        match fs::metadata(self.file(host)).and_then(|file| file.modified()) {
            Ok(benched) => standing(benched, SystemTime::now(), self.period),
            Err(_) => Standing::Good,
        }
    }

    /// For a host that is due: true for one caller alone, who then must try it; to the others it is benched anew.
    pub(crate) fn claim(&self, host: &Host) -> bool {
        // An error: pardoned meanwhile, or another user's file; then no bench of ours keeps anybody away.
        self.try_claim(host).unwrap_or(true)
    }

    fn try_claim(&self, host: &Host) -> io::Result<bool> {
        let file = File::options().write(true).custom_flags(lock_file::CAREFULLY).open(self.file(host))?;
        if !lock_file::try_lock(&file, Bytes::All)? {
            return Ok(false);
        }
        // Looked at again under the lock: another may have won and let go since.
        let benched = file.metadata()?.modified()?;
        if standing(benched, SystemTime::now(), self.period) != Standing::Due {
            return Ok(false);
        }
        mark(&file)?;
        Ok(true)
    }

    fn file(&self, host: &Host) -> PathBuf {
        self.locks.file(&format!("backoff_{}_0", host.lock_stem()))
    }
}

/// Makes the file's time now; by writing, because setting the time itself is for its owner only.
fn mark(mut file: &File) -> io::Result<()> {
    file.write_all(b"x")
}

fn standing(benched: SystemTime, now: SystemTime, period: Duration) -> Standing {
    match now.duration_since(benched) {
        Ok(age) if age < period => Standing::Benched(period - age),
        Ok(_) => Standing::Due,
        // A file server's clock may be ahead; one that is ahead by more tells nothing.
        Err(ahead) if ahead.duration() < period => Standing::Benched(period.saturating_add(ahead.duration())),
        Err(_) => Standing::Due,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec;

    const PERIOD: Duration = Duration::from_secs(60);

    #[track_caller]
    fn check(age_in_seconds: i64, expected: Standing) {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let benched = SystemTime::UNIX_EPOCH + Duration::from_secs((1_000_000 - age_in_seconds) as u64);
        assert_eq!(standing(benched, now, PERIOD), expected, "{age_in_seconds}");
    }

    #[test]
    fn standing_by_age() {
        check(0, Standing::Benched(PERIOD));
        check(1, Standing::Benched(Duration::from_secs(59)));
        check(59, Standing::Benched(Duration::from_secs(1)));
        check(60, Standing::Due);
        check(1000, Standing::Due);
        check(-1, Standing::Benched(Duration::from_secs(61)));
        check(-60, Standing::Due);
        check(-1000, Standing::Due);
    }

    fn bench(period: Duration) -> (tempfile::TempDir, Backoff, Host) {
        let dir = tempfile::tempdir().unwrap();
        let backoff = Backoff::new(&LockDir::open(dir.path()).unwrap(), period);
        (dir, backoff, spec::parse("red:99/5,lzo").unwrap())
    }

    fn age(dir: &tempfile::TempDir, by: Duration) {
        let file = File::options().write(true).open(dir.path().join("lock/backoff_tcp_red_99_0")).unwrap();
        file.set_modified(SystemTime::now() - by).unwrap();
    }

    #[test]
    fn a_host_is_benched_and_pardoned() {
        let (dir, backoff, red) = bench(PERIOD);
        assert!(!backoff.is_benched(&red));
        backoff.bench(&red);
        assert!(backoff.is_benched(&red));
        assert_eq!(fs::read_to_string(dir.path().join("lock/backoff_tcp_red_99_0")).unwrap(), "x");
        backoff.pardon(&red);
        assert!(!backoff.is_benched(&red));
    }

    #[test]
    fn a_host_that_is_due_is_tried_by_one() {
        let (dir, backoff, red) = bench(PERIOD);
        backoff.bench(&red);
        assert!(!backoff.claim(&red));
        age(&dir, PERIOD);
        assert_eq!(backoff.standing(&red), Standing::Due);
        assert!(!backoff.is_benched(&red));
        assert!(backoff.claim(&red));
        assert!(!backoff.claim(&red));
        assert!(backoff.is_benched(&red));
        backoff.pardon(&red);
        assert!(backoff.claim(&red));
    }

    #[test]
    fn a_period_of_zero_benches_nobody() {
        let (dir, backoff, red) = bench(Duration::ZERO);
        backoff.bench(&red);
        assert!(!backoff.is_benched(&red));
        assert_eq!(fs::read_dir(dir.path().join("lock")).unwrap().count(), 0);
    }

    #[test]
    fn what_another_user_put_there_is_left_alone() {
        let (dir, backoff, red) = bench(PERIOD);
        let (path, elsewhere) = (dir.path().join("lock/backoff_tcp_red_99_0"), dir.path().join("elsewhere"));
        fs::write(&elsewhere, "precious").unwrap();
        std::os::unix::fs::symlink(&elsewhere, &path).unwrap();
        backoff.bench(&red);
        assert!(lock_file::open(&path).is_err());
        assert_eq!(fs::read(&elsewhere).unwrap(), b"precious");
        fs::remove_file(&path).unwrap();
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        backoff.bench(&red);
        assert!(lock_file::open(&path).is_err() && backoff.claim(&red));
    }
}
