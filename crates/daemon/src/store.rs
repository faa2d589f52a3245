//! What clients' files contain, unpacked and kept once for all trees that link to it. Knows nothing of trees.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use nix::fcntl::{AtFlags, OFlag, openat};
use nix::sys::stat::{Mode, futimens};
use nix::sys::time::TimeSpec;
use nix::unistd::{UnlinkatFlags, linkat, unlinkat};

/// A name and what is in it, by their hash: compilers know files by their inodes, so that two names never share one.
pub(crate) type Key = [u8; 32];

/// The year 2001, and the 17 years from there on.
const FIRST_SECOND: i64 = 978_307_200;
const SECONDS: i64 = 1 << 29;

/// What a file takes is a multiple of this, in bytes.
const BLOCK: u64 = 4096;

/// Why files cannot be had.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// What the client sent is none.
    Bad(String),
    /// This machine cannot.
    Io(io::Error),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Trouble {
        Trouble::Io(error)
    }
}

impl From<nix::Error> for Trouble {
    fn from(error: nix::Error) -> Trouble {
        Trouble::Io(error.into())
    }
}

/// What one job may yet have.
#[derive(Debug)]
pub(crate) struct Allowance {
    /// Bytes to be unpacked.
    pub(crate) unpacked: usize,
    /// Bytes on disk.
    pub(crate) disk: u64,
}

/// Contents by their keys, in a directory of their own.
#[derive(Debug)]
pub(crate) struct Store {
    directory: OwnedFd,
    contents: Mutex<Contents>,
}

#[derive(Debug, Default)]
struct Contents {
    known: HashMap<Key, Kept>,
    /// What all of it takes.
    bytes: u64,
    /// The name of the next file, and the time of the last use.
    next: u64,
    now: u64,
}

/// One file.
#[derive(Debug)]
struct Kept {
    number: u64,
    bytes: u64,
    /// How many trees have it: only without any is something gained by removing it.
    links: u32,
    used: u64,
}

/// The key of what was transmitted for the name with these components.
pub(crate) fn key(path: &[OsString], body: &[u8]) -> Key {
    let mut hasher = blake3::Hasher::new();
    for part in path {
        hasher.update(b"/").update(part.as_bytes());
    }
    *hasher.update(b"\0").update(body).finalize().as_bytes()
}

/// Makes the file `name` in `directory` out of what was transmitted, and says what it takes. What is allowed is then so
/// much less.
///
/// gcc takes two files of one length, content and second of change for one file, so that each has its own second.
pub(crate) fn unpack_to(
    directory: impl AsFd,
    name: &OsStr,
    (key, body): (&Key, &[u8]),
    allowed: &mut Allowance,
) -> Result<(File, u64), Trouble> {
    let unpacked =
        protocol::unpack(body, allowed.unpacked).map_err(|error| Trouble::Bad(error.to_string()))?;
    let taken = (unpacked.len() as u64).next_multiple_of(BLOCK);
    allowed.disk = allowed.disk.checked_sub(taken).ok_or(io::Error::from(ErrorKind::StorageFull))?;
    allowed.unpacked -= unpacked.len();
    let plainly = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let mut file = File::from(openat(directory, name, plainly, Mode::from_bits_truncate(0o444))?);
    file.write_all(&unpacked)?;
    let number = u32::from_le_bytes([key[0], key[1], key[2], key[3]]);
    let second = TimeSpec::new(FIRST_SECOND + i64::from(number) % SECONDS, 0);
    futimens(&file, &second, &second)?;
    Ok((file, taken))
}

impl Store {
    /// An empty one in this directory.
    ///
    /// # Errors
    /// It cannot be opened.
    pub(crate) fn open(directory: &Path) -> io::Result<Store> {
        let directory = OwnedFd::from(File::open(directory)?);
        Ok(Store { directory, contents: Mutex::default() })
    }

    /// Links the content to `name` in `directory`; it is unpacked if it is new.
    pub(crate) fn link(
        &self,
        content: (&Key, &[u8]),
        directory: impl AsFd,
        name: &OsStr,
        allowed: &mut Allowance,
    ) -> Result<(), Trouble> {
        let number = match self.hold(content.0) {
            Some(number) => number,
            None => self.add(content, allowed)?,
        };
        let linked = linkat(&self.directory, file_name(number).as_str(), directory, name, AtFlags::empty());
        linked.map_err(|error| {
            self.release(content.0);
            error.into()
        })
    }

    /// One tree has it no more.
    pub(crate) fn release(&self, key: &Key) {
        if let Some(kept) = self.contents().known.get_mut(key) {
            kept.links -= 1;
        }
    }

    /// Removes what no tree has, the longest unused first, until it takes so many bytes, and says what it takes then.
    pub(crate) fn shrink_to(&self, bytes: u64) -> u64 {
        let mut contents = self.contents();
        if contents.bytes <= bytes {
            return contents.bytes;
        }
        let free = contents.known.iter().filter(|(_, kept)| kept.links == 0);
        let mut free: Vec<(u64, Key)> = free.map(|(key, kept)| (kept.used, *key)).collect();
        free.sort_unstable();
        for (_, key) in free {
            if contents.bytes <= bytes {
                break;
            }
            if let Some(kept) = contents.known.remove(&key) {
                contents.bytes -= kept.bytes;
                self.remove(kept.number);
            }
        }
        contents.bytes
    }

    fn contents(&self) -> MutexGuard<'_, Contents> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The file with this content, which stays until it is released.
    fn hold(&self, key: &Key) -> Option<u64> {
        let mut contents = self.contents();
        contents.now += 1;
        let now = contents.now;
        let kept = contents.known.get_mut(key)?;
        kept.links += 1;
        kept.used = now;
        Some(kept.number)
    }

    fn add(&self, (key, body): (&Key, &[u8]), allowed: &mut Allowance) -> Result<u64, Trouble> {
        let number = {
            let mut contents = self.contents();
            contents.next += 1;
            contents.next
        };
        let name = file_name(number);
        let bytes = match unpack_to(&self.directory, OsStr::new(&name), (key, body), allowed) {
            Ok((_, bytes)) => bytes,
            Err(trouble) => {
                self.remove(number);
                return Err(trouble);
            }
        };
        // Another job may have had the same file at the same time.
        if let Some(earlier) = self.hold(key) {
            self.remove(number);
            return Ok(earlier);
        }
        let mut contents = self.contents();
        contents.bytes += bytes;
        let used = contents.now;
        contents.known.insert(*key, Kept { number, bytes, links: 1, used });
        Ok(number)
    }

    /// It may not even be there.
    fn remove(&self, number: u64) {
        let _ = unlinkat(&self.directory, file_name(number).as_str(), UnlinkatFlags::NoRemoveDir);
    }
}

fn file_name(number: u64) -> String {
    format!("{number:x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_job_has_what_it_is_allowed() {
        let check = |unpacked: usize, disk: u64, expected: Result<(usize, u64), &str>| {
            let place = tempfile::tempdir().unwrap();
            let store = Store::open(place.path()).unwrap();
            let trees = File::open(place.path()).unwrap();
            let mut allowed = Allowance { unpacked, disk };
            let body = protocol::pack(&[b'x'; 5000]);
            for name in ["a", "b"].map(OsStr::new) {
                // The second time it is there already, and costs nothing.
                match store.link((&key(&[], &body), &body), &trees, name, &mut allowed) {
                    Ok(()) => assert_eq!(Ok((allowed.unpacked, allowed.disk)), expected),
                    Err(Trouble::Bad(why)) => assert_eq!(Err(why.as_str()), expected),
                    Err(Trouble::Io(error)) => assert_eq!(Err(error.to_string().as_str()), expected),
                }
            }
            let files = if expected.is_ok() { 3 } else { 0 };
            assert_eq!(place.path().read_dir().unwrap().count(), files, "{unpacked} {disk}");
        };
        check(5000, 8192, Ok((0, 0)));
        check(9000, 10_000, Ok((4000, 1808)));
        check(4999, 10_000, Err("compressed body of more than 4999 bytes"));
        check(5000, 8191, Err("no storage space"));
    }

    #[test]
    fn keys_are_of_name_and_content() {
        let key_of =
            |path: &[&str], body: &[u8]| key(&path.iter().map(OsString::from).collect::<Vec<_>>(), body);
        let keys = [
            key_of(&["a", "b"], b"x"),
            key_of(&["a"], b"bx"),
            key_of(&["ab"], b"x"),
            key_of(&["a", "c"], b"x"),
            key_of(&["a", "b"], b""),
        ];
        for (at, key) in keys.iter().enumerate() {
            assert!(!keys[at + 1..].contains(key), "{at}");
        }
        assert_eq!(keys[0], key_of(&["a", "b"], b"x"));
    }
}
