//! Why a command is run on the machine where it was typed; one code and one sentence for each reason.

use std::ffi::{OsStr, OsString};
use std::fmt;

/// Why a command is not sent to another machine. The word, where there is one, is the one that decided.
///
/// [`WhyLocal::code`] is stable: scripts and statistics match on it. `Display` is one sentence for people.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the sentences in `parts` say what each one means, and people read those")]
pub enum WhyLocal {
    NoCompiler,
    NoInput,
    TwoInputs(OsString),
    TwoOutputs(OsString),
    ObjectInput(OsString),
    Link,
    PreprocessOnly,
    DependenciesOnly(OsString),
    SyntaxOnly(OsString),
    OtherOutput(OsString),
    AsksCompiler(OsString),
    MissingValue(OsString),
    RelativeCompiler(OsString),
    OddDirectory(OsString),
    Environment(OsString),
    UnknownOption(OsString),
    UnknownLanguage(OsString),
    ResponseFile(OsString),
    MarchNative(OsString),
    NativeRecorded(OsString),
    SeveralArchs(OsString),
    Profile(OsString),
    WritesSideFile(OsString),
    ReadsExtraFile(OsString),
    LoadsCode(OsString),
    Modules(OsString),
    Header(OsString),
    NamesItsSource(OsString),
    AssemblerSource(OsString),
    AssemblerOption(OsString),
    SeparateAssembler(OsString),
    Cc1Option(OsString),
    KeepsComments(OsString),
    RecordsCommandLine(OsString),
    RecordsColumns(OsString),
    RecordsMacros(OsString),
    InputCharset(OsString),
    WholeRun(OsString),
    Repo(OsString),
    Stdin,
    Stdout(OsString),
    Conftest(OsString),
    Probe(OsString),
}

impl WhyLocal {
    /// A short word that never changes, such as `march-native`.
    pub fn code(&self) -> &'static str {
        self.parts().0
    }

    /// True when what the command makes is no object or assembler file, whatever else it says.
    pub(crate) fn decides_the_kind_of_work(&self) -> bool {
        use WhyLocal::{AsksCompiler, DependenciesOnly, OtherOutput, SyntaxOnly};
        matches!(self, AsksCompiler(_) | DependenciesOnly(_) | OtherOutput(_) | SyntaxOnly(_))
    }

    /// Code, and the sentence that follows the word where there is one.
    fn parts(&self) -> (&'static str, &'static str) {
        use WhyLocal::*;
        match self {
            NoCompiler => ("no-compiler", "no compiler is named"),
            NoInput => ("no-input", "no source file is named"),
            TwoInputs(_) => ("two-inputs", "is a second source file"),
            TwoOutputs(_) => ("two-outputs", "is a second output, and a dependency file is asked for"),
            ObjectInput(_) => ("object-input", "is an input for the linker"),
            Link => ("link", "neither -c nor -S is given, so the command links"),
            PreprocessOnly => ("preprocess-only", "-E asks for preprocessing only"),
            DependenciesOnly(_) => ("dependencies-only", "asks for dependencies instead of an object"),
            SyntaxOnly(_) => ("syntax-only", "asks for messages only"),
            OtherOutput(_) => ("other-output", "makes neither an object nor an assembler file"),
            AsksCompiler(_) => ("asks-compiler", "asks the compiler about itself"),
            MissingValue(_) => ("missing-value", "lacks its value"),
            RelativeCompiler(_) => ("relative-compiler", "is a path that leads elsewhere on another machine"),
            OddDirectory(_) => {
                ("odd-directory", "is a directory whose name gcc does not read as it writes it")
            }
            Environment(_) => ("environment", "is set, and changes what the compiler here does"),
            UnknownOption(_) => ("unknown-option", "is not a known option"),
            UnknownLanguage(_) => ("unknown-language", "is in a language that is not distributed"),
            ResponseFile(_) => ("response-file", "names a file of words, which cannot be used"),
            MarchNative(_) => ("march-native", "means the processor of the machine that compiles"),
            NativeRecorded(_) => (
                "native-recorded",
                "has gcc write down its words for this processor, and only daemons of distcc-arch have them in the same order",
            ),
            SeveralArchs(_) => ("several-archs", "compiles for more than one kind of processor"),
            Profile(_) => ("profile", "makes or uses profile data"),
            WritesSideFile(_) => ("writes-side-file", "writes a file beside the object"),
            ReadsExtraFile(_) => ("reads-extra-file", "reads a file that is not sent"),
            LoadsCode(_) => ("loads-code", "loads code into the compiler or runs another program"),
            Modules(_) => ("modules", "makes or uses modules"),
            Header(_) => ("header", "makes a precompiled header"),
            NamesItsSource(_) => (
                "names-its-source",
                "is Objective-C, and clang writes the path of such a source into the object",
            ),
            AssemblerSource(_) => ("assembler-source", "is assembler source"),
            AssemblerOption(_) => ("assembler-option", "makes the assembler read, write or name other files"),
            SeparateAssembler(_) => (
                "separate-assembler",
                "has clang run an assembler, and no host can show that its own is the same",
            ),
            Cc1Option(_) => ("cc1-option", "is an inner option of clang that is not known to be harmless"),
            KeepsComments(_) => ("keeps-comments", "means something only together with -E"),
            RecordsCommandLine(_) => ("records-command-line", "writes the command line into the object"),
            RecordsColumns(_) => {
                ("records-columns", "writes lines or columns of the source into what it makes")
            }
            RecordsMacros(_) => ("records-macros", "writes macros into the object, and those are not sent"),
            InputCharset(_) => ("input-charset", "converts text that would be sent as it is"),
            WholeRun(_) => ("whole-run", "asks for messages that only one whole run of the compiler gives"),
            Repo(_) => ("repo", "keeps templates in a repository file"),
            Stdin => ("stdin", "the source comes from standard input"),
            Stdout(_) => ("stdout", "writes to standard output"),
            Conftest(_) => ("conftest", "is a probe of a configure script"),
            Probe(_) => ("probe", "is a probe of CMake, Meson or Kconfig"),
        }
    }

    /// The word that decided.
    fn word(&self) -> Option<&OsStr> {
        use WhyLocal::*;
        match self {
            NoCompiler | NoInput | Link | PreprocessOnly | Stdin => None,
            TwoInputs(word)
            | TwoOutputs(word)
            | WholeRun(word)
            | ObjectInput(word)
            | DependenciesOnly(word)
            | SyntaxOnly(word)
            | OtherOutput(word)
            | AsksCompiler(word)
            | MissingValue(word)
            | RelativeCompiler(word)
            | OddDirectory(word)
            | Environment(word)
            | UnknownOption(word)
            | UnknownLanguage(word)
            | ResponseFile(word)
            | MarchNative(word)
            | NativeRecorded(word)
            | SeveralArchs(word)
            | Profile(word)
            | WritesSideFile(word)
            | ReadsExtraFile(word)
            | LoadsCode(word)
            | Modules(word)
            | Header(word)
            | NamesItsSource(word)
            | AssemblerSource(word)
            | AssemblerOption(word)
            | SeparateAssembler(word)
            | Cc1Option(word)
            | KeepsComments(word)
            | RecordsCommandLine(word)
            | RecordsColumns(word)
            | RecordsMacros(word)
            | InputCharset(word)
            | Repo(word)
            | Stdout(word)
            | Conftest(word)
            | Probe(word) => Some(word),
        }
    }
}

impl fmt::Display for WhyLocal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (_, sentence) = self.parts();
        match self.word() {
            Some(word) => write!(f, "{} {sentence}", word.display()),
            None => f.write_str(sentence),
        }
    }
}

impl std::error::Error for WhyLocal {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn every_reason() -> Vec<WhyLocal> {
        use WhyLocal::*;
        let with_a_word: [fn(OsString) -> WhyLocal; 37] = [
            TwoInputs,
            TwoOutputs,
            ObjectInput,
            DependenciesOnly,
            SyntaxOnly,
            OtherOutput,
            AsksCompiler,
            MissingValue,
            RelativeCompiler,
            OddDirectory,
            Environment,
            UnknownOption,
            UnknownLanguage,
            ResponseFile,
            MarchNative,
            NativeRecorded,
            SeveralArchs,
            Profile,
            WritesSideFile,
            ReadsExtraFile,
            LoadsCode,
            Modules,
            Header,
            NamesItsSource,
            RecordsColumns,
            RecordsMacros,
            AssemblerSource,
            AssemblerOption,
            SeparateAssembler,
            Cc1Option,
            KeepsComments,
            RecordsCommandLine,
            InputCharset,
            Repo,
            Stdout,
            Conftest,
            Probe,
        ];
        let mut reasons = vec![NoCompiler, NoInput, Link, PreprocessOnly, Stdin];
        reasons.extend(with_a_word.map(|reason| reason("WORD".into())));
        reasons
    }

    #[test]
    fn every_code_is_unique_and_made_of_lower_case_words() {
        let reasons = every_reason();
        let codes: BTreeSet<_> = reasons.iter().map(WhyLocal::code).collect();
        assert_eq!(codes.len(), reasons.len());
        for code in codes {
            assert!(
                code.split('-').all(|w| !w.is_empty() && w.bytes().all(|b| b.is_ascii_alphanumeric())),
                "{code}"
            );
        }
    }

    #[test]
    fn every_reason_reads_as_a_fragment_that_names_its_word() {
        for reason in every_reason() {
            let sentence = reason.to_string();
            let names_a_word = reason.word().is_some();
            assert_eq!(sentence.contains("WORD "), names_a_word, "{sentence}");
            assert!(sentence.split(' ').count() > 3 && !sentence.ends_with('.'), "{sentence}");
        }
    }
}
