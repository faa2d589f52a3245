//! The machine's log: the journal where there is one, else syslog. Knows nothing of who writes.

use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::socket::Socket;
use crate::{Field, Level, journal, line};

/// Where systemd-journald(8) listens for records with fields.
const JOURNAL: &str = "/run/systemd/journal/socket";

/// One message to write.
pub(crate) struct Record<'a> {
    pub(crate) program: &'static str,
    pub(crate) pid: u32,
    pub(crate) level: Level,
    /// One line, with the prefix of its level.
    pub(crate) message: &'a str,
    pub(crate) about: &'a [(Field, Vec<u8>)],
}

/// A way to the machine's log.
#[derive(Debug)]
pub(crate) struct System {
    journal: Socket,
    otherwise: Otherwise,
    /// How many lines were dropped since one last arrived.
    lost: AtomicU64,
}

/// Where lines go when there is no journal.
#[derive(Debug)]
enum Otherwise {
    Syslog(Socket),
    Stderr,
}

impl System {
    /// The log that syslog(3) writes to.
    pub(crate) fn log() -> System {
        System::at(JOURNAL, Otherwise::Syslog(Socket::at("/dev/log")))
    }

    /// The journal that stderr leads to.
    pub(crate) fn behind_stderr() -> System {
        System::at(JOURNAL, Otherwise::Stderr)
    }

    fn at(journal: impl Into<PathBuf>, otherwise: Otherwise) -> System {
        System { journal: Socket::at(journal), otherwise, lost: AtomicU64::new(0) }
    }

    /// Sends one record; never waits for a socket: what finds its reader busy or away is lost, and counted.
    ///
    /// # Errors
    /// The record was lost.
    pub(crate) fn write(&self, record: &Record) -> io::Result<()> {
        if let Err(error) = self.send(record) {
            self.lost.fetch_add(1, Ordering::Relaxed);
            return Err(error);
        }
        let lost = self.lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            let message = format!("{lost} lines of this log were lost: its reader was busy or away");
            let told = Record { level: Level::Warning, message: &message, about: &[], ..*record };
            if self.send(&told).is_err() {
                self.lost.fetch_add(lost, Ordering::Relaxed);
            }
        }
        Ok(())
    }

    fn send(&self, record: &Record) -> io::Result<()> {
        let Record { program, pid, level, message, about } = *record;
        match self.journal.send(&journal::datagram(program, level, message, about)) {
            Ok(()) => return Ok(()),
            Err(busy) if busy.kind() == ErrorKind::WouldBlock => return Err(busy),
            Err(_) => {}
        }
        match &self.otherwise {
            Otherwise::Syslog(socket) => {
                socket.send(line::for_syslog(program, pid, level, message).as_bytes())
            }
            Otherwise::Stderr => io::stderr().write_all(line::for_stream(program, pid, message).as_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::net::UnixDatagram;

    use super::*;

    struct Readers {
        directory: tempfile::TempDir,
        system: System,
    }

    impl Readers {
        fn none() -> Readers {
            let directory = tempfile::tempdir().unwrap();
            let syslog = Otherwise::Syslog(Socket::at(directory.path().join("log")));
            let system = System::at(directory.path().join("journal"), syslog);
            Readers { directory, system }
        }

        /// Non-blocking: what has not arrived when the writer returns never will.
        fn bind(&self, name: &str) -> UnixDatagram {
            let path = self.directory.path().join(name);
            let _ = fs::remove_file(&path);
            let reader = UnixDatagram::bind(path).unwrap();
            reader.set_nonblocking(true).unwrap();
            reader
        }

        fn write(&self, message: &str) -> bool {
            let about = &[(Field::Client, b"10.0.0.7".to_vec())];
            let record = Record { program: "distccd", pid: 7, level: Level::Notice, message, about };
            self.system.write(&record).is_ok()
        }
    }

    fn next(reader: &UnixDatagram) -> Option<String> {
        let mut buffer = [0; 5000];
        let length = reader.recv(&mut buffer).ok()?;
        Some(String::from_utf8_lossy(&buffer[..length]).into_owned())
    }

    const HEAD: &str = "PRIORITY=5\nSYSLOG_FACILITY=3\nSYSLOG_IDENTIFIER=distccd\n";

    #[test]
    fn the_journal_is_preferred_and_syslog_serves_while_it_is_away() {
        let readers = Readers::none();
        let syslog = readers.bind("log");
        let journal = readers.bind("journal");
        assert!(readers.write("one"));
        assert_eq!(next(&journal), Some(format!("{HEAD}MESSAGE=one\nDISTCC_CLIENT=10.0.0.7\n")));
        drop(journal);
        assert!(readers.write("two"));
        assert_eq!(next(&syslog).as_deref(), Some("<29>distccd[7]: two"));
        let journal = readers.bind("journal");
        assert!(readers.write("three"));
        assert!(next(&journal).is_some_and(|record| record.contains("MESSAGE=three\n")));
        assert_eq!(next(&syslog), None);
    }

    #[test]
    fn what_is_lost_is_counted_and_told_once() {
        let readers = Readers::none();
        assert!(!readers.write("lost") && !readers.write("lost too"));
        let journal = readers.bind("journal");
        assert!(readers.write("heard") && readers.write("heard too"));
        assert!(next(&journal).is_some_and(|record| record.contains("MESSAGE=heard\n")));
        let told = next(&journal).unwrap();
        assert!(told.starts_with("PRIORITY=4\n") && told.contains("MESSAGE=2 lines of this log"), "{told}");
        assert!(next(&journal).is_some_and(|record| record.contains("MESSAGE=heard too\n")));
        assert_eq!(next(&journal), None);
    }

    #[test]
    fn a_busy_journal_loses_lines_instead_of_sending_them_elsewhere() {
        let readers = Readers::none();
        let (syslog, journal) = (readers.bind("log"), readers.bind("journal"));
        let mut written = 0;
        while readers.write("flood") {
            written += 1;
        }
        assert!(!readers.write("flood"));
        assert_eq!(next(&syslog), None);
        for _ in 0..written {
            assert!(next(&journal).is_some());
        }
        assert!(readers.write("heard"));
        let last = std::iter::from_fn(|| next(&journal)).last().unwrap();
        assert!(last.contains("MESSAGE=2 lines"), "{last}");
    }
}
