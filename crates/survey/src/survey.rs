//! One search for hosts: names are looked up, each host found is tried at once, and is told of as soon as it is known.
//! Threads do what blocks, for the resolver can be called in no other way; nobody waits for one that hangs. Knows nothing
//! of how a host is tried.

use crate::entry::entry;
use crate::options::Options;
use crate::probe::{Finding, Question};
use crate::resolve::resolve;
use crate::search::{Found, Search};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

/// How often a name is looked up, the first time included, before it is only waited for.
const TRIES: u32 = 5;
/// How many lookups there are at once, those that hang included.
const MOST_LOOKUPS: usize = 64;
/// How many hosts are tried at once.
const MOST_PROBES: usize = 256;
/// As good as for ever.
const LONG: Duration = Duration::from_secs(3600);

/// What there was.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Names that could be resolved.
    pub(crate) resolved: usize,
    /// Hosts that are up.
    pub(crate) up: usize,
    /// Whether time ran out before all was known.
    pub(crate) out_of_time: bool,
}

/// A search under way.
pub(crate) struct Survey<'a> {
    options: &'a Options,
    question: Arc<Question>,
    search: Search<'a>,
    out: &'a mut dyn Write,
    err: &'a mut dyn Write,
    tell: Sender<Event>,
    told: Receiver<Event>,
    started: Instant,
    /// Names that are looked up, by their numbers.
    waits: BTreeMap<usize, Wait>,
    /// Threads that look something up.
    lookups: usize,
    /// Threads that try a host.
    probes: usize,
    tally: Tally,
}

/// A name that is looked up.
struct Wait {
    name: String,
    tries: u32,
    /// When it is looked up again.
    again: Instant,
}

/// What a thread has to tell.
enum Event {
    Resolved(usize, io::Result<Vec<SocketAddr>>),
    Step(String, String),
    Tried(String, Finding),
}

impl<'a> Survey<'a> {
    /// Before anything is done.
    pub(crate) fn new(options: &'a Options, out: &'a mut dyn Write, err: &'a mut dyn Write) -> Survey<'a> {
        let (tell, told) = channel();
        Survey {
            options,
            question: Arc::new(Question::of(options)),
            search: Search::new(&options.names, options.overlap, options.gap, options.network_bits),
            out,
            err,
            tell,
            told,
            started: Instant::now(),
            waits: BTreeMap::new(),
            lookups: 0,
            probes: 0,
            tally: Tally::default(),
        }
    }

    /// Until everything is known, or time is up.
    pub(crate) fn run(mut self) -> Tally {
        loop {
            self.look_up_more();
            if self.waits.is_empty() && self.probes == 0 {
                return self.tally;
            }
            let end = self.options.total.map(|total| self.started + total);
            match self.told.recv_timeout(self.wake(end).saturating_duration_since(Instant::now())) {
                Ok(event) => self.take(event),
                Err(RecvTimeoutError::Timeout) if end.is_some_and(|end| end <= Instant::now()) => {
                    self.step("the rest", "time is up");
                    return Tally { out_of_time: true, ..self.tally };
                }
                Err(_) => self.look_up_again(),
            }
        }
    }

    /// When there is something to do even if nobody tells anything.
    fn wake(&self, end: Option<Instant>) -> Instant {
        let retries = self.waits.values().filter(|wait| wait.tries < TRIES).map(|wait| wait.again);
        retries.chain(end).min().unwrap_or_else(|| Instant::now() + LONG)
    }

    fn look_up_more(&mut self) {
        while self.lookups < MOST_LOOKUPS && self.probes < MOST_PROBES {
            let Some((number, name)) = self.search.next() else { return };
            self.step(&name, "looking it up");
            self.look_up(number, &name);
            let again = Instant::now() + self.options.lookup;
            self.waits.insert(number, Wait { name, tries: 1, again });
        }
    }

    /// A question may have got lost on its way. Whoever waits for the name no longer does.
    fn look_up_again(&mut self) {
        let now = Instant::now();
        let late = |wait: &Wait| wait.again <= now && wait.tries < TRIES;
        let late: Vec<usize> =
            self.waits.iter().filter(|(_, wait)| late(wait)).map(|(number, _)| *number).collect();
        for number in late {
            self.search.is_slow(number);
            let Some(wait) = self.waits.get_mut(&number) else { continue };
            wait.tries += 1;
            wait.again = now + self.options.lookup;
            let name = wait.name.clone();
            if self.lookups < MOST_LOOKUPS {
                self.step(&name, "looking it up again");
                self.look_up(number, &name);
            }
        }
        self.try_found();
    }

    fn look_up(&mut self, number: usize, name: &str) {
        let (tell, name, port) = (self.tell.clone(), name.to_owned(), self.options.port);
        let work = move || {
            // Nobody listens any more when time was up.
            let _ = tell.send(Event::Resolved(number, resolve(&name, port)));
        };
        self.lookups += 1;
        if let Err(error) = thread::Builder::new().spawn(work) {
            let _ = self.tell.send(Event::Resolved(number, Err(error)));
        }
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Step(name, what) => self.step(&name, &what),
            Event::Tried(name, finding) => {
                self.probes -= 1;
                self.report(&name, &finding);
            }
            Event::Resolved(number, outcome) => {
                self.lookups -= 1;
                let Some(wait) = self.waits.remove(&number) else { return };
                if let Err(error) = &outcome {
                    self.step(&wait.name, &format!("not found: {error}"));
                }
                self.search.answer(number, outcome.unwrap_or_default());
                self.try_found();
            }
        }
    }

    fn try_found(&mut self) {
        while let Some(Found { name, addresses }) = self.search.found() {
            self.tally.resolved += 1;
            self.probes += 1;
            let (tell, question, host) = (self.tell.clone(), Arc::clone(&self.question), name.clone());
            let work = move || {
                let step = |what| {
                    let _ = tell.send(Event::Step(host.clone(), what));
                };
                let finding = question.ask(&addresses, step);
                let _ = tell.send(Event::Tried(host, finding));
            };
            if let Err(error) = thread::Builder::new().spawn(work) {
                self.step(&name, &format!("cannot be tried: {error}"));
                let down = Finding { address: None, up: false, took: Duration::ZERO };
                let _ = self.tell.send(Event::Tried(name, down));
            }
        }
    }

    fn report(&mut self, name: &str, finding: &Finding) {
        self.tally.up += usize::from(finding.up);
        if let Some(entry) = entry(self.options, name, finding) {
            // A closed pipe (`lsdistcc | head -1`) is not worth a message.
            let _ = writeln!(self.out, "{entry}").and_then(|()| self.out.flush());
        }
    }

    fn step(&mut self, name: &str, what: &str) {
        if self.options.verbose {
            let elapsed = self.started.elapsed().as_millis();
            let _ = writeln!(self.err, "lsdistcc: {elapsed} ms: {name}: {what}");
        }
    }
}
