//! Any bytes to either end of the include server's conversation, in pieces of any size: the same verdict as in one piece,
//! and what is taken is sent alike.
#![no_main]

mod pieces;

use libfuzzer_sys::fuzz_target;
use pieces::but_for_pieces;
use protocol::include_server::{
    LEND, LendDecoder, LendReply, LendReplyDecoder, Opening, ScanReply, ScanReplyDecoder, ScanRequest,
    ScanRequestDecoder,
};
use protocol::{Progress, ProtocolError};

fuzz_target!(|input: (u8, u8, &[u8])| {
    let (end, chunk, bytes) = input;
    let chunk = usize::from(chunk) + 1;
    match end % 4 {
        0 => check(bytes, chunk, scan, |opening| match opening {
            Opening::Scan(request) => Some(request.encode()),
            Opening::OtherProgram => None,
        }),
        1 => {
            let request = ScanRequest { compare: end & 4 != 0, list: end & 8 != 0, ..ScanRequest::default() };
            check(
                bytes,
                chunk,
                |bytes, chunk| reply(&request, bytes, chunk),
                |reply| Some(reply.encode(&request)),
            );
        }
        2 => check(bytes, chunk, lend, |()| Some(LEND.to_vec())),
        _ => check(bytes, chunk, lent, |reply| Some(reply.encode())),
    }
});

fn check<T: PartialEq + std::fmt::Debug>(
    bytes: &[u8],
    chunk: usize,
    decode: impl Fn(&[u8], usize) -> Result<T, ProtocolError>,
    encode: impl Fn(&T) -> Option<Vec<u8>>,
) {
    let whole = decode(bytes, bytes.len());
    assert_eq!(but_for_pieces(&whole), but_for_pieces(&decode(bytes, chunk)));
    if let Ok(message) = whole
        && let Some(sent) = encode(&message)
    {
        assert_eq!(decode(&sent, sent.len()), Ok(message));
    }
}

/// Each decoder is fed alike, and no two share a type.
macro_rules! fed {
    ($decoder:expr, $bytes:expr, $chunk:expr) => {{
        let (mut decoder, mut rest) = ($decoder, $bytes);
        loop {
            let space = decoder.space();
            let count = space.len().min(rest.len()).min($chunk);
            assert!(!space.is_empty());
            space[..count].copy_from_slice(&rest[..count]);
            rest = &rest[count..];
            if let Progress::Done(message) = decoder.advance(count)? {
                return Ok(message);
            }
        }
    }};
}

fn scan(bytes: &[u8], chunk: usize) -> Result<Opening, ProtocolError> {
    fed!(ScanRequestDecoder::default(), bytes, chunk)
}

fn reply(request: &ScanRequest, bytes: &[u8], chunk: usize) -> Result<ScanReply, ProtocolError> {
    fed!(ScanReplyDecoder::new(request), bytes, chunk)
}

fn lend(bytes: &[u8], chunk: usize) -> Result<(), ProtocolError> {
    fed!(LendDecoder::default(), bytes, chunk)
}

fn lent(bytes: &[u8], chunk: usize) -> Result<LendReply, ProtocolError> {
    fed!(LendReplyDecoder::default(), bytes, chunk)
}
