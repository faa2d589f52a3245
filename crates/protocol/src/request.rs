//! A request, field by field, in wire order: `DIST`, in version 3 `CDIR`, `ARGC`, `ARGV`…, and `DOTI`, or in version 3
//! files; or an inquiry instead, or a proof in front of it. Knows not what the arguments mean.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::compression::{most_unpacked, original, transmitted};
use crate::decode::{Packets, Pause, Progress, progress};
use crate::extension::{ASKT, EXTENSION, PROV};
use crate::inquiry::Inquiry;
use crate::proof::{Proof, read_proof};
use crate::sources::{ArrivedFiles, Files, read_path};
use crate::token::HEADER_BYTES;
use crate::words::{Form, Words};
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

/// A request that has come whole.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Arrived {
    /// Of a version below 3.
    Text(ArrivedText),
    /// Of version 3.
    Files(ArrivedFiles),
    /// No job at all.
    Inquiry(Inquiry),
}

/// A request for preprocessed text that has come whole; its source is still as it was transmitted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ArrivedText {
    /// How the client speaks, and so how it is answered.
    pub version: Version,
    /// The command; the first word is the compiler, and there is one.
    pub args: Vec<OsString>,
    source: Vec<u8>,
    longest: usize,
}

impl ArrivedText {
    /// Memory that the source takes while it is unpacked, at most, in bytes.
    pub fn will_hold(&self) -> usize {
        self.source.len().saturating_add(most_unpacked(self.version, self.source.len(), self.longest))
    }

    /// The request with its source unpacked.
    ///
    /// # Errors
    /// The source is damaged, or longer than [`Limits::unpacked_bytes`].
    pub fn unpack(self) -> Result<Request, ProtocolError> {
        let ArrivedText { version, args, source, longest } = self;
        Ok(Request { version, args, source: original(version, source, longest)? })
    }
}

/// `DIST`, `ARGC` and `ARGV`…: everything before `DOTI`, which can be sent while the source is not ready. For the
/// versions below 3; [`crate::sources_head`] is that of version 3.
pub fn request_head(version: Version, args: &[OsString]) -> Vec<u8> {
    let length: usize = args.iter().map(|arg| HEADER_BYTES + arg.len()).sum();
    let mut bytes = Vec::with_capacity(2 * HEADER_BYTES + length);
    bytes.extend(Token::DIST.header(version.number()));
    append_words(&mut bytes, Token::ARGC, Token::ARGV, args);
    bytes
}

/// A list of words after what is already in `bytes`.
pub(crate) fn append_words(bytes: &mut Vec<u8>, count: Token, word: Token, words: &[OsString]) {
    bytes.extend(count.header(short_length(words.len())));
    for text in words {
        bytes.extend(word.header(short_length(text.len())));
        bytes.extend(text.as_bytes());
    }
}

/// The length or count of what a process was given, or a path.
pub(crate) fn short_length(length: usize) -> u32 {
    u32::try_from(length).expect("no command has 4 Gi words or 4 GiB, and no path is as long")
}

/// What announces a body of `length` bytes as transmitted.
pub fn bulk_header(token: Token, length: u32) -> [u8; HEADER_BYTES] {
    token.header(length)
}

/// The whole request of a version below 3 in one buffer; `source` is packed if the version says so.
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

/// What stands behind our own `DIST`.
const ASKT_OR_PROV: Token = Token::of("ASKT or PROV", "the rest of ASKT or PROV");

/// How far the words of our own are known that may come first.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Opening {
    /// Nothing is.
    Any,
    /// There are some.
    Extension,
    /// They are all that there is.
    Inquiry,
    /// A request follows.
    Proof,
    /// What comes is an ordinary request.
    Request,
}

/// A request out of bytes as they come: read into [`space`](Self::space), tell with [`advance`](Self::advance) how
/// many came, until there is a request or an error; then drop it.
///
/// It holds what has arrived and a bounded step more, however much is claimed, and reads nothing behind the request.
pub struct RequestDecoder {
    limits: Limits,
    packets: Packets,
    opening: Opening,
    proof: Option<Proof>,
    version: Option<Version>,
    directory: Option<PathBuf>,
    args: Words,
    files: Files,
}

impl RequestDecoder {
    /// Before the first byte.
    pub fn new(limits: Limits) -> Self {
        RequestDecoder {
            limits,
            packets: Packets::new(Token::DIST),
            opening: Opening::Any,
            proof: None,
            version: None,
            directory: None,
            args: Words::default(),
            files: Files::default(),
        }
    }

    /// Where to read to; it is never empty while a request is awaited.
    pub fn space(&mut self) -> &mut [u8] {
        match self.opening {
            // An inquiry is the shortest of all messages.
            Opening::Any => return self.packets.space(2),
            Opening::Extension | Opening::Inquiry | Opening::Proof => return self.packets.space(1),
            Opening::Request => {}
        }
        let before = match self.version {
            None => 1,
            Some(Version::Three) => usize::from(self.directory.is_none()),
            Some(_) => 0,
        };
        // One `DOTI`, or an `NFIL` and what it announces.
        self.packets.space(before + self.args.packets() + self.files.packets())
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

    /// Which compiler has to serve the request, if that has come in front of it.
    pub fn proof(&self) -> Option<&Proof> {
        self.proof.as_ref()
    }

    /// How the client speaks, once that has come.
    pub fn version(&self) -> Option<Version> {
        self.version
    }

    /// Where the client works, once that has come; versions below 3 do not tell.
    pub fn directory(&self) -> Option<&Path> {
        self.directory.as_deref()
    }

    /// The command, once it has come whole.
    pub fn args(&self) -> Option<&[OsString]> {
        self.args.whole()
    }

    /// Memory set aside for what has come and is to come, once [`space`](Self::space) is called again: in bytes, but for
    /// the small room that headers are read through.
    pub fn will_hold(&self) -> usize {
        self.packets.will_hold() + self.args.hold() + self.files.hold()
    }

    /// Memory set aside for what has come and is to come.
    #[cfg(test)]
    pub(crate) fn held(&self) -> usize {
        self.packets.held() + self.args.hold() + self.files.hold()
    }

    fn proceed(&mut self) -> Result<Arrived, Pause> {
        if self.opening != Opening::Request
            && let Some(inquiry) = self.open()?
        {
            return Ok(Arrived::Inquiry(inquiry));
        }
        let version = match self.version {
            Some(version) => version,
            None => *self.version.insert(Version::from_number(self.packets.number(Token::DIST)?)?),
        };
        if version == Version::Three && self.directory.is_none() {
            self.directory = Some(read_path(&mut self.packets, Token::CDIR, self.limits.name_bytes)?);
        }
        if self.args.proceed(&mut self.packets, &args_form(&self.limits))? == 0 {
            return Err(ProtocolError::NoArguments.into());
        }
        match version {
            Version::Three => self.read_files().map(Arrived::Files),
            _ => self.read_text(version).map(Arrived::Text),
        }
    }

    /// What may come before a request, or in its place.
    fn open(&mut self) -> Result<Option<Inquiry>, Pause> {
        if self.opening == Opening::Any {
            self.opening = match self.packets.number(Token::DIST)? {
                EXTENSION => Opening::Extension,
                number => {
                    self.version = Some(Version::from_number(number)?);
                    Opening::Request
                }
            };
        }
        if self.opening == Opening::Extension {
            let opened = self.packets.one_of(&[ASKT, PROV], ASKT_OR_PROV)?;
            self.opening = if opened == ASKT { Opening::Inquiry } else { Opening::Proof };
        }
        if self.opening == Opening::Inquiry {
            return Inquiry::read(&mut self.packets).map(Some);
        }
        if self.opening == Opening::Proof {
            self.proof = Some(read_proof(&mut self.packets)?);
            self.opening = Opening::Request;
        }
        Ok(None)
    }

    fn read_text(&mut self, version: Version) -> Result<ArrivedText, Pause> {
        let source = self.packets.body(Token::DOTI, self.limits.bulk_bytes)?;
        Ok(ArrivedText { version, args: self.args.take(), source, longest: self.limits.unpacked_bytes })
    }

    fn read_files(&mut self) -> Result<ArrivedFiles, Pause> {
        let entries = self.files.proceed(&mut self.packets, &self.limits)?;
        Ok(ArrivedFiles {
            args: self.args.take(),
            directory: self.directory.take().unwrap_or_default(),
            entries,
        })
    }
}

/// `ARGC` and `ARGV`….
pub(crate) fn args_form(limits: &Limits) -> Form {
    Form {
        count: Token::ARGC,
        word: Token::ARGV,
        most: limits.args,
        word_bytes: limits.arg_bytes,
        all_bytes: limits.args_bytes,
        nul: || ProtocolError::NulInArgument,
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
