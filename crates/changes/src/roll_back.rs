//! Takes back a set that was made in part. Knows nothing of why it was not made whole.

use crate::failure::Failure;
use crate::record::Record;
use crate::swap::Swaps;
use crate::{Run, Site};
use std::path::PathBuf;

/// How far the making of a set came, in steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reached {
    pub(crate) prepared: usize,
    /// Counts one that was only begun.
    pub(crate) committed: usize,
}

/// What is as it was again, and what is not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rolled {
    pub(crate) restored: Vec<PathBuf>,
    /// Changed by somebody else since, and left alone.
    pub(crate) left: Vec<PathBuf>,
    /// Programs that failed, and why.
    pub(crate) not_run: Vec<String>,
}

impl Reached {
    /// What must be assumed of a run that was cut off.
    pub(crate) fn all(record: &Record) -> Reached {
        Reached { prepared: record.steps.len(), committed: record.steps.len() }
    }
}

impl Rolled {
    /// A fragment for each thing that is not as it was.
    pub(crate) fn leftovers(&self) -> Vec<String> {
        let left = self.left.iter().map(|path| {
            format!("{} was changed by somebody else meanwhile and left as it is", path.display())
        });
        left.chain(self.not_run.iter().map(|line| format!("run this yourself: {line}"))).collect()
    }
}

/// Puts files back, last step first, then runs what takes back the programs that may have run, last one first.
pub(crate) fn roll_back(
    site: &Site,
    record: &Record,
    reached: Reached,
    run: Run<'_>,
) -> Result<Rolled, Failure> {
    let swaps = Swaps { site, record };
    let mut rolled = Rolled::default();
    for number in (0..reached.prepared).rev() {
        if number >= reached.committed {
            swaps.withdraw(number)?;
            continue;
        }
        let path = record.steps[number].path().to_owned();
        let list = if swaps.put_back(number)? { &mut rolled.restored } else { &mut rolled.left };
        if !list.contains(&path) {
            list.push(path);
        }
    }
    for action in record.started_actions().into_iter().rev().filter(|action| !action.undo.is_empty()) {
        if let Err(why) = run(&action.undo) {
            rolled.not_run.push(format!("{}: {why}", action.undo.join(" ")));
        }
    }
    Ok(rolled)
}
