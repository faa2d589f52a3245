//! A command line from the network, as the machine sees it that must protect itself. Judges options, not compilers: which
//! ones may run is for the caller.

use crate::arguments::{Argument, Arguments, Kind, MissingValue};
use crate::family::{self, Family};
use crate::hazard;
use crate::language::{Input, Language};
use crate::options::{AtServer, Meaning, OptionRow};
use crate::response_file;
use crate::why_local::WhyLocal;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// A compile of preprocessed text (protocols 1 and 2) that touches its input and its output and no other file.
pub struct ServerCommand {
    compiler: OsString,
    arguments: Arguments,
    language: Language,
    language_needs_naming: bool,
    input: OsString,
    output: OsString,
}

/// Why a command line is not run; a fragment that names the option.
#[derive(Debug, PartialEq, Eq)]
pub struct Refusal {
    reason: String,
}

/// The text is preprocessed whatever other options say, or it could include files of this machine.
const PREPROCESSED: &str = "-fpreprocessed";

impl ServerCommand {
    /// Understands `args`, whose first word is the compiler's name.
    ///
    /// # Errors
    /// What cannot be understood, what loads code, what reads or writes another file than input and output, and what
    /// would give the client another object than it asked for.
    pub fn parse(args: Vec<OsString>) -> Result<ServerCommand, Refusal> {
        let (compiler, arguments) = compiler_and_arguments(args)?;
        // Clients strip these; what hides in them would reach the compiler as words of their own.
        if let Some(word) = arguments.first_inner_word() {
            return Err(Refusal::new(format!(
                "{} is for a preprocessor, and none runs here",
                word.display()
            )));
        }
        check_options(&arguments, refused)?;
        let (input, language, is_named) = the_input(&arguments, &compiler)?;
        let output = the_output(&arguments)?;
        Ok(ServerCommand { compiler, arguments, language, language_needs_naming: is_named, input, output })
    }

    /// The compiler's name as the client wrote it, never empty.
    pub fn compiler(&self) -> &OsStr {
        &self.compiler
    }

    /// The input's name as the client wrote it: a hint, on another machine's disk.
    pub fn input(&self) -> &OsStr {
        &self.input
    }

    /// The output's name as the client wrote it: a hint, on another machine's disk.
    pub fn output(&self) -> &OsStr {
        &self.output
    }

    /// The language of the text; [`Language::preprocessed_extension`] names the file to write it to.
    pub fn language(&self) -> Language {
        self.language.preprocessed()
    }

    /// Words (without the compiler) that compile `input` to `output`; what cannot matter to preprocessed text is gone.
    pub fn args_for(&self, input: &OsStr, output: &OsStr) -> Vec<OsString> {
        let mut words = Vec::new();
        for argument in self.arguments.iter() {
            match argument.kind {
                Kind::Input if self.language_needs_naming => {
                    words.extend(["-x".into(), self.language.preprocessed_name().into(), input.into()]);
                }
                Kind::Input => words.push(input.into()),
                Kind::Option(row) => match (row.meaning, row.server) {
                    (Meaning::Output, _) => words.extend(["-o".into(), output.into()]),
                    (Meaning::Language, _) => {}
                    (_, AtServer::Pass) => words.extend_from_slice(self.arguments.words(argument)),
                    _ => {}
                },
                Kind::Unknown => {}
            }
        }
        if Family::of(&self.compiler) == Family::Gcc {
            words.push(PREPROCESSED.into());
        }
        words
    }
}

/// What a client sent as a command, taken apart: every word is one that a process can be given, and none stands for words in
/// a file.
pub(crate) fn compiler_and_arguments(mut words: Vec<OsString>) -> Result<(OsString, Arguments), Refusal> {
    if words.is_empty() {
        return Err(Refusal::new("no compiler is named"));
    }
    if words.iter().any(|word| word.as_bytes().contains(&0)) {
        return Err(Refusal::new("a word contains a zero byte"));
    }
    let rest = words.split_off(1);
    let compiler = words.swap_remove(0);
    if compiler.is_empty() {
        return Err(Refusal::new("the compiler's name is empty"));
    }
    match rest.iter().find(|word| response_file::is_named_by(word)) {
        Some(word) => Err(WhyLocal::ResponseFile(word.clone()).into()),
        None => Ok((compiler, Arguments::parse(rest)?)),
    }
}

/// Says why an option (its row, its word, its value) cannot be run here, if so.
type Judge = fn(&OptionRow, &OsStr, &OsStr) -> Option<WhyLocal>;

pub(crate) fn check_options(arguments: &Arguments, judge: Judge) -> Result<(), Refusal> {
    let reason = arguments.iter().find_map(|argument| reason_in(arguments, argument, judge));
    if let Some(reason) = reason.or_else(|| hazard::of_words_together(arguments)) {
        return Err(reason.into());
    }
    let makes_an_object = |argument: &Argument| {
        matches!(argument.meaning(), Some(Meaning::CompileMode | Meaning::AssemblyMode))
    };
    if arguments.iter().any(makes_an_object) { Ok(()) } else { Err(WhyLocal::Link.into()) }
}

fn reason_in(arguments: &Arguments, argument: &Argument, judge: Judge) -> Option<WhyLocal> {
    let word = arguments.word(argument);
    match argument.kind {
        Kind::Input => None,
        Kind::Unknown => Some(WhyLocal::UnknownOption(word.into())),
        Kind::Option(row) => judge(row, word, arguments.value(argument)),
    }
}

/// Why an option with its value is refused where preprocessed text has come, if so.
pub(crate) fn refused(row: &OptionRow, word: &OsStr, value: &OsStr) -> Option<WhyLocal> {
    match row.server {
        AtServer::Refuse(why) => Some(why(word.into())),
        AtServer::DropUnlessPath if value.as_bytes().contains(&b'/') => {
            Some(WhyLocal::LoadsCode(word.into()))
        }
        AtServer::DropUnlessPath | AtServer::Drop => None,
        AtServer::Pass => hazard::of_value(row, word, value),
    }
}

pub(crate) fn the_input(
    arguments: &Arguments,
    compiler: &OsStr,
) -> Result<(OsString, Language, bool), Refusal> {
    let mut from_option = None;
    let mut found = None;
    for argument in arguments.iter() {
        if argument.meaning() == Some(Meaning::Language) {
            from_option = Input::by_option(arguments.value(argument).as_bytes());
        }
        if argument.is_input() && found.replace((arguments.value(argument), from_option)).is_some() {
            return Err(WhyLocal::TwoInputs(arguments.value(argument).into()).into());
        }
    }
    let Some((name, from_option)) = found else { return Err(WhyLocal::NoInput.into()) };
    let by_name = || Input::by_name(Path::new(name), Family::of(compiler), family::is_cxx_driver(compiler));
    match from_option.unwrap_or_else(by_name) {
        Input::Source(language) => Ok((name.into(), language, from_option.is_some())),
        _ => Err(WhyLocal::UnknownLanguage(name.into()).into()),
    }
}

pub(crate) fn the_output(arguments: &Arguments) -> Result<OsString, Refusal> {
    let mut outputs = arguments.with_meaning(Meaning::Output).map(|argument| arguments.value(argument));
    match (outputs.next(), outputs.next()) {
        (Some(output), None) if !output.is_empty() => Ok(output.into()),
        (_, Some(second)) => Err(Refusal::new(format!("{} is a second output", second.display()))),
        _ => Err(Refusal::new("no output is named")),
    }
}

impl Refusal {
    pub(crate) fn new(reason: impl Into<String>) -> Refusal {
        Refusal { reason: reason.into() }
    }
}

impl From<WhyLocal> for Refusal {
    fn from(why: WhyLocal) -> Refusal {
        Refusal::new(why.to_string())
    }
}

impl From<MissingValue> for Refusal {
    fn from(missing: MissingValue) -> Refusal {
        WhyLocal::from(missing).into()
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for Refusal {}
