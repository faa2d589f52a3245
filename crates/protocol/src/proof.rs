//! What may stand in front of a request, which compiler it is for, and the answer where there is none. Knows nothing of
//! how a fingerprint is made.

use crate::ProtocolError;
use crate::decode::{Packets, Pause};
use crate::extension::{PROV, TELL, Text, fingerprint, lines, nonsense, read_text};
use crate::token::Token;

/// Which compiler alone may serve the request that follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The compiler's, as 64 lower-case hex digits.
    pub fingerprint: String,
    /// What `-march=client` and `-mtune=client` in the request mean: the words by which the compiler knows the client's
    /// processor. None where the request has no such words.
    pub processor: Vec<String>,
}

/// What is sent before a request that only the compiler with this fingerprint may serve, and with these words for the
/// client's processor if there are any.
///
/// A server that knows nothing of processors finds no fingerprint in a proof that has one, and so does not take it.
pub fn proof(fingerprint: &str, processor: &[String]) -> Vec<u8> {
    let mut text = Text::default();
    match processor {
        [] => text.line("fingerprint", fingerprint),
        words => text.line("processor", format_args!("{fingerprint} {}", words.join(" "))),
    }
    text.message(Token::DIST, PROV)
}

/// The answer to a request whose proof does not hold, in place of a [`crate::Response`]: a word for programs and a
/// sentence for people. A reader has it as [`ProtocolError::Refused`].
pub fn refusal(code: &str, sentence: &str) -> Vec<u8> {
    let mut text = Text::default();
    text.line("refused", format_args!("{code} {sentence}"));
    text.message(Token::DONE, TELL)
}

/// The proof that is the next packet.
pub(crate) fn read_proof(packets: &mut Packets) -> Result<Proof, Pause> {
    let text = read_text(packets, PROV)?;
    let read = |(key, value): (&str, &str)| {
        let (first, words) =
            value.split_once(' ').map_or((value, None), |(first, words)| (first, Some(words)));
        let words = match (key, words) {
            ("fingerprint", None) => "",
            ("processor", Some(words)) => words,
            _ => return None,
        };
        let processor = words.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect();
        Some(fingerprint(first).map(|fingerprint| Proof { fingerprint, processor }))
    };
    Ok(lines(&text).find_map(read).flatten().ok_or_else(|| nonsense(PROV, text.as_bytes()))?)
}

/// What the next packet, a refusal, says.
pub(crate) fn read_refusal(packets: &mut Packets) -> Result<ProtocolError, Pause> {
    let text = read_text(packets, TELL)?;
    let value = lines(&text).find_map(|(key, value)| (key == "refused").then_some(value));
    let (code, sentence) =
        value.and_then(|value| value.split_once(' ')).ok_or_else(|| nonsense(TELL, text.as_bytes()))?;
    Ok(ProtocolError::Refused { code: code.to_owned(), sentence: sentence.to_owned() })
}
