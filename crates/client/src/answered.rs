//! What a host's answer to a job is worth: it is delivered, or doubted, or a failure that is checked here. Knows nothing of
//! how it was got.

use crate::dependencies::KeptRule;
use crate::elsewhere::{Form, Prepared, Verdict};
use crate::exit::Exit;
use crate::messages::{Messages, says};
use crate::why_here::WhyHere;
use crate::{deliver, discrepancy, local, make_rule};
use cc_args::Writer;
use hosts::Host;
use job_state::{Outcome, Phase};
use logging::Field;
use protocol::Response;
use std::io::{self, stderr, stdout};
use std::path::{Path, PathBuf};

/// What a remote compiler says that fails only because it was given preprocessed text and no other file.
const BLAMELESS: [&[u8]; 3] = [b"-Werror", b"Assembler messages", b"incbin"];

/// What gcc and clang say of a part of theirs that has come to a bad end: no header would have helped.
const DIED: [&[u8]; 4] = [
    b"signal terminated program",
    b"internal compiler error",
    b"unable to execute command",
    b"frontend command failed",
];

impl Prepared<'_> {
    /// A host has answered: its object is taken, or what it says about the source is checked here.
    pub(crate) fn finish(&self, host: &Host, response: &Response, form: Form) -> Verdict {
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
        if form == Form::Sources && self.lacks_rule(response) {
            return Verdict::Here(WhyHere::NoRule(host.spec.clone()), None);
        }
        if let Some(doubt) = self.doubt(response, form) {
            return Verdict::Here(WhyHere::Words(doubt), None);
        }
        if let Err((path, error)) = self.deliver(response, form) {
            return Verdict::Here(WhyHere::NotWritten(path, error), None);
        }
        self.replay(response, form);
        self.count(Outcome::Remote, host, self.way(host, form));
        let input = self.compilation.input().display();
        self.about(host).info(format_args!("compile {input} on {} completed ok", host.spec));
        Verdict::Done(Exit::SUCCESS)
    }

    fn lacks_rule(&self, response: &Response) -> bool {
        let is_empty = response.dependencies.as_ref().is_none_or(Vec::is_empty);
        is_empty && self.compilation.dependency_file().is_some()
    }

    /// Why what the host said should rather be said by the compiler here, if so.
    fn doubt(&self, response: &Response, form: Form) -> Option<&'static str> {
        let there = self.job.name_elsewhere(self.compilation);
        let name_here = Path::new(self.job.typed_name(self.compilation)).file_name();
        let name_there = Path::new(&there).file_name().filter(|name| Some(*name) != name_here);
        let messages = Messages {
            family: self.compilation.family(),
            preprocessor: self.preprocessor_messages(form),
            compiler: &response.stderr,
            strange_name: name_there,
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
            self.count(Outcome::Remote, host, self.way(host, form));
            return remote;
        }
        self.job.site.count(Outcome::Here, "", WhyHere::Rejected.code(), self.job.call.subject());
        let slot = self.job.site.compile_slot();
        let record = self.job.site.slot_record(self.job.call.subject(), Phase::Compile, slot.as_ref());
        let here = local::run(self.job.call, self.job.settings.depth, self.interrupts, self.job.log);
        drop((record, slot));
        if here != remote && matches!(here, Exit::Code(_)) {
            let died =
                matches!(remote, Exit::Signal(_)) || DIED.iter().any(|sign| says(&response.stderr, sign));
            match form {
                Form::Sources if here == Exit::SUCCESS && !died => {
                    discrepancy::report(self, host, &response.stderr);
                }
                _ => self.report_difference(host, response, here),
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

    fn replay(&self, response: &Response, form: Form) {
        deliver::replay(stderr(), self.preprocessor_messages(form));
        deliver::replay(stderr(), &response.stderr);
        deliver::replay(stdout(), &response.stdout);
    }
}
