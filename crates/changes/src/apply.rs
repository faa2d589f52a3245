//! Makes a set of changes, all or none. Knows nothing of single files and of what was changed before.

use crate::failure::Failure;
use crate::fold::fold;
use crate::journal_directory::JournalDirectory;
use crate::plan::Plan;
use crate::record::{Record, TakesBack};
use crate::roll_back::{Reached, roll_back};
use crate::step::Step;
use crate::swap::Swaps;
use crate::{Run, Site};
use std::path::PathBuf;

/// What was done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// The paths that changed, in order, as seen from inside the root.
    pub changed: Vec<PathBuf>,
    /// The programs that ran, in order, as people read them.
    pub ran: Vec<String>,
}

/// What the failure of a program means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailedAction {
    TakesAllBack,
    IsReported,
}

/// A set whose steps are in place and whose record still knows what stands beside them.
pub(crate) struct Made {
    pub(crate) record: Record,
    pub(crate) programs: Programs,
}

/// What became of the programs of a set, as people read it.
#[derive(Default)]
pub(crate) struct Programs {
    pub(crate) ran: Vec<String>,
    /// Those that failed, and why.
    pub(crate) not_run: Vec<String>,
}

impl Plan {
    /// Makes all changes, then runs the programs in order through `run_action`. Either all of it is done and is in the
    /// journal, or nothing is: after a failure everything is as it was, or the failure says what is not. A run that is
    /// killed is taken back by [`crate::Journal::recover`].
    pub fn apply(self, run_action: Run<'_>) -> Result<Applied, Failure> {
        if self.is_empty() {
            return Ok(Applied::default());
        }
        let journal = JournalDirectory::enter(&self.site.journal)
            .map_err(|failure| failure.and("nothing was changed"))?;
        if journal.records()?.iter().any(Record::is_unfinished) {
            return Err(Failure::new("another run was cut off in the middle just now: run it again"));
        }
        let site = self.site.clone();
        let changed = changed(&self.steps);
        let made = carry_out(&journal, self, None, FailedAction::TakesAllBack, run_action)?;
        // All is in place; what stands beside it and cannot be removed now is removed by the next run.
        let _ = tidy(&site, &made.record)
            .and_then(|()| made.record.is_tidy_now())
            .and_then(|()| fold(&journal, &made.record));
        Ok(Applied { changed, ran: made.programs.ran })
    }
}

/// The paths that steps change, each once.
pub(crate) fn changed(steps: &[Step]) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = Vec::new();
    for step in steps {
        if !paths.iter().any(|path| path == step.path()) {
            paths.push(step.path().to_owned());
        }
    }
    paths
}

/// Removes what stands beside the changed places.
pub(crate) fn tidy(site: &Site, record: &Record) -> Result<(), Failure> {
    let swaps = Swaps { site, record };
    (0..record.steps.len()).try_for_each(|number| swaps.tidy(number))
}

/// Journals and makes a plan. After a failure all is as it was, or the failure says what is not.
pub(crate) fn carry_out(
    journal: &JournalDirectory,
    plan: Plan,
    takes_back: Option<TakesBack>,
    failed_action: FailedAction,
    run: Run<'_>,
) -> Result<Made, Failure> {
    let Plan { site, steps, actions } = plan;
    let record = journal.begin(Record { directory: PathBuf::new(), id: 0, takes_back, steps, actions });
    let record = record.map_err(|failure| failure.and("nothing was changed"))?;
    let mut reached = Reached::default();
    match make(&site, &record, &mut reached, failed_action, run) {
        Ok(programs) => Ok(Made { record, programs }),
        Err(failure) => Err(take_back(failure, &site, journal, &record, reached, run)),
    }
}

fn make(
    site: &Site,
    record: &Record,
    reached: &mut Reached,
    failed_action: FailedAction,
    run: Run<'_>,
) -> Result<Programs, Failure> {
    let swaps = Swaps { site, record };
    swaps.verify()?;
    for number in 0..record.steps.len() {
        swaps.prepare(number)?;
        reached.prepared = number + 1;
    }
    for number in 0..record.steps.len() {
        swaps.check(number)?;
        reached.committed = number + 1;
        swaps.commit(number)?;
    }
    let mut programs = Programs::default();
    for (number, action) in record.actions.iter().enumerate() {
        record.start_action(number)?;
        match run(&action.run) {
            Ok(()) => programs.ran.push(action.shown.clone()),
            Err(why) if failed_action == FailedAction::IsReported => {
                programs.not_run.push(format!("{}: {why}", action.shown));
            }
            Err(why) => return Err(Failure::new(format!("cannot run `{}`: {why}", action.shown))),
        }
    }
    record.finish()?;
    Ok(programs)
}

fn take_back(
    failure: Failure,
    site: &Site,
    journal: &JournalDirectory,
    record: &Record,
    reached: Reached,
    run: Run<'_>,
) -> Failure {
    match roll_back(site, record, reached, run) {
        Ok(rolled) => {
            // A record that cannot be removed is found as cut off, and there is nothing more to take back then.
            let _ = journal.discard(record.id);
            rolled
                .leftovers()
                .into_iter()
                .fold(failure.and("nothing was changed"), |failure, left| failure.and(&left))
        }
        Err(second) => failure.and(&format!(
            "what had been changed could not be put back either: {second}; what was there before is in {}",
            record.directory.display()
        )),
    }
}
