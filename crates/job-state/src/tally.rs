//! What became of each job, as records of one size: bytes to and from an [`Entry`]. Knows no files.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::time::{Duration, SystemTime};

use crate::task::basename;

/// What is worth counting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Another machine did the job.
    Remote = 1,
    /// The job ran on this machine.
    Here = 2,
    /// A machine was tried in vain; the job went on.
    Failed = 3,
}

/// One thing that happened. Texts that are too long for a record are cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// To the millisecond.
    pub when: SystemTime,
    /// What happened.
    pub outcome: Outcome,
    /// The host as the list names it; empty for a job that ran here. At most 48 bytes are kept.
    pub host: String,
    /// Why here (a code such as `link`), or what is wrong with the host, or how the job went there if that is worth a word
    /// (`sources`); at most 80 bytes are kept.
    pub reason: String,
    /// The file without its directory; of a long name the last 44 bytes are kept.
    pub file: OsString,
}

/// How long a record is.
pub(crate) const SIZE: usize = 192;

/// Both end with the version. The second one shows that a record was written whole.
const BEGIN: &[u8; 4] = b"DTy1";
const END: &[u8; 4] = b"yTD1";

// Offsets; between the outcome and the time there are three bytes of nothing.
const AT_OUTCOME: usize = 4;
const AT_TIME: usize = 8;
const AT_REASON: usize = 16;
const AT_HOST: usize = 96;
const AT_FILE: usize = 144;
const AT_END: usize = 188;

impl Entry {
    /// The record.
    #[must_use]
    pub(crate) fn encode(&self) -> [u8; SIZE] {
        let mut bytes = [0; SIZE];
        let time = self.when.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let time = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        put(&mut bytes, 0, BEGIN);
        bytes[AT_OUTCOME] = self.outcome as u8;
        put(&mut bytes, AT_TIME, &time.to_le_bytes());
        put(&mut bytes, AT_REASON, head(&self.reason, AT_HOST - AT_REASON).as_bytes());
        put(&mut bytes, AT_HOST, head(&self.host, AT_FILE - AT_HOST).as_bytes());
        let file = basename(&self.file).as_bytes();
        put(&mut bytes, AT_FILE, &file[file.len().saturating_sub(AT_END - AT_FILE)..]);
        put(&mut bytes, AT_END, END);
        bytes
    }

    /// `None`: no record, one that was cut short, or one of another version.
    #[must_use]
    pub(crate) fn decode(bytes: &[u8; SIZE]) -> Option<Entry> {
        if !bytes.starts_with(BEGIN) || !bytes.ends_with(END) {
            return None;
        }
        let outcome = match bytes[AT_OUTCOME] {
            1 => Outcome::Remote,
            2 => Outcome::Here,
            3 => Outcome::Failed,
            _ => return None,
        };
        let time = u64::from_le_bytes(*bytes[AT_TIME..].first_chunk()?);
        Some(Entry {
            when: SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(time))?,
            outcome,
            reason: text(&bytes[AT_REASON..AT_HOST]),
            host: text(&bytes[AT_HOST..AT_FILE]),
            file: OsString::from_vec(name(&bytes[AT_FILE..AT_END]).to_owned()),
        })
    }
}

/// All that is whole in `bytes`, and how many of them are done with: the rest may be a record that is being written.
/// What is no record is passed over.
#[must_use]
pub(crate) fn entries(bytes: &[u8]) -> (Vec<Entry>, usize) {
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(record) = bytes[at..].first_chunk() {
        at += match Entry::decode(record) {
            Some(entry) => {
                found.push(entry);
                SIZE
            }
            None => 1 + next_begin(&bytes[at + 1..]),
        };
    }
    (found, at)
}

/// How far the next record is away; where none begins, as far as one might still begin.
fn next_begin(bytes: &[u8]) -> usize {
    let begins = bytes.windows(BEGIN.len()).position(|window| window == BEGIN);
    begins.unwrap_or_else(|| bytes.len().saturating_sub(BEGIN.len() - 1))
}

fn put(bytes: &mut [u8; SIZE], at: usize, field: &[u8]) {
    bytes[at..at + field.len()].copy_from_slice(field);
}

fn head(text: &str, room: usize) -> &str {
    let end = (0..=room.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or(0)]
}

fn text(field: &[u8]) -> String {
    String::from_utf8_lossy(name(field)).into_owned()
}

fn name(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entry(file: &str) -> Entry {
        let when = SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_123);
        let (host, reason) = ("red:99/5,lzo".to_owned(), "connection refused".to_owned());
        Entry { when, outcome: Outcome::Failed, host, reason, file: file.into() }
    }

    /// What is found, and how many bytes are left to be read again.
    #[track_caller]
    fn check(bytes: &[u8], expected: &[&str], rest: usize) {
        let (found, at) = entries(bytes);
        let files: Vec<_> = found.iter().map(|entry| entry.file.to_str().unwrap()).collect();
        assert_eq!((files.as_slice(), bytes.len() - at), (expected, rest));
    }

    #[test]
    fn records_among_what_is_none() {
        let (a, b) = (entry("a.c").encode(), entry("b.c").encode());
        check(&[], &[], 0);
        check(&[a, b].concat(), &["a.c", "b.c"], 0);
        check(&[&a[..], &b[..100]].concat(), &["a.c"], 100);
        check(&[&a[..100], &b[..], &a[..]].concat(), &["b.c", "a.c"], 0);
        check(&[b"foreign", &a[..], b"text", &b[..]].concat(), &["a.c", "b.c"], 0);
        let mut another_version = a;
        another_version[3] = b'2';
        check(&[another_version, b].concat(), &["b.c"], 0);
    }

    #[test]
    fn texts_are_cut() {
        let long = Entry { host: "ä".repeat(40), reason: "x".repeat(99), ..entry(&"y".repeat(60)) };
        let short = Entry { host: "ä".repeat(24), reason: "x".repeat(80), ..entry(&"y".repeat(44)) };
        assert_eq!(Entry::decode(&long.encode()), Some(short));
        assert_eq!(Entry::decode(&entry("../src/a.c").encode()), Some(entry("a.c")));
        let uneven = Entry { host: format!("x{}", "ä".repeat(40)), ..entry("a.c") };
        assert_eq!(Entry::decode(&uneven.encode()).unwrap().host, format!("x{}", "ä".repeat(23)));
    }

    proptest! {
        /// Whatever a writer that died has left, and wherever a reader stops, each whole record is found once.
        #[test]
        fn whole_records_are_found(
            torn in proptest::collection::vec(0..=SIZE, 0..6),
            split in 0usize..2000,
        ) {
            let mut bytes = Vec::new();
            let mut expected = Vec::new();
            for (number, length) in torn.into_iter().enumerate() {
                let entry = entry(&format!("{number}.c"));
                bytes.extend(&entry.encode()[..length]);
                expected.extend((length == SIZE).then_some(entry));
            }
            bytes.extend(entry("last.c").encode());
            expected.push(entry("last.c"));
            let (mut found, at) = entries(&bytes[..split.min(bytes.len())]);
            found.extend(entries(&bytes[at..]).0);
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn no_bytes_are_too_odd(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            prop_assert!(entries(&bytes).1 <= bytes.len());
        }
    }
}
