//! A file's bytes as its directive lines, free of comments and splices. Knows no directive's meaning.

use crate::dialect::{C90_COMMENTS, DIGIT_SEPARATORS, Dialect, RAW_STRINGS, TRIGRAPHS};
use crate::lexer::{is_blank, raw_string_length};
use crate::opening::{SPECIAL, awaits_header_name, begins_module_line, names_file};
use crate::operator::pragma_operator;
use crate::splice::{after_splices, block_comment_end, line_comment_end, splice_length, trigraph};
use crate::token::in_name;

/// A line that begins with `#`, without it.
#[derive(Debug)]
pub(crate) struct Line<'a> {
    pub(crate) text: &'a [u8],
    /// The number of its first line in the file, from 1.
    pub(crate) number: u32,
    /// It goes over several lines of the file.
    pub(crate) spliced: bool,
}

/// What the text between the directives has shown.
#[derive(Default, Debug)]
pub(crate) struct Findings {
    /// Bits of [`Dialect::cuts`] that would have made a difference.
    pub(crate) sensitive: u8,
    /// A line that begins with `import`, `module` or `export` and can be a declaration of C++20.
    pub(crate) declares_modules: bool,
    /// A carriage return alone: a line's end for clang, not for gcc.
    pub(crate) lone_return: bool,
    /// A raw string goes over the end of a directive's line, or many have no end.
    pub(crate) broken_raw_string: bool,
    /// Where comments and pragmas stand, if asked for.
    pub(crate) silent: Vec<std::ops::Range<usize>>,
}

/// The pass over a file's bytes.
pub(crate) struct Lines<'a> {
    text: &'a [u8],
    at: usize,
    number: u32,
    dialect: Dialect,
    clean: Vec<u8>,
    /// A pragma's operator was read; the rest of its line begins no directive.
    within_line: bool,
    keep_silent: bool,
    /// Raw strings without an end.
    unended: u32,
    pub(crate) findings: Findings,
}

/// Raw strings without an end: one is an error already.
const MOST_UNENDED: u32 = 16;

impl<'a> Lines<'a> {
    pub(crate) fn new(text: &'a [u8], dialect: Dialect, keep_silent: bool) -> Lines<'a> {
        let mark = b"\xef\xbb\xbf";
        let at = if text.starts_with(mark) { mark.len() } else { 0 };
        let findings = Findings::default();
        Lines {
            text,
            at,
            number: 1,
            dialect,
            clean: Vec::new(),
            within_line: false,
            keep_silent,
            unended: 0,
            findings,
        }
    }

    /// The next directive line.
    pub(crate) fn next(&mut self) -> Option<Line<'_>> {
        loop {
            if std::mem::take(&mut self.within_line) {
                self.skip_text_line(b' ');
            }
            self.skip_white();
            let first = *self.text.get(self.at)?;
            if first == b'_' && self.operator() {
                return Some(Line { text: &self.clean, number: self.number, spliced: false });
            }
            match self.introducer(first) {
                Some(length) => {
                    self.at += length;
                    return Some(self.directive());
                }
                None => self.skip_text_line(first),
            }
        }
    }

    /// Whether `_Pragma("...")` stands here; it is skipped then, and its text is the line.
    fn operator(&mut self) -> bool {
        let Some((directive, length)) = pragma_operator(&self.text[self.at..]) else { return false };
        self.clean = directive;
        if self.keep_silent {
            self.findings.silent.push(self.at..self.at + length);
        }
        self.skip_counting(length);
        self.within_line = true;
        true
    }

    fn introducer(&mut self, first: u8) -> Option<usize> {
        let length = match (first, self.text.get(self.at + 1)) {
            (b'#', _) => 1,
            (b'%', Some(b':')) => 2,
            (b'?', Some(b'?')) if self.text.get(self.at + 2) == Some(&b'=') => {
                self.findings.sensitive |= TRIGRAPHS;
                return None;
            }
            _ => return None,
        };
        let again = after_splices(self.text, self.at + length);
        (!self.text[again..].starts_with(&self.text[self.at..self.at + length])).then_some(length)
    }

    /// White space, ends of lines, splices and comments before the first token of a line.
    fn skip_white(&mut self) {
        while let Some(&byte) = self.text.get(self.at) {
            match byte {
                b'\n' => self.newline(),
                b'\r' => self.carriage_return(),
                b'\\' if splice_length(self.text, self.at) > 0 => self.skip_splice(),
                b'/' if self.skip_comment() => {}
                _ if is_blank(byte) => self.at += 1,
                _ => return,
            }
        }
    }

    fn newline(&mut self) {
        self.at += 1;
        self.number += 1;
    }

    fn carriage_return(&mut self) {
        self.at += 1;
        if self.text.get(self.at).is_some_and(|next| *next != b'\n') {
            self.findings.lone_return = true;
        }
    }

    /// Everything up to and including the end of a line that is no directive.
    fn skip_text_line(&mut self, first: u8) {
        if matches!(first, b'i' | b'm' | b'e') && begins_module_line(&self.text[self.at..]) {
            self.findings.declares_modules = true;
        }
        while let Some(&byte) = self.text.get(self.at) {
            match SPECIAL[byte as usize] {
                false => self.at += 1,
                true if byte == b'\n' => return self.newline(),
                true => self.skip_special(byte),
            }
        }
    }

    fn skip_special(&mut self, byte: u8) {
        match byte {
            b'\r' => self.carriage_return(),
            b'\\' if splice_length(self.text, self.at) > 0 => self.skip_splice(),
            b'/' if self.skip_comment() => {}
            b'"' if self.raw_prefix() => match raw_string_length(&self.text[self.at..]) {
                Some(length) => self.skip_counting(length),
                None => self.skip_unended_raw_string(),
            },
            b'\'' if self.separates_digits() => self.at += 1,
            b'"' | b'\'' => self.skip_literal(byte),
            b'?' if self.text[self.at..].starts_with(b"??") => {
                if self.text.get(self.at + 2).is_some_and(|third| trigraph(*third).is_some()) {
                    self.findings.sensitive |= TRIGRAPHS;
                }
                self.at += 1;
            }
            _ => self.at += 1,
        }
    }

    /// Each was looked for to the end of the file.
    fn skip_unended_raw_string(&mut self) {
        self.unended += 1;
        self.findings.broken_raw_string |= self.unended > MOST_UNENDED;
        self.skip_literal(b'"');
    }

    fn skip_counting(&mut self, length: usize) {
        let skipped = &self.text[self.at..self.at + length];
        self.number += u32::try_from(memchr::memchr_iter(b'\n', skipped).count()).unwrap_or(0);
        self.at += length;
    }

    /// A string or character, to its end or to the end of the line.
    fn skip_literal(&mut self, quote: u8) {
        self.at += 1;
        let mut escaped = false;
        while let Some(&byte) = self.text.get(self.at) {
            match byte {
                b'\n' => return,
                b'\\' if splice_length(self.text, self.at) > 0 => self.skip_splice(),
                _ => {
                    self.at += 1;
                    if byte == quote && !escaped {
                        return;
                    }
                    escaped = byte == b'\\' && !escaped;
                }
            }
        }
    }

    /// Whether a comment began here; it is skipped then.
    fn skip_comment(&mut self) -> bool {
        let start = self.at;
        let second = after_splices(self.text, self.at + 1);
        match self.text.get(second) {
            Some(b'*') => {
                let end = block_comment_end(self.text, second + 1);
                self.skip_counting(end - start);
            }
            Some(b'/') if !self.divides_before_comment(second + 1) => {
                let end = line_comment_end(self.text, second + 1);
                self.skip_counting(end - start);
            }
            _ => return false,
        }
        if self.keep_silent {
            self.findings.silent.push(start..self.at);
        }
        true
    }

    /// `//*` in strict C90.
    fn divides_before_comment(&mut self, third: usize) -> bool {
        let star = self.text.get(after_splices(self.text, third)) == Some(&b'*');
        if star {
            self.findings.sensitive |= C90_COMMENTS;
        }
        star && self.dialect.c90_comments
    }

    fn skip_splice(&mut self) {
        self.at += splice_length(self.text, self.at);
        self.number += 1;
    }

    /// The start of the name or number that ends before the quote.
    fn word_before_quote(&self) -> &'a [u8] {
        let before = &self.text[..self.at];
        let is_word = |byte: u8| in_name(byte) || matches!(byte, b'.' | b'\'');
        let start = before.iter().rposition(|byte| !is_word(*byte)).map_or(0, |at| at + 1);
        &before[start..]
    }

    fn raw_prefix(&mut self) -> bool {
        if self.at == 0 || self.text[self.at - 1] != b'R' {
            return false;
        }
        let word = self.word_before_quote();
        let name = word.rsplit(|byte| matches!(byte, b'.' | b'\'')).next().unwrap_or(word);
        let raw = matches!(name, b"R" | b"u8R" | b"uR" | b"UR" | b"LR");
        if raw {
            self.findings.sensitive |= RAW_STRINGS;
        }
        raw && self.dialect.raw_strings && self.unended <= MOST_UNENDED
    }

    fn separates_digits(&mut self) -> bool {
        if self.at == 0 || !in_name(self.text[self.at - 1]) {
            return false;
        }
        let word = self.word_before_quote();
        let begins_number = |word: &[u8]| match word {
            [b'.', digit, ..] | [digit, ..] => digit.is_ascii_digit(),
            [] => false,
        };
        let next = self.text.get(self.at + 1).copied().unwrap_or(0);
        let separates = begins_number(word) && in_name(next);
        if separates {
            self.findings.sensitive |= DIGIT_SEPARATORS;
        }
        separates && self.dialect.digit_separators
    }

    /// The rest of a directive's line, the `#` being read.
    fn directive(&mut self) -> Line<'_> {
        let number = self.number;
        let start = self.at;
        let rest = &self.text[start..];
        let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let plain = !rest[..end].iter().any(|byte| SPECIAL[*byte as usize]);
        if plain {
            self.at = (start + end + 1).min(self.text.len());
            self.number += 1;
            return Line { text: &rest[..end], number, spliced: false };
        }
        let mut clean = std::mem::take(&mut self.clean);
        clean.clear();
        self.gather(&mut clean);
        self.clean = clean;
        let spliced = self.number > number + 1;
        Line { text: &self.clean, number, spliced }
    }

    fn gather(&mut self, clean: &mut Vec<u8>) {
        while let Some(&byte) = self.text.get(self.at) {
            match byte {
                b'\n' => return self.newline(),
                b'\r' => self.carriage_return(),
                b'\\' if splice_length(self.text, self.at) > 0 => self.skip_splice(),
                b'<' if awaits_header_name(clean) => self.copy_header_name(clean),
                b'/' if self.skip_comment() => clean.push(b' '),
                b'"' if self.raw_prefix() => self.copy_raw_string(clean),
                b'\'' if self.separates_digits() => self.copy(clean),
                b'"' if names_file(clean) => self.copy_to(b'"', Escapes::No, clean),
                b'"' | b'\'' => self.copy_to(byte, Escapes::Yes, clean),
                _ => self.copy(clean),
            }
        }
    }

    fn copy(&mut self, clean: &mut Vec<u8>) {
        clean.push(self.text[self.at]);
        self.at += 1;
    }

    fn copy_raw_string(&mut self, clean: &mut Vec<u8>) {
        match raw_string_length(&self.text[self.at..]) {
            Some(length) if !self.text[self.at..self.at + length].contains(&b'\n') => {
                clean.extend_from_slice(&self.text[self.at..self.at + length]);
                self.at += length;
            }
            _ => {
                self.findings.broken_raw_string = true;
                self.copy_to(b'"', Escapes::Yes, clean);
            }
        }
    }

    fn copy_header_name(&mut self, clean: &mut Vec<u8>) {
        let line = self.text[self.at..].split(|byte| *byte == b'\n').next().unwrap_or_default();
        if line.contains(&b'>') {
            self.copy_to(b'>', Escapes::No, clean);
        } else {
            self.copy(clean);
        }
    }

    /// A literal, or the name of a file: to its end or that of the line. There are no comments in either.
    fn copy_to(&mut self, end: u8, escapes: Escapes, clean: &mut Vec<u8>) {
        self.copy(clean);
        let mut escaped = false;
        while let Some(&byte) = self.text.get(self.at) {
            match byte {
                b'\n' => return,
                b'\r' => self.carriage_return(),
                b'\\' if splice_length(self.text, self.at) > 0 => self.skip_splice(),
                _ => {
                    self.copy(clean);
                    if byte == end && !escaped {
                        return;
                    }
                    escaped = escapes == Escapes::Yes && byte == b'\\' && !escaped;
                }
            }
        }
    }
}

/// Whether a backslash takes the meaning from what follows it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Escapes {
    Yes,
    No,
}

#[cfg(test)]
mod tests;
