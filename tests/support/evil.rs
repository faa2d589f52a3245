//! Servers that misbehave, as threads on the loopback interface. Knows nothing of the protocol beyond the bytes it is given.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::client::gets_jobs_only;

/// What a server does with everyone who connects.
#[derive(Clone, Debug)]
pub enum Behaviour {
    /// Accepts and reads, and says nothing.
    NeverAnswers,
    /// Accepts and closes without a look at what comes.
    ClosesAtOnce,
    /// Takes some of the request and resets the connection.
    Resets,
    /// Says these bytes while it reads on, and then that there is no more.
    Says(Vec<u8>),
    /// Says these bytes, one at a time with a pause after each, for as long as the peer listens.
    Trickles(Vec<u8>, Duration),
}

/// A server that misbehaves until it is dropped.
pub struct EvilServer {
    port: u16,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    connections: AtomicUsize,
    over: AtomicBool,
}

impl EvilServer {
    /// Starts to listen.
    pub fn start(behaviour: Behaviour) -> EvilServer {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free loopback port");
        let port = listener.local_addr().expect("a bound socket").port();
        let shared = Arc::new(Shared::default());
        let for_thread = Arc::clone(&shared);
        let accepting = Some(thread::spawn(move || accept(&listener, &behaviour, &for_thread)));
        let server = EvilServer { port, shared, accepting };
        gets_jobs_only(server.host());
        server
    }

    /// The server as a host list names it.
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// How many connections it has accepted so far.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }
}

impl Drop for EvilServer {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::SeqCst);
        // One last connection wakes the thread that accepts.
        let _ = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, self.port)));
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}

fn accept(listener: &TcpListener, behaviour: &Behaviour, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        if shared.over.load(Ordering::SeqCst) {
            return;
        }
        shared.connections.fetch_add(1, Ordering::SeqCst);
        let Ok(stream) = stream else { continue };
        let (behaviour, shared) = (behaviour.clone(), Arc::clone(shared));
        thread::spawn(move || serve(stream, &behaviour, &shared.over));
    }
}

fn serve(mut stream: TcpStream, behaviour: &Behaviour, over: &AtomicBool) {
    let mut some = [0; 4];
    match behaviour {
        Behaviour::ClosesAtOnce => {}
        Behaviour::NeverAnswers => drain(stream, over),
        // The kernel resets a connection that is closed while bytes wait to be read.
        Behaviour::Resets => {
            let _ = stream.read_exact(&mut some);
        }
        Behaviour::Says(bytes) => {
            if stream.read_exact(&mut some).is_ok() && stream.write_all(bytes).is_ok() {
                let _ = stream.shutdown(Shutdown::Write);
            }
            drain(stream, over);
        }
        Behaviour::Trickles(bytes, pause) => {
            for byte in bytes {
                if over.load(Ordering::SeqCst) || stream.write_all(&[*byte]).is_err() {
                    return;
                }
                thread::sleep(*pause);
            }
            drain(stream, over);
        }
    }
}

/// Reads and forgets until the peer closes or the server is dropped.
fn drain(mut stream: TcpStream, over: &AtomicBool) {
    let mut bytes = [0; 4096];
    stream.set_read_timeout(Some(Duration::from_millis(50))).expect("a pause that is not zero");
    while !over.load(Ordering::SeqCst) {
        match stream.read(&mut bytes) {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(behaviour: Behaviour, expected: Result<&[u8], ErrorKind>) {
        let server = EvilServer::start(behaviour);
        let mut stream = TcpStream::connect(server.host()).expect("a server that listens");
        stream.set_read_timeout(Some(Duration::from_millis(300))).expect("a pause that is not zero");
        stream.write_all(b"DIST00000001").expect("a server that accepts");
        let mut got = Vec::new();
        let read = stream.read_to_end(&mut got);
        assert_eq!(read.map(|_| got.as_slice()).map_err(|error| error.kind()), expected);
        assert_eq!(server.connections(), 1);
    }

    #[test]
    fn each_behaviour() {
        check(Behaviour::NeverAnswers, Err(ErrorKind::WouldBlock));
        check(Behaviour::Resets, Err(ErrorKind::ConnectionReset));
        check(Behaviour::Says(b"DONE0".to_vec()), Ok(b"DONE0"));
        check(Behaviour::Trickles(vec![b'x'; 100], Duration::from_millis(10)), Err(ErrorKind::WouldBlock));
    }
}
