//! Any bytes to a client, in pieces of any size: the same verdict as in one piece, and what is taken is sent alike.
#![no_main]

mod pieces;

use libfuzzer_sys::fuzz_target;
use pieces::{but_for_pieces, in_pieces};
use protocol::{Limits, ProtocolError, Response, ResponseDecoder, Version};

fuzz_target!(|input: (u8, u8, &[u8])| {
    let (version, chunk, bytes) = input;
    let version = [Version::One, Version::Two, Version::Three][usize::from(version) % 3];
    let whole = decode(version, bytes, bytes.len());
    let pieces = decode(version, bytes, usize::from(chunk) + 1);
    assert_eq!(but_for_pieces(&whole), but_for_pieces(&pieces));
    if let Ok(response) = whole {
        let sent = response.encode().expect("it is short");
        assert_eq!(decode(version, &sent, sent.len()), Ok(response));
    }
});

fn decode(version: Version, bytes: &[u8], chunk: usize) -> Result<Response, ProtocolError> {
    let mut decoder = ResponseDecoder::new(version, Limits::default());
    in_pieces(&mut decoder, bytes, chunk, ResponseDecoder::space, ResponseDecoder::advance)
}
