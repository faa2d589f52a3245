//! Text from files and other machines, made fit to be printed: nothing in it moves the cursor or hides what follows.

/// On one line, with control characters and changes of the writing direction spelled out.
pub(crate) fn printable(text: &str) -> String {
    let spelled = |char: char| match char {
        _ if is_plain(char) => char.to_string(),
        _ => char.escape_debug().to_string(),
    };
    text.chars().map(spelled).collect()
}

/// Whether a character can be printed as it is. Unicode's bidirectional controls make text look like other text.
pub(crate) fn is_plain(char: char) -> bool {
    !char.is_control()
        && !matches!(char, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_spelled_out() {
        for (text, expected) in [
            ("it's \"plain\": ä ✓", "it's \"plain\": ä ✓"),
            ("\x1b[2Jred\r\n", "\\u{1b}[2Jred\\r\\n"),
            ("a\u{202e}b\u{9b}c\t", "a\\u{202e}b\\u{9b}c\\t"),
        ] {
            assert_eq!(printable(text), expected);
        }
    }
}
