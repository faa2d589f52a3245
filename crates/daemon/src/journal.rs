//! The daemon's log, which can be opened anew while jobs write to it. Knows nothing of what is written.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use logging::{Field, Level, Log, Sink};

use crate::access::Peer;
use crate::settings::LogTarget;

/// What every line begins with.
const PROGRAM: &str = "distccd";

/// A log and how to open it again.
#[derive(Debug)]
pub(crate) struct Journal {
    target: LogTarget,
    journal_stream: Option<OsString>,
    level: Level,
    log: RwLock<Arc<Log>>,
}

impl Journal {
    /// Opens the log. When its file cannot be opened the system's log takes the lines, and the error says why.
    /// `journal_stream` is the variable that tells whether stderr is read by the systemd journal.
    pub(crate) fn open(
        target: LogTarget,
        journal_stream: Option<OsString>,
        level: Level,
    ) -> (Journal, Option<String>) {
        let (sink, problem) = match sink(&target, journal_stream.as_deref()) {
            Ok(sink) => (sink, None),
            Err(problem) => (Sink::Syslog, Some(problem)),
        };
        let log = RwLock::new(Arc::new(Log::new(PROGRAM, sink, level)));
        (Journal { target, journal_stream, level, log }, problem)
    }

    /// The log as it is now; a job keeps it to its end.
    pub(crate) fn log(&self) -> Arc<Log> {
        Arc::clone(&self.log.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The log as it is now, for what is about this client.
    pub(crate) fn log_about(&self, peer: Peer) -> Log {
        let log = self.log();
        match peer.address() {
            Some(from) => log
                .about(Field::Client, from.ip().to_string())
                .about(Field::ClientPort, from.port().to_string()),
            None => log.about(Field::Client, peer.to_string()),
        }
    }

    /// Opens the log's file again, because whoever rotates logs has moved it away.
    pub(crate) fn reopen(&self) {
        match sink(&self.target, self.journal_stream.as_deref()) {
            Ok(sink) => {
                let log = Arc::new(Log::new(PROGRAM, sink, self.level));
                *self.log.write().unwrap_or_else(PoisonError::into_inner) = log;
            }
            Err(problem) => self.log().error(format_args!("still writing to the old log: {problem}")),
        }
    }

    /// Whether the log goes to stderr, or to the journal that reads it.
    pub(crate) fn is_stderr(&self) -> bool {
        self.target == LogTarget::Stderr
    }

    /// Whether what started us reads the log anyway.
    pub(crate) fn is_read_by_starter(&self) -> bool {
        let stderr = Sink::stderr(self.journal_stream.as_deref());
        self.is_stderr() || (self.target == LogTarget::Syslog && matches!(stderr, Sink::Journal))
    }
}

/// The log for what goes wrong before there is a log: stderr, unless that is the client's connection.
pub(crate) fn before_start(stderr_is_client: bool, journal_stream: Option<&OsStr>) -> Log {
    let sink = if stderr_is_client { Sink::Syslog } else { Sink::stderr(journal_stream) };
    Log::new(PROGRAM, sink, Level::Warning)
}

fn sink(target: &LogTarget, journal_stream: Option<&OsStr>) -> Result<Sink, String> {
    match target {
        LogTarget::Stderr => Ok(Sink::stderr(journal_stream)),
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
        let (journal, problem) = Journal::open(LogTarget::File(path.clone()), None, Level::Notice);
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
        let (_, problem) = Journal::open(LogTarget::File("/nowhere/log".into()), None, Level::Notice);
        assert!(problem.unwrap().starts_with("failed to open logfile /nowhere/log: "));
    }
}
