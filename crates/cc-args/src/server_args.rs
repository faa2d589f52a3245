//! The words that compile a compilation's preprocessed text, on a machine that may run C distcc.

use crate::arguments::{Argument, Kind};
use crate::compilation::Compilation;
use crate::family::Family;
use crate::language::Language;
use crate::options::{AtClient, Meaning};
use std::ffi::{OsStr, OsString};
use std::path::Path;

impl Compilation {
    /// Words (without the compiler) for a server that gets preprocessed text (protocols 1 and 2): always -c or -S, the
    /// input and -o with the output, both as typed, for the server to replace.
    ///
    /// An input whose name C distcc would not take for a source gets the extension of its preprocessed form at the end.
    pub fn server_args(&self) -> Vec<OsString> {
        let mut words = Vec::new();
        for argument in self.arguments.iter() {
            match argument.kind {
                Kind::Input => self.add_input(&mut words),
                Kind::Option(_) if self.goes_to_the_server(argument) => {
                    words.extend_from_slice(self.arguments.words(argument));
                }
                Kind::Option(_) | Kind::Unknown => {}
            }
        }
        if !self.output_is_named || self.output_looks_like_a_source() {
            words.extend(["-o".into(), self.output.clone().into_os_string()]);
        }
        words
    }

    /// Like [`Compilation::server_args`], and debug information names `cwd` as the directory of the compile, not the
    /// server's. gcc finds it in the text; clang is told here unless the user has told it already.
    ///
    /// `cwd` is the directory as the compiler sees it: $PWD where that is the current directory. It is only asked for if
    /// [`Compilation::object_names_directory`].
    pub fn server_args_in(&self, cwd: &Path) -> Vec<OsString> {
        let mut words = self.server_args();
        let is_told = self.last(Meaning::CompilationDirectory).is_some();
        if self.family == Family::Clang && self.debug_info() && !is_told {
            words.push([OsStr::new("-fdebug-compilation-dir="), cwd.as_os_str()].into_iter().collect());
        }
        words
    }

    fn add_input(&self, words: &mut Vec<OsString>) {
        if self.language_needs_naming {
            words.extend(["-x", self.language.preprocessed_name()].map(OsString::from));
        }
        let mut name = self.input.clone().into_os_string();
        if Language::of_source(&self.input).is_none() {
            name.push(".");
            name.push(self.language.preprocessed_extension());
        }
        words.push(name);
    }

    /// C distcc takes the first word that is called like a source for the input: such an output comes last.
    fn output_looks_like_a_source(&self) -> bool {
        Language::of_source(&self.output).is_some()
    }

    /// Of several -o the last one; of -x none, because it is said anew before the input.
    fn goes_to_the_server(&self, argument: &Argument) -> bool {
        let Kind::Option(row) = argument.kind else { return false };
        match row.meaning {
            Meaning::Language => false,
            Meaning::Output if self.output_looks_like_a_source() => false,
            Meaning::Output => self.last(Meaning::Output).is_some_and(|last| std::ptr::eq(last, argument)),
            _ => matches!(row.client, AtClient::Send),
        }
    }
}
