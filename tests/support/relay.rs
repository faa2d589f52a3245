//! A middleman between a client and a real daemon that records what the daemon says. Knows nothing of the protocol.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// A middleman; its thread ends with the test process.
pub struct Relay {
    port: u16,
    replies: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Relay {
    /// Listens on the loopback interface and passes every connection on to `daemon` ("address:port").
    pub fn start(daemon: &str) -> Relay {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free loopback port");
        let port = listener.local_addr().expect("a bound socket").port();
        let replies = Arc::new(Mutex::new(Vec::new()));
        let (recorded, daemon) = (Arc::clone(&replies), daemon.to_owned());
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (recorded, daemon) = (Arc::clone(&recorded), daemon.clone());
                thread::spawn(move || pass(client, &daemon, &recorded));
            }
        });
        Relay { port, replies }
    }

    /// The relay as a host list names it.
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// What the daemon answered, connection by connection, whole.
    pub fn replies(&self) -> Vec<Vec<u8>> {
        self.replies.lock().expect("no thread panics with it").clone()
    }
}

fn pass(client: TcpStream, daemon: &str, replies: &Mutex<Vec<Vec<u8>>>) {
    let Ok(mut server) = TcpStream::connect(daemon) else { return };
    let (mut from_client, mut to_server) =
        (client.try_clone().expect("open"), server.try_clone().expect("open"));
    thread::spawn(move || {
        let _ = std::io::copy(&mut from_client, &mut to_server);
        let _ = to_server.shutdown(Shutdown::Write);
    });
    let mut reply = Vec::new();
    let _ = server.read_to_end(&mut reply);
    // Before the client has it, so that whoever sees the client done finds the record.
    replies.lock().expect("no thread panics with it").push(reply.clone());
    let _ = (&client).write_all(&reply);
    let _ = client.shutdown(Shutdown::Both);
}
