//! One word of bash, read to its literal value or to the place where only bash could go on. Knows no assignment. See bash(1), "QUOTING".

use std::ops::Range;

/// A word whose value stands in the text itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    /// The bytes as written, quotes included.
    pub(crate) range: Range<usize>,
    /// What bash makes of them.
    pub(crate) value: Vec<u8>,
}

/// Where a word stops being readable, and what stands there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unreadable {
    pub(crate) at: usize,
    pub(crate) why: &'static str,
}

const EXPANSION: &str = "a variable's value";
const SUBSTITUTION: &str = "a command's output";
const ARITHMETIC: &str = "what bash computes";
const PATTERN: &str = "a file name pattern";
const BRACES: &str = "braces, which bash may expand";
const TILDE: &str = "a tilde, which bash expands";
const UNCLOSED: &str = "a quote that is never closed";
const STRAY: &str = "a character that ends the word";
const ESCAPE: &str = "an escape that depends on the locale";

/// Reads the scalar that begins at `at`, to the blank or operator that ends it.
pub(crate) fn scalar(text: &[u8], at: usize) -> Result<Word, Unreadable> {
    Reader { text, at, end: at, value: Vec::new(), in_array: false }.word(at)
}

/// Reads the words of the array whose parenthesis opens at `open`; also returns the offset after the closing one.
pub(crate) fn array(text: &[u8], open: usize) -> Result<(Vec<Word>, usize), Unreadable> {
    let mut words = Vec::new();
    let mut at = open + 1;
    loop {
        match text.get(at) {
            None => return Err(Unreadable { at: open, why: "a parenthesis that is never closed" }),
            Some(b')') => return Ok((words, at + 1)),
            Some(b' ' | b'\t' | b'\n') => at += 1,
            Some(b'\\') if text.get(at + 1) == Some(&b'\n') => at += 2,
            Some(b'#') => {
                at = text[at..].iter().position(|&byte| byte == b'\n').map_or(text.len(), |n| at + n);
            }
            Some(_) => {
                let word = Reader { text, at, end: at, value: Vec::new(), in_array: true }.word(at)?;
                at = word.range.end;
                words.push(word);
            }
        }
    }
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    /// After the last byte that is part of the word; a line continued into blanks is not.
    end: usize,
    value: Vec<u8>,
    in_array: bool,
}

impl Reader<'_> {
    fn word(mut self, start: usize) -> Result<Word, Unreadable> {
        while let Some(byte) = self.peek(0) {
            match byte {
                b' ' | b'\t' | b'\n' => break,
                b')' if self.in_array => break,
                b'|' | b'&' | b';' | b'(' | b')' | b'<' | b'>' if self.in_array => return self.stop(STRAY),
                b'|' | b'&' | b';' | b'(' | b')' | b'<' | b'>' => break,
                b'\'' => self.single()?,
                b'"' => self.double()?,
                b'\\' => self.escaped(),
                b'$' => self.dollar()?,
                b'`' => return self.stop(SUBSTITUTION),
                b'{' => return self.stop(BRACES),
                b'*' | b'?' | b'[' if self.in_array => return self.stop(PATTERN),
                b'~' if self.at == start || matches!(self.text[self.at - 1], b':' | b'=') => {
                    return self.stop(TILDE);
                }
                _ => self.take(1),
            }
        }
        Ok(Word { range: start..self.end, value: self.value })
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.text.get(self.at + ahead).copied()
    }

    fn stop<T>(&self, why: &'static str) -> Result<T, Unreadable> {
        Err(Unreadable { at: self.at, why })
    }

    /// The next `count` bytes stand for themselves.
    fn take(&mut self, count: usize) {
        let until = (self.at + count).min(self.text.len());
        self.value.extend_from_slice(&self.text[self.at..until]);
        self.skip(until - self.at);
    }

    fn skip(&mut self, count: usize) {
        self.at += count;
        self.end = self.at;
    }

    fn escaped(&mut self) {
        match self.peek(1) {
            Some(b'\n') => self.at += 2,
            Some(_) => {
                self.skip(1);
                self.take(1);
            }
            None => self.take(1),
        }
    }

    fn single(&mut self) -> Result<(), Unreadable> {
        let inside = &self.text[self.at + 1..];
        let Some(length) = inside.iter().position(|&byte| byte == b'\'') else { return self.stop(UNCLOSED) };
        self.skip(1);
        self.take(length);
        self.skip(1);
        Ok(())
    }

    fn double(&mut self) -> Result<(), Unreadable> {
        let open = self.at;
        self.skip(1);
        loop {
            match (self.peek(0), self.peek(1)) {
                (None, _) => return Err(Unreadable { at: open, why: UNCLOSED }),
                (Some(b'"'), _) => break self.skip(1),
                (Some(b'`'), _) => return self.stop(SUBSTITUTION),
                (Some(b'$'), Some(b'"' | b'\'')) => self.take(1),
                (Some(b'$'), _) => self.dollar()?,
                (Some(b'\\'), Some(b'\n')) => self.skip(2),
                (Some(b'\\'), Some(b'$' | b'`' | b'"' | b'\\')) => self.escaped(),
                _ => self.take(1),
            }
        }
        Ok(())
    }

    fn dollar(&mut self) -> Result<(), Unreadable> {
        match self.peek(1) {
            Some(b'\'') => self.ansi(),
            Some(b'"') => self.stop("text that bash translates"),
            Some(b'(') if self.peek(2) != Some(b'(') => self.stop(SUBSTITUTION),
            Some(b'(' | b'[') => self.stop(ARITHMETIC),
            Some(b'{' | b'_' | b'@' | b'*' | b'#' | b'?' | b'$' | b'!' | b'-') => self.stop(EXPANSION),
            Some(byte) if byte.is_ascii_alphanumeric() => self.stop(EXPANSION),
            // A line continued right behind a dollar sign may go on with a name.
            Some(b'\\') if self.peek(2) == Some(b'\n') => self.stop(EXPANSION),
            _ => {
                self.take(1);
                Ok(())
            }
        }
    }

    /// `$'…'`.
    fn ansi(&mut self) -> Result<(), Unreadable> {
        let open = self.at;
        self.skip(2);
        loop {
            match self.peek(0) {
                None => return Err(Unreadable { at: open, why: UNCLOSED }),
                Some(b'\'') => break self.skip(1),
                Some(b'\\') => self.ansi_escape()?,
                Some(_) => self.take(1),
            }
        }
        Ok(())
    }

    fn ansi_escape(&mut self) -> Result<(), Unreadable> {
        let Some(letter) = self.peek(1) else { return self.stop(UNCLOSED) };
        let plain = ANSI_ESCAPES.iter().find(|(escape, _)| *escape == letter);
        match (plain, letter) {
            (Some(&(_, byte)), _) => {
                self.value.push(byte);
                self.skip(2);
                Ok(())
            }
            (None, b'0'..=b'7') => self.numbered(1, 3, 8),
            (None, b'x') => self.numbered(2, 2, 16),
            (None, b'u' | b'U' | b'c') => self.stop(ESCAPE),
            _ => {
                self.take(2);
                Ok(())
            }
        }
    }

    /// `\nnn` or `\xHH`, the digits beginning `from` bytes after the backslash.
    fn numbered(&mut self, from: usize, most: usize, radix: u32) -> Result<(), Unreadable> {
        let digits =
            (0..most).take_while(|n| self.peek(from + n).is_some_and(|d| char::from(d).is_digit(radix)));
        let count = digits.count();
        let digits = self.text[self.at + from..self.at + from + count].iter();
        let number =
            digits.fold(0, |sum, &d| sum * radix + char::from(d).to_digit(radix).unwrap_or(0)) & 0xff;
        match u8::try_from(number) {
            // Bash ends the string at a NUL; without digits it keeps the escape.
            Ok(byte) if byte != 0 && count > 0 => {
                self.value.push(byte);
                self.skip(from + count);
                Ok(())
            }
            _ => self.stop(ESCAPE),
        }
    }
}

const ANSI_ESCAPES: &[(u8, u8)] = &[
    (b'a', 7),
    (b'b', 8),
    (b'e', 27),
    (b'E', 27),
    (b'f', 12),
    (b'n', b'\n'),
    (b'r', b'\r'),
    (b't', b'\t'),
    (b'v', 11),
    (b'\\', b'\\'),
    (b'\'', b'\''),
    (b'"', b'"'),
    (b'?', b'?'),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// `Ok`: the value, and the word as written; `Err`: where it stops being readable.
    fn check(text: &str, expected: Result<(&str, &str), usize>) {
        let read = scalar(text.as_bytes(), 0);
        let value = read.as_ref().map(|word| String::from_utf8_lossy(&word.value).into_owned());
        let raw = read.as_ref().map(|word| &text[word.range.clone()]);
        match expected {
            Ok(expected) => assert_eq!((value.as_deref(), raw), (Ok(expected.0), Ok(expected.1)), "{text}"),
            Err(at) => assert_eq!(read.map_err(|wrong| wrong.at), Err(at), "{text}"),
        }
    }

    #[test]
    fn scalars() {
        check("", Ok(("", "")));
        check("-j2 -O", Ok(("-j2", "-j2")));
        check("\"-j2 -O\" # x", Ok(("-j2 -O", "\"-j2 -O\"")));
        check("'a'\"b\"c\\ d;e", Ok(("abc d", "'a'\"b\"c\\ d")));
        check("a#b", Ok(("a#b", "a#b")));
        check("a\\\nb c", Ok(("ab", "a\\\nb")));
        check("a\\\n c", Ok(("a", "a")));
        check("\"a\\\nb\\n\\\"\\$\"", Ok(("ab\\n\"$", "\"a\\\nb\\n\\\"\\$\"")));
        check("$'a\\n\\x41\\101\\q\\''", Ok(("a\nAA\\q'", "$'a\\n\\x41\\101\\q\\''")));
        check("a$ \"$\"", Ok(("a$", "a$")));
        check("a:b~*[?", Ok(("a:b~*[?", "a:b~*[?")));
    }

    #[test]
    fn what_only_bash_knows() {
        for text in ["$x", "${x}", "$(x)", "`x`", "$((1))", "$1", "$[1]", "$\"a\"", "{a,b}"] {
            check(text, Err(0));
            check(&format!("a\"b\"{text}"), Err(4));
        }
        check("\"a$x\"", Err(2));
        check("\"a`x`\"", Err(2));
        for text in ["$'\\u41'", "$'\\0'", "$'\\x'", "$'\\cA'"] {
            check(text, Err(2));
        }
        check("~/x", Err(0));
        check("a~", Ok(("a~", "a~")));
        check("a:~", Err(2));
        check("'a", Err(0));
        check("\"a", Err(0));
    }

    #[test]
    fn arrays() {
        let text = b"(a \"b c\"'d' # ) no\n\t!e \\\n f)g";
        let (words, end) = array(text, 0).unwrap();
        let values: Vec<_> = words.iter().map(|word| String::from_utf8_lossy(&word.value)).collect();
        assert_eq!((values.join("|").as_str(), end), ("a|b cd|!e|f", text.len() - 1));
        for (text, at) in [("(a", 0), ("(a*)", 2), ("([0]=a)", 1), ("(a;b)", 2), ("(a (b))", 3), ("($x)", 1)]
        {
            assert_eq!(array(text.as_bytes(), 0).map_err(|wrong| wrong.at), Err(at), "{text}");
        }
    }
}
