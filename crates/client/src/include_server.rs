//! The client's end of the conversation with its user's include server. Knows neither hosts nor what becomes of a job
//! without one.

mod line;
mod place;
mod start;
#[cfg(test)]
mod tests;

use crate::interrupts::{Broken, Interrupts};
use crate::settings::Settings;
use line::Line;
use nix::sys::signal::Signal;
use place::{NoLine, Place};
use protocol::include_server::{
    LEND, LendReply, LendReplyDecoder, Listed, ScanReply, ScanReplyDecoder, ScanRequest,
};
use protocol::{Progress, ProtocolError};
use std::fmt;
use std::io;
use std::os::fd::BorrowedFd;
use std::path::PathBuf;
use std::time::{Duration, Instant};

pub(crate) use place::directory;

/// A server says each second that it works. One that is silent for longer is stopped, or worse.
const SILENCE: Duration = Duration::from_secs(3);

/// Why there is no conversation.
#[derive(Debug)]
pub(crate) enum Absent {
    /// There is no server and none could be started: a fragment for people.
    Gone(String),
    /// There is no server and none is to be started.
    SwitchedOff,
    /// A fatal signal arrived.
    Interrupted(Signal),
}

/// Why a command was not scanned.
#[derive(Debug)]
pub(crate) enum NoScan {
    /// It cannot be known which files the command reads.
    NotCovered {
        /// A word for the reason.
        code: String,
        /// The reason.
        sentence: String,
    },
    /// The server has gone: a fragment for people.
    Absent(String),
    /// A fatal signal arrived.
    Interrupted(Signal),
}

/// Why the files did not go into a stream.
#[derive(Debug)]
pub(crate) enum LendFailure {
    /// The other end of the stream broke or took nothing: a fragment for people.
    Peer(String),
    /// This machine failed, the include server for one: a fragment for people.
    Ours(String),
    /// A fatal signal arrived.
    Interrupted(Signal),
}

/// What a build should be told once.
#[derive(Debug)]
pub(crate) struct News {
    /// What makes two of them the same. All troubles with the server itself are one.
    pub(crate) subject: String,
    /// For people.
    pub(crate) sentence: String,
}

/// What all troubles with the server itself are told as.
const TROUBLE: &str = "include server";

/// A server that listens to us.
#[derive(Debug)]
pub(crate) struct Conversation<'i> {
    line: Line<'i>,
    place: Place,
    news: Vec<News>,
    longest: Duration,
}

/// A command whose files the server holds.
#[derive(Debug)]
pub(crate) struct Scanned<'i> {
    /// None after a failure that leaves open what was said.
    line: Option<Line<'i>>,
    place: Place,
    entries: Vec<Listed>,
    missing: Vec<PathBuf>,
}

/// Connects to the server that `INCLUDE_SERVER_PORT` names, else to the user's own, which is started if need be.
///
/// # Errors
/// [`Absent`]; it never waits for more than about a second.
pub(crate) fn reach<'i>(settings: &Settings, interrupts: &'i Interrupts) -> Result<Conversation<'i>, Absent> {
    let place = Place::find(settings)?;
    let mut news = place.news();
    let stream = match place.connect() {
        Ok(stream) => stream,
        Err(NoLine::Nobody { died: false }) if !settings.include_server => return Err(Absent::SwitchedOff),
        Err(NoLine::Nobody { died }) if settings.include_server => {
            let stream = start::start(&place, settings, interrupts)?;
            if died {
                let sentence = "the include server was gone: another was started".to_owned();
                news.push(News { subject: TROUBLE.to_owned(), sentence });
            }
            stream
        }
        Err(no_line) => return Err(Absent::Gone(no_line.to_string())),
    };
    Ok(Conversation { line: Line::new(stream, interrupts), place, news, longest: settings.io_timeout })
}

impl<'i> Conversation<'i> {
    /// What a build should be told.
    pub(crate) fn news(&self) -> &[News] {
        &self.news
    }

    /// Asks which files a command needs.
    ///
    /// # Errors
    /// [`NoScan`]; a silent server is waited for no longer than three seconds, and any no longer than a silent host.
    pub(crate) fn scan(mut self, request: &ScanRequest) -> Result<Scanned<'i>, NoScan> {
        let longest = Instant::now() + self.longest;
        self.line.say(&request.encode(), soon()).map_err(|broken| self.no_scan(broken.into()))?;
        loop {
            let reply = match hear_scan_reply(&mut self.line, request, longest) {
                Ok(reply) => reply,
                Err(broken) => return Err(self.no_scan(broken)),
            };
            match reply {
                ScanReply::Busy => {}
                ScanReply::Fits { listed, missing, .. } => {
                    let Conversation { line, place, .. } = self;
                    return Ok(Scanned { line: Some(line), place, entries: listed, missing });
                }
                ScanReply::Cannot { code, sentence } => return Err(NoScan::NotCovered { code, sentence }),
            }
        }
    }

    fn no_scan(&self, broken: Unheard) -> NoScan {
        match broken {
            Unheard::Broken(Broken::Interrupted(signal)) => NoScan::Interrupted(signal),
            other => NoScan::Absent(blame(&other, &self.place)),
        }
    }
}

impl Scanned<'_> {
    /// The names there are to send, if they were asked for.
    pub(crate) fn entries(&self) -> &[Listed] {
        &self.entries
    }

    /// What the compiler reads and the scan lacks, if that was asked for.
    pub(crate) fn missing(&self) -> &[PathBuf] {
        &self.missing
    }

    /// Has the server write all files into `stream`, after what has been written there before. The other end may take
    /// nothing for as long as `silence`.
    ///
    /// # Errors
    /// [`LendFailure`]; after [`LendFailure::Ours`] there will be no other.
    pub(crate) fn lend(&mut self, stream: BorrowedFd<'_>, silence: Duration) -> Result<(), LendFailure> {
        let gone = || LendFailure::Ours("the include server has gone".to_owned());
        let mut line = self.line.take().ok_or_else(gone)?;
        line.lend(&LEND, stream, soon()).map_err(|broken| self.failed(broken.into()))?;
        let (mut sent, mut moved) = (0, Instant::now());
        loop {
            let reply = hear_lend_reply(&mut line).map_err(|broken| self.failed(broken))?;
            match reply {
                LendReply::Busy(kib) if kib != sent => (sent, moved) = (kib, Instant::now()),
                LendReply::Busy(_) if moved.elapsed() >= silence => {
                    return Err(LendFailure::Peer(Broken::TimedOut.to_string()));
                }
                LendReply::Busy(_) => {}
                LendReply::OurTrouble(why) => return Err(LendFailure::Ours(why)),
                LendReply::PeerBroke(how) => {
                    self.line = Some(line);
                    return Err(LendFailure::Peer(how));
                }
                LendReply::Sent(_) => {
                    self.line = Some(line);
                    return Ok(());
                }
            }
        }
    }

    fn failed(&self, broken: Unheard) -> LendFailure {
        match broken {
            Unheard::Broken(Broken::Interrupted(signal)) => LendFailure::Interrupted(signal),
            other => LendFailure::Ours(blame(&other, &self.place)),
        }
    }
}

/// Why no reply came.
#[derive(Debug)]
enum Unheard {
    Broken(Broken),
    Nonsense(ProtocolError),
}

impl From<Broken> for Unheard {
    fn from(broken: Broken) -> Unheard {
        Unheard::Broken(broken)
    }
}

impl From<ProtocolError> for Unheard {
    fn from(error: ProtocolError) -> Unheard {
        Unheard::Nonsense(error)
    }
}

impl fmt::Display for Unheard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unheard::Broken(Broken::TimedOut) => f.write_str("is silent"),
            Unheard::Broken(Broken::Io(error))
                if matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe) =>
            {
                f.write_str("has gone")
            }
            Unheard::Nonsense(ProtocolError::NoAnswer | ProtocolError::Truncated { .. }) => {
                f.write_str("has gone")
            }
            Unheard::Broken(broken) => write!(f, "cannot be heard: {broken}"),
            Unheard::Nonsense(error) => write!(f, "makes no sense: {error}"),
        }
    }
}

/// Says what is wrong with the server. The place of one that is silent is given to the next.
fn blame(unheard: &Unheard, place: &Place) -> String {
    if matches!(unheard, Unheard::Broken(Broken::TimedOut)) {
        place.vacate();
    }
    format!("the include server {unheard}")
}

fn soon() -> Instant {
    Instant::now() + SILENCE
}

fn hear_scan_reply(line: &mut Line, request: &ScanRequest, longest: Instant) -> Result<ScanReply, Unheard> {
    let mut decoder = ScanReplyDecoder::new(request);
    loop {
        let count = line.hear(decoder.space(), soon().min(longest))?;
        if let Progress::Done(reply) = decoder.advance(count)? {
            return Ok(reply);
        }
    }
}

fn hear_lend_reply(line: &mut Line) -> Result<LendReply, Unheard> {
    let mut decoder = LendReplyDecoder::default();
    loop {
        let count = line.hear(decoder.space(), soon())?;
        if let Progress::Done(reply) = decoder.advance(count)? {
            return Ok(reply);
        }
    }
}
