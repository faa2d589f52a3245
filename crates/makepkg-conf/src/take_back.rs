//! Takes our own words out of a text that others may have edited since. Knows no file.

use std::ops::Range;

use crate::chain::{Chain, refusal};
use crate::conf::{Conf, literal};
use crate::edit::{Splice, spliced};
use crate::make_flags::MakeFlags;
use crate::outline::Found;
use crate::refusal::Refusal;

/// The variable of which only the number of jobs is ours.
const MAKE_FLAGS: &str = "MAKEFLAGS";

/// `now` without what makes `ours` differ from `original` in the variables `names`: an assignment that still is
/// ours gets its old text back, or goes if it was not there; in an array that was changed since, our words become
/// what they were; in MAKEFLAGS, the `-j`. Whatever else was changed stays.
///
/// # Errors
/// Where `now` assigns one of them in a way that only bash understands.
pub fn take_back(original: &[u8], ours: &[u8], now: &[u8], names: &[&str]) -> Result<Vec<u8>, Refusal> {
    let (original, ours, mut now) = (Conf::parse(original), Conf::parse(ours), Conf::parse(now));
    for name in names {
        // What could not be read then was not edited either.
        if let (Ok(was), Ok(made)) = (original.chain(name), ours.chain(name)) {
            Edit { original: &original, ours: &ours, was, made }.take_back(&mut now)?;
        }
    }
    Ok(now.text)
}

/// What we did to one variable.
struct Edit<'a> {
    original: &'a Conf,
    ours: &'a Conf,
    was: Chain<'a>,
    made: Chain<'a>,
}

impl Edit<'_> {
    fn take_back(&self, now: &mut Conf) -> Result<(), Refusal> {
        let made = &self.made.parts;
        let changed: Vec<_> = (0..made.len())
            .map(|index| {
                // We only ever add to the end of nothing, and turn a last += into =.
                let was =
                    (self.was.parts.len() + index).checked_sub(made.len()).map(|at| &self.was.parts[at]);
                (
                    was.map(|part| extent(&self.original.text, part.found)),
                    extent(&self.ours.text, made[index].found),
                )
            })
            .filter(|(was, made)| {
                was.as_ref().map(|was| &self.original.text[was.clone()])
                    != Some(&self.ours.text[made.clone()])
            })
            .collect();
        for (was, made) in &changed {
            let Some(here) = self.find(now, &self.ours.text[made.clone()]) else { return self.by_value(now) };
            match was {
                Some(was) => replace(now, here, &self.original.text[was.clone()]),
                None => self.remove(now, &here)?,
            }
        }
        Ok(())
    }

    /// Where the same assignment stands now, byte for byte.
    fn find(&self, now: &Conf, text: &[u8]) -> Option<Range<usize>> {
        let plain = now.outline.assignments.iter().filter(|found| found.conditional.is_none());
        plain.map(|found| extent(&now.text, found)).rfind(|range| &now.text[range.clone()] == text)
    }

    /// Takes out an assignment that has its line to itself.
    fn remove(&self, now: &mut Conf, range: &Range<usize>) -> Result<(), Refusal> {
        let text = &now.text;
        let start = text[..range.start].iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        let end = text[range.end..]
            .iter()
            .position(|&byte| byte == b'\n')
            .map_or(text.len(), |at| range.end + at + 1);
        if !text[start..range.start].trim_ascii().is_empty() || !text[range.end..end].trim_ascii().is_empty()
        {
            let reason = format!("more than {} stands on its line now; take it out yourself", self.made.name);
            return Err(refusal(text, range.start, &reason));
        }
        let unended = end == text.len() && !self.original.text.ends_with(b"\n");
        let start = start - usize::from(unended && start > 0);
        replace(now, start..end, b"");
        Ok(())
    }

    /// Someone wrote it anew: by what it means.
    fn by_value(&self, now: &mut Conf) -> Result<(), Refusal> {
        let name = self.made.name;
        let current = now.clone();
        let chain = current.chain(name)?;
        if chain.parts.is_empty() {
            return Ok(());
        }
        if self.made.words(&self.ours.text).is_ok() {
            return self.words_back(now, &chain);
        }
        let text =
            |chain: &Chain| literal(chain).first().map(|value| String::from_utf8_lossy(value).into_owned());
        let (was, made, here) = (text(&self.was), text(&self.made), text(&chain));
        let back = if here == made {
            was
        } else if name == MAKE_FLAGS {
            let flags = |text: &Option<String>| MakeFlags::parse(text.as_deref().unwrap_or_default());
            if flags(&here).jobs() != flags(&made).jobs() {
                return Ok(());
            }
            Some(flags(&here).with_jobs_of(&flags(&was)))
        } else {
            return Ok(());
        };
        match (back, chain.parts.as_slice()) {
            (Some(back), _) => now.set(name, &back),
            (None, [only]) => self.remove(now, &extent(&current.text, only.found)),
            (None, _) => now.set(name, ""),
        }
    }

    fn words_back(&self, now: &mut Conf, chain: &Chain) -> Result<(), Refusal> {
        let (was, made, here) = (literal(&self.was), literal(&self.made), literal(chain));
        let mut words: Vec<&[u8]> = made.iter().map(|word| word.strip_prefix(b"!").unwrap_or(word)).collect();
        words.sort_unstable();
        words.dedup();
        for word in words {
            let (before, ours) = (standing(&was, word), standing(&made, word));
            if before == ours || standing(&here, word) != ours {
                continue;
            }
            let word = String::from_utf8_lossy(word);
            match before {
                Some(true) => now.enable(chain.name, &word)?,
                Some(false) => now.disable(chain.name, &word)?,
                None => now.remove_word(chain.name, &word)?,
            }
        }
        Ok(())
    }
}

/// Whether the last `word` or `!word` is without its `!`; `None` where neither stands.
fn standing(words: &[Vec<u8>], word: &[u8]) -> Option<bool> {
    let last = words.iter().rfind(|each| each.strip_prefix(b"!").unwrap_or(each) == word)?;
    Some(last == word)
}

/// The assignment with the comment that keeps a carriage return out of it, or the blanks in that place.
fn extent(text: &[u8], found: &Found) -> Range<usize> {
    let behind = &text[found.whole.end..];
    let blanks = behind.iter().take_while(|byte| b" \t".contains(byte)).count();
    let guarded = behind[blanks..].strip_prefix(b"#").unwrap_or(&behind[blanks..]);
    let until = if guarded.starts_with(b"\r\n") { text.len() - guarded.len() } else { found.whole.end };
    found.whole.start..until
}

fn replace(conf: &mut Conf, range: Range<usize>, with: &[u8]) {
    *conf = Conf::parse(&spliced(&conf.text, vec![Splice { range, with: with.to_vec() }]));
}
