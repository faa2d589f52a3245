//! The header of a packet: four letters and eight hex digits, both ways. Knows no message and no limit.

use std::io::Write;

use crate::ProtocolError;

/// Letters and digits of one header together, in bytes.
pub(crate) const HEADER_BYTES: usize = 12;

/// How much of what came instead of a header goes into the error, in bytes.
const SEEN_BYTES: usize = 40;

/// The four letters that open a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Token {
    name: &'static str,
    rest: &'static str,
}

impl Token {
    /// Opens a request; its number is the protocol version.
    pub const DIST: Token = Token { name: "DIST", rest: "the rest of DIST" };
    /// How many arguments follow, the compiler included.
    pub const ARGC: Token = Token { name: "ARGC", rest: "the rest of ARGC" };
    /// One argument; never compressed.
    pub const ARGV: Token = Token { name: "ARGV", rest: "the rest of ARGV" };
    /// The preprocessed source.
    pub const DOTI: Token = Token { name: "DOTI", rest: "the rest of DOTI" };
    /// Opens a response; its number is the version of the request.
    pub const DONE: Token = Token { name: "DONE", rest: "the rest of DONE" };
    /// The compiler's wait status.
    pub const STAT: Token = Token { name: "STAT", rest: "the rest of STAT" };
    /// The compiler's standard error.
    pub const SERR: Token = Token { name: "SERR", rest: "the rest of SERR" };
    /// The compiler's standard output.
    pub const SOUT: Token = Token { name: "SOUT", rest: "the rest of SOUT" };
    /// The object file.
    pub const DOTO: Token = Token { name: "DOTO", rest: "the rest of DOTO" };
    /// The client's working directory (version 3).
    pub const CDIR: Token = Token { name: "CDIR", rest: "the rest of CDIR" };
    /// How many names follow, each with a file or a link (version 3).
    pub const NFIL: Token = Token { name: "NFIL", rest: "the rest of NFIL" };
    /// An absolute path of the client (version 3).
    pub const NAME: Token = Token { name: "NAME", rest: "the rest of NAME" };
    /// What is in the file of that name (version 3).
    pub const FILE: Token = Token { name: "FILE", rest: "the rest of FILE" };
    /// Where the link of that name leads (version 3).
    pub const LINK: Token = Token { name: "LINK", rest: "the rest of LINK" };
    /// What the object depends on, as a make rule (version 3).
    pub const DOTD: Token = Token { name: "DOTD", rest: "the rest of DOTD" };

    /// A token that only the include server and its clients use.
    pub(crate) const fn of(name: &'static str, rest: &'static str) -> Token {
        Token { name, rest }
    }

    /// The four letters.
    pub fn name(self) -> &'static str {
        self.name
    }

    /// What is missing when the peer stops inside the body.
    pub(crate) fn rest(self) -> &'static str {
        self.rest
    }

    /// This token with a number or a length: lower-case digits, padded with zeros.
    pub(crate) fn header(self, number: u32) -> [u8; HEADER_BYTES] {
        let mut header = [0; HEADER_BYTES];
        write!(&mut header[..], "{}{number:08x}", self.name).expect("four letters and eight digits fit");
        header
    }

    /// The number of the header that `arrived` starts with; `None` while it may yet become one.
    ///
    /// A wrong letter is an error as soon as it is seen, so that nobody waits for the rest of a stranger's banner.
    pub(crate) fn read(self, arrived: &[u8]) -> Result<Option<u32>, ProtocolError> {
        let letters = self.name.as_bytes();
        let compared = arrived.len().min(letters.len());
        if arrived[..compared] != letters[..compared] {
            return Err(self.derailed(arrived));
        }
        let Some(digits) = arrived.get(letters.len()..HEADER_BYTES) else {
            return Ok(None);
        };
        match hexadecimal(digits) {
            Some(number) => Ok(Some(number)),
            None => Err(ProtocolError::BadNumber { token: self.name, seen: printable(digits) }),
        }
    }

    /// That `arrived` stands where this had to come.
    pub(crate) fn derailed(self, arrived: &[u8]) -> ProtocolError {
        ProtocolError::Derailed { expected: self.name, seen: printable(arrived) }
    }
}

/// How a job is spoken: what `DIST` announces and `DONE` repeats.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Version {
    /// Spoken like 1 and answered with 0: C distccd takes it, no client is known to send it.
    Zero,
    /// Everything plain.
    One,
    /// The bulk bodies (source, messages, object) are LZO1X-compressed.
    Two,
    /// Like 2, with the source and the headers it needs as they are, to be preprocessed by the server.
    Three,
}

impl Version {
    /// The number in `DIST` and `DONE`.
    pub fn number(self) -> u32 {
        match self {
            Version::Zero => 0,
            Version::One => 1,
            Version::Two => 2,
            Version::Three => 3,
        }
    }

    /// Whether bulk bodies are LZO1X-compressed.
    pub fn compresses(self) -> bool {
        matches!(self, Version::Two | Version::Three)
    }

    /// The version that a client asks for.
    pub(crate) fn from_number(number: u32) -> Result<Version, ProtocolError> {
        match number {
            0 => Ok(Version::Zero),
            1 => Ok(Version::One),
            2 => Ok(Version::Two),
            3 => Ok(Version::Three),
            _ => Err(ProtocolError::UnsupportedVersion(number)),
        }
    }
}

/// C distcc also takes blanks, a sign and `0x`, but nobody sends them.
fn hexadecimal(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |number, digit| Some(number << 4 | char::from(*digit).to_digit(16)?))
}

fn printable(seen: &[u8]) -> String {
    seen[..seen.len().min(SEEN_BYTES)].escape_ascii().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_written_in_lower_case() {
        assert_eq!(&Token::DOTI.header(0xb), b"DOTI0000000b");
        assert_eq!(&Token::STAT.header(0xffff_ffff), b"STATffffffff");
    }

    #[test]
    fn headers_are_read_strictly() {
        let derailed = |seen: &str| Err(ProtocolError::Derailed { expected: "DONE", seen: seen.to_owned() });
        let bad = |seen: &str| Err(ProtocolError::BadNumber { token: "DONE", seen: seen.to_owned() });
        let check = |arrived: &str, expected| {
            assert_eq!(Token::DONE.read(arrived.as_bytes()), expected, "{arrived:?}");
        };
        check("", Ok(None));
        check("DON", Ok(None));
        check("DONE0000000", Ok(None));
        check("DONE00000001", Ok(Some(1)));
        check("DONE00000001STAT", Ok(Some(1)));
        check("DONEfFfFfFfF", Ok(Some(0xffff_ffff)));
        check("X", derailed("X"));
        check("done00000001", derailed("done00000001"));
        check("STAT00000000", derailed("STAT00000000"));
        check("220 hi\r\n", derailed("220 hi\\r\\n"));
        check("DONE+0000001", bad("+0000001"));
        check("DONE-0000001", bad("-0000001"));
        check("DONE       1", bad("       1"));
        check("DONE0x000001", bad("0x000001"));
        check("DONE0000001g", bad("0000001g"));
        check("DONE0000001\0", bad("0000001\\x00"));
    }

    #[test]
    fn versions_keep_their_number() {
        for number in 0..4 {
            assert_eq!(Version::from_number(number).map(Version::number), Ok(number));
        }
        for number in [4, 5, 0xffff_ffff] {
            assert_eq!(Version::from_number(number), Err(ProtocolError::UnsupportedVersion(number)));
        }
    }
}
