//! The option table of gcc 12-15 and clang 14-19: each option's shape, the run that wants it, its fate at both ends.
//! Knows options one by one; what a whole command amounts to is decided elsewhere.

mod clang;
mod compiler;
mod driver;
pub(crate) mod idle;
mod linker;
pub(crate) mod of_sources;
mod preprocessor;

use crate::why_local::WhyLocal;
use std::ffi::OsString;

/// Where an option's value sits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// No value: the whole word is the option.
    None,
    /// The rest of the word, which may be empty.
    Joined,
    /// The next word.
    Separate,
    /// The rest of the word, or the next word where nothing is left.
    Either,
    /// What follows `=` in the word, or the next word.
    SeparateOrEquals,
}

/// What a command must know of an option beyond its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    Plain,
    /// The name begins many options: a value that looks like a path names a file.
    Family,
    /// Like `Family`, for -W.
    Warning,
    /// Like `Family`, for -g.
    Debug,
    Color,
    Processor,
    Sanitizer,
    Arch,
    Output,
    CompileMode,
    AssemblyMode,
    PreprocessMode,
    Language,
    EndOfOptions,
    PreprocessorWords,
    AssemblerWords,
    Cc1Words,
    LlvmWord,
    Dependencies,
    DependencyFile,
    DependencyTarget,
    DiagnosticsFormat,
    CompilationDirectory,
    InputCharset,
    EmitLlvm,
    LinkTimeOptimization,
    /// clang calls it unused when it compiles.
    Idle,
    /// Means something to a compile of C++.
    CxxLibrary,
}

/// What becomes of an option when the text has been preprocessed on the client.
#[derive(Clone, Copy, Debug)]
pub(crate) enum AtClient {
    Send,
    Strip,
    /// The command goes only as the source and its headers.
    WithSources(Why),
    Local(Why),
}

/// What becomes of an option that has reached a server together with preprocessed text.
#[derive(Clone, Copy, Debug)]
pub(crate) enum AtServer {
    Pass,
    /// Accepted and not handed to the compiler: it cannot matter to preprocessed text.
    Drop,
    /// Like `Drop`, but a path is refused.
    DropUnlessPath,
    Refuse(Why),
}

/// Makes the reason from the word that decided.
pub(crate) type Why = fn(OsString) -> WhyLocal;

/// One option.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OptionRow {
    pub(crate) name: &'static str,
    pub(crate) value: Value,
    pub(crate) meaning: Meaning,
    /// True when `-E` gets it too.
    pub(crate) preprocess: bool,
    pub(crate) client: AtClient,
    pub(crate) server: AtServer,
}

/// The row with the longest name that `word` begins with and that allows the rest of `word`.
pub(crate) fn find(word: &[u8]) -> Option<&'static OptionRow> {
    let mut prefix = word;
    while !prefix.is_empty() {
        let end = TABLE.partition_point(|row| row.name.as_bytes() <= prefix);
        let row = TABLE[..end].last()?;
        let common = row.name.bytes().zip(prefix).take_while(|(a, b)| a == *b).count();
        if common < row.name.len() {
            prefix = &prefix[..common];
        } else if row.allows(&word[common..]) {
            return Some(row);
        } else {
            prefix = &prefix[..common - 1];
        }
    }
    None
}

impl OptionRow {
    fn allows(&self, rest: &[u8]) -> bool {
        match self.value {
            Value::None | Value::Separate => rest.is_empty(),
            Value::Joined | Value::Either => true,
            Value::SeparateOrEquals => rest.is_empty() || rest[0] == b'=',
        }
    }

    /// True when the next word is this option's value.
    pub(crate) fn takes_next_word(&self, word: &[u8]) -> bool {
        let takes = matches!(self.value, Value::Separate | Value::Either | Value::SeparateOrEquals);
        takes && word.len() == self.name.len()
    }

    const fn means(mut self, meaning: Meaning) -> OptionRow {
        self.meaning = meaning;
        self
    }

    const fn at_server(mut self, server: AtServer) -> OptionRow {
        self.server = server;
        self
    }
}

/// Wanted by both runs.
const fn both(name: &'static str, value: Value) -> OptionRow {
    OptionRow {
        name,
        value,
        meaning: Meaning::Plain,
        preprocess: true,
        client: AtClient::Send,
        server: AtServer::Pass,
    }
}

/// Wanted by both runs; the value may hold paths and is text: no file is opened.
const fn text(name: &'static str) -> OptionRow {
    both(name, Value::Joined)
}

/// Wanted by the run that compiles; `-E` would call it unused or make other text of the source.
const fn compile_run(name: &'static str, value: Value) -> OptionRow {
    OptionRow { preprocess: false, ..both(name, value) }
}

/// Wanted by the run that preprocesses.
const fn preprocess_run(name: &'static str, value: Value) -> OptionRow {
    OptionRow { client: AtClient::Strip, server: AtServer::Drop, ..both(name, value) }
}

/// Wanted by the linker only; the run on the client gets it, so that clang can say so.
const fn link_run(name: &'static str, value: Value) -> OptionRow {
    OptionRow { meaning: Meaning::Idle, ..preprocess_run(name, value) }
}

/// Changes what `-E` prints and has no meaning when compiling.
const fn neither_run(name: &'static str, value: Value) -> OptionRow {
    OptionRow { preprocess: false, ..preprocess_run(name, value) }
}

/// Keeps the command on the client, and is refused by a server.
const fn local(name: &'static str, value: Value, why: Why) -> OptionRow {
    OptionRow { client: AtClient::Local(why), server: AtServer::Refuse(why), ..both(name, value) }
}

/// Wanted by one run that does all of the work: preprocessed text would not tell it enough.
const fn whole_run(name: &'static str, value: Value, why: Why) -> OptionRow {
    OptionRow { client: AtClient::WithSources(why), ..both(name, value) }
}

const TABLES: [&[OptionRow]; 5] =
    [driver::OPTIONS, preprocessor::OPTIONS, compiler::OPTIONS, linker::OPTIONS, clang::OPTIONS];

/// All rows, sorted by name; merged when this crate is compiled.
static TABLE: [OptionRow; count(&TABLES)] = merge(TABLES);

const fn count(tables: &[&[OptionRow]]) -> usize {
    let (mut sum, mut i) = (0, 0);
    while i < tables.len() {
        sum += tables[i].len();
        i += 1;
    }
    sum
}

const fn merge<const ROWS: usize>(mut tables: [&[OptionRow]; TABLES.len()]) -> [OptionRow; ROWS] {
    let mut merged = [both("", Value::None); ROWS];
    let mut at = 0;
    while at < ROWS {
        let (mut least, mut i) = (None::<usize>, 0);
        while i < tables.len() {
            if let Some((row, _)) = tables[i].split_first() {
                least = match least {
                    Some(best) if !comes_before(row.name, tables[best][0].name) => Some(best),
                    _ => Some(i),
                };
            }
            i += 1;
        }
        let from = least.expect("a row is left in a table until all are merged");
        let (row, rest) = tables[from].split_first().expect("only tables with rows are chosen");
        merged[at] = *row;
        tables[from] = rest;
        at += 1;
    }
    merged
}

const fn comes_before(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut i = 0;
    while i < a.len() && i < b.len() {
        if a[i] != b[i] {
            return a[i] < b[i];
        }
        i += 1;
    }
    a.len() < b.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_names_each_option_once() {
        for pair in TABLE.windows(2) {
            assert!(pair[0].name < pair[1].name, "{} before {}", pair[0].name, pair[1].name);
        }
    }

    #[test]
    fn every_row_is_found_by_its_own_name() {
        for row in &TABLE {
            assert_eq!(find(row.name.as_bytes()).map(|found| found.name), Some(row.name));
        }
    }

    #[test]
    fn rows_agree_with_themselves() {
        for row in &TABLE {
            assert!(row.name.starts_with('-') && row.name.len() > 1, "{}", row.name);
            if row.value == Value::SeparateOrEquals {
                assert!(!row.name.ends_with('='), "{} has its = in its shape", row.name);
            }
            if let AtClient::Local(_) | AtClient::WithSources(_) = row.client {
                assert_eq!(row.meaning, Meaning::Plain, "{} is local whatever it means", row.name);
            }
            let passes_what_is_stripped =
                matches!((row.client, row.server), (AtClient::Strip, AtServer::Pass));
            assert!(!passes_what_is_stripped, "{} is of no use to a server", row.name);
            let refuses_what_is_sent =
                matches!((row.client, row.server), (AtClient::Send, AtServer::Refuse(_)));
            assert!(!refuses_what_is_sent, "{} would be refused when our own client sends it", row.name);
        }
    }

    #[track_caller]
    fn check(word: &str, expected: Option<(&str, bool)>) {
        let found = find(word.as_bytes()).map(|row| (row.name, row.takes_next_word(word.as_bytes())));
        assert_eq!(found, expected, "{word}");
    }

    #[test]
    fn the_longest_name_that_fits_wins() {
        check("-c", Some(("-c", false)));
        check("-I", Some(("-I", true)));
        check("-Idir", Some(("-I", false)));
        check("-include", Some(("-include", true)));
        check("-include-pch", Some(("-include-pch", true)));
        check("-includefoo.h", Some(("-include", false)));
        check("-isystem-after", Some(("-isystem-after", true)));
        check("-fplugin=x.so", Some(("-fplugin", false)));
        check("-fprofile-prefix-map=a=b", Some(("-fprofile-prefix-map=", false)));
        check("-fprofile-arcs", Some(("-fprofile", false)));
        check("-fno-plt", Some(("-f", false)));
        check("-march=x86-64", Some(("-march=", false)));
        check("-mno-sse", Some(("-m", false)));
        check("--param", Some(("--param", true)));
        check("--param=x=1", Some(("--param", false)));
        check("--parametric", None);
        check("--sysroot=/x", Some(("--sysroot", false)));
        check("-Wl,-z,now", Some(("-Wl,", false)));
        check("-Wlogical-op", Some(("-W", false)));
        check("-static-pie", Some(("-static", false)));
        check("-cfoo", None);
        check("-bogus", None);
        check("-", None);
        check("", None);
    }
}
