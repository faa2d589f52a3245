//! A value in quotes that bash takes off again. Knows no assignment. See bash(1), "QUOTING".

/// How the words of a configuration are quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quotes {
    None,
    Single,
    Double,
    /// `$'…'`.
    Ansi,
}

/// `NAME="value"`, of which bash sees exactly the value.
pub fn assignment(name: &str, value: &str) -> String {
    format!("{name}={}", Quotes::Double.around(value))
}

impl Quotes {
    /// What a word is written in; several kinds in one word count as double quotes.
    pub(crate) fn of(raw: &[u8]) -> Quotes {
        match raw {
            [] => Quotes::Double,
            [b'\'', inside @ .., b'\''] if !inside.contains(&b'\'') => Quotes::Single,
            [b'$', b'\'', .., b'\''] => Quotes::Ansi,
            _ if raw.iter().any(|byte| b"'\"\\".contains(byte)) => Quotes::Double,
            _ => Quotes::None,
        }
    }

    /// `value` in these quotes, or in others where these cannot hold it.
    pub(crate) fn around(self, value: &str) -> String {
        match self {
            Quotes::None if is_plain(value) => value.to_owned(),
            Quotes::Single if !value.contains('\'') => format!("'{value}'"),
            Quotes::Ansi => format!("$'{}'", escaped(value, &['\\', '\''])),
            _ => format!("\"{}\"", escaped(value, &['\\', '"', '$', '`'])),
        }
    }
}

/// Needs no quotes wherever it stands.
fn is_plain(value: &str) -> bool {
    !value.is_empty()
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!%+,-./:=@_".contains(&byte))
}

fn escaped(value: &str, special: &[char]) -> String {
    let mut escaped = String::with_capacity(value.len());
    for letter in value.chars() {
        if special.contains(&letter) {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::word;

    #[test]
    fn quotes_are_kept_where_they_can_be() {
        let check = |old: &str, value: &str, expected: &str| {
            let new = Quotes::of(old.as_bytes()).around(value);
            assert_eq!(new, expected, "{old} {value}");
            let read = word::scalar(new.as_bytes(), 0).expect("what we quote is literal");
            assert_eq!((read.value.as_slice(), read.range), (value.as_bytes(), 0..new.len()), "{new}");
        };
        check("", "-j2", "\"-j2\"");
        check("-j2", "-j11", "-j11");
        check("-j2", "-j11 -O", "\"-j11 -O\"");
        check("'a'", "b $c", "'b $c'");
        check("'a'", "it's", "\"it's\"");
        check("\"a\"", "b \"$`\\ c", "\"b \\\"\\$\\`\\\\ c\"");
        check("$'a'", "b'\\", "$'b\\'\\\\'");
        check("a'b'\"c\"", "d", "\"d\"");
        check("bare", "", "\"\"");
    }
}
