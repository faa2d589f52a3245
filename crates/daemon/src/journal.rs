//! The daemon's log, which can be opened anew while jobs write to it. Knows nothing of what is written.

use std::io;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use logging::{Level, Log, Sink};

use crate::settings::LogTarget;

/// What every line begins with.
const PROGRAM: &str = "distccd";

/// A log and how to open it again.
#[derive(Debug)]
pub(crate) struct Journal {
    target: LogTarget,
    level: Level,
    log: RwLock<Arc<Log>>,
}

impl Journal {
    /// Opens the log. When its file cannot be opened the system's log takes the lines, and the error says why.
    pub(crate) fn open(target: LogTarget, level: Level) -> (Journal, Option<String>) {
        let (sink, problem) = match sink(&target) {
            Ok(sink) => (sink, None),
            Err(problem) => (Sink::Syslog, Some(problem)),
        };
        let log = RwLock::new(Arc::new(Log::new(PROGRAM, sink, level)));
        (Journal { target, level, log }, problem)
    }

    /// The log as it is now; a job keeps it to its end.
    pub(crate) fn log(&self) -> Arc<Log> {
        Arc::clone(&self.log.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Opens the log's file again, because whoever rotates logs has moved it away.
    pub(crate) fn reopen(&self) {
        match sink(&self.target) {
            Ok(sink) => {
                let log = Arc::new(Log::new(PROGRAM, sink, self.level));
                *self.log.write().unwrap_or_else(PoisonError::into_inner) = log;
            }
            Err(problem) => self.log().error(format_args!("still writing to the old log: {problem}")),
        }
    }

    /// Whether the log is what started us reads anyway.
    pub(crate) fn is_stderr(&self) -> bool {
        self.target == LogTarget::Stderr
    }
}

/// The log for what goes wrong before there is a log: stderr, unless that is the client's connection.
pub(crate) fn before_start(stderr_is_client: bool) -> Log {
    let sink = if stderr_is_client { Sink::Syslog } else { Sink::Stderr };
    Log::new(PROGRAM, sink, Level::Warning)
}

fn sink(target: &LogTarget) -> Result<Sink, String> {
    match target {
        LogTarget::Stderr => Ok(Sink::Stderr),
        LogTarget::Syslog => Ok(Sink::Syslog),
        LogTarget::File(path) => Sink::append(path).map_err(|error| unopenable(path, &error)),
    }
}

fn unopenable(path: &Path, error: &io::Error) -> String {
    format!("failed to open logfile {}: {error}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_file_that_was_moved_away_is_made_anew() {
        let directory = tempfile::tempdir().unwrap();
        let [path, moved] = ["log", "log.1"].map(|name| directory.path().join(name));
        let (journal, problem) = Journal::open(LogTarget::File(path.clone()), Level::Notice);
        assert_eq!(problem, None);
        let kept = journal.log();
        fs::rename(&path, &moved).unwrap();
        journal.reopen();
        journal.log().notice(format_args!("new"));
        kept.notice(format_args!("old"));
        assert!(fs::read_to_string(&path).unwrap().ends_with("] new\n"));
        assert!(fs::read_to_string(&moved).unwrap().ends_with("] old\n"));
    }

    #[test]
    fn a_file_that_cannot_be_opened() {
        let (_, problem) = Journal::open(LogTarget::File("/nowhere/log".into()), Level::Notice);
        assert!(problem.unwrap().starts_with("failed to open logfile /nowhere/log: "));
    }
}
