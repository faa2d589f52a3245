//! How a socket is lent to the include server, and what it says when the files are written: `BUSY`…, then `SENT`, `FPER`
//! or `FOUR`. Knows no descriptor: it is attached to the packet.

use super::{BUSY, read_sentence, sentence};
use crate::decode::{Packets, Pause, Progress, progress};
use crate::{ProtocolError, Token};

const LENDS: Token = Token::of("LEND", "the rest of LEND");
/// All is written; its number is how many KiB that were.
const SENT: Token = Token::of("SENT", "the rest of SENT");
/// The peer of the lent socket failed.
const FPER: Token = Token::of("FPER", "the rest of FPER");
/// The include server failed.
const FOUR: Token = Token::of("FOUR", "the rest of FOUR");
const A_REPLY: Token = Token::of("BUSY, SENT, FPER or FOUR", "the rest of BUSY, SENT, FPER or FOUR");

/// What a client sends with one socket attached.
pub const LEND: [u8; 12] = *b"LEND00000000";

/// What the include server says of a socket that it was lent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LendReply {
    /// It works, and so many KiB have gone; the next reply will come within a second or so.
    Busy(u32),
    /// All is written, so many KiB, rounded up.
    Sent(u32),
    /// The other end of the socket broke, and how.
    PeerBroke(String),
    /// The include server could not, and why.
    OurTrouble(String),
}

impl LendReply {
    /// The whole reply.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            LendReply::Busy(kib) => BUSY.header(*kib).to_vec(),
            LendReply::Sent(kib) => SENT.header(*kib).to_vec(),
            LendReply::PeerBroke(how) => sentence(FPER, how),
            LendReply::OurTrouble(why) => sentence(FOUR, why),
        }
    }
}

/// [`LEND`] out of bytes as they come, at the server: used like [`crate::RequestDecoder`]. A client that has no more to
/// lend closes, which is [`ProtocolError::NoAnswer`].
pub struct LendDecoder {
    packets: Packets,
}

impl Default for LendDecoder {
    fn default() -> Self {
        LendDecoder { packets: Packets::new(LENDS) }
    }
}

impl LendDecoder {
    /// Where to read to; it is never empty.
    pub fn space(&mut self) -> &mut [u8] {
        self.packets.space(1)
    }

    /// `count` bytes have come into the space; 0 means that the client has closed.
    ///
    /// # Errors
    /// What is wrong with the bytes.
    ///
    /// # Panics
    /// If `count` is more than there was space for.
    pub fn advance(&mut self, count: usize) -> Result<Progress<()>, ProtocolError> {
        self.packets.advance(count)?;
        progress(self.packets.number(LENDS).map(|_| ()))
    }
}

/// One reply out of bytes as they come, at the client: used like [`crate::ResponseDecoder`]. After [`LendReply::Busy`] a
/// new one reads the next.
pub struct LendReplyDecoder {
    packets: Packets,
    opened: Option<Token>,
}

impl Default for LendReplyDecoder {
    fn default() -> Self {
        LendReplyDecoder { packets: Packets::new(A_REPLY), opened: None }
    }
}

impl LendReplyDecoder {
    /// Where to read to; it is never empty while a reply is awaited.
    pub fn space(&mut self) -> &mut [u8] {
        self.packets.space(1)
    }

    /// `count` bytes have come into the space; 0 means that the server has closed.
    ///
    /// # Errors
    /// What is wrong with the bytes.
    ///
    /// # Panics
    /// If `count` is more than there was space for.
    pub fn advance(&mut self, count: usize) -> Result<Progress<LendReply>, ProtocolError> {
        self.packets.advance(count)?;
        progress(self.proceed())
    }

    fn proceed(&mut self) -> Result<LendReply, Pause> {
        let opened = match self.opened {
            Some(opened) => opened,
            None => *self.opened.insert(self.packets.one_of(&[BUSY, SENT, FPER, FOUR], A_REPLY)?),
        };
        match opened {
            BUSY => self.packets.number(BUSY).map(LendReply::Busy),
            SENT => self.packets.number(SENT).map(LendReply::Sent),
            FPER => read_sentence(&mut self.packets, FPER).map(LendReply::PeerBroke),
            _ => read_sentence(&mut self.packets, FOUR).map(LendReply::OurTrouble),
        }
    }
}
