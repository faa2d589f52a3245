//! The slots that would do for one job, in order of preference, and one look over them. Knows nothing of waiting.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::time::Duration;

use crate::backoff::{Backoff, Standing};
use crate::choose::{Choice, Pool};
use crate::host::{Host, Place};
use crate::lock_file::{self, Bytes};
use crate::slot::{LockDir, Slot};

/// A process may open only so many files (1024 is usual), and each slot waited for is one.
const MOST: usize = 900;

/// All slots that would do. Once opened, their files stay open: closing one raises an event that wakes others who wait
/// for it, who close theirs, and so for ever.
#[derive(Debug)]
pub(crate) struct Candidates<'a> {
    locks: &'a LockDir,
    backoff: &'a Backoff,
    sites: Vec<Site<'a>>,
    slots: Vec<Candidate>,
}

/// A host, or this machine, with the slots that no earlier entry of the list has already.
#[derive(Debug)]
struct Site<'a> {
    stem: String,
    first: u32,
    end: u32,
    host: Option<(usize, &'a Host)>,
}

#[derive(Debug)]
struct Candidate {
    site: usize,
    number: u32,
    file: Option<File>,
}

/// What one look over the candidates gave.
pub(crate) enum Look {
    /// A slot, or none because no host may be used now.
    Decided(Option<Choice>),
    /// All slots are taken; after so long a host that sits out is due.
    Busy(Duration),
}

impl<'a> Candidates<'a> {
    /// The host list's entries at these indexes of `avoid` are left out, and so are those that are down.
    pub(crate) fn of(
        pool: &Pool<'a>,
        avoid: &[usize],
        locks: &'a LockDir,
        backoff: &'a Backoff,
    ) -> Candidates<'a> {
        let sites = match *pool {
            Pool::Local { slots } | Pool::LocalCpp { slots } => {
                vec![Site { stem: "localhost".to_owned(), first: 0, end: slots, host: None }]
            }
            Pool::Hosts(hosts) => sites(hosts, avoid),
        };
        let slots = in_order(&sites);
        Candidates { locks, backoff, sites, slots }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// The same for all who wait for the same slots, whatever their order; no one then waits behind another who
    /// waits for less.
    pub(crate) fn fingerprint(&self) -> u64 {
        let mut sites: Vec<String> =
            self.sites.iter().map(|site| format!("{}/{} ", site.stem, site.end)).collect();
        sites.sort_unstable();
        fnv1a(sites.concat().as_bytes())
    }

    /// Whether the file is the lock file of one of these slots, or the bench of one of these hosts.
    pub(crate) fn concern(&self, file: &OsStr) -> bool {
        let stem = file.to_str().and_then(|name| {
            let name = name.strip_prefix("cpu_").or(name.strip_prefix("backoff_"))?;
            Some(name.rsplit_once('_')?.0)
        });
        stem.is_some_and(|stem| self.sites.iter().any(|site| site.stem == stem))
    }

    /// Tries one slot after the other.
    pub(crate) fn look(&mut self) -> io::Result<Look> {
        // Asked at most once in a look, and only of hosts that come into question.
        let mut standings: Vec<Option<Standing>> = vec![None; self.sites.len()];
        for slot in &mut self.slots {
            let site = &self.sites[slot.site];
            let standing = standings[slot.site].get_or_insert_with(|| site.standing(self.backoff));
            if matches!(standing, Standing::Benched(_)) || !slot.try_lock(site, self.locks)? {
                continue;
            }
            if *standing == Standing::Due && !site.claim(self.backoff) {
                slot.unlock()?;
                *standing = Standing::Benched(Duration::MAX);
                continue;
            }
            let file = slot.file.take().expect("a locked slot is open");
            let host = site.host.map(|(index, _)| index);
            let choice = Choice { host, slot: Slot::held(slot.number, file) };
            return Ok(Look::Decided(Some(choice)));
        }
        Ok(verdict(&standings))
    }

    /// One look that takes a slot of this machine, if that is the first free one; a slot elsewhere is left alone.
    pub(crate) fn look_here(&mut self) -> io::Result<Option<Slot>> {
        for slot in &mut self.slots {
            let site = &self.sites[slot.site];
            if site.is_here() {
                if slot.try_lock(site, self.locks)? {
                    let file = slot.file.take().expect("a locked slot is open");
                    return Ok(Some(Slot::held(slot.number, file)));
                }
            } else if site.standing(self.backoff) == Standing::Good && slot.is_free(site, self.locks)? {
                return Ok(None);
            }
        }
        Ok(None)
    }
}

impl Site<'_> {
    fn is_here(&self) -> bool {
        self.host.is_none_or(|(_, host)| host.place == Place::Local)
    }

    fn standing(&self, backoff: &Backoff) -> Standing {
        self.host.map_or(Standing::Good, |(_, host)| backoff.standing(host))
    }

    fn claim(&self, backoff: &Backoff) -> bool {
        self.host.is_none_or(|(_, host)| backoff.claim(host))
    }
}

impl Candidate {
    fn try_lock(&mut self, site: &Site, locks: &LockDir) -> io::Result<bool> {
        lock_file::try_lock(self.open(site, locks)?, Bytes::All)
    }

    fn is_free(&mut self, site: &Site, locks: &LockDir) -> io::Result<bool> {
        Ok(lock_file::holder(self.open(site, locks)?, Bytes::All)?.is_none())
    }

    fn open(&mut self, site: &Site, locks: &LockDir) -> io::Result<&File> {
        match &mut self.file {
            Some(file) => Ok(file),
            none => {
                let file = lock_file::open(&locks.file(&format!("cpu_{}_{}", site.stem, self.number)))?;
                Ok(none.insert(file))
            }
        }
    }

    fn unlock(&self) -> io::Result<()> {
        self.file.as_ref().map_or(Ok(()), |file| lock_file::unlock(file, Bytes::All))
    }
}

fn sites<'a>(hosts: &'a [Host], avoid: &[usize]) -> Vec<Site<'a>> {
    let mut ends: BTreeMap<String, u32> = BTreeMap::new();
    let mut sites = Vec::new();
    for (index, host) in hosts.iter().enumerate() {
        if host.down || avoid.contains(&index) {
            continue;
        }
        let stem = host.lock_stem();
        // Entries that name the same host share its lock files, and none may be opened twice.
        let first = ends.get(&stem).copied().unwrap_or(0);
        if first < host.slots {
            ends.insert(stem.clone(), host.slots);
            sites.push(Site { stem, first, end: host.slots, host: Some((index, host)) });
        }
    }
    sites
}

/// Slot 0 of all sites, then slot 1, and so on.
fn in_order(sites: &[Site]) -> Vec<Candidate> {
    let end = sites.iter().map(|site| site.end).max().unwrap_or(0);
    let rounds = (0..end).flat_map(|number| {
        let with_it = move |(_, site): &(usize, &Site)| (site.first..site.end).contains(&number);
        sites.iter().enumerate().filter(with_it).map(move |(site, _)| Candidate { site, number, file: None })
    });
    rounds.take(MOST).collect()
}

/// What to make of a look that found no free slot.
fn verdict(standings: &[Option<Standing>]) -> Look {
    let benched = |standing: &Option<Standing>| match standing {
        Some(Standing::Benched(left)) => Some(*left),
        _ => None,
    };
    if standings.iter().all(|standing| benched(standing).is_some()) {
        return Look::Decided(None);
    }
    Look::Busy(standings.iter().filter_map(benched).min().unwrap_or(Duration::MAX))
}

/// FNV-1a, by Fowler, Noll and Vo: stable over processes and versions, which the standard library's hash is not.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host_list::HostList;

    fn order(list: &str, avoid: &[usize]) -> String {
        let list = HostList::parse(list.as_bytes(), "x");
        let sites = sites(&list.hosts, avoid);
        let slots = in_order(&sites);
        let shown = slots.iter().map(|slot| {
            let (index, host) = sites[slot.site].host.unwrap();
            format!("{}{index}.{}", host.name(), slot.number)
        });
        shown.collect::<Vec<_>>().join(" ")
    }

    #[track_caller]
    fn check(list: &str, avoid: &[usize], expected: &str) {
        assert_eq!(order(list, avoid), expected, "{list}");
    }

    #[test]
    fn order_of_slots() {
        check("", &[], "");
        check("red/2", &[], "red0.0 red0.1");
        check("red/1 blue/3 grey/2", &[], "red0.0 blue1.0 grey2.0 blue1.1 grey2.1 blue1.2");
        check("red/1 blue/2 grey/2", &[1], "red0.0 grey2.0 grey2.1");
        check("red/1,down blue/1", &[], "blue1.0");
        check("red/1,down blue/1", &[1, 7], "");
        check("localhost @red/1", &[], "localhost0.0 red1.0 localhost0.1");
    }

    #[test]
    fn a_host_named_twice_has_its_slots_once() {
        check("red/2 red/3,lzo", &[], "red0.0 red0.1 red1.2");
        check("red/3 red/2", &[], "red0.0 red0.1 red0.2");
        check("red/2 red/3", &[0], "red1.0 red1.1 red1.2");
        check("red/2,down red/2", &[], "red1.0 red1.1");
        check("red/1 red:99/1 @red/1", &[], "red0.0 red1.0 red2.0");
    }

    #[test]
    fn huge_numbers_of_slots_cost_nothing() {
        assert_eq!(order("red/4294967295 blue/4294967295", &[]).split(' ').count(), MOST);
    }

    #[track_caller]
    fn check_fingerprints(one: &str, other: &str, same: bool) {
        let dir = tempfile::tempdir().unwrap();
        let locks = LockDir::open(dir.path()).unwrap();
        let backoff = Backoff::new(&locks, Duration::ZERO);
        let [one, other] = [one, other].map(|text| {
            let list = HostList::parse(text.as_bytes(), "x");
            Candidates::of(&Pool::Hosts(&list.hosts), &[], &locks, &backoff).fingerprint()
        });
        assert_eq!(one == other, same);
    }

    #[test]
    fn who_waits_for_the_same_slots_has_the_same_queue() {
        check_fingerprints("red blue", "blue red,lzo", true);
        check_fingerprints("red blue", "red blue grey,down", true);
        check_fingerprints("red blue", "red", false);
        check_fingerprints("red/4 blue", "red/5 blue", false);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[track_caller]
    fn check_concern(file: &str, expected: bool) {
        let dir = tempfile::tempdir().unwrap();
        let locks = LockDir::open(dir.path()).unwrap();
        let backoff = Backoff::new(&locks, Duration::ZERO);
        let list = HostList::parse(b"red @blue", "x");
        let candidates = Candidates::of(&Pool::Hosts(&list.hosts), &[], &locks, &backoff);
        assert_eq!(candidates.concern(OsStr::new(file)), expected, "{file}");
    }

    #[test]
    fn files_that_concern_a_waiter() {
        check_concern("cpu_tcp_red_3632_0", true);
        check_concern("cpu_ssh_blue_12", true);
        check_concern("backoff_tcp_red_3632_0", true);
        check_concern("cpu_tcp_grey_3632_0", false);
        check_concern("cpu_localhost_0", false);
        check_concern("queue_local", false);
        check_concern("cpu", false);
        check_concern("", false);
    }
}
