//! Datagrams to a socket that a log's reader has bound, connecting again when that was restarted. Knows nothing of what
//! they say.

use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// A connection to a log socket, made at the first line.
#[derive(Debug)]
pub(crate) struct Socket {
    path: PathBuf,
    open: Mutex<Option<UnixDatagram>>,
}

impl Socket {
    pub(crate) fn at(path: impl Into<PathBuf>) -> Socket {
        Socket { path: path.into(), open: Mutex::new(None) }
    }

    /// Sends one datagram; never blocks.
    ///
    /// # Errors
    /// `WouldBlock` while the reader's queue is full; anything else means that nobody reads.
    pub(crate) fn send(&self, datagram: &[u8]) -> io::Result<()> {
        let mut socket = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = socket.as_ref() {
            match open.send(datagram) {
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(error),
                Err(_) => *socket = None,
            }
        }
        let fresh = self.connect()?;
        fresh.send(datagram)?;
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

    #[test]
    fn datagrams_arrive_before_and_after_the_reader_restarts() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let socket = Socket::at(&path);
        assert!(socket.send(b"nobody reads").is_err());
        for line in ["first", "second"] {
            let reader = UnixDatagram::bind(&path).unwrap();
            socket.send(line.as_bytes()).unwrap();
            let mut buffer = [0; 100];
            let length = reader.recv(&mut buffer).unwrap();
            assert_eq!(&buffer[..length], line.as_bytes());
            drop(reader);
            fs::remove_file(&path).unwrap();
        }
        assert!(socket.send(b"nobody reads").is_err());
    }

    #[test]
    fn a_reader_that_sleeps_blocks_nobody() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let _reader = UnixDatagram::bind(&path).unwrap();
        let socket = Socket::at(&path);
        assert!((0..100_000).any(|_| socket.send(b"flood").is_err()));
    }
}
