//! A request, field by field, in wire order: `DIST`, `ARGC`, `ARGV`…, `DOTI`. Knows not what the arguments mean.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use crate::compression::{most_unpacked, original, transmitted};
use crate::decode::{Packets, Pause, Progress, check_limit, progress};
use crate::token::HEADER_BYTES;
use crate::{Limits, ProtocolError, Token, Version};

/// What a job asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Request {
    /// How the client speaks, and so how it is answered.
    pub version: Version,
    /// The command; the first word is the compiler, and there is one.
    pub args: Vec<OsString>,
    /// The preprocessed source, unpacked.
    pub source: Vec<u8>,
}

/// A request that has come whole; its source is still as it was transmitted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Arrived {
    version: Version,
    args: Vec<OsString>,
    source: Vec<u8>,
    longest: usize,
}

impl Arrived {
    /// Memory that the source takes while it is unpacked, at most, in bytes.
    pub fn will_hold(&self) -> usize {
        self.source.len().saturating_add(most_unpacked(self.version, self.source.len(), self.longest))
    }

    /// The request with its source unpacked.
    ///
    /// # Errors
    /// The source is damaged, or longer than [`Limits::unpacked_bytes`].
    pub fn unpack(self) -> Result<Request, ProtocolError> {
        let Arrived { version, args, source, longest } = self;
        Ok(Request { version, args, source: original(version, source, longest)? })
    }
}

/// `DIST`, `ARGC` and `ARGV`…: everything before `DOTI`, which can be sent while the source is not ready.
pub fn request_head(version: Version, args: &[OsString]) -> Vec<u8> {
    let length: usize = args.iter().map(|arg| HEADER_BYTES + arg.len()).sum();
    let mut bytes = Vec::with_capacity(2 * HEADER_BYTES + length);
    bytes.extend(Token::DIST.header(version.number()));
    bytes.extend(
        Token::ARGC.header(wire_length(Token::ARGC, args.len()).expect("a command has less than 4 Gi words")),
    );
    for arg in args {
        bytes.extend(
            Token::ARGV.header(wire_length(Token::ARGV, arg.len()).expect("a word has less than 4 GiB")),
        );
        bytes.extend(arg.as_bytes());
    }
    bytes
}

/// What announces a body of `length` bytes as transmitted.
pub fn bulk_header(token: Token, length: u32) -> [u8; HEADER_BYTES] {
    token.header(length)
}

/// The whole request in one buffer; `source` is packed if the version says so.
///
/// # Errors
/// [`ProtocolError::TooLong`] if the source as transmitted has a length that 32 bits cannot say.
pub fn encode_request(version: Version, args: &[OsString], source: &[u8]) -> Result<Vec<u8>, ProtocolError> {
    let mut bytes = request_head(version, args);
    append_bulk(&mut bytes, version, Token::DOTI, source)?;
    Ok(bytes)
}

/// One bulk packet after what is already in `bytes`.
pub(crate) fn append_bulk(
    bytes: &mut Vec<u8>,
    version: Version,
    token: Token,
    body: &[u8],
) -> Result<(), ProtocolError> {
    let body = transmitted(version, body);
    bytes.reserve(HEADER_BYTES + body.len());
    bytes.extend(bulk_header(token, wire_length(token, body.len())?));
    bytes.extend_from_slice(&body);
    Ok(())
}

fn wire_length(token: Token, length: usize) -> Result<u32, ProtocolError> {
    u32::try_from(length).map_err(|_| ProtocolError::TooLong {
        what: token.name(),
        claimed: length as u64,
        limit: u32::MAX.into(),
    })
}

/// A request out of bytes as they come: read into [`space`](Self::space), tell with [`advance`](Self::advance) how
/// many came, until there is a request or an error; then drop it.
///
/// It holds what has arrived and a bounded step more, however much is claimed, and reads nothing behind the request.
pub struct RequestDecoder {
    limits: Limits,
    packets: Packets,
    version: Option<Version>,
    /// What `ARGC` claims, once it has come.
    count: Option<usize>,
    args: Vec<OsString>,
    args_bytes: u32,
}

impl RequestDecoder {
    /// Before the first byte.
    pub fn new(limits: Limits) -> Self {
        RequestDecoder {
            limits,
            packets: Packets::new(Token::DIST),
            version: None,
            count: None,
            args: Vec::new(),
            args_bytes: 0,
        }
    }

    /// Where to read to; it is never empty while a request is awaited.
    pub fn space(&mut self) -> &mut [u8] {
        let args = self.count.unwrap_or(0) - self.args.len();
        let numbers = usize::from(self.version.is_none()) + usize::from(self.count.is_none());
        self.packets.space(numbers + args + 1)
    }

    /// `count` bytes have come into the space; 0 means that the client has closed.
    ///
    /// # Errors
    /// What is wrong with the bytes. `Truncated { expected: "DOTI" }` is a client whose preprocessor failed.
    ///
    /// # Panics
    /// If `count` is more than there was space for.
    pub fn advance(&mut self, count: usize) -> Result<Progress<Arrived>, ProtocolError> {
        self.packets.advance(count)?;
        progress(self.proceed())
    }

    /// The command, once it has come whole.
    pub fn args(&self) -> Option<&[OsString]> {
        (self.count == Some(self.args.len())).then_some(&self.args)
    }

    /// Memory set aside for what has come and is to come, once [`space`](Self::space) is called again: in bytes, but for
    /// the small room that headers are read through.
    pub fn will_hold(&self) -> usize {
        self.packets.will_hold() + self.args_hold()
    }

    /// Memory set aside for what has come and is to come.
    #[cfg(test)]
    pub(crate) fn held(&self) -> usize {
        self.packets.held() + self.args_hold()
    }

    fn args_hold(&self) -> usize {
        self.args_bytes as usize + self.args.capacity() * size_of::<OsString>()
    }

    fn proceed(&mut self) -> Result<Arrived, Pause> {
        let version = match self.version {
            Some(version) => version,
            None => *self.version.insert(Version::from_number(self.packets.number(Token::DIST)?)?),
        };
        let count = match self.count {
            Some(count) => count,
            None => {
                let count = self.packets.number(Token::ARGC)?;
                check_limit(Token::ARGC, count, self.limits.args)?;
                *self.count.insert(count as usize)
            }
        };
        if count == 0 {
            return Err(ProtocolError::NoArguments.into());
        }
        while self.args.len() < count {
            let arg = self.next_arg()?;
            self.args.push(arg);
        }
        let source = self.packets.body(Token::DOTI, self.limits.bulk_bytes)?;
        let args = std::mem::take(&mut self.args);
        Ok(Arrived { version, args, source, longest: self.limits.unpacked_bytes })
    }

    fn next_arg(&mut self) -> Result<OsString, Pause> {
        let limit = self.limits.arg_bytes.min(self.limits.args_bytes - self.args_bytes);
        let word = self.packets.body(Token::ARGV, limit)?;
        if word.contains(&0) {
            return Err(ProtocolError::NulInArgument.into());
        }
        self.args_bytes += word.len() as u32;
        Ok(OsString::from_vec(word))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_have_32_bits() {
        let check =
            |length, expected| assert_eq!(wire_length(Token::DOTI, length).ok(), expected, "{length}");
        check(0, Some(0));
        check(0xffff_ffff, Some(0xffff_ffff));
        check(0x1_0000_0000, None);
        check(usize::MAX, None);
    }
}
