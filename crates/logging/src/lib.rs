//! One-line diagnostics to stderr, a file, a descriptor or syslog. Knows no settings and no global: a `Log` is passed along.

mod level;
mod line;
mod sink;
mod syslog;

use std::fmt;

pub use level::{Level, UnknownLevel};
pub use sink::Sink;

/// Where one program says what it does: its name, the least urgent level it still writes, and where to.
#[derive(Debug)]
pub struct Log {
    program: &'static str,
    threshold: Level,
    target: sink::Target,
}

impl Log {
    /// Messages of `threshold` and of every more urgent level go to `sink`, under the name of `program`.
    #[must_use]
    pub fn new(program: &'static str, sink: Sink, threshold: Level) -> Log {
        Log { program, threshold, target: sink::Target::from(sink) }
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
            self.target.write(self.program, level, message);
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
