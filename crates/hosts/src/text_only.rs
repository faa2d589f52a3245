//! Hosts that take sources with their headers and had better get preprocessed text for a while: one file each in the lock
//! directory. Knows nothing of why.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use crate::host::Host;
use crate::lock_file;
use crate::slot::LockDir;

/// So long it counts: another daemon may be started on the host at any time, or a header be installed there.
const COUNTS: Duration = Duration::from_secs(600);

/// All of them.
#[derive(Debug)]
pub struct TextOnly {
    locks: LockDir,
}

impl TextOnly {
    /// As all clients that share `locks` know it.
    #[must_use]
    pub fn new(locks: &LockDir) -> TextOnly {
        TextOnly { locks: locks.clone() }
    }

    /// The host is one from now on. Where the file cannot be written, nobody remembers.
    pub fn add(&self, host: &Host) {
        let _ = lock_file::open(&self.file(host)).and_then(|mut file| file.write_all(b"x"));
    }

    /// Whether the host has become one within the last ten minutes.
    #[must_use]
    pub fn has(&self, host: &Host) -> bool {
        let written = fs::symlink_metadata(self.file(host)).and_then(|file| file.modified());
        // A file server's clock may be ahead.
        written.is_ok_and(|written| written.elapsed().unwrap_or_default() < COUNTS)
    }

    fn file(&self, host: &Host) -> PathBuf {
        self.locks.file(&format!("text_only_{}", host.lock_stem()))
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
        let hosts = TextOnly::new(&LockDir::open(dir.path()).unwrap());
        let [red, blue] = ["red:99,lzo,cpp", "blue"].map(|spec| spec::parse(spec).unwrap());
        assert!(!hosts.has(&red));
        hosts.add(&red);
        assert!(hosts.has(&red) && !hosts.has(&blue));
        let file = File::options().write(true).open(dir.path().join("lock/text_only_tcp_red_99")).unwrap();
        file.set_modified(SystemTime::now() - COUNTS).unwrap();
        assert!(!hosts.has(&red));
        hosts.add(&red);
        assert!(hosts.has(&red));
    }
}
