//! What version 3 sends instead of preprocessed text: a directory, the command, and the client's files and links by
//! their names. Knows neither disks nor what a command needs.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use crate::decode::{Packets, Pause, check_limit};
use crate::request::{append_words, short_length};
use crate::token::HEADER_BYTES;
use crate::{Limits, ProtocolError, Token, Version};

/// A file of this name without a body only says that its directory exists.
pub const MARKER: &str = "forcing_technique_271828";

/// What stands behind a name.
const FILE_OR_LINK: Token = Token::of("FILE or LINK", "the rest of FILE or LINK");

/// What an allocation costs besides its bytes.
const ALLOCATION: usize = 16;

/// A request of version 3 that has come whole; the files are still as they were transmitted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ArrivedFiles {
    /// The command; the first word is the compiler, and there is one.
    pub args: Vec<OsString>,
    /// Where the client works.
    pub directory: PathBuf,
    /// In wire order, as they came: nothing is known of the names but that they have no NUL byte.
    pub entries: Vec<FileEntry>,
}

/// One name of the client.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileEntry {
    /// As it came.
    pub name: PathBuf,
    /// What has that name.
    pub content: Content,
}

/// What a name stands for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Content {
    /// A file, compressed as [`crate::pack_file`] does it. Without a single byte it is an empty file, or a [`MARKER`].
    File(Vec<u8>),
    /// A symbolic link: where it leads, as it came.
    Link(PathBuf),
}

impl ArrivedFiles {
    /// Memory that it takes, in bytes.
    pub fn holds(&self) -> usize {
        let words: usize = self.args.iter().map(|arg| size_of::<OsString>() + arg.len()).sum();
        let entries: usize = self.entries.iter().map(FileEntry::holds).sum();
        words + entries + self.directory.as_os_str().len()
    }
}

impl FileEntry {
    fn holds(&self) -> usize {
        let content = match &self.content {
            Content::File(body) => body.len(),
            Content::Link(target) => target.as_os_str().len(),
        };
        size_of::<FileEntry>() + 2 * ALLOCATION + self.name.as_os_str().len() + content
    }
}

/// `DIST`, `CDIR`, `ARGC` and `ARGV`…: everything before `NFIL`.
pub fn sources_head(directory: &Path, args: &[OsString]) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(Token::DIST.header(Version::Three.number()));
    append_path(&mut bytes, Token::CDIR, directory);
    append_words(&mut bytes, Token::ARGC, Token::ARGV, args);
    bytes
}

/// What announces so many names.
pub fn files_header(count: u32) -> [u8; HEADER_BYTES] {
    Token::NFIL.header(count)
}

/// What announces the file `name` with a body of `packed` bytes as transmitted, which is to follow.
pub fn file_head(name: &Path, packed: u32) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(2 * HEADER_BYTES + name.as_os_str().len());
    append_path(&mut bytes, Token::NAME, name);
    bytes.extend(Token::FILE.header(packed));
    bytes
}

/// The link `name` that leads to `target`.
pub fn link(name: &Path, target: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    append_path(&mut bytes, Token::NAME, name);
    append_path(&mut bytes, Token::LINK, target);
    bytes
}

/// One path after what is already in `bytes`.
pub(crate) fn append_path(bytes: &mut Vec<u8>, token: Token, path: &Path) {
    let path = path.as_os_str().as_bytes();
    bytes.extend(token.header(short_length(path.len())));
    bytes.extend(path);
}

/// A path out of the next packet, of at most `limit` bytes.
pub(crate) fn read_path(packets: &mut Packets, token: Token, limit: u32) -> Result<PathBuf, Pause> {
    let path = packets.body(token, limit)?;
    if path.contains(&0) {
        return Err(ProtocolError::NulInName.into());
    }
    Ok(PathBuf::from(OsString::from_vec(path)))
}

/// `NFIL` and what follows it, on its way in.
#[derive(Default)]
pub(crate) struct Files {
    /// What `NFIL` claims, once it has come.
    count: Option<usize>,
    entries: Vec<FileEntry>,
    /// The name that waits for its content.
    name: Option<PathBuf>,
    /// Which content it has, once that is known.
    kind: Option<Token>,
    names_bytes: u32,
    bodies_bytes: u32,
}

impl Files {
    /// How many packets it must still have.
    pub(crate) fn packets(&self) -> usize {
        self.count.map_or(1, |count| 2 * (count - self.entries.len()) - usize::from(self.name.is_some()))
    }

    /// Memory set aside, in bytes.
    pub(crate) fn hold(&self) -> usize {
        let entries = self.entries.capacity() * size_of::<FileEntry>() + self.entries.len() * 2 * ALLOCATION;
        self.names_bytes as usize + self.bodies_bytes as usize + entries
    }

    /// Takes what has arrived of it; all entries, when they have.
    pub(crate) fn proceed(
        &mut self,
        packets: &mut Packets,
        limits: &Limits,
    ) -> Result<Vec<FileEntry>, Pause> {
        let count = match self.count {
            Some(count) => count,
            None => {
                let count = packets.number(Token::NFIL)?;
                check_limit(Token::NFIL, count, limits.names)?;
                *self.count.insert(count as usize)
            }
        };
        while self.entries.len() < count {
            if self.name.is_none() {
                self.name = Some(self.next_path(packets, Token::NAME, limits)?);
            }
            let content = self.next_content(packets, limits)?;
            self.kind = None;
            let name = self.name.take().expect("it has come before its content");
            self.entries.push(FileEntry { name, content });
        }
        Ok(std::mem::take(&mut self.entries))
    }

    fn next_content(&mut self, packets: &mut Packets, limits: &Limits) -> Result<Content, Pause> {
        let kind = match self.kind {
            Some(kind) => kind,
            None => *self.kind.insert(packets.one_of(&[Token::FILE, Token::LINK], FILE_OR_LINK)?),
        };
        if kind == Token::LINK {
            return self.next_path(packets, kind, limits).map(Content::Link);
        }
        let body = packets.body(kind, limits.bulk_bytes - self.bodies_bytes)?;
        self.bodies_bytes += body.len() as u32;
        Ok(Content::File(body))
    }

    fn next_path(&mut self, packets: &mut Packets, token: Token, limits: &Limits) -> Result<PathBuf, Pause> {
        let limit = limits.name_bytes.min(limits.names_bytes - self.names_bytes);
        let path = read_path(packets, token, limit)?;
        self.names_bytes += path.as_os_str().len() as u32;
        Ok(path)
    }
}
