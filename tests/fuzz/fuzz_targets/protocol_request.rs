//! Any bytes to a server, in pieces of any size: the same verdict as in one piece, and what is taken is sent alike.
#![no_main]

mod pieces;

use libfuzzer_sys::fuzz_target;
use pieces::{but_for_pieces, in_pieces};
use protocol::inquiry::Inquiry;
use protocol::{
    Arrived, ArrivedFiles, Content, Limits, Proof, ProtocolError, Request, RequestDecoder, encode_request,
    file_head, files_header, link, proof, sources_head,
};

fuzz_target!(|input: (u8, &[u8])| {
    let (chunk, bytes) = input;
    let whole = decode(bytes, bytes.len());
    let pieces = decode(bytes, usize::from(chunk) + 1);
    assert_eq!(but_for_pieces(&whole), but_for_pieces(&pieces));
    if let Ok((proven, message)) = whole {
        let mut sent =
            proven.as_ref().map(|proven| proof(&proven.fingerprint, &proven.processor)).unwrap_or_default();
        sent.extend(match &message {
            Message::Text(text) => {
                encode_request(text.version, &text.args, &text.source).expect("it is short")
            }
            Message::Files(files) => encode_files(files),
            Message::Inquiry(inquiry) => inquiry.encode(),
        });
        assert_eq!(decode(&sent, sent.len()), Ok((proven, message)));
    }
});

#[derive(PartialEq, Debug)]
enum Message {
    Text(Request),
    Files(ArrivedFiles),
    Inquiry(Inquiry),
}

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

fn decode(bytes: &[u8], chunk: usize) -> Result<(Option<Proof>, Message), ProtocolError> {
    let mut decoder = RequestDecoder::new(Limits::default());
    let arrived = in_pieces(&mut decoder, bytes, chunk, RequestDecoder::space, RequestDecoder::advance)?;
    let message = match arrived {
        Arrived::Text(text) => Message::Text(text.unpack()?),
        Arrived::Files(files) => Message::Files(files),
        Arrived::Inquiry(inquiry) => Message::Inquiry(inquiry),
    };
    Ok((decoder.proof().cloned(), message))
}
