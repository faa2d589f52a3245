//! How what is known of hosts is written down: a line for each thing that was found out. Knows no file.

use super::{Entry, Proven, Standing};

/// In letters; a sentence is cut off there.
const LONGEST_SENTENCE: usize = 500;

/// Lines that make no sense are passed over, as are those of another state of the compiler here.
pub(super) fn parse(text: &str, own: &str) -> Vec<Entry> {
    let of_own = |line: &'_ str| line.strip_prefix(own)?.strip_prefix(' ').and_then(parse_line);
    text.lines().filter_map(of_own).collect()
}

fn parse_line(line: &str) -> Option<Entry> {
    let mut words = line.splitn(4, ' ');
    let (host, when) = (words.next()?.to_owned(), words.next()?.parse().ok()?);
    let standing = match (words.next()?, words.next()) {
        ("proven", Some(proof)) => Some(Standing::Proven(parse_proven(proof)?)),
        ("alike", None) => Some(Standing::Alike),
        ("stranger", Some(why)) => Some(Standing::Stranger(why.to_owned())),
        ("unknown", None) => None,
        _ => return None,
    };
    Some(Entry { host, when, standing })
}

fn parse_proven(words: &str) -> Option<Proven> {
    let native = words.strip_suffix(" native");
    let fingerprint = native.unwrap_or(words);
    let is_hex = fingerprint.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex.then(|| Proven { fingerprint: fingerprint.to_owned(), takes_native: native.is_some() })
}

pub(super) fn write(entries: &[Entry], own: &str) -> String {
    let line = |Entry { host, when, standing }: &Entry| match standing {
        Some(Standing::Proven(Proven { fingerprint, takes_native })) => {
            let native = if *takes_native { " native" } else { "" };
            format!("{own} {host} {when} proven {fingerprint}{native}\n")
        }
        Some(Standing::Alike) => format!("{own} {host} {when} alike\n"),
        Some(Standing::Stranger(why)) => format!("{own} {host} {when} stranger {}\n", on_one_line(why)),
        None => format!("{own} {host} {when} unknown\n"),
    };
    entries.iter().map(line).collect()
}

/// A sentence may hold what a host has said.
pub(crate) fn on_one_line(why: &str) -> String {
    why.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST_SENTENCE).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn proven(fingerprint: String, takes_native: bool) -> Standing {
        Standing::Proven(Proven { fingerprint, takes_native })
    }

    #[test]
    fn a_sentence_is_short_and_one_line() {
        assert_eq!(on_one_line("it has\nno gcc\u{1b}[31m"), "it has no gcc [31m");
        assert_eq!(on_one_line(&"x".repeat(65_000)).len(), LONGEST_SENTENCE);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(when: u64, why in "\\PC{1,40}", hex in "[0-9a-f]{64}", which in 0..5) {
            let standing = match which {
                0 => Some(proven(hex, true)),
                4 => Some(proven(hex, false)),
                1 => Some(Standing::Alike),
                2 => Some(Standing::Stranger(why)),
                _ => None,
            };
            let entries = vec![Entry { host: "tcp:red:3632".to_owned(), when, standing }];
            prop_assert_eq!(parse(&write(&entries, "own"), "own"), entries);
        }

        #[test]
        fn garbage_is_survived(lines in "(1 |tcp:red:1 |[0-9]{1,30} |proven |alike|stranger |\\PC|\n){0,12}") {
            let entries = parse(&lines, "1");
            prop_assert_eq!(parse(&write(&entries, "1"), "1"), entries);
        }
    }
}
