//! What was seen of the file system when a compiler was identified, so that one look tells whether it still is so.
//! Knows nothing of compilers.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use crate::root::Root;
use crate::stamp::Stamp;

/// Files and directories with what the system said of them, and paths at which there was nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evidence {
    /// Sorted, each path once.
    seen: Vec<(PathBuf, Option<Stamp>)>,
}

/// No compiler has as many files.
const MOST: usize = 2000;

impl Evidence {
    pub(crate) fn of(seen: BTreeMap<PathBuf, Option<Stamp>>) -> Evidence {
        Evidence { seen: seen.into_iter().collect() }
    }

    /// Whether everything is as it was seen.
    pub fn still_holds(&self, root: &Root) -> bool {
        self.seen.iter().all(|(path, stamp)| match root.status(path) {
            Ok(status) => status.as_ref().map(Stamp::of) == *stamp,
            Err(_) => false,
        })
    }

    /// As text: a line for each path, sorted.
    pub fn encode(&self) -> String {
        let mut text = String::new();
        for (path, stamp) in &self.seen {
            match stamp {
                None => text.push('-'),
                Some(stamp) => write!(text, "{stamp}").expect("memory takes text"),
            }
            text.push(' ');
            escape(path, &mut text);
            text.push('\n');
        }
        text
    }

    /// Understands what [`Evidence::encode`] wrote; none when anything in it is not as that writes it.
    pub fn decode(text: &str) -> Option<Evidence> {
        let mut seen: Vec<(PathBuf, Option<Stamp>)> = Vec::new();
        for line in text.lines() {
            let (stamp, path) = line.rsplit_once(' ')?;
            let stamp = if stamp == "-" { None } else { Some(stamp.parse().ok()?) };
            let path = unescaped(path)?;
            if seen.last().is_some_and(|(last, _)| *last >= path) || seen.len() == MOST {
                return None;
            }
            seen.push((path, stamp));
        }
        Some(Evidence { seen })
    }
}

/// Paths may hold anything but a zero byte; in a line they are printable and without spaces.
fn escape(path: &Path, text: &mut String) {
    for byte in path.as_os_str().as_bytes() {
        if byte.is_ascii_graphic() && *byte != b'%' {
            text.push(char::from(*byte));
        } else {
            write!(text, "%{byte:02x}").expect("memory takes text");
        }
    }
}

fn unescaped(text: &str) -> Option<PathBuf> {
    if !text.contains('%') {
        let plain = text.starts_with('/') && text.bytes().all(|byte| byte.is_ascii_graphic());
        return plain.then(|| PathBuf::from(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok().filter(|byte| *byte != 0)?
            }
            byte if byte.is_ascii_graphic() => byte,
            _ => return None,
        });
    }
    bytes.starts_with(b"/").then(|| PathBuf::from(OsString::from_vec(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake_root::FakeRoot;
    use proptest::prelude::*;

    fn evidence(root: &Root, paths: &[&str]) -> Evidence {
        let look = |path: &&str| {
            let path = PathBuf::from(path);
            (path.clone(), root.status(&path).unwrap().as_ref().map(Stamp::of))
        };
        Evidence::of(paths.iter().map(look).collect())
    }

    #[test]
    fn changes() {
        let paths = ["/a", "/link", "/bin", "/absent"];
        let fake = FakeRoot::with(&["a=text", "b=text", "link>b", "bin/x=1"]);
        let check = |change: &dyn Fn(), holds: bool, what: &str| {
            let before = evidence(&fake.root(), &paths);
            assert!(before.still_holds(&fake.root()), "{what}");
            change();
            assert_eq!(before.still_holds(&fake.root()), holds, "{what}");
            assert_eq!(Evidence::decode(&before.encode()), Some(before), "{what}");
        };
        check(&|| drop(std::fs::read(fake.path("a"))), true, "read");
        check(&|| fake.add("other"), true, "another file");
        check(&|| fake.add("a=texts"), false, "written");
        check(&|| std::fs::rename(fake.path("other"), fake.path("a")).unwrap(), false, "replaced");
        check(&|| fake.add("b=more text"), false, "written behind a link");
        check(&|| fake.add("absent"), false, "appeared");
        check(&|| fake.add("bin/as*"), false, "appeared in a directory");
        check(&|| std::fs::remove_file(fake.path("a")).unwrap(), false, "gone");
    }

    #[test]
    fn a_root_other_than_the_machines_own() {
        let seen = evidence(&Root::open(Path::new("/")).unwrap(), &["/etc/passwd", "/nowhere"]);
        assert!(seen.still_holds(&Root::open(Path::new("/")).unwrap()));
        assert!(!seen.still_holds(&FakeRoot::with(&["etc/passwd=x"]).root()));
    }

    #[test]
    fn texts() {
        for (text, good) in [
            ("", true),
            ("- /a\n", true),
            ("1 2 3 4.5 -6.7 /usr/bin/a%20b%0a\n", true),
            ("1 2 3 4.5 6.7 /a\n1 2 3 4.5 6.7 /a\n", false),
            ("1 2 3 4.5 6.7 a\n", false),
            ("1 2 3 4.5 /a\n", false),
            ("1 2 3 4.5 6.7 8 /a\n", false),
            ("- /a%\n", false),
            ("- /a%00\n", false),
            ("- /a%zz\n", false),
            ("/a\n", false),
        ] {
            let found = Evidence::decode(text);
            assert_eq!(found.is_some(), good, "{text}");
            assert!(found.is_none_or(|found| found.encode() == text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn garbage_is_survived(text in "([-0-9. ]{0,20} ?/?[a-z%0-9 /]{0,9}\n?){0,5}", any in ".*") {
            let _ = Evidence::decode(&any);
            if let Some(found) = Evidence::decode(&text) {
                prop_assert_eq!(Evidence::decode(&found.encode()), Some(found));
            }
        }

        #[test]
        fn any_path(path in prop::collection::vec(1..=255u8, 0..40)) {
            let path = PathBuf::from(OsString::from_vec([&b"/"[..], &path].concat()));
            let before = Evidence::of(BTreeMap::from([(path, None)]));
            prop_assert_eq!(Evidence::decode(&before.encode()), Some(before));
        }
    }
}
