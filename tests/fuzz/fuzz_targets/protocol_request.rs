//! Any bytes to a server, in pieces of any size: the same verdict as in one piece, and what is taken is sent alike.
#![no_main]

mod pieces;

use libfuzzer_sys::fuzz_target;
use pieces::but_for_pieces;
use protocol::{
    Arrived, ArrivedFiles, Content, Limits, Progress, ProtocolError, Request, RequestDecoder, encode_request,
    file_head, files_header, link, sources_head,
};

fuzz_target!(|input: (u8, &[u8])| {
    let (chunk, bytes) = input;
    let whole = decode(bytes, bytes.len());
    let pieces = decode(bytes, usize::from(chunk) + 1);
    assert_eq!(but_for_pieces(&whole), but_for_pieces(&pieces));
    if let Ok(request) = whole {
        let sent = match &request {
            Ok(text) => encode_request(text.version, &text.args, &text.source).expect("it is short"),
            Err(files) => encode_files(files),
        };
        assert_eq!(decode(&sent, sent.len()), Ok(request));
    }
});

fn encode_files(files: &ArrivedFiles) -> Vec<u8> {
    let mut bytes = sources_head(&files.directory, &files.args);
    bytes.extend(files_header(files.entries.len() as u32));
    for entry in &files.entries {
        match &entry.content {
            Content::File(body) => {
                bytes.extend(file_head(&entry.name, body.len() as u32));
                bytes.extend(body);
            }
            Content::Link(target) => bytes.extend(link(&entry.name, target)),
        }
    }
    bytes
}

fn decode(bytes: &[u8], chunk: usize) -> Result<Result<Request, ArrivedFiles>, ProtocolError> {
    let mut decoder = RequestDecoder::new(Limits::default());
    let mut rest = bytes;
    loop {
        let space = decoder.space();
        let count = space.len().min(rest.len()).min(chunk);
        assert!(!space.is_empty());
        space[..count].copy_from_slice(&rest[..count]);
        rest = &rest[count..];
        if let Progress::Done(arrived) = decoder.advance(count)? {
            return match arrived {
                Arrived::Text(text) => text.unpack().map(Ok),
                Arrived::Files(files) => Ok(Err(files)),
            };
        }
    }
}
