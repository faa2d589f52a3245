//! Two records of changes to the same files become one: what is renewed again and again is kept as it was first and as it
//! is now, and not as it was in between. Knows nothing of how records lie in the journal.

use crate::failure::Failure;
use crate::journal_directory::JournalDirectory;
use crate::record::Record;
use crate::step::Step;

/// Puts what `newest` changed and what the record before it did into one, if the newest goes on where that ended. An undo
/// does the same before, after, and wherever this is cut off.
pub(crate) fn fold(journal: &JournalDirectory, newest: &Record) -> Result<(), Failure> {
    let records = journal.records()?;
    let Some(previous) = records.iter().rev().find(|record| record.id < newest.id) else { return Ok(()) };
    if let Some(steps) = steps_of_both(previous, newest) {
        journal.replace(&Record { steps, ..newest.clone() })?;
        journal.discard(previous.id)?;
    }
    Ok(())
}

fn steps_of_both(previous: &Record, newest: &Record) -> Option<Vec<Step>> {
    let records = [previous, newest];
    let is_plain = |record: &&Record| {
        let is_settled = !record.is_unfinished() && !record.is_untidy();
        let leaves_nothing = record.actions.iter().all(|action| action.undo.is_empty());
        is_settled && record.takes_back.is_none() && leaves_nothing
    };
    if !records.iter().all(is_plain) || previous.steps.len() != newest.steps.len() {
        return None;
    }
    previous.steps.iter().zip(&newest.steps).map(|(first, second)| one_of_both(first, second)).collect()
}

fn one_of_both(first: &Step, second: &Step) -> Option<Step> {
    match (first, second) {
        (Step::Set { path, before, after: between }, Step::Set { path: again, before: found, after })
            if path == again && between == found =>
        {
            Some(Step::Set { path: path.clone(), before: before.clone(), after: after.clone() })
        }
        _ => None,
    }
}
