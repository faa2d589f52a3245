//! `-D` and `-U` as the directives they stand for. Knows no other word of a command.

use crate::dialect::Dialect;
use crate::directive::Directives;
use crate::symbol::Symbols;
use crate::task::MacroWord;

/// One `#define` or `#undef` for each word, in order.
pub(crate) fn as_directives(words: &[MacroWord], dialect: Dialect, symbols: &Symbols) -> Directives {
    let mut text = Vec::new();
    for word in words {
        match word {
            MacroWord::Define(word) => {
                let word = first_line(word);
                let equals = memchr::memchr(b'=', word);
                let (name, body) = equals.map_or((word, &b"1"[..]), |at| (&word[..at], &word[at + 1..]));
                text.extend_from_slice(b"#define ");
                text.extend_from_slice(name);
                text.push(b' ');
                text.extend_from_slice(body);
            }
            MacroWord::Undefine(name) => {
                text.extend_from_slice(b"#undef ");
                text.extend_from_slice(first_line(name));
            }
        }
        // Two, so that a backslash at the end of a word does not take the next word in.
        text.extend_from_slice(b"\n\n");
    }
    Directives::parse(&text, dialect, symbols)
}

/// Both compilers drop what stands behind the end of the line.
fn first_line(word: &[u8]) -> &[u8] {
    word.split(|byte| *byte == b'\n').next().unwrap_or_default()
}
