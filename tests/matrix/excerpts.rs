//! Takes out of messages what preprocessed text cannot give: columns, and the lines of source that a message shows.
//! Everything else stays, to the byte.

/// `text` without columns and without the lines that show source.
pub(crate) fn without_excerpts(text: &str) -> String {
    let mut kept = String::new();
    let mut lines = text.split_inclusive('\n').peekable();
    while let Some(line) = lines.next() {
        let Some((location, column)) = location(&plain(line)) else {
            if !is_gcc_excerpt(&plain(line)) {
                kept.push_str(line);
            }
            continue;
        };
        kept.push_str(&line.replacen(&format!("{location}:{column}:"), &format!("{location}:"), 1));
        let mut ahead = lines.clone();
        let shows_source = ahead.next().is_some() && ahead.next().is_some_and(|line| is_caret(&plain(line)));
        if shows_source {
            lines.nth(1);
            // What clang would have written instead.
            while lines.next_if(|line| plain(line).starts_with(' ')).is_some() {}
        }
    }
    kept
}

/// `FILE:LINE` and the column of a message that has both.
fn location(line: &str) -> Option<(String, String)> {
    const KINDS: [&str; 5] = [" error: ", " fatal error: ", " warning: ", " note: ", " remark: "];
    let (at, before) =
        KINDS.iter().find_map(|kind| line.find(&format!(":{kind}")).map(|at| (at, &line[..at])))?;
    let (file_and_line, column) = before.rsplit_once(':')?;
    let (_, number) = file_and_line.rsplit_once(':')?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (at > 0 && is_number(column) && is_number(number)).then(|| (file_and_line.to_owned(), column.to_owned()))
}

/// `    7 |  source`, `      |  ^~~`, `  +++ |+source`
fn is_gcc_excerpt(line: &str) -> bool {
    let margin = line.split_once(" |").map(|(margin, _)| margin.trim_start());
    margin.is_some_and(|margin| margin == "+++" || margin.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The marks below a line that clang shows.
fn is_caret(line: &str) -> bool {
    line.contains('^') && line.trim_end().chars().all(|c| " \t^~".contains(c))
}

/// Without the escapes that make colours.
fn plain(line: &str) -> String {
    let mut text = String::new();
    let mut rest = line;
    while let Some((before, escaped)) = rest.split_once("\x1b[") {
        text.push_str(before);
        rest = escaped.split_once(|c: char| c.is_ascii_alphabetic()).map_or("", |(_, after)| after);
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(without_excerpts(text), expected, "{text}");
    }

    #[test]
    fn of_gcc() {
        check(
            "a.c: In function 'f':\na.c:7:26: warning: odd [-Wodd]\n    7 |   a > b;\n      |   ~ ^\n\
             \x20 +++ |+#include <a>\n    1 | x\ncc1: all warnings being treated as errors\n",
            "a.c: In function 'f':\na.c:7: warning: odd [-Wodd]\ncc1: all warnings being treated as errors\n",
        );
        check("a.c:1: warning: x:2:3: is kept\n", "a.c:1: warning: x:2:3: is kept\n");
        check(
            "In file included from a.h:1,\n                 from a.c:2:\n",
            "In file included from a.h:1,\n                 from a.c:2:\n",
        );
        check(
            "\x1b[01m\x1b[Ka.c:7:26:\x1b[m\x1b[K \x1b[01;35m\x1b[Kwarning: \x1b[m\x1b[Kodd\n    7 | \x1b[01mx\n",
            "\x1b[01m\x1b[Ka.c:7:\x1b[m\x1b[K \x1b[01;35m\x1b[Kwarning: \x1b[m\x1b[Kodd\n",
        );
    }

    #[test]
    fn of_clang() {
        check(
            "a.c:7:26: error: odd\n  a > b\n  ~ ^\n  fixed\nb.c:1:2: note: here\n1 warning generated.\n",
            "a.c:7: error: odd\nb.c:1: note: here\n1 warning generated.\n",
        );
        check("a.c:7:26: error: odd\nb.c:1:2: note: x\n", "a.c:7: error: odd\nb.c:1: note: x\n");
    }

    #[test]
    fn what_is_no_message_stays() {
        for text in ["", "no newline", "a | b\n", "^\n", "x:1:2: nothing\n", "gcc: error: x.c: none\n"] {
            check(text, text);
        }
    }
}
