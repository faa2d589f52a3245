//! The story of one compile, from command line to object file. The only place that decides to fall back.

use crate::elsewhere::{Prepared, Verdict};
use crate::exit::{Exit, code};
use crate::interrupts::Interrupts;
use crate::invocation::CompilerCall;
use crate::settings::{Settings, ToolchainCheck};
use crate::site::Site;
use crate::why_here::WhyHere;
use crate::{compiler, discrepancy, local};
use cc_args::{Compilation, WhyLocal};
use hosts::{Host, Place, Slot};
use job_state::{Outcome, Phase};
use logging::{Field, Log};
use std::ffi::{OsStr, OsString};
use std::io::{IsTerminal, stderr};
use std::path::{Path, PathBuf};

/// One command and what decides about it.
pub(crate) struct Job<'a> {
    pub(crate) call: &'a CompilerCall,
    pub(crate) settings: &'a Settings,
    pub(crate) log: &'a Log,
    pub(crate) site: &'a Site<'a>,
}

impl Job<'_> {
    /// Compiles on another machine if that can be done, else here.
    pub(crate) fn run(&self) -> Exit {
        let compilation = match self.analyze() {
            Ok(compilation) => compilation,
            Err(why) => return self.run_here_because(why),
        };
        if self.wants_rule_of_text(&compilation) {
            return self.become_compiler(&WhyHere::Rule, None);
        }
        if let Some(why) = self.text_hazard(&compilation).filter(|_| !self.site.lists_pump_hosts()) {
            return self.run_here_because(why);
        }
        self.site.warn_of_list();
        let list = match self.site.hosts() {
            Ok(list) => list,
            Err(error) => {
                self.site.told.warning(format_args!("{error}"), format_args!("{error}"));
                return self.fall_back(&WhyHere::NoHosts, None);
            }
        };
        let pump_problem = discrepancy::bad_limit(self.settings).filter(|_| self.site.lists_pump_hosts());
        if let Some(problem) = self.settings.problem.as_ref().or(pump_problem) {
            self.log.error(format_args!("{problem}"));
            return Exit::Code(code::BAD_ARGUMENTS);
        }
        match self.distribute(&compilation, &list.hosts) {
            Verdict::Done(exit) => exit,
            Verdict::Here(why, slot) => self.become_compiler(&why, slot),
            Verdict::NoHost(last) => {
                let last = last.map(|at| (&compilation, &list.hosts[at]));
                self.fall_back(&WhyHere::NoHosts, last)
            }
            Verdict::NoCompiler(why) => self.fall_back(&why, None),
            Verdict::OwnTrouble(what) => {
                self.site.told.warning(format_args!("{what}"), format_args!("{what}"));
                self.fall_back(&WhyHere::Trouble, None)
            }
        }
    }

    fn distribute(&self, compilation: &Compilation, hosts: &[Host]) -> Verdict {
        if !self.site.has_usable(hosts) {
            return Verdict::NoHost(None);
        }
        if let Some(slot) = self.slot_here(hosts) {
            return Verdict::Here(WhyHere::Localhost, Some(slot));
        }
        // A pipe can be read only once, and the compiler here might still need it.
        if !compilation.input().is_file() {
            return Verdict::Here(WhyHere::BadSource, None);
        }
        // Signals act as before again when this returns, as a compiler that runs here must have it.
        match Interrupts::catch() {
            Ok(interrupts) => Prepared::new(self, compilation, &interrupts).compile_elsewhere(hosts),
            Err(error) => Verdict::OwnTrouble(format!("cannot catch signals: {error}")),
        }
    }

    /// What runs here need not be preprocessed first.
    fn slot_here(&self, hosts: &[Host]) -> Option<Slot> {
        if hosts.iter().all(|host| host.place == Place::Local) {
            return self.site.host_slot(hosts, &[]).map(|(_, slot)| slot);
        }
        self.site.localhost_slot(hosts)
    }

    /// What the command asks for, or why it has to run here.
    pub(crate) fn analyze(&self) -> Result<Compilation, WhyLocal> {
        let mut words = self.call.words.clone();
        words[0] = self.call.path.known_name(&words[0]);
        // What comes from a pipe would be gone when a compiler here asks for it.
        let read = |file: &Path| file.is_file().then(|| std::fs::read(file).ok())?;
        match cc_args::analyze(&words, read) {
            Err(WhyLocal::MarchNative(_)) if self.settings.resolves_native => {
                let native = cc_args::analyze_native(&words, read)?;
                self.check_surroundings(native.as_typed())?;
                self.spell_out(native)
            }
            Ok(compilation) => self.check_surroundings(&compilation).map(|()| compilation),
            Err(why) => Err(why),
        }
    }

    /// Whether what the command does not say has the compile run here.
    fn check_surroundings(&self, compilation: &Compilation) -> Result<(), WhyLocal> {
        let environment = self.settings.compiler_changed_by.map(|name| WhyLocal::Environment(name.into()));
        let assembler = || self.unknown_assembler(compilation);
        environment.or_else(assembler).or_else(|| self.probe(compilation)).map_or(Ok(()), Err)
    }

    /// An assembler that is no part of the compiler, where each part has to be the same.
    fn unknown_assembler(&self, compilation: &Compilation) -> Option<WhyLocal> {
        let is_strict = self.settings.toolchain_check == ToolchainCheck::Strict;
        let word = compilation.separate_assembler().filter(|_| is_strict)?;
        Some(WhyLocal::SeparateAssembler(word.to_owned()))
    }

    /// Why this cannot go as preprocessed text, if so.
    pub(crate) fn text_hazard(&self, compilation: &Compilation) -> Option<WhyLocal> {
        let odd_directory = || compilation.hazard_of_directory(&self.directory(compilation));
        compilation.text_hazard().cloned().or_else(odd_directory)
    }

    fn probe(&self, compilation: &Compilation) -> Option<WhyLocal> {
        if self.settings.probes_remote {
            return None;
        }
        // A directory that is gone leaves the names as they were typed.
        compilation.probe_in(&std::env::current_dir().unwrap_or_default())
    }

    /// Whether a rule of dependencies is to come from a compiler that is given preprocessed text: there is no other half of
    /// the compile that would write it here.
    pub(crate) fn wants_rule_of_text(&self, compilation: &Compilation) -> bool {
        compilation.is_preprocessed() && self.settings.dependency_file.is_some()
    }

    /// The compiler as typed; it puts its own name before some of its messages. A launcher (`ccache gcc`) is passed over.
    pub(crate) fn typed_name<'a>(&'a self, compilation: &'a Compilation) -> &'a OsStr {
        let known = compilation.compiler();
        if self.call.words.iter().any(|word| word == known) { known } else { &self.call.words[0] }
    }

    /// The command as a server should see it that gets text.
    pub(crate) fn server_words(&self, compilation: &Compilation) -> Vec<OsString> {
        let mut args = compilation.server_args_in(&self.directory(compilation));
        args.extend(self.colours(compilation));
        self.with_compiler(compilation, args)
    }

    /// The directory that the object names; not asked for where it names none.
    pub(crate) fn directory(&self, compilation: &Compilation) -> PathBuf {
        if compilation.object_names_directory() { self.here() } else { PathBuf::new() }
    }

    /// The current directory as compilers spell it; empty if it is gone.
    pub(crate) fn here(&self) -> PathBuf {
        let is_here = |logical: &&PathBuf| {
            logical.is_absolute() && compiler::identity(logical) == compiler::identity(Path::new("."))
        };
        let logical = self.settings.logical_directory.as_ref().filter(is_here);
        logical.cloned().or_else(|| std::env::current_dir().ok()).unwrap_or_default()
    }

    /// A compiler whose messages pass through us sees no terminal, so it is told that there is one.
    pub(crate) fn colours(&self, compilation: &Compilation) -> Option<OsString> {
        let wanted = self.settings.colours && !compilation.has_diagnostics_color() && stderr().is_terminal();
        wanted.then(|| "-fdiagnostics-color=always".into())
    }

    /// No host took the job; `last` is the one that failed last, with the input's name.
    fn fall_back(&self, why: &WhyHere, last: Option<(&Compilation, &Host)>) -> Exit {
        if !self.settings.fallback {
            self.log.error(format_args!("failed to distribute and fallbacks are disabled"));
            return Exit::Code(if matches!(why, WhyHere::Trouble) { code::IO_ERROR } else { code::NO_HOSTS });
        }
        // One subject for both: what fails first has the others find that host left alone, be it before this is said.
        let subject = format_args!("fallback");
        let told = &self.site.told;
        match last {
            // Each host has been told of, and why; or it will turn out soon.
            None if matches!(why, WhyHere::NoCompiler | WhyHere::Undecided | WhyHere::Unwilling) => {}
            Some((compilation, Host { spec, .. })) => {
                let input = compilation.input().display();
                let message = format_args!("failed to distribute {input} to {spec}, running locally instead");
                told.through(&self.log.about(Field::Host, spec)).warning(subject, message);
            }
            None => told.warning(subject, format_args!("failed to distribute, running locally instead")),
        }
        self.become_compiler(why, None)
    }

    fn run_here_because(&self, why: WhyLocal) -> Exit {
        let slot = match why {
            WhyLocal::PreprocessOnly => self.site.preprocessor_slot(),
            _ => None,
        };
        self.become_compiler(&WhyHere::Command(why), slot)
    }

    /// Without a slot, waits for one.
    fn become_compiler(&self, why: &WhyHere, slot: Option<Slot>) -> Exit {
        self.log.about(Field::Reason, why.code()).info(format_args!("local: {}: {why}", why.code()));
        self.site.count(Outcome::Here, "", why.code(), self.call.subject());
        let slot = slot.or_else(|| self.site.compile_slot());
        // Monitors show what runs here as long as this process lives, be it as the compiler.
        let _record = self.site.slot_record(self.call.subject(), Phase::Compile, slot.as_ref());
        local::become_compiler(self.call, self.settings.depth, slot, self.log)
    }
}
