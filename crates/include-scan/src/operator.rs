//! `_Pragma("...")` at the beginning of a line, as the pragma that it is. Knows no pragma's meaning.

/// What a line of text begins with, as the text of a directive, and the length of the operator.
pub(crate) fn pragma_operator(line: &[u8]) -> Option<(Vec<u8>, usize)> {
    let open = line.strip_prefix(b"_Pragma")?.trim_ascii_start().strip_prefix(b"(")?.trim_ascii_start();
    let quoted = open.strip_prefix(b"L").unwrap_or(open).strip_prefix(b"\"")?;
    let mut directive = b"pragma ".to_vec();
    let mut rest = quoted;
    loop {
        match rest {
            [b'"', behind @ ..] => {
                let close = behind.trim_ascii_start().strip_prefix(b")")?;
                return Some((directive, line.len() - close.len()));
            }
            [b'\\', escaped @ (b'"' | b'\\'), behind @ ..] => {
                directive.push(*escaped);
                rest = behind;
            }
            [] | [b'\n', ..] => return None,
            [byte, behind @ ..] => {
                directive.push(*byte);
                rest = behind;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators() {
        let check = |line: &str, expected: Option<(&str, usize)>| {
            let found = pragma_operator(line.as_bytes());
            let found = found.map(|(text, length)| (String::from_utf8(text).unwrap(), length));
            assert_eq!(found, expected.map(|(text, length)| (text.to_owned(), length)), "{line}");
        };
        check("_Pragma(\"once\") x", Some(("pragma once", 15)));
        check("_Pragma ( L\"push_macro(\\\"A\\\")\" )", Some(("pragma push_macro(\"A\")", 32)));
        check("_Pragma(once)", None);
        check("_Pragma(\"once\n\")", None);
        check("_Pragmatic(\"once\")", None);
    }
}
