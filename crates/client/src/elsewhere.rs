//! One prepared job on the hosts: each is tried at most once, and what comes back is judged. Says that a job has to run here;
//! does so itself only where a host has rejected the source.

use crate::compile::Job;
use crate::dependencies::KeptRule;
use crate::exit::Exit;
use crate::interrupts::{Broken, Interrupts};
use crate::messages::{Messages, says};
use crate::origin::Here;
use crate::preparation::{Sources, Text};
use crate::remote::{self, Failure, Load};
use crate::source::NoSource;
use crate::why_here::WhyHere;
use crate::{deliver, discrepancy, local, make_rule, server_root};
use cc_args::{Compilation, WhyLocal, Writer};
use hosts::{Host, Place, Slot};
use job_state::{Outcome, Phase};
use logging::{Field, Log};
use protocol::{ProtocolError, Response};
use std::io::{self, stderr, stdout};
use std::path::{Path, PathBuf};

/// What a remote compiler says that fails only because it was given preprocessed text and no other file.
const BLAMELESS: [&[u8]; 3] = [b"-Werror", b"Assembler messages", b"incbin"];

/// A job that can be sent away: as its source with all headers, or as preprocessed text, which is made when the first host
/// needs it.
pub(crate) struct Prepared<'a> {
    job: &'a Job<'a>,
    compilation: &'a Compilation,
    interrupts: &'a Interrupts,
    sources: Option<Sources<'a>>,
    text: Option<Text<'a>>,
    /// Nothing but the sources would do.
    text_hazard: Option<WhyLocal>,
}

/// Who has been tried, by place in the list.
#[derive(Default)]
struct Tried {
    hosts: Vec<usize>,
    /// They do not want these sources, but perhaps text.
    with_sources: Vec<usize>,
}

/// What a host gets.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Sources,
    Text,
}

/// How a job stands when no host has anything more to give.
pub(crate) enum Verdict {
    /// It is done, well or not.
    Done(Exit),
    /// It has to run here, in this slot if there is one already.
    Here(WhyHere, Option<Slot>),
    /// No host took it; the last one tried.
    NoHost(Option<usize>),
    /// Something is wrong on this side, so no host is to blame and none would do better.
    OwnTrouble(String),
}

impl<'a> Prepared<'a> {
    pub(crate) fn new(
        job: &'a Job<'a>,
        compilation: &'a Compilation,
        interrupts: &'a Interrupts,
    ) -> Prepared<'a> {
        let text_hazard = job.text_hazard(compilation);
        Prepared { job, compilation, interrupts, sources: None, text: None, text_hazard }
    }

    /// Tries each host at most once in each form; sources and text are prepared only once for all of them, and while no
    /// slot is held.
    pub(crate) fn compile_elsewhere(mut self, hosts: &[Host]) -> Verdict {
        self.sources = match self.job.sources_for(self.compilation, hosts, self.interrupts) {
            Ok(sources) => sources,
            Err(exit) => return Verdict::Done(exit),
        };
        let mut tried = Tried::default();
        loop {
            let forms = self.forms(hosts, &tried);
            let avoided = self.avoided(hosts, &forms, &tried);
            let takers = (0..hosts.len()).filter(|at| !avoided.contains(at));
            if avoided.len() < hosts.len()
                && takers.into_iter().all(|at| forms[at] == Form::Text)
                && let Err(verdict) = self.make_text()
            {
                return verdict;
            }
            let Some((at, slot)) = self.job.site.host_slot(hosts, &avoided) else {
                return self.nobody(&tried);
            };
            let host = &hosts[at];
            if host.place == Place::Local {
                return Verdict::Here(WhyHere::Localhost, Some(slot));
            }
            let form = forms[at];
            if form == Form::Text && self.text.is_none() {
                drop(slot);
                match self.make_text() {
                    Ok(()) => continue,
                    Err(verdict) => return verdict,
                }
            }
            let outcome = self.send(host, &slot, form);
            if let Some(verdict) = self.judge(outcome, (at, host, slot), form, &mut tried) {
                return verdict;
            }
        }
    }

    /// What follows from a host's answer; none if others are to be tried, or the same one in another form.
    fn judge(
        &mut self,
        outcome: Result<Response, Failure>,
        (at, host, slot): (usize, &Host, Slot),
        form: Form,
        tried: &mut Tried,
    ) -> Option<Verdict> {
        match outcome {
            Ok(response) => {
                drop(slot);
                if form == Form::Sources && self.names_a_root(&response) {
                    self.report_own_names(host);
                    return None;
                }
                return Some(self.finish(host, &response, form));
            }
            Err(Failure::Interrupted(signal)) => return Some(Verdict::Done(Exit::Signal(signal))),
            Err(Failure::Ours(why)) => return Some(Verdict::OwnTrouble(why)),
            Err(Failure::NoIncludes(why)) => {
                let input = self.compilation.input().display();
                let message = format_args!("{why}; preprocessing {input} here");
                self.job.site.told.warning(format_args!("include server"), message);
                self.sources = None;
            }
            Err(Failure::Protocol(ProtocolError::NoAnswer)) if form == Form::Sources => {
                self.report_refused_sources(host);
                tried.with_sources.push(at);
            }
            Err(failure) => {
                self.report_failure(host, &failure);
                // Before the slot is free, or whoever waits for it would try the host, too.
                self.job.site.bench(host);
                tried.hosts.push(at);
            }
        }
        None
    }

    /// What each host would get.
    fn forms(&self, hosts: &[Host], tried: &Tried) -> Vec<Form> {
        let is_for_sources = |at: usize, host: &Host| {
            self.sources.is_some() && !tried.with_sources.contains(&at) && self.job.site.takes_sources(host)
        };
        let form = |(at, host)| if is_for_sources(at, host) { Form::Sources } else { Form::Text };
        hosts.iter().enumerate().map(form).collect()
    }

    /// The hosts that are not to be given the job, by place in the list.
    fn avoided(&self, hosts: &[Host], forms: &[Form], tried: &Tried) -> Vec<usize> {
        let cannot_have_text = |at: usize| self.text_hazard.is_some() && hosts[at].place != Place::Local;
        let avoided =
            |at: &usize| tried.hosts.contains(at) || forms[*at] == Form::Text && cannot_have_text(*at);
        (0..hosts.len()).filter(avoided).collect()
    }

    /// No host is left.
    fn nobody(&mut self, tried: &Tried) -> Verdict {
        match self.text_hazard.take() {
            Some(why) if tried.hosts.is_empty() => Verdict::Here(WhyHere::Command(why), None),
            _ => Verdict::NoHost(tried.hosts.last().copied()),
        }
    }

    /// Makes the text if there is none.
    fn make_text(&mut self) -> Result<(), Verdict> {
        if self.text.is_none() {
            let made = self.job.text(self.compilation, self.interrupts);
            self.text = Some(made.map_err(|error| match error {
                NoSource::Rejected => Verdict::Here(WhyHere::BadSource, None),
                NoSource::Broken(Broken::Interrupted(signal)) => Verdict::Done(Exit::Signal(signal)),
                NoSource::Broken(broken) => Verdict::OwnTrouble(format!("cannot preprocess: {broken}")),
            })?);
        }
        Ok(())
    }

    fn send(&mut self, host: &Host, slot: &Slot, form: Form) -> Result<Response, Failure> {
        let settings = self.job.settings;
        let words;
        let load = match (form, &mut self.sources, &self.text) {
            (Form::Sources, Some(sources), _) => Load::Sources(sources),
            (_, _, Some(text)) => {
                words = self.job.server_words(self.compilation);
                Load::Text(&words, &text.source)
            }
            _ => return Err(Failure::Ours("there is nothing to send".into())),
        };
        let mut job = remote::Job {
            load,
            silence: settings.io_timeout,
            limits: &settings.limits,
            ssh: &settings.ssh,
            log: self.job.log,
        };
        // Made when there is something to tell: while a name is looked up a signal ends us at once.
        let mut record = None;
        let response = job.run(host, self.interrupts, |phase| {
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
            command: local::command(name, &[], &call.path, settings.depth),
            memory: settings.state_dir.as_ref().map(|directory| directory.path.join("compilers")),
            interrupts: self.interrupts,
        };
        match here.stranger(&response.object).map_err(Failure::Interrupted)? {
            Some((there, here)) => Err(Failure::OtherCompiler { there, here }),
            None => Ok(response),
        }
    }

    /// A host has answered: its object is taken, or what it says about the source is checked here.
    fn finish(&self, host: &Host, response: &Response, form: Form) -> Verdict {
        self.job.site.pardon(host);
        if !response.status.success() {
            return Verdict::Done(self.check_rejection(host, response, form));
        }
        let said = [response.stderr.as_slice(), &response.stdout, self.preprocessor_messages(form)];
        let silent = said.iter().all(|said| said.is_empty());
        if self.job.settings.exact_diagnostics && !silent {
            return Verdict::Here(WhyHere::Messages, None);
        }
        if response.object.is_empty() {
            return Verdict::Here(WhyHere::EmptyObject(host.spec.clone()), None);
        }
        if let Some(doubt) = self.doubt(response, form) {
            return Verdict::Here(WhyHere::Words(doubt), None);
        }
        if let Err((path, error)) = self.deliver(response, form) {
            return Verdict::Here(WhyHere::NotWritten(path, error), None);
        }
        self.replay(response, form);
        self.count(Outcome::Remote, host, "");
        let input = self.compilation.input().display();
        self.about(host).info(format_args!("compile {input} on {} completed ok", host.spec));
        Verdict::Done(Exit::SUCCESS)
    }

    /// Why what the host said should rather be said by the compiler here, if so.
    fn doubt(&self, response: &Response, form: Form) -> Option<&'static str> {
        let messages = Messages {
            family: self.compilation.family(),
            preprocessor: self.preprocessor_messages(form),
            compiler: &response.stderr,
            speech: self.job.settings.speech,
            own_colours: self.job.settings.own_colours,
        };
        let text = self.text.as_ref().filter(|_| form == Form::Text);
        match text {
            Some(_) if self.compilation.is_preprocessed() => messages.doubt_of_text(|| None),
            Some(text) => messages.doubt_of_text(|| text.source.bytes().ok()),
            None => messages.doubt_of_sources(),
        }
    }

    fn preprocessor_messages(&self, form: Form) -> &[u8] {
        let text = self.text.as_ref().filter(|_| form == Form::Text);
        text.map_or(&[], |text| &text.source.messages)
    }

    /// Puts object and rule in their places, or says which cannot be.
    fn deliver(&self, response: &Response, form: Form) -> Result<(), (PathBuf, io::Error)> {
        let output = self.compilation.output();
        let write_object = || {
            deliver::write_output(output, &response.object, self.compilation.writer())
                .map_err(|error| (output.to_owned(), error))
        };
        match (form, self.text.as_ref().and_then(|text| text.rule.as_ref())) {
            (Form::Sources, _) => {
                self.deliver_rule(response)?;
                write_object()
            }
            (Form::Text, None) => write_object(),
            (Form::Text, Some(rule)) => {
                let at_rule = |error| (rule.file().to_owned(), error);
                // Opened before there is an object, which a compiler that cannot open it would not have made.
                let addition = rule.open().map_err(at_rule)?;
                write_object()?;
                // Last, for a compiler that runs here after all adds its own.
                addition.finish().map_err(at_rule)
            }
        }
    }

    /// The file of dependencies, as a compiler writes it before the object.
    fn deliver_rule(&self, response: &Response) -> Result<(), (PathBuf, io::Error)> {
        let (Some(file), Some(rule)) = (self.compilation.dependency_file(), &response.dependencies) else {
            return Ok(());
        };
        let rule = make_rule::broken_as_here(rule, self.compilation.family());
        deliver::write_output(&file, &rule, Writer::CompilerProper).map_err(|error| (file, error))
    }

    /// Whether what came back names a directory of the server's.
    fn names_a_root(&self, response: &Response) -> bool {
        let directory = self.sources.as_ref().map_or(Path::new("/"), |sources| &sources.directory);
        let said = [&response.object, &response.stdout];
        said.iter().any(|bytes| server_root::is_named_in(bytes, directory))
    }

    fn report_own_names(&self, host: &Host) {
        let (input, spec) = (self.compilation.input().display(), &host.spec);
        let message = format_args!(
            "{spec} puts names of its own directories into what it compiles, as into {input}; it gets preprocessed text"
        );
        let log = self.about(host);
        self.job.site.told.through(&log).warning(format_args!("own names {spec}"), message);
        self.job.site.remember_own_names(host);
    }

    fn report_refused_sources(&self, host: &Host) {
        let (input, spec) = (self.compilation.input().display(), &host.spec);
        let message =
            format_args!("{spec} does not take {input} with its headers (its log says why); sending text");
        let log = self.about(host);
        self.job.site.told.through(&log).warning(format_args!("refused sources {spec}"), message);
    }

    /// The remote compiler failed. The local one has the last word, and shows whose fault it was.
    fn check_rejection(&self, host: &Host, response: &Response, form: Form) -> Exit {
        let (input, spec) = (self.compilation.input().display(), &host.spec);
        let remote = Exit::from(response.status);
        let remote_code = remote.shell_code();
        let log = self.about(host).about(Field::Exit, remote_code.to_string());
        log.info(format_args!("compile {input} on {spec} failed with exit code {remote_code}"));
        if self.job.settings.skip_local_retry || !self.job.settings.fallback {
            let rule = self.text.as_ref().and_then(|text| text.rule.as_ref());
            if let Some(Err(error)) = rule.map(KeptRule::add) {
                self.job.log.error(format_args!("cannot add to the file of dependencies: {error}"));
            }
            self.replay(response, form);
            self.count(Outcome::Remote, host, "");
            return remote;
        }
        self.job.site.count(Outcome::Here, "", WhyHere::Rejected.code(), self.job.call.subject());
        let slot = self.job.site.compile_slot();
        let record = self.job.site.slot_record(self.job.call.subject(), Phase::Compile, slot.as_ref());
        let here = local::run(self.job.call, self.job.settings.depth, self.interrupts, self.job.log);
        drop((record, slot));
        if here != remote && matches!(here, Exit::Code(_)) {
            match form {
                Form::Sources => discrepancy::report(self.job, self.compilation, host, self.interrupts),
                Form::Text => self.report_difference(host, response, here),
            }
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

    fn replay(&self, response: &Response, form: Form) {
        deliver::replay(stderr(), self.preprocessor_messages(form));
        deliver::replay(stderr(), &response.stderr);
        deliver::replay(stdout(), &response.stdout);
    }
}
