//! The files of one job written into a socket that was lent for it. Knows nothing of the client that lent it, but that it
//! may go.

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use include_scan::{Closure, Entry};
use nix::errno::Errno;
use protocol::include_server::LendReply;
use protocol::{MARKER, file_head, files_header, link};

use crate::peer::{Peer, Waited, send};

/// How long the other end of the socket may take nothing; the client has a limit of its own.
const SILENCE: Duration = Duration::from_secs(300);

/// A client that hears nothing for longer takes us for dead.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(1);

/// As many pieces as the kernel takes at once.
const PIECES: usize = 1024;

/// A system directory on the server is reached from any place that is not deeper than this (distcc 3.4 assumes the same).
const DEEPEST: usize = 20;

/// Tokens and bodies in the order of the wire. A body is the one that the scanner keeps.
#[derive(Debug, Default)]
pub(crate) struct Letter {
    pieces: Vec<Piece>,
}

#[derive(Debug)]
enum Piece {
    Tokens(Vec<u8>),
    Body(Arc<[u8]>),
}

impl Piece {
    fn bytes(&self) -> &[u8] {
        match self {
            Piece::Tokens(bytes) => bytes,
            Piece::Body(body) => body,
        }
    }
}

impl Letter {
    /// What version 3 sends of `closure` after the command: `NFIL` and all that it counts.
    pub(crate) fn new(closure: &Closure) -> Letter {
        let mut tokens = files_header(closure.entries.len() as u32).to_vec();
        let mut pieces = Vec::new();
        for entry in &closure.entries {
            match entry {
                Entry::File { name, body } => {
                    tokens.extend(file_head(name, body.len() as u32));
                    pieces.push(Piece::Tokens(std::mem::take(&mut tokens)));
                    pieces.push(Piece::Body(Arc::clone(body)));
                }
                Entry::SystemDirectory { name } => tokens.extend(link(name, &out_of_the_root(name))),
                Entry::Link { name, target } => tokens.extend(link(name, target)),
                Entry::Directory { name } => tokens.extend(file_head(&name.join(MARKER), 0)),
            }
        }
        pieces.push(Piece::Tokens(tokens));
        Letter { pieces }
    }

    /// Writes all of it into `socket`, and tells `client` each second that it is on the way. `None`: the client has gone.
    pub(crate) fn send(&self, socket: &OwnedFd, client: &Peer) -> Option<LendReply> {
        let mut way = Way { next: 0, within: 0, bytes: 0 };
        let (mut moved, mut heard) = (Instant::now(), Instant::now());
        while way.next < self.pieces.len() {
            match send(socket.as_fd(), &self.slices(&way)) {
                Ok(sent) => {
                    way.advance(sent, &self.pieces);
                    moved = Instant::now();
                }
                Err(Errno::EAGAIN) => {
                    let until = (heard + HEARTBEAT).min(moved + SILENCE);
                    match client.wait_for(socket.as_fd(), until) {
                        Ok(Waited::Gone) => return None,
                        Ok(Waited::Ready | Waited::TimedOut) => {}
                        Err(error) => return Some(ours(&error)),
                    }
                }
                Err(error) => return Some(failed(error)),
            }
            if moved.elapsed() >= SILENCE {
                return Some(LendReply::PeerBroke(format!("it took nothing for {} s", SILENCE.as_secs())));
            }
            if heard.elapsed() >= HEARTBEAT {
                client.say(&LendReply::Busy(way.kib()).encode()).ok()?;
                heard = Instant::now();
            }
        }
        Some(LendReply::Sent(way.kib()))
    }

    fn slices(&self, way: &Way) -> Vec<IoSlice<'_>> {
        let rest = self.pieces[way.next..].iter().take(PIECES).map(Piece::bytes);
        let skipped = rest.enumerate().map(|(at, bytes)| if at == 0 { &bytes[way.within..] } else { bytes });
        skipped.map(IoSlice::new).collect()
    }
}

/// How far the writing has come.
#[derive(Debug)]
struct Way {
    next: usize,
    within: usize,
    bytes: u64,
}

impl Way {
    fn advance(&mut self, sent: usize, pieces: &[Piece]) {
        self.bytes += sent as u64;
        self.within += sent;
        while let Some(piece) = pieces.get(self.next) {
            let length = piece.bytes().len();
            if self.within < length {
                break;
            }
            self.within -= length;
            self.next += 1;
        }
    }

    fn kib(&self) -> u32 {
        u32::try_from(self.bytes.div_ceil(1024)).unwrap_or(u32::MAX)
    }
}

/// What is wrong with the descriptor itself, or with this machine, says nothing about the other end.
fn failed(error: Errno) -> LendReply {
    match error {
        Errno::ENOTSOCK | Errno::EBADF | Errno::EOPNOTSUPP | Errno::ENOMEM | Errno::ENOBUFS => {
            ours(&error.into())
        }
        _ => LendReply::PeerBroke(io::Error::from(error).to_string()),
    }
}

fn ours(error: &io::Error) -> LendReply {
    LendReply::OurTrouble(format!("cannot write to the socket: {error}"))
}

/// From where a server unpacks the name, up to its own root and down again.
fn out_of_the_root(name: &Path) -> PathBuf {
    let below: PathBuf = name.components().skip(1).collect();
    let up = DEEPEST + below.components().count();
    PathBuf::from("../".repeat(up)).join(below)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::os::unix::net::UnixStream;
    use std::thread;

    fn closure() -> Closure {
        let entries = vec![
            Entry::File { name: "/p/a.c".into(), body: Arc::from(*b"\x15int;\x11\0\0") },
            Entry::File { name: "/p/e.h".into(), body: Arc::from(*b"\x11\0\0") },
            Entry::SystemDirectory { name: "/usr/include".into() },
            Entry::Link { name: "/p/l.h".into(), target: "/p/a.h".into() },
            Entry::Directory { name: "/p/d".into() },
        ];
        Closure { entries }
    }

    #[test]
    fn the_bytes_are_those_of_the_wire() {
        let system = format!("LINK00000{:03x}{}usr/include", 22 * 3 + 11, "../".repeat(22));
        let expected = [
            "NFIL00000005NAME00000006/p/a.cFILE00000008\x15int;\x11\0\0",
            "NAME00000006/p/e.hFILE00000003\x11\0\0",
            "NAME0000000c/usr/include",
            &system,
            "NAME00000006/p/l.hLINK00000006/p/a.h",
            "NAME0000001d/p/d/forcing_technique_271828FILE00000000",
        ]
        .concat();
        let letter = Letter::new(&closure());
        let bytes: Vec<u8> = letter.pieces.iter().flat_map(Piece::bytes).copied().collect();
        assert_eq!(String::from_utf8_lossy(&bytes), expected);
    }

    #[test]
    fn a_large_letter_goes_in_many_pieces() {
        let body: Arc<[u8]> = (0..=255).cycle().take(3000).collect();
        let entry = |at| Entry::File { name: format!("/p/{at}").into(), body: Arc::clone(&body) };
        let letter = Letter::new(&Closure { entries: (0..3000).map(entry).collect() });
        let expected: Vec<u8> = letter.pieces.iter().flat_map(Piece::bytes).copied().collect();
        let (lent, mut reader) = UnixStream::pair().unwrap();
        let reading = thread::spawn(move || {
            let mut read = Vec::new();
            reader.read_to_end(&mut read).map(|_| read)
        });
        let (ours, _client) = UnixStream::pair().unwrap();
        let sent = letter.send(&lent.into(), &Peer::admit(ours).unwrap());
        assert_eq!(sent, Some(LendReply::Sent(expected.len().div_ceil(1024) as u32)));
        assert!(reading.join().unwrap().unwrap() == expected);
    }

    #[test]
    fn whose_fault_it_is() {
        let (ours, client) = UnixStream::pair().unwrap();
        let peer = Peer::admit(ours).unwrap();
        let letter = Letter::new(&closure());
        let (closed, reader) = UnixStream::pair().unwrap();
        drop(reader);
        assert!(matches!(letter.send(&closed.into(), &peer), Some(LendReply::PeerBroke(_))));
        let no_socket = tempfile::tempfile().unwrap();
        assert!(matches!(letter.send(&no_socket.into(), &peer), Some(LendReply::OurTrouble(_))));
        let (full, _reader) = UnixStream::pair().unwrap();
        while send(full.as_fd(), &[IoSlice::new(&[0; 4096])]).is_ok() {}
        drop(client);
        assert_eq!(letter.send(&full.into(), &peer), None);
    }
}
