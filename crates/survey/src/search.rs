//! Which name is looked up next, and which answers count. Knows no resolver, no clock and no host.

use crate::names::Names;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

/// A name that could be resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) name: String,
    pub(crate) addresses: Vec<SocketAddr>,
}

/// The names that are on their way, and those that have come and wait for earlier ones: where a series ends must not
/// hang on which answer comes first.
#[derive(Debug)]
pub(crate) struct Search<'a> {
    names: &'a Names,
    overlap: usize,
    /// How many missing names do not end the search; none: nothing does.
    gap: Option<usize>,
    network_bits: u32,
    next: usize,
    /// Names that are looked up, and whether that takes so long that others no longer wait for them.
    open: BTreeMap<usize, bool>,
    answered: BTreeMap<usize, Vec<SocketAddr>>,
    missing: usize,
    network: Option<IpAddr>,
}

impl<'a> Search<'a> {
    /// Before the first name. `gap` counts for series only.
    pub(crate) fn new(names: &'a Names, overlap: usize, gap: usize, network_bits: u32) -> Search<'a> {
        Search {
            names,
            overlap,
            gap: names.is_series().then_some(gap),
            network_bits,
            next: 1,
            open: BTreeMap::new(),
            answered: BTreeMap::new(),
            missing: 0,
            network: None,
        }
    }

    /// A name to look up now, and its number; none while enough are on their way.
    pub(crate) fn next(&mut self) -> Option<(usize, String)> {
        if self.open.values().filter(|slow| !**slow).count() > self.overlap {
            return None;
        }
        let number = self.next;
        let name = self.names.name(number)?;
        self.next += 1;
        self.open.insert(number, false);
        Some((number, name))
    }

    /// A name takes long: others no longer wait for it. It may come yet.
    pub(crate) fn is_slow(&mut self, number: usize) {
        if let Some(slow) = self.open.get_mut(&number) {
            *slow = true;
        }
    }

    /// A name's addresses; none at all when it is missing. Of two answers the first counts, and none behind the end.
    pub(crate) fn answer(&mut self, number: usize, addresses: Vec<SocketAddr>) {
        if self.open.remove(&number).is_some() {
            self.answered.insert(number, addresses);
        }
    }

    /// The next host that counts, if it has come.
    pub(crate) fn found(&mut self) -> Option<Found> {
        loop {
            let (&number, _) = self.answered.first_key_value()?;
            if self.gap.is_some() && self.open.range(..number).any(|(_, slow)| !slow) {
                return None;
            }
            let addresses = self.answered.remove(&number)?;
            match addresses.first() {
                Some(first) if self.is_near(first.ip()) => {
                    return Some(Found { name: self.names.name(number)?, addresses });
                }
                _ => self.misses(number),
            }
        }
    }

    /// Whether the first host is on the same network, or this is the first.
    fn is_near(&mut self, address: IpAddr) -> bool {
        shares_bits(*self.network.get_or_insert(address), address, self.network_bits)
    }

    fn misses(&mut self, number: usize) {
        self.missing += 1;
        if self.gap.is_some_and(|gap| self.missing > gap) {
            self.next = usize::MAX;
            self.open.retain(|open, _| *open < number);
            self.answered.retain(|answered, _| *answered < number);
        }
    }
}

/// Whether both are of one family and begin with the same bits; an address has no more than its own.
fn shares_bits(one: IpAddr, other: IpAddr, bits: u32) -> bool {
    let differing = match (one, other) {
        (IpAddr::V4(one), IpAddr::V4(other)) => (one.to_bits() ^ other.to_bits()).leading_zeros(),
        (IpAddr::V6(one), IpAddr::V6(other)) => (one.to_bits() ^ other.to_bits()).leading_zeros(),
        _ => 0,
    };
    let width = if one.is_ipv4() { 32 } else { 128 };
    differing >= bits.min(width)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn names(line: &str) -> Names {
        Names::of(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    fn at(address: &str) -> Vec<SocketAddr> {
        if address == "-" { Vec::new() } else { vec![SocketAddr::new(address.parse().unwrap(), 1)] }
    }

    /// Answers in the order in which they come (`NUMBER=ADDRESS`, `-` for a missing name, `NUMBER~` for a slow one), and
    /// the hosts found. Whatever may be looked up is.
    #[track_caller]
    fn check(search: &mut Search, answers: &str, expected: &str) {
        let mut found = Vec::new();
        for answer in answers.split_whitespace() {
            while search.next().is_some() {}
            match answer.split_once('=') {
                Some((number, address)) => search.answer(number.parse().unwrap(), at(address)),
                None => search.is_slow(answer.trim_end_matches('~').parse().unwrap()),
            }
            found.extend(std::iter::from_fn(|| search.found()).map(|found| found.name));
        }
        assert_eq!(found.join(" "), expected, "{answers}");
    }

    #[test]
    fn a_series_ends_at_a_missing_name() {
        let series = names("h%d");
        let search = |gap| Search::new(&series, 1, gap, 0);
        check(&mut search(0), "1=::1 2=::1 3=- 4=::1", "h1 h2");
        check(&mut search(0), "1=::1 3=::1 2=- 4=::1", "h1");
        check(&mut search(1), "1=::1 2=- 3=::1 4=- 5=::1", "h1 h3");
        check(&mut search(0), "2=::1 1~ 3=::1 1=::1 4=-", "h2 h3 h1");
        let mut over = search(0);
        check(&mut over, "1=-", "");
        assert_eq!(over.next(), None);
    }

    #[test]
    fn a_list_does_not() {
        let list = names("a b c d");
        check(&mut Search::new(&list, 1, 0, 0), "1=- 2=- 4=::1 3=::1", "d c");
    }

    #[test]
    fn only_so_many_are_on_their_way() {
        let list = names("a b c d e");
        let mut search = Search::new(&list, 1, 0, 0);
        let mut started = || std::iter::from_fn(|| search.next()).map(|(_, name)| name).collect::<Vec<_>>();
        assert_eq!(started(), ["a", "b"]);
        assert!(started().is_empty());
        search.is_slow(1);
        assert_eq!(search.next(), Some((3, "c".to_owned())));
        assert_eq!(search.next(), None);
        search.answer(2, Vec::new());
        assert_eq!(search.next(), Some((4, "d".to_owned())));
    }

    #[test]
    fn networks() {
        let series = names("h%d");
        let search = |bits| Search::new(&series, 1, 0, bits);
        check(&mut search(24), "1=10.0.0.1 2=10.0.0.9 3=10.0.1.1 4=10.0.0.2", "h1 h2");
        check(&mut search(0), "1=10.0.0.1 2=::1 3=-", "h1 h2");
        check(&mut search(1), "1=10.0.0.1 2=::1", "h1");
        for (one, other, shared) in [("10.0.0.1", "10.0.0.0", 31), ("10.0.0.1", "10.0.0.1", 127)] {
            assert!(shares_bits(one.parse().unwrap(), other.parse().unwrap(), shared));
        }
        assert!(shares_bits("fd00::1".parse().unwrap(), "fd00::2".parse().unwrap(), 64));
        assert!(!shares_bits("fd00::1".parse().unwrap(), "fd00:0:0:1::1".parse().unwrap(), 64));
        assert!(!shares_bits("10.0.0.1".parse().unwrap(), "10.0.0.0".parse().unwrap(), 32));
    }

    proptest! {
        /// Whatever the order of answers, those before the end of a series are found, and no others.
        #[test]
        fn the_order_of_answers_does_not_matter(
            there in prop::collection::vec(any::<bool>(), 1..20),
            overlap in 0usize..5,
            gap in 0usize..3,
            picks in prop::collection::vec(any::<prop::sample::Index>(), 40),
        ) {
            let series = names("%d");
            let mut search = Search::new(&series, overlap, gap, 0);
            let (mut open, mut found) = (Vec::new(), Vec::new());
            for pick in picks {
                open.extend(std::iter::from_fn(|| search.next()).map(|(number, _)| number));
                if open.is_empty() {
                    break;
                }
                let number = open.remove(pick.index(open.len()));
                let exists = there.get(number - 1).is_some_and(|exists| *exists);
                search.answer(number, at(if exists { "::1" } else { "-" }));
                found.extend(std::iter::from_fn(|| search.found()).map(|found| found.name));
            }
            let mut missing = 0;
            let mut expected = Vec::new();
            for (index, exists) in there.iter().enumerate() {
                missing += usize::from(!exists);
                if missing > gap {
                    break;
                }
                expected.extend(exists.then(|| (index + 1).to_string()));
            }
            prop_assert_eq!(found, expected);
        }
    }
}
