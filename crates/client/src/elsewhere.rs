//! One prepared job on the hosts: each is tried at most once in the form that it takes, and what it made of the job follows
//! elsewhere. Knows nothing of what an answer says.

mod attempt;

use crate::compile::Job;
use crate::exit::Exit;
use crate::interrupts::{Broken, Interrupts};
use crate::preparation::{NO_INCLUDE_SERVER, Sources, Text, WhyNone};
use crate::remote::Failure;
use crate::server_root;
use crate::source::NoSource;
use crate::tried::Tried;
use crate::trust::{Trust, line, on_one_line};
use crate::why_here::WhyHere;
use cc_args::{Compilation, WhyLocal};
use hosts::{Host, Place, Slot};
use job_state::Outcome;
use logging::{Field, Log};
use protocol::Response;
use std::path::Path;

/// A job that can be sent away: as its source with all headers, or as preprocessed text, which is made when the first host
/// needs it.
pub(crate) struct Prepared<'a> {
    pub(crate) job: &'a Job<'a>,
    pub(crate) compilation: &'a Compilation,
    pub(crate) interrupts: &'a Interrupts,
    sources: Option<Sources<'a>>,
    pub(crate) text: Option<Text<'a>>,
    /// Why there are no sources, as one word; empty where nobody has looked for them.
    why_text: String,
    /// Nothing but the sources would do.
    text_hazard: Option<WhyLocal>,
    /// Which hosts have the compiler that is here; none where nobody cares.
    trust: Option<Trust<'a>>,
}

/// What a host gets.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
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
    /// No host is known to have the compiler that is here and to do the job with it, for this reason.
    NoCompiler(WhyHere),
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
        Prepared {
            job,
            compilation,
            interrupts,
            sources: None,
            text: None,
            why_text: String::new(),
            text_hazard,
            trust: None,
        }
    }

    /// Tries each host at most once in each form; sources and text are prepared only once for all of them, and while no
    /// slot is held.
    pub(crate) fn compile_elsewhere(mut self, hosts: &[Host]) -> Verdict {
        let mut tried = Tried::default();
        // Before the source is read: what a compiler that came later has made of it is not for one that is known from before.
        match Trust::begin(self.job, self.compilation, self.interrupts) {
            Ok(trust) => self.trust = trust,
            Err(signal) => return Verdict::Done(Exit::Signal(signal)),
        }
        self.pass_over_strangers(hosts, &mut tried);
        if tried.is_for_nobody(hosts) {
            return self.nobody(hosts, &tried);
        }
        let takers = (0..hosts.len()).filter(|at| !tried.is_out(*at)).map(|at| &hosts[at]);
        match self.job.sources_for(self.compilation, takers, self.interrupts) {
            Ok(sources) => self.sources = Some(sources),
            Err(WhyNone::Text(why)) => self.why_text = why,
            Err(WhyNone::End(exit)) => return Verdict::Done(exit),
        }
        loop {
            let forms = self.forms(hosts, &tried);
            let avoided = self.avoided(hosts, &forms, &tried);
            let mut takers = (0..hosts.len()).filter(|at| !avoided.contains(at));
            if avoided.len() < hosts.len()
                && takers.all(|at| forms[at] == Form::Text)
                && let Err(verdict) = self.make_text()
            {
                return verdict;
            }
            let Some((at, slot)) = self.job.site.host_slot(hosts, &avoided) else {
                return self.nobody(hosts, &tried);
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
                    self.why_text = "own-names".to_owned();
                    tried.with_sources.push(at);
                    return None;
                }
                return Some(self.finish(host, &response, form));
            }
            Err(Failure::Interrupted(signal)) => return Some(Verdict::Done(Exit::Signal(signal))),
            Err(Failure::Ours(why)) => return Some(Verdict::OwnTrouble(why)),
            Err(Failure::Replaced) => return Some(Verdict::Here(WhyHere::Replaced, None)),
            Err(Failure::NoIncludes(why)) => {
                let input = self.compilation.input().display();
                let message = format_args!("{why}; preprocessing {input} here");
                self.job.site.told.remark(format_args!("include server"), message);
                self.sources = None;
                self.why_text = NO_INCLUDE_SERVER.to_owned();
            }
            Err(Failure::Stranger(why)) => {
                self.report_stranger(host, &why);
                tried.strangers.push(at);
            }
            Err(Failure::Undecided) => {
                let message = format_args!("{} is passed over: {}", host.spec, Failure::Undecided);
                self.about(host).info(message);
                tried.undecided.push(at);
            }
            Err(Failure::TakesNoNative) => tried.untold.push(at),
            Err(Failure::NotThisJob(why)) => {
                self.report_unwilling(host, &why);
                tried.unwilling.push(at);
            }
            Err(Failure::SourcesNotTaken(why)) => {
                self.report_refused_sources(host, &why);
                self.why_text = "refused".to_owned();
                tried.with_sources.push(at);
            }
            Err(failure) => {
                // Who serves there when it is tried again may be another.
                self.trust.iter_mut().for_each(|trust| trust.doubt(host));
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
        let avoided = |at: &usize| tried.is_out(*at) || forms[*at] == Form::Text && cannot_have_text(*at);
        (0..hosts.len()).filter(avoided).collect()
    }

    /// No host is left.
    fn nobody(&mut self, hosts: &[Host], tried: &Tried) -> Verdict {
        let told = self.compilation.told_processor().filter(|_| !tried.untold.is_empty());
        match told.map(|told| told.why.clone()).or(self.text_hazard.take()) {
            _ if told.is_none() && tried.is_for_nobody(hosts) => {
                Verdict::NoCompiler(match (tried.undecided.as_slice(), tried.unwilling.as_slice()) {
                    ([], []) => WhyHere::NoCompiler,
                    ([], _) => WhyHere::Unwilling,
                    _ => WhyHere::Undecided,
                })
            }
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

    /// Hosts of which it is known already that they have another compiler, or cannot be told of this processor.
    fn pass_over_strangers(&mut self, hosts: &[Host], tried: &mut Tried) {
        let Some(trust) = &self.trust else { return };
        for (at, host) in hosts.iter().enumerate().filter(|(_, host)| host.place != Place::Local) {
            if let Some(why) = trust.stranger(host) {
                self.report_stranger(host, why);
                tried.strangers.push(at);
            } else if self.compilation.told_processor().is_some() && trust.takes_no_native(host) {
                tried.untold.push(at);
            }
        }
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
        self.job.site.told.through(&log).remark(format_args!("own names {spec}"), message);
        self.job.site.leave_with_text(host);
    }

    fn report_refused_sources(&self, host: &Host, why: &str) {
        let (input, spec) = (self.compilation.input().display(), &host.spec);
        let message = format_args!("{spec} does not take {input} with its headers: {why}");
        let log = self.about(host).about(Field::Reason, why);
        self.job.site.told.through(&log).remark(format_args!("refused sources {spec}"), message);
    }

    /// Once a build; no job fails for it, and nothing is held against the host.
    fn report_stranger(&self, host: &Host, why: &str) {
        let (spec, name) = (&host.spec, self.job.name_elsewhere(self.compilation));
        let why = &on_one_line(why);
        let log = self.about(host).about(Field::Reason, why);
        let (subject, line) = (format!("stranger {spec} {}", name.display()), line::of(host, &name, why));
        self.job.site.told.through(&log).warning(format_args!("{subject}"), format_args!("{line}"));
    }

    /// It does other jobs as before.
    fn report_unwilling(&self, host: &Host, why: &str) {
        let (input, spec, why) = (self.compilation.input().display(), &host.spec, &on_one_line(why));
        let message = format_args!("{spec} does not compile {input}: {why}");
        let log = self.about(host).about(Field::Reason, why);
        self.job.site.told.through(&log).remark(format_args!("unwilling {spec}"), message);
    }

    fn report_failure(&self, host: &Host, failure: &Failure) {
        let (input, spec) = (self.compilation.input().display(), &host.spec);
        let message = format_args!("cannot compile {input} on {spec}: {failure}");
        let log = self.about(host).about(Field::Reason, failure.to_string());
        self.job.site.told.through(&log).warning(format_args!("host {spec}"), message);
        self.count(Outcome::Failed, host, &failure.to_string());
    }

    /// In which form a host has done the job, as one word; none where that is of no interest.
    pub(crate) fn way(&self, host: &Host, form: Form) -> &str {
        match form {
            Form::Sources => "sources",
            Form::Text if host.pump => &self.why_text,
            Form::Text => "",
        }
    }

    pub(crate) fn count(&self, outcome: Outcome, host: &Host, reason: &str) {
        self.job.site.count(outcome, &host.spec, reason, self.compilation.input().as_os_str());
    }

    /// The log for what is about this job on this host.
    pub(crate) fn about(&self, host: &Host) -> Log {
        self.job.log.about(Field::Host, &host.spec)
    }
}
