//! Which macro a name stands for now. Knows no file: a macro is the place of its definition.

use rustc_hash::FxHashMap;

use crate::symbol::Symbol;

/// The place of a definition: which of the walk's files, and which of its definitions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    pub(crate) file: u32,
    pub(crate) index: u32,
}

/// What a name is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Meaning {
    Undefined,
    Defined(Place),
    /// One thing or another: it depends on a condition that could not be evaluated.
    Doubtful,
}

/// All macros of one walk. A slot counts only if its stamp is the table's: so the next walk needs no clearing.
#[derive(Default)]
pub(crate) struct Table {
    slots: Vec<Slot>,
    stamp: u32,
    pushed: FxHashMap<Symbol, Vec<Meaning>>,
    /// What was changed since the first open doubt, oldest first, and what it was.
    log: Vec<(Symbol, Meaning)>,
    logging: bool,
}

#[derive(Clone, Copy, Default)]
struct Slot {
    stamp: u32,
    file: u32,
    index: u32,
}

/// In a slot's `file`.
const DOUBTFUL: u32 = u32::MAX;

impl Table {
    /// Forgets all macros.
    pub(crate) fn begin(&mut self) {
        if self.stamp == u32::MAX {
            self.slots.clear();
            self.stamp = 0;
        }
        self.stamp += 1;
        self.pushed.clear();
        self.log.clear();
        self.logging = false;
    }

    pub(crate) fn get(&self, name: Symbol) -> Meaning {
        match self.slots.get(name.0 as usize) {
            Some(slot) if slot.stamp == self.stamp => match slot.file {
                DOUBTFUL => Meaning::Doubtful,
                file => Meaning::Defined(Place { file, index: slot.index }),
            },
            _ => Meaning::Undefined,
        }
    }

    pub(crate) fn set(&mut self, name: Symbol, meaning: Meaning) {
        if self.logging {
            self.log.push((name, self.get(name)));
        }
        let index = name.0 as usize;
        if index >= self.slots.len() {
            if meaning == Meaning::Undefined {
                return;
            }
            self.slots.resize((index + 1).next_power_of_two(), Slot::default());
        }
        self.slots[index] = match meaning {
            Meaning::Undefined => Slot::default(),
            Meaning::Defined(place) => Slot { stamp: self.stamp, file: place.file, index: place.index },
            Meaning::Doubtful => Slot { stamp: self.stamp, file: DOUBTFUL, index: 0 },
        };
    }

    /// `#pragma push_macro`.
    pub(crate) fn push(&mut self, name: Symbol) {
        let meaning = self.get(name);
        self.pushed.entry(name).or_default().push(meaning);
    }

    /// `#pragma pop_macro`.
    pub(crate) fn pop(&mut self, name: Symbol) {
        if let Some(meaning) = self.pushed.get_mut(&name).and_then(Vec::pop) {
            self.set(name, meaning);
        }
    }

    /// Begins to keep what is changed; gives the mark to go back to.
    pub(crate) fn mark(&mut self) -> usize {
        self.logging = true;
        self.log.len()
    }

    /// Takes back all changes since the mark; gives the changed names, each with what it had become.
    pub(crate) fn take_back(&mut self, mark: usize) -> Vec<(Symbol, Meaning)> {
        let log = self.log.split_off(mark);
        self.logging = false;
        let mut became: Vec<(Symbol, Meaning)> =
            log.iter().map(|(name, _)| (*name, self.get(*name))).collect();
        for (name, was) in log.iter().rev() {
            self.set(*name, *was);
        }
        self.logging = true;
        became.sort_unstable_by_key(|(name, _)| *name);
        became.dedup_by_key(|(name, _)| *name);
        became
    }

    /// No doubt is open any more.
    pub(crate) fn stop_logging(&mut self) {
        self.logging = false;
        self.log.clear();
    }

    /// About how many bytes of memory the table keeps.
    pub(crate) fn memory(&self) -> usize {
        self.slots.capacity() * size_of::<Slot>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Symbol = Symbol(3);
    const B: Symbol = Symbol(1000);

    fn at(index: u32) -> Meaning {
        Meaning::Defined(Place { file: 1, index })
    }

    #[test]
    fn a_new_walk_knows_nothing_of_the_last() {
        let mut table = Table::default();
        table.begin();
        table.set(A, at(1));
        table.set(B, Meaning::Doubtful);
        assert_eq!((table.get(A), table.get(B)), (at(1), Meaning::Doubtful));
        table.begin();
        assert_eq!((table.get(A), table.get(B)), (Meaning::Undefined, Meaning::Undefined));
    }

    #[test]
    fn pushed_and_popped() {
        let mut table = Table::default();
        table.begin();
        table.set(A, at(1));
        table.push(A);
        table.set(A, Meaning::Undefined);
        table.push(A);
        table.set(A, at(2));
        table.pop(A);
        assert_eq!(table.get(A), Meaning::Undefined);
        table.pop(A);
        assert_eq!(table.get(A), at(1));
        table.pop(A);
        assert_eq!(table.get(A), at(1));
    }

    #[test]
    fn taken_back() {
        let mut table = Table::default();
        table.begin();
        table.set(A, at(1));
        let mark = table.mark();
        table.set(A, at(2));
        table.set(B, at(3));
        table.set(A, Meaning::Undefined);
        assert_eq!(table.take_back(mark), [(A, Meaning::Undefined), (B, at(3))]);
        assert_eq!((table.get(A), table.get(B)), (at(1), Meaning::Undefined));
    }
}
