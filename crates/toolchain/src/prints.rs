//! What files make of a compiler, in two fingerprints: one of all of them, and one without the libraries that every
//! system has. Reads no file.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use crate::fingerprint::Fingerprint;
use crate::maker::Family;

/// What a compiler does in one language is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Prints {
    /// Of all files: where it is equal, the objects are.
    pub whole: Fingerprint,
    /// Without general libraries: where only it is equal, the objects are almost certainly.
    pub core: Fingerprint,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Part {
    /// Without its directory.
    pub(crate) name: OsString,
    pub(crate) hash: Fingerprint,
    /// Whether it is a library that has nothing to do with compiling.
    pub(crate) is_general: bool,
}

impl Prints {
    /// Of a compiler for `target`.
    pub(crate) fn of(target: &str, parts: &BTreeSet<Part>) -> Prints {
        let whole = print("compiler", target, parts.iter());
        let core = print("core of a compiler", target, parts.iter().filter(|part| !part.is_general));
        Prints { whole, core }
    }
}

fn print<'a>(what: &str, target: &str, parts: impl Iterator<Item = &'a Part>) -> Fingerprint {
    let mut hasher = blake3::Hasher::new();
    hasher.update(format!("{what} for {target}\0").as_bytes());
    for Part { name, hash, .. } in parts {
        hasher.update(name.as_bytes()).update(b"\0").update(&hash.0);
    }
    Fingerprint(*hasher.finalize().as_bytes())
}

/// Libraries that compilers use and that say nothing of what they make, by their names up to a dot or a version. Not
/// among them are those that write what is in objects, as libz and libzstd compress debug information, or compute it, as
/// libgmp, libmpfr and libmpc do with constants.
const GENERAL: &[&str] = &[
    "ld",
    "ld-linux",
    "ld-linux-aarch64",
    "ld-linux-armhf",
    "ld-linux-loongarch-lp64d",
    "ld-linux-riscv64-lp64d",
    "ld-linux-x86-64",
    "ld64",
    "libbsd",
    "libc",
    "libdl",
    "libedit",
    "libffi",
    "libgcc_s",
    "libicudata",
    "libicui18n",
    "libicuuc",
    "libjansson",
    "liblzma",
    "libmd",
    "libncurses",
    "libncursesw",
    "libpthread",
    "librt",
    "libstdc++",
    "libtinfo",
    "libtinfow",
    "libxml2",
];

/// What gcc has mpfr for, clang asks of the system: the values of `sin(1)` and the like.
const GENERAL_FOR_GCC: &[&str] = &["libm"];

/// Whether a file that the loader gives to a compiler of this family is such a library, by the name by which it was
/// looked for.
pub(crate) fn is_general(family: Family, name: &OsStr) -> bool {
    let Some(name) = name.to_str() else { return false };
    let stem = name.split(".so").next().unwrap_or(name);
    // libc-2.31.so
    let stem = match stem.rsplit_once('-') {
        Some((stem, version))
            if version.starts_with(|first: char| first.is_ascii_digit()) && name.ends_with(".so") =>
        {
            stem
        }
        _ => stem,
    };
    let is_library = name.contains(".so");
    is_library
        && (GENERAL.binary_search(&stem).is_ok() || family == Family::Gcc && GENERAL_FOR_GCC.contains(&stem))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted() {
        assert!(GENERAL.is_sorted());
    }

    #[test]
    fn names_of_libraries() {
        let check = |name: &str, gcc: bool, clang: bool| {
            let is = |family| is_general(family, OsStr::new(name));
            assert_eq!((is(Family::Gcc), is(Family::Clang)), (gcc, clang), "{name}");
        };
        for name in [
            "libc.so.6",
            "libc-2.31.so",
            "ld-linux-x86-64.so.2",
            "ld-linux.so.2",
            "ld-2.31.so",
            "ld64.so.2",
            "libstdc++.so.6",
            "libgcc_s.so.1",
            "libtinfo.so.6",
            "libicuuc.so.72",
            "libxml2.so.2",
        ] {
            check(name, true, true);
        }
        check("libm.so.6", true, false);
        check("libm-2.31.so", true, false);
        for name in [
            "libbfd-2.40-system.so",
            "libbfd-2.43.so",
            "libopcodes-2.40-system.so",
            "libctf.so.0",
            "libsframe.so.1",
            "libisl.so.23",
            "libgmp.so.10",
            "libmpfr.so.6",
            "libmpc.so.3",
            "libLLVM-14.so.1",
            "libclang-cpp.so.14",
            "libz.so.1",
            "libz3.so.4",
            "libzstd.so.1",
            "libcc1.so.0",
            "libc",
            "cc1",
            "libc-extra.so",
            "driver",
        ] {
            check(name, false, false);
        }
    }

    #[test]
    fn what_a_print_is_of() {
        let part = |name: &str, byte, is_general| Part {
            name: name.into(),
            hash: Fingerprint([byte; 32]),
            is_general,
        };
        let prints = |parts: &[Part]| Prints::of("t", &parts.iter().cloned().collect());
        let before = prints(&[part("cc1", 1, false), part("libc.so.6", 1, true)]);
        let libc = prints(&[part("cc1", 1, false), part("libc.so.6", 2, true)]);
        assert!(before.core == libc.core && before.whole != libc.whole);
        let cc1 = prints(&[part("cc1", 2, false), part("libc.so.6", 1, true)]);
        assert!(before.core != cc1.core && before.whole != cc1.whole);
        assert_ne!(before.core, before.whole);
    }
}
