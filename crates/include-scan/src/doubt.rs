//! Conditions that could not be evaluated: every branch is read from the same start, and what they leave is joined.
//! Knows no condition.

use crate::directive::{Directive, Directives};
use crate::not_covered::NotCovered;
use crate::sight::FileId;
use crate::symbol::Symbol;
use crate::table::{Meaning, Place};
use crate::walk::{Verdict, Walk, behind};

/// Whether a file is read only once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Once {
    No,
    Yes,
    /// It was read in one branch of a doubt.
    Perhaps,
}

/// A conditional whose branches are being read one after the other.
pub(crate) struct Doubt {
    /// How many files are open where it stands.
    depth: usize,
    /// Where the branch that is being read ends.
    next: usize,
    mark: usize,
    once_mark: usize,
    /// What each branch changed.
    branches: Vec<Vec<(Symbol, Meaning)>>,
    /// No branch follows, and there is none that reads nothing.
    last: bool,
}

impl Walk<'_, '_> {
    /// Begins to read a branch in doubt that ends at `next`.
    pub(crate) fn open_doubt(&mut self, next: usize) {
        let mark = self.macros.table.mark();
        let (depth, once_mark) = (self.frames.len(), self.once_log.len());
        self.doubts.push(Doubt { depth, next, mark, once_mark, branches: Vec::new(), last: false });
    }

    /// Whether a branch in doubt ends at this directive of the file being read.
    pub(crate) fn closes_doubt(&self, at: usize) -> bool {
        self.doubts.last().is_some_and(|doubt| doubt.depth == self.frames.len() && doubt.next == at)
    }

    /// Ends the branch; gives the first directive of the next one, or the one behind them all.
    pub(crate) fn close_branch(&mut self, file: &Directives, at: usize) -> Result<usize, NotCovered> {
        let Some(mut doubt) = self.doubts.pop() else { return Ok(at + 1) };
        doubt.branches.push(self.macros.table.take_back(doubt.mark));
        for file in self.once_log.split_off(doubt.once_mark) {
            self.forget_once(file);
        }
        if doubt.last {
            self.join(doubt);
            return Ok(behind(file, at));
        }
        let mut at = at;
        loop {
            let verdict = match (self.verdict(file, at)?, file.list.get(at)) {
                (Some(verdict), _) => verdict,
                (None, Some(Directive::Else { next })) => {
                    Verdict { is_read: Some(true), next: *next as usize }
                }
                _ => {
                    doubt.branches.push(Vec::new());
                    self.join(doubt);
                    return Ok(at + 1);
                }
            };
            if verdict.is_read != Some(false) {
                doubt.next = verdict.next;
                doubt.last = verdict.is_read == Some(true);
                self.doubts.push(doubt);
                return Ok(at + 1);
            }
            at = verdict.next;
        }
    }

    fn forget_once(&mut self, file: FileId) {
        self.once[file.0 as usize] = Once::Perhaps;
        if !self.doubts.is_empty() {
            self.once_log.push(file);
        }
    }

    /// A macro stays known only where all branches agree.
    fn join(&mut self, doubt: Doubt) {
        let mut names: Vec<Symbol> = doubt.branches.iter().flatten().map(|(name, _)| *name).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            let before = self.macros.table.get(name);
            let of_branch = |branch: &Vec<(Symbol, Meaning)>| {
                let changed = branch.binary_search_by_key(&name, |(name, _)| *name);
                changed.map_or(before, |place| branch[place].1)
            };
            let mut meanings = doubt.branches.iter().map(of_branch);
            let first = meanings.next().unwrap_or(before);
            let agreed = meanings.all(|other| self.same(first, other));
            self.macros.table.set(name, if agreed { first } else { Meaning::Doubtful });
        }
        if self.doubts.is_empty() {
            self.macros.table.stop_logging();
        }
    }

    fn same(&self, one: Meaning, other: Meaning) -> bool {
        let (Meaning::Defined(one), Meaning::Defined(other)) = (one, other) else { return one == other };
        let parts = |place: Place| {
            let file = &self.macros.files[place.file as usize];
            let definition = &file.definitions[place.index as usize];
            (&definition.parameters, definition.bytes(&file.bodies))
        };
        one == other || parts(one) == parts(other)
    }
}
