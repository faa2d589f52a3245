//! Messages fed to the decoders in pieces. Knows nothing of what should come out.

mod captured;
mod damaged;
mod extension;
mod properties;
mod sources;

use std::ffi::OsString;

use crate::{
    Arrived, ArrivedFiles, Limits, Progress, ProtocolError, Request, RequestDecoder, Response,
    ResponseDecoder, Version,
};

/// What headers and short bodies are read through, in bytes.
const SMALL: usize = 32 * 1024;

/// What came of a stream of bytes that then ended.
struct Fed<T> {
    outcome: Result<T, ProtocolError>,
    /// How many bytes the decoder asked for.
    read: usize,
    /// The most memory that it held, in bytes, beyond twice what had arrived.
    surplus: usize,
}

/// Bytes that come `chunk` at a time to a server; what is no request for text is a failed test.
fn feed_request(bytes: &[u8], chunk: usize, limits: &Limits) -> Fed<Request> {
    let Fed { outcome, read, surplus } = feed_any_request(bytes, chunk, limits);
    let outcome = outcome.map(|job| job.unwrap_or_else(|files| panic!("files: {files:?}")));
    Fed { outcome, read, surplus }
}

/// Bytes that come `chunk` at a time to a server.
fn feed_any_request(bytes: &[u8], chunk: usize, limits: &Limits) -> Fed<Result<Request, ArrivedFiles>> {
    let mut decoder = RequestDecoder::new(limits.clone());
    feed(bytes, chunk, |piece| {
        let expected = decoder.will_hold();
        let count = fill(decoder.space(), piece);
        assert!(decoder.held() <= expected + SMALL, "{} bytes, not {expected}", decoder.held());
        let progress = match decoder.advance(count) {
            Ok(Progress::Done(Arrived::Text(text))) => text.unpack().map(Ok).map(Progress::Done),
            Ok(Progress::Done(Arrived::Files(files))) => Ok(Progress::Done(Err(files))),
            Ok(Progress::Done(Arrived::Inquiry(inquiry))) => panic!("no request: {inquiry:?}"),
            Ok(Progress::More) => Ok(Progress::More),
            Err(error) => Err(error),
        };
        (count, progress, decoder.held())
    })
}

/// Bytes that come `chunk` at a time to a client that asked in `version`.
fn feed_response(version: Version, bytes: &[u8], chunk: usize, limits: &Limits) -> Fed<Response> {
    let mut decoder = ResponseDecoder::new(version, limits.clone());
    feed(bytes, chunk, |piece| {
        let count = fill(decoder.space(), piece);
        (count, decoder.advance(count), decoder.held())
    })
}

fn feed<T>(
    bytes: &[u8],
    chunk: usize,
    mut give: impl FnMut(&[u8]) -> (usize, Result<Progress<T>, ProtocolError>, usize),
) -> Fed<T> {
    let (mut read, mut surplus) = (0, 0);
    loop {
        let piece = &bytes[read..bytes.len().min(read + chunk)];
        let (count, progress, held) = give(piece);
        read += count;
        surplus = surplus.max(held.saturating_sub(2 * read));
        let outcome = match progress {
            Ok(Progress::More) => continue,
            Ok(Progress::Done(message)) => Ok(message),
            Err(error) => Err(error),
        };
        return Fed { outcome, read, surplus };
    }
}

fn fill(space: &mut [u8], piece: &[u8]) -> usize {
    assert!(!space.is_empty(), "no space while more is awaited");
    let count = space.len().min(piece.len());
    space[..count].copy_from_slice(&piece[..count]);
    count
}

/// A command as words.
fn words(command: &str) -> Vec<OsString> {
    command.split(' ').map(OsString::from).collect()
}
