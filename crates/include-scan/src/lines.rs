//! A file's bytes as its directive lines, free of comments and splices. Knows no directive's meaning.

use crate::dialect::{C90_COMMENTS, DIGIT_SEPARATORS, Dialect, RAW_STRINGS, TRIGRAPHS};
use crate::lexer::{is_blank, raw_string_length};
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
    /// A raw string goes over the end of a directive's line.
    pub(crate) broken_raw_string: bool,
    /// Where comments stand, if asked for.
    pub(crate) comments: Vec<std::ops::Range<usize>>,
}

/// The pass over a file's bytes.
pub(crate) struct Lines<'a> {
    text: &'a [u8],
    at: usize,
    number: u32,
    dialect: Dialect,
    clean: Vec<u8>,
    keep_comments: bool,
    pub(crate) findings: Findings,
}

/// The file with its trigraphs replaced, if it has any.
pub(crate) fn without_trigraphs(text: &[u8]) -> Option<Vec<u8>> {
    memchr::memmem::find(text, b"??")?;
    let mut plain = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let replaced = match &text[at..] {
            [b'?', b'?', third, ..] => trigraph(*third),
            _ => None,
        };
        plain.push(replaced.unwrap_or(text[at]));
        at += if replaced.is_some() { 3 } else { 1 };
    }
    Some(plain)
}

fn trigraph(third: u8) -> Option<u8> {
    let place = b"=/'()!<>-".iter().position(|byte| *byte == third)?;
    Some(b"#\\^[]|{}~"[place])
}

impl<'a> Lines<'a> {
    pub(crate) fn new(text: &'a [u8], dialect: Dialect, keep_comments: bool) -> Lines<'a> {
        let mark = b"\xef\xbb\xbf";
        let at = if text.starts_with(mark) { mark.len() } else { 0 };
        let findings = Findings::default();
        Lines { text, at, number: 1, dialect, clean: Vec::new(), keep_comments, findings }
    }

    /// The next directive line.
    pub(crate) fn next(&mut self) -> Option<Line<'_>> {
        loop {
            self.skip_white();
            let first = *self.text.get(self.at)?;
            match self.introducer(first) {
                Some(length) => {
                    self.at += length;
                    return Some(self.directive());
                }
                None => self.skip_text_line(first),
            }
        }
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
        let again = self.after_splices(self.at + length);
        (!self.text[again..].starts_with(&self.text[self.at..self.at + length])).then_some(length)
    }

    /// White space, ends of lines, splices and comments before the first token of a line.
    fn skip_white(&mut self) {
        while let Some(&byte) = self.text.get(self.at) {
            match byte {
                b'\n' => self.newline(),
                b'\r' => self.carriage_return(),
                b'\\' if self.splice(self.at) > 0 => self.skip_splice(),
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
            b'\\' if self.splice(self.at) > 0 => self.skip_splice(),
            b'/' if self.skip_comment() => {}
            b'"' if self.raw_prefix() => match raw_string_length(&self.text[self.at..]) {
                Some(length) => self.skip_counting(length),
                None => self.skip_literal(b'"'),
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
                b'\\' if self.splice(self.at) > 0 => self.skip_splice(),
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
        let second = self.after_splices(self.at + 1);
        match self.text.get(second) {
            Some(b'*') => {
                let end = self.block_comment_end(second + 1);
                self.skip_counting(end - start);
            }
            Some(b'/') if !self.divides_before_comment(second + 1) => {
                let end = self.line_comment_end(second + 1);
                self.skip_counting(end - start);
            }
            _ => return false,
        }
        if self.keep_comments {
            self.findings.comments.push(start..self.at);
        }
        true
    }

    /// `//*` in strict C90.
    fn divides_before_comment(&mut self, third: usize) -> bool {
        let star = self.text.get(self.after_splices(third)) == Some(&b'*');
        if star {
            self.findings.sensitive |= C90_COMMENTS;
        }
        star && self.dialect.c90_comments
    }

    fn block_comment_end(&self, from: usize) -> usize {
        for slash in memchr::memchr_iter(b'/', &self.text[from..]) {
            let mut before = from + slash;
            while let Some(splice) = self.splice_before(before, from) {
                before = splice;
            }
            if before > from && self.text[before - 1] == b'*' {
                return from + slash + 1;
            }
        }
        self.text.len()
    }

    /// The place of the newline that ends the comment.
    fn line_comment_end(&self, from: usize) -> usize {
        memchr::memchr_iter(b'\n', &self.text[from..])
            .map(|newline| from + newline)
            .find(|newline| self.splice_before(newline + 1, from).is_none())
            .unwrap_or(self.text.len())
    }

    /// Where the splice begins that ends before `end`.
    fn splice_before(&self, end: usize, from: usize) -> Option<usize> {
        if end <= from || self.text[end - 1] != b'\n' {
            return None;
        }
        let mut at = end - 1;
        while at > from && is_blank(self.text[at - 1]) {
            at -= 1;
        }
        (at > from && self.text[at - 1] == b'\\').then(|| at - 1)
    }

    /// The length of the backslash, blanks and newline that begin here; 0 if they do not.
    fn splice(&self, at: usize) -> usize {
        if self.text.get(at) != Some(&b'\\') {
            return 0;
        }
        let rest = &self.text[at + 1..];
        match rest.iter().position(|byte| !is_blank(*byte)) {
            Some(blanks) if rest[blanks] == b'\n' => blanks + 2,
            Some(_) => 0,
            None => rest.len() + 1,
        }
    }

    fn skip_splice(&mut self) {
        self.at += self.splice(self.at);
        self.number += 1;
    }

    fn after_splices(&self, mut at: usize) -> usize {
        loop {
            match self.splice(at) {
                0 => return at,
                length => at += length,
            }
        }
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
        raw && self.dialect.raw_strings
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
                b'\\' if self.splice(self.at) > 0 => self.skip_splice(),
                b'<' if awaits_header_name(clean) => self.copy_header_name(clean),
                b'/' if self.skip_comment() => clean.push(b' '),
                b'"' if self.raw_prefix() => self.copy_raw_string(clean),
                b'\'' if self.separates_digits() => self.copy(clean),
                b'"' if names_file(clean) => self.copy_verbatim_to(b'"', clean),
                b'"' | b'\'' => self.copy_literal(byte, clean),
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
                self.copy_literal(b'"', clean);
            }
        }
    }

    fn copy_literal(&mut self, quote: u8, clean: &mut Vec<u8>) {
        self.copy(clean);
        let mut escaped = false;
        while let Some(&byte) = self.text.get(self.at) {
            match byte {
                b'\n' => return,
                b'\r' => self.carriage_return(),
                b'\\' if self.splice(self.at) > 0 => self.skip_splice(),
                _ => {
                    self.copy(clean);
                    if byte == quote && !escaped {
                        return;
                    }
                    escaped = byte == b'\\' && !escaped;
                }
            }
        }
    }

    fn copy_header_name(&mut self, clean: &mut Vec<u8>) {
        let line = self.text[self.at..].split(|byte| *byte == b'\n').next().unwrap_or_default();
        if line.contains(&b'>') {
            self.copy_verbatim_to(b'>', clean);
        } else {
            self.copy(clean);
        }
    }

    /// The name of a file: no escapes, no comments.
    fn copy_verbatim_to(&mut self, end: u8, clean: &mut Vec<u8>) {
        self.copy(clean);
        while let Some(&byte) = self.text.get(self.at) {
            match byte {
                b'\n' => return,
                b'\r' => self.carriage_return(),
                b'\\' if self.splice(self.at) > 0 => self.skip_splice(),
                _ => {
                    self.copy(clean);
                    if byte == end {
                        return;
                    }
                }
            }
        }
    }
}

/// What the passes over text stop at.
const SPECIAL: [bool; 256] = {
    let mut special = [false; 256];
    let bytes = b"\n\r\\/\"'?";
    let mut at = 0;
    while at < bytes.len() {
        special[bytes[at] as usize] = true;
        at += 1;
    }
    special
};

/// Whether the directive so far is only the word before the name of a file.
fn names_file(clean: &[u8]) -> bool {
    matches!(clean.trim_ascii(), b"include" | b"include_next" | b"import" | b"embed")
}

fn awaits_header_name(clean: &[u8]) -> bool {
    let probes = |clean: &[u8]| {
        let name = clean.trim_ascii_end().strip_suffix(b"(").map(<[u8]>::trim_ascii_end);
        name.is_some_and(|name| {
            [&b"__has_include"[..], b"__has_include_next", b"__has_embed"]
                .iter()
                .any(|probe| name.ends_with(probe))
        })
    };
    names_file(clean) || probes(clean)
}

/// Whether a declaration of C++20's modules may begin here.
fn begins_module_line(line: &[u8]) -> bool {
    let line = match line.strip_prefix(b"export") {
        Some(rest) if rest.first().is_some_and(|byte| is_blank(*byte)) => rest.trim_ascii_start(),
        _ => line,
    };
    let (rest, openers): (_, &[u8]) = if let Some(rest) = line.strip_prefix(b"import") {
        (rest, b"<\":")
    } else if let Some(rest) = line.strip_prefix(b"module") {
        (rest, b";:")
    } else {
        return false;
    };
    let next = rest.trim_ascii_start();
    let Some(&first) = next.first() else { return false };
    let names = in_name(first) && next.len() < rest.len();
    names || (openers.contains(&first) && !next.starts_with(b"::"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str, dialect: Dialect) -> Vec<String> {
        let mut lines = Lines::new(text.as_bytes(), dialect, false);
        let mut found = Vec::new();
        while let Some(line) = lines.next() {
            found.push(format!("{}:{}", line.number, String::from_utf8_lossy(line.text).trim()));
        }
        found
    }

    /// Directive lines as `NUMBER:TEXT`, with everything that C++ has.
    fn check(text: &str, expected: &[&str]) {
        let dialect = Dialect { raw_strings: true, digit_separators: true, ..Dialect::default() };
        assert_eq!(lines(text, dialect), expected, "{text:?}");
    }

    #[test]
    fn directives_among_text() {
        check("#include <a.h>\nint x;\n # define X 1", &["1:include <a.h>", "3:define X 1"]);
        check("\u{feff}#a\r\n#b\r\n", &["1:a", "2:b"]);
        check("x # y\n## z\n%: q\n%:%: r\n", &["3:q"]);
        check("/* x\n*/ # /* y\nz */ if /**/ 1 // end\n#b", &["2:if   1", "4:b"]);
        check("#inc\\\nlude <a.h>\n#b", &["1:include <a.h>", "3:b"]);
        check("#inc\\ \t\nlude <a.h>\n#b", &["1:include <a.h>", "3:b"]);
        check("\\\n#a \\\r\nb\r\n#c", &["2:a b", "4:c"]);
        check("x \\\n#a\n#b", &["3:b"]);
        check("// x \\\n#a\n#b", &["3:b"]);
        check("/\\\n/ x\n#b", &["3:b"]);
        check("/\\\n* x\n#a *\\\n/ \n#b", &["5:b"]);
        check("/*/ x\n#a\n*/\n#b", &["4:b"]);
        check("#a\0b", &["1:a\0b"]);
        check("#a \\", &["1:a"]);
        check("/* never\n#a", &[]);
    }

    #[test]
    fn strings_hide_comments() {
        check("char *s = \"/*\";\n#a", &["2:a"]);
        check("char *s = \"\\\"/*\";\n#a", &["2:a"]);
        check("char *s = \"\\\\\"; /*\n#a\n*/", &[]);
        check("it's /*\n#a", &["2:a"]);
        check("char c = '\"'; /*\n#a*/", &[]);
        check("#define S \"/*\" // x\n#a", &["1:define S \"/*\"", "2:a"]);
        check(
            "#include <a//b/*.h>\n#include \"c//d\\\"\n",
            &["1:include <a//b/*.h>", "2:include \"c//d\\\""],
        );
        check("#if __has_include(<a//b>) //x\n", &["1:if __has_include(<a//b>)"]);
        check("\"a\\\n#b\"\n#c", &["3:c"]);
    }

    #[test]
    fn raw_strings_hide_directives() {
        check("auto s = R\"(\n#a\n\")\";\n#b", &["4:b"]);
        check("auto s = u8R\"x(\n#a\n)\")x\";\n#b", &["4:b"]);
        check("auto s = xR\"(\n#a\n", &["2:a"]);
        check("#define X R\"(//)\" //\n", &["1:define X R\"(//)\""]);
        assert_eq!(lines("R\"(\n#a\n)\"", Dialect::default()), ["2:a"]);
    }

    #[test]
    fn separators_begin_no_character() {
        check("x = 1'000 /*\n#a*/;\n#b", &["3:b"]);
        check("x = 0xAB'CD'EF + 1'2; /* ' */\n#b", &["2:b"]);
        check("x = L'a' + u8'/*' + a1'/*'\n#b", &["2:b"]);
        assert_eq!(lines("0'/*'\n#a", Dialect::default()), ["2:a"]);
    }

    #[test]
    fn strict_c90_divides_before_a_comment() {
        let c90 = Dialect { c90_comments: true, ..Dialect::default() };
        assert_eq!(lines("a //* x\n#a\n*/ b\n#b", c90), ["4:b"]);
        assert_eq!(lines("a //* x\n#a\n", Dialect::default()), ["2:a"]);
        assert_eq!(lines("a // x\n#a\n", c90), ["2:a"]);
    }

    #[test]
    fn trigraphs() {
        let check = |text: &str, expected: &str| {
            let plain = without_trigraphs(text.as_bytes()).unwrap_or(text.into());
            assert_eq!(String::from_utf8_lossy(&plain), expected, "{text}");
        };
        check("??=include ??/\n???= ??", "#include \\\n?# ??");
        check("a ? b : c", "a ? b : c");
    }

    #[test]
    fn module_lines() {
        let check =
            |line: &str, expected| assert_eq!(begins_module_line(line.as_bytes()), expected, "{line}");
        for line in
            ["import <a>;", "import a.b;", "export module x;", "module;", "module :private;", "import\"a\";"]
        {
            check(line, true);
        }
        for line in
            ["imports x;", "import(x);", "module->x;", "module::f();", "export template", "else", "int x"]
        {
            check(line, false);
        }
    }
}
