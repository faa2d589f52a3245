//! What scans have missed: a few of them are compared with the compiler's own list when their jobs are over, and what is
//! missing is written down beside the socket. Knows no conversation.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use include_scan::{Closure, Command};
use logging::Log;

use crate::place::Place;
use crate::scans::Scans;

/// Lines of a source and a file that its scan has missed.
const DISCREPANCIES: &str = "discrepancies";
/// One byte for each, as distcc 3.4's pump counts them.
const COUNTER: &str = "discrepancy_counter";

/// More says no more, and disks are finite.
const MOST: u64 = 100;

/// Chooses scans to be compared, and remembers what was missing.
pub(crate) struct Comparisons {
    one_in: u64,
    offered: AtomicU64,
    queue: SyncSender<Finished>,
    record: Arc<Record>,
}

#[derive(Debug)]
struct Record {
    place: Arc<Place>,
    lines: AtomicU64,
    log: Log,
}

struct Finished {
    command: Arc<Command>,
    closure: Arc<Closure>,
}

impl Comparisons {
    /// One in `one_in` scans that are offered will be compared, by a thread that lives as long as the process.
    ///
    /// # Errors
    /// No thread can be started.
    pub(crate) fn start(
        one_in: u64,
        scans: Arc<Scans>,
        place: Arc<Place>,
        log: Log,
    ) -> io::Result<Comparisons> {
        // One is under way and one waits; of more than that, none is needed.
        let (queue, finished) = sync_channel(1);
        let record = Arc::new(Record { place, lines: AtomicU64::new(0), log });
        let recorder = Arc::clone(&record);
        thread::Builder::new()
            .name("compare".to_owned())
            .spawn(move || compare_all(&finished, &scans, &recorder))?;
        Ok(Comparisons { one_in: one_in.max(1), offered: AtomicU64::new(0), queue, record })
    }

    /// A job is over whose scan was this.
    pub(crate) fn offer(&self, command: Arc<Command>, closure: Arc<Closure>) {
        let before = self.offered.fetch_add(1, Ordering::Relaxed);
        if before % self.one_in == self.one_in / 2 {
            let _ = self.queue.try_send(Finished { command, closure });
        }
    }

    /// Remembers what a scan was found to miss that its client knows of.
    pub(crate) fn note(&self, command: &Command, missing: &[PathBuf]) {
        self.record.write(command, missing, false);
    }
}

/// Compares, when nothing else wants the processor.
fn compare_all(finished: &Receiver<Finished>, scans: &Scans, record: &Record) {
    // Of this thread only, and of the compilers that it starts.
    let _ = rustix::process::nice(19);
    for Finished { command, closure } in finished {
        match scans.compare(&command, &closure) {
            Ok(missing) => record.write(&command, &missing, true),
            Err(error) => {
                record.log.debug(format_args!("no comparison with the compiler's own list: {error}"));
            }
        }
    }
}

impl Record {
    fn write(&self, command: &Command, missing: &[PathBuf], count: bool) {
        let source = source(command);
        for file in missing {
            let (source, file) = (in_a_line(source), in_a_line(file));
            self.log.warning(format_args!("the scan of {source} has missed {file}"));
            if self.lines.fetch_add(1, Ordering::Relaxed) < MOST {
                // Nobody is helped by a failure of this one.
                let _ = self.append(DISCREPANCIES, format!("{source}: {file}\n").as_bytes());
            }
        }
        if count && !missing.is_empty() {
            let _ = self.append(COUNTER, b"x");
        }
    }

    fn append(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.place.append(name)?.write_all(bytes)
    }
}

/// Names may hold anything; these are for people.
fn in_a_line(name: &Path) -> String {
    name.to_string_lossy().replace(char::is_control, "?")
}

/// The word that looks most like the source: for people.
fn source(command: &Command) -> &Path {
    let is_source = |word: &&OsString| {
        let extension = Path::new(word).extension().map(OsStr::as_bytes);
        !word.as_bytes().starts_with(b"-") && extension.is_some_and(|extension| extension != b"o")
    };
    let last = || command.words.last();
    let word = command.words.iter().skip(1).rev().find(is_source).or_else(last);
    word.map_or(Path::new("?"), |word| Path::new(word))
}
