//! One packet after another out of bytes as they come: the packet, or "more", or what is wrong. Knows neither which
//! message the packets make nor where the bytes come from.

use crate::ProtocolError;
use crate::token::{HEADER_BYTES, Token};

/// Headers and short bodies are read through a room of at most this, in bytes; longer bodies straight to their place.
const ROOM: usize = 16 * 1024;

/// A body's place is this at first, in bytes: who only announces one makes nobody set memory aside.
const FIRST: usize = 64 * 1024;

/// Its place is this next, and then never more than twice what has arrived.
const STEP: usize = 1024 * 1024;

/// What the bytes so far have come to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Progress<T> {
    /// Read more into the decoder's space.
    More,
    /// The message, whole. The decoder has nothing more to give.
    Done(T),
}

/// Why a message cannot be given yet, or ever.
pub(crate) enum Pause {
    More,
    Wrong(ProtocolError),
}

impl From<ProtocolError> for Pause {
    fn from(error: ProtocolError) -> Self {
        Pause::Wrong(error)
    }
}

/// A resumable message's outcome in the words of callers.
pub(crate) fn progress<T>(outcome: Result<T, Pause>) -> Result<Progress<T>, ProtocolError> {
    match outcome {
        Ok(message) => Ok(Progress::Done(message)),
        Err(Pause::More) => Ok(Progress::More),
        Err(Pause::Wrong(error)) => Err(error),
    }
}

/// Bytes in, packets out.
pub(crate) struct Packets {
    wanted: Token,
    started: bool,
    room: Room,
    body: Option<Body>,
}

impl Packets {
    /// Before any byte; a peer that closes now has failed to send `first`.
    pub(crate) fn new(first: Token) -> Self {
        Packets { wanted: first, started: false, room: Room::default(), body: None }
    }

    /// Where to read to, knowing that `packets` are still to be taken (one of them perhaps begun). It holds no more
    /// than these must have, so that nothing behind the message is ever read.
    pub(crate) fn space(&mut self, packets: usize) -> &mut [u8] {
        match &mut self.body {
            Some(body) => {
                if body.is_long() {
                    body.space()
                } else {
                    self.room.space(body.missing() + HEADER_BYTES * (packets - 1))
                }
            }
            None => self.room.space((HEADER_BYTES * packets).saturating_sub(self.room.arrived().len())),
        }
    }

    /// `count` bytes have come into the space. None means that the peer has closed, which is always too early.
    pub(crate) fn advance(&mut self, count: usize) -> Result<(), ProtocolError> {
        if count == 0 {
            return Err(self.closed());
        }
        self.started = true;
        let (filled, end) = match &mut self.body {
            Some(body) if body.is_long() => (&mut body.filled, body.bytes.len()),
            _ => (&mut self.room.filled, self.room.bytes.len()),
        };
        assert!(count <= end - *filled, "more bytes have come than there was space for");
        *filled += count;
        Ok(())
    }

    /// The number of the next packet, which must be a `token` without a body.
    pub(crate) fn number(&mut self, token: Token) -> Result<u32, Pause> {
        self.wanted = token;
        let number = token.read(self.room.arrived())?.ok_or(Pause::More)?;
        self.room.taken += HEADER_BYTES;
        Ok(number)
    }

    /// Which of `tokens` opens the next packet, which stays to be taken; `either` says what was expected when none does.
    pub(crate) fn one_of(&mut self, tokens: &[Token], either: Token) -> Result<Token, Pause> {
        self.wanted = either;
        let mut undecided = false;
        for token in tokens {
            match token.read(self.room.arrived()) {
                Ok(None) => undecided = true,
                Err(ProtocolError::Derailed { .. }) => {}
                Ok(Some(_)) | Err(_) => return Ok(*token),
            }
        }
        if undecided { Err(Pause::More) } else { Err(either.derailed(self.room.arrived()).into()) }
    }

    /// The body of the next packet, which must be a `token` of at most `limit` bytes.
    pub(crate) fn body(&mut self, token: Token, limit: u32) -> Result<Vec<u8>, Pause> {
        let mut body = match self.body.take() {
            Some(begun) => begun,
            None => {
                let length = self.number(token)?;
                check_limit(token, length, limit)?;
                Body::new(length as usize)
            }
        };
        self.room.taken += body.fill(self.room.arrived());
        if body.missing() == 0 {
            return Ok(body.bytes);
        }
        self.body = Some(body);
        Err(Pause::More)
    }

    fn closed(&self) -> ProtocolError {
        match (self.started, &self.body) {
            (false, _) => ProtocolError::NoAnswer,
            (true, None) => ProtocolError::Truncated { expected: self.wanted.name() },
            (true, Some(_)) => ProtocolError::Truncated { expected: self.wanted.rest() },
        }
    }

    /// Memory set aside for bytes, come and to come, once more space is asked for.
    pub(crate) fn will_hold(&self) -> usize {
        self.room.bytes.capacity() + self.body.as_ref().map_or(0, Body::will_hold)
    }

    /// Memory set aside for bytes, come and to come.
    #[cfg(test)]
    pub(crate) fn held(&self) -> usize {
        self.room.bytes.capacity() + self.body.as_ref().map_or(0, |body| body.bytes.capacity())
    }
}

/// Refuses a claim over its limit.
pub(crate) fn check_limit(token: Token, claimed: u32, limit: u32) -> Result<(), ProtocolError> {
    if claimed > limit {
        return Err(ProtocolError::TooLong {
            what: token.name(),
            claimed: claimed.into(),
            limit: limit.into(),
        });
    }
    Ok(())
}

/// Where headers and short bodies arrive: `taken..filled` has come and is not taken yet. Zeroed once.
#[derive(Default)]
struct Room {
    bytes: Vec<u8>,
    taken: usize,
    filled: usize,
}

impl Room {
    fn arrived(&self) -> &[u8] {
        &self.bytes[self.taken..self.filled]
    }

    fn space(&mut self, owed: usize) -> &mut [u8] {
        self.bytes.copy_within(self.taken..self.filled, 0);
        self.filled -= self.taken;
        self.taken = 0;
        let end = self.filled + owed.min(ROOM);
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        &mut self.bytes[self.filled..end]
    }
}

/// A body on its way in. `bytes` is zeroed once, `filled` of it has arrived, and it grows up to `length`.
struct Body {
    bytes: Vec<u8>,
    filled: usize,
    length: usize,
}

impl Body {
    fn new(length: usize) -> Self {
        Body { bytes: vec![0; length.min(FIRST)], filled: 0, length }
    }

    fn missing(&self) -> usize {
        self.length - self.filled
    }

    fn is_long(&self) -> bool {
        self.missing() > ROOM
    }

    fn will_hold(&self) -> usize {
        if self.filled == self.bytes.len() { self.grown() } else { self.bytes.len() }
    }

    fn grown(&self) -> usize {
        self.length.min(STEP.max(2 * self.filled))
    }

    /// Room for some of what is missing; there is some as long as anything is.
    fn space(&mut self) -> &mut [u8] {
        if self.filled == self.bytes.len() {
            let grown = self.grown();
            if self.filled <= FIRST {
                // Memory that is new is zero already, which is cheaper than to make it so.
                let first = std::mem::replace(&mut self.bytes, vec![0; grown]);
                self.bytes[..first.len()].copy_from_slice(&first);
            } else {
                self.bytes.reserve_exact(grown - self.filled);
                self.bytes.resize(grown, 0);
            }
        }
        &mut self.bytes[self.filled..]
    }

    /// Takes what it needs of what has arrived, and says how much that was.
    fn fill(&mut self, mut arrived: &[u8]) -> usize {
        arrived = &arrived[..arrived.len().min(self.missing())];
        let count = arrived.len();
        while !arrived.is_empty() {
            let space = self.space();
            let (now, later) = arrived.split_at(arrived.len().min(space.len()));
            space[..now.len()].copy_from_slice(now);
            self.filled += now.len();
            arrived = later;
        }
        count
    }
}
