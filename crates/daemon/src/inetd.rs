//! One client at stdin and stdout, connected by inetd, systemd or ssh. Knows nothing of what a job is.

use std::fs::File;
use std::io;
use std::net;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileTypeExt;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::net::unix::pipe;
use tokio::select;

use crate::access::Peer;
use crate::ending;
use crate::job;
use crate::server::Server;
use crate::signals::{End, Signals, Wish};

/// distcc's exit code for a client that is not let in, and for a connection that does not work.
const ACCESS_DENIED: u8 = 113;
const IO_ERROR: u8 = 107;

/// Whether this descriptor is a socket, as stdin is when a client is connected to it.
pub(crate) fn is_socket(fd: BorrowedFd) -> bool {
    kind(fd).is_ok_and(|kind| kind.is_socket())
}

/// Serves the one client. Told to end by SIGTERM, its compiler may go on for as long as `drain` says.
pub(crate) async fn serve(server: &Arc<Server>, signals: &mut Signals, drain: Option<Duration>) -> End {
    let log = server.log();
    let (peer, from, to) = match connection() {
        Ok(connection) => connection,
        Err(error) => {
            log.error(format_args!("stdin and stdout are not connected to a client: {error}"));
            return End::Code(IO_ERROR);
        }
    };
    if let Err(reason) = server.access.admit(peer) {
        server.journal.log_about(peer).error(format_args!("connection from client '{peer}' {reason}"));
        return End::Code(ACCESS_DENIED);
    }
    let job = job::serve(server, peer, from, to);
    tokio::pin!(job);
    let end = loop {
        select! {
            code = &mut job => break End::Code(code),
            wish = signals.next() => match wish {
                Wish::Reload => server.reload(),
                Wish::End(signal) => {
                    ending::end(&mut job, signal, server, signals, drain).await;
                    break End::Signal(signal);
                }
            },
        }
    };
    server.strays.kill_all().await;
    end
}

type Reader = Box<dyn AsyncRead + Unpin>;
type Writer = Box<dyn AsyncWrite + Unpin>;

fn connection() -> io::Result<(Peer, Reader, Writer)> {
    let stdin = io::stdin().as_fd().try_clone_to_owned()?;
    let stdout = io::stdout().as_fd().try_clone_to_owned()?;
    let to: Writer = if is_socket(stdout.as_fd()) {
        Box::new(stream(stdout)?)
    } else {
        Box::new(pipe::Sender::from_owned_fd(stdout)?)
    };
    if is_socket(stdin.as_fd()) {
        let from = stream(stdin)?;
        let peer = from.peer_addr().map_or(Peer::LocalSocket, Peer::Network);
        return Ok((peer, Box::new(from), to));
    }
    Ok((Peer::Pipe, Box::new(pipe::Receiver::from_owned_fd(stdin)?), to))
}

/// Any stream socket: bytes come and go through a local one in the same way as through TCP.
fn stream(fd: OwnedFd) -> io::Result<TcpStream> {
    let stream = net::TcpStream::from(fd);
    stream.set_nonblocking(true)?;
    TcpStream::from_std(stream)
}

fn kind(fd: BorrowedFd) -> io::Result<std::fs::FileType> {
    Ok(File::from(fd.try_clone_to_owned()?).metadata()?.file_type())
}
