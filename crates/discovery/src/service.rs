//! What a daemon says of itself in its announcement, both ways. Pure; knows no network.

use std::collections::BTreeSet;

use crate::address::Address;
use crate::compiler::Compiler;

/// The DNS-SD type of distcc.
pub const SERVICE_TYPE: &str = "_distcc._tcp";

/// A daemon of 3.4 has no more, and nobody has so many processors.
const MOST_JOBS: u32 = 10_000;
/// What 3.4 takes for the slots of a daemon that does not say.
const DEFAULT_JOBS: u32 = 4;
/// Nobody who means well sends more strings; each has at most 255 bytes on the wire.
const MOST_STRINGS: usize = 64;
/// Longer values would not be what they claim to be.
const LONGEST_VALUE: usize = 64;

/// What is said about one daemon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// The name of its machine, without a domain.
    pub machine: String,
    /// Where it listens.
    pub port: u16,
    /// Processors of its machine.
    pub cpus: usize,
    /// Compilers that it runs at once.
    pub jobs: usize,
    /// Its version.
    pub version: String,
    /// The system that it was built for, such as `x86_64-pc-linux-gnu`.
    pub host: String,
    /// What `cc` is there; without it, those who look for their own compiler do not see the daemon.
    pub compiler: Option<Compiler>,
    /// Whether it compiles sources, for clients in pump mode.
    pub pump: bool,
    /// Where it can be reached.
    pub reach: Reach,
}

/// On which networks a daemon listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// On all.
    Everywhere,
    /// On the one with this address.
    Interface {
        /// The kernel's name of it.
        name: String,
        /// The kernel's number of it.
        index: u32,
        /// Only over this family, as the address is.
        ipv6: bool,
    },
}

impl Announcement {
    /// What the daemon is to be called unless that is taken.
    #[must_use]
    pub fn instance(&self) -> String {
        format!("distcc@{}", self.machine)
    }

    /// The strings of the TXT record: those of distcc 3.4 in its order, then what else we can do.
    #[must_use]
    pub fn txt(&self) -> Vec<String> {
        let mut strings = vec![
            "txtvers=1".to_owned(),
            format!("cpus={}", self.cpus),
            format!("jobs={}", self.jobs),
            format!("distcc={}", self.version),
            format!("gnuhost={}", self.host),
        ];
        if let Some(compiler) = &self.compiler {
            strings.push(format!("cc_version={}", compiler.version));
            strings.push(format!("cc_machine={}", compiler.machine));
        }
        strings.push(if self.pump { "features=lzo,pump,ask" } else { "features=lzo,ask" }.to_owned());
        strings
    }

    /// The subtype by which its compiler is found.
    #[must_use]
    pub fn subtype(&self) -> Option<String> {
        self.compiler.as_ref()?.subtype()
    }
}

/// A daemon that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Its unique name, such as `distcc@red` or, when that was taken, `distcc@red #2`.
    pub instance: String,
    /// Its machine's name, such as `red.local`.
    pub machine: String,
    /// The best of its addresses.
    pub address: Address,
    /// Where it listens.
    pub port: u16,
    /// What it says of itself.
    pub traits: Traits,
}

/// What a TXT record says, as far as it makes sense.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traits {
    /// How many jobs it takes at once, from 1.
    pub jobs: u32,
    /// Processors.
    pub cpus: Option<u32>,
    /// Its version.
    pub version: Option<String>,
    /// Its `cc`.
    pub compiler: Option<Compiler>,
    /// Words in `features`: what it can do beyond a daemon of 3.4.
    pub features: BTreeSet<String>,
}

impl Traits {
    /// Reads the strings `KEY=VALUE` of a TXT record that anybody may have sent. What makes no sense counts as not said;
    /// of several with the same key the first one counts (RFC 6763, section 6.4).
    pub fn parse<'a>(strings: impl IntoIterator<Item = &'a [u8]>) -> Traits {
        let pairs: Vec<(&str, &str)> = strings.into_iter().take(MOST_STRINGS).filter_map(pair).collect();
        let value = |key: &str| {
            let found = pairs.iter().find(|(name, _)| name.eq_ignore_ascii_case(key))?.1;
            Some(found).filter(|value| value.len() <= LONGEST_VALUE && !value.is_empty())
        };
        let cpus = value("cpus").map(|value| number(value).max(1));
        let jobs = value("jobs").map(|value| match number(value) {
            0 => cpus.unwrap_or(1) + 2,
            jobs => jobs,
        });
        let compiler = value("cc_version").zip(value("cc_machine"));
        let features = value("features").unwrap_or_default();
        Traits {
            jobs: jobs.unwrap_or(DEFAULT_JOBS),
            cpus,
            version: value("distcc").map(str::to_owned),
            compiler: compiler
                .and_then(|(version, machine)| Compiler::from_output(version.as_bytes(), machine.as_bytes())),
            features: features.split(',').filter(|word| !word.is_empty()).map(str::to_owned).collect(),
        }
    }

    /// Whether it takes compressed sources although it was only found, not configured.
    #[must_use]
    pub fn takes_lzo(&self) -> bool {
        self.features.contains("lzo")
    }
}

/// A key of printable ASCII, and a value of visible text.
fn pair(string: &[u8]) -> Option<(&str, &str)> {
    let (key, value) = str::from_utf8(string).ok()?.split_once('=')?;
    let sound = !key.is_empty() && !value.chars().any(char::is_control);
    sound.then_some((key, value))
}

/// As C's atoi() reads it: the digits that it begins with, or 0.
fn number(text: &str) -> u32 {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().unwrap_or(if end > 0 { MOST_JOBS } else { 0 }).min(MOST_JOBS)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn announcement(compiler: Option<Compiler>) -> Announcement {
        Announcement {
            machine: "red".into(),
            port: 3632,
            cpus: 2,
            jobs: 3,
            version: "0.1.0".into(),
            host: "x86_64-pc-linux-gnu".into(),
            compiler,
            pump: false,
            reach: Reach::Everywhere,
        }
    }

    fn gcc() -> Compiler {
        Compiler { version: "12".into(), machine: "x86_64-linux-gnu".into() }
    }

    #[test]
    fn the_strings_of_distcc_and_one_of_ours() {
        let expected = "txtvers=1 cpus=2 jobs=3 distcc=0.1.0 gnuhost=x86_64-pc-linux-gnu cc_version=12 \
                        cc_machine=x86_64-linux-gnu features=lzo,ask";
        assert_eq!(announcement(Some(gcc())).txt().join(" "), expected);
        let pump = Announcement { pump: true, ..announcement(None) };
        assert!(pump.txt().contains(&"features=lzo,pump,ask".to_owned()));
        let without = announcement(None);
        assert!(!without.txt().join(" ").contains("cc_") && without.subtype().is_none());
    }

    /// jobs, cpus, version, compiler, features
    #[track_caller]
    fn check(strings: &[&str], expected: &str) {
        let traits = Traits::parse(strings.iter().map(|string| string.as_bytes()));
        let word = |value: Option<String>| value.unwrap_or_else(|| "-".into());
        let got = format!(
            "{} {} {} {} {}",
            traits.jobs,
            word(traits.cpus.map(|cpus| cpus.to_string())),
            word(traits.version),
            word(traits.compiler.map(|compiler| format!("{}/{}", compiler.machine, compiler.version))),
            Vec::from_iter(traits.features).join("+"),
        );
        assert_eq!(got.trim_end(), expected, "{strings:?}");
    }

    #[test]
    fn strings_of_others() {
        check(&[], "4 - - -");
        check(
            &["txtvers=1", "cpus=2", "jobs=3", "distcc=3.4", "cc_version=12", "cc_machine=m"],
            "3 2 3.4 m/12",
        );
        check(&["jobs=3", "jobs=9", "JOBS=8"], "3 - - -");
        check(&["JOBS=8"], "8 - - -");
        check(&["cpus=6", "jobs=0"], "8 6 - -");
        check(&["cpus=0", "jobs=-2"], "3 1 - -");
        check(&["jobs=x"], "3 - - -");
        check(&["jobs=5x"], "5 - - -");
        check(&["jobs=99999999999"], "10000 - - -");
        check(&["jobs"], "4 - - -");
        check(&["jobs="], "4 - - -");
        check(&["=3", "distcc=\u{1b}[2J"], "4 - - -");
        check(&["distcc=a=b"], "4 - a=b -");
        check(&["cc_version=12"], "4 - - -");
        check(&["features=lzo,,cpp"], "4 - - - cpp+lzo");
        check(&[&format!("distcc={}", "x".repeat(65))], "4 - - -");
        check(&[&"x".repeat(255), "jobs=2"], "2 - - -");
    }

    #[test]
    fn what_we_say_we_understand() {
        let said = announcement(Some(gcc())).txt();
        let traits = Traits::parse(said.iter().map(String::as_bytes));
        assert_eq!((traits.jobs, traits.cpus, traits.takes_lzo()), (3, Some(2), true));
        assert_eq!(traits.compiler, Some(gcc()));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

        #[test]
        fn any_bytes_are_read(strings in prop::collection::vec(
            prop_oneof![
                prop::collection::vec(any::<u8>(), 0..300),
                "(jobs|cpus|distcc|cc_version|cc_machine|features)=\\PC{0,9}".prop_map(String::into_bytes),
            ], 0..80)) {
            let traits = Traits::parse(strings.iter().map(Vec::as_slice));
            prop_assert!((1..=MOST_JOBS + 2).contains(&traits.jobs));
            prop_assert!(traits.version.is_none_or(|version| !version.chars().any(char::is_control)));
            prop_assert!(traits.compiler.is_none_or(|compiler| compiler.version.is_ascii()));
        }
    }
}
