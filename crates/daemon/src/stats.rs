//! What the daemon tells of itself: jobs book what they do, and whoever asks on the port for statistics is shown it.
//! Knows nothing of how a job is done.

mod book;
mod machine;
mod metrics;
mod minutes;
mod page;
mod plain;
mod port;
mod request;
mod tally;
mod verdict;

use std::ffi::OsStr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use crate::access::Peer;
use crate::summary::Outcome;

use book::{Book, Ended, Figures, Running, Work};
use verdict::Verdict;

pub(crate) use port::{StatsPort, open, serve};

/// No name and no reason is kept longer than this, in characters; distcc 3.4 has the same limit.
const LONGEST_TEXT: usize = 1024;

/// Where jobs book. Books nothing when nobody can ask.
#[derive(Debug)]
pub(crate) struct Stats(Option<Mutex<Book>>);

impl Stats {
    /// A book, if anybody can ask what is in it, of a daemon that runs so many compilers at once.
    pub(crate) fn new(is_shown: bool, slots: usize) -> Stats {
        Stats(is_shown.then(|| Mutex::new(Book::new(slots, Instant::now(), SystemTime::now()))))
    }

    /// Somebody connected to the port for jobs.
    pub(crate) fn accepted(&self) {
        if let Some(mut book) = self.book() {
            book.counts().accepted += 1;
        }
    }

    /// Somebody was not let in.
    pub(crate) fn denied(&self) {
        if let Some(mut book) = self.book() {
            book.counts().denied += 1;
        }
    }

    /// A client is served.
    pub(crate) fn job(&self, peer: Peer) -> JobStats<'_> {
        let client = match peer {
            _ if self.0.is_none() => String::new(),
            Peer::Network(address) => address.ip().to_canonical().to_string(),
            Peer::LocalSocket | Peer::Pipe => peer.to_string(),
        };
        let _connected = self.hold(What::Connection);
        JobStats { stats: self, client, work: None, received: 0, sent: 0, _connected }
    }

    fn book(&self) -> Option<MutexGuard<'_, Book>> {
        // Numbers are never half changed.
        self.0.as_ref().map(|book| book.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn figures(&self) -> Option<Figures> {
        self.book().map(|mut book| book.figures(Instant::now()))
    }

    fn hold(&self, what: What) -> Held<'_> {
        if let Some(mut book) = self.book() {
            match what {
                What::Connection => book.counts().connected += 1,
                What::Queue => book.counts().waiting += 1,
                What::Compiler(_) => {}
            }
        }
        Held { stats: self, what }
    }
}

/// What one job books.
#[derive(Debug)]
pub(crate) struct JobStats<'a> {
    stats: &'a Stats,
    client: String,
    work: Option<Work>,
    received: u64,
    sent: u64,
    _connected: Held<'a>,
}

impl<'a> JobStats<'a> {
    /// A permitted compiler is asked for.
    pub(crate) fn named(&mut self, compiler: &OsStr, input: &OsStr) {
        if self.stats.0.is_some() {
            self.work = Some(Work { compiler: shown(compiler), file: shown(input) });
        }
    }

    /// So many bytes came.
    pub(crate) fn received(&mut self, bytes: usize) {
        self.received += bytes as u64;
    }

    /// So many bytes went.
    pub(crate) fn sent(&mut self, bytes: usize) {
        self.sent += bytes as u64;
    }

    /// The job waits until this is dropped.
    pub(crate) fn waits(&self) -> Held<'a> {
        self.stats.hold(What::Queue)
    }

    /// The compiler runs until this is dropped.
    pub(crate) fn compiles(&self) -> Held<'a> {
        let number = self.work.as_ref().zip(self.stats.book()).map(|(work, mut book)| {
            book.start(Running { client: self.client.clone(), work: work.clone(), since: Instant::now() })
        });
        Held { stats: self.stats, what: What::Compiler(number.unwrap_or(u64::MAX)) }
    }

    /// The job is over, so long after the client connected.
    pub(crate) fn ended(&self, outcome: &Outcome, time: Duration) {
        if self.stats.0.is_none() {
            return;
        }
        let verdict = Verdict::of(outcome);
        let said = if verdict.is_ok() { String::new() } else { said(outcome) };
        let job = Ended {
            verdict,
            client: &self.client,
            work: self.work.as_ref(),
            time,
            received: self.received,
            sent: self.sent,
            said: &said,
        };
        if let Some(mut book) = self.stats.book() {
            book.end(&job, Instant::now());
        }
    }
}

/// Something that is counted as long as it is there.
#[derive(Debug)]
pub(crate) struct Held<'a> {
    stats: &'a Stats,
    what: What,
}

#[derive(Debug, Clone, Copy)]
enum What {
    Connection,
    Queue,
    Compiler(u64),
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let Some(mut book) = self.stats.book() else { return };
        match self.what {
            What::Connection => book.counts().connected -= 1,
            What::Queue => book.counts().waiting -= 1,
            What::Compiler(number) => book.stop(number, Instant::now()),
        }
    }
}

/// The reason, where the log has none of its own for it.
fn said(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Compiled { status, .. } => match (status.signal(), status.code()) {
            (Some(signal), _) => format!("signal {signal}"),
            (None, code) => format!("exit status {}", code.unwrap_or_default()),
        },
        other => shown(OsStr::new(&other.to_string())),
    }
}

/// One line of text that is not too long, whatever a client sent.
fn shown(text: &OsStr) -> String {
    let text = text.to_string_lossy();
    text.chars().take(LONGEST_TEXT).map(|c| if c.is_control() { '?' } else { c }).collect()
}
