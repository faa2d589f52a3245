//! The words that preprocess a compilation's input here and leave the dependency file that the compile would leave.

use crate::arguments::{Argument, Kind};
use crate::compilation::Compilation;
use crate::family::Family;
use crate::options::{Meaning, OptionRow, idle};
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

impl Compilation {
    /// Words (without the compiler) that preprocess the input to standard output, write the same dependency file that the
    /// compile would, and give those warnings about the command line that the server's run cannot give.
    pub fn preprocess_args(&self) -> Vec<OsString> {
        let mut words = Vec::new();
        let mut mode_is_set = false;
        for argument in self.arguments.iter() {
            match argument.kind {
                Kind::Option(row) if matches!(row.meaning, Meaning::CompileMode | Meaning::AssemblyMode) => {
                    if !mode_is_set {
                        words.push("-E".into());
                    }
                    mode_is_set = true;
                }
                Kind::Option(row) if !self.preprocessor_wants(row, argument) => {}
                _ => words.extend_from_slice(self.arguments.words(argument)),
            }
        }
        self.add_dependency_words(&mut words);
        // Without -g, gcc would not put its directory into the text.
        if self.family == Family::Gcc && self.object_names_directory() {
            words.push("-fworking-directory".into());
        }
        self.add_silence(&mut words);
        words
    }

    fn preprocessor_wants(&self, row: &OptionRow, argument: &Argument) -> bool {
        let is_idle =
            || idle::is_idle_under_e(self.arguments.word(argument).as_bytes(), self.language.is_cxx());
        row.preprocess && !(self.family == Family::Gcc && is_idle())
    }

    /// With -E and no -o, both compilers would name the file and its target after the input.
    fn add_dependency_words(&self, words: &mut Vec<OsString>) {
        let Some(file) = &self.dependency_file else { return };
        if self.last(Meaning::DependencyFile).is_none() {
            words.extend(["-MF".into(), file.clone().into_os_string()]);
        }
        let target_is_given = self.last(Meaning::DependencyTarget).is_some();
        if self.output_is_named && !target_is_given && self.target_follows_output() {
            words.extend(["-MQ".into(), self.output.clone().into_os_string()]);
        }
    }

    /// gcc's driver does not see a -MD that came through -Wp, and so does not name the output as its target.
    pub(crate) fn target_follows_output(&self) -> bool {
        let mut requests = self.arguments.with_meaning(Meaning::Dependencies);
        self.family == Family::Clang || requests.any(|argument| !self.arguments.is_inner(argument))
    }

    /// clang repeats in both runs what it thinks of the command line. What the server does not get is said here; the rest
    /// is said there.
    fn add_silence(&self, words: &mut Vec<OsString>) {
        if self.family != Family::Clang {
            return;
        }
        let quiet =
            ["-Wno-unknown-warning-option", "-Wno-ignored-optimization-argument", "-Wno-option-ignored"];
        words.extend(quiet.map(OsString::from));
        if !self.has_words_for_no_run() {
            words.push("-Wno-unused-command-line-argument".into());
        }
    }

    /// Words that the server does not get and that clang calls unused: for the linker, for another language, and about
    /// dependency files that are not asked for or asked for twice.
    fn has_words_for_no_run(&self) -> bool {
        let says = |meaning| self.last(meaning).is_some();
        let about_dependencies = match self.arguments.with_meaning(Meaning::Dependencies).count() {
            0 => says(Meaning::DependencyFile) || says(Meaning::DependencyTarget),
            requests => requests > 1,
        };
        says(Meaning::Idle) || about_dependencies || (says(Meaning::CxxLibrary) && !self.language.is_cxx())
    }
}
