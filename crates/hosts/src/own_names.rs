//! Hosts that put names of their own directories into what they compile: one file each in the lock directory. Knows nothing
//! of how that was found out.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use crate::host::Host;
use crate::lock_file;
use crate::slot::LockDir;

/// So long it counts: another daemon may be started on the host at any time.
const COUNTS: Duration = Duration::from_secs(600);

/// What is known of all hosts.
#[derive(Debug)]
pub struct OwnNames {
    locks: LockDir,
}

impl OwnNames {
    /// As all clients that share `locks` know it.
    #[must_use]
    pub fn new(locks: &LockDir) -> OwnNames {
        OwnNames { locks: locks.clone() }
    }

    /// The host has done it. Where the file cannot be written, nobody remembers.
    pub fn remember(&self, host: &Host) {
        let _ = lock_file::open(&self.file(host)).and_then(|mut file| file.write_all(b"x"));
    }

    /// Whether the host has done it within the last ten minutes.
    #[must_use]
    pub fn are_known_of(&self, host: &Host) -> bool {
        let written = fs::symlink_metadata(self.file(host)).and_then(|file| file.modified());
        // A file server's clock may be ahead.
        written.is_ok_and(|written| written.elapsed().unwrap_or_default() < COUNTS)
    }

    fn file(&self, host: &Host) -> PathBuf {
        self.locks.file(&format!("own_names_{}", host.lock_stem()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec;
    use std::fs::File;
    use std::time::SystemTime;

    #[test]
    fn a_host_is_remembered_for_a_while() {
        let dir = tempfile::tempdir().unwrap();
        let names = OwnNames::new(&LockDir::open(dir.path()).unwrap());
        let [red, blue] = ["red:99,lzo,cpp", "blue"].map(|spec| spec::parse(spec).unwrap());
        assert!(!names.are_known_of(&red));
        names.remember(&red);
        assert!(names.are_known_of(&red) && !names.are_known_of(&blue));
        let file = File::options().write(true).open(dir.path().join("lock/own_names_tcp_red_99")).unwrap();
        file.set_modified(SystemTime::now() - COUNTS).unwrap();
        assert!(!names.are_known_of(&red));
        names.remember(&red);
        assert!(names.are_known_of(&red));
    }
}
