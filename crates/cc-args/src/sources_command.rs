//! A command line that comes from the network together with sources and headers, as the machine sees it that must
//! protect itself. Knows nothing of where those files are kept, but that they are at the client's own paths, or below
//! a directory.

use crate::arguments::{Argument, Arguments, Kind};
use crate::family::Family;
use crate::options::of_sources::{self, AtSources};
use crate::options::{Meaning, OptionRow};
use crate::server_command::{self, Refusal};
use crate::why_local::WhyLocal;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

/// A compile of sources (protocol 3) that reads what the client has sent and what the server's system has, and that
/// writes an object and a dependency file.
pub struct SourcesCommand {
    compiler: OsString,
    arguments: Arguments,
    input: OsString,
    output: OsString,
}

/// Where the client's files are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place<'a> {
    /// At the client's own paths.
    Same,
    /// Below this directory, which is absolute and is followed by the client's path.
    Below(&'a Path),
}

impl SourcesCommand {
    /// Understands `args`, whose first word is the compiler's name.
    ///
    /// # Errors
    /// What cannot be understood, what loads code, what names files in a way that is not known, and what would give the
    /// client another object than it asked for.
    pub fn parse(args: Vec<OsString>) -> Result<SourcesCommand, Refusal> {
        let (compiler, arguments) = server_command::compiler_and_arguments(args)?;
        if let Some(word) = arguments.first_inner_word() {
            return Err(Refusal::new(format!("{} hides in another word", word.display())));
        }
        server_command::check_options(&arguments, refused)?;
        let (input, ..) = server_command::the_input(&arguments, &compiler)?;
        let output = server_command::the_output(&arguments)?;
        Ok(SourcesCommand { compiler, arguments, input, output })
    }

    /// The compiler's name as the client wrote it, never empty.
    pub fn compiler(&self) -> &OsStr {
        &self.compiler
    }

    /// The input's name as the client wrote it.
    pub fn input(&self) -> &OsStr {
        &self.input
    }

    /// The output's name as the client wrote it: a hint, on another machine's disk.
    pub fn output(&self) -> &OsStr {
        &self.output
    }

    /// By the compiler's name.
    pub fn family(&self) -> Family {
        Family::of(&self.compiler)
    }

    /// Words (without the compiler) that compile the client's input where it is in `place`, and write the object to
    /// `output` and a rule with what it was made of, as make(1) reads it, to `dependencies`.
    pub fn args_for(&self, place: Place<'_>, output: &OsStr, dependencies: &OsStr) -> Vec<OsString> {
        let mut words = Vec::new();
        if let Place::Below(root) = place {
            // The last map that fits counts, so that the user's own come after these. gcc takes -ffile-prefix-map for
            // the last of all, wherever it stands.
            for map in [&b"-fdebug-prefix-map="[..], b"-fmacro-prefix-map="] {
                words.push(joined(&[map, root.as_os_str().as_bytes(), b"="]));
            }
        }
        let superfluous = self.superfluous_target();
        for argument in self.arguments.iter() {
            let typed = self.arguments.words(argument);
            match argument.kind {
                Kind::Input => words.push(moved(&typed[0], place)),
                Kind::Unknown => {}
                Kind::Option(row) if row.meaning == Meaning::Output => {
                    words.extend(["-o".into(), output.into()]);
                }
                Kind::Option(row) => match of_sources::fate(row.name) {
                    Some(AtSources::Drop | AtSources::Refuse) => {}
                    Some(AtSources::DependencyFile) => words.extend(["-MF".into(), dependencies.into()]),
                    Some(AtSources::Path | AtSources::Map) => words.extend(self.moved_words(argument, place)),
                    _ if superfluous.is_some_and(|it| std::ptr::eq(it, argument)) => {}
                    _ => words.extend_from_slice(typed),
                },
            }
        }
        words.extend(self.dependency_words(dependencies));
        words
    }

    /// Why a compile of files below another directory would not give the client's bytes, if so.
    ///
    /// # Errors
    /// A word that would make them differ.
    pub fn check_below(&self) -> Result<(), Refusal> {
        let moves = self.arguments.iter().any(|argument| self.is_moved(argument));
        let differs =
            |argument: &&Argument| self.differs_below(argument) || moves && self.tells_paths(argument);
        match self.arguments.iter().find(differs) {
            None => Ok(()),
            Some(argument) => {
                let word = self.arguments.word(argument).display();
                Err(Refusal::new(format!("{word} needs files at the client's own paths")))
            }
        }
    }

    fn differs_below(&self, argument: &Argument) -> bool {
        let Kind::Option(row) = argument.kind else { return false };
        let value = self.arguments.value(argument).as_bytes();
        match of_sources::fate(row.name) {
            Some(AtSources::Path) => value.starts_with(b"=") || value.starts_with(b"$SYSROOT"),
            // clang takes the shortest of the maps that fit.
            Some(AtSources::Map) => self.family() != Family::Gcc || maps_system(value),
            _ => row.meaning == Meaning::LinkTimeOptimization || row.name == "-frecord-gcc-switches",
        }
    }

    /// Whether the compiler then says absolute paths where no map changes them.
    fn tells_paths(&self, argument: &Argument) -> bool {
        const TELLING: [&[u8]; 3] = [b"-fverbose-asm", b"-fmessage-length=", b"-emit-llvm"];
        // With these it numbers a source twice that is mapped.
        const OF_GCC: [&[u8]; 5] =
            [b"-gdwarf-2", b"-gdwarf-3", b"-gdwarf-4", b"-gstabs", b"-gno-as-loc-support"];
        let of_family = if self.family() == Family::Gcc { &OF_GCC[..] } else { &[] };
        let word = self.arguments.word(argument).as_bytes();
        argument.meaning() == Some(Meaning::Sanitizer)
            || TELLING.iter().chain(of_family).any(|start| word.starts_with(start))
    }

    fn is_moved(&self, argument: &Argument) -> bool {
        let names_path = match argument.kind {
            Kind::Input => true,
            Kind::Option(row) => of_sources::fate(row.name) == Some(AtSources::Path),
            Kind::Unknown => false,
        };
        names_path && is_movable(self.arguments.value(argument))
    }

    /// The option with its value moved, in as many words as it was typed.
    fn moved_words(&self, argument: &Argument, place: Place<'_>) -> Vec<OsString> {
        let value = self.arguments.value(argument);
        let moved = moved(value, place);
        match self.arguments.words(argument) {
            [option, _] => vec![option.clone(), moved],
            [word, ..] => {
                let option = &word.as_bytes()[..word.len() - value.len()];
                vec![joined(&[option, moved.as_bytes()])]
            }
            [] => Vec::new(),
        }
    }

    /// What makes the compiler write the dependency file. Where it is told half of that by the client it complains, as
    /// it would there.
    fn dependency_words(&self, dependencies: &OsStr) -> Vec<OsString> {
        let has = |meaning| self.arguments.with_meaning(meaning).next().is_some();
        let named = |name: &str| self.arguments.iter().any(|argument| argument.is_option(name));
        let mut words = Vec::new();
        let has_target = has(Meaning::DependencyTarget);
        if !has(Meaning::Dependencies) {
            if has_target || has(Meaning::DependencyFile) || named("-MP") || named("-MG") {
                return words;
            }
            words.push("-MMD".into());
        }
        if !has(Meaning::DependencyFile) {
            words.extend(["-MF".into(), dependencies.into()]);
        }
        if !has_target {
            words.extend(["-MQ".into(), self.output.clone()]);
        }
        words
    }

    /// C clients add `-MT OUTPUT` at the end where they see no target, and they see none that is joined to its option.
    fn superfluous_target(&self) -> Option<&Argument> {
        let mut targets = self.arguments.with_meaning(Meaning::DependencyTarget).rev();
        let last = targets.next()?;
        let separate = |argument: &Argument| self.arguments.words(argument).len() == 2;
        let added = last.is_option("-MT") && separate(last) && self.arguments.value(last) == self.output;
        let mut others = targets.peekable();
        (added && others.peek().is_some() && others.all(|other| !separate(other))).then_some(last)
    }
}

/// Why an option with its value is refused where sources have come, if so.
fn refused(row: &OptionRow, word: &OsStr, value: &OsStr) -> Option<WhyLocal> {
    match of_sources::fate(row.name) {
        Some(AtSources::Refuse) => Some(WhyLocal::ReadsExtraFile(word.into())),
        Some(_) => None,
        None => server_command::refused(row, word, value),
    }
}

/// Whether a map (`OLD=NEW`) also changes the names of the system's files, which are not below the directory.
fn maps_system(map: &[u8]) -> bool {
    const SYSTEM: [&[u8]; 4] = [b"/usr", b"/opt", b"/lib", b"/bin"];
    let end = map.iter().position(|byte| *byte == b'=').unwrap_or(map.len());
    let old = &map[..end];
    SYSTEM.iter().any(|directory| directory.starts_with(old) || old.starts_with(directory))
}

/// Others are found from the directory of the compile, and devices are nowhere else.
fn is_movable(path: &OsStr) -> bool {
    path.as_bytes().starts_with(b"/") && path != "/dev/null"
}

/// An absolute path where it is in `place`.
fn moved(path: &OsStr, place: Place<'_>) -> OsString {
    match place {
        Place::Below(root) if is_movable(path) => joined(&[root.as_os_str().as_bytes(), path.as_bytes()]),
        _ => path.into(),
    }
}

fn joined(parts: &[&[u8]]) -> OsString {
    OsString::from_vec(parts.concat())
}
