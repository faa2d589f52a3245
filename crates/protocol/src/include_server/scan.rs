//! What a client asks the include server: `SCAN`, `CDIR`, `ENVC`, `ENVV`…, `ARGC`, `ARGV`…, `OPTN`. Knows not what the
//! words mean.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use crate::decode::{Packets, Pause, Progress, progress};
use crate::request::{append_words, args_form};
use crate::sources::{append_path, read_path};
use crate::words::{Form, Words};
use crate::{Limits, ProtocolError, Token};

/// Opens the conversation; its number is the version of what follows.
const SCAN: Token = Token::of("SCAN", "the rest of SCAN");
/// How many variables follow.
const ENVC: Token = Token::of("ENVC", "the rest of ENVC");
/// One variable, as `NAME=value`.
const ENVV: Token = Token::of("ENVV", "the rest of ENVV");
/// What else is wanted, in bits.
const OPTN: Token = Token::of("OPTN", "the rest of OPTN");
/// How a conversation may begin: ours, and that of distcc 3.4.
const SCAN_OR_CDIR: Token = Token::of("SCAN or CDIR", "the rest of SCAN or CDIR");

const VERSION: u32 = 1;
const COMPARE: u32 = 1;
const LIST: u32 = 2;

/// How many variables a client may send: its scan needs a dozen.
const MOST_VARIABLES: u32 = 1024;

/// What distcc 3.4 is answered: it takes it for "this cannot be analysed" and preprocesses by itself.
pub const CANNOT_ANALYSE: [u8; 12] = *b"ARGC00000000";

/// A command whose files are wanted.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ScanRequest {
    /// Where the client works.
    pub directory: PathBuf,
    /// Variables that the compiler heeds.
    pub environment: Vec<(OsString, OsString)>,
    /// The compiler and its words.
    pub words: Vec<OsString>,
    /// Whether the compiler itself is to be asked as well, and differences told.
    pub compare: bool,
    /// Whether the files are to be listed.
    pub list: bool,
}

/// How a conversation began.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Opening {
    /// As one of ours.
    Scan(ScanRequest),
    /// As one of distcc 3.4, which is answered [`CANNOT_ANALYSE`].
    OtherProgram,
}

impl ScanRequest {
    /// The whole request.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend(SCAN.header(VERSION));
        append_path(&mut bytes, Token::CDIR, &self.directory);
        let variables: Vec<OsString> =
            self.environment.iter().map(|(name, value)| variable(name, value)).collect();
        append_words(&mut bytes, ENVC, ENVV, &variables);
        append_words(&mut bytes, Token::ARGC, Token::ARGV, &self.words);
        let compare = if self.compare { COMPARE } else { 0 };
        let list = if self.list { LIST } else { 0 };
        bytes.extend(OPTN.header(compare | list));
        bytes
    }
}

fn variable(name: &OsStr, value: &OsStr) -> OsString {
    OsString::from_vec([name.as_bytes(), b"=", value.as_bytes()].concat())
}

/// The beginning of a conversation out of bytes as they come, at the server: used like [`crate::RequestDecoder`].
pub struct ScanRequestDecoder {
    packets: Packets,
    limits: Limits,
    opened: bool,
    directory: Option<PathBuf>,
    variables: Words,
    args: Words,
}

impl Default for ScanRequestDecoder {
    fn default() -> Self {
        ScanRequestDecoder {
            packets: Packets::new(SCAN),
            limits: Limits::default(),
            opened: false,
            directory: None,
            variables: Words::default(),
            args: Words::default(),
        }
    }
}

impl ScanRequestDecoder {
    /// Where to read to; it is never empty while more is awaited.
    pub fn space(&mut self) -> &mut [u8] {
        let before = usize::from(!self.opened) + usize::from(self.directory.is_none());
        self.packets.space(before + self.variables.packets() + self.args.packets() + 1)
    }

    /// `count` bytes have come into the space; 0 means that the client has closed.
    ///
    /// # Errors
    /// What is wrong with the bytes.
    ///
    /// # Panics
    /// If `count` is more than there was space for.
    pub fn advance(&mut self, count: usize) -> Result<Progress<Opening>, ProtocolError> {
        self.packets.advance(count)?;
        progress(self.proceed())
    }

    fn proceed(&mut self) -> Result<Opening, Pause> {
        if !self.opened {
            if self.packets.one_of(&[SCAN, Token::CDIR], SCAN_OR_CDIR)? == Token::CDIR {
                return Ok(Opening::OtherProgram);
            }
            let version = self.packets.number(SCAN)?;
            if version != VERSION {
                return Err(ProtocolError::UnsupportedVersion(version).into());
            }
            self.opened = true;
        }
        if self.directory.is_none() {
            self.directory = Some(read_path(&mut self.packets, Token::CDIR, self.limits.name_bytes)?);
        }
        let args = args_form(&self.limits);
        self.variables
            .proceed(&mut self.packets, &Form { count: ENVC, word: ENVV, most: MOST_VARIABLES, ..args })?;
        if self.args.proceed(&mut self.packets, &args)? == 0 {
            return Err(ProtocolError::NoArguments.into());
        }
        let options = self.packets.number(OPTN)?;
        if options & !(COMPARE | LIST) != 0 {
            let seen = format!("{options:08x}");
            return Err(ProtocolError::BadNumber { token: OPTN.name(), seen }.into());
        }
        Ok(Opening::Scan(ScanRequest {
            directory: self.directory.take().unwrap_or_default(),
            environment: self.variables.take().into_iter().map(split).collect::<Result<_, _>>()?,
            words: self.args.take(),
            compare: options & COMPARE != 0,
            list: options & LIST != 0,
        }))
    }
}

fn split(variable: OsString) -> Result<(OsString, OsString), ProtocolError> {
    let mut bytes = variable.into_vec();
    match bytes.iter().position(|byte| *byte == b'=') {
        None | Some(0) => Err(ProtocolError::NamelessVariable),
        Some(at) => {
            let value = bytes.split_off(at + 1);
            bytes.truncate(at);
            Ok((OsString::from_vec(bytes), OsString::from_vec(value)))
        }
    }
}
