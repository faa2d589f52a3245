//! What a job is sent as: its source with all headers, which the include server holds, or preprocessed text. Makes both; no
//! host's slot may be held meanwhile. Knows nothing of what hosts answer.

use crate::compile::Job;
use crate::compiler;
use crate::dependencies::KeptRule;
use crate::discrepancy;
use crate::exit::{Exit, code};
use crate::include_server::{self, Absent, NoScan, Scanned};
use crate::interrupts::Interrupts;
use crate::local;
use crate::source::{NoSource, Preprocessing, Source};
use cc_args::Compilation;
use hosts::Host;
use job_state::Phase;
use logging::Field;
use nix::sys::signal::Signal;
use protocol::include_server::ScanRequest;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Preprocessed text, and the rule of dependencies that came with it.
pub(crate) struct Text<'a> {
    pub(crate) source: Source,
    pub(crate) rule: Option<KeptRule<'a>>,
}

/// A source with its headers, as far as this process has them.
pub(crate) struct Sources<'a> {
    pub(crate) held: Scanned<'a>,
    pub(crate) words: Vec<OsString>,
    pub(crate) directory: PathBuf,
}

/// Why sources cannot be sent.
pub(crate) enum NoSources {
    /// For what the job is; a code and a sentence.
    Unfit(String, String),
    /// The include server is not there, or came to grief.
    Trouble(String),
    /// The user wants none.
    Unwanted,
    /// A fatal signal arrived.
    Interrupted(Signal),
}

/// What follows from having no sources.
pub(crate) enum WhyNone {
    /// Text is to be sent, for this reason in one word, if there is any.
    Text(String),
    /// This run ends.
    End(Exit),
}

/// The one word for an include server that is not there.
pub(crate) const NO_INCLUDE_SERVER: &str = "include-server";

impl<'a> Job<'a> {
    /// The sources, if one of `hosts` would take them; says why not, where that is of interest to anybody.
    ///
    /// # Errors
    /// [`WhyNone`].
    pub(crate) fn sources_for<'i, 'h>(
        &self,
        compilation: &Compilation,
        hosts: impl Iterator<Item = &'h Host>,
        interrupts: &'i Interrupts,
    ) -> Result<Sources<'i>, WhyNone> {
        if !self.site.has_taker_of_sources(hosts) {
            return Err(WhyNone::Text(String::new()));
        }
        let input = compilation.input().display();
        let why = match self.scan(compilation, interrupts) {
            Ok(sources) => return Ok(sources),
            Err(NoSources::Interrupted(signal)) => return Err(WhyNone::End(Exit::Signal(signal))),
            Err(NoSources::Unwanted) => String::new(),
            Err(NoSources::Unfit(code, sentence)) => {
                let log = self.log.about(Field::Reason, &code);
                log.info(format_args!("preprocessing {input} here: {code}: {sentence}"));
                code
            }
            Err(NoSources::Trouble(what)) => {
                let message = format_args!("{what}; preprocessing {input} here");
                self.site.told.remark(format_args!("include server"), message);
                NO_INCLUDE_SERVER.to_owned()
            }
        };
        if self.settings.testing_include_server {
            self.log.error(format_args!("no includes of {input}, and DISTCC_TESTING_INCLUDE_SERVER is set"));
            return Err(WhyNone::End(Exit::Code(code::GENERAL)));
        }
        Err(WhyNone::Text(why))
    }

    /// Has the include server find all that the compiler would read.
    fn scan<'i>(
        &self,
        compilation: &Compilation,
        interrupts: &'i Interrupts,
    ) -> Result<Sources<'i>, NoSources> {
        self.check_sources(compilation)?;
        if let Some(demotion) = discrepancy::demotion(self.settings) {
            return Err(NoSources::Trouble(demotion));
        }
        let request = self.scan_request(compilation);
        let held = self.ask_include_server(&request, interrupts)?;
        if let Some(missed) = held.missing().first() {
            let (input, missed) = (compilation.input().display(), missed.display());
            let sentence = format!("the scan of {input} has missed {missed}: this is a mistake of distcc's");
            self.site.told.remark(format_args!("discrepancy {input}"), format_args!("{sentence}"));
            return Err(NoSources::Unfit("discrepancy".into(), sentence));
        }
        Ok(Sources { held, words: self.sources_words(compilation), directory: request.directory })
    }

    /// Whether the command is one whose sources may be sent.
    pub(crate) fn check_sources(&self, compilation: &Compilation) -> Result<(), NoSources> {
        if let Some(why) = compilation.sources_hazard() {
            return Err(NoSources::Unfit(why.code().into(), why.to_string()));
        }
        if let Some(asked) = &self.settings.dependency_file {
            let sentence = format!("{} asks for a rule of what is preprocessed here", asked.variable);
            return Err(NoSources::Unfit("dependency-variable".into(), sentence));
        }
        Ok(())
    }

    /// Tells of what the include server has to say by the way, and has it answer.
    pub(crate) fn ask_include_server<'i>(
        &self,
        request: &ScanRequest,
        interrupts: &'i Interrupts,
    ) -> Result<Scanned<'i>, NoSources> {
        let conversation =
            include_server::reach(self.settings, interrupts).map_err(|absent| match absent {
                Absent::Gone(why) => NoSources::Trouble(why),
                Absent::SwitchedOff => NoSources::Unwanted,
                Absent::Interrupted(signal) => NoSources::Interrupted(signal),
            })?;
        for news in conversation.news() {
            self.site.told.remark(format_args!("{}", news.subject), format_args!("{}", news.sentence));
        }
        conversation.scan(request).map_err(|error| match error {
            NoScan::NotCovered { code, sentence } => NoSources::Unfit(code, sentence),
            NoScan::Absent(why) => NoSources::Trouble(why),
            NoScan::Interrupted(signal) => NoSources::Interrupted(signal),
        })
    }

    /// What the include server is asked about this command.
    pub(crate) fn scan_request(&self, compilation: &Compilation) -> ScanRequest {
        let mut environment = self.settings.scan_environment.clone();
        environment.push(("PATH".into(), self.call.path.text().to_owned()));
        let name = self.typed_name(compilation);
        let program = self.call.path.find(name).map(|found| found.program);
        let mut words = vec![program.map_or_else(|| name.to_owned(), PathBuf::into_os_string)];
        let told = compilation.told_processor();
        words.extend_from_slice(told.map_or(compilation.words(), |told| &told.spelled_out));
        ScanRequest {
            directory: self.here(),
            environment,
            words,
            compare: self.settings.verify_includes,
            list: false,
        }
    }

    /// The command as a server should see it that gets the sources.
    fn sources_words(&self, compilation: &Compilation) -> Vec<OsString> {
        let mut args = compilation.sources_words();
        let set = |asked: &str| {
            let mut variables = self.settings.scan_environment.iter();
            variables.find(|(name, _)| name == asked).map(|(_, value)| value.clone())
        };
        args.extend(compilation.include_path_words(set, Path::exists));
        args.extend(self.colours(compilation));
        self.with_compiler(compilation, args)
    }

    /// `args` after the compiler's name as other machines know it.
    pub(crate) fn with_compiler(&self, compilation: &Compilation, args: Vec<OsString>) -> Vec<OsString> {
        let name = self.name_elsewhere(compilation);
        let target = match self.settings.keep_compiler_name {
            true => Vec::new(),
            false => compiler::clang_target(&name, &args, &self.call.path),
        };
        let args = compilation.on_the_wire(args);
        std::iter::once(name).chain(args).chain(target).collect()
    }

    /// The compiler's name as other machines know it.
    pub(crate) fn name_elsewhere(&self, compilation: &Compilation) -> OsString {
        if self.settings.keep_compiler_name {
            return self.typed_name(compilation).to_owned();
        }
        self.call.path.remote_name(compilation.compiler())
    }

    /// Makes the text, or takes it where it is made already.
    ///
    /// # Errors
    /// [`NoSource`].
    pub(crate) fn text(
        &self,
        compilation: &Compilation,
        interrupts: &Interrupts,
    ) -> Result<Text<'a>, NoSource> {
        if compilation.is_preprocessed() {
            let text = std::fs::read(compilation.input()).map_err(|_| NoSource::Rejected)?;
            let source =
                Source::preprocessed(compilation.with_line_markers(text, &self.directory(compilation)));
            return Ok(Text { source, rule: None });
        }
        let slot = self.site.preprocessor_slot();
        let mut args = compilation.preprocess_args();
        args.extend(self.colours(compilation));
        let mut preprocessor =
            local::command(self.typed_name(compilation), &args, &self.call.path, self.settings.depth);
        let dependencies = self.settings.dependency_file.as_ref();
        let rule = dependencies.map(|asked| asked.keep_back(&mut preprocessor)).transpose()?;
        let preprocessing =
            Preprocessing::start(preprocessor, interrupts).map_err(NoSource::of_what_cannot_start)?;
        let _record =
            self.site.slot_record(compilation.input().as_os_str(), Phase::Preprocess, slot.as_ref());
        let source = preprocessing.finish(interrupts)?;
        self.save(compilation, &source);
        Ok(Text { source, rule })
    }

    /// Leaves the text for whoever asked for it.
    fn save(&self, compilation: &Compilation, source: &Source) {
        let Some(directory) = &self.settings.save_temps else { return };
        match source.save(directory, compilation.language().preprocessed_extension()) {
            Ok(path) => self.log.info(format_args!("kept the preprocessed text: {}", path.display())),
            Err(error) => self.log.warning(format_args!(
                "cannot keep the preprocessed text in {}: {error}",
                directory.display()
            )),
        }
    }
}
