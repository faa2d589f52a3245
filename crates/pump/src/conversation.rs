//! One conversation with one client: what is needed for its command, and its files written into the sockets that it lends.
//! Knows neither how a scan is done nor how sockets are written to.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use include_scan::{Command, Entry, NotCovered};
use logging::Log;
use protocol::include_server::{
    CANNOT_ANALYSE, Kind, LendDecoder, LendReply, Listed, Opening, ScanReply, ScanRequest, ScanRequestDecoder,
};
use protocol::{Progress, ProtocolError};

use crate::comparisons::Comparisons;
use crate::lending::{HEARTBEAT, Letter};
use crate::peer::Peer;
use crate::scans::{Found, Scans};

/// A client may wait so long for a host between its questions and its lending.
const BEFORE_LENDING: Duration = Duration::from_secs(3600);

/// No compiler's preprocessor takes so long.
const LONGEST: Duration = Duration::from_secs(60);

/// What all conversations share.
pub(crate) struct Desk {
    pub(crate) scans: Arc<Scans>,
    pub(crate) comparisons: Comparisons,
    pub(crate) log: Log,
}

/// Why a conversation ended before its time.
#[derive(Debug)]
enum Broken {
    /// The client has gone, or the kernel refused.
    Io(io::Error),
    /// What the client said makes no sense.
    Nonsense(ProtocolError),
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Broken::Io(error) => write!(f, "{error}"),
            Broken::Nonsense(error) => write!(f, "{error}"),
        }
    }
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Broken {
        Broken::Io(error)
    }
}

impl From<ProtocolError> for Broken {
    fn from(error: ProtocolError) -> Broken {
        Broken::Nonsense(error)
    }
}

impl Desk {
    /// Speaks with `peer` until it goes.
    pub(crate) fn receive(&self, mut peer: Peer) {
        if let Err(broken) = self.converse(&mut peer) {
            self.log.debug(format_args!("a client went in the midst of a conversation: {broken}"));
        }
    }

    fn converse(&self, peer: &mut Peer) -> Result<(), Broken> {
        let request = match opening(peer)? {
            Opening::Scan(request) => request,
            Opening::OtherProgram => return dismiss(peer),
        };
        let command = Arc::new(command(&request));
        let found = match self.scan(peer, &request, &command)? {
            Ok(found) => found,
            Err(NotCovered { code, sentence }) => {
                self.log.debug(format_args!("not covered: {code}: {sentence}"));
                let reply = ScanReply::Cannot { code: code.to_owned(), sentence };
                return Ok(peer.say(&reply.encode(&request))?);
            }
        };
        self.comparisons.note(&command, &found.missing);
        peer.say(&fits(&found, &request).encode(&request))?;
        let lent = lend(peer, &found);
        if !request.compare {
            self.comparisons.offer(command, found.closure);
        }
        lent
    }

    /// Waits for the scan and tells the client meanwhile that it is waited for.
    fn scan(
        &self,
        peer: &Peer,
        request: &ScanRequest,
        command: &Arc<Command>,
    ) -> Result<Result<Found, NotCovered>, Broken> {
        let awaited = self.scans.ask(Arc::clone(command), request.compare);
        let begun = Instant::now();
        loop {
            match awaited.result_within(HEARTBEAT) {
                Some(result) => return Ok(result),
                None if begun.elapsed() >= LONGEST => {
                    self.scans.relieve();
                    let sentence = format!("there was no result within {} s", LONGEST.as_secs());
                    return Ok(Err(NotCovered { code: "slow", sentence }));
                }
                None => peer.say(&ScanReply::Busy.encode(request))?,
            }
        }
    }
}

fn opening(peer: &mut Peer) -> Result<Opening, Broken> {
    let mut decoder = ScanRequestDecoder::default();
    loop {
        let count = peer.hear(decoder.space(), None)?;
        if let Progress::Done(opening) = decoder.advance(count)? {
            return Ok(opening);
        }
    }
}

/// A client of another make is told that this cannot be analysed. What it still says is heard, or it could fail to say it.
fn dismiss(peer: &mut Peer) -> Result<(), Broken> {
    peer.say(&CANNOT_ANALYSE)?;
    let mut room = [0; 4096];
    for _ in 0..1024 {
        if peer.hear(&mut room, None)? == 0 {
            break;
        }
    }
    Ok(())
}

/// Each socket that the client lends, until it closes.
fn lend(peer: &mut Peer, found: &Found) -> Result<(), Broken> {
    let mut letter = None;
    while another(peer)? {
        let letter = letter.get_or_insert_with(|| Letter::new(&found.closure));
        let reply = match peer.lent() {
            Some(socket) => letter.send(&socket, peer),
            None => Some(LendReply::OurTrouble("exactly one descriptor has to come with LEND".to_owned())),
        };
        match reply {
            Some(reply) => peer.say(&reply.encode())?,
            None => break,
        }
    }
    Ok(())
}

/// Whether the client lends something, which it may take its time for.
fn another(peer: &mut Peer) -> Result<bool, Broken> {
    let (mut decoder, mut patience) = (LendDecoder::default(), Some(BEFORE_LENDING));
    loop {
        let count = peer.hear(decoder.space(), patience.take())?;
        match decoder.advance(count) {
            Ok(Progress::Done(())) => return Ok(true),
            Ok(Progress::More) => {}
            Err(ProtocolError::NoAnswer) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
    }
}

fn command(request: &ScanRequest) -> Command {
    Command {
        directory: request.directory.clone(),
        words: request.words.clone(),
        environment: request.environment.clone(),
    }
}

fn fits(found: &Found, request: &ScanRequest) -> ScanReply {
    let entries = &found.closure.entries;
    let listed = if request.list { entries.iter().map(listed).collect() } else { Vec::new() };
    ScanReply::Fits { entries: entries.len() as u32, listed, missing: found.missing.clone() }
}

fn listed(entry: &Entry) -> Listed {
    let (kind, name): (Kind, &PathBuf) = match entry {
        Entry::File { name, .. } => (Kind::File, name),
        Entry::Link { name, .. } => (Kind::Link, name),
        Entry::SystemDirectory { name } => (Kind::SystemDirectory, name),
        Entry::Directory { name } => (Kind::Directory, name),
    };
    Listed { kind, name: name.clone() }
}
