//! What `-march=native` in the configured flags becomes when a file is sent away, found out as the client does. Knows nothing
//! of where the flags stand.

use crate::ask::ask;
use crate::build_user::BuildUser;
use crate::check::Situation;
use crate::check::flags::LIMIT;
use cc_args::{NativeCompilation, WhyLocal};
use std::ffi::OsString;
use toolchain::{Commands, Family, Likeness, native_words};

/// A command for the processor of this machine.
pub(super) struct Native<'a> {
    /// The words that say so.
    pub(super) words: Vec<&'a str>,
    command: Result<NativeCompilation, WhyLocal>,
}

impl<'a> Native<'a> {
    /// None if nothing in `flags`, which are in `command`, means the processor of this machine, or if other words keep the
    /// command here anyway.
    pub(super) fn find(flags: &'a str, command: &[OsString]) -> Option<Native<'a>> {
        let words = native_words(flags);
        match cc_args::analyze(command, |_| None) {
            Err(WhyLocal::MarchNative(_)) if !words.is_empty() => {
                Some(Native { words, command: cc_args::analyze_native(command, |_| None) })
            }
            _ => None,
        }
    }

    /// The words that are sent instead, and why they are sent to daemons of distcc-arch only, if so.
    ///
    /// # Errors
    /// Why nothing is sent.
    pub(super) fn explicit(
        &self,
        situation: &Situation,
        compiler: &str,
    ) -> Result<(Vec<String>, Option<WhyLocal>), WhyLocal> {
        let command = self.command.as_ref().map_err(WhyLocal::clone)?;
        let unknown = || WhyLocal::MarchNative(command.word().into());
        let said = run(situation, compiler, &command.question()).ok_or_else(unknown)?;
        let words = said.explicit(Family::Gcc).ok_or_else(unknown)?;
        let explicit: Vec<_> = words.iter().map(OsString::from).collect();
        let other = run(situation, compiler, &command.question_with(&explicit)).ok_or_else(unknown)?;
        match (said.likeness(&other, Family::Gcc).ok_or_else(unknown)?, command.recorder()) {
            (Likeness::Code, Some(why)) => match said.found_out() {
                Some(processor) if command.can_be_told() => Ok((processor.words().to_vec(), Some(why))),
                _ => Err(why),
            },
            _ => Ok((words, None)),
        }
    }
}

fn run(situation: &Situation, compiler: &str, question: &[OsString]) -> Option<Commands> {
    let user = BuildUser::never_root(situation.user.as_ref());
    let mut command = user.command(compiler, situation.settings);
    let ended = ask(situation.processes, command.args(question).env("LC_ALL", "C"), LIMIT);
    Commands::parse(&ended.stderr)
}
