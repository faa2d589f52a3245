//! Which kind of compiler a name calls; judges by the name alone and never runs anything.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// The kinds of compiler whose command lines differ in ways that matter here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// gcc, g++ and their prefixed and versioned names.
    Gcc,
    /// clang, clang++ and their prefixed and versioned names.
    Clang,
    /// Anything else; `cc` and `c++` may be either.
    Unknown,
}

impl Family {
    /// Judges a compiler by its file name: `/usr/bin/x86_64-linux-gnu-g++-12` is [`Family::Gcc`].
    pub fn of(compiler: &OsStr) -> Family {
        match bare_name(compiler) {
            b"gcc" | b"g++" => Family::Gcc,
            b"clang" | b"clang++" => Family::Clang,
            _ => Family::Unknown,
        }
    }
}

/// True for g++, clang++, c++: drivers that take a `.c` file for C++.
pub(crate) fn is_cxx_driver(compiler: &OsStr) -> bool {
    bare_name(compiler).ends_with(b"++")
}

/// True for programs that take the compiler as their first word (`ccache gcc -c x.c`).
pub(crate) fn is_launcher(program: &OsStr) -> bool {
    matches!(file_name(program), b"ccache" | b"sccache")
}

/// The file name without target prefix and version: `clang++` for `/opt/bin/aarch64-linux-gnu-clang++-14.0`.
fn bare_name(compiler: &OsStr) -> &[u8] {
    let name = file_name(compiler);
    let versionless =
        name.iter().rposition(|b| !b.is_ascii_digit() && *b != b'.').map_or(name, |last| &name[..=last]);
    let versionless = versionless.strip_suffix(b"-").unwrap_or(versionless);
    versionless.rsplit(|b| *b == b'-').next().unwrap_or(versionless)
}

fn file_name(program: &OsStr) -> &[u8] {
    program.as_bytes().rsplit(|b| *b == b'/').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, family: Family, cxx: bool) {
        let name = OsStr::new(name);
        assert_eq!((Family::of(name), is_cxx_driver(name)), (family, cxx), "{name:?}");
    }

    #[test]
    fn compilers_are_known_by_name() {
        check("gcc", Family::Gcc, false);
        check("/usr/bin/gcc", Family::Gcc, false);
        check("gcc-12", Family::Gcc, false);
        check("gcc12", Family::Gcc, false);
        check("x86_64-linux-gnu-g++-12", Family::Gcc, true);
        check("c89-gcc", Family::Gcc, false);
        check("clang", Family::Clang, false);
        check("clang-14", Family::Clang, false);
        check("clang++-14.0.6", Family::Clang, true);
        check("../bin/aarch64-linux-gnu-clang", Family::Clang, false);
        check("cc", Family::Unknown, false);
        check("c++", Family::Unknown, true);
        check("clang-cl", Family::Unknown, false);
        check("clang-tidy", Family::Unknown, false);
        check("14", Family::Unknown, false);
        check("", Family::Unknown, false);
    }
}
