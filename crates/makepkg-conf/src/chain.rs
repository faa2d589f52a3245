//! The assignments that together decide a variable, read to their values; or why only bash could tell. Knows no edit.

use crate::outline::{Found, Outline};
use crate::refusal::Refusal;
use crate::word::{self, Unreadable, Word};

/// What the text does to one variable, from the last `=` on.
#[derive(Debug)]
pub(crate) struct Chain<'a> {
    pub(crate) name: &'a str,
    /// In order; all but the first are `+=`.
    pub(crate) parts: Vec<Part<'a>>,
    /// Commands earlier in the text, or files read before it, may have given it a value that `+=` adds to.
    pub(crate) inherits: bool,
}

#[derive(Debug)]
pub(crate) struct Part<'a> {
    pub(crate) found: &'a Found,
    pub(crate) value: Value,
    /// The carriage return that ends its line and that bash takes for a part of the value.
    pub(crate) carriage: Option<usize>,
}

#[derive(Debug)]
pub(crate) enum Value {
    Scalar(Word),
    Array(Vec<Word>),
}

/// Reads what decides `name`.
pub(crate) fn of<'a>(text: &[u8], outline: &'a Outline, name: &'a str) -> Result<Chain<'a>, Refusal> {
    let assigned_from =
        |from| outline.assignments.iter().any(|each| each.name == name && each.whole.end > from);
    if let Some(blind) = &outline.blind
        && (assigned_from(blind.from) || mentioned_from(text, blind.from, name))
    {
        return Err(refusal(
            text,
            blind.shown,
            &format!("{name} is not certain from here on: {}", blind.reason),
        ));
    }
    let plain: Vec<&Found> = outline
        .assignments
        .iter()
        .filter(|found| found.name == name && found.conditional.is_none())
        .collect();
    let base = plain.iter().rposition(|found| !found.append);
    let decisive = &plain[base.unwrap_or(0)..];
    let from = base.map_or(0, |index| plain[index].whole.start);
    for hazard in &outline.hazards {
        let own = hazard.name.as_deref() == Some(name) && (hazard.always || hazard.at >= from);
        let last = decisive.last().map_or(text.len(), |found| found.whole.start);
        let any =
            hazard.name.is_none() && (hazard.always || hazard.at >= if base.is_some() { from } else { last });
        if own || any {
            return Err(refusal(text, hazard.at, &format!("{name}: {}", hazard.reason)));
        }
    }
    let parts: Result<Vec<Part>, Refusal> = decisive.iter().map(|found| part(text, found)).collect();
    Ok(Chain {
        name,
        parts: parts?,
        inherits: base.is_none() && outline.hazards.iter().any(|hazard| hazard.name.is_none()),
    })
}

/// A refusal that names the line of this offset.
pub(crate) fn refusal(text: &[u8], at: usize, reason: &str) -> Refusal {
    Refusal { line: line_of(text, at), reason: reason.to_owned(), remedy: None }
}

/// Counted from 1.
pub(crate) fn line_of(text: &[u8], at: usize) -> usize {
    1 + text[..at.min(text.len())].iter().filter(|&&byte| byte == b'\n').count()
}

/// Whether the name stands anywhere behind `from`, except in lines that are comments.
fn mentioned_from(text: &[u8], from: usize, name: &str) -> bool {
    let inner = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    text[from..].split(|&byte| byte == b'\n').filter(|line| !line.trim_ascii_start().starts_with(b"#")).any(
        |line| {
            line.windows(name.len()).enumerate().any(|(at, window)| {
                window == name.as_bytes()
                    && !inner(at.checked_sub(1).and_then(|before| line.get(before)))
                    && !inner(line.get(at + name.len()))
            })
        },
    )
}

fn part<'a>(text: &[u8], found: &'a Found) -> Result<Part<'a>, Refusal> {
    let name = &found.name;
    let unreadable =
        |wrong: Unreadable| refusal(text, wrong.at, &format!("the value of {name} holds {}", wrong.why));
    let differs = |at: usize| refusal(text, at, &format!("where the value of {name} ends is not certain"));
    let (value, end) = match &found.words {
        None => {
            let word = word::scalar(text, found.value.start).map_err(unreadable)?;
            let end = word.range.end;
            (Value::Scalar(word), end)
        }
        Some(ranges) => {
            let (words, end) = word::array(text, found.value.start).map_err(unreadable)?;
            if let Some(word) = words.iter().find(|word| word.value.ends_with(b"\r")) {
                let reason = format!("a carriage return belongs to a word of {name}");
                let refused = refusal(text, word.range.start, &reason);
                return Err(Refusal {
                    remedy: Some("remove them all, as in sed -i 's/\\r$//' FILE"),
                    ..refused
                });
            }
            let joined = text.get(end).is_some_and(|next| !b" \t\r\n;&|)<>".contains(next));
            if joined || !words.iter().map(|word| &word.range).eq(ranges) {
                return Err(differs(found.value.start));
            }
            (Value::Array(words), end)
        }
    };
    let carriage = carriage(text, found)?;
    let end = if carriage == end.checked_sub(1) && end > found.value.end { end - 1 } else { end };
    if end != found.value.end {
        return Err(differs(found.value.start));
    }
    Ok(Part { found, value: without_carriage(value, found.value.end), carriage })
}

/// The reader takes the carriage return for a letter, as bash does; the writer of the file did not.
fn without_carriage(value: Value, end: usize) -> Value {
    match value {
        Value::Scalar(mut word) if word.range.end > end => {
            word.range.end = end;
            word.value.pop();
            Value::Scalar(word)
        }
        other => other,
    }
}

/// Where a carriage return ends the line of this assignment.
fn carriage(text: &[u8], found: &Found) -> Result<Option<usize>, Refusal> {
    let end = found.statement.end;
    let blanks = text[end..].iter().take_while(|byte| b" \t".contains(byte)).count();
    if !text[end + blanks..].starts_with(b"\r\n") {
        return Ok(None);
    }
    let several = found.statement != found.whole && !found.declared;
    if several && blanks > 0 {
        let reason = format!(
            "a carriage return ends the line of {}; remove it, as in sed -i 's/\\r$//' FILE",
            found.name
        );
        return Err(refusal(text, end, &reason));
    }
    Ok((found.whole.end == end).then_some(end + blanks))
}

impl Chain<'_> {
    /// The words of all parts with the index of their part.
    pub(crate) fn words(&self, text: &[u8]) -> Result<Vec<(usize, &Word)>, Refusal> {
        let mut all = Vec::new();
        for (index, part) in self.parts.iter().enumerate() {
            match &part.value {
                Value::Array(words) => all.extend(words.iter().map(|word| (index, word))),
                Value::Scalar(_) => {
                    let reason = format!("{} is no array here; write {}=(…)", self.name, self.name);
                    return Err(refusal(text, part.found.whole.start, &reason));
                }
            }
        }
        Ok(all)
    }

    /// The words of all parts as plain text, to be joined.
    pub(crate) fn scalars(&self, text: &[u8]) -> Result<Vec<(&Part<'_>, &Word)>, Refusal> {
        let mut words = Vec::new();
        for part in &self.parts {
            match &part.value {
                Value::Scalar(word) => words.push((part, word)),
                Value::Array(_) => {
                    let reason = format!("{} is an array here", self.name);
                    return Err(refusal(text, part.found.whole.start, &reason));
                }
            }
        }
        Ok(words)
    }

    /// Where something would be added.
    pub(crate) fn last(&self) -> Option<&Part<'_>> {
        self.parts.last()
    }
}
