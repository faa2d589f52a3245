//! A compile for the processor of the machine where it was typed: what its compiler is to be asked, and what the compile is
//! with the answer. Knows no processor.

use crate::analyze;
use crate::arguments::{Argument, Kind};
use crate::compilation::Compilation;
use crate::family::Family;
use crate::language::Language;
use crate::options::{AtClient, Meaning};
use crate::why_local::WhyLocal;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// A compile that another machine could do if `-march=native`, `-mtune=native` or `-mcpu=native` were spelled out.
#[derive(Debug)]
pub struct NativeCompilation {
    compilation: Compilation,
}

/// Beside what means this processor, what stands for it on the wire: a machine that has not been told which one it is has no
/// processor of that name, and no object of it.
const NATIVE: [(&str, &str); 2] = [("-march=native", "-march=client"), ("-mtune=native", "-mtune=client")];

/// What a machine has to be told beside a compile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToldProcessor {
    /// By which the compiler knows the processor of here.
    pub words: Vec<String>,
    /// All words of the compile, as such that mean the same to any machine.
    pub spelled_out: Vec<OsString>,
    /// Why the compile has to run here where nobody can be told.
    pub why: WhyLocal,
}

impl Compilation {
    /// What `-march=native` and `-mtune=native` mean here, if the machine that compiles has to be told.
    pub fn told_processor(&self) -> Option<&ToldProcessor> {
        self.told_processor.as_ref()
    }

    /// `words` of this compile as they are sent.
    pub fn on_the_wire(&self, mut words: Vec<OsString>) -> Vec<OsString> {
        if self.told_processor.is_some() {
            replace(&mut words, |native, client| (native, client));
        }
        words
    }
}

/// The client's words for its processor, in words that have been sent, as it typed them.
pub fn read_native_of_client(words: &mut [OsString]) {
    replace(words, |native, client| (client, native));
}

fn replace(words: &mut [OsString], order: fn(&'static str, &'static str) -> (&'static str, &'static str)) {
    for (native, client) in NATIVE {
        let (from, to) = order(native, client);
        words.iter_mut().filter(|word| *word == from).for_each(|word| *word = to.into());
    }
}

impl NativeCompilation {
    pub(crate) fn new(compilation: Compilation) -> NativeCompilation {
        NativeCompilation { compilation }
    }

    /// The compile as typed; its words are not for other machines.
    pub fn as_typed(&self) -> &Compilation {
        &self.compilation
    }

    /// The first word that means this processor.
    pub fn word(&self) -> &OsStr {
        let arguments = &self.compilation.arguments;
        let mut words = arguments.with_meaning(Meaning::Processor);
        let native = words.find(|argument| arguments.value(argument).as_bytes().starts_with(b"native"));
        native.map_or(OsStr::new(""), |argument| arguments.word(argument))
    }

    /// Words (without the compiler) that have the compiler tell what it would run, and run nothing. They are the same for
    /// all compiles that differ in sources, outputs, names and warnings only.
    pub fn question(&self) -> Vec<OsString> {
        self.words_to_ask(|_| true, &[])
    }

    /// The same question with the answer's words in the place of `native`.
    pub fn question_with(&self, explicit: &[OsString]) -> Vec<OsString> {
        self.words_to_ask(|argument| !self.is_replaced(argument), explicit)
    }

    /// What has the compiler write its own words into the output, in their order.
    pub fn recorder(&self) -> Option<WhyLocal> {
        let compilation = &self.compilation;
        let arguments = &compilation.arguments;
        let word = |argument: &Argument| arguments.word(argument).as_bytes();
        let last = |names: &[&[u8]]| arguments.iter().rev().map(word).find(|word| names.contains(word));
        // clang gets words only where it is to write them down, and there the answers differ.
        if compilation.family == Family::Clang {
            return None;
        }
        if let Some(word) = last(&[b"-fverbose-asm"]) {
            return Some(WhyLocal::NativeRecorded(OsStr::from_bytes(word).into()));
        }
        let is_silent = last(&[b"-grecord-gcc-switches", b"-gno-record-gcc-switches"])
            .is_some_and(|word| word.starts_with(b"-gno"));
        let debug = compilation.last(Meaning::Debug).filter(|_| compilation.debug_info() && !is_silent);
        let recorder = debug.or(compilation.last(Meaning::LinkTimeOptimization))?;
        Some(WhyLocal::NativeRecorded(arguments.word(recorder).into()))
    }

    /// The compile with the answer's words in the place of `native`.
    ///
    /// # Errors
    /// As for [`crate::analyze`].
    pub fn spelled_out(&self, explicit: &[OsString]) -> Result<Compilation, WhyLocal> {
        let arguments = &self.compilation.arguments;
        if arguments.with_meaning(Meaning::EndOfOptions).next().is_some() {
            return Err(WhyLocal::MarchNative(self.word().into()));
        }
        let words = arguments.typed_words_without(|argument| self.is_replaced(argument));
        let mut command = vec![self.compilation.compiler.clone()];
        command.extend(self.around(explicit, words));
        analyze(&command, |_| None)
    }

    /// The compile as typed, for machines that are told beside it by which `words` the compiler here knows its processor;
    /// `explicit` stand for `native`, as in [`NativeCompilation::spelled_out`].
    ///
    /// # Errors
    /// `why`, if nobody can be told, and those of spelling it out.
    pub fn told(
        self,
        words: Vec<String>,
        explicit: &[OsString],
        why: WhyLocal,
    ) -> Result<Compilation, WhyLocal> {
        if !self.can_be_told() {
            return Err(why);
        }
        let spelled_out = self.spelled_out(explicit)?.words().to_vec();
        let told_processor = Some(ToldProcessor { words, spelled_out, why });
        Ok(Compilation { told_processor, ..self.compilation })
    }

    /// Whether a machine can be told of all that means this processor, and would know then all that the output shows.
    pub fn can_be_told(&self) -> bool {
        let arguments = &self.compilation.arguments;
        let is_told =
            |argument: &Argument| NATIVE.iter().any(|(native, _)| arguments.word(argument) == *native);
        let is_other = |argument: &Argument| {
            arguments.value(argument).as_bytes().starts_with(b"native") && !is_told(argument)
        };
        let is_taken = |word: &OsString| NATIVE.iter().any(|(_, client)| word == client);
        // It shows lines of the source, too, which not every machine has.
        let is_verbose = |argument: &Argument| arguments.word(argument) == "-fverbose-asm";
        !arguments.with_meaning(Meaning::Processor).any(is_other)
            && !arguments.typed_words().iter().any(is_taken)
            && !arguments.iter().any(is_verbose)
    }

    /// gcc gives what it finds out before the words that were typed, so that these have the last word; clang has all of it
    /// in one list, which nothing may follow.
    fn around(&self, explicit: &[OsString], words: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
        let (before, after) = match self.compilation.family {
            Family::Clang => (&[][..], explicit),
            Family::Gcc | Family::Unknown => (explicit, &[][..]),
        };
        before.iter().cloned().chain(words).chain(after.iter().cloned()).collect()
    }

    /// Of gcc, all that its answer repeats.
    fn is_replaced(&self, argument: &Argument) -> bool {
        let Kind::Option(row) = argument.kind else { return false };
        let is_gcc = self.compilation.family != Family::Clang;
        row.meaning == Meaning::Processor || is_gcc && (row.name == "--param" || row.name == "-m")
    }

    fn words_to_ask(&self, keeps: impl Fn(&Argument) -> bool, explicit: &[OsString]) -> Vec<OsString> {
        let arguments = &self.compilation.arguments;
        let asks = arguments.iter().filter(|argument| matters(argument) && keeps(argument));
        let words = asks.flat_map(|argument| arguments.words(argument).to_vec());
        let mut words = self.around(explicit, words);
        let name = name_after_x(self.compilation.language);
        words.extend(["-x", name, "/dev/null", "-pipe", "-###"].map(OsString::from));
        words
    }
}

/// What may have a say in what the compiler makes of `native`, or in how it says so.
fn matters(argument: &Argument) -> bool {
    const NEVER: [&str; 7] = [
        "-fcoverage-prefix-map=",
        "-fdebug-compilation-dir",
        "-fdebug-prefix-map=",
        "-ffile-compilation-dir=",
        "-ffile-prefix-map=",
        "-fprofile-prefix-map=",
        "-frandom-seed=",
    ];
    let Kind::Option(row) = argument.kind else { return false };
    let is_for_text = !matches!(row.client, AtClient::Strip);
    is_for_text
        && !matches!(row.meaning, Meaning::Warning | Meaning::Output | Meaning::Language | Meaning::Color)
        && !NEVER.contains(&row.name)
}

fn name_after_x(language: Language) -> &'static str {
    match language {
        Language::C => "c",
        Language::Cxx => "c++",
        Language::ObjC => "objective-c",
        Language::ObjCxx => "objective-c++",
        preprocessed => preprocessed.preprocessed_name(),
    }
}

#[cfg(test)]
mod tests {
    use crate::{analyze, analyze_native};
    use std::ffi::OsString;

    fn words(text: &str) -> Vec<OsString> {
        text.split_whitespace().map(OsString::from).collect()
    }

    #[track_caller]
    fn native(command: &str) -> super::NativeCompilation {
        let file = |_: &std::path::Path| Some(b"-march=native -DX".to_vec());
        analyze_native(&words(command), file).unwrap_or_else(|why| panic!("{command}: {why}"))
    }

    #[test]
    fn questions_leave_out_what_has_no_say() {
        let check = |command: &str, expected: &str| {
            assert_eq!(native(command).question(), words(&format!("{expected} -pipe -###")), "{command}");
        };
        check(
            "gcc -O2 -march=native -DA=1 -I b -Wall -MD -MF x.d -o y.o -c x.c -mavx",
            "-O2 -march=native -c -mavx -x c /dev/null",
        );
        check("ccache g++ @file -S x.c -include y.h", "-march=native -S -x c++ /dev/null");
        check("gcc -frandom-seed=x.o -c -x c++ y -mtune=native", "-c -mtune=native -x c++ /dev/null");
        check("clang -c x.i -march=native", "-c -march=native -x cpp-output /dev/null");
    }

    #[test]
    fn answers_take_the_place_of_the_words() {
        let check = |command: &str, expected: &str| {
            let native = native(command);
            let compilation = native.spelled_out(&words("-march=z --param=l=1 -mtune=z")).unwrap();
            assert_eq!(compilation.words(), words(expected), "{command}");
        };
        check(
            "gcc -O2 -march=native -mno-avx -Wp,-DA -c x.c --param x=3 --param=y=4",
            "-march=z --param=l=1 -mtune=z -O2 -Wp,-DA -c x.c",
        );
        check("gcc -c x.c @file", "-march=z --param=l=1 -mtune=z -c x.c -DX");
        check(
            "clang -march=native -mno-avx -c x.c -mtune=native -mllvm -inline",
            "-mno-avx -c x.c -mllvm -inline -march=z --param=l=1 -mtune=z",
        );
        let asked = native("gcc -mavx -c -march=native x.c -O2").question_with(&words("-mtune=z"));
        assert_eq!(asked, words("-mtune=z -c -O2 -x c /dev/null -pipe -###"));
    }

    #[test]
    fn only_native_itself_is_passed_over() {
        let check = |command: &str, expected: &str| {
            let command = words(command);
            let code = analyze_native(&command, |_| None).map_or_else(|why| why.code(), |_| "native");
            assert_eq!(code, expected, "{command:?}");
            assert!(analyze(&command, |_| None).is_err(), "{command:?}");
        };
        check("gcc -c x.c -march=native", "native");
        check("clang -c x.c -mcpu=native+crypto", "native");
        check("gcc -c x.c -march=native -fplugin=x.so", "loads-code");
        check("gcc -march=native x.c", "link");
        check("gcc -c x.c -Wp,-march=native", "march-native");
        check("clang -c x.c -Xclang -target-cpu -Xclang native", "cc1-option");
        let ended = native("clang -c -march=native -- x.c").spelled_out(&[]);
        assert_eq!(ended.unwrap_err().code(), "march-native");
    }

    #[test]
    fn processors_that_are_told() {
        let check = |command: &str, expected: Option<&str>| {
            let why = super::WhyLocal::NativeRecorded("-g".into());
            let told = native(command).told(vec!["-ma".to_owned()], &["-mb".into()], why.clone());
            let sent = told.map(|told| {
                assert_eq!(told.words(), &words(command)[1..]);
                let processor = told.told_processor().unwrap();
                assert_eq!(processor.words, ["-ma"]);
                assert_eq!(processor.spelled_out[0], "-mb");
                assert!(!processor.spelled_out.iter().any(|word| word.to_str().unwrap().ends_with("native")));
                told.on_the_wire(told.server_args())
            });
            assert_eq!(sent, expected.map(words).ok_or(why), "{command}");
            if let Ok(mut sent) = sent {
                super::read_native_of_client(&mut sent);
                assert_eq!(sent, words(&command[4..]));
            }
        };
        check("gcc -g -march=native -c x.c -o x.o", Some("-g -march=client -c x.c -o x.o"));
        check("gcc -mtune=native -mno-avx -c x.c -o x.o", Some("-mtune=client -mno-avx -c x.c -o x.o"));
        check("gcc -mcpu=native -march=native -c x.c", None);
        check("gcc -march=native+x -c x.c", None);
        check("gcc -march=native -S -fverbose-asm x.c", None);
        check("gcc -march=native -mtune=client -c x.c", None);
        let plain = analyze(&words("gcc -c x.c"), |_| None).unwrap();
        assert_eq!(plain.on_the_wire(words("-march=native")), words("-march=native"));
    }

    #[test]
    fn some_outputs_tell_of_the_words() {
        let check = |options: &str, expected: Option<&str>| {
            let why = native(&format!("{options} -c x.c -march=native")).recorder();
            let expected = expected.map(|word| super::WhyLocal::NativeRecorded(word.into()));
            assert_eq!(why, expected, "{options}");
        };
        check("gcc -O2", None);
        check("gcc -O2 -g", Some("-g"));
        check("gcc -ggdb -gz", Some("-gz"));
        check("gcc -g -g0", None);
        check("gcc -g -gno-record-gcc-switches", None);
        check("gcc -g -gno-record-gcc-switches -grecord-gcc-switches", Some("-grecord-gcc-switches"));
        check("gcc -flto=auto", Some("-flto=auto"));
        check("gcc -fverbose-asm", Some("-fverbose-asm"));
        check("clang -g -flto", None);
    }
}
