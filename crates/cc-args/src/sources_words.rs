//! The words of a compile whose source is sent with its headers (protocol 3), to a machine that may run C distcc.

use crate::arguments::Argument;
use crate::compilation::Compilation;
use crate::language::Language;
use crate::options::Meaning;
use crate::outputs;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::OsStrExt;

/// Why a compile can be sent only as preprocessed text. The code never changes; `Display` is a sentence for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhyText {
    /// The input is such text already.
    Preprocessed,
    /// C distcc would not take a file of this name for a source.
    OddName,
    /// The object keeps names of files compressed, so that nobody sees whether they are those of this machine.
    HidesNames,
    /// A macro of the command line is to have the time, which is another one elsewhere.
    NamesTime,
    /// Options about a file of dependencies that nobody asks for, which is an error, and none where the file is made anyway.
    IdleDependencies,
}

impl WhyText {
    /// A short word such as `preprocessed`.
    pub fn code(self) -> &'static str {
        match self {
            WhyText::Preprocessed => "preprocessed",
            WhyText::OddName => "odd-name",
            WhyText::HidesNames => "hides-names",
            WhyText::NamesTime => "names-time",
            WhyText::IdleDependencies => "idle-dependencies",
        }
    }
}

impl fmt::Display for WhyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            // As distcc 3.4 says it.
            WhyText::Preprocessed => {
                "cannot use distcc_pump on already preprocessed file (such as emitted by ccache)"
            }
            WhyText::OddName => "servers do not know a file of this name for a source",
            WhyText::HidesNames => "the object keeps its names compressed, so nobody could check them",
            WhyText::NamesTime => {
                "a macro of the command line has the time, and that is another one elsewhere"
            }
            WhyText::IdleDependencies => {
                "there are options about a file of dependencies, which is not asked for"
            }
        })
    }
}

impl Compilation {
    /// Why the source cannot be sent with its headers, if so.
    pub fn sources_hazard(&self) -> Option<WhyText> {
        if self.is_preprocessed() {
            Some(WhyText::Preprocessed)
        } else if Language::of_source(&self.input).is_none() {
            Some(WhyText::OddName)
        } else if self.hides_names() {
            Some(WhyText::HidesNames)
        } else if self.names_time() {
            Some(WhyText::NamesTime)
        } else if self.last(Meaning::Dependencies).is_none() && self.speaks_of_dependencies() {
            Some(WhyText::IdleDependencies)
        } else {
            None
        }
    }

    /// Words (without the compiler) for a server that gets the source and its headers: what was typed, what is meant for the
    /// preprocessor alone spelled out at the end, one `-o`, and the target of a wanted rule of dependencies.
    ///
    /// Targets are joined to their option, for C distcc keeps only one of those that stand by themselves.
    pub fn sources_words(&self) -> Vec<OsString> {
        let mut words = Vec::new();
        for argument in self.arguments.iter() {
            match argument.meaning() {
                Some(Meaning::EndOfOptions) => {}
                Some(Meaning::Output) if !self.is_the_output(argument) => {}
                Some(Meaning::DependencyTarget) => words.extend(self.joined(argument)),
                _ => words.extend_from_slice(self.arguments.words(argument)),
            }
        }
        if !self.output_is_named {
            words.extend(["-o".into(), self.output.clone().into_os_string()]);
        }
        if self.dependency_file.is_some() && self.last(Meaning::DependencyTarget).is_none() {
            words.push(with_value("-MT", &in_a_rule(&self.default_target())));
        }
        words
    }

    fn names_time(&self) -> bool {
        const TIMES: [&[u8]; 3] = [b"__DATE__", b"__TIME__", b"__TIMESTAMP__"];
        self.words().iter().any(|word| TIMES.iter().any(|time| says(word.as_bytes(), time)))
    }

    /// With debug information, the part of an object for link-time optimisation that has it is not compressed.
    fn hides_names(&self) -> bool {
        let debug = self.debug_info();
        let words = || self.arguments.iter().map(|argument| self.arguments.word(argument).as_bytes());
        let compresses = || {
            words().any(|word| {
                word.starts_with(b"-gz") && word != b"-gz=none"
                    || word.starts_with(b"-Wa,") && says(word, b"compress-debug-sections")
            })
        };
        if debug { compresses() } else { self.last(Meaning::LinkTimeOptimization).is_some() }
    }

    fn speaks_of_dependencies(&self) -> bool {
        let options = self.arguments.iter().map(|argument| self.arguments.word(argument));
        self.last(Meaning::DependencyFile).is_some()
            || self.last(Meaning::DependencyTarget).is_some()
            || options.into_iter().any(|option| option == "-MP" || option == "-MG")
    }

    fn is_the_output(&self, argument: &Argument) -> bool {
        self.last(Meaning::Output).is_some_and(|last| std::ptr::eq(last, argument))
    }

    /// `-MT x` as `-MTx`; an empty target stays as it is.
    fn joined(&self, argument: &Argument) -> Vec<OsString> {
        let words = self.arguments.words(argument);
        match words {
            [option, target] if !target.is_empty() => vec![with_value(option, target.as_bytes())],
            _ => words.to_vec(),
        }
    }

    /// What the compiler here takes for the target if nobody names one.
    fn default_target(&self) -> OsString {
        if self.output_is_named && self.target_follows_output() {
            return self.output.clone().into_os_string();
        }
        outputs::default_output(&self.input, false, false).into_os_string()
    }
}

fn with_value(option: impl AsRef<OsStr>, value: &[u8]) -> OsString {
    let mut word = option.as_ref().to_owned();
    word.push(OsStr::from_bytes(value));
    word
}

fn says(word: &[u8], what: &[u8]) -> bool {
    word.windows(what.len()).any(|window| window == what)
}

/// A file's name as both compilers write it into a rule for make.
fn in_a_rule(name: &OsStr) -> Vec<u8> {
    let mut quoted = Vec::with_capacity(name.len());
    for &byte in name.as_bytes() {
        match byte {
            b' ' | b'\t' => {
                let backslashes = quoted.iter().rev().take_while(|b| **b == b'\\').count();
                quoted.resize(quoted.len() + backslashes + 1, b'\\');
            }
            b'$' => quoted.push(b'$'),
            b'#' => quoted.push(b'\\'),
            _ => {}
        }
        quoted.push(byte);
    }
    quoted
}

#[cfg(test)]
mod tests {
    use crate::analyze;
    use std::ffi::{OsStr, OsString};

    fn compilation(command: &str) -> super::Compilation {
        let words: Vec<OsString> = command.split_whitespace().map(OsString::from).collect();
        analyze(&words, |_| None).unwrap_or_else(|why| panic!("{command}: {why}"))
    }

    #[track_caller]
    fn check(command: &str, expected: &str) {
        let words = compilation(command).sources_words();
        assert_eq!(words.join(OsStr::new(" ")).display().to_string(), expected, "{command}");
    }

    #[test]
    fn words_are_sent_as_they_were_typed() {
        check("gcc -c x.c", "-c x.c -o x.o");
        check("gcc -Ia -I b -DX -c ../x.c -o o/x.o -lm", "-Ia -I b -DX -c ../x.c -o o/x.o -lm");
        check("gcc -c x.c -oa.o -ob.o", "-c x.c -ob.o");
        check("gcc -xc++ -c x.c -std=c++17 -g3", "-xc++ -c x.c -std=c++17 -g3 -o x.o");
        check("clang -S -- x.c", "-S x.c -o x.s");
        check("gcc -Wp,-DA,-UB -c x.c -O2", "-c x.c -O2 -DA -UB -o x.o");
    }

    #[test]
    fn a_rule_has_its_target() {
        check("gcc -MD -c d/x.c", "-MD -c d/x.c -o x.o -MTx.o");
        check("gcc -MMD -MF f -c x.c -o d/y.o", "-MMD -MF f -c x.c -o d/y.o -MTd/y.o");
        check("gcc -Wp,-MD,f -c x.c -o d/y.o", "-c x.c -o d/y.o -MD -MF f -MTx.o");
        check("clang -Wp,-MD,f -c x.c -o d/y.o", "-c x.c -o d/y.o -MD -MF f -MTd/y.o");
        check("gcc -MD -MT a -MT b -MQ c -MTd -c x.c", "-MD -MTa -MTb -MQc -MTd -c x.c -o x.o");
        check("gcc -MD -S x.c", "-MD -S x.c -o x.s -MTx.o");
        check("gcc -MD -c x.c -oa$b#c", "-MD -c x.c -oa$b#c -MTa$$b\\#c");
        check("gcc -c x.c", "-c x.c -o x.o");
    }

    #[test]
    fn names_in_rules() {
        let check = |name: &str, expected: &str| {
            assert_eq!(super::in_a_rule(OsStr::new(name)), expected.as_bytes(), "{name}");
        };
        check("a b", "a\\ b");
        check("a\\ b", "a\\\\\\ b");
        check("\\a", "\\a");
        check("$#", "$$\\#");
    }

    #[test]
    fn what_goes_only_as_text() {
        let check = |command: &str, expected: &str| {
            let why = compilation(command).sources_hazard();
            assert_eq!(why.map_or("sources", super::WhyText::code), expected, "{command}");
        };
        check("gcc -c x.c", "sources");
        check("gcc -c x.i", "preprocessed");
        check("gcc -c -x c x", "odd-name");
        check("gcc -c x.CPP", "odd-name");
        check("gcc -c x.c -gz", "sources");
        check("gcc -c x.c -g -gz", "hides-names");
        check("gcc -c x.c -g -gz=none", "sources");
        check("gcc -c x.c -g -Wa,--compress-debug-sections", "hides-names");
        check("gcc -c x.c -flto=auto", "hides-names");
        check("gcc -c x.c -flto=auto -g", "sources");
        check("gcc -c x.c -DWHEN=__DATE__", "names-time");
        check("gcc -c x.c -Wp,-DWHEN=__TIME__", "names-time");
        check("gcc -c x.c -MF f", "idle-dependencies");
        check("gcc -c x.c -MP", "idle-dependencies");
        check("gcc -c x.c -MP -MMD -MF f", "sources");
    }
}
