//! A compile of one source that another machine can do: what is known of it once its command has been understood.

use crate::arguments::{Argument, Arguments};
use crate::family::Family;
use crate::language::Language;
use crate::native::ToldProcessor;
use crate::options::Meaning;
use crate::outputs::Writer;
use crate::why_local::WhyLocal;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// A compile of one source into one object (or assembler) file that another machine can do.
pub struct Compilation {
    pub(crate) compiler: OsString,
    pub(crate) family: Family,
    pub(crate) arguments: Arguments,
    pub(crate) input: PathBuf,
    pub(crate) language: Language,
    /// What the compiler would not make of the input's name: after -x, `.c` under clang++, names that C distcc does
    /// not know.
    pub(crate) language_needs_naming: bool,
    pub(crate) output: PathBuf,
    pub(crate) output_is_named: bool,
    pub(crate) dependency_file: Option<PathBuf>,
    pub(crate) text_hazard: Option<WhyLocal>,
    pub(crate) told_processor: Option<ToldProcessor>,
}

impl Compilation {
    /// The compiler as typed: the first word, or the second one after `ccache`.
    pub fn compiler(&self) -> &OsStr {
        &self.compiler
    }

    /// Judged by the compiler's name.
    pub fn family(&self) -> Family {
        self.family
    }

    /// All words after the compiler as typed, those of response files in their places.
    pub fn words(&self) -> &[OsString] {
        self.arguments.typed_words()
    }

    /// The source as typed.
    pub fn input(&self) -> &Path {
        &self.input
    }

    /// The object (or assembler file) as typed, or the name that the compiler would choose.
    pub fn output(&self) -> &Path {
        &self.output
    }

    /// The program that would write the output here.
    pub fn writer(&self) -> Writer {
        let assembly = self.last(Meaning::AssemblyMode).is_some();
        match self.family {
            Family::Clang if self.separate_assembler().is_none() => Writer::Clang,
            Family::Gcc | Family::Unknown if assembly => Writer::CompilerProper,
            _ => Writer::Assembler,
        }
    }

    /// The word by which clang is told to have its object made by an assembler, if so. No other compiler knows such words.
    pub fn separate_assembler(&self) -> Option<&OsStr> {
        let is_separate = |word: &OsStr| match word.as_bytes() {
            b"-fintegrated-as" | b"-integrated-as" => Some(false),
            b"-fno-integrated-as" | b"-no-integrated-as" => Some(true),
            _ => None,
        };
        let words = self.arguments.iter().rev().map(|argument| self.arguments.word(argument));
        let (word, is_separate) = words.filter_map(|word| Some((word, is_separate(word)?))).next()?;
        (is_separate && self.last(Meaning::AssemblyMode).is_none()).then_some(word)
    }

    /// From -x, the extension, and for `.c` from the compiler's name (g++ takes it for C++).
    pub fn language(&self) -> Language {
        self.language
    }

    /// True when the input is sent as it is.
    pub fn is_preprocessed(&self) -> bool {
        self.language.is_preprocessed()
    }

    /// Why preprocessed text would give another object or other messages than the source does, if so: then only the source
    /// itself and its headers can be sent (protocol 3). None for an input that is text already.
    pub fn text_hazard(&self) -> Option<&WhyLocal> {
        self.text_hazard.as_ref()
    }

    /// The compile as one that is to be sent as preprocessed text.
    ///
    /// # Errors
    /// [`Compilation::text_hazard`].
    pub fn as_text(self) -> Result<Compilation, WhyLocal> {
        match self.text_hazard {
            Some(why) => Err(why),
            None => Ok(self),
        }
    }

    /// The dependency file that the compiler would write for this command: -MD, -MMD, with or without -MF. None for
    /// preprocessed input, of which gcc writes none. DEPENDENCIES_OUTPUT and SUNPRO_DEPENDENCIES are not asked: the
    /// preprocessor obeys them by itself.
    pub fn dependency_file(&self) -> Option<PathBuf> {
        self.dependency_file.clone()
    }

    /// True when the user said whether messages have colours.
    pub fn has_diagnostics_color(&self) -> bool {
        self.arguments.with_meaning(Meaning::Color).next().is_some()
    }

    /// True when -g in any form but -g0 is in force.
    pub fn debug_info(&self) -> bool {
        let levels = self.arguments.with_meaning(Meaning::Debug);
        levels
            .filter_map(|argument| debug_level(self.arguments.value(argument).as_bytes()))
            .next_back()
            .unwrap_or(false)
    }

    /// True when the object names the directory of the compile: with debug information, and with gcc's -flto.
    pub fn object_names_directory(&self) -> bool {
        self.debug_info() || self.last(Meaning::LinkTimeOptimization).is_some()
    }

    /// The last of the options that mean this, which is the one that counts.
    pub(crate) fn last(&self, meaning: Meaning) -> Option<&Argument> {
        self.arguments.with_meaning(meaning).next_back()
    }
}

/// On or off, for what follows -g; None for options that only shape debug information, such as -gz and -gcolumn-info.
fn debug_level(after_g: &[u8]) -> Option<bool> {
    const ON: [&[u8]; 13] = [
        b"dwarf",
        b"gdb",
        b"lldb",
        b"stabs",
        b"xcoff",
        b"coff",
        b"vms",
        b"ctf",
        b"btf",
        b"codeview",
        b"line-",
        b"mlt",
        b"full",
    ];
    match after_g {
        b"" | b"1" | b"2" | b"3" | b"used" | b"sce" | b"dbx" => Some(true),
        b"0" | b"gdb0" | b"stabs0" => Some(false),
        b"dwarf-aranges" => None,
        other => ON.iter().any(|format| other.starts_with(format)).then_some(true),
    }
}

impl fmt::Debug for Compilation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {:?} {:?} -> {:?}", self.compiler, self.language, self.input, self.output)
    }
}

#[cfg(test)]
mod tests {
    use crate::analyze;
    use crate::outputs::Writer;
    use std::ffi::{OsStr, OsString};
    use std::path::PathBuf;

    #[track_caller]
    fn compilation(command: &str) -> super::Compilation {
        let words: Vec<OsString> = command.split_whitespace().map(OsString::from).collect();
        analyze(&words, |_| None).unwrap_or_else(|why| panic!("{command}: {why}"))
    }

    #[test]
    fn debug_information_is_what_the_last_level_says() {
        let check = |options: &str, expected: bool| {
            assert_eq!(compilation(&format!("gcc -c x.c {options}")).debug_info(), expected, "{options}");
        };
        check("", false);
        check("-g", true);
        check("-g0", false);
        check("-g -g0", false);
        check("-g0 -ggdb2", true);
        check("-ggdb0", false);
        check("-gdwarf-4", true);
        check("-g1", true);
        check("-gline-tables-only", true);
        check("-gz", false);
        check("-g -gno-column-info", true);
        check("-grecord-gcc-switches", false);
    }

    #[test]
    fn the_assembler_may_be_another_program() {
        let check = |command: &str, expected: Option<&str>| {
            assert_eq!(compilation(command).separate_assembler(), expected.map(OsStr::new), "{command}");
        };
        check("clang -c x.c", None);
        check("clang -fno-integrated-as -c x.c", Some("-fno-integrated-as"));
        check("clang -c x.c -no-integrated-as", Some("-no-integrated-as"));
        check("clang -fno-integrated-as -fintegrated-as -c x.c", None);
        check("clang -no-integrated-as -integrated-as -c x.c", None);
        check("clang -integrated-as -fno-integrated-as -c x.c", Some("-fno-integrated-as"));
        check("cc -fno-integrated-as -Wa,-W -c x.c", Some("-fno-integrated-as"));
        check("clang -S -fno-integrated-as x.c", None);
        check("gcc -Wa,-W -c x.c", None);
    }

    #[test]
    fn the_output_has_a_writer() {
        let check = |command: &str, expected: Writer| {
            assert_eq!(compilation(command).writer(), expected, "{command}");
        };
        check("gcc -c x.c", Writer::Assembler);
        check("gcc -S x.c", Writer::CompilerProper);
        check("clang -c x.c", Writer::Clang);
        check("clang -S -fno-integrated-as x.c", Writer::Clang);
        check("clang -c -fno-integrated-as x.c", Writer::Assembler);
        check("clang -c -fno-integrated-as -fintegrated-as x.c", Writer::Clang);
    }

    #[test]
    fn the_user_may_have_spoken_of_colours() {
        let check = |options: &str, expected: bool| {
            assert_eq!(
                compilation(&format!("gcc -c x.c {options}")).has_diagnostics_color(),
                expected,
                "{options}"
            );
        };
        check("", false);
        check("-fdiagnostics-show-option", false);
        check("-fdiagnostics-color", true);
        check("-fdiagnostics-color=auto", true);
        check("-fno-diagnostics-color", true);
        check("-fcolor-diagnostics", true);
    }

    /// What gcc writes; tests/same_as_direct.rs asks the real one.
    #[test]
    fn the_dependency_file_is_the_one_that_gcc_writes() {
        let check = |options: &str, expected: Option<&str>| {
            let file = compilation(&format!("gcc -c {options}")).dependency_file();
            assert_eq!(file, expected.map(PathBuf::from), "{options}");
        };
        check("hello.c -o hello.o -MD", Some("hello.d"));
        check("hello.c -o hello.. -MD", Some("hello..d"));
        check("hello.c -o hello.bar.foo -MD", Some("hello.bar.d"));
        check("foo.c -MD", Some("foo.d"));
        check("hello.c -o hello. -MD", Some("hello.d"));
        check("hello.c -MD -MF foobar", Some("foobar"));
        check("hello.c -MMD -MFfoobar -o dir/x.o", Some("foobar"));
        check("hello.c -MD -MF a -MF b", Some("b"));
        check("hello.c -MMD -o dir/x.o", Some("dir/x.d"));
        check("hello.c -MD -MT name", Some("hello.d"));
        check("hello.c -Wp,-MD,deps/x -o dir/x.o", Some("deps/x"));
        check("hello.c", None);
        check("hello.cpp -o hello.o", None);
        check("hello.i -MD", None);
        check("hello.c -MF unused", None);
    }
}
