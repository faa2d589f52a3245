//! Each trap's commands read what the trap says: the compiler's reading proves the trap, the scanner's answer is judged by it.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use include_scan::{Budget, Closure, Entry, Scanner};
use test_hosts::need;

use crate::job::Job;
use crate::proof::{differences, expect_none};
use crate::reading::{Manner, read_by_compiler};
use crate::scene::Scene;
use crate::trap::{Run, Trap};

/// What a trap's commands may begin with, after variables, and the compilers that these stand for.
const COMPILERS: &[(&str, &[&str])] =
    &[("cc", &["gcc", "clang"]), ("cxx", &["g++", "clang++"]), ("gcc", &["gcc"]), ("clang", &["clang"])];

#[test]
fn every_trap_is_known() {
    let (Some(strace), Some(_)) =
        (need::program("strace", "install strace"), need::program("clang", "install clang"))
    else {
        return;
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/as_the_compiler/traps");
    let scanner = Scanner::new(Budget { bytes: 64 << 20 });
    let mut traps: Vec<PathBuf> =
        fs::read_dir(folder).expect("the traps").map(|entry| entry.expect("a trap").path()).collect();
    traps.sort();
    assert!(traps.len() > 80, "the traps were not found");
    let complaints: Vec<String> = traps.iter().flat_map(|trap| check(trap, &scanner, &strace)).collect();
    expect_none(&complaints);
}

fn check(file: &Path, scanner: &Scanner, strace: &Path) -> Vec<String> {
    let trap = Trap::parse(&fs::read_to_string(file).expect("a trap is UTF-8"));
    let scene = Scene::new();
    for (name, thing) in &trap.things {
        scene.put(name, thing);
    }
    let directory = scene.path(&trap.directory);
    let mut complaints = Vec::new();
    for run in &trap.runs {
        for job in run.commands.iter().flat_map(|line| jobs(line, &directory, &scene)) {
            complaints.extend(verdicts(run, &job, &scene, scanner, strace).into_iter().map(|complaint| {
                format!("{}: {}: {complaint}", file.file_stem().unwrap().display(), job.line())
            }));
        }
    }
    complaints
}

fn verdicts(run: &Run, job: &Job, scene: &Scene, scanner: &Scanner, strace: &Path) -> Vec<String> {
    let closure = scanner.scan(&job.command());
    if run.refuses {
        return closure.err().map_or_else(|| vec!["not refused".to_owned()], |_| Vec::new());
    }
    let reading = match read_by_compiler(job, strace, Manner::Preprocess) {
        Ok(reading) => reading,
        Err(said) => return vec![format!("the compiler itself failed: {said}")],
    };
    let [reads, may, system] = [&run.reads, &run.may, &run.system].map(|names| paths(names, scene));
    let read_here: BTreeSet<PathBuf> =
        reading.opened.iter().filter(|name| name.starts_with(scene.root())).cloned().collect();
    if &read_here - &may != &reads | &system {
        return vec![format!("the trap is wrong: the compiler reads {read_here:?}")];
    }
    let mut complaints = differences(scanner, job, &reading, &may);
    match closure {
        Ok(closure) => complaints.extend(wrong_entries(run, &closure, &reads, &may, scene)),
        Err(refusal) => complaints.push(format!("refused: {}: {}", refusal.code, refusal.sentence)),
    }
    complaints
}

/// What is sent, beside what is to be sent.
fn wrong_entries(
    run: &Run,
    closure: &Closure,
    reads: &BTreeSet<PathBuf>,
    may: &BTreeSet<PathBuf>,
    scene: &Scene,
) -> Vec<String> {
    let (mut files, mut links, mut directories) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for entry in &closure.entries {
        match entry {
            Entry::File { name, .. } => files.insert(name.clone()),
            Entry::Link { name, target } => {
                assert_eq!(
                    name.canonicalize().ok().as_ref(),
                    Some(target),
                    "a link leads where it leads here"
                );
                links.insert(name.clone())
            }
            Entry::Directory { name } => directories.insert(name.clone()),
            Entry::SystemDirectory { .. } => true,
        };
    }
    let mut complaints = Vec::new();
    if !files.is_superset(reads) || !files.is_subset(&(reads | may)) {
        complaints.push(format!("files sent: {files:?}"));
    }
    if run.links.as_ref().is_some_and(|names| links != paths(names, scene)) {
        complaints.push(format!("links sent: {links:?}"));
    }
    if run.directories.as_ref().is_some_and(|names| !directories.is_superset(&paths(names, scene))) {
        complaints.push(format!("directories sent: {directories:?}"));
    }
    complaints
}

fn paths(names: &[Vec<u8>], scene: &Scene) -> BTreeSet<PathBuf> {
    names.iter().map(|name| scene.path(name)).collect()
}

/// A command line for each compiler that it stands for.
fn jobs(line: &str, directory: &Path, scene: &Scene) -> Vec<Job> {
    let filled_in = String::from_utf8(scene.filled_in(line.as_bytes())).expect("a command in UTF-8");
    let words = shell_words::split(&filled_in).expect("a command line");
    let first = words.iter().position(|word| !word.contains('=')).expect("a compiler");
    let (variables, words) = words.split_at(first);
    let environment: Vec<(OsString, OsString)> = variables
        .iter()
        .map(|word| word.split_once('=').expect("a variable"))
        .map(|(name, value)| (name.into(), value.into()))
        .collect();
    let (_, compilers) = COMPILERS.iter().find(|(name, _)| *name == words[0]).expect("a compiler");
    compilers
        .iter()
        .map(|compiler| {
            let words = [*compiler].into_iter().chain(words[1..].iter().map(String::as_str));
            Job { environment: environment.clone(), ..Job::new(directory, words) }
        })
        .collect()
}
