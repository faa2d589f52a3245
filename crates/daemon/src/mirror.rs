//! A client's files below another directory, for machines that cannot show them at the client's own paths: what of that
//! directory must not be seen in what comes back. Knows nothing of how the files came there.

use std::io;
use std::path::{Path, PathBuf};

use cc_args::Family;
use tokio::process::Command;

use crate::fence::Fence;
use crate::view::below;

/// Columns that gcc and clang give a line of a rule.
const GCC_COLUMNS: usize = 72;
const CLANG_COLUMNS: usize = 75;

/// One job's mirror.
#[derive(Debug)]
pub(crate) struct Mirror {
    root: PathBuf,
    directory: PathBuf,
    family: Family,
    fence: Option<Fence>,
}

impl Mirror {
    /// The tree at `root`, in which the client works in `directory`, as it calls that, with such a compiler. `fence` is
    /// around all that this may reach, where there is one.
    ///
    /// # Errors
    /// The root's name cannot be hidden: compilers write it in other ways, or no map can name it.
    pub(crate) fn new(
        root: &Path,
        directory: &Path,
        family: Family,
        fence: Option<Fence>,
    ) -> io::Result<Mirror> {
        if root.as_os_str().as_encoded_bytes().iter().any(|byte| !is_plain(*byte)) {
            return Err(io::Error::other(format!("{} has a name that cannot be hidden", root.display())));
        }
        Ok(Mirror { root: root.to_owned(), directory: below(root, directory), family, fence })
    }

    /// Has `command` run there; the links of that path lead to `directory`.
    ///
    /// # Errors
    /// There are too many open files.
    pub(crate) fn apply(&self, command: &mut Command, directory: &Path) -> io::Result<()> {
        command.env("PWD", &self.directory).current_dir(directory);
        self.fence.as_ref().map_or(Ok(()), |fence| fence.keep(command))
    }

    /// Messages without the root.
    pub(crate) fn hide(&self, text: &[u8]) -> Vec<u8> {
        let root = self.root.as_os_str().as_encoded_bytes();
        let mut hidden = Vec::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.windows(root.len()).position(|part| part == root) {
            hidden.extend_from_slice(&rest[..at]);
            rest = &rest[at + root.len()..];
        }
        hidden.extend_from_slice(rest);
        hidden
    }

    /// Rules of make without the root, and with the line breaks that the compiler would have made then.
    pub(crate) fn rewrite_rules(&self, rules: &[u8]) -> Vec<u8> {
        let hidden = self.hide(rules);
        if hidden.len() == rules.len() {
            return hidden;
        }
        let one_line = join_lines(&hidden);
        let end = one_line.iter().position(|byte| *byte == b'\n').unwrap_or(one_line.len());
        let (first, rest) = one_line.split_at(end);
        let mut rewritten = self.break_lines(&words(first));
        rewritten.extend_from_slice(rest);
        rewritten
    }

    /// gcc counts the blank before a word only after it has decided, clang before.
    fn break_lines(&self, words: &[&[u8]]) -> Vec<u8> {
        let clang = self.family == Family::Clang;
        let mut text = Vec::new();
        let mut column = 0;
        for word in words {
            let fits = if clang {
                column + unquoted(word) + 3 <= CLANG_COLUMNS
            } else {
                column + word.len() <= GCC_COLUMNS
            };
            if column > 0 {
                text.extend_from_slice(if fits {
                    b" "
                } else if clang {
                    b" \\\n  "
                } else {
                    b" \\\n "
                });
                column = if fits {
                    column + 1
                } else if clang {
                    3
                } else {
                    1
                };
            }
            text.extend_from_slice(word);
            column += if clang { unquoted(word) } else { word.len() };
        }
        text
    }
}

/// Whether messages, rules and maps have this byte of a name as it is.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"/-_.+,@~:".contains(&byte)
}

fn join_lines(text: &[u8]) -> Vec<u8> {
    let mut joined = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.windows(2).position(|pair| pair == b"\\\n") {
        joined.extend_from_slice(&rest[..at]);
        rest = &rest[at + 2..];
    }
    joined.extend_from_slice(rest);
    joined
}

/// The words of a rule as they are written; a backslash or a second blank keeps a blank in a word.
fn words(line: &[u8]) -> Vec<&[u8]> {
    let mut words = Vec::new();
    let mut start = 0;
    for (at, byte) in line.iter().enumerate() {
        if *byte == b' ' && (at == 0 || line[at - 1] != b'\\') {
            words.push(&line[start..at]);
            start = at + 1;
        }
    }
    words.push(&line[start..]);
    words.retain(|word| !word.is_empty());
    words
}

/// How long a name is that is written so.
fn unquoted(word: &[u8]) -> usize {
    word.len() - word.windows(2).filter(|pair| [&b"\\ "[..], b"\\#", b"$$"].contains(pair)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mirror(family: Family) -> Mirror {
        Mirror::new(Path::new("/dev/shm/d-1/2"), Path::new("/home/me"), family, None).unwrap()
    }

    #[test]
    fn roots_that_can_be_hidden() {
        let check = |root: &str, expected: bool| {
            let made = Mirror::new(Path::new(root), Path::new("/"), Family::Gcc, None);
            assert_eq!(made.is_ok(), expected, "{root}");
        };
        check("/var/tmp/distccd-1-0/7", true);
        for odd in ["/my tmp/1", "/a=b/1", "/a$b/1", "/a#b/1", "/a\\b/1", "/\u{e9}/1"] {
            check(odd, false);
        }
    }

    #[test]
    fn the_root_is_not_seen() {
        let check = |text: &str, expected: &str| {
            let hidden = mirror(Family::Gcc).hide(text.as_bytes());
            assert_eq!(String::from_utf8_lossy(&hidden), expected);
        };
        check("", "");
        check("In file included from /dev/shm/d-1/2/home/me/a.h:1,", "In file included from /home/me/a.h:1,");
        check("/dev/shm/d-1/2/dev/shm/d-1/2/x /dev/shm/d-1", "/x /dev/shm/d-1");
    }

    #[test]
    fn rules_are_broken_where_the_compiler_would() {
        let check = |family: Family, rules: &str, expected: &str| {
            let rewritten = mirror(family).rewrite_rules(rules.as_bytes());
            assert_eq!(String::from_utf8_lossy(&rewritten), expected);
        };
        check(Family::Gcc, "a.o: a.c \\\n b.h\n", "a.o: a.c \\\n b.h\n");
        check(Family::Gcc, "a.o: a.c \\\n /dev/shm/d-1/2/b.h\n\nb.h:\n", "a.o: a.c /b.h\n\nb.h:\n");
        let long = "x".repeat(64);
        check(Family::Gcc, &format!("a.o: a.c /dev/shm/d-1/2/{long}\n"), &format!("a.o: a.c \\\n /{long}\n"));
        check(
            Family::Gcc,
            &format!("a.o: c \\\n /dev/shm/d-1/2/{long}{}\n", "y"),
            &format!("a.o: c /{long}y\n"),
        );
        check(
            Family::Clang,
            &format!("a.o: a.c /dev/shm/d-1/2/{long}\n"),
            &format!("a.o: a.c \\\n  /{long}\n"),
        );
    }
}
