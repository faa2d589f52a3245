//! A local stream to the include server in which no wait is without end. Knows nothing of what is said on it.

use crate::interrupts::{Broken, Interrupts};
use nix::errno::Errno;
use nix::poll::PollFlags;
use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
use std::io::{IoSlice, Read};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::time::Instant;

/// A connected stream that does not block.
#[derive(Debug)]
pub(super) struct Line<'i> {
    stream: UnixStream,
    interrupts: &'i Interrupts,
}

impl<'i> Line<'i> {
    /// Speaks through `stream`.
    pub(super) fn new(stream: UnixStream, interrupts: &'i Interrupts) -> Line<'i> {
        Line { stream, interrupts }
    }

    /// Says all of it.
    ///
    /// # Errors
    /// [`Broken`]; it never waits past `deadline`.
    pub(super) fn say(&mut self, words: &[u8], deadline: Instant) -> Result<(), Broken> {
        self.send(words, &[], deadline)
    }

    /// Likewise, and lends a stream with the first of the words.
    ///
    /// # Errors
    /// [`Broken`].
    pub(super) fn lend(
        &mut self,
        words: &[u8],
        lent: BorrowedFd<'_>,
        deadline: Instant,
    ) -> Result<(), Broken> {
        self.send(words, &[lent.as_raw_fd()], deadline)
    }

    /// Reads what has come, or waits for it; 0 bytes mean that the server has closed.
    ///
    /// # Errors
    /// [`Broken`]; it never waits past `deadline`.
    pub(super) fn hear(&mut self, room: &mut [u8], deadline: Instant) -> Result<usize, Broken> {
        loop {
            match self.stream.read(room) {
                Ok(count) => return Ok(count),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    self.interrupts.wait_ready(self.stream.as_fd(), PollFlags::POLLIN, deadline)?;
                }
                Err(error) => return Err(Broken::Io(error)),
            }
        }
    }

    fn send(&self, mut words: &[u8], lent: &[RawFd], deadline: Instant) -> Result<(), Broken> {
        let mut control: &[ControlMessage] = &[ControlMessage::ScmRights(lent)];
        if lent.is_empty() {
            control = &[];
        }
        while !words.is_empty() {
            let flags = MsgFlags::MSG_NOSIGNAL;
            match sendmsg::<()>(self.stream.as_raw_fd(), &[IoSlice::new(words)], control, flags, None) {
                Ok(sent) => (words, control) = (&words[sent..], &[]),
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => {
                    self.interrupts.wait_ready(self.stream.as_fd(), PollFlags::POLLOUT, deadline)?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}
