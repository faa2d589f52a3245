//! What only distcc-arch speaks: messages of one text each, whose lines are a key and a value. Knows no key's meaning.

use std::ffi::{OsStr, OsString};
use std::fmt::{self, Display, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use crate::decode::{Packets, Pause};
use crate::{ProtocolError, Token};

/// What stands in `DIST` and `DONE` in place of a version: distcc 3.4's daemon closes on it at once.
pub const EXTENSION: u32 = 0xda01;

/// The longest text, in bytes.
pub(crate) const LONGEST_TEXT: u32 = 64 * 1024;

/// Opens the text of an inquiry.
pub(crate) const ASKT: Token = Token::of("ASKT", "the rest of ASKT");
/// Opens the proof in front of a request.
pub(crate) const PROV: Token = Token::of("PROV", "the rest of PROV");
/// Opens the answer to either.
pub(crate) const TELL: Token = Token::of("TELL", "the rest of TELL");

/// A text in the making.
#[derive(Default)]
pub(crate) struct Text(String);

impl Text {
    /// One line more, if the text has room for it; what would not be one line is made so.
    pub(crate) fn line(&mut self, key: &str, value: impl Display) {
        let before = self.0.len();
        let value = value.to_string().replace(char::is_control, "?");
        writeln!(self.0, "{key} {value}").expect("memory takes all that is written");
        if self.0.len() > LONGEST_TEXT as usize {
            self.0.truncate(before);
        }
    }

    /// The message that is opened by `first` and says this under `token`.
    pub(crate) fn message(self, first: Token, token: Token) -> Vec<u8> {
        let mut bytes = first.header(EXTENSION).to_vec();
        bytes.extend(token.header(u32::try_from(self.0.len()).expect("a text has its limit")));
        bytes.extend(self.0.into_bytes());
        bytes
    }
}

/// The lines of the next packet, which must be a `token`.
pub(crate) fn read_text(packets: &mut Packets, token: Token) -> Result<String, Pause> {
    let text = packets.body(token, LONGEST_TEXT)?;
    let text = String::from_utf8(text).map_err(|error| nonsense(token, error.as_bytes()))?;
    match text.lines().find(|line| line.contains(char::is_control)) {
        None => Ok(text),
        Some(line) => Err(nonsense(token, line.as_bytes()).into()),
    }
}

/// Key and value of each line.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.lines().map(|line| line.split_once(' ').unwrap_or((line, "")))
}

/// That `seen` has no place under `token`.
pub(crate) fn nonsense(token: Token, seen: &[u8]) -> ProtocolError {
    ProtocolError::BadText {
        token: token.name(),
        seen: seen[..seen.len().min(80)].escape_ascii().to_string(),
    }
}

/// Bytes as one word of a line: what is no visible ASCII, and `%`, in hexadecimal behind a `%`.
pub(crate) struct Word<'a>(pub(crate) &'a OsStr);

impl Display for Word<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0.as_bytes() {
            match byte {
                b'%' | 0..=b' ' | 0x7f.. => write!(f, "%{byte:02x}")?,
                visible => f.write_char(char::from(*visible))?,
            }
        }
        Ok(())
    }
}

/// The bytes of a word; none if it has a `%` without two digits.
pub(crate) fn unword(word: &str) -> Option<OsString> {
    let mut pieces = word.split('%');
    let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        let digits = piece.get(..2).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend(&piece.as_bytes()[2..]);
    }
    Some(OsString::from_vec(bytes))
}

/// A fingerprint, if it looks like one: 64 lower-case hex digits.
pub(crate) fn fingerprint(word: &str) -> Option<String> {
    let digits = word.bytes().all(|digit| digit.is_ascii_digit() || (b'a'..=b'f').contains(&digit));
    (word.len() == 64 && digits).then(|| word.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        let check = |bytes: &[u8], word: &str| {
            assert_eq!(Word(OsStr::from_bytes(bytes)).to_string(), word);
            assert_eq!(unword(word), Some(OsString::from_vec(bytes.to_vec())));
        };
        check(b"gcc", "gcc");
        check(b"", "");
        check(b"g++-12", "g++-12");
        check(b"a b\n100%=\xff\x7f", "a%20b%0a100%25=%ff%7f");
        for wrong in ["%", "a%", "%2", "%2x", "%+1", "%\u{e4}"] {
            assert_eq!(unword(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_text_has_its_limit() {
        let mut text = Text::default();
        text.line("reason", "one\nline");
        text.line("long", "x".repeat(LONGEST_TEXT as usize));
        text.line("short", "y");
        let message = text.message(Token::DIST, ASKT);
        assert_eq!(message, b"DIST0000da01ASKT00000018reason one?line\nshort y\n");
    }

    #[test]
    fn fingerprints() {
        let whole = "0123456789abcdef".repeat(4);
        assert_eq!(fingerprint(&whole), Some(whole.clone()));
        for wrong in ["", "-", &whole[1..], &whole.replace('a', "A"), &whole.replace('0', "x")] {
            assert_eq!(fingerprint(wrong), None, "{wrong}");
        }
    }
}
