//! A configuration text and what can be asked of it. Knows no file.

use std::ops::Range;

use crate::chain::{self, Chain, Value, line_of, refusal};
use crate::grammar;
use crate::outline::Outline;
use crate::refusal::Refusal;

/// One makepkg.conf, byte for byte, with what bash would make of its assignments.
#[derive(Debug, Clone)]
pub struct Conf {
    pub(crate) text: Vec<u8>,
    pub(crate) outline: Outline,
    assignments: Vec<Assignment>,
}

/// One `NAME=value`, `NAME+=value` or `NAME=(…)`, also behind `export` and `declare`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The variable's name.
    pub name: String,
    /// Where the name stands, counted from 1.
    pub line: usize,
    /// `+=`.
    pub append: bool,
    /// Stands in an if, case, loop, function, group, pipeline or list of `&&` and `||`.
    pub conditional: bool,
    /// Where the value stands as written, quotes and parentheses included; empty in `NAME=`.
    pub value: Range<usize>,
}

impl Conf {
    /// Takes any bytes; what is not bash is refused only where it matters to a question or an edit.
    #[must_use]
    pub fn parse(text: &[u8]) -> Conf {
        let outline = grammar::outline(text);
        let assignments = outline
            .assignments
            .iter()
            .map(|found| Assignment {
                name: found.name.clone(),
                line: line_of(text, found.whole.start),
                append: found.append,
                conditional: found.conditional.is_some(),
                value: found.value.clone(),
            })
            .collect();
        Conf { text: text.to_vec(), outline, assignments }
    }

    /// The text, byte for byte what was parsed if nothing was edited.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.text
    }

    /// Every assignment in order, also conditional ones; not those that last for one command only.
    #[must_use]
    pub fn assignments(&self) -> &[Assignment] {
        &self.assignments
    }

    /// The value that this text alone gives a plain variable; `None` where it does not assign one. The carriage
    /// return of a line end is not counted, although bash does; `set` sees to it that bash does not.
    ///
    /// # Errors
    /// Where only bash can tell: an expansion, a condition, a file read from this one.
    pub fn scalar(&self, name: &str) -> Result<Option<String>, Refusal> {
        let chain = self.chain(name)?;
        self.inherited(&chain)?;
        let Some(last) = chain.last() else { return Ok(None) };
        let joined: Vec<u8> =
            chain.scalars(&self.text)?.iter().flat_map(|(_, word)| word.value.clone()).collect();
        self.utf8(joined, last.found.value.start).map(Some)
    }

    /// The words that this text alone gives an array; `None` where it does not assign one.
    ///
    /// # Errors
    /// Where only bash can tell, or the variable is no array.
    pub fn array(&self, name: &str) -> Result<Option<Vec<String>>, Refusal> {
        let chain = self.chain(name)?;
        self.inherited(&chain)?;
        if chain.parts.is_empty() {
            return Ok(None);
        }
        let words = chain.words(&self.text)?;
        words
            .iter()
            .map(|(_, word)| self.utf8(word.value.clone(), word.range.start))
            .collect::<Result<_, _>>()
            .map(Some)
    }

    pub(crate) fn chain<'a>(&'a self, name: &'a str) -> Result<Chain<'a>, Refusal> {
        chain::of(&self.text, &self.outline, name)
    }

    fn inherited(&self, chain: &Chain) -> Result<(), Refusal> {
        let general = self.outline.hazards.iter().find(|hazard| hazard.name.is_none());
        match general.filter(|_| chain.inherits) {
            Some(hazard) => {
                Err(refusal(&self.text, hazard.at, &format!("{}: {}", chain.name, hazard.reason)))
            }
            None => Ok(()),
        }
    }

    fn utf8(&self, bytes: Vec<u8>, at: usize) -> Result<String, Refusal> {
        String::from_utf8(bytes).map_err(|_| refusal(&self.text, at, "the value is not UTF-8"))
    }
}

/// What an edit must not change: every other variable's assignments, and the commands around them.
pub(crate) fn others(conf: &Conf, name: &str) -> Vec<(String, bool, bool, Vec<u8>)> {
    let others = conf.assignments.iter().filter(|each| each.name != name);
    others
        .map(|each| {
            (each.name.clone(), each.append, each.conditional, conf.text[each.value.clone()].to_vec())
        })
        .collect()
}

/// The literal words or the joined text that a chain makes.
pub(crate) fn literal(chain: &Chain) -> Vec<Vec<u8>> {
    let mut words = Vec::new();
    for part in &chain.parts {
        match &part.value {
            Value::Scalar(word) if words.is_empty() => words.push(word.value.clone()),
            Value::Scalar(word) => words[0].extend_from_slice(&word.value),
            Value::Array(array) => words.extend(array.iter().map(|word| word.value.clone())),
        }
    }
    words
}
