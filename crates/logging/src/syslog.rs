//! A datagram to the system's log socket, reconnecting when its reader was restarted. Knows nothing of line formats.

use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// A connection to a log socket, made at the first line.
#[derive(Debug)]
pub(crate) struct Syslog {
    path: PathBuf,
    socket: Mutex<Option<UnixDatagram>>,
}

impl Syslog {
    pub(crate) fn at(path: impl Into<PathBuf>) -> Syslog {
        Syslog { path: path.into(), socket: Mutex::new(None) }
    }

    /// Sends one datagram; never blocks: while the reader's queue is full, lines are lost.
    pub(crate) fn send(&self, line: &str) -> io::Result<()> {
        let mut socket = self.socket.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = socket.as_ref() {
            match open.send(line.as_bytes()) {
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(error),
                Err(_) => *socket = None,
            }
        }
        let fresh = self.connect()?;
        fresh.send(line.as_bytes())?;
        *socket = Some(fresh);
        Ok(())
    }

    fn connect(&self) -> io::Result<UnixDatagram> {
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        socket.connect(&self.path)?;
        Ok(socket)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn receive(reader: &UnixDatagram) -> String {
        let mut buffer = [0; 100];
        let length = reader.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    }

    #[test]
    fn lines_arrive_before_and_after_the_reader_restarts() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let syslog = Syslog::at(&path);
        assert!(syslog.send("nobody reads").is_err());
        for line in ["first", "second"] {
            let reader = UnixDatagram::bind(&path).unwrap();
            syslog.send(line).unwrap();
            assert_eq!(receive(&reader), line);
            drop(reader);
            fs::remove_file(&path).unwrap();
        }
        assert!(syslog.send("nobody reads").is_err());
    }

    #[test]
    fn a_reader_that_sleeps_blocks_nobody() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let _reader = UnixDatagram::bind(&path).unwrap();
        let syslog = Syslog::at(&path);
        assert!((0..100_000).any(|_| syslog.send("flood").is_err()));
    }
}
