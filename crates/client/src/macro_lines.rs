//! Whether messages about preprocessed text are about lines as they were written. Where a macro stood, a compiler that sees
//! only what it expands to names another line, leaves notes out, or warns of what nobody wrote. Judges no message's words.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// A file as line markers and messages name it, and a line in it.
type Place = (Vec<u8>, usize);

/// True when some message is about a line of which preprocessing made something else; `read_file` gives a source's bytes.
/// A line that cannot be found counts as it is.
pub(crate) fn are_meant(
    messages: &[u8],
    text: &[u8],
    mut read_file: impl FnMut(&Path) -> Option<Vec<u8>>,
) -> bool {
    let mut places: BTreeMap<Place, Vec<u8>> =
        messages.split(|b| *b == b'\n').filter_map(place_of).map(|place| (place, Vec::new())).collect();
    if places.is_empty() {
        return false;
    }
    gather(text, &mut places);
    let mut sources = BTreeMap::new();
    places.iter().any(|((file, line), expanded)| {
        let source = sources.entry(file).or_insert_with(|| read_file(Path::new(OsStr::from_bytes(file))));
        let written =
            source.as_ref().and_then(|source| source.split(|b| *b == b'\n').nth(line.wrapping_sub(1)));
        written.is_some_and(|written| without_blanks(written) != without_blanks(expanded))
    })
}

/// `FILE:LINE:COLUMN: ` at the beginning of a message, colours aside.
fn place_of(message: &[u8]) -> Option<Place> {
    let message = without_escapes(message);
    let mut fields = message.split(|b| *b == b':');
    let (file, line, column) = (fields.next()?, number(fields.next()?)?, number(fields.next()?)?);
    let is_place = !file.is_empty() && line > 0 && column > 0 && fields.next()?.starts_with(b" ");
    is_place.then(|| (file.to_vec(), line))
}

fn number(digits: &[u8]) -> Option<usize> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn without_escapes(line: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(line.len());
    let mut bytes = line.iter().copied();
    while let Some(byte) = bytes.next() {
        if byte == 0x1b {
            // To the letter that ends it.
            bytes.by_ref().find(u8::is_ascii_alphabetic);
        } else {
            plain.push(byte);
        }
    }
    plain
}

/// Adds to each place what preprocessed text has there; a line may come in pieces.
fn gather(text: &[u8], places: &mut BTreeMap<Place, Vec<u8>>) {
    let mut at: Place = (Vec::new(), 1);
    for line in text.split(|b| *b == b'\n') {
        if let Some(place) = marked(line) {
            at = place;
            continue;
        }
        if let Some(found) = places.get_mut(&at) {
            found.extend_from_slice(line);
        }
        at.1 += 1;
    }
}

/// `# 7 "file" 1 3`, and `#line 7 "file"`.
fn marked(line: &[u8]) -> Option<Place> {
    let rest = line.strip_prefix(b"# ").or_else(|| line.strip_prefix(b"#line "))?;
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    let name = rest[digits..].strip_prefix(b" \"")?;
    let mut file = Vec::new();
    let mut bytes = name.iter().copied();
    loop {
        match bytes.next()? {
            b'"' => return Some((file, number(&rest[..digits])?)),
            b'\\' => file.push(bytes.next()?),
            byte => file.push(byte),
        }
    }
}

/// Without white space and comments, neither of which preprocessing keeps.
fn without_blanks(line: &[u8]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(line.len());
    let mut rest = line;
    while let Some((&byte, after)) = rest.split_first() {
        rest = match byte {
            b'/' if after.starts_with(b"/") => return kept,
            b'/' if after.starts_with(b"*") => {
                let end = after[1..].windows(2).position(|pair| pair == b"*/");
                end.map_or(&[], |end| &after[end + 3..])
            }
            b'"' | b'\'' => {
                let length = literal(rest);
                kept.extend_from_slice(&rest[..length]);
                &rest[length..]
            }
            _ => {
                if !byte.is_ascii_whitespace() {
                    kept.push(byte);
                }
                after
            }
        };
    }
    kept
}

/// The length of the literal that `text` begins with, quotes included.
fn literal(text: &[u8]) -> usize {
    let mut escaped = false;
    let end = text[1..].iter().position(|&byte| {
        let ends = byte == text[0] && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    });
    end.map_or(text.len(), |end| end + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str =
        "#define TWICE(x) x + x\nint f(int a)\n{\n\treturn TWICE(a); // doubled\n\tint b; /* c */\n}\n";
    const TEXT: &str =
        "# 0 \"d/x.c\"\n# 1 \"<built-in>\"\n# 1 \"d/x.c\"\n\nint f(int a)\n{\n return a + a;\n int b;\n}\n";

    #[track_caller]
    fn check(messages: &str, expected: bool) {
        let read = |file: &Path| (file == Path::new("d/x.c")).then(|| SOURCE.into());
        assert_eq!(are_meant(messages.as_bytes(), TEXT.as_bytes(), read), expected, "{messages}");
    }

    #[test]
    fn a_line_with_a_macro_is_another_line() {
        check("d/x.c:4:9: warning: odd\n", true);
        check("d/x.c: In function 'f':\nd/x.c:4:9: warning: odd [-Wodd]\n", true);
        check("\x1b[01m\x1b[Kd/x.c:4:9:\x1b[m\x1b[K warning: odd\n", true);
        check("d/x.c:5:6: warning: unused\nd/x.c:4:9: note: here\n", true);
    }

    #[test]
    fn other_lines_are_as_they_were() {
        check("", false);
        check("d/x.c:5:6: warning: unused\n    5 |  int b;\n", false);
        check("d/x.c:2:5: note: declared here\n", false);
        check("cc1: all warnings being treated as errors\n", false);
        check("other.c:4:9: warning: odd\n", false);
        check("d/x.c:99:9: warning: odd\n", false);
        check("d/x.c:0:9: warning: odd\nd/x.c:4: x\n", false);
    }

    #[test]
    fn a_line_may_come_in_pieces() {
        let text = b"# 1 \"x.c\"\nint e = \n# 1 \"x.c\" 3 4\n 7\n# 1 \"x.c\"\n;\n";
        let check = |source: &str, expected: bool| {
            let meant = are_meant(b"x.c:1:5: warning: x\n", text, |_| Some(source.into()));
            assert_eq!(meant, expected, "{source}");
        };
        check("int e = 7;\n", false);
        check("int e = NULL;\n", true);
    }

    #[test]
    fn only_blanks_and_comments_do_not_count() {
        let check = |line: &str, expected: &str| {
            assert_eq!(String::from_utf8_lossy(&without_blanks(line.as_bytes())), expected, "{line}");
        };
        check("a  = /* b */ c; // d", "a=c;");
        check("s = \"/* no */ // no\" '\"' x", "s=\"/* no */ // no\"'\"'x");
        check("s = \"a\\\" b", "s=\"a\\\" b");
        check("a /* open", "a");
        check("a / b", "a/b");
    }

    #[test]
    fn markers_name_files() {
        let check = |line: &str, expected: Option<(&str, usize)>| {
            let expected = expected.map(|(file, line)| (file.as_bytes().to_vec(), line));
            assert_eq!(marked(line.as_bytes()), expected, "{line}");
        };
        check("# 7 \"a.c\" 1 3", Some(("a.c", 7)));
        check("#line 8 \"b\\\"c\\\\d\"", Some(("b\"c\\d", 8)));
        check("#pragma once", None);
        check("# 7", None);
        check("# 7 \"a", None);
    }
}
