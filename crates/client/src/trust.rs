//! May this host compile for this compiler? Only where it has shown that its own does the same: by a fingerprint, where our
//! daemon serves, or by a sample. Knows nothing of how jobs are sent.

mod canary;
mod inquiry;
mod known;
pub(crate) mod line;
mod opinion;
mod own;
mod setback;
mod turn;

use crate::compile::Job;
use crate::interrupts::Interrupts;
use crate::reach::Reach;
use crate::remote::Failure;
use crate::settings::ToolchainCheck;
use canary::Difference;
use cc_args::Compilation;
use hosts::{Host, Place};
pub(crate) use known::Proven;
pub(crate) use known::on_one_line;
use known::{Known, Standing};
use nix::sys::signal::Signal;
use opinion::Opinion;
use own::Own;
use protocol::inquiry::TellingCompiler;
pub(crate) use setback::{Follows, Step, follows};
use std::ffi::OsString;
use std::time::Duration;
use turn::Whose;

/// So long another client is waited for that asks a host, where the job can be done elsewhere. A daemon that has just been
/// started reads its whole compiler first.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is known, and can be found out, about hosts for the compiler of one job.
pub(crate) struct Trust<'a> {
    job: &'a Job<'a>,
    compilation: &'a Compilation,
    /// The compiler's name as other machines know it.
    name: OsString,
    own: Own,
    known: Known,
}

impl<'a> Trust<'a> {
    /// Reads what is known; none where nothing is to be checked.
    ///
    /// # Errors
    /// The signal that arrived while the compiler here was asked what it is.
    pub(crate) fn begin(
        job: &'a Job<'a>,
        compilation: &'a Compilation,
        interrupts: &Interrupts,
    ) -> Result<Option<Trust<'a>>, Signal> {
        if job.settings.toolchain_check == ToolchainCheck::Off {
            return Ok(None);
        }
        let own = Own::of(job, compilation, interrupts)?;
        let name = job.name_elsewhere(compilation);
        let state_dir = job.settings.state_dir.as_ref().map(|directory| directory.path.as_path());
        let language = compilation.language().preprocessed_extension();
        let question =
            (own.program(), &name, language, job.settings.toolchain_check == ToolchainCheck::Target);
        let known = Known::read(state_dir, question, own.mark());
        Ok(Some(Trust { job, compilation, name, own, known }))
    }

    /// Why `host` gets none of these jobs for now, if that is known; a sentence about it.
    pub(crate) fn stranger(&self, host: &Host) -> Option<&str> {
        match self.known.of(host) {
            Some(Standing::Stranger(why)) => Some(why),
            _ => None,
        }
    }

    /// Whether it is known of `host` that it cannot be told what `native` means here.
    pub(crate) fn takes_no_native(&self, host: &Host) -> bool {
        self.heeded(host).is_some_and(|standing| !takes_native(standing))
    }

    /// What is to be put in front of a job for `host`, if anything is.
    ///
    /// # Errors
    /// [`Failure`]: `Stranger` where it is not to have the job, `TakesNoNative` where it is not to have this one,
    /// `Undecided` while another client is finding that out.
    pub(crate) fn proof(&mut self, host: &Host, reach: Reach) -> Result<Option<Proven>, Failure> {
        match self.standing(host, reach)? {
            Standing::Stranger(why) => Err(Failure::Stranger(why)),
            standing if self.compilation.told_processor().is_some() && !takes_native(&standing) => {
                Err(Failure::TakesNoNative)
            }
            Standing::Proven(proven) => Ok(Some(proven)),
            Standing::Alike => Ok(None),
        }
    }

    fn standing(&mut self, host: &Host, reach: Reach) -> Result<Standing, Failure> {
        if let Some(standing) = self.heeded(host) {
            return Ok(standing.clone());
        }
        let patience =
            if self.job.settings.fallback { PATIENCE.min(reach.silence / 2) } else { reach.silence };
        let file = self.known.lock_of(host);
        let read_again = || {
            self.known.read_again();
            self.heeded(host).cloned()
        };
        let whose = turn::wait(file.as_deref(), patience, reach.interrupts, read_again);
        match whose.map_err(Failure::Interrupted)? {
            Whose::Known(standing) => Ok(standing),
            Whose::Anothers => Err(Failure::Undecided),
            Whose::Ours(_turn) => {
                let standing = self.find_out(host, reach)?;
                self.known.note(host, Some(standing.clone()));
                Ok(standing)
            }
        }
    }

    /// What is known of `host`. That it cannot be told what `native` means here, whoever upgrades it waits for, as for another
    /// compiler.
    fn heeded(&self, host: &Host) -> Option<&Standing> {
        let wants_native = self.compilation.told_processor().is_some();
        let counts =
            |standing: &&Standing| !wants_native || takes_native(standing) || self.known.is_new(host);
        self.known.of(host).filter(counts)
    }

    /// What was known of `host` has proved wrong.
    pub(crate) fn doubt(&mut self, host: &Host) {
        self.known.doubt(host);
    }

    /// What `host` has sent is not from the compiler that is here.
    pub(crate) fn condemn(&mut self, host: &Host, why: String) {
        self.known.note(host, Some(Standing::Stranger(why)));
    }

    /// Whether what comes with a proof needs no other: all that compiles here is known, and so is what compiles there.
    pub(crate) fn proof_is_enough(&self) -> bool {
        self.own.has_fingerprint()
    }

    /// Whether the compiler here is still the one that it was when the job began, be it in files that have been written
    /// anew: each package that brings libraries writes the loader's list of them.
    ///
    /// # Errors
    /// The signal that arrived while the compiler here was asked what it is now.
    pub(crate) fn own_is_still(&self, interrupts: &Interrupts) -> Result<bool, Signal> {
        let holds = self.own.still_holds();
        if holds || !self.own.has_fingerprint() {
            return Ok(holds);
        }
        Ok(Own::of(self.job, self.compilation, interrupts)?.mark() == self.own.mark())
    }

    fn find_out(&self, host: &Host, reach: Reach) -> Result<Standing, Failure> {
        let telling = match inquiry::ask(&reach, host, &self.name) {
            Ok(telling) => Some(telling),
            Err(failure) => match follows(Step::Inquiry, failure) {
                Follows::Failed(failure) => return Err(failure),
                _ => None,
            },
        };
        let check = self.job.settings.toolchain_check;
        let tells_native =
            telling.as_ref().is_some_and(|telling| telling.features.iter().any(|it| it == "native"));
        let first = telling.as_ref().and_then(|telling| self.whole_of(telling.compilers.first()?));
        let opinion = telling.map_or(Opinion::Sample(None), |telling| {
            opinion::of((self.own.identity(), self.own.language()), &self.name, &telling, check)
        });
        let (proof, akin) = match opinion {
            // A daemon that is started for each job would look at all of its compiler's files each time.
            Opinion::Same(proof) if proof == first && matches!(host.place, Place::Ssh { .. }) => {
                return Ok(Standing::Alike);
            }
            Opinion::Same(proof) => return Ok(self.proven(proof, tells_native, false)),
            Opinion::Other(why) => return Ok(Standing::Stranger(why)),
            Opinion::Sample(proof) => (proof, None),
            Opinion::Akin(proof, why) => (Some(proof), Some(why)),
        };
        let loosely = check == ToolchainCheck::Target;
        let to = (host, proof.as_deref());
        match canary::difference(self.job, self.compilation, reach, to, loosely) {
            Ok(Some(Difference::Code(why))) => Ok(Standing::Stranger(akin.unwrap_or(why))),
            Ok(Some(Difference::Unknown(why))) => Ok(Standing::Stranger(why)),
            Ok(None) => Ok(self.proven(proof, tells_native, akin.is_some())),
            Err(failure) => follows(Step::Sample, failure).at_last().map(Standing::Stranger),
        }
    }

    /// Only the very compiler of here, be it with other libraries, makes what is made here of words for its inside.
    fn proven(&self, fingerprint: Option<String>, tells_native: bool, is_akin: bool) -> Standing {
        fingerprint.map_or(Standing::Alike, |fingerprint| {
            let takes_native = tells_native && (is_akin || fingerprint == self.own.mark());
            Standing::Proven(Proven { fingerprint, takes_native })
        })
    }

    fn whole_of(&self, compiler: &TellingCompiler) -> Option<String> {
        compiler.language(&self.own.language().to_string())?.whole.clone()
    }
}

fn takes_native(standing: &Standing) -> bool {
    matches!(standing, Standing::Proven(Proven { takes_native: true, .. }))
}
