//! A rule for make as the compiler here would have broken it into lines: where names were longer, as on a server that keeps
//! a client's files below a directory of its own, the lines end elsewhere. Changes no name.

use cc_args::Family;

/// So many columns a line of gcc's has.
const GCC_COLUMNS: usize = 72;

/// And one of clang's.
const CLANG_COLUMNS: usize = 75;

/// Breaks the first rule anew; those that follow (`-MP`) have a line each. What is no rule stays as it is.
pub(crate) fn broken_as_here(text: &[u8], family: Family) -> Vec<u8> {
    let end = end_of_first_rule(text);
    let words = words(&text[..end]);
    let Some(targets) = words.iter().position(|word| word.ends_with(b":")).map(|last| last + 1) else {
        return text.to_vec();
    };
    let mut rule = match family {
        Family::Clang => as_clang(&words, targets),
        Family::Gcc | Family::Unknown => as_gcc(&words, targets),
    };
    rule.extend_from_slice(&text[end..]);
    rule
}

/// Without its newline.
fn end_of_first_rule(text: &[u8]) -> usize {
    let ends = |at: &usize| text[*at] == b'\n' && !text[..*at].ends_with(b" \\");
    (0..text.len()).find(ends).unwrap_or(text.len())
}

/// Names with blanks in them have backslashes before these.
fn words(rule: &[u8]) -> Vec<&[u8]> {
    let mut words = Vec::new();
    let mut from = 0;
    for at in 0..=rule.len() {
        let backslashes = rule[from..at].iter().rev().take_while(|byte| **byte == b'\\').count();
        let parts = match rule.get(at) {
            None => true,
            Some(b' ' | b'\n') => backslashes % 2 == 0 || rule[from..at] == *b"\\",
            Some(_) => false,
        };
        if parts {
            words.push(&rule[from..at]);
            from = at + 1;
        }
    }
    words.retain(|word| !word.is_empty() && *word != b"\\");
    words
}

/// With `targets` words before the colon, which the last of them has.
fn as_gcc(words: &[&[u8]], targets: usize) -> Vec<u8> {
    let mut rule = Vec::new();
    let mut column = 0;
    for (at, word) in words.iter().enumerate() {
        let colon = usize::from(at + 1 == targets);
        if column > 0 {
            if column + word.len() - colon > GCC_COLUMNS {
                rule.extend_from_slice(b" \\\n");
                column = 0;
            }
            rule.push(b' ');
            column += 1;
        }
        rule.extend_from_slice(word);
        column += word.len();
    }
    rule
}

/// It counts the bytes of the names of files, not of what is written for them.
fn as_clang(words: &[&[u8]], targets: usize) -> Vec<u8> {
    let mut rule = Vec::new();
    let mut column = 0;
    for (at, word) in words.iter().enumerate() {
        let is_target = at < targets;
        let length = if is_target { word.len() } else { unquoted(word) };
        let colon = usize::from(at + 1 == targets);
        let spare = if is_target { 2 } else { 3 };
        if column > 0 && column + length - colon + spare > CLANG_COLUMNS {
            rule.extend_from_slice(b" \\\n  ");
            column = if is_target { 2 } else { 3 };
        } else if column > 0 {
            rule.push(b' ');
            column += 1;
        }
        rule.extend_from_slice(word);
        column += length;
    }
    rule
}

fn unquoted(word: &[u8]) -> usize {
    let mut bytes = word.iter().peekable();
    let mut length = 0;
    while let Some(byte) = bytes.next() {
        length += 1;
        let quotes = matches!((byte, bytes.peek()), (b'\\', Some(b' ' | b'#')) | (b'$', Some(b'$')));
        if quotes {
            bytes.next();
        }
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::process::Command;

    #[test]
    fn lines_are_broken_anew() {
        let check = |family: Family, text: &str, expected: &str| {
            let broken = broken_as_here(text.as_bytes(), family);
            assert_eq!(String::from_utf8_lossy(&broken), expected, "{text}");
        };
        check(Family::Gcc, "x.o: x.c \\\n y.h\n\ny.h:\n", "x.o: x.c y.h\n\ny.h:\n");
        check(Family::Clang, "x.o: x.c \\\n  y\\ z.h\n", "x.o: x.c y\\ z.h\n");
        check(Family::Gcc, "", "");
        check(Family::Gcc, "no rule\n", "no rule\n");
    }

    /// Rules of the compilers here stay as they are, and those of one long line become what they are.
    #[test]
    fn as_the_compilers_here() {
        let dir = tempfile::tempdir().unwrap();
        for (compiler, family) in [("gcc", Family::Gcc), ("clang", Family::Clang)] {
            if Command::new(compiler).arg("--version").output().is_err() {
                eprintln!("skipped: no {compiler} here");
                continue;
            }
            for length in (1..56).step_by(7).chain(56..73) {
                let [name, long] = ["a b$#", "c"].map(|name| format!("{}{name}.h", "x".repeat(length)));
                let short = ["s.h", "tt.h", "uuuuuuuuu.h"];
                let all: Vec<&str> = short.iter().copied().chain([name.as_str(), &long, "v.h"]).collect();
                all.iter().for_each(|name| fs::write(dir.path().join(name), "").unwrap());
                let lines = all.iter().map(|name| format!("#include \"{name}\"\n"));
                fs::write(dir.path().join("x.c"), lines.collect::<String>()).unwrap();
                let targets = ["-MTx.o", &format!("-MT{}", "t".repeat(length))];
                let asked = Command::new(compiler)
                    .args(["-MM", "-MP", "x.c"])
                    .args(targets)
                    .current_dir(dir.path())
                    .output();
                let rule = String::from_utf8(asked.unwrap().stdout).unwrap();
                assert!(rule.contains("v.h"), "{rule}");
                let one_line = rule.replace(" \\\n  ", " ").replace(" \\\n ", " ");
                for text in [&rule, &one_line] {
                    let broken = broken_as_here(text.as_bytes(), family);
                    assert_eq!(String::from_utf8_lossy(&broken), rule, "{compiler} {length}");
                }
            }
        }
    }
}
