//! A compiler command → a compile that another machine can do, or why not. Reads no file but through its caller.

use crate::arguments::{Argument, Arguments, Kind, MissingValue};
use crate::compilation::Compilation;
use crate::family::{self, Family};
use crate::hazard;
use crate::language::{Input, Language};
use crate::native::NativeCompilation;
use crate::options::{AtClient, Meaning};
use crate::outputs;
use crate::response_file;
use crate::telltale;
use crate::why_local::WhyLocal;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Understands `command`, whose first word is the compiler (or `ccache`, and then the second one is).
///
/// `read_file` gives a response file's bytes, or None when it cannot be read. No other file is opened.
///
/// # Errors
/// The first reason why the command must be run where it was typed; what the command is for comes before how. A command that
/// could go as the source with its headers, but not as preprocessed text, is none: see [`Compilation::text_hazard`].
pub fn analyze(
    command: &[OsString],
    read_file: impl FnMut(&Path) -> Option<Vec<u8>>,
) -> Result<Compilation, WhyLocal> {
    analyze_for(command, read_file, Processor::Any)
}

/// Understands a command that [`analyze`] leaves here because of `-march=native` and the like.
///
/// # Errors
/// As for [`analyze`]: there may be other reasons.
pub fn analyze_native(
    command: &[OsString],
    read_file: impl FnMut(&Path) -> Option<Vec<u8>>,
) -> Result<NativeCompilation, WhyLocal> {
    analyze_for(command, read_file, Processor::This).map(NativeCompilation::new)
}

/// On which processor the compiler may run.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Processor {
    Any,
    This,
}

fn analyze_for(
    command: &[OsString],
    read_file: impl FnMut(&Path) -> Option<Vec<u8>>,
    processor: Processor,
) -> Result<Compilation, WhyLocal> {
    let (compiler, words) = compiler_and_words(command)?;
    let (family, cxx_driver) = (Family::of(compiler), family::is_cxx_driver(compiler));
    let arguments = Arguments::parse(response_file::expand(words, family, read_file)?)?;
    check_options(&arguments, family, processor)?;
    let source = the_source(&arguments, family, cxx_driver)?;
    let named_output = named_output(&arguments)?;
    check_compiler(compiler)?;
    let (assembly, llvm) = (says(&arguments, Meaning::AssemblyMode), says(&arguments, Meaning::EmitLlvm));
    let default_output = || outputs::default_output(&source.path, assembly, llvm);
    let mut compilation = Compilation {
        compiler: compiler.clone(),
        family,
        output: named_output.map_or_else(default_output, PathBuf::from),
        output_is_named: named_output.is_some(),
        dependency_file: dependency_file(&arguments, &source, named_output)?,
        language: source.language,
        language_needs_naming: source.language_needs_naming,
        input: source.path,
        arguments,
        text_hazard: None,
        told_processor: None,
    };
    if let Some(why) = telltale::of(&compilation) {
        return Err(why);
    }
    compilation.text_hazard = telltale::of_text(&compilation);
    if compilation.is_preprocessed() { compilation.as_text() } else { Ok(compilation) }
}

fn compiler_and_words(command: &[OsString]) -> Result<(&OsString, &[OsString]), WhyLocal> {
    let (program, words) = command.split_first().ok_or(WhyLocal::NoCompiler)?;
    let is_option = |word: &OsString| word.as_bytes().starts_with(b"-");
    let (compiler, words) = match words.split_first() {
        Some((compiler, words)) if family::is_launcher(program) && !is_option(compiler) => (compiler, words),
        _ => (program, words),
    };
    if compiler.is_empty() || is_option(compiler) {
        return Err(WhyLocal::NoCompiler);
    }
    Ok((compiler, words))
}

/// Another machine has other files there, or none.
fn check_compiler(compiler: &OsString) -> Result<(), WhyLocal> {
    let is_relative = compiler.as_bytes().contains(&b'/') && Path::new(compiler).is_relative();
    if is_relative { Err(WhyLocal::RelativeCompiler(compiler.clone())) } else { Ok(()) }
}

/// What the command is for decides first, so that a link with -march=native counts as a link.
fn check_options(arguments: &Arguments, family: Family, processor: Processor) -> Result<(), WhyLocal> {
    let may_be_this =
        |why: &WhyLocal| processor == Processor::This && matches!(why, WhyLocal::MarchNative(_));
    let reason = arguments.iter().find_map(|argument| {
        reason_in(arguments, argument, family).filter(|why| arguments.is_inner(argument) || !may_be_this(why))
    });
    let reason = reason.or_else(|| hazard::of_words_together(arguments));
    if says(arguments, Meaning::PreprocessMode) {
        return Err(WhyLocal::PreprocessOnly);
    }
    let makes_an_object = says(arguments, Meaning::CompileMode) || says(arguments, Meaning::AssemblyMode);
    match reason {
        Some(reason) if makes_an_object || reason.decides_the_kind_of_work() => Err(reason),
        _ if makes_an_object => Ok(()),
        _ if arguments.iter().any(Argument::is_input) => Err(WhyLocal::Link),
        _ => Err(WhyLocal::NoInput),
    }
}

fn reason_in(arguments: &Arguments, argument: &Argument, family: Family) -> Option<WhyLocal> {
    let word = arguments.word(argument);
    match argument.kind {
        Kind::Input => None,
        Kind::Unknown => Some(WhyLocal::UnknownOption(word.into())),
        // Only clang knows that options may have an end.
        Kind::Option(row) if row.meaning == Meaning::EndOfOptions && family != Family::Clang => {
            Some(WhyLocal::UnknownOption(word.into()))
        }
        Kind::Option(row) => match row.client {
            AtClient::Local(why) => Some(why(word.into())),
            AtClient::Send | AtClient::Strip | AtClient::WithSources(_) => {
                hazard::of_value(row, word, arguments.value(argument))
            }
        },
    }
}

fn says(arguments: &Arguments, meaning: Meaning) -> bool {
    arguments.with_meaning(meaning).next().is_some()
}

struct Source {
    path: PathBuf,
    language: Language,
    language_needs_naming: bool,
}

fn the_source(arguments: &Arguments, family: Family, cxx_driver: bool) -> Result<Source, WhyLocal> {
    let (mut source, mut object) = (None, None);
    let mut from_option = None;
    for argument in arguments.iter() {
        let value = arguments.value(argument);
        if argument.meaning() == Some(Meaning::Language) {
            from_option = Input::by_option(value.as_bytes());
        }
        if !argument.is_input() {
            continue;
        }
        check_input_name(value)?;
        match from_option.unwrap_or_else(|| Input::by_name(Path::new(value), family, cxx_driver)) {
            Input::Object => object = object.or(Some(value)),
            _ if source.is_some() => return Err(WhyLocal::TwoInputs(value.into())),
            input => source = Some((value, input, from_option.is_some())),
        }
    }
    let object = object.map(|word| WhyLocal::ObjectInput(word.into()));
    let Some((name, input, language_is_named)) = source else {
        return Err(object.unwrap_or(WhyLocal::NoInput));
    };
    let language = match input {
        Input::Assembler => return Err(WhyLocal::AssemblerSource(name.into())),
        Input::Header => return Err(WhyLocal::Header(name.into())),
        Input::Other | Input::Object => return Err(WhyLocal::UnknownLanguage(name.into())),
        Input::Source(language) => object.map_or(Ok(language), Err)?,
    };
    if family == Family::Clang && language.is_objc() {
        return Err(WhyLocal::NamesItsSource(name.into()));
    }
    if language.is_preprocessed() && says(arguments, Meaning::InputCharset) {
        return Err(WhyLocal::InputCharset("-finput-charset".into()));
    }
    let path = PathBuf::from(name);
    // g++ takes .i for C++ without a word; clang++ has one to say, which no other run would say again.
    let is_taken_for_cxx = !language_is_named
        && language == Language::PreprocessedCxx
        && Language::of_source(&path) == Some(Language::PreprocessedC);
    if family == Family::Clang && is_taken_for_cxx {
        return Err(WhyLocal::WholeRun(name.into()));
    }
    let known_by_name =
        Language::of_source(&path).is_some_and(|known| known == language || family == Family::Gcc);
    Ok(Source { path, language, language_needs_naming: language_is_named || !known_by_name })
}

fn check_input_name(name: &OsStr) -> Result<(), WhyLocal> {
    match name.as_bytes() {
        b"-" | b"/dev/stdin" | b"/dev/fd/0" | b"/proc/self/fd/0" => Err(WhyLocal::Stdin),
        // Only after `--`, which servers do not understand.
        [b'-', ..] => Err(WhyLocal::UnknownOption(name.into())),
        _ => Ok(()),
    }
}

/// The last -o counts for both compilers, but gcc trips over several when it writes a dependency file.
fn named_output(arguments: &Arguments) -> Result<Option<&OsStr>, WhyLocal> {
    let mut outputs = arguments.with_meaning(Meaning::Output);
    let Some(last) = outputs.next_back() else { return Ok(None) };
    let name = arguments.value(last);
    if name.is_empty() {
        return Err(WhyLocal::MissingValue(arguments.word(last).into()));
    }
    if outputs::is_standard_output(name) {
        return Err(WhyLocal::Stdout(name.into()));
    }
    if outputs.next().is_some() && says(arguments, Meaning::Dependencies) {
        return Err(WhyLocal::TwoOutputs(name.into()));
    }
    Ok(Some(name))
}

fn dependency_file(
    arguments: &Arguments,
    source: &Source,
    named_output: Option<&OsStr>,
) -> Result<Option<PathBuf>, WhyLocal> {
    if !says(arguments, Meaning::Dependencies) || source.language.is_preprocessed() {
        return Ok(None);
    }
    let named =
        arguments.with_meaning(Meaning::DependencyFile).next_back().map(|argument| arguments.value(argument));
    match named {
        Some(name) if outputs::is_standard_output(name) => Err(WhyLocal::Stdout(name.into())),
        Some(name) => Ok(Some(PathBuf::from(name))),
        None => Ok(Some(outputs::default_dependency_file(&source.path, named_output))),
    }
}

impl From<MissingValue> for WhyLocal {
    fn from(MissingValue(option): MissingValue) -> WhyLocal {
        WhyLocal::MissingValue(option)
    }
}
