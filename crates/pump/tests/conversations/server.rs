//! A server within the test, and clients that speak in bytes.

use logging::{Level, Log, Sink};
use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
use protocol::Progress;
use protocol::include_server::{LEND, LendReply, LendReplyDecoder, ScanReply, ScanReplyDecoder, ScanRequest};
use pump::{IncludeServer, Serving};
use std::fs;
use std::io::{IoSlice, Read, Write};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

/// A server, and a directory with sources.
pub(crate) struct Server {
    parent: TempDir,
    ended: Receiver<()>,
}

impl Server {
    pub(crate) fn start(idle: Option<Duration>) -> Server {
        let parent = tempfile::tempdir().unwrap();
        fs::create_dir(parent.path().join("work")).unwrap();
        let directory = parent.path().join("server");
        let (ready, listening) = channel();
        let (end, ended) = channel();
        // In a thread of its own, for fatal signals are the server's from then on.
        thread::spawn(move || {
            let log = Log::new("pump", Sink::Stderr, Level::Error);
            let serving = Serving { directory, idle, memory: 16 << 20, compared: 1 };
            let server = IncludeServer::listen(&serving, &log).unwrap().unwrap();
            ready.send(()).unwrap();
            server.serve();
            let _ = end.send(());
        });
        listening.recv().unwrap();
        Server { parent, ended }
    }

    pub(crate) fn parent(&self) -> &Path {
        self.parent.path()
    }

    pub(crate) fn directory(&self) -> PathBuf {
        self.parent.path().join("server")
    }

    pub(crate) fn work(&self) -> PathBuf {
        self.parent.path().join("work")
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.work().join(name), text).unwrap();
    }

    pub(crate) fn connect(&self) -> Client {
        let socket = UnixStream::connect(self.directory().join("socket")).unwrap();
        socket.set_read_timeout(Some(super::BOUND)).unwrap();
        Client(socket)
    }

    /// A client whose command has been scanned.
    pub(crate) fn fitting(&self, source: &str) -> Client {
        let (mut client, request) = (self.connect(), request(self, source));
        client.say(&request.encode());
        let reply = client.scan_reply(&request);
        assert!(matches!(reply, ScanReply::Fits { .. }), "{reply:?}");
        client
    }

    pub(crate) fn ends_within(&self, bound: Duration) {
        self.ended.recv_timeout(bound).unwrap();
    }
}

pub(crate) fn request(server: &Server, source: &str) -> ScanRequest {
    ScanRequest {
        directory: server.work(),
        environment: vec![("PATH".into(), "/usr/bin:/bin".into())],
        words: ["/usr/bin/gcc", "-c", source].map(Into::into).to_vec(),
        compare: false,
        list: false,
    }
}

/// `LEND` with these attached.
pub(crate) fn lend(socket: &UnixStream, descriptors: &[BorrowedFd]) {
    let numbers: Vec<_> = descriptors.iter().map(AsRawFd::as_raw_fd).collect();
    let rights = [ControlMessage::ScmRights(&numbers)];
    let control = if numbers.is_empty() { &[][..] } else { &rights };
    let words = [IoSlice::new(&LEND)];
    sendmsg::<()>(socket.as_raw_fd(), &words, control, MsgFlags::empty(), None).unwrap();
}

/// One end of a conversation.
pub(crate) struct Client(pub(crate) UnixStream);

impl Client {
    /// What the server does not want to hear is lost.
    pub(crate) fn say(&mut self, words: &[u8]) {
        let _ = self.0.write_all(words);
    }

    pub(crate) fn scan_reply(&mut self, request: &ScanRequest) -> ScanReply {
        loop {
            match self.one_scan_reply(request) {
                ScanReply::Busy => {}
                reply => return reply,
            }
        }
    }

    pub(crate) fn one_scan_reply(&mut self, request: &ScanRequest) -> ScanReply {
        let mut decoder = ScanReplyDecoder::new(request);
        loop {
            let count = self.0.read(decoder.space()).unwrap();
            if let Progress::Done(reply) = decoder.advance(count).unwrap() {
                return reply;
            }
        }
    }

    pub(crate) fn lend_reply(&mut self) -> LendReply {
        let mut decoder = LendReplyDecoder::default();
        loop {
            let count = self.0.read(decoder.space()).unwrap();
            if let Progress::Done(reply) = decoder.advance(count).unwrap() {
                return reply;
            }
        }
    }

    pub(crate) fn hears_nothing_more(&mut self) -> bool {
        // Words that nobody has read make the end an abrupt one.
        let end = self.0.read(&mut [0; 9]);
        end.as_ref()
            .map_or_else(|error| error.kind() == std::io::ErrorKind::ConnectionReset, |count| *count == 0)
    }
}
