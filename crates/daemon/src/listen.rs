//! The daemon's port: bound once, then one job per connection, a bounded number at a time. Knows nothing of what a job
//! is.

use std::future::{pending, poll_fn};
use std::io;
use std::net::{self, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::sockopt::{
    Ipv6V6Only, KeepAlive, ReuseAddr, SetBool, TcpKeepCount, TcpKeepIdle, TcpKeepInterval, TcpNoDelay,
};
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, SockaddrStorage, bind, listen, setsockopt, socket,
};
use tokio::net::{TcpListener, TcpStream};
use tokio::select;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::access::Peer;
use crate::ending;
use crate::job;
use crate::memory;
use crate::server::Server;
use crate::signals::{End, Signals, Wish};
use crate::sources::KEPT_FOR;

/// Connections that the kernel holds for us while we are busy.
const BACKLOG: i32 = 1024;

/// Connections that are read or answered while others compile, beyond two for each running compiler: so many that
/// those who connect and say nothing do not take the places of those who have something to compile.
const SPARE_CONNECTIONS: usize = 512;

/// Its directory, its compiler's process and output, and what is open for a moment.
const FILES_PER_JOB: usize = 8;
/// Log, port, and what tokio waits on.
const FILES_OF_THE_DAEMON: usize = 32;

/// A daemon that serves tidies up each time so long has passed.
const TIDYING: Duration = Duration::from_secs(1);

/// When there is no descriptor left for another client.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// In seconds: a client whose machine vanished is noticed after two minutes.
const KEEP_ALIVE_IDLE: u32 = 60;
const KEEP_ALIVE_INTERVAL: u32 = 20;
const KEEP_ALIVE_PROBES: u32 = 3;

#[derive(Clone, Copy)]
struct DeferAccept;
nix::setsockopt_impl!(DeferAccept, libc::IPPROTO_TCP, libc::TCP_DEFER_ACCEPT, bool, SetBool);

/// Listens on `address`, a name or an address, or on all addresses of both families.
///
/// # Errors
/// Why that is not possible, in one line.
pub(crate) fn open(address: Option<&str>, port: u16, defer_accept: bool) -> Result<net::TcpListener, String> {
    let said = |address: SocketAddr, error: io::Error| format!("bind of {address} failed: {error}");
    let Some(name) = address else {
        let both = SocketAddr::from((Ipv6Addr::UNSPECIFIED, port));
        let only_v4 = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
        return match open_at(both, defer_accept) {
            Err(error) if is_without_ipv6(&error) => {
                open_at(only_v4, defer_accept).map_err(|error| said(only_v4, error))
            }
            other => other.map_err(|error| said(both, error)),
        };
    };
    let mut found =
        (name, port).to_socket_addrs().map_err(|error| format!("cannot listen on \"{name}\": {error}"))?;
    let first = found.next().ok_or_else(|| format!("cannot listen on \"{name}\": it has no address"))?;
    open_at(first, defer_accept).map_err(|error| said(first, error))
}

/// Whether a machine fails in this way at IPv6 addresses because it has none.
pub(crate) fn is_without_ipv6(error: &io::Error) -> bool {
    [Errno::EAFNOSUPPORT, Errno::EADDRNOTAVAIL]
        .iter()
        .any(|errno| error.raw_os_error() == Some(*errno as i32))
}

fn open_at(address: SocketAddr, defer_accept: bool) -> io::Result<net::TcpListener> {
    let family = if address.is_ipv6() { AddressFamily::Inet6 } else { AddressFamily::Inet };
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let socket = socket(family, SockType::Stream, flags, None)?;
    if address.ip() == Ipv6Addr::UNSPECIFIED {
        setsockopt(&socket, Ipv6V6Only, &false)?;
    }
    setsockopt(&socket, ReuseAddr, &true)?;
    tune(&socket, defer_accept)?;
    bind(socket.as_raw_fd(), &SockaddrStorage::from(address))?;
    listen(&socket, Backlog::new(BACKLOG)?)?;
    Ok(net::TcpListener::from(socket))
}

/// Takes over a socket that a service manager listens on.
///
/// # Errors
/// Why that is not possible, in one line.
pub(crate) fn adopt(socket: net::TcpListener, defer_accept: bool) -> Result<net::TcpListener, String> {
    let adopted = socket.set_nonblocking(true).and_then(|()| tune(&socket, defer_accept));
    adopted.map(|()| socket).map_err(|error| format!("a socket that was passed cannot be used: {error}"))
}

/// What is set on a listening socket its connections inherit, which saves each of them the calls.
fn tune(socket: &impl AsFd, defer_accept: bool) -> io::Result<()> {
    setsockopt(socket, TcpNoDelay, &true)?;
    setsockopt(socket, KeepAlive, &true)?;
    setsockopt(socket, TcpKeepIdle, &KEEP_ALIVE_IDLE)?;
    setsockopt(socket, TcpKeepInterval, &KEEP_ALIVE_INTERVAL)?;
    setsockopt(socket, TcpKeepCount, &KEEP_ALIVE_PROBES)?;
    if defer_accept {
        setsockopt(socket, DeferAccept, &true)?;
    }
    Ok(())
}

/// How many files a daemon with so many jobs may have open: a socket for each connection, and what a job needs.
pub(crate) fn open_files(jobs: usize) -> u64 {
    (connections(jobs) + jobs * FILES_PER_JOB + FILES_OF_THE_DAEMON) as u64
}

/// How many clients are served at once by a daemon with so many jobs that may have so many files open.
pub(crate) fn places(jobs: usize, open_files: u64) -> usize {
    let files = usize::try_from(open_files).unwrap_or(usize::MAX).saturating_sub(FILES_OF_THE_DAEMON);
    let all_compile = files / (1 + FILES_PER_JOB);
    if all_compile < jobs {
        return all_compile.max(1);
    }
    connections(jobs).min(files - jobs * FILES_PER_JOB)
}

fn connections(jobs: usize) -> usize {
    (2 * jobs + SPARE_CONNECTIONS).min(Semaphore::MAX_PERMITS)
}

/// How many are served, and for how long nobody.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Clients that are served at once.
    pub(crate) places: usize,
    /// How long the daemon stays without a client, if not for ever.
    pub(crate) idle: Option<Duration>,
    /// How long compilers may go on after a SIGTERM, if they may.
    pub(crate) drain: Option<Duration>,
}

/// Serves whoever connects, so many at a time, until the daemon is to end; says how it does.
pub(crate) async fn serve(
    listeners: Vec<TcpListener>,
    server: &Arc<Server>,
    signals: &mut Signals,
    limits: Limits,
) -> End {
    let places = Arc::new(Semaphore::new(limits.places));
    let mut running = JoinSet::new();
    let (mut has_served, mut keeps_files) = (false, false);
    let mut last_busy = Instant::now();
    let mut tidy_at = last_busy;
    loop {
        select! {
            (client, place) = next_client(&listeners, &places, server) => {
                let server = Arc::clone(server);
                running.spawn(async move {
                    serve_client(client, &server).await;
                    drop(place);
                });
                if !has_served {
                    tidy_at = Instant::now() + TIDYING;
                }
                (has_served, keeps_files) = (true, true);
            }
            Some(_) = running.join_next() => last_busy = Instant::now(),
            () = idle_since(last_busy, limits.idle), if running.is_empty() => {
                server.log().info(format_args!("nobody came, so the service manager waits alone again"));
                server.strays.kill_all().await;
                return End::Code(0);
            }
            () = sleep_until(last_busy + KEPT_FOR), if keeps_files && running.is_empty() => {
                keeps_files = false;
                let server = Arc::clone(server);
                spawn_blocking(move || server.sources.forget());
            }
            () = sleep_until(tidy_at), if has_served => {
                tidy_at = Instant::now() + TIDYING;
                if !server.strays.kill() && running.is_empty() {
                    memory::give_back();
                    has_served = false;
                }
            }
            wish = signals.next() => match wish {
                Wish::Reload => server.reload(),
                Wish::End(signal) => {
                    drop(listeners);
                    let all = async { while running.join_next().await.is_some() {} };
                    if ending::end(all, signal, server, signals, limits.drain).await.is_none() {
                        let _ = timeout(ending::LAST_MOMENT, running.shutdown()).await;
                    }
                    server.strays.kill_all().await;
                    return End::Signal(signal);
                }
            },
        }
    }
}

/// Returns when nobody has been served since then for so long, which may be never.
async fn idle_since(then: Instant, limit: Option<Duration>) {
    match limit.and_then(|limit| then.checked_add(limit)) {
        Some(end) => sleep_until(end).await,
        None => pending().await,
    }
}

/// A client is taken only when there is a place for it; until then it waits in the kernel's queue.
async fn next_client(
    listeners: &[TcpListener],
    places: &Arc<Semaphore>,
    server: &Server,
) -> ((TcpStream, SocketAddr), OwnedSemaphorePermit) {
    let place = Arc::clone(places).acquire_owned().await.expect("the semaphore is never closed");
    loop {
        match accept(listeners).await {
            Ok(client) => return (client, place),
            Err(error) => {
                server.log().error(format_args!("accept failed: {error}"));
                // Out of descriptors or memory: one that is in use must first be given back.
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// From whichever of them has somebody.
pub(crate) async fn accept(listeners: &[TcpListener]) -> io::Result<(TcpStream, SocketAddr)> {
    let next =
        |context: &mut Context| listeners.iter().map(|one| one.poll_accept(context)).find(Poll::is_ready);
    poll_fn(|context| next(context).unwrap_or(Poll::Pending)).await
}

async fn serve_client((mut client, address): (TcpStream, SocketAddr), server: &Arc<Server>) {
    let peer = Peer::Network(address);
    server.stats.accepted();
    match server.access.admit(peer) {
        Err(reason) => {
            server.stats.denied();
            server.journal.log_about(peer).error(format_args!("connection from client '{peer}' {reason}"));
        }
        Ok(()) => {
            let (from, to) = client.split();
            job::serve(server, peer, from, to).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};

    #[track_caller]
    fn check(listen: Option<&str>, connect: &str) {
        let listener = open(listen, 0, true).unwrap();
        listener.set_nonblocking(false).unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut client = net::TcpStream::connect((connect, port)).unwrap();
        client.write_all(b"x").unwrap();
        let (mut accepted, _) = listener.accept().unwrap();
        assert_eq!(accepted.read(&mut [0; 2]).unwrap(), 1);
        assert!(accepted.nodelay().unwrap(), "inherited");
    }

    #[test]
    fn addresses() {
        check(None, "127.0.0.1");
        check(Some("127.0.0.1"), "127.0.0.1");
        check(Some("localhost"), "localhost");
        if net::TcpListener::bind("[::1]:0").is_ok() {
            check(None, "::1");
            check(Some("::1"), "::1");
        }
    }

    #[test]
    fn places_for_clients() {
        let check = |jobs, open_files, expected| assert_eq!(places(jobs, open_files), expected, "{jobs}");
        check(4, 1024, 520);
        check(4, u64::MAX, 520);
        check(64, open_files(64), 640);
        check(64, 1024, 480);
        check(64, 256, 24);
        check(4, 64, 3);
        check(4, 0, 1);
    }

    #[test]
    fn ports_that_cannot_be_had() {
        let taken = open(Some("127.0.0.1"), 0, false).unwrap();
        for address in [Some("127.0.0.1"), None] {
            let problem = open(address, taken.local_addr().unwrap().port(), false).unwrap_err();
            assert!(problem.contains("failed: Address already in use"), "{problem}");
        }
        let problem = open(Some("1.2.3.4.5"), 0, false).unwrap_err();
        assert!(problem.starts_with("cannot listen on \"1.2.3.4.5\": "), "{problem}");
    }
}
