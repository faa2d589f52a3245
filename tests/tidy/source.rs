//! Files as text, and Rust text without its comments and strings. Knows no rule.

/// A file as the rules see it: its path from the top of the project, with `/`, and its text.
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) text: String,
}

pub(crate) fn is_rust(file: &File) -> bool {
    file.path.ends_with(".rs")
}

pub(crate) fn is_for_tests(file: &File) -> bool {
    file.path.split('/').any(|part| part == "tests" || part == "benches")
}

pub(crate) fn file_name(file: &File) -> &str {
    file.path.rsplit('/').next().unwrap_or_default()
}

pub(crate) fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// The lines that hold one of the words, not as the end of a longer word.
pub(crate) fn lines_with(code: &str, words: &[&str]) -> Vec<usize> {
    let stands_alone = |at: usize| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
    let mut lines: Vec<usize> = words
        .iter()
        .flat_map(|word| code.match_indices(word))
        .filter(|(at, _)| stands_alone(*at))
        .map(|(at, _)| line_of(code, at))
        .collect();
    lines.sort_unstable();
    lines.dedup();
    lines
}

/// Rust source with comments and the insides of string literals blanked; lines keep their numbers.
pub(crate) fn code_only(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let blank = blank_length(rest);
        if blank == 0 {
            code.push(next);
            rest = &rest[next.len_utf8()..];
        } else {
            code.extend(rest[..blank].chars().filter(|c| *c == '\n'));
            code.push(' ');
            rest = &rest[blank..];
        }
    }
    code
}

/// How many bytes at the start of `rest` are a comment, a string or a quote's character; 0: code.
fn blank_length(rest: &str) -> usize {
    let to_after =
        |end: &str, from: usize| rest[from..].find(end).map_or(rest.len(), |at| from + at + end.len());
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        return to_after("*/", 2);
    }
    if let Some(raw) = rest.strip_prefix('r').filter(|raw| raw.starts_with(['"', '#'])) {
        let hashes = raw.bytes().take_while(|byte| *byte == b'#').count();
        if raw[hashes..].starts_with('"') {
            return to_after(&format!("\"{}", "#".repeat(hashes)), hashes + 2);
        }
    }
    if let Some(character) = ["'\"'", "'\\\"'", "'\\\\'"].iter().find(|literal| rest.starts_with(**literal)) {
        return character.len();
    }
    if !rest.starts_with('"') {
        return 0;
    }
    let mut escaped = false;
    let end = rest[1..].find(|c| {
        let closes = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        closes
    });
    end.map_or(rest.len(), |at| at + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_told_from_text() {
        for (text, code) in [
            ("a // b\nc", "a  \nc"),
            ("a /* b\nc */ d", "a \n  d"),
            (r#"f("a\"b", 'x')"#, "f( , 'x')"),
            (r##"f(r#"a"b"#)"##, "f( )"),
            ("'\"' a \"b\"", "  a  "),
        ] {
            assert_eq!(code_only(text), code, "{text}");
        }
    }
}
