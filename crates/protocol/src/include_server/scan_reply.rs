//! What the include server says of a command: `BUSY`…, then `FITS` or `CANT`. Knows not how it came to that.

use std::ffi::OsString;
use std::path::PathBuf;

use super::{BUSY, ScanRequest, read_sentence, sentence};
use crate::decode::{Packets, Pause, Progress, check_limit, progress};
use crate::request::append_words;
use crate::sources::{append_path, read_path};
use crate::words::{Form, Words};
use crate::{Limits, ProtocolError, Token};

/// All files are known; its number is how many names there are to send.
const FITS: Token = Token::of("FITS", "the rest of FITS");
/// What the name that follows is.
const KIND: Token = Token::of("KIND", "the rest of KIND");
/// How many names follow that the compiler reads and the scan lacks.
const MISS: Token = Token::of("MISS", "the rest of MISS");
/// The files cannot be known.
const CANT: Token = Token::of("CANT", "the rest of CANT");
const A_REPLY: Token = Token::of("BUSY, FITS or CANT", "the rest of BUSY, FITS or CANT");

/// What the include server says of a command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ScanReply {
    /// It works; the next reply will come within a second or so.
    Busy,
    /// All files that the command needs are known.
    Fits {
        /// How many names there are to send.
        entries: u32,
        /// The names, if they were asked for.
        listed: Vec<Listed>,
        /// What the compiler reads and the scan lacks, if that was asked for.
        missing: Vec<PathBuf>,
    },
    /// The command has to be preprocessed here.
    Cannot {
        /// A word for the reason.
        code: String,
        /// The reason.
        sentence: String,
    },
}

/// One name that there is to send.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listed {
    /// What it is.
    pub kind: Kind,
    /// Absolute.
    pub name: PathBuf,
}

/// What a name is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A file, sent whole.
    File,
    /// A symbolic link.
    Link,
    /// A directory that the server has as well.
    SystemDirectory,
    /// A directory that has to exist.
    Directory,
}

/// Their numbers are their places.
const KINDS: [Kind; 4] = [Kind::File, Kind::Link, Kind::SystemDirectory, Kind::Directory];

impl Kind {
    fn number(self) -> u32 {
        KINDS.iter().position(|kind| *kind == self).expect("all kinds are listed") as u32
    }

    fn from_number(number: u32) -> Result<Kind, ProtocolError> {
        KINDS
            .get(number as usize)
            .copied()
            .ok_or_else(|| ProtocolError::BadNumber { token: KIND.name(), seen: format!("{number:08x}") })
    }
}

impl ScanReply {
    /// The whole reply to `request`.
    pub fn encode(&self, request: &ScanRequest) -> Vec<u8> {
        match self {
            ScanReply::Busy => BUSY.header(0).to_vec(),
            ScanReply::Fits { entries, listed, missing } => {
                let mut bytes = Vec::from(FITS.header(*entries));
                if request.list {
                    for Listed { kind, name } in listed {
                        bytes.extend(KIND.header(kind.number()));
                        append_path(&mut bytes, Token::NAME, name);
                    }
                }
                if request.compare {
                    let missing: Vec<OsString> = missing.iter().map(OsString::from).collect();
                    append_words(&mut bytes, MISS, Token::NAME, &missing);
                }
                bytes
            }
            ScanReply::Cannot { code, sentence: text } => sentence(CANT, &format!("{code}: {text}")),
        }
    }
}

/// One reply out of bytes as they come, at the client: used like [`crate::ResponseDecoder`]. After [`ScanReply::Busy`]
/// a new one reads the next.
pub struct ScanReplyDecoder {
    packets: Packets,
    limits: Limits,
    list: bool,
    compare: bool,
    opened: Option<Token>,
    entries: Option<u32>,
    kind: Option<Kind>,
    listed: Vec<Listed>,
    names_bytes: u32,
    missing: Words,
}

impl ScanReplyDecoder {
    /// Before the first byte of a reply to `request`.
    pub fn new(request: &ScanRequest) -> Self {
        ScanReplyDecoder {
            packets: Packets::new(A_REPLY),
            limits: Limits::default(),
            list: request.list,
            compare: request.compare,
            opened: None,
            entries: None,
            kind: None,
            listed: Vec::new(),
            names_bytes: 0,
            missing: Words::default(),
        }
    }

    /// Where to read to; it is never empty while a reply is awaited.
    pub fn space(&mut self) -> &mut [u8] {
        let packets = match self.entries {
            None => 1,
            Some(entries) => {
                let listed = if self.list { 2 * (entries as usize - self.listed.len()) } else { 0 };
                let missing = if self.compare { self.missing.packets() } else { 0 };
                listed - usize::from(self.kind.is_some()) + missing
            }
        };
        self.packets.space(packets)
    }

    /// `count` bytes have come into the space; 0 means that the server has closed.
    ///
    /// # Errors
    /// What is wrong with the bytes.
    ///
    /// # Panics
    /// If `count` is more than there was space for.
    pub fn advance(&mut self, count: usize) -> Result<Progress<ScanReply>, ProtocolError> {
        self.packets.advance(count)?;
        progress(self.proceed())
    }

    fn proceed(&mut self) -> Result<ScanReply, Pause> {
        let opened = match self.opened {
            Some(opened) => opened,
            None => *self.opened.insert(self.packets.one_of(&[BUSY, FITS, CANT], A_REPLY)?),
        };
        match opened {
            BUSY => self.packets.number(BUSY).map(|_| ScanReply::Busy),
            CANT => {
                let text = read_sentence(&mut self.packets, CANT)?;
                let (code, sentence) = text.split_once(": ").unwrap_or(("", &text));
                Ok(ScanReply::Cannot { code: code.to_owned(), sentence: sentence.to_owned() })
            }
            _ => self.fits(),
        }
    }

    fn fits(&mut self) -> Result<ScanReply, Pause> {
        let entries = match self.entries {
            Some(entries) => entries,
            None => {
                let entries = self.packets.number(FITS)?;
                check_limit(FITS, entries, self.limits.names)?;
                *self.entries.insert(entries)
            }
        };
        while self.list && self.listed.len() < entries as usize {
            let listed = self.next_listed()?;
            self.listed.push(listed);
        }
        if self.compare {
            self.missing.proceed(&mut self.packets, &missing_form(&self.limits))?;
        }
        let missing = self.missing.take().into_iter().map(PathBuf::from).collect();
        Ok(ScanReply::Fits { entries, listed: std::mem::take(&mut self.listed), missing })
    }

    fn next_listed(&mut self) -> Result<Listed, Pause> {
        let kind = match self.kind {
            Some(kind) => kind,
            None => *self.kind.insert(Kind::from_number(self.packets.number(KIND)?)?),
        };
        let limit = self.limits.name_bytes.min(self.limits.names_bytes - self.names_bytes);
        let name = read_path(&mut self.packets, Token::NAME, limit)?;
        self.names_bytes += name.as_os_str().len() as u32;
        self.kind = None;
        Ok(Listed { kind, name })
    }
}

fn missing_form(limits: &Limits) -> Form {
    Form {
        count: MISS,
        word: Token::NAME,
        most: limits.names,
        word_bytes: limits.name_bytes,
        all_bytes: limits.names_bytes,
        nul: || ProtocolError::NulInName,
    }
}
