//! Any bytes to a client that has asked what a host offers, in pieces of any size: the same verdict as in one piece, and
//! what is taken is sent alike.
#![no_main]

mod pieces;

use libfuzzer_sys::fuzz_target;
use pieces::{but_for_pieces, in_pieces};
use protocol::ProtocolError;
use protocol::inquiry::{Telling, TellingDecoder};

fuzz_target!(|input: (u8, &[u8])| {
    let (chunk, bytes) = input;
    let whole = decode(bytes, bytes.len());
    let pieces = decode(bytes, usize::from(chunk) + 1);
    assert_eq!(but_for_pieces(&whole), but_for_pieces(&pieces));
    if let Ok(telling) = whole {
        let sent = telling.encode();
        // What it makes of short words may be longer than what may be sent.
        if sent.len() < 60_000 {
            assert_eq!(decode(&sent, sent.len()), Ok(telling));
        }
    }
});

fn decode(bytes: &[u8], chunk: usize) -> Result<Telling, ProtocolError> {
    let mut decoder = TellingDecoder::new();
    in_pieces(&mut decoder, bytes, chunk, TellingDecoder::space, TellingDecoder::advance)
}
