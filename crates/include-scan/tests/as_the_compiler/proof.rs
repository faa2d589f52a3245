//! The scanner's answer to one job beside the compiler's. Knows nothing of where jobs come from.

use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use include_scan::Scanner;

use crate::job::Job;
use crate::reading::{Manner, Reading, read_by_compiler};

/// What is wrong with the scanner's answer, a line each; none: it is exact. Files in `allowed` may be there or not.
pub(crate) fn complaints(
    scanner: &Scanner,
    job: &Job,
    strace: &Path,
    allowed: &BTreeSet<PathBuf>,
) -> Vec<String> {
    match read_by_compiler(job, strace, Manner::List) {
        Ok(reading) => differences(scanner, job, &reading, &(allowed | &asked_in_vain(job, &reading))),
        Err(said) => vec![format!("the compiler itself failed: {said}")],
    }
    .into_iter()
    .map(|complaint| format!("{}: {complaint}", job.line()))
    .collect()
}

/// What clang looks for, and lists, though the answer cannot matter: the right side of `0 && __has_include(<x.h>)`. gcc
/// does not look, so gcc shows which probes do matter.
pub(crate) fn asked_in_vain(job: &Job, reading: &Reading) -> BTreeSet<PathBuf> {
    let is_clang = job.words[0].as_bytes().windows(5).any(|part| part == b"clang");
    if is_clang { &reading.opened - &reading.included } else { BTreeSet::new() }
}

/// The same, where it is known what the compiler reads.
pub(crate) fn differences(
    scanner: &Scanner,
    job: &Job,
    reading: &Reading,
    allowed: &BTreeSet<PathBuf>,
) -> Vec<String> {
    let scanned: BTreeSet<PathBuf> = match scanner.reads(&job.command()) {
        Ok(names) => names.into_iter().collect(),
        // Two of gcc's oddities, of which traps tell: import-after-a-probe and shorter-names.
        Err(refusal) if ["import", "shorter-name"].contains(&refusal.code) => return Vec::new(),
        Err(refusal) => return vec![format!("not covered: {}: {}", refusal.code, refusal.sentence)],
    };
    let needed: BTreeSet<&PathBuf> = reading.listed.union(&reading.opened).collect();
    let missing = needed
        .iter()
        .filter(|name| !scanned.contains(**name) && !allowed.contains(**name))
        .map(|name| format!("missing {}", name.display()));
    let extra = scanned
        .iter()
        .filter(|name| !needed.contains(name) && !allowed.contains(*name))
        .map(|name| format!("too many: {}", name.display()));
    missing.chain(extra).collect()
}

/// Panics with all complaints, but for what is too much to read.
#[track_caller]
pub(crate) fn expect_none(complaints: &[String]) {
    let shown = complaints.len().min(60);
    assert!(complaints.is_empty(), "{} complaints:\n{}", complaints.len(), complaints[..shown].join("\n"));
}
