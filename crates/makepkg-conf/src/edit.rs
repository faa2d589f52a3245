//! Edits of a text, each proved by reading the result; and setting a plain variable. Knows no array.

use std::ops::Range;

use crate::chain::{Part, refusal};
use crate::conf::{Conf, literal, others};
use crate::quote::{Quotes, assignment};
use crate::refusal::Refusal;
use crate::word::Word;

/// Some bytes of the text and what comes in their place.
#[derive(Debug, Clone)]
pub(crate) struct Splice {
    pub(crate) range: Range<usize>,
    pub(crate) with: Vec<u8>,
}

impl Conf {
    /// Makes bash see exactly `value` after this text. The assignment that decides keeps its place and its quotes;
    /// where there is none, one is put behind the commented-out default, else at the end.
    ///
    /// # Errors
    /// Where that is not certain, see [`Refusal`]; nothing is changed then.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), Refusal> {
        self.check_name(name)?;
        if value.contains('\0') {
            return Err(refusal(&self.text, 0, &format!("no value of {name} can hold a NUL")));
        }
        let chain = self.chain(name)?;
        let splices = match chain.last() {
            Some(last) => {
                let parts = chain.scalars(&self.text)?;
                match changed(&self.text, &parts, value) {
                    Some(splices) => [splices, guards(&self.text, &chain.parts)].concat(),
                    None => {
                        [vec![renewed(last, value)], guards(&self.text, std::slice::from_ref(last))].concat()
                    }
                }
            }
            None => vec![self.inserted(name, &assignment(name, value))?],
        };
        self.commit(name, splices, &[value.as_bytes().to_vec()])
    }

    pub(crate) fn check_name(&self, name: &str) -> Result<(), Refusal> {
        let letters = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if letters && name.bytes().next().is_some_and(|first| !first.is_ascii_digit()) {
            return Ok(());
        }
        Err(refusal(&self.text, 0, &format!("\"{}\" is no name of a variable", name.escape_debug())))
    }

    /// Makes the change if the result reads as wanted and every other assignment reads as before.
    pub(crate) fn commit(
        &mut self,
        name: &str,
        splices: Vec<Splice>,
        wanted: &[Vec<u8>],
    ) -> Result<(), Refusal> {
        let first = splices.iter().map(|splice| splice.range.start).min();
        let edited = Conf::parse(&spliced(&self.text, splices));
        let chain = edited.chain(name)?;
        let exact = literal(&chain) == wanted && chain.parts.iter().all(|part| part.carriage.is_none());
        if !exact || others(self, name) != others(&edited, name) {
            let reason = format!("{name} cannot be edited here without changing more");
            return Err(refusal(&self.text, first.unwrap_or(0), &reason));
        }
        *self = edited;
        Ok(())
    }

    /// A line of its own behind the commented-out default of `name`, else at the end of the text.
    pub(crate) fn inserted(&self, name: &str, assignment: &str) -> Result<Splice, Refusal> {
        let changed_later =
            |at: usize| self.outline.hazards.iter().any(|hazard| hazard.name.is_none() && hazard.at >= at);
        let default = self.commented_default(name).filter(|&at| !changed_later(at));
        let at = default.unwrap_or(self.text.len());
        if let Some(blind) = self.outline.blind.as_ref().filter(|blind| at > blind.from) {
            let reason = format!("{name} cannot be added: {}", blind.reason);
            return Err(refusal(&self.text, blind.shown, &reason));
        }
        let before = &self.text[..at];
        let ended = before.is_empty() || before.ends_with(b"\n");
        let windows = before.ends_with(b"\r\n");
        let line_end = if windows { "\r\n" } else { "\n" };
        let (first, guard) = (if ended { "" } else { "\n" }, if windows { " #" } else { "" });
        Ok(Splice { range: at..at, with: format!("{first}{assignment}{guard}{line_end}").into_bytes() })
    }

    /// Where the line behind the last `#NAME=…` begins.
    fn commented_default(&self, name: &str) -> Option<usize> {
        let blind = self.outline.blind.as_ref().map_or(usize::MAX, |blind| blind.from);
        let comments = &self.outline.comments;
        let index =
            comments.iter().rposition(|range| range.end < blind && is_default(&self.text, range, name))?;
        let mut block = Vec::new();
        let mut end = comments[index].start;
        for range in comments[index..].iter().take_while(|range| range.end < blind) {
            if !block.is_empty() && (range.start > end || !is_unfinished(&block)) {
                break;
            }
            block.extend_from_slice(self.text[range.clone()].trim_ascii_end());
            end = self.text[range.end..]
                .iter()
                .position(|&byte| byte == b'\n')
                .map_or(self.text.len(), |n| range.end + n + 1);
        }
        Some(end)
    }
}

/// Whether this comment has its line to itself and holds an assignment to `name`.
fn is_default(text: &[u8], range: &Range<usize>, name: &str) -> bool {
    let before = text[..range.start].rsplit(|&byte| byte == b'\n').next().unwrap_or_default();
    let inside = text[range.clone()].trim_ascii_start();
    let bare =
        inside.iter().position(|byte| !b"# \t".contains(byte)).map_or(&inside[..0], |at| &inside[at..]);
    let bare = bare.strip_prefix(b"export ").unwrap_or(bare);
    let after = bare.strip_prefix(name.as_bytes());
    before.trim_ascii().is_empty()
        && after.is_some_and(|after| after.starts_with(b"=") || after.starts_with(b"+="))
}

/// Whether a commented-out assignment goes on in the next comment.
fn is_unfinished(block: &[u8]) -> bool {
    let count = |wanted: u8| block.iter().filter(|&&byte| byte == wanted).count();
    block.ends_with(b"\\") || count(b'(') > count(b')') || count(b'"') % 2 == 1
}

/// The change of one of these parts after which they make `value`.
fn changed(text: &[u8], parts: &[(&Part, &Word)], value: &str) -> Option<Vec<Splice>> {
    parts.first().filter(|(base, _)| !base.found.append)?;
    let joined =
        |parts: &[(&Part, &Word)]| parts.iter().flat_map(|(_, word)| word.value.clone()).collect::<Vec<u8>>();
    if joined(parts) == value.as_bytes() {
        return Some(Vec::new());
    }
    parts.iter().enumerate().find_map(|(index, (_, word))| {
        let (before, after) = (joined(&parts[..index]), joined(&parts[index + 1..]));
        let own = value.as_bytes().strip_prefix(before.as_slice())?.strip_suffix(after.as_slice())?;
        let quotes = Quotes::of(&text[word.range.clone()]);
        let with = quotes.around(str::from_utf8(own).ok()?).into_bytes();
        Some(vec![Splice { range: word.range.clone(), with }])
    })
}

/// The last part with `=`, after which the ones before it no longer count.
fn renewed(last: &Part, value: &str) -> Splice {
    let operator = last.found.whole.start + last.found.name.len();
    let with = format!("={}", Quotes::Double.around(value)).into_bytes();
    Splice { range: operator..last.found.value.end, with }
}

/// For each part whose line ends with a carriage return: a comment that holds it, so that bash does not take it
/// for a part of the value.
pub(crate) fn guards(text: &[u8], parts: &[Part]) -> Vec<Splice> {
    let carriages = parts.iter().filter_map(|part| part.carriage);
    let guard = |at: usize| {
        let blank = text[..at].ends_with(b" ") || text[..at].ends_with(b"\t");
        Splice { range: at..at, with: if blank { b"#".to_vec() } else { b" #".to_vec() } }
    };
    carriages.map(guard).collect()
}

/// The text with all of these, which do not overlap.
pub(crate) fn spliced(text: &[u8], mut splices: Vec<Splice>) -> Vec<u8> {
    splices.sort_by_key(|splice| (splice.range.start, splice.range.end));
    let mut result = Vec::with_capacity(text.len() + 64);
    let mut at = 0;
    for splice in splices {
        result.extend_from_slice(&text[at..splice.range.start]);
        result.extend_from_slice(&splice.with);
        at = splice.range.end;
    }
    result.extend_from_slice(&text[at..]);
    result
}
