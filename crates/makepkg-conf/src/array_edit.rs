//! Words put into an array, negated, or taken out of it. Knows no plain variable. See makepkg.conf(5): `!` negates, the last word counts.

use std::ops::Range;

use crate::chain::{Part, Value};
use crate::conf::Conf;
use crate::edit::{Splice, guards};
use crate::quote::Quotes;
use crate::refusal::Refusal;
use crate::word::{self, Word};

impl Conf {
    /// Makes `word` stand in the array without a `!`: where `!word` counts, it loses the `!`; where neither
    /// stands, `word` is added behind the last one. Without any assignment, `ARRAY+=(word)` is put behind the
    /// commented-out default, else at the end, so that words from elsewhere stay.
    ///
    /// # Errors
    /// Where that is not certain, see [`Refusal`]; nothing is changed then.
    pub fn enable(&mut self, array: &str, word: &str) -> Result<(), Refusal> {
        self.put(array, word, word)
    }

    /// Makes `!word` stand in the array, the other way round.
    ///
    /// # Errors
    /// As [`Conf::enable`].
    pub fn disable(&mut self, array: &str, word: &str) -> Result<(), Refusal> {
        self.put(array, word, &format!("!{word}"))
    }

    /// Takes every `word` and `!word` out of the array.
    ///
    /// # Errors
    /// As [`Conf::enable`].
    pub fn remove_word(&mut self, array: &str, word: &str) -> Result<(), Refusal> {
        self.check_name(array)?;
        let chain = self.chain(array)?;
        let words = chain.words(&self.text)?;
        let (gone, kept): (Vec<_>, Vec<_>) = words.into_iter().partition(|(_, each)| names(each, word));
        if gone.is_empty() {
            return Ok(());
        }
        let mut splices: Vec<Splice> = Vec::new();
        for (_, each) in gone {
            let range = with_blanks(&self.text, &each.range);
            let start = range.start.max(splices.last().map_or(0, |before| before.range.end));
            splices.push(Splice { range: start..range.end, with: Vec::new() });
        }
        splices.extend(guards(&self.text, &chain.parts));
        let wanted: Vec<_> = kept.iter().map(|(_, word)| word.value.clone()).collect();
        self.commit(array, splices, &wanted)
    }

    /// Makes the last of `word` and `!word` read `wanted`, which is one of them.
    fn put(&mut self, array: &str, word: &str, wanted: &str) -> Result<(), Refusal> {
        self.check_name(array)?;
        let chain = self.chain(array)?;
        let quoted = Quotes::None.around(wanted);
        let Some(last) = chain.last() else {
            let splice = self.inserted(array, &format!("{array}+=({quoted})"))?;
            return self.commit(array, vec![splice], &[wanted.into()]);
        };
        let words = chain.words(&self.text)?;
        let mut values: Vec<Vec<u8>> = words.iter().map(|(_, word)| word.value.clone()).collect();
        let mut splices = guards(&self.text, &chain.parts);
        match words.iter().rposition(|(_, each)| names(each, word)) {
            Some(index) if values[index] == wanted.as_bytes() => {}
            Some(index) => {
                let range = words[index].1.range.clone();
                let with = turned(&self.text[range.clone()], wanted).unwrap_or(quoted.into_bytes());
                splices.push(Splice { range, with });
                values[index] = wanted.into();
            }
            None => {
                splices.push(appended(&self.text, last, &quoted));
                values.push(wanted.into());
            }
        }
        self.commit(array, splices, &values)
    }
}

/// `word` or `!word`.
fn names(each: &Word, word: &str) -> bool {
    each.value.strip_prefix(b"!").unwrap_or(&each.value) == word.as_bytes()
}

/// The word as it is quoted with the `!` taken out or put in; `None` where that does not give `wanted`.
fn turned(raw: &[u8], wanted: &str) -> Option<Vec<u8>> {
    let mut turned = raw.to_vec();
    if wanted.starts_with('!') {
        let quotes = raw.iter().take_while(|byte| b"$'\"".contains(byte)).count();
        turned.insert(quotes, b'!');
    } else {
        let at = raw.iter().position(|&byte| byte == b'!')?;
        let from = if raw[..at].ends_with(b"\\") { at - 1 } else { at };
        turned.drain(from..=at);
    }
    let read = word::scalar(&turned, 0).ok()?;
    (read.value == wanted.as_bytes() && read.range.end == turned.len()).then_some(turned)
}

/// `word` behind the last one; on a line of its own where each word has one.
fn appended(text: &[u8], part: &Part, word: &str) -> Splice {
    let words = match &part.value {
        Value::Array(words) => words.as_slice(),
        Value::Scalar(_) => &[],
    };
    let Some(last) = words.last() else {
        let inside = part.found.value.start + 1;
        return Splice { range: inside..inside, with: word.into() };
    };
    let own_lines = words.len() > 1 && words[1..].iter().all(|word| indent(text, word.range.start).is_some());
    let rest = text[last.range.end..part.found.value.end].iter().position(|&byte| byte == b'\n');
    if let (true, Some(length), Some(indent)) = (own_lines, rest, indent(text, last.range.start))
        && !text[..last.range.end + length].ends_with(b"\r")
    {
        let line = last.range.end + length + 1;
        return Splice { range: line..line, with: [indent, word.as_bytes(), b"\n"].concat() };
    }
    Splice { range: last.range.end..last.range.end, with: format!(" {word}").into_bytes() }
}

/// The blanks between the start of the line and `at`, if nothing else stands there.
fn indent(text: &[u8], at: usize) -> Option<&[u8]> {
    let line = text[..at].iter().rposition(|&byte| byte == b'\n')? + 1;
    text[line..at].iter().all(|byte| b" \t".contains(byte)).then(|| &text[line..at])
}

/// The word with its line if it is alone there, else with the blanks on one side.
fn with_blanks(text: &[u8], word: &Range<usize>) -> Range<usize> {
    let blanks = |bytes: &[u8]| bytes.iter().take_while(|byte| b" \t".contains(byte)).count();
    let after = blanks(&text[word.end..]);
    if let Some(indent) = indent(text, word.start) {
        let end = word.end + after;
        let line_end = usize::from(text.get(end) == Some(&b'\n'));
        return word.start - indent.len() * line_end..end + line_end;
    }
    let before = text[..word.start].iter().rev().take_while(|byte| b" \t".contains(byte)).count();
    if before > 0 { word.start - before..word.end } else { word.start..word.end + after }
}
