//! What became of the jobs since the last `distcc --summary`: totals and the last failures. Knows nothing of running jobs.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::SystemTime;

use job_state::{Counts, Entry, Outcome, Tally};

/// So many failures are kept.
const LAST: usize = 3;

/// Read again and again; only what is new is read, until another summary begins.
#[derive(Debug)]
pub(crate) struct Past {
    tallies: Vec<(Tally, SystemTime)>,
    directories: Vec<PathBuf>,
    counts: Counts,
    failures: VecDeque<Entry>,
}

impl Past {
    /// Has read nothing yet of these, each a DISTCC_DIR.
    pub(crate) fn new(directories: &[PathBuf]) -> Past {
        let begin = |directory: &PathBuf| {
            let tally = Tally::new(directory);
            let since = tally.shown();
            (tally, since)
        };
        Past {
            tallies: directories.iter().map(begin).collect(),
            directories: directories.to_vec(),
            counts: Counts::default(),
            failures: VecDeque::new(),
        }
    }

    /// Begins anew if these are others.
    pub(crate) fn follow(&mut self, directories: &[PathBuf]) {
        if self.directories != directories {
            *self = Past::new(directories);
        }
    }

    /// Takes in what is new.
    pub(crate) fn read(&mut self) {
        if self.tallies.iter().any(|(tally, since)| tally.shown() != *since) {
            *self = Past::new(&self.directories);
        }
        let mut new = Vec::new();
        for (tally, since) in &mut self.tallies {
            // A tally that cannot be read is one without jobs: the view is about those that run.
            let found = tally.read().unwrap_or_default();
            new.extend(found.into_iter().filter(|entry| entry.when >= *since));
        }
        self.counts.add_all(&new);
        self.failures.extend(new.into_iter().filter(|entry| entry.outcome == Outcome::Failed));
        // Each tally has its own in order.
        self.failures.make_contiguous().sort_by_key(|failure| failure.when);
        let excess = self.failures.len().saturating_sub(LAST);
        self.failures.drain(..excess);
    }

    /// As `distcc --summary` would begin; `None` when there is nothing to tell.
    pub(crate) fn totals(&self) -> Option<String> {
        (self.counts != Counts::default()).then(|| self.counts.line())
    }

    /// The last ones, the latest first.
    pub(crate) fn failures(&self) -> impl Iterator<Item = &Entry> {
        self.failures.iter().rev()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn entry(outcome: Outcome, second: u64) -> Entry {
        let when = SystemTime::UNIX_EPOCH + Duration::from_secs(second);
        let reason = if outcome == Outcome::Remote { "" } else { "link" }.to_owned();
        Entry { when, outcome, host: "red".to_owned(), reason, file: format!("{second}.c").into() }
    }

    #[track_caller]
    fn check(past: &mut Past, totals: Option<&str>, failures: &[&str]) {
        past.read();
        assert_eq!(past.totals().as_deref(), totals);
        assert_eq!(past.failures().map(|entry| entry.file.to_str().unwrap()).collect::<Vec<_>>(), failures);
    }

    #[test]
    fn what_happened_since_the_last_summary() {
        let (own, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let add = |dir: &tempfile::TempDir, outcome, second| {
            Tally::new(dir.path()).add(&entry(outcome, second)).unwrap();
        };
        let mut past = Past::new(&[own.path().to_owned(), other.path().to_owned()]);
        check(&mut past, None, &[]);
        add(&own, Outcome::Remote, 1);
        add(&other, Outcome::Here, 2);
        check(&mut past, Some("1 remote, 1 here (1 link)"), &[]);
        (3..8).for_each(|second| add(&own, Outcome::Failed, second));
        check(&mut past, Some("1 remote, 1 here (1 link)"), &["7.c", "6.c", "5.c"]);
        add(&own, Outcome::Failed, 9);
        add(&other, Outcome::Failed, 8);
        check(&mut past, Some("1 remote, 1 here (1 link)"), &["9.c", "8.c", "7.c"]);
        Tally::new(own.path()).set_shown(SystemTime::UNIX_EPOCH + Duration::from_secs(7)).unwrap();
        check(&mut past, Some("0 remote, 1 here (1 link)"), &["9.c", "8.c", "7.c"]);
    }
}
