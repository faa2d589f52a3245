//! One build of a compiler by its signature in objects. Runs nothing.

use std::fmt;

/// Whose compiler it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Family {
    /// The GNU Compiler Collection.
    Gcc,
    /// LLVM's compiler.
    Clang,
}

/// One build of a compiler. Two that are equal sign objects alike.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Maker {
    /// Whose compiler it is.
    pub family: Family,
    /// E.g. 14.2.1. Different builds may have the same.
    pub version: String,
    /// The signature, which tells builds apart: `GCC: (GNU) 14.2.1 20250207`, `Debian clang version 14.0.6`.
    pub build: String,
}

/// How gcc signs, and how clang does behind the name of its vendor.
const GCC: &str = "GCC: ";
const CLANG: &str = "clang version ";

impl Maker {
    /// Understands a signature, one text of an object's .comment section; none when no compiler of ours wrote it.
    pub fn signed(text: &str) -> Option<Maker> {
        let (family, version) = if let Some(rest) = text.strip_prefix(GCC) {
            (Family::Gcc, rest.rsplit_once(") ").map_or(rest, |(_, version)| version))
        } else {
            (Family::Clang, clang_version(text)?)
        };
        let version = version.split(' ').next().filter(|word| starts_with_digit(word))?;
        Some(Maker { family, version: version.to_owned(), build: text.to_owned() })
    }
}

fn clang_version(text: &str) -> Option<&str> {
    let (vendor, version) = text.split_once(CLANG)?;
    (vendor.is_empty() || vendor.ends_with(' ')).then_some(version)
}

fn starts_with_digit(word: &str) -> bool {
    word.starts_with(|first: char| first.is_ascii_digit())
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Family::Gcc => "gcc",
            Family::Clang => "clang",
        })
    }
}

/// `gcc (GNU) 14.2.1 20250207`, `Debian clang version 14.0.6`.
impl fmt::Display for Maker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.build.strip_prefix(GCC) {
            Some(build) => write!(f, "gcc {build}"),
            None => f.write_str(&self.build),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(found: Option<Maker>, expected: Option<(Family, &str, &str)>) {
        let found = found.as_ref().map(|maker| (maker.family, maker.version.as_str(), maker.build.as_str()));
        assert_eq!(found, expected);
    }

    #[test]
    fn signatures() {
        use Family::{Clang, Gcc};
        for (text, expected) in [
            ("GCC: (GNU) 14.2.1 20250207", Some((Gcc, "14.2.1"))),
            ("GCC: (Debian 12.2.0-14+deb12u1) 12.2.0", Some((Gcc, "12.2.0"))),
            ("GCC: (crosstool-NG (x) 1.24) 8.5.0", Some((Gcc, "8.5.0"))),
            ("GCC: (GNU) 15.0.0 20241110 (experimental)", Some((Gcc, "15.0.0"))),
            ("GCC: 3.4.6", Some((Gcc, "3.4.6"))),
            ("clang version 19.1.7", Some((Clang, "19.1.7"))),
            ("Debian clang version 14.0.6", Some((Clang, "14.0.6"))),
            ("clang version 17.0.6 (https://example.org/llvm.git 6009708b)", Some((Clang, "17.0.6"))),
            ("subclang version 1", None),
            ("rustc version 1.88.0", None),
            ("Linker: LLD 19.1.7", None),
            ("GCC: (GNU)", None),
            ("GCC: ", None),
            ("clang version ", None),
            ("", None),
        ] {
            check(Maker::signed(text), expected.map(|(family, version)| (family, version, text)));
        }
    }

    #[test]
    fn shown() {
        for (signature, expected) in [
            ("GCC: (GNU) 14.2.1 20250207", "gcc (GNU) 14.2.1 20250207"),
            ("Debian clang version 14.0.6", "Debian clang version 14.0.6"),
        ] {
            assert_eq!(Maker::signed(signature).unwrap().to_string(), expected);
        }
    }

    proptest! {
        #[test]
        fn garbage_is_survived(start in "(GCC: |.* ?clang version )?", rest in ".*") {
            let _ = Maker::signed(&format!("{start}{rest}"));
        }
    }
}
