//! A byte stream to one host in which no wait is without end. Knows nothing of what is said on it.

use crate::interrupts::{Broken, Interrupts};
use crate::ssh::Ssh;
use nix::errno::Errno;
use nix::poll::PollFlags;
use nix::sys::sendfile::sendfile;
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrStorage, connect, getsockopt, setsockopt, socket, sockopt,
};
use std::fs::File;
use std::io::{self, IoSlice, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream, ToSocketAddrs};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

/// How long a connection may take to come about, for each address of a host.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(4);

/// A silent host is asked after 15 s whether it is there, and given up 15 s later: a machine that was switched off
/// sends no word, and the time for compiling is much longer than the time for that.
const KEEPALIVE: (u32, u32, u32) = (15, 5, 3);

/// A stream to one host.
#[derive(Debug)]
pub(crate) struct Connection<'a> {
    // Dropped first, so that ssh sees its end before it is ended.
    stream: TcpStream,
    /// What the stream goes through, if not through the network.
    ssh: Option<Ssh>,
    interrupts: &'a Interrupts,
    silence: Duration,
}

/// Why there is no connection.
#[derive(Debug)]
pub(crate) enum NoConnection {
    /// The name means nothing here, or no address of it answers; a fragment for people.
    Unreachable(String),
    /// A fatal signal arrived.
    Interrupted(nix::sys::signal::Signal),
}

/// Looks up a host. Signals that end us do so at once, for the resolver cannot be interrupted otherwise.
///
/// # Errors
/// The name means nothing here.
pub(crate) fn resolve(
    name: &str,
    port: u16,
    interrupts: &Interrupts,
) -> Result<Vec<SocketAddr>, NoConnection> {
    if let Ok(address) = name.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let found = interrupts.let_through(|| (name, port).to_socket_addrs());
    found.map(Iterator::collect).map_err(|error| {
        NoConnection::Unreachable(format!("failed to resolve host {name} port {port}: {error}"))
    })
}

impl<'a> Connection<'a> {
    /// Connects to the first of `addresses` that answers.
    ///
    /// `silence` is the longest that a later read or write waits.
    ///
    /// # Errors
    /// [`NoConnection`].
    pub(crate) fn open(
        addresses: &[SocketAddr],
        silence: Duration,
        interrupts: &'a Interrupts,
    ) -> Result<Connection<'a>, NoConnection> {
        let mut last = "the host has no address".to_owned();
        for address in addresses {
            match reach(address, interrupts) {
                Ok(stream) => return Ok(Connection { stream, ssh: None, interrupts, silence }),
                Err(Broken::Interrupted(signal)) => return Err(NoConnection::Interrupted(signal)),
                Err(Broken::TimedOut) => last = format!("timeout while connecting to {address}"),
                Err(Broken::Io(error)) => last = format!("connect to {address} failed: {error}"),
            }
        }
        Err(NoConnection::Unreachable(last))
    }

    /// Talks to a daemon that ssh leads to, for the stream to which see [`Ssh::start`].
    pub(crate) fn through(
        ssh: Ssh,
        stream: OwnedFd,
        silence: Duration,
        interrupts: &'a Interrupts,
    ) -> Connection<'a> {
        // Bytes come and go through a local stream in the same way as through TCP.
        Connection { stream: TcpStream::from(stream), ssh: Some(ssh), interrupts, silence }
    }

    /// For somebody else to write into.
    pub(crate) fn stream(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }

    /// Ends what is said on it both ways, also where somebody else still has the stream.
    pub(crate) fn break_off(&self) {
        // It may be broken already.
        let _ = self.stream.shutdown(Shutdown::Both);
    }

    /// Closes the stream; the ssh that it went through is still there.
    pub(crate) fn close(self) -> Option<Ssh> {
        self.ssh
    }

    /// Writes all of `parts`, in as few calls as the kernel allows.
    ///
    /// # Errors
    /// [`Broken`].
    pub(crate) fn send(&mut self, parts: &[&[u8]]) -> Result<(), Broken> {
        let mut slices: Vec<IoSlice> = parts.iter().map(|part| IoSlice::new(part)).collect();
        let mut left = slices.as_mut_slice();
        IoSlice::advance_slices(&mut left, 0);
        while !left.is_empty() {
            match self.stream.write_vectored(left) {
                Ok(0) => return Err(Broken::Io(io::ErrorKind::WriteZero.into())),
                Ok(written) => IoSlice::advance_slices(&mut left, written),
                Err(error) => self.wait_after(error, PollFlags::POLLOUT)?,
            }
        }
        Ok(())
    }

    /// Sends the first `length` bytes of `file` without reading them into this process.
    ///
    /// # Errors
    /// [`Broken`]; a file that has become shorter is an `UnexpectedEof`.
    pub(crate) fn send_file(&mut self, file: &File, length: usize) -> Result<(), Broken> {
        let (mut offset, mut left) = (0, length);
        while left > 0 {
            match sendfile(&self.stream, file, Some(&mut offset), left) {
                Ok(0) => return Err(Broken::Io(io::ErrorKind::UnexpectedEof.into())),
                Ok(sent) => left -= sent,
                Err(error) => self.wait_after(error.into(), PollFlags::POLLOUT)?,
            }
        }
        Ok(())
    }

    /// Reads what has come, or waits for it; 0 bytes mean that the host has closed.
    ///
    /// # Errors
    /// [`Broken`].
    pub(crate) fn receive(&mut self, room: &mut [u8]) -> Result<usize, Broken> {
        loop {
            match self.stream.read(room) {
                Ok(count) => return Ok(count),
                Err(error) => self.wait_after(error, PollFlags::POLLIN)?,
            }
        }
    }

    fn wait_after(&mut self, error: io::Error, what: PollFlags) -> Result<(), Broken> {
        match error.kind() {
            io::ErrorKind::Interrupted => Ok(()),
            io::ErrorKind::WouldBlock => {
                let (stream, deadline) = (self.stream.as_fd(), Instant::now() + self.silence);
                match &mut self.ssh {
                    Some(ssh) => ssh.wait_ready(stream, what, deadline, self.interrupts),
                    None => self.interrupts.wait_ready(stream, what, deadline),
                }
            }
            _ => Err(Broken::Io(error)),
        }
    }
}

/// One address: a non-blocking connect, so that a signal can end the wait for it.
fn reach(address: &SocketAddr, interrupts: &Interrupts) -> Result<TcpStream, Broken> {
    let family = if address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    let fd = socket(family, SockType::Stream, flags, None)?;
    match connect(fd.as_raw_fd(), &SockaddrStorage::from(*address)) {
        Ok(()) => {}
        Err(Errno::EINPROGRESS) => {
            interrupts.wait_ready(fd.as_fd(), PollFlags::POLLOUT, Instant::now() + CONNECT_TIMEOUT)?;
            match getsockopt(&fd, sockopt::SocketError)? {
                0 => {}
                error => return Err(Broken::Io(io::Error::from_raw_os_error(error))),
            }
        }
        Err(error) => return Err(error.into()),
    }
    // A connection without these is still one.
    let _ = tune(&fd);
    Ok(TcpStream::from(fd))
}

fn tune(socket: &OwnedFd) -> nix::Result<()> {
    // The last piece of a request must not wait for the acknowledgement of the one before.
    setsockopt(socket, sockopt::TcpNoDelay, &true)?;
    setsockopt(socket, sockopt::KeepAlive, &true)?;
    let (idle, interval, count) = KEEPALIVE;
    setsockopt(socket, sockopt::TcpKeepIdle, &idle)?;
    setsockopt(socket, sockopt::TcpKeepInterval, &interval)?;
    setsockopt(socket, sockopt::TcpKeepCount, &count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    const SOON: Duration = Duration::from_millis(50);

    #[test]
    fn bytes_go_both_ways() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let interrupts = Interrupts::catch().unwrap();
        let address = listener.local_addr().unwrap();
        let mut connection = Connection::open(&[address], SOON, &interrupts).unwrap();
        let (mut peer, _) = listener.accept().unwrap();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"from a file").unwrap();
        connection.send(&[b"head ", b"", b"and "]).unwrap();
        connection.send_file(&file, 11).unwrap();
        let mut seen = [0; 20];
        peer.read_exact(&mut seen).unwrap();
        assert_eq!(&seen, b"head and from a file");
        peer.write_all(b"answer").unwrap();
        let mut room = [0; 6];
        assert_eq!(connection.receive(&mut room).unwrap(), 6);
        assert!(matches!(connection.receive(&mut room), Err(Broken::TimedOut)));
    }

    #[test]
    fn nobody_there_is_told_at_once() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let interrupts = Interrupts::catch().unwrap();
        let refused = Connection::open(&[address], SOON, &interrupts);
        let Err(NoConnection::Unreachable(why)) = refused else { panic!("{refused:?}") };
        assert!(why.contains("Connection refused"), "{why}");
    }

    #[test]
    fn addresses_need_no_resolver() {
        let interrupts = Interrupts::catch().unwrap();
        let check = |name: &str, expected: &str| {
            assert_eq!(resolve(name, 3632, &interrupts).unwrap(), [expected.parse().unwrap()]);
        };
        check("192.0.2.1", "192.0.2.1:3632");
        check("2001:db8::1", "[2001:db8::1]:3632");
        assert!(resolve("name.invalid.", 3632, &interrupts).is_err());
    }

    #[test]
    fn a_file_that_shrank_is_noticed() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let interrupts = Interrupts::catch().unwrap();
        let address = listener.local_addr().unwrap();
        let mut connection = Connection::open(&[address], SOON, &interrupts).unwrap();
        let result = connection.send_file(&tempfile::tempfile().unwrap(), 1);
        assert!(matches!(result, Err(Broken::Io(_))), "{result:?}");
    }
}
