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
use std::time::Duration;

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

/// What a server before us has written is no news for the build that started us.
const OLD: Duration = Duration::from_secs(3600);

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
        for name in [DISCREPANCIES, COUNTER] {
            place.forget(name, OLD);
        }
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
        !word.as_bytes().starts_with(b"-")
            && extension.is_some_and(|extension| extension != b"o" && extension != b"d")
    };
    let last = || command.words.last();
    let word = command.words.iter().skip(1).rev().find(is_source).or_else(last);
    word.map_or(Path::new("?"), |word| Path::new(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use logging::{Level, Sink};
    use std::fs;
    use std::time::SystemTime;

    fn command(words: &str) -> Command {
        let words = words.split(' ').map(OsString::from).collect();
        Command { directory: "/w".into(), words, environment: Vec::new() }
    }

    #[test]
    fn the_source_is_recognised() {
        let check = |words, expected| assert_eq!(source(&command(words)), Path::new(expected), "{words}");
        check("/usr/bin/gcc-12.2 -c a.c", "a.c");
        check("/usr/bin/gcc-12.2 a.c -c -O2 -o out/a.o", "a.c");
        check("/usr/bin/gcc-12.2 -c a.c -MMD -MF a.d", "a.c");
        check("/usr/bin/gcc-12.2 -DX=1.2 -c ../b.cc -o b.o -g", "../b.cc");
        check("cc", "cc");
    }

    #[test]
    fn what_was_missed_is_written_down() {
        let parent = tempfile::tempdir().unwrap();
        let directory = parent.path().join("d");
        let log = Log::new("pump", Sink::Stderr, Level::Emergency);
        let (place, _listener) = Place::take(&directory).unwrap().unwrap();
        let record = Record { place: Arc::new(place), lines: AtomicU64::new(0), log };
        let missing = [PathBuf::from("/w/b.h"), PathBuf::from("/w/new\nline")];
        record.write(&command("cc -c a.c"), &missing, true);
        record.write(&command("cc -c b.c"), &missing[..1], false);
        record.write(&command("cc -c c.c"), &[], true);
        let read = |name| fs::read_to_string(directory.join(name)).unwrap_or_default();
        assert_eq!(read(DISCREPANCIES), "a.c: /w/b.h\na.c: /w/new?line\nb.c: /w/b.h\n");
        assert_eq!(read(COUNTER), "x");
        for _ in 0..MOST {
            record.write(&command("cc -c b.c"), &missing[..1], false);
        }
        assert_eq!(read(DISCREPANCIES).lines().count() as u64, MOST);
        let file = fs::File::options().write(true).open(directory.join(COUNTER)).unwrap();
        file.set_modified(SystemTime::now() - OLD * 2).unwrap();
        for name in [COUNTER, DISCREPANCIES] {
            record.place.forget(name, OLD);
        }
        assert_eq!((read(COUNTER), read(DISCREPANCIES).is_empty()), (String::new(), false));
    }
}
