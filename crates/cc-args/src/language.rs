//! What language an input is in, by its name or by -x, and what its preprocessed form is called; opens no file.

use crate::family::Family;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The languages that are distributed, as written and as the preprocessor leaves them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the languages")]
pub enum Language {
    C,
    Cxx,
    ObjC,
    ObjCxx,
    PreprocessedC,
    PreprocessedCxx,
    PreprocessedObjC,
    PreprocessedObjCxx,
}

/// What a compiler makes of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    Source(Language),
    Assembler,
    Header,
    /// A language that compilers know and that is not distributed: Fortran, CUDA, …
    Other,
    /// Anything else is for the linker.
    Object,
}

impl Language {
    /// The language of a file that C distcc would call a source; the name alone decides (client and server agree on
    /// this list since protocol 1).
    pub fn of_source(path: &Path) -> Option<Language> {
        use Language::*;
        Some(match extension(path)? {
            b".c" => C,
            b".cc" | b".cpp" | b".cxx" | b".cp" | b".c++" | b".C" => Cxx,
            b".m" => ObjC,
            b".mm" | b".M" => ObjCxx,
            b".i" => PreprocessedC,
            b".ii" => PreprocessedCxx,
            b".mi" => PreprocessedObjC,
            b".mii" => PreprocessedObjCxx,
            _ => return None,
        })
    }

    /// True when the text needs no preprocessor.
    pub fn is_preprocessed(self) -> bool {
        self == self.preprocessed()
    }

    /// The form in which the preprocessor leaves this language.
    pub fn preprocessed(self) -> Language {
        use Language::*;
        match self {
            C | PreprocessedC => PreprocessedC,
            Cxx | PreprocessedCxx => PreprocessedCxx,
            ObjC | PreprocessedObjC => PreprocessedObjC,
            ObjCxx | PreprocessedObjCxx => PreprocessedObjCxx,
        }
    }

    /// The extension, without its dot, that makes a compiler take a file for this language's preprocessed form.
    pub fn preprocessed_extension(self) -> &'static str {
        match self.preprocessed() {
            Language::PreprocessedC => "i",
            Language::PreprocessedCxx => "ii",
            Language::PreprocessedObjC => "mi",
            _ => "mii",
        }
    }

    /// True for C++ and Objective-C++.
    pub(crate) fn is_cxx(self) -> bool {
        matches!(self.preprocessed(), Language::PreprocessedCxx | Language::PreprocessedObjCxx)
    }

    /// True for Objective-C and Objective-C++.
    pub(crate) fn is_objc(self) -> bool {
        matches!(self.preprocessed(), Language::PreprocessedObjC | Language::PreprocessedObjCxx)
    }

    /// The name of the preprocessed form after -x.
    pub(crate) fn preprocessed_name(self) -> &'static str {
        match self.preprocessed() {
            Language::PreprocessedC => "cpp-output",
            Language::PreprocessedCxx => "c++-cpp-output",
            Language::PreprocessedObjC => "objective-c-cpp-output",
            _ => "objective-c++-cpp-output",
        }
    }

    /// What g++ and clang++ make of a file that gcc and clang take for C.
    fn under_a_cxx_driver(self) -> Language {
        match self {
            Language::C => Language::Cxx,
            Language::PreprocessedC => Language::PreprocessedCxx,
            other => other,
        }
    }
}

impl Input {
    /// By file name alone, for a compiler of this family (`cxx_driver`: one that was called as g++, clang++).
    pub(crate) fn by_name(path: &Path, family: Family, cxx_driver: bool) -> Input {
        let source = |language: Language| {
            Input::Source(if cxx_driver { language.under_a_cxx_driver() } else { language })
        };
        if let Some(language) = Language::of_source(path) {
            return source(language);
        }
        match extension(path).unwrap_or_default() {
            b".CPP" => source(Language::Cxx),
            // gcc hands these to the linker.
            b".CC" | b".CXX" | b".C++" if family == Family::Clang => source(Language::Cxx),
            b".s" | b".S" | b".sx" | b".asm" => Input::Assembler,
            b".h" | b".H" | b".hh" | b".hp" | b".hpp" | b".HPP" | b".hxx" | b".h++" | b".tcc" => {
                Input::Header
            }
            b".f" | b".F" | b".for" | b".f90" | b".F90" | b".f95" | b".f03" | b".f08" | b".go" | b".d"
            | b".di" => Input::Other,
            b".ads" | b".adb" | b".cu" | b".cui" | b".hip" | b".cl" | b".cppm" | b".ccm" | b".cxxm"
            | b".c++m" => Input::Other,
            b".bc" | b".ll" | b".pcm" | b".ixx" => Input::Other,
            _ => Input::Object,
        }
    }

    /// By the word after -x; None for `none`, which gives the choice back to the file name.
    pub(crate) fn by_option(name: &[u8]) -> Option<Input> {
        use Language::*;
        Some(match name {
            b"none" => return None,
            b"c" => Input::Source(C),
            b"c++" => Input::Source(Cxx),
            b"objective-c" => Input::Source(ObjC),
            b"objective-c++" => Input::Source(ObjCxx),
            b"cpp-output" | b"c-cpp-output" => Input::Source(PreprocessedC),
            b"c++-cpp-output" => Input::Source(PreprocessedCxx),
            b"objective-c-cpp-output" | b"objc-cpp-output" => Input::Source(PreprocessedObjC),
            b"objective-c++-cpp-output" | b"objc++-cpp-output" => Input::Source(PreprocessedObjCxx),
            b"assembler" | b"assembler-with-cpp" => Input::Assembler,
            _ if name.ends_with(b"-header") => Input::Header,
            _ => Input::Other,
        })
    }
}

/// The last extension with its dot; none for `gcc` and for `noext.`.
fn extension(path: &Path) -> Option<&[u8]> {
    let name = path.as_os_str().as_bytes().rsplit(|b| *b == b'/').next()?;
    let dot = name.iter().rposition(|b| *b == b'.')?;
    (dot + 1 < name.len()).then(|| &name[dot..])
}

/// The name without its directory and without its last extension: `hello.2` for `src/hello.2.c`.
pub(crate) fn stem(path: &Path) -> &OsStr {
    let name = path.as_os_str().as_bytes().rsplit(|b| *b == b'/').next().unwrap_or_default();
    OsStr::from_bytes(name.iter().rposition(|b| *b == b'.').map_or(name, |dot| &name[..dot]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_known_by_its_last_extension() {
        let check = |name: &str, preprocessed: Option<(&str, bool)>| {
            let language = Language::of_source(Path::new(name));
            assert_eq!(
                language.map(|l| (l.preprocessed_extension(), l.is_preprocessed())),
                preprocessed,
                "{name}"
            );
        };
        check("hello.c", Some(("i", false)));
        check("hello.cc", Some(("ii", false)));
        check("hello.cxx", Some(("ii", false)));
        check("hello.cpp", Some(("ii", false)));
        check("hello.cp", Some(("ii", false)));
        check("hello.c++", Some(("ii", false)));
        check("hello.C", Some(("ii", false)));
        check("hello.m", Some(("mi", false)));
        check("hello.M", Some(("mii", false)));
        check("hello.mm", Some(("mii", false)));
        check("hello.i", Some(("i", true)));
        check("hello.ii", Some(("ii", true)));
        check("hello.mi", Some(("mi", true)));
        check("hello.mii", Some(("mii", true)));
        check("dir.c/hello.2.4.4.i", Some(("i", true)));
        for name in [
            ".foo",
            "gcc",
            "hello.s",
            "hello.S",
            "hello.CPP",
            "hello.CC",
            "hello.cppm",
            "hello.cu",
            "hello.go",
            "dir.c/x",
            "",
        ] {
            check(name, None);
        }
    }

    #[test]
    fn the_extension_is_what_follows_the_last_dot_of_the_name() {
        let check = |name: &str, expected: Option<&str>| {
            assert_eq!(extension(Path::new(name)), expected.map(str::as_bytes), "{name}");
        };
        check("hello.c", Some(".c"));
        check("hello.cpp", Some(".cpp"));
        check("hello.2.4.4.4.c", Some(".c"));
        check(".foo", Some(".foo"));
        check("gcc", None);
        check("noext.", None);
        check("../a.b/c", None);
    }

    #[test]
    fn what_an_input_is_depends_on_who_is_asked() {
        let check = |name: &str, family: Family, cxx: bool, expected: Input| {
            assert_eq!(Input::by_name(Path::new(name), family, cxx), expected, "{name}");
        };
        check("x.c", Family::Gcc, false, Input::Source(Language::C));
        check("x.c", Family::Gcc, true, Input::Source(Language::Cxx));
        check("x.i", Family::Clang, true, Input::Source(Language::PreprocessedCxx));
        check("x.m", Family::Clang, true, Input::Source(Language::ObjC));
        check("x.CPP", Family::Gcc, false, Input::Source(Language::Cxx));
        check("x.CC", Family::Clang, false, Input::Source(Language::Cxx));
        check("x.CC", Family::Gcc, false, Input::Object);
        check("x.S", Family::Gcc, false, Input::Assembler);
        check("x.hpp", Family::Gcc, false, Input::Header);
        check("x.cppm", Family::Clang, true, Input::Other);
        check("x.o", Family::Gcc, false, Input::Object);
        check("x", Family::Gcc, false, Input::Object);
    }

    #[test]
    fn every_language_is_its_own_preprocessed_form_after_x() {
        for name in ["c", "c++", "objective-c", "objective-c++"] {
            let Some(Input::Source(language)) = Input::by_option(name.as_bytes()) else { panic!("{name}") };
            let again = Input::by_option(language.preprocessed_name().as_bytes());
            assert_eq!(again, Some(Input::Source(language.preprocessed())), "{name}");
        }
        assert_eq!(Input::by_option(b"none"), None);
        assert_eq!(Input::by_option(b"c++-header"), Some(Input::Header));
        assert_eq!(Input::by_option(b"assembler-with-cpp"), Some(Input::Assembler));
        assert_eq!(Input::by_option(b"arch=v8"), Some(Input::Other));
    }
}
