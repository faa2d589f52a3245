//! A command's words, each with the option that it is; follows the option table and judges nothing.

use crate::options::{self, Meaning, OptionRow, Value};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// All words after the compiler's name, with the arguments that they form.
pub(crate) struct Arguments {
    words: Vec<OsString>,
    list: Vec<Argument>,
    /// Words from here on were parts of `-Wp,` or `-Xpreprocessor`.
    typed: usize,
}

/// An option with its value, or an input.
#[derive(Clone, Copy)]
pub(crate) struct Argument {
    pub(crate) kind: Kind,
    /// The index of its first word.
    at: usize,
    /// One, or two with a value in a word of its own.
    words: usize,
}

#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Input,
    Option(&'static OptionRow),
    Unknown,
}

/// The option that ends the command without its value.
#[derive(Debug)]
pub(crate) struct MissingValue(pub(crate) OsString);

impl Arguments {
    /// Gives every word its meaning. What is meant for the preprocessor alone comes last, as both compilers pass it on
    /// after the options that they understand themselves.
    pub(crate) fn parse(words: Vec<OsString>) -> Result<Arguments, MissingValue> {
        let typed = words.len();
        let mut arguments = Arguments { list: Vec::with_capacity(typed), words, typed };
        let mut inner = Vec::new();
        arguments.read_words(0, &mut inner)?;
        arguments.words.append(&mut inner);
        arguments.read_words(typed, &mut inner)?;
        Ok(arguments)
    }

    fn read_words(&mut self, from: usize, inner: &mut Vec<OsString>) -> Result<(), MissingValue> {
        let mut options_end = false;
        let mut at = from;
        while at < self.words.len() {
            let argument = self.argument_at(at, options_end)?;
            at += argument.words;
            match argument.kind {
                Kind::Option(row) if row.meaning == Meaning::PreprocessorWords => {
                    self.add_inner_words(&argument, inner);
                }
                Kind::Option(row) if row.meaning == Meaning::EndOfOptions => {
                    options_end = true;
                    self.list.push(argument);
                }
                _ => self.list.push(argument),
            }
        }
        Ok(())
    }

    fn argument_at(&self, at: usize, options_end: bool) -> Result<Argument, MissingValue> {
        let word = self.words[at].as_bytes();
        if options_end || !word.starts_with(b"-") || word == b"-" {
            return Ok(Argument { kind: Kind::Input, at, words: 1 });
        }
        let Some(row) = options::find(word) else {
            return Ok(Argument { kind: Kind::Unknown, at, words: 1 });
        };
        let words = if row.takes_next_word(word) { 2 } else { 1 };
        if at + words > self.words.len() {
            return Err(MissingValue(self.words[at].clone()));
        }
        Ok(Argument { kind: Kind::Option(row), at, words })
    }

    /// In the compiler's inner language -MD is followed by its file, which the driver's language writes as -MF FILE.
    fn add_inner_words(&self, argument: &Argument, inner: &mut Vec<OsString>) {
        let parts = self.value(argument).as_bytes().split(|b| *b == b',' && argument.words == 1);
        for part in parts {
            let names_a_file = inner.last().is_some_and(|last| last == "-MD" || last == "-MMD");
            if names_a_file && !part.starts_with(b"-") {
                inner.push("-MF".into());
            }
            inner.push(OsString::from_vec(part.to_vec()));
        }
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &Argument> {
        self.list.iter()
    }

    /// The arguments that are this option, with the table's row.
    pub(crate) fn with_meaning(&self, meaning: Meaning) -> impl DoubleEndedIterator<Item = &Argument> {
        self.iter().filter(move |argument| argument.meaning() == Some(meaning))
    }

    /// All words as they were typed.
    pub(crate) fn typed_words(&self) -> &[OsString] {
        &self.words[..self.typed]
    }

    /// All words as they were typed but those of the arguments that `leaves_out` names.
    pub(crate) fn typed_words_without(&self, leaves_out: impl Fn(&Argument) -> bool) -> Vec<OsString> {
        let mut kept = vec![true; self.words.len()];
        for argument in self.list.iter().filter(|argument| leaves_out(argument)) {
            kept[argument.at..argument.at + argument.words].fill(false);
        }
        let words = self.typed_words().iter().zip(kept);
        words.filter(|(_, kept)| *kept).map(|(word, _)| word.clone()).collect()
    }

    /// The words of one argument as they were typed.
    pub(crate) fn words(&self, argument: &Argument) -> &[OsString] {
        &self.words[argument.at..argument.at + argument.words]
    }

    /// The first word of one argument.
    pub(crate) fn word(&self, argument: &Argument) -> &OsStr {
        &self.words[argument.at]
    }

    /// An option's value, empty where it has none; an input's whole word.
    pub(crate) fn value(&self, argument: &Argument) -> &OsStr {
        let Kind::Option(row) = argument.kind else { return self.word(argument) };
        if argument.words == 2 {
            return &self.words[argument.at + 1];
        }
        let rest = &self.word(argument).as_bytes()[row.name.len()..];
        let rest =
            if row.value == Value::SeparateOrEquals { rest.strip_prefix(b"=").unwrap_or(rest) } else { rest };
        OsStr::from_bytes(rest)
    }

    /// The first word of what was said through `-Wp,` or `-Xpreprocessor`.
    pub(crate) fn first_inner_word(&self) -> Option<&OsStr> {
        self.words.get(self.typed).map(OsString::as_os_str)
    }

    /// True for what was said through `-Wp,` or `-Xpreprocessor`.
    pub(crate) fn is_inner(&self, argument: &Argument) -> bool {
        argument.at >= self.typed
    }
}

impl Argument {
    pub(crate) fn meaning(&self) -> Option<Meaning> {
        match self.kind {
            Kind::Option(row) => Some(row.meaning),
            Kind::Input | Kind::Unknown => None,
        }
    }

    pub(crate) fn is_option(&self, name: &str) -> bool {
        matches!(self.kind, Kind::Option(row) if row.name == name)
    }

    pub(crate) fn is_input(&self) -> bool {
        matches!(self.kind, Kind::Input)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shows each argument as NAME(VALUE), an input as itself, an unknown option with a question mark.
    #[track_caller]
    fn check(words: &str, expected: &str) {
        let parsed = Arguments::parse(words.split_whitespace().map(OsString::from).collect());
        let shown = match &parsed {
            Err(MissingValue(option)) => format!("missing {}", option.display()),
            Ok(arguments) => arguments.iter().map(|a| show(arguments, a)).collect::<Vec<_>>().join(" "),
        };
        assert_eq!(shown, expected, "{words}");
    }

    fn show(arguments: &Arguments, argument: &Argument) -> String {
        let value = arguments.value(argument).display();
        let inner = if arguments.is_inner(argument) { "^" } else { "" };
        match argument.kind {
            Kind::Input => format!("{value}"),
            Kind::Unknown => format!("{value}?"),
            Kind::Option(row) => format!("{inner}{}({value})", row.name),
        }
    }

    #[test]
    fn every_operand_is_known_as_one() {
        check("-c x.c -o x.o", "-c() x.c -o(x.o)");
        check("-c x.c -ox.o", "-c() x.c -o(x.o)");
        check("-D M=a.c -DN -I d.c -Ie", "-D(M=a.c) -D(N) -I(d.c) -I(e)");
        check("-include foo.c -imacros a.c", "-include(foo.c) -imacros(a.c)");
        check("-aux-info x.o -aux-info=y", "-aux-info(x.o) -aux-info(y)");
        check("-Xclang a.c -mllvm b.c", "-Xclang(a.c) -mllvm(b.c)");
        check("--param x=1 --param=y=2", "--param(x=1) --param(y=2)");
        check("-isysroot a.c --sysroot b.c --sysroot=c", "-isysroot(a.c) --sysroot(b.c) --sysroot(c)");
        check("-target a -arch b -z c -zd -T e.o -Tf", "-target(a) -arch(b) -z(c) -z(d) -T(e.o) -T(f)");
        check("-u a.c -e b.c -h c.c", "-u(a.c) -e(b.c) -h(c.c)");
        check(
            "-Xlinker a.o -Xassembler b.o -framework c.o",
            "-Xlinker(a.o) -Xassembler(b.o) -framework(c.o)",
        );
        check(
            "-dumpdir a.o -dumpbase b.c -dumpbase-ext .c",
            "-dumpdir(a.o) -dumpbase(b.c) -dumpbase-ext(.c)",
        );
        check("-x c -xc++ - -std=c99", "-x(c) -x(c++) - -std=(c99)");
        check("-bogus x.c", "-bogus? x.c");
    }

    #[test]
    fn an_option_without_its_value_is_an_error() {
        check("-c x.c -o", "missing -o");
        check("-D", "missing -D");
        check("-D -D", "-D(-D)");
        check("-Wp,-MF", "missing -MF");
    }

    #[test]
    fn words_for_the_preprocessor_come_last_as_options() {
        check("-Wp,-DA,-UB -c x.c", "-c() x.c ^-D(A) ^-U(B)");
        check("-Xpreprocessor -DA=1,2 -c x.c", "-c() x.c ^-D(A=1,2)");
        check("-Wp,-D,A x.c", "x.c ^-D(A)");
        check("-Wp,-MD,f.d -c x.c", "-c() x.c ^-MD() ^-MF(f.d)");
        check("-Wp,-MMD,f.d,-DX x.c", "x.c ^-MMD() ^-MF(f.d) ^-D(X)");
        check("-Xpreprocessor -MD -Xpreprocessor f.d x.c", "x.c ^-MD() ^-MF(f.d)");
    }

    #[test]
    fn after_two_dashes_everything_is_an_input() {
        check("-c -- -x.c", "-c() --() -x.c");
    }
}
