//! One prepared job and one host: what goes in front of it, what it gets, and whether what comes back is to be believed.
//! Knows nothing of other hosts.

use super::{Form, Prepared};
use crate::compile::Job;
use crate::local;
use crate::origin::{self, Here};
use crate::reach::Reach;
use crate::remote::{self, Failure, Load};
use crate::settings::ToolchainCheck;
use crate::trust::{Follows, Proven, Step, Trust, follows};
use hosts::{Host, Slot};
use logging::Field;
use protocol::{ProtocolError, Response};

impl<'a> Prepared<'a> {
    /// Has `host` do it if it may, and asks it once more what it has if it does not take what stands in front of the job.
    pub(super) fn send(&mut self, host: &Host, slot: &Slot, form: Form) -> Result<Response, Failure> {
        let before = self.proof(host)?;
        let failure = match self.send_with(host, slot, form, before.clone()) {
            Err(failure) => failure,
            done => return done,
        };
        let has_closed = matches!(failure, Failure::ProofNotTaken);
        if has_closed && form == Form::Sources {
            // Most likely it takes none; if it was for the proof, the text that comes next shows it.
            return Err(Failure::SourcesNotTaken(ProtocolError::NoAnswer.to_string()));
        }
        if let Follows::Failed(failure) = follows(Step::Job, failure) {
            return Err(failure);
        }
        self.trust.iter_mut().for_each(|trust| trust.doubt(host));
        let now = self.proof(host)?;
        // The same daemon with the same compiler would be given for a second time what it has closed on.
        let again = if has_closed && now == before {
            Err(Failure::ProofNotTaken)
        } else {
            self.send_with(host, slot, form, now)
        };
        again.map_err(|failure| match follows(Step::JobAgain, failure).at_last() {
            Ok(why) => self.condemned(host, why),
            Err(Failure::Protocol(ProtocolError::NoAnswer)) if form == Form::Sources => {
                Failure::SourcesNotTaken(ProtocolError::NoAnswer.to_string())
            }
            Err(failure) => failure,
        })
    }

    /// `host` gets no jobs for this compiler for a while.
    fn condemned(&mut self, host: &Host, why: String) -> Failure {
        self.trust.iter_mut().for_each(|trust| trust.condemn(host, why.clone()));
        Failure::Stranger(why)
    }

    fn proof(&mut self, host: &Host) -> Result<Option<Proven>, Failure> {
        let reach = self.reach();
        self.trust.as_mut().map_or(Ok(None), |trust| trust.proof(host, reach))
    }

    fn reach(&self) -> Reach<'a> {
        let Job { settings, log, .. } = self.job;
        Reach { silence: settings.io_timeout, ssh: &settings.ssh, log, interrupts: self.interrupts }
    }

    fn send_with(
        &mut self,
        host: &Host,
        slot: &Slot,
        form: Form,
        proof: Option<Proven>,
    ) -> Result<Response, Failure> {
        let (reach, limits) = (self.reach(), &self.job.settings.limits);
        let words;
        let load = match (form, &mut self.sources, &self.text) {
            (Form::Sources, Some(sources), _) => {
                let (input, spec) = (self.compilation.input().display(), &host.spec);
                let log = self.job.log.about(Field::Host, spec);
                log.info(format_args!("sending {input} with its headers to {spec}"));
                Load::Sources(sources)
            }
            (_, _, Some(text)) => {
                words = self.job.server_words(self.compilation);
                Load::Text(&words, &text.source)
            }
            _ => return Err(Failure::Ours("there is nothing to send".into())),
        };
        // Made when there is something to tell: while a name is looked up a signal ends us at once.
        let mut record = None;
        let fingerprint = proof.as_ref().map(|proven| proven.fingerprint.as_str());
        let processor = self.compilation.told_processor().map(|told| &told.words[..]).unwrap_or_default();
        let mut job = remote::Job { load, reach, limits, proof: fingerprint, processor };
        let response = job.run(host, |phase| {
            let record = record.get_or_insert_with(|| self.job.site.record(self.compilation.input()));
            if let Some(record) = record {
                let _ = record.update(phase, host.name(), slot.number());
            }
        })?;
        let is_still = self.trust.as_ref().map(|trust| trust.own_is_still(self.interrupts)).transpose();
        if is_still.map_err(Failure::Interrupted)? == Some(false) {
            return Err(Failure::Replaced);
        }
        let is_known = proof.is_some() && self.trust.as_ref().is_some_and(Trust::proof_is_enough);
        if is_known { Ok(response) } else { self.check_origin(host, response) }
    }

    /// What another version of the compiler has made is not what would have been made here.
    fn check_origin(&mut self, host: &Host, response: Response) -> Result<Response, Failure> {
        let Job { call, settings, .. } = self.job;
        if settings.any_compiler || !response.status.success() {
            return Ok(response);
        }
        let name = self.job.typed_name(self.compilation);
        let here = Here {
            command: local::command(name, &[], &call.path, settings.depth),
            memory: settings.state_dir.as_ref().map(|directory| directory.path.join("compilers")),
            interrupts: self.interrupts,
            loosely: settings.toolchain_check == ToolchainCheck::Target,
        };
        let Some((there, here)) = here.stranger(&response.object).map_err(Failure::Interrupted)? else {
            return Ok(response);
        };
        Err(match &self.trust {
            Some(_) => self.condemned(host, origin::other(&there, &here)),
            None => Failure::OtherCompiler { there, here },
        })
    }
}
