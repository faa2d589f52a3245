//! What the compiler itself says that it reads (-M), against what was scanned. Mends nothing.

use crate::closure::{Closure, Entry};
use crate::question::Question;
use crate::scanner::Command;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The slowest sources take some seconds.
const PATIENCE: Duration = Duration::from_secs(120);

/// The files of -M, canonical, that are neither in the closure nor below its system directories.
pub(crate) fn missing(command: &Command, closure: &Closure) -> io::Result<Vec<PathBuf>> {
    let has = |file: &Path| {
        closure.entries.iter().any(|entry| match entry {
            Entry::File { name, .. } => name == file,
            Entry::SystemDirectory { name } => file.starts_with(name),
            Entry::Link { .. } | Entry::Directory { .. } => false,
        })
    };
    let mut missing = BTreeSet::new();
    for name in named_by_the_compiler(command)? {
        let file = command.directory.join(&name).canonicalize()?;
        if !has(&file) {
            missing.insert(file);
        }
    }
    Ok(missing.into_iter().collect())
}

fn named_by_the_compiler(command: &Command) -> io::Result<Vec<PathBuf>> {
    let (compiler, _) = command.words.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let compilation = cc_args::analyze(&command.words, |_| None)
        .map_err(|why| io::Error::other(format!("cannot ask for dependencies: {why}")))?;
    let mut words: Vec<OsString> = compilation
        .typed_options()
        .filter(|option| !is_about_output(option.name))
        .flat_map(|option| option.words.iter().cloned())
        .collect();
    // Said before the name, for it holds for the names that follow.
    words.extend(["-M", "-MT", "x", "-w"].map(OsString::from));
    words.push(compilation.input().into());
    let printed = Question {
        compiler: Path::new(compiler),
        words,
        directory: &command.directory,
        environment: command.environment.clone(),
        input: Vec::new(),
        patience: PATIENCE,
    }
    .ask()?;
    if !printed.status.success() {
        let said = String::from_utf8_lossy(&printed.stderr);
        return Err(io::Error::other(format!("-M fails: {}", said.lines().next().unwrap_or_default())));
    }
    Ok(prerequisites(&printed.stdout))
}

fn is_about_output(option: &str) -> bool {
    matches!(
        option,
        "-c" | "-S" | "-o" | "-MD" | "-MMD" | "-MF" | "-MT" | "-MQ" | "-MP" | "-MG" | "-M" | "-H" | "-v"
    )
}

/// The names after the first colon, as make reads them.
fn prerequisites(rule: &[u8]) -> Vec<PathBuf> {
    let Some(colon) = rule.windows(2).position(|two| two[0] == b':' && two[1].is_ascii_whitespace()) else {
        return Vec::new();
    };
    let (mut names, mut name) = (Vec::new(), Vec::new());
    let mut bytes = rule[colon + 1..].iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match (byte, bytes.peek()) {
            (b'\\', Some(b'\n')) => {}
            (b'\\', Some(escaped @ (b' ' | b'#' | b'\t'))) => {
                name.push(*escaped);
                bytes.next();
            }
            (b'$', Some(b'$')) => {
                name.push(b'$');
                bytes.next();
            }
            (b' ' | b'\n' | b'\t', _) => end(&mut name, &mut names),
            _ => name.push(byte),
        }
    }
    end(&mut name, &mut names);
    names
}

fn end(name: &mut Vec<u8>, names: &mut Vec<PathBuf>) {
    if !name.is_empty() {
        names.push(OsString::from_vec(std::mem::take(name)).into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(rule: &str, expected: &[&str]) {
        let expected: Vec<PathBuf> = expected.iter().map(Into::into).collect();
        assert_eq!(prerequisites(rule.as_bytes()), expected, "{rule}");
    }

    #[test]
    fn rules_are_read_as_make_reads_them() {
        check("x: a.c b.h \\\n c.h\n", &["a.c", "b.h", "c.h"]);
        check("x: a\\ b.c c\\#d.h e$$f.h\n", &["a b.c", "c#d.h", "e$f.h"]);
        check("x: a\\b.c\n", &["a\\b.c"]);
        check("x:\n", &[]);
        check("", &[]);
    }
}
