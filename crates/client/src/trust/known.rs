//! What has been found out about hosts for one compiler: a small file of lines in `DISTCC_DIR/known`, which all clients of a
//! user share. Knows nothing of how it is found out.

mod text;

use hosts::{Host, Place};
use nix::unistd::geteuid;
use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
pub(crate) use text::on_one_line;
use text::{parse, write};
use toolchain::kept_file::{self, ours, with_care};

/// So long it counts that a compiler elsewhere is the one of here.
const BELIEVED: Duration = Duration::from_secs(24 * 3600);

/// So long it counts that it is another: whoever upgrades a server waits for it.
const HELD_AGAINST: Duration = Duration::from_secs(60);

/// In bytes; a file that has grown so long is written anew without what counts no more.
const LONG: u64 = 16 * 1024;

/// What is longer is not ours.
const LONGEST_FILE: u64 = 1 << 20;

/// What a compiler elsewhere is to the one of here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It does the same as the one of here, and can be told to stay as it is.
    Proven(Proven),
    /// It makes the same as the one of here, as far as a sample shows, and cannot be told to stay as it is.
    Alike,
    /// It is not the one of here; a sentence: "there it has version …".
    Stranger(String),
}

/// What is put in front of a job, so that no other compiler does it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Proven {
    pub(crate) fingerprint: String,
    /// Whether the host can be told what `native` means here.
    pub(crate) takes_native: bool,
}

/// All that is known for one compiler, and where it is kept.
#[derive(Debug)]
pub(crate) struct Known {
    /// None: nothing can be remembered.
    file: Option<PathBuf>,
    /// What the compiler here is.
    own: String,
    /// Of one host the last counts.
    entries: Vec<Entry>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    host: String,
    /// In seconds since 1970.
    when: u64,
    /// None: what was known before counts no more.
    standing: Option<Standing>,
}

impl Known {
    /// Reads what is known of hosts for the compiler that `question` names; `own`, a word, tells one state of that compiler
    /// here from another.
    pub(crate) fn read(state_dir: Option<&Path>, question: impl Hash, own: String) -> Known {
        let file = state_dir.map(|directory| directory.join("known").join(file_name(question)));
        let text = file.as_deref().and_then(|file| read(file).ok()).unwrap_or_default();
        let entries = parse(&text, &own);
        Known { file, own, entries }
    }

    /// What is locked while somebody finds out about `host`.
    pub(crate) fn lock_of(&self, host: &Host) -> Option<PathBuf> {
        let file = self.file.as_ref()?;
        Some(file.with_file_name(format!("asking-{}", file_name((file, name(host))))))
    }

    /// What others have found out since it was read.
    pub(crate) fn read_again(&mut self) {
        if let Some(text) = self.file.as_deref().and_then(|file| read(file).ok()) {
            self.entries = parse(&text, &self.own);
        }
    }

    /// What is known of `host` has proved wrong, unless somebody has found it out anew since it was read.
    pub(crate) fn doubt(&mut self, host: &Host) {
        let Some(before) = self.last(host).cloned().filter(|entry| entry.standing.is_some()) else { return };
        self.read_again();
        if self.last(host) == Some(&before) {
            self.note(host, None);
        }
    }

    /// Whether what is known of `host` is from the last minute.
    pub(crate) fn is_new(&self, host: &Host) -> bool {
        let age = self.last(host).and_then(|entry| now().checked_sub(entry.when));
        age.is_some_and(|age| age < HELD_AGAINST.as_secs())
    }

    /// What `host`'s compiler is, if that is known and not too long ago.
    pub(crate) fn of(&self, host: &Host) -> Option<&Standing> {
        let entry = self.last(host)?;
        entry.standing.as_ref().filter(|_| is_fresh(entry, now()))
    }

    fn last(&self, host: &Host) -> Option<&Entry> {
        let name = name(host);
        self.entries.iter().rfind(|entry| entry.host == name)
    }

    /// Remembers what `host`'s compiler is, or that nobody knows. What cannot be written counts for this job at least.
    pub(crate) fn note(&mut self, host: &Host, standing: Option<Standing>) {
        self.entries.push(Entry { host: name(host), when: now(), standing });
        if let Some(file) = &self.file
            && self.write_last(file).is_err()
        {
            self.write_anew(file);
        }
    }

    /// At the end, for others write there at the same time.
    fn write_last(&self, file: &Path) -> io::Result<()> {
        let last = &self.entries[self.entries.len() - 1..];
        let (mut file, length) = not_too_long(with_care().append(true).open(file)?)?;
        if length < LONG {
            file.write_all(write(last, &self.own).as_bytes())
        } else {
            Err(io::ErrorKind::FileTooLarge.into())
        }
    }

    /// What another writes meanwhile may be lost, and is found out again.
    fn write_anew(&self, file: &Path) {
        kept_file::keep(file, write(&last_of_each(&self.entries), &self.own).as_bytes());
    }
}

/// Not only of those that still count: an older one would count again.
fn last_of_each(entries: &[Entry]) -> Vec<Entry> {
    let mut last: Vec<Entry> = Vec::new();
    for entry in entries.iter().rev() {
        if last.iter().all(|later| later.host != entry.host) {
            last.push(entry.clone());
        }
    }
    last
}

/// Two compilers, and two users of one directory, have two files.
fn file_name(question: impl Hash) -> String {
    let mut hasher = DefaultHasher::new();
    (question, geteuid().as_raw()).hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// Whoever is meant, however the rest of the token reads; the list's grammar lets no blank into it.
fn name(host: &Host) -> String {
    match &host.place {
        Place::Local => "localhost".to_owned(),
        Place::Tcp { name, port } => format!("tcp:{name}:{port}"),
        Place::Ssh { user, name, command } => {
            format!("ssh:{}@{name}:{}", user.as_deref().unwrap_or(""), command.as_deref().unwrap_or(""))
        }
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// What is from a time to come was written with a clock that was wrong.
fn is_fresh(entry: &Entry, now: u64) -> bool {
    let counts = if let Some(Standing::Stranger(_)) = entry.standing { HELD_AGAINST } else { BELIEVED };
    now.checked_sub(entry.when).is_some_and(|age| age < counts.as_secs())
}

fn read(file: &Path) -> io::Result<String> {
    let (mut file, length) = not_too_long(with_care().read(true).open(file)?)?;
    // In one call; what another adds meanwhile is for the next reader.
    let mut bytes = vec![0; usize::try_from(length).map_err(io::Error::other)?];
    file.read_exact(&mut bytes)?;
    String::from_utf8(bytes).map_err(io::Error::other)
}

/// A file of ours and its length.
fn not_too_long(file: File) -> io::Result<(File, u64)> {
    let (file, about) = ours(file)?;
    if about.len() < LONGEST_FILE { Ok((file, about.len())) } else { Err(io::ErrorKind::FileTooLarge.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn host(spec: &str) -> Host {
        hosts::HostList::parse(spec.as_bytes(), "test").hosts.remove(0)
    }

    fn proven(fingerprint: String, takes_native: bool) -> Standing {
        Standing::Proven(Proven { fingerprint, takes_native })
    }

    fn stranger() -> Standing {
        Standing::Stranger("its gcc is gcc 11.3.0".to_owned())
    }

    #[test]
    fn what_one_client_has_found_out_the_next_one_knows() {
        let place = tempfile::tempdir().unwrap();
        let read = |own: &str| Known::read(Some(place.path()), "gcc c", own.to_owned());
        let proven = proven("ab12".repeat(16), true);
        let told = [("red", proven), ("blue:99", Standing::Alike), ("joe@grey:/opt/distccd", stranger())];
        assert_eq!(read("1").of(&host("red")), None);
        for (spec, standing) in &told {
            read("1").note(&host(spec), Some(standing.clone()));
        }
        let known = read("1");
        for (spec, standing) in &told {
            assert_eq!(known.of(&host(spec)), Some(standing), "{spec}");
        }
        assert_eq!(known.of(&host("red/7,lzo")), Some(&told[0].1));
        assert_eq!(known.of(&host("red:99")), None);
        assert_eq!(read("2").of(&host("red")), None, "another compiler here");
        read("1").note(&host("red"), None);
        assert_eq!(read("1").of(&host("red")), None);
        assert_eq!(read("1").of(&host("blue:99")), Some(&Standing::Alike));
        read("2").note(&host("blue:99"), Some(stranger()));
        assert_eq!(
            read("1").of(&host("blue:99")),
            Some(&Standing::Alike),
            "of the compiler that was here before"
        );
    }

    #[test]
    fn what_is_new() {
        let mut known = Known::read(None, "gcc", "1".to_owned());
        let check =
            |known: &Known, spec: &str, expected: bool| assert_eq!(known.is_new(&host(spec)), expected);
        known.note(&host("red"), Some(Standing::Alike));
        check(&known, "red", true);
        check(&known, "blue", false);
        for age in [-1, 60] {
            known.entries[0].when = now().checked_add_signed(-age).unwrap();
            check(&known, "red", false);
        }
    }

    #[test]
    fn what_was_found_out_since_is_not_doubted() {
        let place = tempfile::tempdir().unwrap();
        let read = || Known::read(Some(place.path()), "gcc", "1".to_owned());
        read().note(&host("red"), Some(Standing::Alike));
        let mut late = read();
        read().note(&host("red"), Some(stranger()));
        late.doubt(&host("red"));
        assert_eq!((late.of(&host("red")), read().of(&host("red"))), (Some(&stranger()), Some(&stranger())));
        read().doubt(&host("red"));
        assert_eq!(read().of(&host("red")), None);
        read().doubt(&host("red"));
        read().doubt(&host("blue"));
        let lines = fs::read_to_string(read().file.unwrap()).unwrap();
        assert_eq!(lines.lines().count(), 3, "{lines}");
    }

    #[test]
    fn without_a_directory_it_counts_for_one_job() {
        let place = tempfile::tempdir().unwrap();
        for directory in [None, Some(place.path().join("missing"))] {
            let mut known = Known::read(directory.as_deref(), "gcc", "1".to_owned());
            known.note(&host("red"), Some(Standing::Alike));
            assert_eq!(known.of(&host("red")), Some(&Standing::Alike));
            assert_eq!(Known::read(directory.as_deref(), "gcc", "1".to_owned()).of(&host("red")), None);
        }
    }

    #[test]
    fn what_is_known_grows_old() {
        let now: u64 = 1_000_000;
        let check = |age: i64, standing: Standing, expected: bool| {
            let when = now.checked_add_signed(-age).unwrap();
            let entry = Entry { host: "red".to_owned(), when, standing: Some(standing) };
            assert_eq!(is_fresh(&entry, now), expected, "{entry:?}");
        };
        check(0, stranger(), true);
        check(59, stranger(), true);
        check(60, stranger(), false);
        check(60, Standing::Alike, true);
        check(24 * 3600 - 1, Standing::Alike, true);
        check(24 * 3600, proven("ab".to_owned(), false), false);
        check(-1, Standing::Alike, false);
    }

    #[test]
    fn of_many_that_write_at_once_none_is_forgotten() {
        let place = tempfile::tempdir().unwrap();
        Known::read(Some(place.path()), "gcc", "1".to_owned()).note(&host("red"), None);
        std::thread::scope(|scope| {
            for number in 0..16 {
                let mut known = Known::read(Some(place.path()), "gcc", "1".to_owned());
                scope.spawn(move || known.note(&host(&format!("red{number}")), Some(Standing::Alike)));
            }
        });
        let known = Known::read(Some(place.path()), "gcc", "1".to_owned());
        assert!((0..16).all(|number| known.of(&host(&format!("red{number}"))).is_some()));
    }

    #[test]
    fn a_file_stays_short() {
        let place = tempfile::tempdir().unwrap();
        let read = || Known::read(Some(place.path()), "gcc", "1".to_owned());
        for number in 0..500 {
            read().note(&host(&format!("red{}", number % 8)), Some(stranger()));
        }
        let file = read().file.unwrap();
        assert!(fs::metadata(file).unwrap().len() < 2 * LONG);
        assert!((0..8).all(|number| read().of(&host(&format!("red{number}"))).is_some()));
        assert_eq!(fs::read_dir(place.path().join("known")).unwrap().count(), 1);
    }

    #[test]
    fn what_nobody_needs_any_more_is_removed() {
        let place = tempfile::tempdir().unwrap();
        let note = |compiler: &str| {
            let mut known = Known::read(Some(place.path()), compiler, "1".to_owned());
            known.note(&host("red"), Some(Standing::Alike));
            (known.file.clone().unwrap(), known.lock_of(&host("red")).unwrap())
        };
        let (old, lock) = note("gcc-11");
        fs::write(&lock, "").unwrap();
        let long_ago = SystemTime::now() - 31 * BELIEVED;
        let times = fs::FileTimes::new().set_accessed(long_ago).set_modified(long_ago);
        for file in [&old, &lock] {
            File::options().write(true).open(file).unwrap().set_times(times).unwrap();
        }
        let (new, _) = note("gcc-12");
        let left: Vec<_> = fs::read_dir(place.path().join("known")).unwrap().flatten().collect();
        assert_eq!(left.iter().map(fs::DirEntry::path).collect::<Vec<_>>(), [new]);
    }

    #[test]
    fn what_another_user_put_there_is_left_alone() {
        let place = tempfile::tempdir().unwrap();
        let read = || Known::read(Some(place.path()), "gcc", "1".to_owned());
        read().note(&host("red"), Some(Standing::Alike));
        let file = read().file.unwrap();
        let elsewhere = place.path().join("elsewhere");
        fs::rename(&file, &elsewhere).unwrap();
        std::os::unix::fs::symlink(&elsewhere, &file).unwrap();
        assert_eq!(read().of(&host("red")), None);
        fs::remove_file(&file).unwrap();
        nix::unistd::mkfifo(&file, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert_eq!(read().of(&host("red")), None);
    }
}
