//! The story of one compile, from command line to object file. The only place that decides to fall back.

use crate::dependencies::KeptRule;
use crate::exit::{Exit, code};
use crate::interrupts::{Broken, Interrupts};
use crate::invocation::CompilerCall;
use crate::messages::{Messages, says};
use crate::origin::{Here, SIGNING};
use crate::remote::{self, Failure};
use crate::settings::Settings;
use crate::site::Site;
use crate::source::{NoSource, Preprocessing, Source};
use crate::why_here::WhyHere;
use crate::{compiler, deliver, local, probe};
use cc_args::{Compilation, WhyLocal};
use hosts::{Host, Place, Slot};
use job_state::{Outcome, Phase};
use logging::{Field, Log};
use protocol::Response;
use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal, stderr, stdout};
use std::path::{Path, PathBuf};

/// What a remote compiler says that fails only because it was given preprocessed text and no other file.
const BLAMELESS: [&[u8]; 3] = [b"-Werror", b"Assembler messages", b"incbin"];

/// One command and what decides about it.
pub(crate) struct Job<'a> {
    pub(crate) call: &'a CompilerCall,
    pub(crate) settings: &'a Settings,
    pub(crate) log: &'a Log,
    pub(crate) site: &'a Site<'a>,
}

/// A job that can be sent away.
struct Prepared<'a> {
    job: &'a Job<'a>,
    compilation: &'a Compilation,
    source: Source,
    rule: Option<KeptRule<'a>>,
    interrupts: Interrupts,
}

/// How a job stands when no host has anything more to give.
enum Verdict {
    /// It is done, well or not.
    Done(Exit),
    /// It has to run here, in this slot if there is one already.
    Here(WhyHere, Option<Slot>),
    /// No host took it; the last one tried.
    NoHost(Option<usize>),
    /// Something is wrong on this side, so no host is to blame and none would do better.
    OwnTrouble(String),
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
        self.site.warn_of_list();
        let list = match self.site.hosts() {
            Ok(list) => list,
            Err(error) => {
                self.site.told.warning(format_args!("{error}"), format_args!("{error}"));
                return self.fall_back(code::NO_HOSTS, None);
            }
        };
        if let Some(problem) = &self.settings.problem {
            self.log.error(format_args!("{problem}"));
            return Exit::Code(code::BAD_ARGUMENTS);
        }
        match self.distribute(&compilation, &list.hosts) {
            Verdict::Done(exit) => exit,
            Verdict::Here(why, slot) => self.become_compiler(&why, slot),
            Verdict::NoHost(last) => {
                let last = last.map(|at| (&compilation, &list.hosts[at]));
                self.fall_back(code::NO_HOSTS, last)
            }
            Verdict::OwnTrouble(what) => {
                self.site.told.warning(format_args!("{what}"), format_args!("{what}"));
                self.fall_back(code::IO_ERROR, None)
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
        match self.prepare(compilation) {
            // Signals act as before again when this returns, as a compiler that runs here must have it.
            Ok(prepared) => prepared.compile_elsewhere(hosts),
            Err(NoSource::Rejected) => Verdict::Here(WhyHere::BadSource, None),
            Err(NoSource::Broken(Broken::Interrupted(signal))) => Verdict::Done(Exit::Signal(signal)),
            Err(NoSource::Broken(broken)) => Verdict::OwnTrouble(format!("cannot preprocess: {broken}")),
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
        words[0] = compiler::known_name(&words[0], &self.call.path);
        // What comes from a pipe would be gone when a compiler here asks for it.
        let compilation =
            cc_args::analyze(&words, |file| file.is_file().then(|| std::fs::read(file).ok())?)?;
        let environment = self.settings.compiler_changed_by.map(|name| WhyLocal::Environment(name.into()));
        let odd_directory = || compilation.hazard_of_directory(&self.directory(&compilation));
        match environment.or_else(|| self.probe(&compilation)).or_else(odd_directory) {
            Some(why) => Err(why),
            None => Ok(compilation),
        }
    }

    fn probe(&self, compilation: &Compilation) -> Option<WhyLocal> {
        if self.settings.probes_remote {
            return None;
        }
        // A directory that is gone leaves the names as they were typed.
        probe::reason(compilation, &std::env::current_dir().unwrap_or_default())
    }

    /// Whether a rule of dependencies is to come from a compiler that is given preprocessed text: there is no other half of
    /// the compile that would write it here.
    pub(crate) fn wants_rule_of_text(&self, compilation: &Compilation) -> bool {
        compilation.is_preprocessed() && self.settings.dependency_file.is_some()
    }

    /// The compiler as typed; it puts its own name before some of its messages. A launcher (`ccache gcc`) is passed over.
    fn typed_name<'a>(&'a self, compilation: &'a Compilation) -> &'a OsStr {
        let known = compilation.compiler();
        if self.call.words.iter().any(|word| word == known) { known } else { &self.call.words[0] }
    }

    /// Before any host's slot is taken, so that none is held while this machine works.
    fn prepare<'a>(&'a self, compilation: &'a Compilation) -> Result<Prepared<'a>, NoSource> {
        // A pipe can be read only once, and the compiler here might still need it.
        if !compilation.input().is_file() {
            return Err(NoSource::Rejected);
        }
        if compilation.is_preprocessed() {
            let text = std::fs::read(compilation.input()).map_err(|_| NoSource::Rejected)?;
            let source =
                Source::preprocessed(compilation.with_line_markers(text, &self.directory(compilation)));
            return Ok(Prepared {
                job: self,
                compilation,
                source,
                rule: None,
                interrupts: Interrupts::catch()?,
            });
        }
        let slot = self.site.preprocessor_slot();
        let interrupts = Interrupts::catch()?;
        let mut args = compilation.preprocess_args();
        args.extend(self.colours(compilation));
        let mut preprocessor =
            local::command(self.typed_name(compilation), &args, &self.call.path, self.settings.depth);
        let dependencies = self.settings.dependency_file.as_ref();
        let rule = dependencies.map(|asked| asked.keep_back(&mut preprocessor)).transpose()?;
        let preprocessing =
            Preprocessing::start(preprocessor, &interrupts).map_err(NoSource::of_what_cannot_start)?;
        let _record =
            self.site.slot_record(compilation.input().as_os_str(), Phase::Preprocess, slot.as_ref());
        let source = preprocessing.finish(&interrupts)?;
        self.save(compilation, &source);
        Ok(Prepared { job: self, compilation, source, rule, interrupts })
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

    /// The command as a server should see it.
    pub(crate) fn server_words(&self, compilation: &Compilation) -> Vec<OsString> {
        let mut args = compilation.server_args_in(&self.directory(compilation));
        args.extend(self.colours(compilation));
        if self.settings.keep_compiler_name {
            return std::iter::once(self.typed_name(compilation).to_owned()).chain(args).collect();
        }
        let name = compiler::remote_name(compilation.compiler(), &self.call.path);
        let target = compiler::clang_target(&name, &args);
        std::iter::once(name).chain(args).chain(target).collect()
    }

    /// The directory that the object names; not asked for where it names none.
    fn directory(&self, compilation: &Compilation) -> PathBuf {
        if !compilation.object_names_directory() {
            return PathBuf::new();
        }
        let is_here = |logical: &&PathBuf| {
            logical.is_absolute() && compiler::identity(logical) == compiler::identity(Path::new("."))
        };
        let logical = self.settings.logical_directory.as_ref().filter(is_here);
        logical.cloned().or_else(|| std::env::current_dir().ok()).unwrap_or_default()
    }

    /// A compiler whose messages pass through us sees no terminal, so it is told that there is one.
    fn colours(&self, compilation: &Compilation) -> Option<OsString> {
        let wanted = self.settings.colours && !compilation.has_diagnostics_color() && stderr().is_terminal();
        wanted.then(|| "-fdiagnostics-color=always".into())
    }

    /// No host took the job; `last` is the one that failed last, with the input's name.
    fn fall_back(&self, code: u8, last: Option<(&Compilation, &Host)>) -> Exit {
        if !self.settings.fallback {
            self.log.error(format_args!("failed to distribute and fallbacks are disabled"));
            return Exit::Code(code);
        }
        // One subject for both: what fails first has the others find that host left alone, be it before this is said.
        let subject = format_args!("fallback");
        let told = &self.site.told;
        match last {
            Some((compilation, Host { spec, .. })) => {
                let input = compilation.input().display();
                let message = format_args!("failed to distribute {input} to {spec}, running locally instead");
                told.through(&self.log.about(Field::Host, spec)).warning(subject, message);
            }
            None => told.warning(subject, format_args!("failed to distribute, running locally instead")),
        }
        let why = if code == code::NO_HOSTS { WhyHere::NoHosts } else { WhyHere::Trouble };
        self.become_compiler(&why, None)
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

impl Prepared<'_> {
    /// Tries each host at most once; the source is prepared only once for all of them.
    fn compile_elsewhere(self, hosts: &[Host]) -> Verdict {
        let words = self.job.server_words(self.compilation);
        let mut tried = Vec::new();
        while let Some((at, slot)) = self.job.site.host_slot(hosts, &tried) {
            let host = &hosts[at];
            if host.place == Place::Local {
                return Verdict::Here(WhyHere::Localhost, Some(slot));
            }
            match self.send(host, &slot, &words) {
                Ok(response) => {
                    drop(slot);
                    return self.finish(host, &response);
                }
                Err(Failure::Interrupted(signal)) => return Verdict::Done(Exit::Signal(signal)),
                Err(Failure::Ours(why)) => return Verdict::OwnTrouble(why),
                Err(failure) => {
                    self.report_failure(host, &failure);
                    // Before the slot is free, or whoever waits for it would try the host, too.
                    self.job.site.bench(host);
                    drop(slot);
                    tried.push(at);
                }
            }
        }
        Verdict::NoHost(tried.last().copied())
    }

    fn send(&self, host: &Host, slot: &Slot, words: &[OsString]) -> Result<Response, Failure> {
        let settings = self.job.settings;
        let job = remote::Job {
            words,
            source: &self.source,
            silence: settings.io_timeout,
            limits: &settings.limits,
            ssh: &settings.ssh,
            log: self.job.log,
        };
        // Made when there is something to tell: while a name is looked up a signal ends us at once.
        let mut record = None;
        let response = job.run(host, &self.interrupts, |phase| {
            let record = record.get_or_insert_with(|| self.job.site.record(self.compilation.input()));
            if let Some(record) = record {
                let _ = record.update(phase, host.name(), slot.number());
            }
        })?;
        self.check_origin(response)
    }

    /// What another version of the compiler has made is not what would have been made here.
    fn check_origin(&self, response: Response) -> Result<Response, Failure> {
        let Job { call, settings, .. } = self.job;
        if settings.any_compiler || !response.status.success() {
            return Ok(response);
        }
        let name = self.job.typed_name(self.compilation);
        let here = Here {
            command: local::command(name, &SIGNING.map(OsString::from), &call.path, settings.depth),
            memory: settings.state_dir.as_ref().map(|directory| directory.path.join("compilers")),
            interrupts: &self.interrupts,
        };
        match here.stranger(&response.object).map_err(Failure::Interrupted)? {
            Some((there, here)) => Err(Failure::OtherCompiler { there, here }),
            None => Ok(response),
        }
    }

    /// A host has answered: its object is taken, or what it says about the source is checked here.
    fn finish(&self, host: &Host, response: &Response) -> Verdict {
        self.job.site.pardon(host);
        if !response.status.success() {
            return Verdict::Done(self.check_rejection(host, response));
        }
        let silent =
            [&response.stderr, &response.stdout, &self.source.messages].iter().all(|said| said.is_empty());
        if self.job.settings.exact_diagnostics && !silent {
            return Verdict::Here(WhyHere::Messages, None);
        }
        if response.object.is_empty() {
            return Verdict::Here(WhyHere::EmptyObject(host.spec.clone()), None);
        }
        if let Some(doubt) = self.doubt(response) {
            return Verdict::Here(WhyHere::Words(doubt), None);
        }
        if let Err((path, error)) = self.deliver(response) {
            return Verdict::Here(WhyHere::NotWritten(path.to_owned(), error), None);
        }
        self.replay(response);
        self.count(Outcome::Remote, host, "");
        let input = self.compilation.input().display();
        self.about(host).info(format_args!("compile {input} on {} completed ok", host.spec));
        Verdict::Done(Exit::SUCCESS)
    }

    /// Why what the host said should rather be said by the compiler here, if so.
    fn doubt(&self, response: &Response) -> Option<&'static str> {
        let messages = Messages {
            family: self.compilation.family(),
            preprocessor: &self.source.messages,
            compiler: &response.stderr,
            speech: self.job.settings.speech,
            own_colours: self.job.settings.own_colours,
        };
        let sent_as_it_is = self.compilation.is_preprocessed();
        messages.doubt(|| if sent_as_it_is { None } else { self.source.bytes().ok() })
    }

    /// Puts object and rule in their places, or says which cannot be.
    fn deliver(&self, response: &Response) -> Result<(), (&Path, io::Error)> {
        // Opened before there is an object, which a compiler that cannot open it would not have made.
        let addition = match &self.rule {
            Some(rule) => Some((rule.file(), rule.open().map_err(|error| (rule.file(), error))?)),
            None => None,
        };
        let output = self.compilation.output();
        deliver::write_output(output, &response.object, self.compilation.writer())
            .map_err(|error| (output, error))?;
        // Last, for a compiler that runs here after all adds its own.
        addition.map_or(Ok(()), |(file, addition)| addition.finish().map_err(|error| (file, error)))
    }

    /// The remote compiler failed. The local one has the last word, and shows whose fault it was.
    fn check_rejection(&self, host: &Host, response: &Response) -> Exit {
        let (input, spec) = (self.compilation.input().display(), &host.spec);
        let remote = Exit::from(response.status);
        let remote_code = remote.shell_code();
        let log = self.about(host).about(Field::Exit, remote_code.to_string());
        log.info(format_args!("compile {input} on {spec} failed with exit code {remote_code}"));
        if self.job.settings.skip_local_retry || !self.job.settings.fallback {
            if let Some(Err(error)) = self.rule.as_ref().map(KeptRule::add) {
                self.job.log.error(format_args!("cannot add to the file of dependencies: {error}"));
            }
            self.replay(response);
            self.count(Outcome::Remote, host, "");
            return remote;
        }
        self.job.site.count(Outcome::Here, "", WhyHere::Rejected.code(), self.job.call.subject());
        let slot = self.job.site.compile_slot();
        let record = self.job.site.slot_record(self.job.call.subject(), Phase::Compile, slot.as_ref());
        let here = local::run(self.job.call, self.job.settings.depth, &self.interrupts, self.job.log);
        drop((record, slot));
        if here != remote && matches!(here, Exit::Code(_)) {
            self.report_difference(host, response, here);
        }
        here
    }

    /// Preprocessed text may give warnings that the source does not, and files that the assembler reads are not sent; any
    /// other difference speaks against the host.
    fn report_difference(&self, host: &Host, response: &Response, here: Exit) {
        let (input, spec) = (self.compilation.input().display(), &host.spec);
        let (there, here) = (Exit::from(response.status).shell_code(), here.shell_code());
        let message = format!(
            "remote compilation of '{input}' failed, retried locally and got a different result: exit code {there} on \
             {spec}, {here} here"
        );
        if BLAMELESS.iter().any(|sign| says(&response.stderr, sign)) {
            self.about(host)
                .info(format_args!("{message}; that is due to preprocessing here, not to the host"));
            return;
        }
        let told = &self.job.site.told;
        told.through(&self.about(host)).warning(format_args!("difference {spec}"), format_args!("{message}"));
        self.count(Outcome::Failed, host, "another result than here");
        self.job.site.bench(host);
    }

    fn report_failure(&self, host: &Host, failure: &Failure) {
        let (input, spec) = (self.compilation.input().display(), &host.spec);
        let message = format_args!("cannot compile {input} on {spec}: {failure}");
        let log = self.about(host).about(Field::Reason, failure.to_string());
        self.job.site.told.through(&log).warning(format_args!("host {spec}"), message);
        self.count(Outcome::Failed, host, &failure.to_string());
    }

    fn count(&self, outcome: Outcome, host: &Host, reason: &str) {
        self.job.site.count(outcome, &host.spec, reason, self.compilation.input().as_os_str());
    }

    /// The log for what is about this job on this host.
    fn about(&self, host: &Host) -> Log {
        self.job.log.about(Field::Host, &host.spec)
    }

    fn replay(&self, response: &Response) {
        deliver::replay(stderr(), &self.source.messages);
        deliver::replay(stderr(), &response.stderr);
        deliver::replay(stdout(), &response.stdout);
    }
}
