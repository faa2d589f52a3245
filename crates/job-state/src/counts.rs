//! How many jobs ran where, and why here: entries of a tally added up. Knows neither files nor how it is shown.

use crate::tally::{Entry, Outcome};

/// What became of a number of jobs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Jobs that other machines did.
    pub remote: usize,
    /// The same by how they went, as far as that is told; the most frequent first.
    pub ways: Vec<(String, usize)>,
    /// Jobs that ran here.
    pub here: usize,
    /// The same by reason; the most frequent first.
    pub reasons: Vec<(String, usize)>,
    /// Other machines, as the host list names them; the busiest first.
    pub hosts: Vec<HostCount>,
}

/// What one machine did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostCount {
    /// As the host list names it.
    pub host: String,
    /// Jobs it did.
    pub done: usize,
    /// How often it was tried in vain.
    pub failed: usize,
    /// The last of these times.
    pub last_failure: Option<Entry>,
}

impl Counts {
    /// Adds up what `entries` say.
    #[must_use]
    pub fn of<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Counts {
        let mut counts = Counts::default();
        counts.add_all(entries);
        counts
    }

    /// Adds up these, too.
    pub fn add_all<'a>(&mut self, entries: impl IntoIterator<Item = &'a Entry>) {
        entries.into_iter().for_each(|entry| self.add(entry));
        for words in [&mut self.reasons, &mut self.ways] {
            words.sort_by(|(a, many), (b, more)| more.cmp(many).then(a.cmp(b)));
        }
        self.hosts.sort_by(|a, b| b.done.cmp(&a.done).then(a.host.cmp(&b.host)));
    }

    fn add(&mut self, entry: &Entry) {
        match entry.outcome {
            Outcome::Remote => {
                self.remote += 1;
                self.host(&entry.host).done += 1;
                if !entry.reason.is_empty() {
                    count(&mut self.ways, &entry.reason);
                }
            }
            Outcome::Here => {
                self.here += 1;
                count(&mut self.reasons, &entry.reason);
            }
            Outcome::Failed => {
                let host = self.host(&entry.host);
                host.failed += 1;
                host.last_failure = Some(entry.clone());
            }
        }
    }

    fn host(&mut self, name: &str) -> &mut HostCount {
        let at = self.hosts.iter().position(|host| host.host == name).unwrap_or_else(|| {
            self.hosts.push(HostCount { host: name.to_owned(), done: 0, failed: 0, last_failure: None });
            self.hosts.len() - 1
        });
        &mut self.hosts[at]
    }

    /// As in `812 remote (800 sources, 12 date), 31 here (22 conftest, 9 link)`.
    #[must_use]
    pub fn line(&self) -> String {
        let Counts { remote, here, .. } = self;
        format!("{remote} remote{}, {here} here{}", in_brackets(&self.ways), in_brackets(&self.reasons))
    }
}

fn count(words: &mut Vec<(String, usize)>, word: &str) {
    match words.iter_mut().find(|(known, _)| known == word) {
        Some((_, count)) => *count += 1,
        None => words.push((word.to_owned(), 1)),
    }
}

fn in_brackets(words: &[(String, usize)]) -> String {
    let words: Vec<String> = words.iter().map(|(word, count)| format!("{count} {word}")).collect();
    if words.is_empty() { String::new() } else { format!(" ({})", words.join(", ")) }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    fn entries(words: &str) -> Vec<Entry> {
        let entry = |word: &str| {
            let (outcome, about) = word.split_at(1);
            let (outcome, host, reason) = match outcome {
                "r" => (Outcome::Remote, about, ""),
                "s" => (Outcome::Remote, about, "sources"),
                "h" => (Outcome::Here, "", about),
                _ => (Outcome::Failed, about, "it is dead"),
            };
            let (host, reason) = (host.to_owned(), reason.to_owned());
            Entry { when: SystemTime::UNIX_EPOCH, outcome, host, reason, file: word.into() }
        };
        words.split(' ').filter(|word| !word.is_empty()).map(entry).collect()
    }

    #[track_caller]
    fn check(words: &str, line: &str, hosts: &[(&str, usize, usize)]) {
        let counts = Counts::of(&entries(words));
        assert_eq!(counts.line(), line);
        let found: Vec<_> =
            counts.hosts.iter().map(|host| (host.host.as_str(), host.done, host.failed)).collect();
        assert_eq!(found, hosts);
    }

    #[test]
    fn jobs_by_place_and_reason() {
        check("", "0 remote, 0 here", &[]);
        check("rred", "1 remote, 0 here", &[("red", 1, 0)]);
        check("hlink hprobe hprobe hasks", "0 remote, 4 here (2 probe, 1 asks, 1 link)", &[]);
        check(
            "sred rblue sred hlink",
            "3 remote (2 sources), 1 here (1 link)",
            &[("red", 2, 0), ("blue", 1, 0)],
        );
        check(
            "fblue hno-hosts rred rred fgreen rgreen",
            "3 remote, 1 here (1 no-hosts)",
            &[("red", 2, 0), ("green", 1, 1), ("blue", 0, 1)],
        );
    }

    #[test]
    fn the_last_failure_is_kept() {
        let mut failures = entries("fred fred");
        failures[1].reason = "it is still dead".to_owned();
        let last = &Counts::of(&failures).hosts[0].last_failure;
        assert_eq!(last.as_ref(), failures.last());
    }
}
