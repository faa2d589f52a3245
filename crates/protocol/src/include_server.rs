//! How a client and the include server of its user speak: a command is scanned, then sockets are lent that its files are
//! written to. Knows neither sockets nor what a scan is.
//!
//! The client opens with [`ScanRequest`] and hears any number of [`ScanReply::Busy`], one each second, before the reply
//! proper. Then it may send [`LEND`] with a socket attached, as often as it likes, and hears [`LendReply`] in the same
//! way.

mod lend;
mod scan;
mod scan_reply;

#[cfg(test)]
mod tests;

pub use lend::{LEND, LendDecoder, LendReply, LendReplyDecoder};
pub use scan::{CANNOT_ANALYSE, Opening, ScanRequest, ScanRequestDecoder};
pub use scan_reply::{Kind, Listed, ScanReply, ScanReplyDecoder};

use crate::Token;
use crate::decode::{Packets, Pause};

/// The server works; while it writes into a socket, its number is how many KiB have gone.
const BUSY: Token = Token::of("BUSY", "the rest of BUSY");

/// The longest sentence, in bytes.
const SENTENCE_BYTES: u32 = 64 * 1024;

/// `token` with a text, of which no more is sent than is taken.
fn sentence(token: Token, text: &str) -> Vec<u8> {
    let mut end = text.len().min(SENTENCE_BYTES as usize);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    [&token.header(end as u32)[..], &text.as_bytes()[..end]].concat()
}

/// The text of the next packet, which must be a `token`.
fn read_sentence(packets: &mut Packets, token: Token) -> Result<String, Pause> {
    let body = packets.body(token, SENTENCE_BYTES)?;
    Ok(String::from_utf8_lossy(&body).into_owned())
}
