//! A response, field by field, in wire order: `DONE`, `STAT`, `SERR`, `SOUT`, `DOTO`, and `DOTD` where version 3 has
//! succeeded. Knows nothing of the job behind it.

use crate::compression::original;
use crate::decode::{Packets, Pause, Progress, progress};
use crate::extension::EXTENSION;
use crate::proof::read_refusal;
use crate::request::append_bulk;
use crate::{Limits, ProtocolError, Token, Version, WaitStatus};

/// `DONE`, `STAT`, `SERR`, `SOUT`, `DOTO`.
const PACKETS: usize = 5;

/// What became of a job.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Response {
    /// The version of the request.
    pub version: Version,
    /// How the compiler ended.
    pub status: WaitStatus,
    /// Its messages, unpacked.
    pub stderr: Vec<u8>,
    /// What it printed, unpacked.
    pub stdout: Vec<u8>,
    /// The object, unpacked; empty unless the compiler succeeded.
    pub object: Vec<u8>,
    /// What the object depends on, unpacked: a make rule. Version 3 has it if the compiler succeeded, others never.
    pub dependencies: Option<Vec<u8>>,
}

impl Response {
    /// The whole response in one buffer; object and dependencies are left out if the compiler failed.
    ///
    /// # Errors
    /// [`ProtocolError::TooLong`] if a body as transmitted has a length that 32 bits cannot say.
    pub fn encode(&self) -> Result<Vec<u8>, ProtocolError> {
        let object = if self.status.success() { &self.object[..] } else { &[] };
        let mut bytes = Vec::new();
        bytes.extend(Token::DONE.header(self.version.number()));
        bytes.extend(Token::STAT.header(self.status.0));
        append_bulk(&mut bytes, self.version, Token::SERR, &self.stderr)?;
        append_bulk(&mut bytes, self.version, Token::SOUT, &self.stdout)?;
        append_bulk(&mut bytes, self.version, Token::DOTO, object)?;
        if has_dependencies(self.version, self.status) {
            let dependencies = self.dependencies.as_deref().unwrap_or_default();
            append_bulk(&mut bytes, self.version, Token::DOTD, dependencies)?;
        }
        Ok(bytes)
    }
}

/// Whether such an answer ends with `DOTD`.
fn has_dependencies(version: Version, status: WaitStatus) -> bool {
    version == Version::Three && status.success()
}

/// A response out of bytes as they come: read into [`space`](Self::space), tell with [`advance`](Self::advance) how
/// many came, until there is a response or an error; then drop it.
///
/// It holds what has arrived and a bounded step more, however much is claimed, and reads nothing behind the response.
pub struct ResponseDecoder {
    version: Version,
    limits: Limits,
    packets: Packets,
    answered: bool,
    refused: bool,
    status: Option<WaitStatus>,
    stderr: Option<Vec<u8>>,
    stdout: Option<Vec<u8>>,
    object: Option<Vec<u8>>,
}

impl ResponseDecoder {
    /// Before the first byte of the answer to a request in `version`.
    pub fn new(version: Version, limits: Limits) -> Self {
        let packets = Packets::new(Token::DONE);
        ResponseDecoder {
            version,
            limits,
            packets,
            answered: false,
            refused: false,
            status: None,
            stderr: None,
            stdout: None,
            object: None,
        }
    }

    /// Where to read to; it is never empty while a response is awaited.
    pub fn space(&mut self) -> &mut [u8] {
        if self.refused {
            return self.packets.space(1);
        }
        let bodies = [&self.stderr, &self.stdout, &self.object].map(Option::is_some);
        let taken = [self.answered, self.status.is_some()].into_iter().chain(bodies);
        let more = usize::from(self.status.is_some_and(|status| has_dependencies(self.version, status)));
        self.packets.space(PACKETS + more - taken.filter(|taken| *taken).count())
    }

    /// `count` bytes have come into the space; 0 means that the server has closed.
    ///
    /// # Errors
    /// What is wrong with the bytes. `NoAnswer` is a server that refuses, or has died; `Refused` is one that says why.
    ///
    /// # Panics
    /// If `count` is more than there was space for.
    pub fn advance(&mut self, count: usize) -> Result<Progress<Response>, ProtocolError> {
        self.packets.advance(count)?;
        progress(self.proceed())
    }

    /// Memory set aside for what has come and is to come.
    #[cfg(test)]
    pub(crate) fn held(&self) -> usize {
        let bodies = [&self.stderr, &self.stdout, &self.object];
        self.packets.held() + bodies.into_iter().flatten().map(Vec::capacity).sum::<usize>()
    }

    fn proceed(&mut self) -> Result<Response, Pause> {
        if !self.answered {
            self.read_version()?;
        }
        if self.refused {
            return Err(read_refusal(&mut self.packets)?.into());
        }
        let status = match self.status {
            Some(status) => status,
            None => self.read_status()?,
        };
        if self.stderr.is_none() {
            self.stderr = Some(self.read_bulk(Token::SERR)?);
        }
        if self.stdout.is_none() {
            self.stdout = Some(self.read_bulk(Token::SOUT)?);
        }
        if self.object.is_none() {
            let object = if status.success() { self.read_bulk(Token::DOTO)? } else { self.read_no_object()? };
            self.object = Some(object);
        }
        let dependencies = match has_dependencies(self.version, status) {
            true => Some(self.read_bulk(Token::DOTD)?),
            false => None,
        };
        Ok(Response {
            version: self.version,
            status,
            stderr: self.stderr.take().unwrap_or_default(),
            stdout: self.stdout.take().unwrap_or_default(),
            object: self.object.take().unwrap_or_default(),
            dependencies,
        })
    }

    fn read_version(&mut self) -> Result<(), Pause> {
        let (asked, answered) = (self.version.number(), self.packets.number(Token::DONE)?);
        self.refused = answered == EXTENSION;
        if answered != asked && !self.refused {
            return Err(ProtocolError::VersionMismatch { asked, answered }.into());
        }
        self.answered = true;
        Ok(())
    }

    fn read_status(&mut self) -> Result<WaitStatus, Pause> {
        let raw = self.packets.number(Token::STAT)?;
        let status = WaitStatus(raw);
        if status.code().is_none() && status.signal().is_none() {
            return Err(
                ProtocolError::BadNumber { token: Token::STAT.name(), seen: format!("{raw:08x}") }.into()
            );
        }
        self.status = Some(status);
        Ok(status)
    }

    fn read_bulk(&mut self, token: Token) -> Result<Vec<u8>, Pause> {
        let body = self.packets.body(token, self.limits.bulk_bytes)?;
        Ok(original(self.version, body, self.limits.unpacked_bytes)?)
    }

    fn read_no_object(&mut self) -> Result<Vec<u8>, Pause> {
        match self.packets.number(Token::DOTO)? {
            0 => Ok(Vec::new()),
            length => Err(ProtocolError::ObjectOfFailure { length }.into()),
        }
    }
}
