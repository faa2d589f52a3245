//! Any bytes to a server, in pieces of any size: the same verdict as in one piece, and what is taken is sent alike.
#![no_main]

mod pieces;

use libfuzzer_sys::fuzz_target;
use pieces::but_for_pieces;
use protocol::{Limits, Progress, ProtocolError, Request, RequestDecoder, encode_request};

fuzz_target!(|input: (u8, &[u8])| {
    let (chunk, bytes) = input;
    let whole = decode(bytes, bytes.len());
    let pieces = decode(bytes, usize::from(chunk) + 1);
    assert_eq!(but_for_pieces(&whole), but_for_pieces(&pieces));
    if let Ok(request) = whole {
        let sent = encode_request(request.version, &request.args, &request.source).expect("it is short");
        assert_eq!(decode(&sent, sent.len()), Ok(request));
    }
});

fn decode(bytes: &[u8], chunk: usize) -> Result<Request, ProtocolError> {
    let mut decoder = RequestDecoder::new(Limits::default());
    let mut rest = bytes;
    loop {
        let space = decoder.space();
        let count = space.len().min(rest.len()).min(chunk);
        assert!(!space.is_empty());
        space[..count].copy_from_slice(&rest[..count]);
        rest = &rest[count..];
        if let Progress::Done(arrived) = decoder.advance(count)? {
            return arrived.unpack();
        }
    }
}
