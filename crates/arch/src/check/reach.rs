//! How far one gets towards a host's daemon: its addresses, its port, and whether it listens to us. Knows nothing of
//! what is compiled there.

use crate::processes::Processes;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, ToSocketAddrs, UdpSocket};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// How long a name may take to be looked up.
const LOOK_UP: Duration = Duration::from_secs(8);

/// How long a connection may take, for each address; the client waits as long.
const CONNECT: Duration = Duration::from_secs(4);

/// How soon an interruption is noticed.
const STEP: Duration = Duration::from_millis(50);

/// A machine that is off is noticed by its neighbours after some seconds; a refusal by a firewall comes at once.
const AT_ONCE: Duration = Duration::from_millis(800);

/// A daemon that does not close a connection within this time, and at least so many round trips, serves us.
const PATIENCE: Duration = Duration::from_secs(1);
const PATIENCE_IN_ROUND_TRIPS: u32 = 4;

/// How every request of the protocol begins, in its first version.
const GREETING: &[u8] = b"DIST00000001";

/// Why there is no connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NoConnection {
    /// The machine is there and nothing listens at the port.
    Refused(SocketAddr),
    /// Nobody said anything.
    Silence(SocketAddr),
    /// Somebody said at once that packets do not get there, as firewalls do.
    Prohibited(SocketAddr),
    /// There is no way to the machine; a fragment that tells why.
    Unreachable(SocketAddr, String),
}

/// Whether whoever listens at a port listens to us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Access {
    /// It waits for the rest of a job.
    Granted,
    /// It closed the connection as soon as we began to speak.
    Denied,
    /// It speaks first, which a distccd never does: what it said.
    Stranger(String),
}

/// A port that takes connections.
#[derive(Debug)]
pub(crate) struct Open {
    /// How long connecting took, which is one round trip.
    pub(crate) took: Duration,
    stream: TcpStream,
}

/// The addresses of a host.
///
/// # Errors
/// A fragment that tells why there are none.
pub(crate) fn resolve(name: &str, port: u16, processes: &Processes) -> Result<Vec<SocketAddr>, String> {
    if let Ok(address) = name.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let asked = name.to_owned();
    // The resolver has no time limit of its own that could be set.
    let look_up = move || (asked.as_str(), port).to_socket_addrs().map(Iterator::collect);
    let found: io::Result<Vec<SocketAddr>> = answer_of(look_up, LOOK_UP, processes)
        .ok_or_else(|| format!("no name server answered within {} s", LOOK_UP.as_secs()))?;
    match found {
        Ok(addresses) if addresses.is_empty() => Err("it has no address".to_owned()),
        Ok(addresses) => Ok(addresses),
        Err(error) => {
            let error = error.to_string();
            let tail = error.strip_prefix("failed to lookup address information: ").unwrap_or(&error);
            Err(tail.to_lowercase())
        }
    }
}

/// What `question` answers; none after `limit`, or as soon as a signal has ended everything. Its thread ends with this
/// process then.
pub(crate) fn answer_of<Answer: Send + 'static>(
    question: impl FnOnce() -> Answer + Send + 'static,
    limit: Duration,
    processes: &Processes,
) -> Option<Answer> {
    let (tell, answer) = channel();
    thread::spawn(move || tell.send(question()));
    let deadline = Instant::now() + limit;
    while Instant::now() < deadline && processes.interrupted_by().is_none() {
        match answer.recv_timeout(STEP) {
            Err(RecvTimeoutError::Timeout) => {}
            answer => return answer.ok(),
        }
    }
    None
}

/// Connects to the first address that answers.
///
/// # Errors
/// What is known of the address that gave the most telling answer.
pub(crate) fn connect(addresses: &[SocketAddr], processes: &Processes) -> Result<Open, NoConnection> {
    let mut failures: Vec<NoConnection> = Vec::new();
    for &address in addresses {
        let begun = Instant::now();
        // The kernel's own limit comes first unless we are interrupted.
        let connected = answer_of(
            move || (TcpStream::connect_timeout(&address, CONNECT), begun.elapsed()),
            CONNECT * 2,
            processes,
        );
        match connected {
            Some((Ok(stream), took)) => return Ok(Open { took, stream }),
            Some((Err(error), took)) => failures.push(no_connection(address, &error, took)),
            None => failures.push(NoConnection::Silence(address)),
        }
    }
    let telling = |failure: &NoConnection| match failure {
        NoConnection::Refused(_) => 0,
        NoConnection::Prohibited(_) => 1,
        NoConnection::Silence(_) => 2,
        NoConnection::Unreachable(..) => 3,
    };
    Err(failures.into_iter().min_by_key(telling).expect("a name that is resolved has an address"))
}

fn no_connection(address: SocketAddr, error: &io::Error, after: Duration) -> NoConnection {
    match error.kind() {
        ErrorKind::ConnectionRefused => NoConnection::Refused(address),
        ErrorKind::TimedOut | ErrorKind::WouldBlock => NoConnection::Silence(address),
        ErrorKind::HostUnreachable if after < AT_ONCE => NoConnection::Prohibited(address),
        _ => NoConnection::Unreachable(address, without_number(error)),
    }
}

fn without_number(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_lowercase()
}

impl Open {
    /// What was opened.
    pub(crate) fn into_stream(self) -> TcpStream {
        self.stream
    }

    /// Begins a job that it never sends, and waits for what comes of it.
    pub(crate) fn access(mut self) -> Access {
        let patience = PATIENCE.max(self.took * PATIENCE_IN_ROUND_TRIPS);
        let mut said = [0; 64];
        // A connection that is closed already is noticed by the reading.
        let _ = self.stream.write_all(GREETING);
        let _ = self.stream.set_read_timeout(Some(patience));
        let heard = loop {
            match self.stream.read(&mut said) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                heard => break heard,
            }
        };
        match heard {
            Ok(0) => Access::Denied,
            Ok(count) => {
                let first = String::from_utf8_lossy(&said[..count]).into_owned();
                Access::Stranger(first.lines().next().unwrap_or_default().escape_debug().to_string())
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                Access::Granted
            }
            Err(_) => Access::Denied,
        }
    }
}

/// The address that `peer` sees us come from; none without a way there.
pub(crate) fn our_address(peer: SocketAddr) -> Option<IpAddr> {
    let any: IpAddr =
        if peer.is_ipv6() { Ipv6Addr::UNSPECIFIED.into() } else { Ipv4Addr::UNSPECIFIED.into() };
    // Connecting a datagram socket sends nothing: it only asks the kernel for the way.
    let socket = UdpSocket::bind((any, 0)).ok()?;
    socket.connect(peer).ok()?;
    socket.local_addr().ok().map(|local| local.ip())
}

/// Whether an address is one of this machine's own: what is sent there comes from there.
pub(crate) fn is_this_machine(peer: SocketAddr) -> bool {
    peer.ip().is_loopback() || our_address(peer) == Some(peer.ip())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    fn listener() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    }

    #[test]
    fn names() {
        assert_eq!(resolve("127.0.0.1", 7, &Processes::default()), Ok(vec!["127.0.0.1:7".parse().unwrap()]));
        assert_eq!(resolve("::1", 7, &Processes::default()), Ok(vec!["[::1]:7".parse().unwrap()]));
        assert!(resolve("no-such-name.invalid", 7, &Processes::default()).is_err());
    }

    #[test]
    fn the_most_telling_failure_counts() {
        let (listener, closed) = listener();
        drop(listener);
        // Broadcast: TCP has no way there.
        let nowhere: SocketAddr = "255.255.255.255:9".parse().unwrap();
        assert_eq!(
            connect(&[nowhere, closed], &Processes::default()).unwrap_err(),
            NoConnection::Refused(closed)
        );
        assert!(
            matches!(connect(&[nowhere], &Processes::default()).unwrap_err(), NoConnection::Unreachable(at, _) if at == nowhere)
        );
    }

    #[test]
    fn an_unreachable_host_is_slow_and_a_firewall_quick() {
        let address: SocketAddr = "192.0.2.1:3632".parse().unwrap();
        let error = io::Error::from(ErrorKind::HostUnreachable);
        let after = |millis| no_connection(address, &error, Duration::from_millis(millis));
        assert_eq!(after(1), NoConnection::Prohibited(address));
        assert!(matches!(after(3000), NoConnection::Unreachable(..)));
        let silent = io::Error::from(ErrorKind::TimedOut);
        assert_eq!(no_connection(address, &silent, CONNECT), NoConnection::Silence(address));
    }

    /// `serve` gives back what is to stay open while somebody asks. It is done before anybody asks, so that a busy machine
    /// changes nothing.
    #[track_caller]
    fn check(serve: impl FnOnce(TcpStream) -> Option<TcpStream>, expected: Access) {
        let (listener, address) = listener();
        let open = connect(&[address], &Processes::default()).unwrap();
        let us = open.stream.local_addr().unwrap();
        // Whoever looks for a port that was closed a moment ago may find this one, and knock first.
        let ours = listener.incoming().map(Result::unwrap).find(|stream| stream.peer_addr().unwrap() == us);
        let _kept = serve(ours.unwrap());
        assert_eq!(open.access(), expected);
    }

    #[test]
    fn access_shows_in_what_happens_after_the_greeting() {
        check(|_| None, Access::Denied);
        check(Some, Access::Granted);
        let greet = |mut stream: TcpStream| {
            stream.write_all(b"SSH-2.0-x\r\n").unwrap();
            Some(stream)
        };
        check(greet, Access::Stranger("SSH-2.0-x".to_owned()));
    }

    #[test]
    fn this_machine_is_known_by_its_addresses() {
        assert!(is_this_machine("127.0.0.2:1".parse().unwrap()));
        assert_eq!(our_address("127.0.0.1:9".parse().unwrap()), Some(Ipv4Addr::LOCALHOST.into()));
    }
}
