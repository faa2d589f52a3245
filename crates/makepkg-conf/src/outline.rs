//! What a text holds that decides variables: assignments, hazards, and where understanding ends. Knows no grammar.

use std::ops::Range;

/// An assignment and where its parts stand.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) name: String,
    /// From the name to the end of the value.
    pub(crate) whole: Range<usize>,
    pub(crate) append: bool,
    /// What stands around it that makes it uncertain.
    pub(crate) conditional: Option<&'static str>,
    pub(crate) value: Range<usize>,
    /// Of an array: where the grammar sees its words.
    pub(crate) words: Option<Vec<Range<usize>>>,
    /// The statement it belongs to, perhaps with others: `A=1 B=2`.
    pub(crate) statement: Range<usize>,
    /// Stands behind `export` or `declare`.
    pub(crate) declared: bool,
}

/// Something that may change a variable in a way that only bash could follow.
#[derive(Debug, Clone)]
pub(crate) struct Hazard {
    pub(crate) at: usize,
    /// Of one variable; `None` if it may be any.
    pub(crate) name: Option<String>,
    /// Matters also to assignments that follow it.
    pub(crate) always: bool,
    pub(crate) reason: String,
}

/// From here on nothing is certain.
#[derive(Debug, Clone)]
pub(crate) struct Blind {
    pub(crate) from: usize,
    /// What to show, which may stand further on.
    pub(crate) shown: usize,
    pub(crate) reason: String,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Outline {
    /// In the order of the text.
    pub(crate) assignments: Vec<Found>,
    pub(crate) hazards: Vec<Hazard>,
    /// Comments between statements.
    pub(crate) comments: Vec<Range<usize>>,
    pub(crate) blind: Option<Blind>,
}

impl Outline {
    pub(crate) fn blind_from(&mut self, from: usize, reason: &str) {
        if self.blind.as_ref().is_none_or(|blind| from < blind.from) {
            self.blind = Some(Blind { from, shown: from, reason: reason.to_owned() });
        }
    }

    pub(crate) fn blind_line_of(&mut self, shown: usize) {
        if let Some(blind) = &mut self.blind {
            blind.shown = shown;
        }
    }

    pub(crate) fn general(&mut self, at: usize, reason: String) {
        self.hazards.push(Hazard { at, name: None, always: false, reason });
    }
}
