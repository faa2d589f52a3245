//! Which files a compiler reads: what it lists itself, and what it was seen to open. Knows nothing of the scanner.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;
use test_hosts::process::{Outcome, run};

use crate::job::Job;

/// How the compiler is made to read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// `-M`, which is quick. gcc expands no text then, and so does nothing of what operators in text ask for.
    List,
    /// `-E`, as a compile reads.
    Preprocess,
}

/// Canonical names.
#[derive(Debug)]
pub(crate) struct Reading {
    /// What the compiler lists.
    pub(crate) listed: BTreeSet<PathBuf>,
    /// What `-H` says was included.
    pub(crate) included: BTreeSet<PathBuf>,
    /// What was opened while it did. That is more where a file is only asked for, which gcc does not list.
    pub(crate) opened: BTreeSet<PathBuf>,
}

/// Runs the compiler, watched by `strace`. Errors are what the compiler said where it failed.
pub(crate) fn read_by_compiler(job: &Job, strace: &Path, manner: Manner) -> Result<Reading, String> {
    let [log, rule] = [(); 2].map(|()| NamedTempFile::new().expect("a temporary file"));
    let runner: Vec<&OsStr> = [strace.as_os_str()]
        .into_iter()
        .chain(["-f", "--seccomp-bpf", "-qq", "-z", "-xx", "-e", "trace=open,openat", "-o"].map(OsStr::new))
        .chain([log.path().as_os_str()])
        .collect();
    let outcome = run(job.run_by(&runner, &listing_words(&job.words, manner, rule.path())));
    if outcome.code() != Some(0) {
        return Err(outcome.err());
    }
    let log = fs::read(log.path()).expect("what strace has written");
    Ok(Reading {
        listed: listed(&fs::read(rule.path()).expect("what the compiler has written"), job),
        included: included(&outcome, job),
        opened: log.split(|byte| *byte == b'\n').filter_map(|line| opened(line, job)).collect(),
    })
}

/// The arguments with a rule for make in place of all that asks for outputs.
fn listing_words(words: &[OsString], manner: Manner, rule: &Path) -> Vec<OsString> {
    let mut kept = Vec::new();
    let mut words = words[1..].iter();
    while let Some(word) = words.next() {
        match word.as_bytes() {
            b"-o" | b"-MF" | b"-MT" | b"-MQ" => drop(words.next()),
            b"-MD" | b"-MMD" | b"-MP" | b"-c" => {}
            bytes if bytes.starts_with(b"-Wp,-M") => {}
            _ => kept.push(word.clone()),
        }
    }
    let asked: &[&str] = match manner {
        Manner::List => &["-M"],
        Manner::Preprocess => &["-E", "-o", "/dev/null", "-MD"],
    };
    kept.extend(asked.iter().map(Into::into));
    kept.extend(["-H".into(), "-MF".into(), rule.into()]);
    kept
}

fn listed(rule: &[u8], job: &Job) -> BTreeSet<PathBuf> {
    let rule = rule.splitn(2, |byte| *byte == b':').nth(1).unwrap_or_default();
    let names = words_of_make(rule).into_iter();
    // What a name that make cannot hold was written as leads nowhere; it was opened all the same.
    names.filter_map(|name| canonical(name, job)).collect()
}

/// Lines of as many dots as the inclusion is deep, and a name.
fn included(outcome: &Outcome, job: &Job) -> BTreeSet<PathBuf> {
    let lines = outcome.stderr.split(|byte| *byte == b'\n').filter(|line| line.starts_with(b"."));
    let names = lines.filter_map(|line| line.splitn(2, |byte| *byte == b' ').nth(1));
    names.filter_map(|name| canonical(name.to_vec(), job)).collect()
}

/// The words of a rule's right side, as compilers write them for make.
fn words_of_make(rule: &[u8]) -> Vec<Vec<u8>> {
    let mut words = vec![Vec::new()];
    let mut bytes = rule.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        let word = words.last_mut().expect("there is always one");
        match (byte, bytes.peek()) {
            (b'\\', Some(b' ' | b'#')) | (b'$', Some(b'$')) => word.extend(bytes.next()),
            (b'\\', Some(b'\n')) | (b' ' | b'\n', _) => words.push(Vec::new()),
            _ => word.push(byte),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// The file of one line of strace's, if it is one that a preprocessor reads.
fn opened(line: &[u8], job: &Job) -> Option<PathBuf> {
    let mut parts = line.split(|byte| *byte == b'"').skip(1);
    let name = parts.next()?;
    if !parts.next()?.windows(8).any(|flag| flag == b"O_RDONLY") {
        return None;
    }
    let hexadecimal = str::from_utf8(name).ok()?.split("\\x").skip(1);
    let name = hexadecimal.map(|digits| u8::from_str_radix(digits, 16).ok()).collect::<Option<Vec<u8>>>()?;
    canonical(name, job).filter(|path| path.is_file() && is_text_for_the_preprocessor(path))
}

/// Not what programs need to run: libraries, locales, configuration.
fn is_text_for_the_preprocessor(path: &Path) -> bool {
    let of_the_system = ["/usr", "/lib", "/lib64", "/opt"].iter().any(|top| path.starts_with(top));
    let of_others = ["/etc", "/proc", "/sys", "/dev", "/run"].iter().any(|top| path.starts_with(top));
    let below_includes = path.components().any(|part| part.as_os_str().as_bytes().starts_with(b"include"));
    !of_others && (!of_the_system || below_includes)
}

fn canonical(name: Vec<u8>, job: &Job) -> Option<PathBuf> {
    fs::canonicalize(job.directory.join(OsString::from_vec(name))).ok()
}

#[test]
fn rules_are_split_as_make_would() {
    let check = |rule: &str, expected: &[&str]| {
        let words: Vec<String> =
            words_of_make(rule.as_bytes()).into_iter().map(|word| String::from_utf8(word).unwrap()).collect();
        assert_eq!(words, expected);
    };
    check(" x.c /usr/a.h \\\n b.h\n", &["x.c", "/usr/a.h", "b.h"]);
    check(" x\\ y.c $$b\\#.h c\\d.h\n", &["x y.c", "$b#.h", "c\\d.h"]);
}
