//! A directive's line, free of comments and splices, as tokens. Knows no file and no macro.

use crate::dialect::Dialect;
use crate::symbol::{HAS_EMBED, HAS_INCLUDE, HAS_INCLUDE_NEXT, Symbols};
use crate::token::{Kind, PUNCTUATION, SPACE, Token, in_name};

/// The tokens of one line.
pub(crate) struct Lexer<'a> {
    line: &'a [u8],
    at: usize,
    symbols: &'a Symbols,
    dialect: Dialect,
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(line: &'a [u8], symbols: &'a Symbols, dialect: Dialect) -> Lexer<'a> {
        Lexer { line, at: 0, symbols, dialect }
    }

    /// The tokens of a condition: `<...>` after `__has_include(` is one.
    pub(crate) fn condition(mut self, tokens: &mut Vec<Token>) {
        loop {
            let token = self.next();
            if token.kind == Kind::End {
                return;
            }
            tokens.push(token);
            let asks_for_header = matches!(token.symbol, HAS_INCLUDE | HAS_INCLUDE_NEXT | HAS_EMBED);
            if token.kind == Kind::Name && asks_for_header {
                self.header_name(tokens);
            }
        }
    }

    fn header_name(&mut self, tokens: &mut Vec<Token>) {
        let start = self.at;
        let open = self.next();
        self.skip_blanks();
        let rest = &self.line[self.at..];
        let end = memchr::memchr(b'>', rest);
        match end {
            Some(end) if open.kind == Kind::Open && rest[0] == b'<' => {
                tokens.push(open);
                let symbol = self.symbols.intern(&rest[1..end]);
                tokens.push(Token { kind: Kind::HeaderName, flags: 0, symbol });
                self.at += end + 1;
            }
            _ => self.at = start,
        }
    }

    /// The next token, or [`Kind::End`] for ever.
    pub(crate) fn next(&mut self) -> Token {
        let space = self.skip_blanks();
        let start = self.at;
        let Some(&first) = self.line.get(start) else { return Token::END };
        let kind = self.skip_one(first);
        let spelling = &self.line[start..self.at];
        let symbol = if kind == Kind::Name && spelling.contains(&b'\\') {
            self.symbols.intern(&in_utf8(spelling))
        } else {
            self.symbols.intern(spelling)
        };
        Token { kind, flags: if space { SPACE } else { 0 }, symbol }
    }

    /// Whether anything was skipped.
    pub(crate) fn skip_blanks(&mut self) -> bool {
        let start = self.at;
        while self.line.get(self.at).is_some_and(|byte| is_blank(*byte)) {
            self.at += 1;
        }
        self.at > start
    }

    /// What has not been read yet.
    pub(crate) fn rest(&self) -> &'a [u8] {
        &self.line[self.at..]
    }

    fn skip_one(&mut self, first: u8) -> Kind {
        let rest = &self.line[self.at..];
        if let Some(length) = self.literal_prefix(rest) {
            return self.skip_literal(length);
        }
        if self.starts_name(rest) {
            self.skip_name();
            return Kind::Name;
        }
        if first.is_ascii_digit() || (first == b'.' && rest.get(1).is_some_and(u8::is_ascii_digit)) {
            self.skip_number();
            return Kind::Number;
        }
        let known = PUNCTUATION.iter().find(|(spelling, _)| rest.starts_with(spelling));
        let (length, kind) = known.map_or((1, Kind::Other), |(spelling, kind)| (spelling.len(), *kind));
        self.at += length;
        kind
    }

    fn starts_name(&self, rest: &[u8]) -> bool {
        let first = rest[0];
        (in_name(first) && !first.is_ascii_digit() && (!self.dialect.assembler || first != b'$'))
            || universal_name(rest).is_some()
    }

    fn skip_name(&mut self) {
        while let Some(&byte) = self.line.get(self.at) {
            if in_name(byte) && (!self.dialect.assembler || byte != b'$') {
                self.at += 1;
            } else if let Some((_, length)) = universal_name(&self.line[self.at..]) {
                self.at += length;
            } else {
                return;
            }
        }
    }

    fn skip_number(&mut self) {
        let mut last = 0;
        while let Some(&byte) = self.line.get(self.at) {
            let sign = matches!(byte, b'+' | b'-') && matches!(last, b'e' | b'E' | b'p' | b'P');
            let next = self.line.get(self.at + 1).copied().unwrap_or(0);
            let separator = self.dialect.digit_separators && byte == b'\'' && in_name(next) && next < 0x80;
            if !(in_name(byte) || byte == b'.' || sign || separator) {
                return;
            }
            last = byte;
            self.at += 1;
        }
    }

    /// The length of what stands before the quote, if a string or character begins here.
    fn literal_prefix(&self, rest: &[u8]) -> Option<usize> {
        let length = match rest {
            [b'u', b'8', b'R', b'"', ..] if self.dialect.raw_strings => 3,
            [b'u' | b'U' | b'L', b'R', b'"', ..] if self.dialect.raw_strings => 2,
            [b'R', b'"', ..] if self.dialect.raw_strings => 1,
            [b'u', b'8', b'"' | b'\'', ..] => 2,
            [b'u' | b'U' | b'L', b'"' | b'\'', ..] => 1,
            [b'"' | b'\'', ..] => 0,
            _ => return None,
        };
        Some(length)
    }

    /// An unfinished literal goes on to the end of the line and is no literal.
    fn skip_literal(&mut self, prefix: usize) -> Kind {
        let start = self.at + prefix;
        let quote = self.line[start];
        let raw = prefix > 0 && self.line[start - 1] == b'R';
        if let Some(length) = raw_string_length(&self.line[start..]).filter(|_| raw) {
            self.at = start + length;
            return Kind::Text;
        }
        self.at = start + 1;
        while let Some(&byte) = self.line.get(self.at) {
            self.at = (self.at + if byte == b'\\' { 2 } else { 1 }).min(self.line.len());
            if byte == quote {
                return if quote == b'"' { Kind::Text } else { Kind::Char };
            }
        }
        Kind::Other
    }
}

/// White space within a line. NUL counts, as with both compilers.
pub(crate) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | 0x0b | 0x0c | 0 | b'\r')
}

/// The bytes from the quote of `R"x(...)x"` to the one that ends it, where it ends.
pub(crate) fn raw_string_length(from_quote: &[u8]) -> Option<usize> {
    let open = from_quote.iter().take(18).position(|byte| *byte == b'(')?;
    let name = &from_quote[1..open];
    if name.iter().any(|byte| is_blank(*byte) || matches!(byte, b'\n' | b')' | b'\\' | b'"')) {
        return None;
    }
    let end = [b")", name, b"\""].concat();
    let found = memchr::memmem::find(&from_quote[open..], &end)?;
    Some(open + found + end.len())
}

/// `\u00e9` or `\U000000e9`: the character and the length of its name.
fn universal_name(rest: &[u8]) -> Option<(char, usize)> {
    let digits = match rest {
        [b'\\', b'u', ..] => 4,
        [b'\\', b'U', ..] => 8,
        _ => return None,
    };
    let digits = std::str::from_utf8(rest.get(2..2 + digits)?).ok()?;
    let character = char::from_u32(u32::from_str_radix(digits, 16).ok()?)?;
    (character as u32 >= 0x80).then_some((character, 2 + digits.len()))
}

fn in_utf8(name: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(name.len());
    let mut at = 0;
    while at < name.len() {
        if let Some((character, length)) = universal_name(&name[at..]) {
            plain.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            at += length;
        } else {
            plain.push(name[at]);
            at += 1;
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tokens are shown with a bar between them, and a dot before those that white space precedes.
    fn check(line: &str, expected: &str) {
        let symbols = Symbols::new();
        let mut tokens = Vec::new();
        let dialect = Dialect { raw_strings: true, digit_separators: true, ..Dialect::default() };
        Lexer::new(line.as_bytes(), &symbols, dialect).condition(&mut tokens);
        let shown: Vec<String> = tokens
            .iter()
            .map(|token| {
                let spelling = String::from_utf8_lossy(symbols.spelling(token.symbol)).into_owned();
                if token.has(SPACE) { format!("·{spelling}") } else { spelling }
            })
            .collect();
        assert_eq!(shown.join("|"), expected, "{line}");
    }

    #[test]
    fn tokens() {
        check("defined(X) && Y>=3", "defined|(|X|)|·&&|·Y|>=|3");
        check("a<<=b<=>c...d", "a|<<=|b|<=>|c|...|d");
        check("1'000'000ULL 0x1p-3+2 .5e+1", "1'000'000ULL|·0x1p-3|+|2|·.5e+1");
        check("'a'L'b'u8\"x\\\"y\"R\"(a\"b)\"", "'a'|L'b'|u8\"x\\\"y\"|R\"(a\"b)\"");
        check("'unfinished && 1", "'unfinished && 1");
        check("__has_include(<a/b c.h>) x", "__has_include|(|a/b c.h|)|·x");
        check("__has_include ( MACRO )", "__has_include|·(|·MACRO|·)");
        check("__has_include(<a", "__has_include|(|<|a");
        check("caf\u{e9} caf\\u00e9 a\\u12", "café|·café|·a|\\|u12");
        check("%:%: %: ##", "%:%:|·%:|·##");
        check("", "");
    }

    #[test]
    fn raw_strings_end_at_their_own_name() {
        let check = |text: &str, length| assert_eq!(raw_string_length(text.as_bytes()), length, "{text}");
        check("\"x(a)\"b)x\"rest", Some(10));
        check("\"()\"", Some(4));
        check("\"a b(x)a b\"", None);
        check("\"12345678901234567(x)12345678901234567\"", None);
        check("\"x(never", None);
    }
}
