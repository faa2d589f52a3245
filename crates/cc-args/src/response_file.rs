//! `@file`: a word that stands for the words in a file, read as libiberty and clang read it; the caller opens the file.

use crate::family::Family;
use crate::why_local::WhyLocal;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

/// gcc gives up after as many files.
const MAX_FILES: usize = 2_000;
/// More words than a kernel would ever take on a command line.
const MAX_WORDS: usize = 1_000_000;

/// Replaces each `@file` by the words in the file, which may name files again.
///
/// A file that cannot be read leaves its word as it is, and then the compiler itself must complain or open a file of that
/// name: `Err(ResponseFile)`, as for files that name each other without end.
pub(crate) fn expand(
    words: &[OsString],
    family: Family,
    mut read_file: impl FnMut(&Path) -> Option<Vec<u8>>,
) -> Result<Vec<OsString>, WhyLocal> {
    if !words.iter().any(|word| is_named_by(word)) {
        return Ok(words.to_vec());
    }
    let mut pending: Vec<OsString> = words.iter().rev().cloned().collect();
    let mut expanded = Vec::with_capacity(words.len());
    let mut files = 0;
    while let Some(word) = pending.pop() {
        let Some(file) = file_named_by(&word) else {
            expanded.push(word);
            continue;
        };
        files += 1;
        // A zero byte would end a word for the compiler but not for us.
        let text = if files <= MAX_FILES { read_file(file).filter(|text| !text.contains(&0)) } else { None };
        let Some(text) = text else { return Err(WhyLocal::ResponseFile(word)) };
        pending.extend(words_in(&text, family).into_iter().rev());
        if pending.len() + expanded.len() > MAX_WORDS {
            return Err(WhyLocal::ResponseFile(word));
        }
    }
    Ok(expanded)
}

/// True for a word that a compiler would replace by the words in a file.
pub(crate) fn is_named_by(word: &OsStr) -> bool {
    file_named_by(word).is_some()
}

fn file_named_by(word: &OsStr) -> Option<&Path> {
    let name = word.as_bytes().strip_prefix(b"@")?;
    (!name.is_empty()).then(|| Path::new(OsStr::from_bytes(name)))
}

/// Words are parted by white space; either quote keeps white space; a backslash makes the next byte ordinary, inside
/// quotes too, but for clang not at the very end.
fn words_in(text: &[u8], family: Family) -> Vec<OsString> {
    let mut words = Vec::new();
    let mut word: Option<Vec<u8>> = None;
    let mut quote = None;
    let mut bytes = text.iter();
    while let Some(&byte) = bytes.next() {
        match byte {
            b'\\' if family != Family::Clang || !bytes.as_slice().is_empty() => {
                word.get_or_insert_default().extend(bytes.next());
            }
            _ if quote == Some(byte) => quote = None,
            _ if quote.is_some() => word.get_or_insert_default().push(byte),
            b'"' | b'\'' => {
                quote = Some(byte);
                word.get_or_insert_default();
            }
            b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c => words.extend(word.take()),
            _ => word.get_or_insert_default().push(byte),
        }
    }
    words.extend(word);
    words.into_iter().map(OsString::from_vec).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_words(text: &str, expected: &[&str]) {
        assert_eq!(words_in(text.as_bytes(), Family::Gcc), expected, "{text:?}");
    }

    #[test]
    fn quotes_and_backslashes_are_read_as_gcc_reads_them() {
        check_words("", &[]);
        check_words(" \n\t ", &[]);
        check_words("-c x.c\n-o\tx.o\r\n", &["-c", "x.c", "-o", "x.o"]);
        check_words("-DA='a b' -DB=\"c d\"", &["-DA=a b", "-DB=c d"]);
        check_words(r#"-DB="c\"d""#, &["-DB=c\"d"]);
        check_words(r"'-DC=e\f'", &["-DC=ef"]);
        check_words(r"-DD=g\ h", &["-DD=g h"]);
        check_words("''", &[""]);
        check_words("a\"\"b 'c'd", &["ab", "cd"]);
        check_words("'x\"y'", &["x\"y"]);
        check_words("\"unfinished word", &["unfinished word"]);
        check_words("end\\", &["end"]);
        assert_eq!(words_in(b"a\\ b end\\", Family::Clang), ["a b", "end\\"]);
    }

    #[track_caller]
    fn check(words: &[&str], expected: Result<&[&str], &str>) {
        let files = |path: &Path| match path.to_str()? {
            "args" => Some(b"-c 'a b.c'".to_vec()),
            "outer" => Some(b"-O2 @args -g".to_vec()),
            "empty" => Some(Vec::new()),
            "zero" => Some(b"-c a\0b.c".to_vec()),
            "loop" => Some(b"-O2 @loop".to_vec()),
            _ => None,
        };
        let words: Vec<OsString> = words.iter().map(Into::into).collect();
        let expanded = expand(&words, Family::Gcc, files).map_err(|why| why.code());
        assert_eq!(
            expanded,
            expected.map(|words| words.iter().map(Into::into).collect()).map_err(|_| "response-file"),
            "{words:?}"
        );
    }

    #[test]
    fn files_are_expanded_in_place_and_within_files() {
        check(&["-c", "x.c"], Ok(&["-c", "x.c"]));
        check(&["@args", "-o", "x.o"], Ok(&["-c", "a b.c", "-o", "x.o"]));
        check(&["-w", "@outer"], Ok(&["-w", "-O2", "-c", "a b.c", "-g"]));
        check(&["@empty", "-c"], Ok(&["-c"]));
        check(&["@"], Ok(&["@"]));
    }

    #[test]
    fn a_word_that_stays_as_it_is_is_left_to_the_compiler() {
        check(&["-c", "x.c", "@missing"], Err("unreadable"));
        check(&["@loop"], Err("endless"));
        check(&["@zero"], Err("a word that no compiler sees whole"));
    }
}
