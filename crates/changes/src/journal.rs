//! What was changed here and not taken back yet. Knows nothing of how changes are made.

use crate::apply::tidy;
use crate::failure::Failure;
use crate::journal_directory::{self, JournalDirectory};
use crate::record::Record;
use crate::roll_back::{Reached, Rolled, roll_back};
use crate::undo::forget;
use crate::{Run, Site};
use std::fmt;
use std::path::PathBuf;

/// Every set of changes that was made here and not taken back, oldest first. Opening it changes nothing.
#[derive(Clone, Debug)]
pub struct Journal {
    pub(crate) site: Site,
    pub(crate) records: Vec<Record>,
}

/// What was found cut off in the middle, and what became of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// As they were before the run that was cut off.
    pub restored: Vec<PathBuf>,
    /// Changed by somebody since then, so left alone; an undo looks at them again.
    pub left: Vec<PathBuf>,
    /// Programs that should have taken something back and failed, and why.
    pub not_run: Vec<String>,
}

impl Journal {
    /// Reads the journal; one that is absent is empty. What cannot be read or understood is a failure that names it.
    pub fn open(site: &Site) -> Result<Journal, Failure> {
        Ok(Journal { site: site.clone(), records: journal_directory::records(&site.journal)? })
    }

    /// Whether there is nothing to take back.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Whether a run was cut off in the middle, or is in the middle now.
    pub fn is_cut_off(&self) -> bool {
        self.records.iter().any(Record::is_unfinished)
    }

    /// Takes back a set of changes that was cut off (killed, power), after waiting for a run that goes on; None if
    /// there was none. To be called before anything is planned.
    pub fn recover(&mut self, run_action: Run<'_>) -> Result<Option<Recovered>, Failure> {
        let path = &self.site.journal;
        if !path.exists() {
            journal_directory::sweep_absent(path)?;
            return Ok(None);
        }
        let unsettled = |record: &Record| record.is_unfinished() || record.is_untidy();
        if !self.records.iter().any(unsettled) && !journal_directory::has_scrap(path) {
            return Ok(None);
        }
        let journal = JournalDirectory::enter(path)?;
        journal.sweep()?;
        let mut found = None;
        for record in journal.records()?.iter().rev() {
            if record.is_unfinished() {
                let rolled = take_back(&self.site, &journal, record, run_action)?;
                found = Some(Recovered::from(rolled));
            } else if record.is_untidy() {
                settle(&self.site, &journal, record)?;
            }
        }
        self.records = journal.records()?;
        Ok(found)
    }
}

fn take_back(
    site: &Site,
    journal: &JournalDirectory,
    record: &Record,
    run: Run<'_>,
) -> Result<Rolled, Failure> {
    let rolled = roll_back(site, record, Reached::all(record), run)?;
    if rolled.left.is_empty() || record.takes_back.is_some() {
        journal.discard(record.id)?;
    } else {
        // What is ours in the files that somebody changed since is left to an undo, which can tell words apart.
        record.forget_actions()?;
        record.finish()?;
        record.is_tidy_now()?;
    }
    Ok(rolled)
}

/// Ends a set that was made but for its last touches.
fn settle(site: &Site, journal: &JournalDirectory, record: &Record) -> Result<(), Failure> {
    tidy(site, record)?;
    match &record.takes_back {
        Some(taken) => forget(journal, record, taken),
        None => record.is_tidy_now(),
    }
}

impl From<Rolled> for Recovered {
    fn from(Rolled { restored, left, not_run }: Rolled) -> Recovered {
        Recovered { restored, left, not_run }
    }
}

impl fmt::Display for Recovered {
    /// One line, a lowercase fragment.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self.restored.iter().map(|path| path.display().to_string()).collect();
        write!(out, "an earlier run was cut off in the middle; its changes were taken back")?;
        if !names.is_empty() {
            write!(out, " ({})", names.join(", "))?;
        }
        let rolled = Rolled { left: self.left.clone(), not_run: self.not_run.clone(), ..Rolled::default() };
        rolled.leftovers().iter().try_for_each(|left| write!(out, "; {left}"))
    }
}
