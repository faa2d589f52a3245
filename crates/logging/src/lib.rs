//! One-line diagnostics to stderr, a file, a descriptor, the journal or syslog. Knows no settings and no global: a `Log` is
//! passed along.

mod field;
mod journal;
mod level;
mod line;
mod sink;
mod socket;
mod system;

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

pub use field::Field;
pub use level::{Level, UnknownLevel};
pub use sink::Sink;

/// Where one program says what it does: its name, the least urgent level it still writes, where to, and what all that it
/// says is about.
#[derive(Debug, Clone)]
pub struct Log {
    program: &'static str,
    threshold: Level,
    target: Arc<sink::Target>,
    about: Vec<(Field, Vec<u8>)>,
}

impl Log {
    /// Messages of `threshold` and of every more urgent level go to `sink`, under the name of `program`.
    #[must_use]
    pub fn new(program: &'static str, sink: Sink, threshold: Level) -> Log {
        Log { program, threshold, target: Arc::new(sink::Target::from(sink)), about: Vec::new() }
    }

    /// The same log for messages that are about this, too; only the journal keeps it.
    #[must_use]
    pub fn about(&self, field: Field, value: impl AsRef<OsStr>) -> Log {
        let mut log = self.clone();
        log.about.push((field, value.as_ref().as_bytes().to_vec()));
        log
    }

    /// Whether a message of this level would be written; ask before computing a costly one.
    #[must_use]
    pub fn enabled(&self, level: Level) -> bool {
        level <= self.threshold
    }

    /// Writes one line with one `write(2)`, so that lines of parallel processes never mix. It is cut at 4090
    /// bytes, control characters are escaped, and a sink that fails loses the line but never fails the program.
    pub fn write(&self, level: Level, message: fmt::Arguments) {
        if self.enabled(level) {
            self.target.write(self.program, level, &self.about, message);
        }
    }

    /// Writes a message after the prefix `CRITICAL! `.
    pub fn critical(&self, message: fmt::Arguments) {
        self.write(Level::Critical, message);
    }

    /// Writes a message after the prefix `ERROR: `.
    pub fn error(&self, message: fmt::Arguments) {
        self.write(Level::Error, message);
    }

    /// Writes a message after the prefix `Warning: `.
    pub fn warning(&self, message: fmt::Arguments) {
        self.write(Level::Warning, message);
    }

    /// Writes a notice, such as the daemon's summary of a job.
    pub fn notice(&self, message: fmt::Arguments) {
        self.write(Level::Notice, message);
    }

    /// Writes what a user who reads logs wants to know.
    pub fn info(&self, message: fmt::Arguments) {
        self.write(Level::Info, message);
    }

    /// Writes what only someone who searches a fault wants to know.
    pub fn debug(&self, message: fmt::Arguments) {
        self.write(Level::Debug, message);
    }
}
