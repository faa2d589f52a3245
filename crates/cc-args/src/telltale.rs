//! Options by which an object or a message tells more of its source than preprocessed text does: columns, macros, directories.
//! Knows only compiles that could be sent otherwise.

use crate::arguments::{Argument, Arguments, Kind};
use crate::compilation::Compilation;
use crate::family::Family;
use crate::options::{AtClient, Meaning, OptionRow};
use crate::why_local::WhyLocal;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// Why a compile elsewhere would not tell the same, whatever is sent, if so.
pub(crate) fn of(compilation: &Compilation) -> Option<WhyLocal> {
    let arguments = &compilation.arguments;
    let by_the_assembler = || debug_by_the_assembler(arguments).filter(|_| !compilation.debug_info());
    let is_clang_with_text = compilation.is_preprocessed() && compilation.family == Family::Clang;
    by_the_assembler().or_else(|| word_that_is_idle(arguments).filter(|_| is_clang_with_text))
}

/// Why the compile of preprocessed text would not tell the same, if so.
pub(crate) fn of_text(compilation: &Compilation) -> Option<WhyLocal> {
    let arguments = &compilation.arguments;
    let whole_run = || {
        let asks = arguments.iter().find_map(|argument| wants_the_whole_run(arguments, argument));
        asks.or_else(|| lines_in_assembler_text(compilation))
    };
    if compilation.is_preprocessed() {
        return whole_run();
    }
    let macros = || macros_for_debuggers(compilation).filter(|_| compilation.debug_info());
    whole_run().or_else(|| columns_in_the_code(arguments)).or_else(macros)
}

fn wants_the_whole_run(arguments: &Arguments, argument: &Argument) -> Option<WhyLocal> {
    match argument.kind {
        Kind::Option(OptionRow { client: AtClient::WithSources(why), .. }) => {
            Some(why(arguments.word(argument).into()))
        }
        _ => None,
    }
}

/// The assembler's own debug information names its directory. Where the compiler gives some, the assembler gives none.
fn debug_by_the_assembler(arguments: &Arguments) -> Option<WhyLocal> {
    const ASKS: [&[u8]; 3] = [b"--gen-d", b"--gdwarf", b"-gdwarf"];
    let asks = |part: &[u8]| part == b"-g" || ASKS.iter().any(|begin| part.starts_with(begin));
    let mut words = arguments.with_meaning(Meaning::AssemblerWords);
    let found =
        words.find(|argument| arguments.value(argument).as_bytes().split(|b| *b == b',').any(asks))?;
    Some(WhyLocal::AssemblerOption(arguments.word(found).into()))
}

/// gcc looks the lines up in the source, of whose name the text tells.
fn lines_in_assembler_text(compilation: &Compilation) -> Option<WhyLocal> {
    let shows = |word: &&OsStr| *word == "-fverbose-asm";
    let arguments = &compilation.arguments;
    let found = arguments.iter().map(|argument| arguments.word(argument)).find(shows)?;
    let is_shown = compilation.family != Family::Clang && compilation.last(Meaning::AssemblyMode).is_some();
    is_shown.then(|| WhyLocal::RecordsColumns(found.into()))
}

/// Most sanitizers write the place of what they watch into the program, for their reports.
fn columns_in_the_code(arguments: &Arguments) -> Option<WhyLocal> {
    const WITHOUT: [&[u8]; 5] = [b"leak", b"memory", b"safe-stack", b"shadow-call-stack", b"thread"];
    let names_places = |argument: &&Argument| {
        arguments.value(argument).as_bytes().split(|b| *b == b',').any(|name| !WITHOUT.contains(&name))
    };
    let found = arguments.with_meaning(Meaning::Sanitizer).find(names_places)?;
    Some(WhyLocal::RecordsColumns(arguments.word(found).into()))
}

fn macros_for_debuggers(compilation: &Compilation) -> Option<WhyLocal> {
    let asks: &[&[u8]] = match compilation.family {
        Family::Clang => &[b"-fdebug-macro"],
        Family::Gcc | Family::Unknown => &[b"-g3", b"-ggdb3", b"-gstabs3"],
    };
    let arguments = &compilation.arguments;
    let mut words = arguments.iter().map(|argument| arguments.word(argument));
    words.find(|word| asks.contains(&word.as_bytes())).map(|word| WhyLocal::RecordsMacros(word.into()))
}

/// clang calls unused what only a preprocessor wants; for a source the run that preprocesses says so, here there is none.
fn word_that_is_idle(arguments: &Arguments) -> Option<WhyLocal> {
    let is_idle = |argument: &&Argument| matches!(argument.kind, Kind::Option(row) if matches!(row.client, AtClient::Strip));
    arguments.iter().find(is_idle).map(|argument| WhyLocal::WholeRun(arguments.word(argument).into()))
}

#[cfg(test)]
mod tests {
    use super::Compilation;
    use crate::analyze;
    use std::ffi::OsString;

    #[track_caller]
    fn check(command: &str, expected: &str) {
        let words: Vec<OsString> = command.split(' ').map(OsString::from).collect();
        let code = analyze(&words, |_| None)
            .and_then(Compilation::as_text)
            .map_or_else(|why| why.code(), |_| "sent");
        assert_eq!(code, expected, "{command}");
    }

    #[test]
    fn what_names_places_stays() {
        check("gcc -c x.c -fsanitize=address", "records-columns");
        check("gcc -c x.c -fsanitize=thread,undefined", "records-columns");
        check("gcc -c x.c -fsanitize=thread", "sent");
        check("gcc -c x.i -fsanitize=address", "sent");
        check("gcc -S x.c -fverbose-asm", "records-columns");
        check("gcc -S x.i -fverbose-asm", "records-columns");
        check("gcc -c x.c -fverbose-asm", "sent");
        check("clang -S x.c -fverbose-asm", "sent");
        check("gcc -c x.c -Wa,-g", "assembler-option");
        check("gcc -c x.c -Wa,--noexecstack,--gdwarf-5", "assembler-option");
        check("gcc -c x.c -g -Wa,-g", "sent");
    }

    #[test]
    fn macros_for_debuggers_stay() {
        check("gcc -c x.c -g3", "records-macros");
        check("gcc -c x.c -ggdb3 -O2", "records-macros");
        check("gcc -c x.c -g3 -g0", "sent");
        check("gcc -c x.i -g3", "sent");
        check("clang -c x.c -g -fdebug-macro", "records-macros");
        check("clang -c x.c -fdebug-macro", "sent");
        check("clang -c x.c -g3", "sent");
    }

    #[test]
    fn clang_has_a_word_for_idle_options() {
        check("clang -c x.i -MD", "whole-run");
        check("clang -c x.i -O2", "sent");
        check("gcc -c x.i -MD", "sent");
    }
}
