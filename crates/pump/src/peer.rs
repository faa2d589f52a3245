//! A client at the other end of a connection: bytes both ways and descriptors from it, with no wait without end. Knows
//! nothing of what is said.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::geteuid;
use rustix::io::retry_on_intr;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendFlags, recvmsg, sendmsg,
    sockopt::socket_peercred,
};

/// How long a client may let us wait that is in the midst of saying something, or has no room for what we say.
const PATIENCE: Duration = Duration::from_secs(10);

/// So many descriptors are taken at a time; the kernel closes the rest.
const DESCRIPTORS: usize = 4;

/// A connected client of our own user.
#[derive(Debug)]
pub(crate) struct Peer {
    socket: UnixStream,
    lent: Vec<OwnedFd>,
}

/// How a wait for something other than this client's words ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waited {
    /// What was waited for is there.
    Ready,
    /// The time has passed.
    TimedOut,
    /// The client has closed its end.
    Gone,
}

impl Peer {
    /// Takes a connection, if its other end belongs to our user.
    ///
    /// # Errors
    /// Of somebody else `PermissionDenied`.
    pub(crate) fn admit(socket: UnixStream) -> io::Result<Peer> {
        if socket_peercred(&socket)?.uid.as_raw() != geteuid().as_raw() {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        socket.set_nonblocking(true)?;
        Ok(Peer { socket, lent: Vec::new() })
    }

    /// Waits for bytes, no longer than `patience` (of ours if none is given), and keeps the descriptors that come with
    /// them; 0: the client has closed.
    ///
    /// # Errors
    /// `TimedOut`, and what the kernel says.
    pub(crate) fn hear(&mut self, room: &mut [u8], patience: Option<Duration>) -> io::Result<usize> {
        let deadline = Instant::now() + patience.unwrap_or(PATIENCE);
        loop {
            match self.take(room) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    wait(&mut [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)], deadline)?;
                }
                taken => return taken,
            }
        }
    }

    fn take(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
        let received =
            retry_on_intr(|| recvmsg(&self.socket, &mut [IoSliceMut::new(room)], &mut control, flags))?;
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(descriptors) = message {
                self.lent.extend(descriptors);
            }
        }
        // Nobody has use for more, and they must not pile up.
        self.lent.truncate(DESCRIPTORS);
        Ok(received.bytes)
    }

    /// The descriptor that came since the last call, if it was exactly one; what came otherwise is closed.
    pub(crate) fn lent(&mut self) -> Option<OwnedFd> {
        let mut lent = std::mem::take(&mut self.lent);
        (lent.len() == 1).then(|| lent.remove(0))
    }

    /// Says all of it.
    ///
    /// # Errors
    /// `TimedOut`, and what the kernel says, `BrokenPipe` for one.
    pub(crate) fn say(&self, mut words: &[u8]) -> io::Result<()> {
        while !words.is_empty() {
            match send(self.socket.as_fd(), &[IoSlice::new(words)]) {
                Ok(sent) => words = &words[sent..],
                Err(Errno::EAGAIN) => {
                    let mut room = [PollFd::new(self.socket.as_fd(), PollFlags::POLLOUT)];
                    wait(&mut room, Instant::now() + PATIENCE)?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Waits until `other` takes bytes, or this client has gone.
    ///
    /// # Errors
    /// What the kernel says.
    pub(crate) fn wait_for(&self, other: BorrowedFd<'_>, deadline: Instant) -> io::Result<Waited> {
        // That its end is closed is told without being asked for; what it says meanwhile can wait.
        let mut polled =
            [PollFd::new(self.socket.as_fd(), PollFlags::empty()), PollFd::new(other, PollFlags::POLLOUT)];
        match wait(&mut polled, deadline) {
            Ok(()) if polled[0].any() == Some(true) => Ok(Waited::Gone),
            Ok(()) => Ok(Waited::Ready),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => Ok(Waited::TimedOut),
            Err(error) => Err(error),
        }
    }
}

/// Sends what there is room for, whether the socket's user wants to wait or not; a closed one is an error, not a signal.
///
/// # Errors
/// `EAGAIN`: there is no room now.
pub(crate) fn send(socket: BorrowedFd<'_>, parts: &[IoSlice]) -> Result<usize, Errno> {
    let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
    let sent = retry_on_intr(|| sendmsg(socket, parts, &mut SendAncillaryBuffer::default(), flags));
    sent.map_err(|error| Errno::from_raw(error.raw_os_error()))
}

/// Waits until one of them is ready.
fn wait(polled: &mut [PollFd], deadline: Instant) -> io::Result<()> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        // Rounded up, or the last millisecond would be spent spinning.
        let timeout = PollTimeout::try_from(left + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX);
        match poll(polled, timeout) {
            Err(Errno::EINTR) => {}
            Ok(0) if Instant::now() >= deadline => return Err(io::ErrorKind::TimedOut.into()),
            Ok(0) => {}
            Ok(_) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::fd::AsRawFd;

    use nix::sys::socket::{ControlMessage, MsgFlags};

    const SOON: Duration = Duration::from_millis(30);

    fn pair() -> (Peer, UnixStream) {
        let (ours, its) = UnixStream::pair().unwrap();
        (Peer::admit(ours).unwrap(), its)
    }

    fn lend(client: &UnixStream, word: &[u8], count: usize) {
        let descriptors = vec![client.as_raw_fd(); count];
        let control = [ControlMessage::ScmRights(&descriptors)];
        let words = [IoSlice::new(word)];
        nix::sys::socket::sendmsg::<()>(client.as_raw_fd(), &words, &control, MsgFlags::empty(), None)
            .unwrap();
    }

    #[test]
    fn words_and_waits() {
        let (mut peer, mut client) = pair();
        let mut room = [0; 9];
        assert_eq!(peer.hear(&mut room, Some(SOON)).unwrap_err().kind(), io::ErrorKind::TimedOut);
        client.write_all(b"word").unwrap();
        assert_eq!(peer.hear(&mut room, None).unwrap(), 4);
        assert!(peer.lent().is_none());
        drop(client);
        assert_eq!(peer.hear(&mut room, None).unwrap(), 0);
        assert_eq!(peer.say(b"x").unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }

    #[test]
    fn one_descriptor_is_lent_at_a_time() {
        let (mut peer, client) = pair();
        let mut room = [0; 9];
        for (count, expected) in [(1, true), (2, false), (9, false), (1, true)] {
            lend(&client, b"x", count);
            peer.hear(&mut room, None).unwrap();
            assert_eq!(peer.lent().is_some(), expected, "{count}");
            assert!(peer.lent().is_none());
        }
    }

    #[test]
    fn waiting_for_another_ends_when_the_client_goes() {
        let (peer, mut client) = pair();
        let (full, _reader) = UnixStream::pair().unwrap();
        let soon = || Instant::now() + SOON;
        assert_eq!(peer.wait_for(full.as_fd(), soon()).unwrap(), Waited::Ready);
        while send(full.as_fd(), &[IoSlice::new(&[0; 4096])]).is_ok() {}
        client.write_all(b"said too early").unwrap();
        assert_eq!(peer.wait_for(full.as_fd(), soon()).unwrap(), Waited::TimedOut);
        drop(client);
        assert_eq!(peer.wait_for(full.as_fd(), soon()).unwrap(), Waited::Gone);
    }
}
