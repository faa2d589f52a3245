//! The command line of `lsdistcc`: one table of options, which its usage text is made of. Knows nothing of what they
//! lead to.

use crate::names::Names;
use crate::test_compile::Protocol;
use std::fmt::Write;
use std::time::Duration;

/// What one run is to do.
#[derive(Debug)]
pub(crate) enum Asked {
    Help,
    Version,
    /// The word that is no option, or whose value is none.
    Nonsense(String),
    Hosts(Box<Options>),
}

/// Which hosts to look for, how, and what to say of them.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    pub(crate) names: Names,
    /// How many leading bits of an address must be those of the first host's.
    pub(crate) network_bits: u32,
    /// For everything together; none: as long as it takes.
    pub(crate) total: Option<Duration>,
    /// After which a name is asked for once more.
    pub(crate) lookup: Duration,
    /// None: whatever can be resolved is up.
    pub(crate) connect: Option<Duration>,
    /// None: no test compile.
    pub(crate) compile: Option<Duration>,
    /// How many names to ask for besides the one that is due.
    pub(crate) overlap: usize,
    /// How many names of a series may be missing before it ends.
    pub(crate) gap: usize,
    pub(crate) port: u16,
    pub(crate) protocol: Protocol,
    /// For the test compile; none: no test compile.
    pub(crate) compiler: Option<String>,
    pub(crate) latency: bool,
    pub(crate) numeric: bool,
    pub(crate) down: bool,
    pub(crate) verbose: bool,
    pub(crate) append_domain: bool,
    pub(crate) exit_tells: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            names: Names::of(&[]),
            network_bits: 0,
            total: Some(Duration::from_secs(7)),
            lookup: Duration::from_millis(500),
            connect: Some(Duration::from_millis(900)),
            compile: Some(Duration::from_millis(1500)),
            overlap: 1,
            gap: 0,
            port: 3632,
            protocol: Protocol::Plain,
            compiler: None,
            latency: false,
            numeric: false,
            down: false,
            verbose: false,
            append_domain: false,
            exit_tells: false,
        }
    }
}

/// One option: a letter, and what its value is, or nothing.
struct Row {
    letter: char,
    value: &'static str,
    what: &'static str,
    /// None when the value makes no sense.
    set: fn(&mut Options, &str) -> Option<()>,
}

const ROWS: &[Row] = &[
    row(
        'p',
        "COMPILER",
        "compile a test source there with COMPILER, instead of connecting only",
        |o, value| {
            o.compiler = Some(value.to_owned()).filter(|compiler| !compiler.is_empty());
            o.compiler.is_some().then_some(())
        },
    ),
    row('P', "VERSION", "speak protocol 1, 2 (lzo) or 3 (lzo,cpp) in the test compile [1]", |o, value| {
        o.protocol = Protocol::numbered(number(value)?)?;
        Some(())
    }),
    row('r', "PORT", "connect to PORT [3632]", |o, value| {
        o.port = u16::try_from(number(value)?).ok().filter(|port| *port > 0)?;
        Some(())
    }),
    row('x', "", "list hosts that are down, too, with \",down\" behind their name", |o, _| {
        o.down = true;
        Some(())
    }),
    row('l', "", "add milliseconds from connecting to the verdict", |o, _| {
        o.latency = true;
        Some(())
    }),
    row('n', "", "print addresses instead of names", |o, _| {
        o.numeric = true;
        Some(())
    }),
    row('d', "", "append this machine's DNS domain to every name", |o, _| {
        o.append_domain = true;
        Some(())
    }),
    row(
        'm',
        "BITS",
        "take only hosts whose address begins with BITS bits of the first one's [0]",
        |o, value| {
            o.network_bits = number(value).filter(|bits| *bits < 128)?;
            Some(())
        },
    ),
    row('g', "NAMES", "end a series after so many missing names and one more [0]", |o, value| {
        o.gap = number(value)? as usize;
        Some(())
    }),
    row('o', "NAMES", "look up so many names besides the next one [1]", |o, value| {
        o.overlap = number(value)? as usize;
        Some(())
    }),
    row('h', "MS", "look a name up again after MS milliseconds without an answer [500]", |o, value| {
        o.lookup = milliseconds(value)?;
        Some(())
    }),
    row(
        'c',
        "MS",
        "give up connecting after MS milliseconds; 0: never connect, all are up [900]",
        |o, value| {
            o.connect = Some(milliseconds(value)?).filter(|time| !time.is_zero());
            Some(())
        },
    ),
    row('k', "MS", "give up a test compile after MS milliseconds; 0: no test compile [1500]", |o, value| {
        o.compile = Some(milliseconds(value)?).filter(|time| !time.is_zero());
        Some(())
    }),
    row(
        't',
        "SECONDS",
        "end after SECONDS seconds with what is known by then; 0: take any time [7]",
        |o, value| {
            o.total = Some(Duration::from_secs(number(value)?.into())).filter(|time| !time.is_zero());
            Some(())
        },
    ),
    row('e', "", "exit with 2 when there are such hosts and none of them is up", |o, _| {
        o.exit_tells = true;
        Some(())
    }),
    row('v', "", "tell every step on standard error", |o, _| {
        o.verbose = true;
        Some(())
    }),
];

const fn row(
    letter: char,
    value: &'static str,
    what: &'static str,
    set: fn(&mut Options, &str) -> Option<()>,
) -> Row {
    Row { letter, value, what, set }
}

/// What the words after the program's name ask for. Options end at the first word that is none.
pub(crate) fn parse(words: &[String]) -> Asked {
    let mut options = Options::default();
    let end = words.iter().position(|word| !word.starts_with('-')).unwrap_or(words.len());
    for word in &words[..end] {
        match word.as_str() {
            "--help" => return Asked::Help,
            "--version" => return Asked::Version,
            _ if read(&word[1..], &mut options).is_some() => {}
            _ => return Asked::Nonsense(word.clone()),
        }
    }
    options.names = Names::of(&words[end..]);
    Asked::Hosts(Box::new(options))
}

/// One word without its hyphen: letters without a value, or up to one with a value, which is the rest.
fn read(word: &str, options: &mut Options) -> Option<()> {
    let mut letters = word.char_indices();
    let (_, mut letter) = letters.next()?;
    loop {
        let row = ROWS.iter().find(|row| row.letter == letter)?;
        if !row.value.is_empty() {
            return (row.set)(options, letters.as_str());
        }
        (row.set)(options, "")?;
        match letters.next() {
            Some((_, next)) => letter = next,
            None => return Some(()),
        }
    }
}

fn number(value: &str) -> Option<u32> {
    value.parse().ok()
}

fn milliseconds(value: &str) -> Option<Duration> {
    Some(Duration::from_millis(number(value)?.into()))
}

/// For people.
pub(crate) fn usage() -> String {
    let mut text = String::from(
        "Usage: lsdistcc [OPTION]... [FORMAT | HOST...]\n\
         Prints which hosts answer, one a line, as a host list names them.\n\
         FORMAT is a name with %d in it, for which 1, 2, 3 and so on are put until such a name is missing;\n\
         without FORMAT or HOST it is distcc%d.\n\n",
    );
    for Row { letter, value, what, .. } in ROWS {
        let option = format!("-{letter}{value}");
        let _ = writeln!(text, "  {option:<11} {what}");
    }
    text.push_str("  --help      explain usage and exit\n  --version   show version and exit\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parsed(line: &str) -> Asked {
        parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[track_caller]
    fn check(line: &str, expected: impl Fn(&Options) -> bool) {
        let Asked::Hosts(options) = parsed(line) else { panic!("{line}: {:?}", parsed(line)) };
        assert!(expected(&options), "{line}: {options:?}");
    }

    #[track_caller]
    fn check_nonsense(line: &str) {
        assert!(matches!(parsed(line), Asked::Nonsense(word) if line.ends_with(&word)), "{line}");
    }

    #[test]
    fn values_are_joined_to_their_letters() {
        check("-t5", |o| o.total == Some(Duration::from_secs(5)) && o.port == 3632);
        check("-t0 -c0 -k0", |o| o.total.is_none() && o.connect.is_none() && o.compile.is_none());
        check("-m31 -o7 -g3 -r13632", |o| (o.network_bits, o.overlap, o.gap, o.port) == (31, 7, 3, 13632));
        check("-h20 -c30 -k40", |o| {
            let [h, c, k] = [20, 30, 40].map(Duration::from_millis);
            (o.lookup, o.connect, o.compile) == (h, Some(c), Some(k))
        });
        check("-pgcc -P3", |o| o.compiler.as_deref() == Some("gcc") && o.protocol == Protocol::Pump);
        check("-p/usr/bin/x-n", |o| o.compiler.as_deref() == Some("/usr/bin/x-n") && !o.numeric);
    }

    #[test]
    fn letters_without_values_may_be_joined() {
        check("-l -n -x -v -d -e", |o| {
            o.latency && o.numeric && o.down && o.verbose && o.append_domain && o.exit_tells
        });
        check("-lnxvv", |o| o.latency && o.numeric && o.down && o.verbose && !o.append_domain);
        check("-xt5", |o| o.down && o.total == Some(Duration::from_secs(5)));
    }

    #[test]
    fn options_end_at_the_first_name() {
        check("-x red -l", |o| o.down && !o.latency && o.names.name(2).as_deref() == Some("-l"));
        check("", |o| o.names.name(3).as_deref() == Some("distcc3"));
    }

    #[test]
    fn what_makes_no_sense() {
        for word in ["-q", "-", "--", "--foo", "-t", "-t-1", "-tx", "-t1.5", "-m", "-m128", "-m-1", "-g-1"] {
            check_nonsense(word);
        }
        for word in ["-x -P", "-P0", "-P4", "-p", "-r0", "-r65536", "-c-1", "-lq", "-o99999999999", "-ö"] {
            check_nonsense(word);
        }
        assert!(matches!(parsed("--help -q"), Asked::Help));
        assert!(matches!(parsed("-x --version"), Asked::Version));
    }

    #[test]
    fn letters_are_unique_and_all_are_explained() {
        for (at, row) in ROWS.iter().enumerate() {
            assert!(ROWS[..at].iter().all(|other| other.letter != row.letter), "-{}", row.letter);
            assert!(usage().contains(&format!("\n  -{}{}", row.letter, row.value)));
        }
        assert!(usage().lines().all(|line| line.len() <= 100), "{}", usage());
    }

    proptest! {
        #[test]
        fn any_words_can_be_typed(words in prop::collection::vec("-?[a-zP%ö]{0,3}[0-9]{0,12}", 0..5)) {
            if let Asked::Nonsense(word) = parse(&words) {
                prop_assert!(words.contains(&word));
            }
        }
    }
}
