//! A whole host list from its text; a token that is wrong costs a warning, never the others. Knows no file or variable.

use crate::host::Host;
use crate::spec;

/// The hosts a user named, in order of preference, and what else the list settles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostList {
    /// In order of preference.
    pub hosts: Vec<Host>,
    /// `--randomize`: each client process tries them in an order of its own, see [`HostList::randomized`].
    pub randomize: bool,
    /// `--localslots=N`: how many compilers may run on this machine at once.
    pub local_slots: u32,
    /// `--localslots_cpp=N`: how many preprocessors may run on this machine at once.
    pub local_cpp_slots: u32,
    /// `+zeroconf`: where in `hosts` those that announce themselves belong, see [`HostList::with_discovered`].
    pub zeroconf: Option<usize>,
    /// One sentence for each token that is wrong: the source, the token, what is wrong, and what to write.
    pub warnings: Vec<String>,
    /// `$DISTCC_HOSTS` or the file's path.
    pub source_name: String,
}

impl HostList {
    /// How many compilers run on this machine at once unless the list says otherwise.
    pub const LOCAL_SLOTS: u32 = 4;
    /// How many preprocessors.
    pub const LOCAL_CPP_SLOTS: u32 = 8;

    /// Reads tokens separated by white space; a `#`, even amidst a token, starts a comment that ends with the
    /// line. Bytes that are not UTF-8 are replaced. See distcc-hosts(5).
    #[must_use]
    pub fn parse(text: &[u8], source_name: &str) -> HostList {
        let mut list = HostList {
            hosts: Vec::new(),
            randomize: false,
            local_slots: HostList::LOCAL_SLOTS,
            local_cpp_slots: HostList::LOCAL_CPP_SLOTS,
            zeroconf: None,
            warnings: Vec::new(),
            source_name: source_name.to_owned(),
        };
        for line in String::from_utf8_lossy(text).split('\n') {
            let before_comment = line.split('#').next().unwrap_or_default();
            // What C's isspace() takes for white space, which is a vertical tab more than Rust does.
            for token in
                before_comment.split([' ', '\t', '\r', '\x0b', '\x0c']).filter(|token| !token.is_empty())
            {
                if let Err(wrong) = list.add(token) {
                    list.warnings
                        .push(format!("{source_name}: ignoring \"{}\": {wrong}", token.escape_debug()));
                }
            }
        }
        list
    }

    fn add(&mut self, token: &str) -> Result<(), String> {
        // Any word that begins like this counts: distcc 3.4 documents `--randomize` and people write `--randomized`.
        if token.starts_with("--randomize") {
            self.randomize = true;
        } else if let Some(slots) = token.strip_prefix("--localslots_cpp") {
            self.local_cpp_slots = option_slots(slots, self.local_cpp_slots)?;
        } else if let Some(slots) = token.strip_prefix("--localslots") {
            self.local_slots = option_slots(slots, self.local_slots)?;
        } else if token.starts_with("--") {
            return Err(
                "unrecognized option; known are --randomize, --localslots=N, --localslots_cpp=N".to_owned()
            );
        } else if token == "+zeroconf" {
            self.zeroconf.get_or_insert(self.hosts.len());
        } else {
            self.hosts.push(spec::parse(token)?);
        }
        Ok(())
    }

    /// The same list with the hosts that were found in the place of `+zeroconf`; without those that it names itself.
    #[must_use]
    pub fn with_discovered(mut self, found: Vec<Host>) -> HostList {
        if let Some(at) = self.zeroconf.take() {
            let is_named = |host: &Host| self.hosts.iter().any(|named| named.place == host.place);
            let found: Vec<Host> = found.into_iter().filter(|host| !is_named(host)).collect();
            self.hosts.splice(at..at, found);
        }
        self
    }

    /// The sum of all hosts' slots, for `distcc -j`; hosts that are `,down` count.
    #[must_use]
    pub fn total_slots(&self) -> u64 {
        self.hosts.iter().map(|host| u64::from(host.slots)).sum()
    }

    /// The same list with its hosts in another order, the same for the same seed.
    #[must_use]
    pub fn randomized(mut self, seed: u64) -> HostList {
        let mut state = seed;
        for last in (1..self.hosts.len()).rev() {
            let chosen = next_random(&mut state) % (last as u64 + 1);
            self.hosts.swap(last, chosen as usize);
        }
        self
    }
}

/// The N of `=N` or `/N`; without either the option is accepted and changes nothing.
fn option_slots(text: &str, unchanged: u32) -> Result<u32, String> {
    match text.chars().next() {
        None => Ok(unchanged),
        Some('/' | '=') => spec::multiplier(text),
        Some(_) => {
            Err("unrecognized option; known are --randomize, --localslots=N, --localslots_cpp=N".to_owned())
        }
    }
}

/// SplitMix64, by Steele, Lea and Flood: neighbouring seeds (process ids) give unrelated orders.
fn next_random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn specs(list: &HostList) -> Vec<&str> {
        list.hosts.iter().map(|host| host.spec.as_str()).collect()
    }

    #[track_caller]
    fn check(text: &str, expected: &str, warnings: &[&str]) {
        let list = HostList::parse(text.as_bytes(), "$DISTCC_HOSTS");
        assert_eq!(specs(&list).join(" "), expected, "{text}");
        assert_eq!(list.warnings, warnings, "{text}");
    }

    #[test]
    fn tokens_and_comments() {
        check("", "", &[]);
        check("   ", "", &[]);
        check("\t", "", &[]);
        check("red green/3,lzo", "red green/3,lzo", &[]);
        check("\tred\r\ngreen\x0bblue\x0cwhite\n", "red green blue white", &[]);
        check("# all\nred # first\n#green\nblue", "red blue", &[]);
        check("red#x blue\ngreen", "red green", &[]);
        check("red,lzo#text\n@blue#:cmd", "red,lzo @blue", &[]);
        check("ted@angry:/x/y z", "ted@angry:/x/y z", &[]);
        check("red red,lzo", "red red,lzo", &[]);
    }

    #[test]
    fn wrong_tokens_cost_only_themselves() {
        let number = "bad multiplier \"/0\" in host specification; write a number of jobs from 1";
        check("red/0 blue", "blue", &[&format!("$DISTCC_HOSTS: ignoring \"red/0\": {number}")]);
        let missing = |token| {
            format!(
                "$DISTCC_HOSTS: ignoring \"{token}\": hostname is required in SSH host specification \"{token}\""
            )
        };
        check("  @ ", "", &[&missing("@")]);
        check("mbp@ red @", "red", &[&missing("mbp@"), &missing("@")]);
        check("r\0d", "", &["$DISTCC_HOSTS: ignoring \"r\\0d\": control character in host specification"]);
    }

    #[track_caller]
    fn check_options(text: &str, randomize: bool, local: u32, cpp: u32, warnings: usize) {
        let list = HostList::parse(text.as_bytes(), "x");
        let got = (list.randomize, list.local_slots, list.local_cpp_slots, list.warnings.len());
        assert_eq!(got, (randomize, local, cpp, warnings), "{text}: {:?}", list.warnings);
    }

    #[test]
    fn global_options() {
        check_options("red", false, 4, 8, 0);
        check_options("--randomize red", true, 4, 8, 0);
        check_options("red --randomized", true, 4, 8, 0);
        check_options("--localslots=3 red", false, 3, 8, 0);
        check_options("--localslots/3 red", false, 3, 8, 0);
        check_options("--localslots red", false, 4, 8, 0);
        check_options("--localslots_cpp=9 --localslots=1", false, 1, 9, 0);
        check_options("--localslots_cpp/9", false, 4, 9, 0);
        check_options("--localslots_cpp", false, 4, 8, 0);
        check_options("--localslots=0 red", false, 4, 8, 1);
        check_options("--localslots=-2", false, 4, 8, 1);
        check_options("--localslots=", false, 4, 8, 1);
        check_options("--localslots=3x", false, 4, 8, 1);
        check_options("--localslotsx", false, 4, 8, 1);
        check_options("--localslots_cppx", false, 4, 8, 1);
        check_options("--shuffle", false, 4, 8, 1);
        check_options("+zeroconf", false, 4, 8, 0);
    }

    #[track_caller]
    fn check_found(text: &str, found: &str, expected: &str) {
        let found = HostList::parse(found.as_bytes(), "").hosts;
        let list = HostList::parse(text.as_bytes(), "x").with_discovered(found);
        assert_eq!(specs(&list).join(" "), expected, "{text}");
    }

    #[test]
    fn found_hosts_stand_where_they_were_asked_for() {
        check_found("+zeroconf", "a b/3", "a b/3");
        check_found("red +zeroconf blue", "a b", "red a b blue");
        check_found("red +zeroconf blue", "", "red blue");
        check_found("red +zeroconf +zeroconf", "a", "red a");
        check_found("+zeroconf red/9", "a red/2 red:1", "a red:1 red/9");
        check_found("red", "a", "red");
        check_found("+zeroconfx", "a", "+zeroconfx");
    }

    #[test]
    fn all_slots_count() {
        let total = |text: &str| HostList::parse(text.as_bytes(), "x").total_slots();
        assert_eq!(total(""), 0);
        assert_eq!(total("red localhost blue/5,down --localslots=9"), 11);
        assert_eq!(total("red/4294967295 blue/4294967295"), 8_589_934_590);
    }

    #[test]
    fn randomizing_changes_only_the_order() {
        let list = HostList::parse(b"a b c d e f g h", "x");
        let orders: std::collections::HashSet<String> = (0..100)
            .map(|seed| {
                let other = list.clone().randomized(seed);
                assert_eq!(other, list.clone().randomized(seed));
                let mut sorted = specs(&other);
                sorted.sort_unstable();
                assert_eq!(sorted, specs(&list));
                specs(&other).join(" ")
            })
            .collect();
        assert!(orders.len() > 90, "{}", orders.len());
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

        #[test]
        fn any_bytes_are_read(text in prop::collection::vec(any::<u8>(), 0..300)) {
            let list = HostList::parse(&text, "x");
            prop_assert!(list.total_slots() >= list.hosts.len() as u64);
        }

        #[test]
        fn what_is_accepted_is_usable_and_reads_the_same_again(
            text in "([a-z]{0,3}|localhost|[-+@/:,=#\\[\\] \n0-9.]|,lzo|,cpp|,down|,auth|--randomize|\\PC){0,25}",
        ) {
            let list = HostList::parse(text.as_bytes(), "x");
            for host in &list.hosts {
                prop_assert!(host.slots >= 1 && !host.name().is_empty());
                prop_assert!(!host.lock_stem().contains(['/', '\0']) && (host.lzo || !host.pump));
            }
            let again = HostList::parse(specs(&list).join(" ").as_bytes(), "x");
            prop_assert_eq!(&again.warnings, &Vec::<String>::new());
            prop_assert_eq!(again.hosts, list.hosts);
        }
    }

    #[test]
    fn examples_of_the_manual() {
        let page = include_str!("../man/distcc-hosts.5").replace("\\-", "-");
        let examples = page.split_once(".SH EXAMPLES").expect("there are examples").1;
        let lists: Vec<&str> = examples.split(".EX\n").skip(1).collect();
        for (list, hosts, slots) in [(lists[0], 3, 12), (lists[1], 4, 30)] {
            let list = HostList::parse(list.split(".EE").next().unwrap().as_bytes(), "x");
            assert_eq!((list.hosts.len(), list.total_slots()), (hosts, slots), "{:?}", list.warnings);
            assert!(list.warnings.is_empty(), "{:?}", list.warnings);
        }
    }
}
