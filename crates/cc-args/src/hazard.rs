//! Values that decide an option's fate at both ends; the options themselves are judged by the table.

use crate::arguments::{Argument, Arguments};
use crate::options::{self, AtClient, Meaning, OptionRow};
use crate::why_local::WhyLocal;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// Why this option with this value cannot be handed to another machine, if so.
pub(crate) fn of_value(row: &OptionRow, word: &OsStr, value: &OsStr) -> Option<WhyLocal> {
    let bytes = value.as_bytes();
    match row.meaning {
        Meaning::Family | Meaning::Warning | Meaning::Debug | Meaning::LinkTimeOptimization
            if names_a_path(bytes) =>
        {
            Some(WhyLocal::ReadsExtraFile(word.into()))
        }
        Meaning::Processor if bytes.starts_with(b"native") => Some(WhyLocal::MarchNative(word.into())),
        Meaning::DiagnosticsFormat if bytes.ends_with(b"-file") => {
            Some(WhyLocal::WritesSideFile(word.into()))
        }
        // clang looks for the assembler and the linker under the target's name.
        _ if matches!(row.name, "-target" | "--target=") && bytes.contains(&b'/') => {
            Some(WhyLocal::LoadsCode(word.into()))
        }
        Meaning::LlvmWord if !is_harmless_to_llvm(bytes) => Some(WhyLocal::Cc1Option(value.into())),
        _ => None,
    }
}

/// Why the words for the assembler, for clang's inside or for several processors, taken together, or a value that names
/// more words, cannot be handed to another machine, if so.
pub(crate) fn of_words_together(arguments: &Arguments) -> Option<WhyLocal> {
    in_assembler_words(arguments)
        .or_else(|| in_cc1_words(arguments))
        .or_else(|| second_arch(arguments))
        .or_else(|| file_of_words(arguments))
}

/// The driver hands a value on as a word of its own, and the compiler proper takes the words of the file that it names:
/// `-I@f` loads a plugin.
fn file_of_words(arguments: &Arguments) -> Option<WhyLocal> {
    let names_one =
        |argument: &&Argument| !argument.is_input() && arguments.value(argument).as_bytes().starts_with(b"@");
    arguments.iter().find(names_one).map(|argument| WhyLocal::ResponseFile(arguments.word(argument).into()))
}

fn names_a_path(value: &[u8]) -> bool {
    value.iter().position(|b| *b == b'=').is_some_and(|equals| value[equals..].contains(&b'/'))
}

fn second_arch(arguments: &Arguments) -> Option<WhyLocal> {
    let mut archs = arguments.with_meaning(Meaning::Arch).map(|argument| arguments.value(argument));
    let first = archs.next()?;
    let other = archs.find(|arch| *arch != first)?;
    Some(WhyLocal::SeveralArchs([OsStr::new("-arch "), other].into_iter().collect()))
}

fn in_assembler_words(arguments: &Arguments) -> Option<WhyLocal> {
    let mut is_operand = false;
    for argument in arguments.with_meaning(Meaning::AssemblerWords) {
        let value = arguments.value(argument).as_bytes();
        for part in value.split(|b| *b == b',' && is_one_word(arguments, argument)) {
            if is_operand && !part.starts_with(b"@") {
                is_operand = false;
            } else if !is_operand && matches!(part, b"--defsym" | b"-defsym" | b"--debug-prefix-map") {
                is_operand = true;
            } else if is_operand || !is_harmless_to_the_assembler(part) {
                return Some(WhyLocal::AssemblerOption(arguments.word(argument).into()));
            }
        }
    }
    None
}

fn is_one_word(arguments: &Arguments, argument: &Argument) -> bool {
    arguments.words(argument).len() == 1
}

/// What is known to touch no file. The GNU assembler takes long options with one dash or two and shortened, short ones in
/// a row, and `@file`, so a list of what does touch files would never be complete.
fn is_harmless_to_the_assembler(part: &[u8]) -> bool {
    const WORDS: [&[u8]; 20] = [
        b"--32",
        b"--64",
        b"--compress-debug-sections",
        b"--divide",
        b"--execstack",
        b"--fatal-warnings",
        b"--gen-debug",
        b"--no-pad-sections",
        b"--no-warn",
        b"--nocompress-debug-sections",
        b"--noexecstack",
        b"--strip-local-absolute",
        b"--warn",
        b"--x32",
        b"-EB",
        b"-EL",
        b"-K",
        b"-R",
        b"-W",
        b"-g",
    ];
    const BEGINNINGS: [&[u8]; 9] = [
        b"--compress-debug-sections=",
        b"--elf-stt-common=",
        b"--gdwarf-",
        b"--generate-missing-build-notes=",
        b"--hash-size=",
        b"--size-check=",
        b"-gdwarf-",
        b"-m",
        b"-xarch=",
    ];
    WORDS.contains(&part)
        || BEGINNINGS.iter().any(|beginning| part.starts_with(beginning)) && !part.contains(&b'/')
}

fn in_cc1_words(arguments: &Arguments) -> Option<WhyLocal> {
    let mut words = arguments.with_meaning(Meaning::Cc1Words).map(|argument| arguments.value(argument));
    while let Some(word) = words.next() {
        let hazard = match word.as_bytes() {
            b"-target-feature" | b"-target-abi" => words.next().is_none().then(|| unknown_cc1_option(word)),
            b"-target-cpu" | b"-tune-cpu" => {
                words.next().is_none_or(|cpu| cpu == "native").then(|| unknown_cc1_option(word))
            }
            b"-mllvm" => words
                .next()
                .is_none_or(|llvm| !is_harmless_to_llvm(llvm.as_bytes()))
                .then(|| unknown_cc1_option(word)),
            b"-fno-pch-timestamp" | b"-no-opaque-pointers" | b"-opaque-pointers" => None,
            other if other.starts_with(b"-disable-") || other.starts_with(b"-debug-info-kind=") => None,
            other if loads_a_plugin(other) => Some(WhyLocal::LoadsCode(word.into())),
            _ => of_cc1_option(word, &mut words),
        };
        if hazard.is_some() {
            return hazard;
        }
    }
    None
}

/// clang's inside knows many options by the driver's names, and then they are as harmless as the driver's.
fn of_cc1_option<'a>(word: &OsStr, rest: &mut impl Iterator<Item = &'a OsStr>) -> Option<WhyLocal> {
    let Some(row) = options::find(word.as_bytes()) else { return Some(unknown_cc1_option(word)) };
    let alike = matches!(
        row.meaning,
        Meaning::Plain | Meaning::Warning | Meaning::Color | Meaning::CompilationDirectory
    );
    match row.client {
        AtClient::Local(why) => Some(why(word.into())),
        AtClient::Send if alike => {
            let lacks_value = row.takes_next_word(word.as_bytes()) && rest.next().is_none();
            let value = OsStr::from_bytes(&word.as_bytes()[row.name.len()..]);
            lacks_value.then(|| unknown_cc1_option(word)).or_else(|| of_value(row, word, value))
        }
        AtClient::Send | AtClient::Strip | AtClient::WithSources(_) => Some(unknown_cc1_option(word)),
    }
}

fn unknown_cc1_option(word: &OsStr) -> WhyLocal {
    WhyLocal::Cc1Option(word.into())
}

fn loads_a_plugin(word: &[u8]) -> bool {
    word.starts_with(b"-load") || word.starts_with(b"-plugin") || word.starts_with(b"-add-plugin")
}

/// LLVM's own options are many and change often; some write files, and some run programs that they name.
fn is_harmless_to_llvm(word: &[u8]) -> bool {
    const BEGINNINGS: [&[u8]; 16] = [
        b"-aarch64-",
        b"-align-all-",
        b"-arm-",
        b"-disable-",
        b"-enable-",
        b"-extra-vectorizer-passes",
        b"-force-vector-",
        b"-hot-cold-split",
        b"-inline",
        b"-polly",
        b"-slp-",
        b"-unroll-",
        b"-vectorize-",
        b"-vectorizer-",
        b"-warn-stack-size=",
        b"-x86-",
    ];
    const SIGNS: [&[u8]; 11] =
        [b"/", b"dir", b"dot", b"dump", b"file", b"output", b"path", b"plugin", b"print", b"stats", b"view"];
    BEGINNINGS.iter().any(|beginning| word.starts_with(beginning))
        && !SIGNS.iter().any(|sign| word.windows(sign.len()).any(|part| part == *sign))
}

#[cfg(test)]
mod tests {
    use crate::analyze;
    use std::ffi::OsString;

    /// The code for `gcc -c x.c OPTIONS`, or "sent".
    #[track_caller]
    fn check(options: &str, expected: &str) {
        let words: Vec<OsString> =
            ["gcc", "-c", "x.c"].into_iter().chain(options.split(' ')).map(Into::into).collect();
        let code = analyze(&words, |_| None).map_or_else(|why| why.code(), |_| "sent");
        assert_eq!(code, expected, "{options}");
    }

    #[test]
    fn the_processor_of_another_machine_is_not_native() {
        check("-march=native", "march-native");
        check("-mtune=native", "march-native");
        check("-mcpu=native", "march-native");
        check("-mcpu=native+crypto", "march-native");
        check("-march=x86-64 -mtune=generic", "sent");
    }

    #[test]
    fn a_path_in_an_unknown_option_is_a_file() {
        check("-ffuture-list=a/b", "reads-extra-file");
        check("-mfuture=/x", "reads-extra-file");
        check("-gfuture=/x", "reads-extra-file");
        check("-ffuture=b", "sent");
        check("-fdebug-prefix-map=/a=/b -ffile-prefix-map=/a=/b -fmacro-prefix-map=/a=/b", "sent");
        check("-fdebug-compilation-dir=/a -ffile-compilation-dir=/a -frandom-seed=a/b.o", "sent");
        check("-fdiagnostics-format=text", "sent");
        check("-fdiagnostics-format=json", "sent");
        check("-fdiagnostics-format=json-file", "writes-side-file");
        check("-fdiagnostics-format=sarif-file", "writes-side-file");
    }

    #[test]
    fn assembler_options_are_read() {
        check("-Wa,-xarch=v8", "sent");
        check("-Wa,--noexecstack,-mrelax-relocations=no -g -Wa,-gdwarf-5", "sent");
        check("-Wa,--defsym,A=1 -Wa,-W", "sent");
        check("-Xassembler --defsym -Xassembler a.c", "sent");
        check("-Wa,--defsym -Wa,a.c", "sent");
        check("-Wa,--debug-prefix-map,/a=/b", "sent");
        check("-Xassembler -mbig,obj", "sent");
        for options in [
            "-Wa,-alh,-a=foo.lst",
            "-Wa,-a",
            "-Xassembler -al=x",
            "-Wa,--MD,f.d",
            "-Wa,-MD,f.d",
            "-Wa,--M,f.d",
        ] {
            check(options, "assembler-option");
        }
        for options in ["-Wa,-I,dir", "-Wa,-Idir", "-Wa,-o,x.o", "-Wa,-Wo/tmp/x", "-Wa,@file", "-Wa,macros.s"]
        {
            check(options, "assembler-option");
        }
        for options in
            ["-Wa,--listing-lhs-width=4", "-Wa,--defsym,A=1,b.s", "-Wa,--version", "-Wa,--itbl=x", "-Wa,"]
        {
            check(options, "assembler-option");
        }
    }

    #[test]
    fn inner_options_of_clang_are_read() {
        check("-Xclang -target-feature -Xclang +avx", "sent");
        check("-Xclang -fno-pch-timestamp -Xclang -disable-llvm-passes", "sent");
        check("-Xclang -fdebug-compilation-dir -Xclang .", "sent");
        check("-Xclang -mllvm -Xclang -polly -mllvm -inline-threshold=500", "sent");
        check("-Xclang -target-cpu -Xclang native", "cc1-option");
        check("-Xclang -load -Xclang x.so", "loads-code");
        check("-Xclang -add-plugin -Xclang x", "loads-code");
        check("-Xclang -fplugin=x.so", "loads-code");
        check("-Xclang -include-pch -Xclang x.pch", "reads-extra-file");
        check("-Xclang -emit-pch", "header");
        check("-Xclang -include -Xclang x.h", "cc1-option");
        check("-Xclang -o -Xclang x", "cc1-option");
        check("-Xclang -fdump-record-layouts", "writes-side-file");
        check("-Xclang -unheard-of", "cc1-option");
        check("-Xclang x.c", "cc1-option");
        check("-Xclang -target-feature", "cc1-option");
        check("-mllvm -info-output-file=x", "cc1-option");
        check("-mllvm -load=x.so", "cc1-option");
    }

    #[test]
    fn several_processors_are_too_many() {
        check("-arch x86_64", "sent");
        check("-arch x86_64 -arch x86_64", "sent");
        check("-arch x86_64 -arch arm64", "several-archs");
    }
}
