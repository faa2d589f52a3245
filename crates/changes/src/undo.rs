//! Takes back all that the journal holds: what it would do, and doing it. Knows nothing of what files mean: whether a file
//! that was changed since can be taken back in part is for the caller to tell.

use crate::Run;
use crate::apply::{FailedAction, Programs, carry_out, changed, tidy};
use crate::diff::Difference;
use crate::failure::Failure;
use crate::journal::Journal;
use crate::journal_directory::JournalDirectory;
use crate::place::{Links, Place};
use crate::plan::Plan;
use crate::record::{Record, TakesBack};
use crate::state::State;
use crate::step::{Action, Step};
use std::path::{Path, PathBuf};

/// Decides what becomes of a file that was changed since: path, original bytes, the bytes that we left, the bytes that
/// are there now (each empty where there is no file) to the bytes that it shall have; None leaves it alone. A file that
/// was not there before us and shall be empty is removed.
pub type Merge<'a> = &'a mut dyn FnMut(&Path, &[u8], &[u8], &[u8]) -> Option<Vec<u8>>;

/// All that can be taken back, and what stands in the way.
#[derive(Clone, Debug)]
pub struct Undo {
    /// What will be done.
    pub plan: Plan,
    /// Files that were changed since, of which only our part is taken back.
    pub kept: Vec<Difference>,
    /// Files that were changed since and are left alone, because our part of them cannot be told from the rest.
    pub conflicts: Vec<Difference>,
    records: Vec<u32>,
}

/// What was taken back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Undone {
    /// The paths that changed, in order, as seen from inside the root.
    pub changed: Vec<PathBuf>,
    /// The programs that ran, in order, as people read them.
    pub ran: Vec<String>,
    /// Programs that failed, and why; what they should do is left to be done by hand.
    pub not_run: Vec<String>,
}

/// What all records together did to one name.
struct History<'a> {
    /// Where it is by now.
    path: PathBuf,
    original: &'a State,
    ours: &'a State,
}

impl Journal {
    /// What an undo would do, over all records: each path against what the oldest record found there and the newest
    /// left there. A file that is as we left it gets its original bytes; of one that was changed since, `merge` tells
    /// what remains. Directories that we made are removed if they would be empty. Programs are taken back last one
    /// first. Changes nothing.
    pub fn undo(&self, merge: Merge<'_>) -> Result<Undo, Failure> {
        let mine: Vec<&Record> = self.records.iter().filter(|record| record.takes_back.is_none()).collect();
        let records = mine.iter().map(|record| record.id).collect();
        let mut undo = Undo { plan: Plan::new(&self.site), kept: Vec::new(), conflicts: Vec::new(), records };
        for history in histories(&mine).iter().rev() {
            if let State::Directory { .. } = history.ours {
                undo.remove_if_empty(&history.path)?;
            } else if !undo.is_renamed_back(&mine, &history.path)? {
                undo.file(history, merge)?;
            }
        }
        for step in mine.iter().rev().flat_map(|record| record.steps.iter().rev()) {
            match step {
                Step::Rename { from, to } => undo.rename_back(from, to)?,
                // Again, because what was renamed into it is out of it only now.
                Step::Set { path, after: State::Directory { .. }, .. } => undo.remove_if_empty(path)?,
                Step::Set { .. } => {}
            }
        }
        for action in mine.iter().rev().flat_map(|record| record.started_actions().into_iter().rev()) {
            undo.action(action);
        }
        Ok(undo)
    }
}

impl Undo {
    /// Whether nothing is left to be done but to forget, or not even that.
    pub fn is_empty(&self) -> bool {
        self.plan.is_empty()
    }

    /// Every path that the records changed and that still differs, as seen from inside the root.
    pub fn paths(&self) -> Vec<PathBuf> {
        let differing = self.kept.iter().chain(&self.conflicts).map(|difference| difference.path.clone());
        changed(&self.plan.steps).into_iter().chain(differing).collect()
    }

    /// Adds the removal of a directory, whoever made it, if the undo leaves nothing in it.
    pub fn remove_if_empty(&mut self, directory: &Path) -> Result<(), Failure> {
        self.plan.remove_if_empty(directory)
    }

    /// Does it, all or none, and removes the records and the empty journal. Where there are conflicts, the records
    /// stay, so that an undo can be asked for again once they are solved. A program that fails stops nothing.
    pub fn apply(self, run_action: Run<'_>) -> Result<Undone, Failure> {
        if self.records.is_empty() {
            return Ok(Undone::default());
        }
        let site = self.plan.site.clone();
        let journal =
            JournalDirectory::enter(&site.journal).map_err(|failure| failure.and("nothing was changed"))?;
        let there: Vec<u32> = journal.records()?.iter().map(|record| record.id).collect();
        if there != self.records {
            return Err(Failure::new(
                "another run changed something just now; nothing was changed: run it again",
            ));
        }
        let changed = changed(&self.plan.steps);
        let taken = TakesBack { records: self.records, keeps: !self.conflicts.is_empty() };
        let made = carry_out(&journal, self.plan, Some(taken.clone()), FailedAction::IsReported, run_action)?;
        tidy(&site, &made.record).and_then(|()| forget(&journal, &made.record, &taken)).map_err(
            |failure| {
                failure.and("everything is taken back, but the journal could not be cleared: run it again")
            },
        )?;
        let Programs { ran, not_run } = made.programs;
        Ok(Undone { changed, ran, not_run })
    }

    fn file(&mut self, history: &History<'_>, merge: Merge<'_>) -> Result<(), Failure> {
        let place = Place::find(&self.plan.site, &history.path, Links::FollowButLast)?;
        let now = self.plan.now(&place)?;
        let History { original, ours, .. } = *history;
        // Where we have taken our part away ourselves, all that is there is somebody else's.
        if now.says_the_same(original) || ours.says_the_same(original) {
            return Ok(());
        }
        if now.says_the_same(ours) {
            return self.plan.set_at(&place, now.clone(), with_rights(&now, ours, original));
        }
        let difference = Difference {
            path: place.path.clone(),
            original: original.bytes().to_vec(),
            ours: ours.bytes().to_vec(),
            now: now.bytes().to_vec(),
        };
        let merged = match (&now, original, ours) {
            // Removed by somebody, together with our part of it.
            (State::Absent, _, State::File { .. } | State::Link { .. }) => Some(Vec::new()),
            (State::File { .. }, State::File { .. } | State::Absent, State::File { .. } | State::Absent) => {
                merge(&difference.path, &difference.original, &difference.ours, &difference.now)
            }
            _ => None,
        };
        let Some(merged) = merged else {
            self.conflicts.push(difference);
            return Ok(());
        };
        self.kept.push(difference);
        let after = match (&now, original) {
            (_, State::Absent) if merged.is_empty() => State::Absent,
            (State::File { mode, owner, .. }, _) => {
                State::File { contents: merged, mode: *mode, owner: *owner }
            }
            _ => return Ok(()),
        };
        self.plan.set_at(&place, now, after)
    }

    /// Whether what we had moved away from a path is there again, because an earlier undo, or somebody, moved it back.
    fn is_renamed_back(&self, records: &[&Record], path: &Path) -> Result<bool, Failure> {
        for step in records.iter().flat_map(|record| &record.steps) {
            if let Step::Rename { from, to } = step
                && from == path
            {
                let [old, new] =
                    [from, to].map(|path| Place::find(&self.plan.site, path, Links::FollowButLast));
                return Ok(matches!(old?.state()?, State::Directory { .. }) && new?.state()? == State::Absent);
            }
        }
        Ok(false)
    }

    fn rename_back(&mut self, from: &Path, to: &Path) -> Result<(), Failure> {
        let [old, new] = [from, to].map(|path| Place::find(&self.plan.site, path, Links::FollowButLast));
        let (old, new) = (old?, new?);
        if self.plan.now(&new)? == State::Absent {
            return Ok(());
        }
        if self.plan.now(&old)? == State::Absent {
            self.plan.steps.push(Step::Rename { from: new.path, to: old.path });
            return Ok(());
        }
        let difference =
            Difference { path: new.path, original: Vec::new(), ours: Vec::new(), now: Vec::new() };
        self.conflicts.push(difference);
        Ok(())
    }

    /// What was done twice is taken back once, and last what was done first: that decides what is left.
    fn action(&mut self, action: &Action) {
        if !action.undo.is_empty() {
            self.plan.actions.retain(|planned| planned.run != action.undo);
            let shown = action.undo.join(" ");
            self.plan.run(Action { shown, run: action.undo.clone(), undo: action.run.clone() });
        }
    }
}

/// Merges by lines: what changed between `ours` and `now` stays, what changed between `original` and `ours` goes. None
/// where the two touch.
pub fn three_way(original: &[u8], ours: &[u8], now: &[u8]) -> Option<Vec<u8>> {
    diffy::merge_bytes(ours, now, original).ok()
}

/// Forgets what an undo took back, and the undo; what could not be taken back is remembered without its programs.
pub(crate) fn forget(journal: &JournalDirectory, undo: &Record, taken: &TakesBack) -> Result<(), Failure> {
    for record in journal.records()?.iter().filter(|record| taken.records.contains(&record.id)) {
        if taken.keeps {
            record.forget_actions()?;
        } else {
            journal.discard(record.id)?;
        }
    }
    journal.discard(undo.id)
}

/// Each file, link and directory once, in the order of the first change, with what was there first and what we left last.
fn histories<'a>(records: &[&'a Record]) -> Vec<History<'a>> {
    let mut histories: Vec<History<'a>> = Vec::new();
    for step in records.iter().flat_map(|record| &record.steps) {
        match step {
            Step::Set { path, before, after } => {
                let is_directory = |state: &State| matches!(state, State::Directory { .. });
                // One that we made, and took away, and made again has one history.
                let comes_or_goes = |history: &History<'_>| {
                    let [ours, after] = [history.ours, after].map(|state| *state == State::Absent);
                    *history.original == State::Absent && (ours || after)
                };
                let same = |history: &&mut History<'_>| {
                    history.path == *path
                        && (is_directory(history.ours) == is_directory(after) || comes_or_goes(history))
                };
                match histories.iter_mut().find(same) {
                    Some(history) => history.ours = after,
                    None => histories.push(History { path: path.clone(), original: before, ours: after }),
                }
            }
            Step::Rename { from, to } => {
                for history in &mut histories {
                    if let Ok(rest) = history.path.strip_prefix(from) {
                        history.path = if rest.as_os_str().is_empty() { to.clone() } else { to.join(rest) };
                    }
                }
            }
        }
    }
    histories
}

/// A file keeps the owner and mode that somebody gave it since; those that we left become the original ones.
fn with_rights(now: &State, ours: &State, original: &State) -> State {
    match (now, ours, original) {
        (
            State::File { mode, owner, .. },
            State::File { mode: our_mode, owner: our_owner, .. },
            State::File { contents, .. },
        ) if (mode, owner) != (our_mode, our_owner) => {
            State::File { contents: contents.clone(), mode: *mode, owner: *owner }
        }
        _ => original.clone(),
    }
}
