//! A middleman between a client and a real daemon that records what both say of jobs, and how the client begins. Knows
//! nothing of the protocol beyond its first token, and what may stand before it.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// The version number of what only our own programs say to each other.
const EXTENSION: u32 = 0xda01;

/// A middleman; its thread ends with the test process.
pub struct Relay {
    port: u16,
    replies: Arc<Mutex<Vec<Vec<u8>>>>,
    versions: Arc<Mutex<Vec<u32>>>,
    requests: Arc<Mutex<Vec<u8>>>,
}

impl Relay {
    /// Listens on the loopback interface and passes every connection on to `daemon` ("address:port").
    pub fn start(daemon: &str) -> Relay {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free loopback port");
        let port = listener.local_addr().expect("a bound socket").port();
        let replies = Arc::new(Mutex::new(Vec::new()));
        let versions = Arc::new(Mutex::new(Vec::new()));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let relay = Relay { port, replies, versions, requests };
        let (recorded, versions) = (Arc::clone(&relay.replies), Arc::clone(&relay.versions));
        let requests = Arc::clone(&relay.requests);
        let daemon = daemon.to_owned();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (recorded, versions) = (Arc::clone(&recorded), Arc::clone(&versions));
                let (daemon, requests) = (daemon.clone(), Arc::clone(&requests));
                thread::spawn(move || pass(client, &daemon, (&recorded, &versions), requests));
            }
        });
        relay
    }

    /// The relay as a host list names it.
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The protocol version of each job so far.
    pub fn versions(&self) -> Vec<u32> {
        self.versions.lock().expect("no thread panics with it").clone()
    }

    /// What clients sent behind the version of each job, all of it in one piece.
    pub fn requests(&self) -> Vec<u8> {
        self.requests.lock().expect("no thread panics with it").clone()
    }

    /// What the daemon answered, connection by connection, whole.
    pub fn replies(&self) -> Vec<Vec<u8>> {
        self.replies.lock().expect("no thread panics with it").clone()
    }
}

/// Passes on everything up to the version of the job; `Some(None)`: there is no job, but an inquiry. `None`: the client has
/// gone.
fn version_of_job(from_client: &mut TcpStream, to_server: &mut TcpStream) -> Option<Option<u32>> {
    loop {
        let version = token(b"DIST", from_client, to_server)?;
        if version != Some(EXTENSION) {
            return Some(version);
        }
        // A proof stands before the job.
        let Some(length) = token(b"PROV", from_client, to_server)? else { return Some(None) };
        let mut proof = vec![0; length as usize];
        from_client.read_exact(&mut proof).ok()?;
        to_server.write_all(&proof).ok()?;
    }
}

/// The number behind the name of a token that is passed on; `Some(None)` if it is another one.
fn token(name: &[u8; 4], from_client: &mut TcpStream, to_server: &mut TcpStream) -> Option<Option<u32>> {
    let mut token = [0; 12];
    from_client.read_exact(&mut token).ok()?;
    to_server.write_all(&token).ok()?;
    let digits = token.strip_prefix(name).and_then(|digits| str::from_utf8(digits).ok());
    Some(digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()))
}

fn pass(
    client: TcpStream,
    daemon: &str,
    (replies, versions): (&Mutex<Vec<Vec<u8>>>, &Mutex<Vec<u32>>),
    requests: Arc<Mutex<Vec<u8>>>,
) {
    let Ok(mut server) = TcpStream::connect(daemon) else { return };
    let (mut from_client, mut to_server) =
        (client.try_clone().expect("open"), server.try_clone().expect("open"));
    let Some(version) = version_of_job(&mut from_client, &mut to_server) else { return };
    versions.lock().expect("no thread panics with it").extend(version);
    thread::spawn(move || {
        let mut piece = [0; 1 << 16];
        while let Ok(length @ 1..) = from_client.read(&mut piece) {
            requests.lock().expect("no thread panics with it").extend(&piece[..length]);
            if to_server.write_all(&piece[..length]).is_err() {
                break;
            }
        }
        let _ = to_server.shutdown(Shutdown::Write);
    });
    let mut reply = Vec::new();
    let _ = server.read_to_end(&mut reply);
    // Before the client has it, so that whoever sees the client done finds the record.
    replies.lock().expect("no thread panics with it").push(reply.clone());
    let _ = (&client).write_all(&reply);
    let _ = client.shutdown(Shutdown::Both);
}
