//! A counted list of words: how many, then each in a packet of its own. Knows not what they mean.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use crate::decode::{Packets, Pause, check_limit};
use crate::{ProtocolError, Token};

/// How such a list is spelled and what it may claim.
#[derive(Clone, Copy)]
pub(crate) struct Form {
    /// Its number is how many words follow.
    pub(crate) count: Token,
    /// Opens one word.
    pub(crate) word: Token,
    /// How many words.
    pub(crate) most: u32,
    /// The longest word, in bytes.
    pub(crate) word_bytes: u32,
    /// All words together, in bytes.
    pub(crate) all_bytes: u32,
    /// What a NUL byte in a word is.
    pub(crate) nul: fn() -> ProtocolError,
}

/// A list on its way in.
#[derive(Default)]
pub(crate) struct Words {
    /// What the list claims to have, once that has come.
    count: Option<usize>,
    words: Vec<OsString>,
    bytes: u32,
}

impl Words {
    /// How many packets it must still have.
    pub(crate) fn packets(&self) -> usize {
        self.count.map_or(1, |count| count - self.words.len())
    }

    /// The words, once they have come whole.
    pub(crate) fn whole(&self) -> Option<&[OsString]> {
        (self.count == Some(self.words.len())).then_some(&self.words)
    }

    /// Memory set aside, in bytes.
    pub(crate) fn hold(&self) -> usize {
        self.bytes as usize + self.words.capacity() * size_of::<OsString>()
    }

    /// Takes what has arrived of it; how many words it has, when all have.
    pub(crate) fn proceed(&mut self, packets: &mut Packets, form: &Form) -> Result<usize, Pause> {
        let count = match self.count {
            Some(count) => count,
            None => {
                let count = packets.number(form.count)?;
                check_limit(form.count, count, form.most)?;
                *self.count.insert(count as usize)
            }
        };
        while self.words.len() < count {
            let word = packets.body(form.word, form.word_bytes.min(form.all_bytes - self.bytes))?;
            if word.contains(&0) {
                return Err((form.nul)().into());
            }
            self.bytes += word.len() as u32;
            self.words.push(OsString::from_vec(word));
        }
        Ok(count)
    }

    /// The words, which are then here no more.
    pub(crate) fn take(&mut self) -> Vec<OsString> {
        std::mem::take(&mut self.words)
    }
}
