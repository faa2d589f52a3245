//! Which files a library's name means, by /etc/ld.so.cache as glibc's ldconfig writes it. Knows nothing of what is in
//! those files.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Where the loader has it.
pub(crate) const FILE: &str = "/etc/ld.so.cache";

/// Libraries by name, each with all files that may be meant: those for other machines, or for better processors of the
/// same, are among them.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct LoaderCache {
    files: HashMap<Vec<u8>, Vec<PathBuf>>,
}

/// A part for older programs may stand in front: name, count of entries, and these.
const OLD: &[u8] = b"ld.so-1.7.0\0";
const OLD_ENTRY: usize = 12;

/// Name, count of entries, length of the texts, byte order, place of extensions, and 12 bytes for the future.
const NEW: &[u8] = b"glibc-ld.so.cache1.1";
const HEADER: usize = 48;

/// Flags, where the name and the file stand from the header on, and what the system and processor must have.
const ENTRY: usize = 24;

impl LoaderCache {
    /// Reads a cache; nothing is in what is none, or has the byte order of big machines.
    pub fn parse(bytes: &[u8]) -> LoaderCache {
        let mut files: HashMap<Vec<u8>, Vec<PathBuf>> = HashMap::new();
        for (name, file) in entries(bytes).unwrap_or_default() {
            let known = files.entry(name.to_vec()).or_default();
            let file = Path::new(OsStr::from_bytes(file));
            if file.is_absolute() && !known.iter().any(|known| known == file) {
                known.push(file.to_owned());
            }
        }
        LoaderCache { files }
    }

    /// Absolute paths, in the order of the file; none for a name that is not in it.
    pub fn files(&self, name: &[u8]) -> &[PathBuf] {
        self.files.get(name).map_or(&[], Vec::as_slice)
    }
}

/// Names and files; none when this is no cache. Entries that lead out of it are left out.
fn entries(bytes: &[u8]) -> Option<Vec<(&[u8], &[u8])>> {
    let bytes = behind_the_old_part(bytes)?;
    let count = number(bytes, NEW.len()).filter(|_| bytes.starts_with(NEW))?;
    let table = bytes.get(HEADER..)?.chunks_exact(ENTRY).take(count);
    Some(
        table
            .filter_map(|entry| Some((text(bytes, number(entry, 4)?)?, text(bytes, number(entry, 8)?)?)))
            .collect(),
    )
}

fn behind_the_old_part(bytes: &[u8]) -> Option<&[u8]> {
    if !bytes.starts_with(OLD) {
        return Some(bytes);
    }
    let end = number(bytes, OLD.len())?.checked_mul(OLD_ENTRY)?.checked_add(OLD.len() + 4)?;
    bytes.get(end.checked_next_multiple_of(8)?..)
}

fn number(bytes: &[u8], at: usize) -> Option<usize> {
    let bytes = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
    usize::try_from(u32::from_le_bytes(bytes)).ok()
}

/// A path, or the name of a file; nothing longer is one.
fn text(bytes: &[u8], at: usize) -> Option<&[u8]> {
    let bytes = bytes.get(at..)?;
    let length = bytes.iter().take(4096).position(|byte| *byte == 0)?;
    Some(&bytes[..length])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::process::Command;

    /// A cache with these names and files, behind an old part with as many entries.
    fn cache(entries: &[(&str, &str)], old: Option<u32>) -> Vec<u8> {
        let mut texts = Vec::new();
        let mut table = Vec::new();
        let mut put = |text: &str| {
            let at = HEADER + ENTRY * entries.len() + texts.len();
            texts.extend_from_slice(text.as_bytes());
            texts.push(0);
            u32::try_from(at).unwrap().to_le_bytes()
        };
        for (name, file) in entries {
            table.extend([[3, 3, 0, 0], put(name), put(file), [0; 4], [0; 4], [0; 4]].concat());
        }
        let mut bytes = Vec::new();
        if let Some(old) = old {
            bytes.extend([OLD, &old.to_le_bytes()].concat());
            bytes.resize((16 + OLD_ENTRY * old as usize).next_multiple_of(8), 7);
        }
        bytes.extend([NEW, &u32::try_from(entries.len()).unwrap().to_le_bytes(), &[0; 24]].concat());
        [bytes, table, texts].concat()
    }

    fn check(bytes: &[u8], name: &str, expected: &[&str]) {
        let found = LoaderCache::parse(bytes);
        assert_eq!(
            found.files(name.as_bytes()),
            expected.iter().map(PathBuf::from).collect::<Vec<_>>(),
            "{name}"
        );
    }

    #[test]
    fn names() {
        let entries = [
            ("libz.so.1", "/lib/v3/libz.so.1"),
            ("libz.so.1", "/lib/libz.so.1"),
            ("b", "/b"),
            ("b", "/b"),
            ("c", "c"),
        ];
        for old in [None, Some(0), Some(3)] {
            let bytes = cache(&entries, old);
            check(&bytes, "libz.so.1", &["/lib/v3/libz.so.1", "/lib/libz.so.1"]);
            check(&bytes, "b", &["/b"]);
            check(&bytes, "c", &[]);
            check(&bytes, "libz.so", &[]);
        }
    }

    #[test]
    fn what_is_no_cache() {
        let good = cache(&[("a", "/a")], Some(1));
        for end in 0..good.len() {
            check(&good[..end], "a", &[]);
        }
        check(b"glibc-ld.so.cache2.0", "a", &[]);
        check(&[OLD, &[0xff; 8]].concat(), "a", &[]);
        check(&[NEW, &[0xff; 200]].concat(), "a", &[]);
    }

    #[test]
    fn this_machines() {
        let said = Command::new("/sbin/ldconfig").arg("-p").output().expect("Linux has ldconfig");
        let found = LoaderCache::parse(&std::fs::read(FILE).unwrap());
        let mut lines = 0;
        for line in String::from_utf8(said.stdout).unwrap().lines() {
            let Some((name, file)) = line.split_once(" => ") else { continue };
            let name = name.split_whitespace().next().unwrap();
            assert!(found.files(name.as_bytes()).contains(&PathBuf::from(file)), "{line}");
            lines += 1;
        }
        assert!(lines > 10, "ldconfig tells of {lines} libraries");
    }

    proptest! {
        #[test]
        fn garbage_is_survived(bytes in prop::collection::vec(any::<u8>(), 0..300), old: bool) {
            let _ = LoaderCache::parse(&[if old { OLD } else { NEW }, &bytes].concat());
        }

        #[test]
        fn damage_is_survived(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
            let mut bytes = cache(&[("a", "/a"), ("b", "/b")], Some(2));
            for (place, byte) in &changes {
                *place.get_mut(&mut bytes) = *byte;
            }
            let _ = LoaderCache::parse(&bytes);
        }
    }
}
