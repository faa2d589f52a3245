//! Scans for many conversations at once: as many threads as there are processors, and whoever comes later waits. Knows
//! nothing of who asks.

use std::any::Any;
use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use include_scan::{Budget, Closure, Command, NotCovered, Scanner};

/// Expressions nest, and includes nest deeper.
const STACK: usize = 16 << 20;

/// Threads that may be started in place of those that a scan does not let go.
const RELIEF: usize = 8;

/// The scanner and those who wait for it.
pub(crate) struct Scans {
    budget: usize,
    scanner: Mutex<Arc<Scanner>>,
    waiting: Mutex<VecDeque<Asked>>,
    came: Condvar,
    relief: AtomicUsize,
}

/// What a scan found.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) closure: Arc<Closure>,
    /// What the compiler reads and the closure lacks; empty where nobody asked.
    pub(crate) missing: Vec<PathBuf>,
}

#[derive(Debug)]
struct Asked {
    command: Arc<Command>,
    compare: bool,
    /// Nobody waits for a result when this is gone.
    asker: Weak<()>,
    result: Sender<Result<Found, NotCovered>>,
}

/// A scan that was asked for; dropped, it is not begun any more.
#[derive(Debug)]
pub(crate) struct Awaited {
    result: Receiver<Result<Found, NotCovered>>,
    _asker: Arc<()>,
}

impl Scans {
    /// Starts `threads` of them; the memory of all may grow to `budget` bytes. They live as long as the process.
    ///
    /// # Errors
    /// No thread can be started.
    pub(crate) fn start(threads: usize, budget: usize) -> io::Result<Arc<Scans>> {
        let scans = Arc::new(Scans {
            budget,
            scanner: Mutex::new(Arc::new(new_scanner(budget))),
            waiting: Mutex::default(),
            came: Condvar::new(),
            relief: AtomicUsize::new(0),
        });
        for _ in 0..threads {
            scans.begin_work()?;
        }
        Ok(scans)
    }

    /// Starts another thread, a few times in a process's life: a scan takes suspiciously long, as on a disk that does not
    /// answer, and others must not wait for it.
    pub(crate) fn relieve(self: &Arc<Scans>) {
        if self.relief.fetch_add(1, Ordering::Relaxed) < RELIEF {
            let _ = self.begin_work();
        }
    }

    fn begin_work(self: &Arc<Scans>) -> io::Result<()> {
        let scans = Arc::clone(self);
        let builder = thread::Builder::new().name("scan".to_owned()).stack_size(STACK);
        builder.spawn(move || scans.work()).map(drop)
    }

    /// Asks for a scan, and with `compare` for the compiler's own opinion.
    pub(crate) fn ask(&self, command: Arc<Command>, compare: bool) -> Awaited {
        let (sender, result) = channel();
        let asker = Arc::new(());
        let asked = Asked { command, compare, asker: Arc::downgrade(&asker), result: sender };
        lock(&self.waiting).push_back(asked);
        self.came.notify_one();
        Awaited { result, _asker: asker }
    }

    /// Nobody asks for the moment: directories that were held open for the next job are closed, or they could not be
    /// unmounted.
    pub(crate) fn rest(&self) {
        lock(&self.scanner).rest();
    }

    /// What the compiler reads and a scan of now lacks, looked at twice if need be: between a scan and the compiler's answer
    /// files may have changed.
    pub(crate) fn compare(&self, command: &Command, closure: &Closure) -> io::Result<Vec<PathBuf>> {
        let scanner = Arc::clone(&lock(&self.scanner));
        let missing = scanner.compare(command, closure)?;
        if missing.is_empty() {
            return Ok(missing);
        }
        let Ok(again) = scanner.scan(command) else { return Ok(Vec::new()) };
        scanner.compare(command, &again)
    }

    fn work(&self) {
        loop {
            let asked = self.next();
            if !asked.is_wanted() {
                continue;
            }
            let scanner = Arc::clone(&lock(&self.scanner));
            let result = guarded(|| scan(&scanner, &asked)).unwrap_or_else(|panic| {
                // What it has in memory may be half of something.
                *lock(&self.scanner) = Arc::new(new_scanner(self.budget));
                Err(panic)
            });
            let _ = asked.result.send(result);
        }
    }

    fn next(&self) -> Asked {
        let mut waiting = lock(&self.waiting);
        loop {
            if let Some(asked) = waiting.pop_front() {
                return asked;
            }
            waiting = self.came.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Awaited {
    /// The result, if it comes within `patience`.
    pub(crate) fn result_within(&self, patience: Duration) -> Option<Result<Found, NotCovered>> {
        match self.result.recv_timeout(patience) {
            Ok(result) => Some(result),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => {
                Some(Err(NotCovered { code: "internal", sentence: "the scan was given up".to_owned() }))
            }
        }
    }
}

impl Asked {
    fn is_wanted(&self) -> bool {
        self.asker.strong_count() > 0
    }
}

/// A panic costs the one job that came to it.
fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, NotCovered> {
    catch_unwind(AssertUnwindSafe(work))
        .map_err(|panic| NotCovered { code: "internal", sentence: words_of(&*panic) })
}

fn scan(scanner: &Scanner, asked: &Asked) -> Result<Found, NotCovered> {
    let closure = scanner.scan(&asked.command)?;
    let missing = if asked.compare {
        scanner.compare(&asked.command, &closure).map_err(|error| NotCovered {
            code: "comparison",
            sentence: format!("the compiler cannot be asked for its dependencies: {error}"),
        })?
    } else {
        Vec::new()
    };
    Ok(Found { closure: Arc::new(closure), missing })
}

fn new_scanner(bytes: usize) -> Scanner {
    Scanner::new(Budget { bytes })
}

/// A panic leaves nothing half done behind these locks.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn words_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("a panic").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_no_end() {
        assert_eq!(guarded(|| 7), Ok(7));
        for (panic, expected) in [
            (guarded(|| panic!("too odd")), "too odd"),
            (guarded(|| panic!("line {}", 7)), "line 7"),
            (guarded(|| std::panic::panic_any(7)), "a panic"),
        ] {
            let panic: Result<(), _> = panic;
            assert_eq!(panic, Err(NotCovered { code: "internal", sentence: expected.to_owned() }));
        }
    }

    #[test]
    fn what_nobody_waits_for_is_not_begun() {
        let scans = Scans::start(0, 0).unwrap();
        let command = Command { directory: "/".into(), words: vec!["cc".into()], environment: Vec::new() };
        let ask = || scans.ask(Arc::new(command.clone()), false);
        let (gone, _awaited) = (ask(), ask());
        drop(gone);
        assert_eq!([scans.next().is_wanted(), scans.next().is_wanted()], [false, true]);
    }
}
