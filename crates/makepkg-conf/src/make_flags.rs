//! The number of jobs in make's flags. Knows nothing of where they are written. See make(1) and GNU make's manual, "Options/Recursion".

use std::ops::Range;

/// The text of MAKEFLAGS, and where its jobs stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MakeFlags {
    text: String,
    found: Vec<Found>,
    /// Where options end: at `--`, else at the end of the text.
    options_end: usize,
}

/// How many commands make runs at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Jobs {
    /// `-j11`.
    Limited(u32),
    /// `-j` without a number.
    Unlimited,
}

/// One `-j`, `-j2`, `-j 2`, `--jobs`, `--jobs=2` or `--jobs 2`, alone or in a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Found {
    jobs: Jobs,
    /// The option and its number: `j2` of `-kj2`, else the whole words.
    whole: Range<usize>,
    /// The number alone; empty where there is none.
    number: Range<usize>,
    long: bool,
}

/// Short options that take an argument, from the same word or the next one.
const WITH_ARGUMENT: &[u8] = b"CEIWfo";

impl MakeFlags {
    /// Takes any text, as make does.
    #[must_use]
    pub fn parse(text: &str) -> MakeFlags {
        let text = text.trim_end_matches('\r');
        let words = words(text);
        let mut flags = MakeFlags { text: text.to_owned(), found: Vec::new(), options_end: text.len() };
        let mut index = 0;
        while let Some(range) = words.get(index) {
            let word = &text[range.clone()];
            let next = words.get(index + 1).cloned();
            let taken = if word == "--" {
                flags.options_end = range.start;
                break;
            } else if let Some(long) = word.strip_prefix("--") {
                flags.long(range, long, next)
            } else if let Some(cluster) = word.strip_prefix('-') {
                flags.cluster(range.end - cluster.len()..range.end, next)
            } else if index == 0 && !word.contains('=') {
                // Make itself writes the first word without its dash.
                flags.cluster(range.clone(), next)
            } else {
                false
            };
            index += 1 + usize::from(taken);
        }
        flags
    }

    /// What the last `-j` says; `None` where there is none.
    #[must_use]
    pub fn jobs(&self) -> Option<Jobs> {
        self.found.last().map(|found| found.jobs)
    }

    /// The same flags with this number of jobs, written as the last `-j` was, else as `-j11` behind the others.
    #[must_use]
    pub fn with_jobs(&self, jobs: u32) -> String {
        let mut text = self.text.clone();
        if let Some(last) = self.found.last() {
            let number =
                if last.long && last.number.is_empty() { format!("={jobs}") } else { jobs.to_string() };
            text.replace_range(last.number.clone(), &number);
            return text;
        }
        let (options, rest) = self.text.split_at(self.options_end);
        let (gap, end) = (if options.is_empty() { "" } else { " " }, if rest.is_empty() { "" } else { " " });
        let behind = format!("{}{gap}-j{jobs}{end}{rest}", options.trim_end());
        // The last option may take the next word for its argument.
        let is_read = MakeFlags::parse(&behind).jobs() == Some(Jobs::Limited(jobs));
        if is_read { behind } else { format!("-j{jobs} {}", self.text) }
    }

    /// The same flags without any `-j`.
    #[must_use]
    pub fn without_jobs(&self) -> String {
        let mut text = self.text.clone();
        for found in self.found.iter().rev() {
            let mut range = found.whole.clone();
            let alone = text[..range.start].ends_with(char::is_whitespace) || range.start == 0;
            if text[..range.start].ends_with('-') && !found.long && is_boundary(&text, range.start - 1) {
                range.start -= 1;
            } else if !alone {
                text.replace_range(range, "");
                continue;
            }
            let before = text[..range.start].trim_end().len();
            if before == 0 {
                range.end += text[range.end..].len() - text[range.end..].trim_start().len();
            } else {
                range.start = before;
            }
            text.replace_range(range, "");
        }
        text
    }

    /// The same flags with as many jobs as `other` has, none of its flags besides.
    #[must_use]
    pub fn with_jobs_of(&self, other: &MakeFlags) -> String {
        match other.jobs() {
            Some(Jobs::Limited(jobs)) => self.with_jobs(jobs),
            Some(Jobs::Unlimited) => format!("{} -j", self.without_jobs()).trim_start().to_owned(),
            None => self.without_jobs(),
        }
    }

    /// `--jobs…`; whether the next word is its argument.
    fn long(&mut self, range: &Range<usize>, long: &str, next: Option<Range<usize>>) -> bool {
        if let Some(number) = long.strip_prefix("jobs=") {
            let number = range.end - number.len()..range.end;
            self.push(range.clone(), number, true);
        } else if long == "jobs" {
            return self.unattached(range.clone(), next, true);
        } else {
            return [
                "directory",
                "makefile",
                "file",
                "include-dir",
                "old-file",
                "assume-old",
                "what-if",
                "eval",
            ]
            .contains(&long);
        }
        false
    }

    /// The letters of `-kj4`; whether the next word is the last one's argument.
    fn cluster(&mut self, letters: Range<usize>, next: Option<Range<usize>>) -> bool {
        for at in letters.clone() {
            let letter = self.text.as_bytes()[at];
            let last = at + 1 == letters.end;
            match letter {
                b'j' if last => return self.unattached(at..letters.end, next, false),
                b'j' => {
                    self.push(at..letters.end, at + 1..letters.end, false);
                    return false;
                }
                b'l' if last => return next.is_some_and(|next| self.is_number(&next, b"0123456789.")),
                b'l' | b'O' => return false,
                _ if WITH_ARGUMENT.contains(&letter) => return last,
                _ => {}
            }
        }
        false
    }

    fn unattached(&mut self, option: Range<usize>, next: Option<Range<usize>>, long: bool) -> bool {
        match next.filter(|next| self.is_number(next, b"0123456789")) {
            Some(next) => {
                self.push(option.start..next.end, next, long);
                true
            }
            None => {
                self.push(option.clone(), option.end..option.end, long);
                false
            }
        }
    }

    fn is_number(&self, range: &Range<usize>, digits: &[u8]) -> bool {
        self.text[range.clone()].bytes().all(|byte| digits.contains(&byte))
    }

    fn push(&mut self, whole: Range<usize>, number: Range<usize>, long: bool) {
        let jobs = self.text[number.clone()].parse().map_or(Jobs::Unlimited, Jobs::Limited);
        self.found.push(Found { jobs, whole, number, long });
    }
}

fn is_boundary(text: &str, at: usize) -> bool {
    at == 0 || text[..at].ends_with(char::is_whitespace)
}

/// The words of the text; a backslash keeps the next character from ending one.
fn words(text: &str) -> Vec<Range<usize>> {
    let mut words = Vec::new();
    let mut start = None;
    let mut escaped = false;
    for (at, letter) in text.char_indices() {
        if letter.is_ascii_whitespace() && !escaped {
            words.extend(start.take().map(|start| start..at));
        } else {
            start.get_or_insert(at);
        }
        escaped = letter == '\\' && !escaped;
    }
    words.extend(start.map(|start| start..text.len()));
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs() {
        use Jobs::{Limited, Unlimited};
        let check = |text: &str, jobs: Option<Jobs>, with_eleven: &str, without: &str| {
            let flags = MakeFlags::parse(text);
            assert_eq!((flags.jobs(), flags.with_jobs(11).as_str()), (jobs, with_eleven), "{text:?}");
            assert_eq!(flags.without_jobs(), without, "{text:?}");
            assert_eq!(MakeFlags::parse(with_eleven).jobs(), Some(Limited(11)), "{with_eleven:?}");
            assert_eq!(MakeFlags::parse(with_eleven).with_jobs(11), with_eleven);
            assert_eq!(MakeFlags::parse(without).jobs(), None, "{without:?}");
        };
        check("", None, "-j11", "");
        check("-j2", Some(Limited(2)), "-j11", "");
        check("-j2\r", Some(Limited(2)), "-j11", "");
        check("-j2 -O", Some(Limited(2)), "-j11 -O", "-O");
        check("-O -j 2 -k", Some(Limited(2)), "-O -j 11 -k", "-O -k");
        check("--jobs=2", Some(Limited(2)), "--jobs=11", "");
        check("-k --jobs 2", Some(Limited(2)), "-k --jobs 11", "-k");
        check("--jobs -k", Some(Unlimited), "--jobs=11 -k", "-k");
        check("-kj4", Some(Limited(4)), "-kj11", "-k");
        check("-kj 4 -s", Some(Limited(4)), "-kj 11 -s", "-k -s");
        check("-j", Some(Unlimited), "-j11", "");
        check("-j -k", Some(Unlimited), "-j11 -k", "-k");
        check("-j2 -j3", Some(Limited(3)), "-j2 -j11", "");
        check("-O", None, "-O -j11", "-O");
        check("kj4", Some(Limited(4)), "kj11", "k");
        check("k", None, "k -j11", "k");
        check("-l 2 -C j4 -fj5", None, "-l 2 -C j4 -fj5 -j11", "-l 2 -C j4 -fj5");
        check("V=1 -s", None, "V=1 -s -j11", "V=1 -s");
        check("-s -- V=-j4", None, "-s -j11 -- V=-j4", "-s -- V=-j4");
        check("--jobserver-auth=3,4", None, "--jobserver-auth=3,4 -j11", "--jobserver-auth=3,4");
        check("-Oline V=a\\ -j2", None, "-Oline V=a\\ -j2 -j11", "-Oline V=a\\ -j2");
        check("-C", None, "-j11 -C", "-C");
        check("-k \\", None, "-j11 -k \\", "-k \\");
        check("-jé", Some(Unlimited), "-j11", "");
    }
}
