//! Finds out which hosts answer, as `lsdistcc` does it. `survey` tells the story; the others are its nouns. Knows
//! nothing of host lists and slots.

mod domain;
mod entry;
mod names;
mod options;
mod probe;
mod resolve;
mod search;
mod settings;
mod survey;
mod test_compile;

use options::{Asked, Options};
use std::ffi::OsString;
use std::io::Write;
use survey::{Survey, Tally};

/// No name could be resolved, or the command line makes no sense (lsdistcc(1)).
const NOTHING: u8 = 1;
/// With `-e`: there are such hosts, and none of them answers.
const ALL_DOWN: u8 = 2;

/// Runs `lsdistcc` with the words after its name. Hosts go to `out` as they are found, one a line; steps and complaints
/// go to `err`. Gives the exit code.
pub fn run(words: impl Iterator<Item = OsString>, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let words: Vec<String> = words.map(|word| word.to_string_lossy().into_owned()).collect();
    // A closed pipe (`lsdistcc | head -1`) is not worth a message.
    match options::parse(&words) {
        Asked::Help => {
            let _ = out.write_all(options::usage().as_bytes());
            0
        }
        Asked::Version => {
            let _ = writeln!(out, "lsdistcc {}", env!("CARGO_PKG_VERSION"));
            0
        }
        Asked::Nonsense(word) => {
            let _ = writeln!(err, "lsdistcc: {word} makes no sense here");
            let _ = out.write_all(options::usage().as_bytes());
            NOTHING
        }
        Asked::Hosts(mut options) => {
            if options.append_domain {
                let Some(domain) = domain::of_this_machine(&settings::Settings::read(), options.total) else {
                    let _ = writeln!(
                        err,
                        "lsdistcc: this machine's name has no domain for -d; set HOST to one that has"
                    );
                    return NOTHING;
                };
                options.names.append(&domain);
            }
            code(&options, &Survey::new(&options, out, err).run())
        }
    }
}

/// Without `-e` as 3.4 has it: whether there are such hosts, even if all of them are down.
fn code(options: &Options, tally: &Tally) -> u8 {
    match *tally {
        Tally { up, .. } if options.exit_tells && up > 0 => 0,
        Tally { resolved, .. } if options.exit_tells && resolved > 0 => ALL_DOWN,
        Tally { resolved: 0, out_of_time, .. } if options.exit_tells || !out_of_time => NOTHING,
        Tally { .. } => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes() {
        let check = |resolved, up, out_of_time, expected: (u8, u8)| {
            let tally = Tally { resolved, up, out_of_time };
            let with = |words: &[&str]| {
                let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
                let Asked::Hosts(options) = options::parse(&words) else { panic!("{words:?}") };
                code(&options, &tally)
            };
            assert_eq!((with(&[]), with(&["-e"])), expected, "{tally:?}");
        };
        check(0, 0, false, (1, 1));
        check(2, 0, false, (0, 2));
        check(2, 1, false, (0, 0));
        check(0, 0, true, (0, 1));
        check(2, 0, true, (0, 2));
        check(2, 1, true, (0, 0));
    }

    #[test]
    fn what_makes_no_sense_is_answered_with_the_usage() {
        let check = |word: &str, expected: u8, complaint: &str| {
            let (mut out, mut err) = (Vec::new(), Vec::new());
            assert_eq!(run([OsString::from(word)].into_iter(), &mut out, &mut err), expected, "{word}");
            assert!(out.starts_with(b"Usage: lsdistcc "), "{word}");
            assert_eq!(String::from_utf8(err).unwrap(), complaint);
        };
        check("--help", 0, "");
        check("-q", 1, "lsdistcc: -q makes no sense here\n");
        check("-r70000", 1, "lsdistcc: -r70000 makes no sense here\n");
    }
}
