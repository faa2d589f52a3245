//! What is in files, by what the system says of them, so that none is read twice. Knows no paths and no compilers.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use memchr::memmem;
use nix::sys::stat::fstat;

use crate::fingerprint::Fingerprint;
use crate::stamp::Stamp;

/// Contents of files as hashes, which many may use at once.
#[derive(Debug, Default)]
pub struct Hashes {
    known: Mutex<BTreeMap<(Stamp, Mark), Known>>,
}

/// Bytes that some programs have in them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mark {
    /// Nobody looks for any.
    None,
    /// Only gcc's drivers have it: others lead to one.
    Gcc,
    /// Only clang has it.
    Clang,
}

/// What is in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Content {
    pub(crate) hash: Fingerprint,
    /// Whether the bytes that were looked for are somewhere in it.
    pub(crate) marked: bool,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    content: Content,
    origin: Origin,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// Another process has read the file.
    Told,
    /// So it has, and it was of use.
    Used,
    Read,
}

/// No part of a compiler is larger.
const LARGEST: u64 = 1 << 30;

const CHUNK: usize = 1 << 18;

/// Dozens of compilers have as many files together.
const MOST: usize = 1000;

const FORMAT: &str = "distcc-arch hashes 1";

impl Hashes {
    /// What is in a file, which is read unless that is known.
    pub(crate) fn content(&self, file: File, mark: Mark) -> io::Result<Content> {
        let stamp = Stamp::of(&fstat(&file)?);
        if let Some(known) = self.known().get_mut(&(stamp, mark)) {
            if known.origin == Origin::Told {
                known.origin = Origin::Used;
            }
            return Ok(known.content);
        }
        if file.metadata()?.len() > LARGEST {
            return Err(io::Error::other("a part of the compiler is too large"));
        }
        let began = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let content = hashed(&file, mark)?;
        let was_settled = i64::try_from(began.as_secs()).is_ok_and(|began| stamp.had_settled(began));
        if was_settled && Stamp::of(&fstat(&file)?) == stamp {
            let mut known = self.known();
            if known.len() >= MOST {
                known.clear();
            }
            known.insert((stamp, mark), Known { content, origin: Origin::Read });
        }
        Ok(content)
    }

    /// Whether there is something that was not there when they were decoded.
    pub(crate) fn have_grown(&self) -> bool {
        self.known().values().any(|known| known.origin == Origin::Read)
    }

    /// As text: a line for each file. What was of no use is left out when it is too much.
    pub(crate) fn encode(&self) -> String {
        let known = self.known();
        let few = known.len() < MOST / 2;
        let kept = known.iter().filter(|(_, known)| few || known.origin != Origin::Told);
        let line = |((stamp, mark), Known { content, .. }): (&(Stamp, Mark), &Known)| {
            let yes = u8::from(content.marked);
            format!("{} {yes} {} {stamp}\n", mark.name(), content.hash)
        };
        format!("{FORMAT}\n{}", kept.map(line).collect::<String>())
    }

    /// Understands what [`Hashes::encode`] wrote; there is nothing in anything else.
    pub(crate) fn decode(text: &str) -> Hashes {
        let lines = text.strip_prefix(FORMAT).and_then(|text| text.strip_prefix('\n')).unwrap_or_default();
        let known: Option<BTreeMap<_, _>> = lines.lines().take(MOST).map(read).collect();
        let whole = lines.ends_with('\n');
        Hashes { known: Mutex::new(known.filter(|_| whole).unwrap_or_default()) }
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<(Stamp, Mark), Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(line: &str) -> Option<((Stamp, Mark), Known)> {
    let mut words = line.splitn(4, ' ');
    let name = words.next()?;
    let mark = [Mark::None, Mark::Gcc, Mark::Clang].into_iter().find(|mark| mark.name() == name)?;
    let marked = match words.next()? {
        "0" => false,
        "1" => true,
        _ => return None,
    };
    let content = Content { hash: words.next()?.parse().ok()?, marked };
    Some(((words.next()?.parse().ok()?, mark), Known { content, origin: Origin::Told }))
}

impl Mark {
    fn name(self) -> &'static str {
        match self {
            Mark::None => "-",
            Mark::Gcc => "gcc",
            Mark::Clang => "clang",
        }
    }

    fn bytes(self) -> &'static [u8] {
        match self {
            Mark::None => b"",
            Mark::Gcc => b"%(cc1_options)",
            Mark::Clang => b"unknown integrated tool '",
        }
    }
}

fn hashed(mut file: &File, mark: Mark) -> io::Result<Content> {
    let mark = mark.bytes();
    let finder = memmem::Finder::new(mark);
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; CHUNK];
    let (mut kept, mut marked) = (0, false);
    loop {
        let read = match file.read(&mut buffer[kept..]) {
            Ok(0) => return Ok(Content { hash: Fingerprint(*hasher.finalize().as_bytes()), marked }),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        hasher.update(&buffer[kept..kept + read]);
        marked = marked || finder.find(&buffer[..kept + read]).is_some();
        // A mark may begin in one chunk and end in the next.
        let keep = (kept + read).min(mark.len().saturating_sub(1));
        buffer.copy_within(kept + read - keep..kept + read, 0);
        kept = keep;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::fs::{self, FileTimes};
    use std::path::Path;
    use std::time::Duration;

    #[test]
    fn marks_across_chunks() {
        let mark = Mark::Gcc.bytes();
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("a");
        for at in [0, CHUNK - 13, CHUNK - 7, CHUNK, 2 * CHUNK - 13, 3 * CHUNK - mark.len()] {
            let mut bytes = vec![b'x'; 3 * CHUNK];
            bytes[at..at + mark.len()].copy_from_slice(mark);
            fs::write(&path, &bytes).unwrap();
            let hash = Fingerprint(*blake3::hash(&bytes).as_bytes());
            for (mark, marked) in [(Mark::Gcc, true), (Mark::Clang, false)] {
                assert_eq!(hashed(&File::open(&path).unwrap(), mark).unwrap(), Content { hash, marked });
            }
        }
    }

    /// A file that nobody has changed for long.
    const SETTLED: &str = "/etc/passwd";

    fn of(hashes: &Hashes, path: &Path, mark: Mark) -> Content {
        hashes.content(File::open(path).unwrap(), mark).unwrap()
    }

    #[test]
    fn nothing_is_read_twice() {
        let path = Path::new(SETTLED);
        let first = Hashes::default();
        let real = of(&first, path, Mark::None);
        assert!(first.have_grown());
        let told = Hashes::decode(&first.encode());
        assert!(of(&told, path, Mark::None) == real && !told.have_grown());
        let feigned = Fingerprint([7; 32]);
        let text = first.encode().replace(&real.hash.to_string(), &feigned.to_string());
        let told = Hashes::decode(&text);
        assert_eq!(of(&told, path, Mark::None).hash, feigned, "it is not read");
        assert_eq!(of(&told, path, Mark::Gcc).hash, real.hash, "nobody has looked for that");
        assert!(told.have_grown());
    }

    #[test]
    fn what_may_still_change_is_read_again() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("a");
        fs::write(&path, "1").unwrap();
        // An archive's files are as old as that says.
        let times = FileTimes::new().set_modified(SystemTime::now() - Duration::from_secs(999));
        File::options().write(true).open(&path).unwrap().set_times(times).unwrap();
        let hashes = Hashes::default();
        of(&hashes, &path, Mark::None);
        assert!(!hashes.have_grown());
    }

    #[test]
    fn texts() {
        let hash = "ab".repeat(32);
        let good = [format!("- 0 {hash} 1 2 3 4.5 6.7\n"), format!("gcc 1 {hash} 1 2 3 4.5 -6.7\n")].concat();
        let check = |text: &str, count: usize| {
            assert_eq!(Hashes::decode(text).known().len(), count, "{text}");
        };
        check(&format!("{FORMAT}\n{good}"), 2);
        check(&good, 0);
        check(&format!("{FORMAT} {good}"), 0);
        check(&format!("{FORMAT}\n{}", good.trim_end()), 0);
        check(&format!("{FORMAT}\n{good}tcc 0 {hash} 1 2 3 4.5 6.7\n"), 0);
        check(&format!("{FORMAT}\n- 2 {hash} 1 2 3 4.5 6.7\n"), 0);
        check(&format!("{FORMAT}\n- 0 {hash} 1 2 3 4.5\n"), 0);
    }

    #[test]
    fn what_is_of_no_use_makes_room() {
        let line = |number: usize| format!("- 0 {} 1 {number} 3 4.5 6.7\n", "ab".repeat(32));
        let text = |most: usize| format!("{FORMAT}\n{}", (0..most).map(line).collect::<String>());
        let kept = |most: usize| {
            let hashes = Hashes::decode(&text(most));
            of(&hashes, Path::new(SETTLED), Mark::None);
            hashes.encode().lines().count() - 1
        };
        assert_eq!((kept(MOST / 4), kept(MOST / 2)), (MOST / 4 + 1, 1));
    }

    proptest! {
        #[test]
        fn garbage_is_survived(lines in "(distcc-arch hashes 1\n)?((-|gcc) [01] [0-9a-f]{63,64} ([0-9]{1,3}[. ]){0,8}\n?){0,4}", any in ".*") {
            for text in [lines, any] {
                let once = Hashes::decode(&text).encode();
                prop_assert_eq!(Hashes::decode(&once).encode(), once);
            }
        }
    }
}
