//! Sends one job to one host and returns its answer. Knows nothing of slots, retries or fallback.

use crate::connection::{Connection, NoConnection};
use crate::include_server::LendFailure;
use crate::interrupts::Broken;
use crate::origin;
use crate::preparation::Sources;
use crate::reach::Reach;
use crate::source::{Source, Text};
use hosts::Host;
use job_state::Phase;
use nix::sys::signal::Signal;
use protocol::{Limits, Progress, ProtocolError, Response, ResponseDecoder, Token, Version};
use std::ffi::OsString;
use std::fmt;
use toolchain::Maker;

/// Why a host gave no answer that can be used.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It cannot be reached.
    Unreachable(String),
    /// The connection broke while `doing` something.
    Connection {
        /// What was being done, as "sending the job".
        doing: &'static str,
        /// What happened.
        error: Broken,
    },
    /// It is reached through ssh, which came to no good end; a fragment.
    Ssh(String),
    /// It was reached, but what it said is not an answer.
    Protocol(ProtocolError),
    /// Its compiler is not the one that is here.
    OtherCompiler {
        /// Who made what came back.
        there: Maker,
        /// Who would have made it here.
        here: Maker,
    },
    /// Its compiler cannot be taken for the one that is here; why, as a sentence about the host ("there it has version …").
    Stranger(String),
    /// It cannot be told what `native` means here.
    TakesNoNative,
    /// It does not have the compiler that the job is for, and says so in a sentence.
    Refused(String),
    /// It has one that does other jobs, and says in a sentence why not this one.
    NotThisJob(String),
    /// Another client has been asking it for a while whether its compiler is the one here.
    Undecided,
    /// It closed on a job with a proof: who serves there now knows of none.
    ProofNotTaken,
    /// It closed when it was asked what it has: a daemon that knows no such question.
    NotTold,
    /// The compiler here is no longer the one that the answer was wanted of.
    Replaced,
    /// This kind of host cannot be used by this version.
    Unsupported(&'static str),
    /// It was reached, and does not take these sources with their headers.
    SourcesNotTaken(String),
    /// The include server came to grief: its files cannot be sent.
    NoIncludes(String),
    /// The trouble is on this side: no other host would do better.
    Ours(String),
    /// A fatal signal arrived.
    Interrupted(Signal),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Unreachable(why)
            | Failure::Ssh(why)
            | Failure::SourcesNotTaken(why)
            | Failure::NoIncludes(why)
            | Failure::Ours(why) => f.write_str(why),
            Failure::Connection { doing, error } => write!(f, "{error} while {doing}"),
            Failure::Protocol(ProtocolError::NoAnswer) => f.write_str(
                "server provided no answer: see its log for the reason (is this address allowed there? is the \
                 compiler installed and linked there?)",
            ),
            Failure::Protocol(error) => write!(f, "{error}"),
            Failure::OtherCompiler { there, here } => {
                write!(f, "{} (DISTCC_ANY_COMPILER=1 takes it all the same)", origin::other(there, here))
            }
            Failure::Stranger(why) | Failure::Refused(why) | Failure::NotThisJob(why) => f.write_str(why),
            Failure::ProofNotTaken | Failure::NotTold => write!(f, "{}", Failure::Protocol(ProtocolError::NoAnswer)),
            Failure::Undecided => f.write_str("another client is still asking it which compiler it has"),
            Failure::TakesNoNative => f.write_str("it cannot be told what native means here"),
            Failure::Replaced => f.write_str("the compiler here was replaced meanwhile"),
            Failure::Unsupported(what) => write!(f, "{what} are not supported by this version"),
            Failure::Interrupted(signal) => write!(f, "interrupted by {signal}"),
        }
    }
}

/// What a host is to work on.
pub(crate) enum Load<'a, 'i> {
    /// The compiler and its arguments as the server should see them, and preprocessed text.
    Text(&'a [OsString], &'a Source),
    /// The source with all headers, and the words that go with them.
    Sources(&'a mut Sources<'i>),
}

/// What is sent, to whichever host.
pub(crate) struct Job<'a, 'i> {
    pub(crate) load: Load<'a, 'i>,
    pub(crate) reach: Reach<'a>,
    /// How much a host may make us hold.
    pub(crate) limits: &'a Limits,
    /// The compiler that has to do it, as its fingerprint says, and no other.
    pub(crate) proof: Option<&'a str>,
    /// What it has to be told of the processor of here.
    pub(crate) processor: &'a [String],
}

impl Job<'_, '_> {
    /// Has `host` do the job. `phase` is told where it stands.
    ///
    /// # Errors
    /// [`Failure`]; nothing has been written anywhere then.
    pub(crate) fn run(&mut self, host: &Host, mut phase: impl FnMut(Phase)) -> Result<Response, Failure> {
        let version = match self.load {
            Load::Sources(_) => Version::Three,
            Load::Text(..) if host.lzo => Version::Two,
            Load::Text(..) => Version::One,
        };
        let reach = self.reach;
        reach.converse(host, &mut phase, |connection, phase| self.talk(connection, version, phase))
    }

    fn talk(
        &mut self,
        connection: &mut Connection,
        version: Version,
        phase: &mut dyn FnMut(Phase),
    ) -> Result<Response, Failure> {
        phase(Phase::Send);
        let answer = self.send(connection, version).and_then(|()| {
            phase(Phase::Compile);
            receive(connection, ResponseDecoder::new(version, self.limits.clone()), || phase(Phase::Receive))
        });
        answer.map_err(|failure| match failure {
            Failure::Protocol(ProtocolError::NoAnswer) | Failure::SourcesNotTaken(_)
                if self.proof.is_some() =>
            {
                Failure::ProofNotTaken
            }
            Failure::Protocol(ProtocolError::Refused { code, sentence }) if code == "job" => {
                Failure::NotThisJob(sentence)
            }
            Failure::Protocol(ProtocolError::Refused { sentence, .. }) => Failure::Refused(sentence),
            Failure::Protocol(ProtocolError::NoAnswer) if version == Version::Three => {
                Failure::SourcesNotTaken(failure.to_string())
            }
            failure => failure,
        })
    }

    fn send(&mut self, connection: &mut Connection, version: Version) -> Result<(), Failure> {
        let proof = self.proof.map(|proof| protocol::proof(proof, self.processor)).unwrap_or_default();
        match &mut self.load {
            Load::Text(words, source) => send_text(connection, proof, version, words, source),
            Load::Sources(sources) => {
                let head = protocol::sources_head(&sources.directory, &sources.words);
                connection.send(&[&proof, &head]).map_err(not_sent)?;
                sources.held.lend(connection.stream(), self.reach.silence).map_err(|failure| {
                    // An include server that has stopped would keep the stream, and the host waiting.
                    connection.break_off();
                    match failure {
                        // A server that wants none of it closes while it is being told.
                        LendFailure::Peer(how) => Failure::SourcesNotTaken(how),
                        LendFailure::Ours(why) => Failure::NoIncludes(why),
                        LendFailure::Interrupted(signal) => Failure::Interrupted(signal),
                    }
                })
            }
        }
    }
}

/// Behind what is in `head` already.
fn send_text(
    connection: &mut Connection,
    mut head: Vec<u8>,
    version: Version,
    words: &[OsString],
    source: &Source,
) -> Result<(), Failure> {
    head.extend(protocol::request_head(version, words));
    let sent = match source.text() {
        _ if version.compresses() => {
            let packed = source.packed().map_err(|error| Failure::Ours(error.to_string()))?;
            head.extend(source_header(packed.len())?);
            connection.send(&[&head, packed])
        }
        Text::Bytes(bytes) => {
            head.extend(source_header(bytes.len())?);
            connection.send(&[&head, bytes])
        }
        Text::File(file, length) => {
            head.extend(source_header(*length)?);
            connection.send(&[&head]).and_then(|()| connection.send_file(file, *length))
        }
    };
    sent.map_err(not_sent)
}

fn not_sent(error: Broken) -> Failure {
    if is_refusal(&error) {
        Failure::Protocol(ProtocolError::NoAnswer)
    } else {
        broken("sending the job", error)
    }
}

fn source_header(length: usize) -> Result<[u8; 12], Failure> {
    let length = u32::try_from(length).map_err(|_| Failure::Ours("source is larger than 4 GiB".into()))?;
    Ok(protocol::bulk_header(Token::DOTI, length))
}

fn receive(
    connection: &mut Connection,
    mut decoder: ResponseDecoder,
    mut first_byte: impl FnMut(),
) -> Result<Response, Failure> {
    let mut waiting = true;
    loop {
        let count = connection.receive(decoder.space()).map_err(|error| match error {
            error if waiting && is_refusal(&error) => Failure::Protocol(ProtocolError::NoAnswer),
            error => broken("waiting for the answer", error),
        })?;
        if std::mem::take(&mut waiting) && count > 0 {
            first_byte();
        }
        match decoder.advance(count).map_err(Failure::Protocol)? {
            Progress::More => {}
            Progress::Done(response) => return Ok(response),
        }
    }
}

impl From<NoConnection> for Failure {
    fn from(error: NoConnection) -> Failure {
        match error {
            NoConnection::Unreachable(why) => Failure::Unreachable(why),
            NoConnection::Interrupted(signal) => Failure::Interrupted(signal),
        }
    }
}

/// A server may refuse a request before it has come whole, and then we notice that while sending or by a reset.
pub(crate) fn is_refusal(error: &Broken) -> bool {
    use std::io::ErrorKind::{BrokenPipe, ConnectionReset};
    matches!(error, Broken::Io(error) if matches!(error.kind(), ConnectionReset | BrokenPipe))
}

pub(crate) fn broken(doing: &'static str, error: Broken) -> Failure {
    match error {
        Broken::Interrupted(signal) => Failure::Interrupted(signal),
        error => Failure::Connection { doing, error },
    }
}
