//! Jobs and their time by name, for so many names at most. Knows nothing of what the names name.

use std::collections::BTreeMap;
use std::time::Duration;

/// Whoever comes when all rows are taken is counted here.
pub(super) const OTHERS: &str = "(others)";

/// More names than a person reads, and few enough for a monitoring system.
const ROWS: usize = 64;

/// A table that never has more than a fixed number of rows.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally(BTreeMap<String, Row>);

/// What is known of one name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) ok: u64,
    pub(super) failed: u64,
    /// All its jobs' time, from connection to answer.
    pub(super) time: Duration,
}

impl Tally {
    /// Counts one job.
    pub(super) fn count(&mut self, name: &str, ok: bool, time: Duration) {
        let is_full = self.0.len() >= ROWS && !self.0.contains_key(name);
        let row = self.0.entry(if is_full { OTHERS } else { name }.to_owned()).or_default();
        *(if ok { &mut row.ok } else { &mut row.failed }) += 1;
        row.time += time;
    }

    /// All rows, by name.
    pub(super) fn rows(&self) -> impl Iterator<Item = (&str, &Row)> {
        self.0.iter().map(|(name, row)| (name.as_str(), row))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_beyond_the_limit_share_a_row() {
        let mut tally = Tally::default();
        for number in 0..1000 {
            tally.count(&format!("{number:04}"), number % 2 == 0, Duration::from_secs(1));
        }
        tally.count("0000", true, Duration::from_secs(1));
        assert_eq!(tally.rows().count(), ROWS + 1);
        let row = |name| tally.rows().find(|(other, _)| *other == name).unwrap().1.clone();
        assert_eq!(row("0000"), Row { ok: 2, failed: 0, time: Duration::from_secs(2) });
        assert_eq!(row(OTHERS), Row { ok: 468, failed: 468, time: Duration::from_secs(936) });
    }
}
