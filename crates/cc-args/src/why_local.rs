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
    UnknownOption(OsString),
    UnknownLanguage(OsString),
    ResponseFile(OsString),
    MarchNative(OsString),
    SeveralArchs(OsString),
    Profile(OsString),
    WritesSideFile(OsString),
    ReadsExtraFile(OsString),
    LoadsCode(OsString),
    Modules(OsString),
    Header(OsString),
    AssemblerSource(OsString),
    AssemblerOption(OsString),
    Cc1Option(OsString),
    KeepsComments(OsString),
    RecordsCommandLine(OsString),
    InputCharset(OsString),
    Repo(OsString),
    Stdin,
    Stdout(OsString),
    Conftest(OsString),
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

    /// Code, the word that decided, and the rest of the sentence.
    fn parts(&self) -> (&'static str, Option<&OsStr>, &'static str) {
        use WhyLocal::*;
        match self {
            NoCompiler => ("no-compiler", None, "no compiler is named"),
            NoInput => ("no-input", None, "no source file is named"),
            TwoInputs(word) => ("two-inputs", Some(word), "is a second source file"),
            TwoOutputs(word) => {
                ("two-outputs", Some(word), "is a second output, and a dependency file is asked for")
            }
            ObjectInput(word) => ("object-input", Some(word), "is an input for the linker"),
            Link => ("link", None, "neither -c nor -S is given, so the command links"),
            PreprocessOnly => ("preprocess-only", None, "-E asks for preprocessing only"),
            DependenciesOnly(word) => {
                ("dependencies-only", Some(word), "asks for dependencies instead of an object")
            }
            SyntaxOnly(word) => ("syntax-only", Some(word), "asks for messages only"),
            OtherOutput(word) => {
                ("other-output", Some(word), "makes neither an object nor an assembler file")
            }
            AsksCompiler(word) => ("asks-compiler", Some(word), "asks the compiler about itself"),
            MissingValue(word) => ("missing-value", Some(word), "lacks its value"),
            UnknownOption(word) => ("unknown-option", Some(word), "is not a known option"),
            UnknownLanguage(word) => {
                ("unknown-language", Some(word), "is in a language that is not distributed")
            }
            ResponseFile(word) => {
                ("response-file", Some(word), "names words in a file that cannot be read or has no end")
            }
            MarchNative(word) => {
                ("march-native", Some(word), "means the processor of the machine that compiles")
            }
            SeveralArchs(word) => {
                ("several-archs", Some(word), "compiles for more than one kind of processor")
            }
            Profile(word) => ("profile", Some(word), "makes or uses profile data"),
            WritesSideFile(word) => ("writes-side-file", Some(word), "writes a file beside the object"),
            ReadsExtraFile(word) => {
                ("reads-extra-file", Some(word), "reads a file that is no header of the source")
            }
            LoadsCode(word) => {
                ("loads-code", Some(word), "loads code into the compiler or runs another program")
            }
            Modules(word) => ("modules", Some(word), "makes or uses modules"),
            Header(word) => ("header", Some(word), "makes a precompiled header"),
            AssemblerSource(word) => ("assembler-source", Some(word), "is assembler source"),
            AssemblerOption(word) => {
                ("assembler-option", Some(word), "makes the assembler read or write another file")
            }
            Cc1Option(word) => {
                ("cc1-option", Some(word), "is an inner option of clang that is not known to be harmless")
            }
            KeepsComments(word) => ("keeps-comments", Some(word), "means something only together with -E"),
            RecordsCommandLine(word) => {
                ("records-command-line", Some(word), "writes the command line into the object")
            }
            InputCharset(word) => ("input-charset", Some(word), "converts text that would be sent as it is"),
            Repo(word) => ("repo", Some(word), "keeps templates in a repository file"),
            Stdin => ("stdin", None, "the source comes from standard input"),
            Stdout(word) => ("stdout", Some(word), "writes to standard output"),
            Conftest(word) => ("conftest", Some(word), "is a probe of a configure script"),
        }
    }
}

impl fmt::Display for WhyLocal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.parts() {
            (_, Some(word), sentence) => write!(f, "{} {sentence}", word.display()),
            (_, None, sentence) => f.write_str(sentence),
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
        let with_a_word: [fn(OsString) -> WhyLocal; 28] = [
            TwoInputs,
            TwoOutputs,
            ObjectInput,
            DependenciesOnly,
            SyntaxOnly,
            OtherOutput,
            AsksCompiler,
            MissingValue,
            UnknownOption,
            UnknownLanguage,
            ResponseFile,
            MarchNative,
            SeveralArchs,
            Profile,
            WritesSideFile,
            ReadsExtraFile,
            LoadsCode,
            Modules,
            Header,
            AssemblerSource,
            AssemblerOption,
            Cc1Option,
            KeepsComments,
            RecordsCommandLine,
            InputCharset,
            Repo,
            Stdout,
            Conftest,
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
            let names_a_word = reason.parts().1.is_some();
            assert_eq!(sentence.contains("WORD "), names_a_word, "{sentence}");
            assert!(sentence.split(' ').count() > 3 && !sentence.ends_with('.'), "{sentence}");
        }
    }
}
