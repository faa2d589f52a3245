//! One prepared job on the hosts: each is tried at most once, and what comes back is judged. Says that a job has to run here;
//! does so itself only where a host has rejected the source.

use crate::compile::Job;
use crate::deliver;
use crate::dependencies::KeptRule;
use crate::exit::Exit;
use crate::interrupts::Interrupts;
use crate::local;
use crate::messages::{Messages, says};
use crate::origin::Here;
use crate::remote::{self, Failure};
use crate::source::Source;
use crate::why_here::WhyHere;
use cc_args::Compilation;
use hosts::{Host, Place, Slot};
use job_state::{Outcome, Phase};
use logging::{Field, Log};
use protocol::Response;
use std::ffi::OsString;
use std::io::{self, stderr, stdout};
use std::path::Path;

/// What a remote compiler says that fails only because it was given preprocessed text and no other file.
const BLAMELESS: [&[u8]; 3] = [b"-Werror", b"Assembler messages", b"incbin"];

/// A job that can be sent away.
pub(crate) struct Prepared<'a> {
    pub(crate) job: &'a Job<'a>,
    pub(crate) compilation: &'a Compilation,
    pub(crate) source: Source,
    pub(crate) rule: Option<KeptRule<'a>>,
    pub(crate) interrupts: Interrupts,
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

impl Prepared<'_> {
    /// Tries each host at most once; the source is prepared only once for all of them.
    pub(crate) fn compile_elsewhere(self, hosts: &[Host]) -> Verdict {
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
            command: local::command(name, &[], &call.path, settings.depth),
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
