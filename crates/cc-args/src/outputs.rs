//! The files that a compile leaves when the command does not name them; no file is looked at.

use crate::language;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// The program that writes an output; each has its own way with a file that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writer {
    /// Puts a new file in its place, be it a link.
    Clang,
    /// The GNU assembler: does so unless the file is empty; follows links to such a file, or to none.
    Assembler,
    /// gcc's compiler proper, with -S: writes into whatever has the name.
    CompilerProper,
}

/// Where the object goes without -o: the input's name in the current directory.
pub(crate) fn default_output(input: &Path, assembly: bool, llvm: bool) -> PathBuf {
    let extension = match (assembly, llvm) {
        (false, false) => ".o",
        (true, false) => ".s",
        (false, true) => ".bc",
        (true, true) => ".ll",
    };
    with_extension(language::stem(input), extension).into()
}

/// Where -MD writes without -MF: beside a named output, else in the current directory, as both compilers do since gcc 11.
pub(crate) fn default_dependency_file(input: &Path, named_output: Option<&OsStr>) -> PathBuf {
    let Some(output) = named_output else { return with_extension(language::stem(input), ".d").into() };
    let name_starts = output.as_bytes().iter().rposition(|b| *b == b'/').map_or(0, |slash| slash + 1);
    let mut file = output.as_bytes()[..name_starts].to_vec();
    file.extend_from_slice(with_extension(language::stem(Path::new(output)), ".d").as_bytes());
    OsString::from_vec(file).into()
}

/// True for the names under which a compiler's own output stream can be opened.
pub(crate) fn is_standard_output(name: &OsStr) -> bool {
    let streams =
        ["-", "/dev/stdout", "/dev/stderr", "/dev/fd/1", "/dev/fd/2", "/proc/self/fd/1", "/proc/self/fd/2"];
    streams.iter().any(|stream| name == *stream)
}

fn with_extension(stem: &OsStr, extension: &str) -> OsString {
    [stem, OsStr::new(extension)].into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_without_a_name_is_named_after_the_input() {
        let check = |input: &str, assembly: bool, llvm: bool, expected: &str| {
            assert_eq!(default_output(Path::new(input), assembly, llvm), Path::new(expected), "{input}");
        };
        check("hello.c", false, false, "hello.o");
        check("../src/hello.2.cpp", false, false, "hello.2.o");
        check("/a/b/hello", false, false, "hello.o");
        check("hello.c", true, false, "hello.s");
        check("hello.c", false, true, "hello.bc");
        check("hello.c", true, true, "hello.ll");
    }

    #[test]
    fn a_dependency_file_without_a_name_is_named_after_the_output() {
        let check = |input: &str, output: Option<&str>, expected: &str| {
            let file = default_dependency_file(Path::new(input), output.map(OsStr::new));
            assert_eq!(file, Path::new(expected), "{input} {output:?}");
        };
        check("foo.c", None, "foo.d");
        check("../src/foo.c", None, "foo.d");
        check("foo.b.c", None, "foo.b.d");
        check("hello.c", Some("hello.o"), "hello.d");
        check("hello.c", Some("hello."), "hello.d");
        check("hello.c", Some("hello.."), "hello..d");
        check("hello.c", Some("hello.bar.foo"), "hello.bar.d");
        check("hello.c", Some("d.e/x"), "d.e/x.d");
        check("hello.c", Some("d/.x.o"), "d/.x.d");
        check("hello.c", Some("d/.o"), "d/.d");
        check("hello.c", Some("/dev/null"), "/dev/null.d");
    }
}
