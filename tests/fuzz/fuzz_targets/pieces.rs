//! What the decoders' targets do with pieces and verdicts. Knows neither requests nor responses.
#![allow(dead_code, reason = "each target takes what it needs")]

use protocol::{Progress, ProtocolError};

/// Gives a decoder `bytes`, and then their end, in pieces of `chunk` at most.
pub fn in_pieces<D, T>(
    decoder: &mut D,
    mut bytes: &[u8],
    chunk: usize,
    space: fn(&mut D) -> &mut [u8],
    advance: fn(&mut D, usize) -> Result<Progress<T>, ProtocolError>,
) -> Result<T, ProtocolError> {
    loop {
        let space = space(decoder);
        let count = space.len().min(bytes.len()).min(chunk);
        assert!(!space.is_empty());
        space[..count].copy_from_slice(&bytes[..count]);
        bytes = &bytes[count..];
        if let Progress::Done(done) = advance(decoder, count)? {
            return Ok(done);
        }
    }
}

/// How much of a stranger's bytes had come when they were refused depends on the pieces.
pub fn but_for_pieces<T>(verdict: &Result<T, ProtocolError>) -> Result<&T, ProtocolError> {
    match verdict {
        Err(ProtocolError::Derailed { expected, .. }) => {
            Err(ProtocolError::Derailed { expected, seen: String::new() })
        }
        other => other.as_ref().map_err(Clone::clone),
    }
}
