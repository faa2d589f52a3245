//! Carries out a plan as a user consents to it, and mends what a run before was cut off in. Knows nothing of what the
//! plan is for.

use crate::ask::ask;
use crate::consent::{Consent, Decision};
use crate::processes::Processes;
use crate::settings::Settings;
use crate::{Answer, Exit};
use changes::{Applied, Journal, Plan, Site};
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

/// A service may take long to start.
const LIMIT: Duration = Duration::from_secs(180);

/// What the commands that change a system need for it.
pub(crate) struct Work<'a> {
    pub(crate) consent: Consent,
    pub(crate) settings: &'a Settings,
    pub(crate) processes: &'a Arc<Processes>,
    pub(crate) notes: &'a mut dyn Write,
}

/// What became of a plan.
#[derive(Debug)]
pub(crate) enum Done {
    /// There was nothing to do.
    Nothing,
    Changed(Applied),
    /// Only shown: the diff.
    Shown(String),
    Declined,
}

/// Runs a command that changes something: signals are caught, and an error is a refusal.
pub(crate) fn answer(
    consent: Consent,
    settings: &Settings,
    notes: &mut dyn Write,
    command: impl FnOnce(&mut Work) -> Result<Answer, String>,
) -> Answer {
    let processes = match Processes::watched() {
        Ok(processes) => processes,
        Err(error) => return Answer::refusal(&format!("cannot catch signals: {error}")),
    };
    let answer = command(&mut Work { consent, settings, processes: &processes, notes });
    match (answer, processes.interrupted_by()) {
        (Ok(answer), None) => answer,
        (Ok(answer), Some(_)) if !answer.text.is_empty() && answer.exit == Exit::Code(0) => answer,
        (Ok(_), Some(signal)) => interrupted("nothing was changed", signal),
        (Err(why), Some(signal)) => interrupted(&why, signal),
        (Err(why), None) => Answer::refusal(&why),
    }
}

fn interrupted(what: &str, signal: i32) -> Answer {
    let complaint = format!("distcc-arch: interrupted: {what}\n");
    Answer { text: String::new(), complaint, exit: Exit::Signal(signal) }
}

impl Work<'_> {
    /// Takes back what a run that was killed has left half done, and says so.
    ///
    /// # Errors
    /// When the journal cannot be read, or something cannot be taken back.
    pub(crate) fn recover(&mut self, site: &Site) -> Result<(), String> {
        let mut journal = Journal::open(site).map_err(|failure| failure.to_string())?;
        if self.consent.dry_run {
            if journal.is_cut_off() {
                self.note("a run before was cut off in the middle; the next that changes something takes it back first");
            }
            return Ok(());
        }
        let recovered =
            journal.recover(&mut runner(self.processes)).map_err(|failure| failure.to_string())?;
        if let Some(recovered) = recovered {
            self.note(&format!("a run before was cut off in the middle: {recovered}"));
        }
        Ok(())
    }

    /// Shows the plan, asks if need be, and does it: all or nothing.
    ///
    /// # Errors
    /// When nobody consented, or it could not be done.
    pub(crate) fn carry_out(&mut self, plan: Plan, warnings: &[String]) -> Result<Done, String> {
        if plan.is_empty() {
            return Ok(Done::Nothing);
        }
        let colours =
            if self.consent.dry_run { self.settings.stdout_colours } else { self.settings.stderr_colours };
        if !self.consent.dry_run {
            // Nobody should read a diff and answer for nothing.
            plan.may_be_made().map_err(|failure| format!("{failure}; nothing was changed"))?;
        }
        let diff = plan.diff(colours);
        let shown = if self.consent.yes { String::new() } else { lines(warnings) };
        match self.consent.decide(&diff, &shown, self.settings, self.processes, self.notes)? {
            Decision::Shown => Ok(Done::Shown(diff)),
            Decision::Declined => Ok(Done::Declined),
            Decision::Granted => {
                let applied =
                    plan.apply(&mut runner(self.processes)).map_err(|failure| failure.to_string())?;
                Ok(Done::Changed(applied))
            }
        }
    }

    /// Tells of something while it is done.
    pub(crate) fn note(&mut self, line: &str) {
        // Who reads it is told in the end what was done, too.
        let _ = writeln!(self.notes, "distcc-arch: {line}");
    }
}

impl Done {
    /// Tells what became of it: why there was nothing to do, or what was changed and what to type `next`.
    pub(crate) fn told(
        &self,
        site: &Site,
        consent: Consent,
        warnings: &[String],
        (nothing, next): (&str, &str),
    ) -> Answer {
        // Whoever was asked has seen them with the question.
        let seen = matches!(self, Done::Changed(_)) && !consent.yes;
        let complaint = if seen { String::new() } else { lines(warnings) };
        let text = match self {
            Done::Declined => return Answer::declined(),
            Done::Nothing => format!("nothing to change: {nothing}\n"),
            Done::Shown(diff) => diff.clone(),
            Done::Changed(Applied { changed, ran }) => {
                format!("changed:\n{}{next}", listed(site, changed, ran))
            }
        };
        Answer { text, complaint, exit: Exit::Code(0) }
    }
}

/// Warnings as lines for stderr.
pub(crate) fn lines(warnings: &[String]) -> String {
    warnings.iter().map(|warning| format!("distcc-arch: warning: {warning}\n")).collect()
}

/// Paths and programs, each on an indented line.
pub(crate) fn listed(site: &Site, paths: &[PathBuf], programs: &[String]) -> String {
    let paths = paths.iter().map(|path| format!("  {}\n", site.outside(path).display()));
    paths.chain(programs.iter().map(|program| format!("  {program}\n"))).collect()
}

/// Runs programs one by one. After a failure, or a signal, what follows takes something back and must run all the same.
pub(crate) fn runner(processes: &Arc<Processes>) -> impl FnMut(&[String]) -> Result<(), String> {
    let mut processes = Arc::clone(processes);
    move |argv| {
        let [program, words @ ..] = argv else { return Ok(()) };
        let ended = ask(&processes, Command::new(program).args(words), LIMIT);
        if ended.well() {
            return Ok(());
        }
        processes = Arc::default();
        Err(format!("{}: {}", argv.join(" "), ended.how()))
    }
}
