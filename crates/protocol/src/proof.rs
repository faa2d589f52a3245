//! What may stand in front of a request, which compiler it is for, and the answer where there is none. Knows nothing of
//! how a fingerprint is made.

use crate::ProtocolError;
use crate::decode::{Packets, Pause};
use crate::extension::{PROV, TELL, Text, fingerprint, lines, nonsense, read_text};
use crate::token::Token;

/// What is sent before a request that only the compiler with this fingerprint may serve: 64 lower-case hex digits.
pub fn proof(fingerprint: &str) -> Vec<u8> {
    let mut text = Text::default();
    text.line("fingerprint", fingerprint);
    text.message(Token::DIST, PROV)
}

/// The answer to a request whose proof does not hold, in place of a [`crate::Response`]: a word for programs and a
/// sentence for people. A reader has it as [`ProtocolError::Refused`].
pub fn refusal(code: &str, sentence: &str) -> Vec<u8> {
    let mut text = Text::default();
    text.line("refused", format_args!("{code} {sentence}"));
    text.message(Token::DONE, TELL)
}

/// The fingerprint of the proof that is the next packet.
pub(crate) fn read_proof(packets: &mut Packets) -> Result<String, Pause> {
    let text = read_text(packets, PROV)?;
    let value = lines(&text).find_map(|(key, value)| (key == "fingerprint").then_some(value));
    Ok(value.and_then(fingerprint).ok_or_else(|| nonsense(PROV, text.as_bytes()))?)
}

/// What the next packet, a refusal, says.
pub(crate) fn read_refusal(packets: &mut Packets) -> Result<ProtocolError, Pause> {
    let text = read_text(packets, TELL)?;
    let value = lines(&text).find_map(|(key, value)| (key == "refused").then_some(value));
    let (code, sentence) =
        value.and_then(|value| value.split_once(' ')).ok_or_else(|| nonsense(TELL, text.as_bytes()))?;
    Ok(ProtocolError::Refused { code: code.to_owned(), sentence: sentence.to_owned() })
}
