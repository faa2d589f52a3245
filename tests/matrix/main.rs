//! The matrix: every odd command line, run by the compiler itself, by the client forced here, and by the client forced to
//! another host; whatever can be seen afterwards must be the same.
//!
//! A group of rows is a file in `groups/`; to add one, add a file:
//!
//! ```text
//! group 2: macros, and where headers come from
//!
//! = a heading, for people only
//! # A row: what must become of the command, the compilers it is for, the command.
//! remote              all           $CC -include dir/inc.h -c hello.$X
//! local:response-file gcc:c,c++     ! $CC -c hello.$X @missing
//! ```
//!
//! - The command is a script for sh, run in a fresh copy of `sources/`. `$CC` is the compiler under test (through us in
//!   two of the ways), `$PLAIN` the same without us, `$X` what the language's sources end in, `$LINKS` a directory that
//!   may be put in front of PATH: there the compilers' names lead to us (directly: it is empty). `$DISTCC` is the client,
//!   `$HOST` the host that it is given, `$LZO` what makes it compress, `$HUMBLY` runs a command without root's privileges. `!` in front: it must fail.
//!   A line that begins with a blank belongs to the row above. Where a script stands for a compiler, a row does without
//!   the sample (`DISTCC_TOOLCHAIN_CHECK=off`) that the host would count.
//! - The compilers: `all`, `gcc`, `clang`, and after a colon some of the languages `c`, `c++`, `objc`, `objc++`. clang's
//!   Objective-C is meant only where it is named, because it is never sent.
//! - The verdict: `remote` (compiled there), `local:CODE` (as `distcc --why` says), `unsent` (the preprocessor here refused),
//!   `rejected` (the compiler there refused, the one here had the last word), `repeated` (compiled there and here again),
//!   `fallback` (the only host is not there). `~columns` behind it: what holds columns may differ (debug information, LTO).
//!   It holds for each `$CC` of the row; where a loop makes them more, `*6` behind the verdict says how many.
//! - `tested FILE::FUNCTION CLAUSE` is no row: it tells which other test proves a clause.
//!
//! `DISTCC_ARCH_MATRIX="2 17" cargo test --test matrix -- --nocapture` runs groups 2 and 17 and shows the table.

mod excerpts;
mod place;
mod row;
mod table;
mod tested;
mod traces;
mod trial;

use std::fs;
use std::io::Write;
use std::num::NonZero;
use std::path::Path;
use std::sync::Mutex;
use std::thread;

use test_hosts::settings::Settings;
use test_hosts::workdir::names_in;
use test_hosts::{Programs, need};

use place::Place;
use row::{Case, Family, Group, Language, Row, Verdict};
use table::Line;
use trial::Tried;

/// A row with one of its compilers.
type Job<'a> = (&'a Group, &'a Row, Case);

const OURS: Programs =
    Programs { distcc: env!("CARGO_BIN_EXE_distcc"), distccd: env!("CARGO_BIN_EXE_distccd") };
/// One language of each compiler is enough for the C daemon.
const C_CASES: [Case; 2] = [
    Case { family: Family::Gcc, language: Language::C },
    Case { family: Family::Clang, language: Language::Cxx },
];
const GROUPS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/matrix/groups");

#[test]
fn every_command_leaves_what_the_compiler_alone_leaves() {
    let groups = groups();
    let lines = tried(&jobs(&groups), OURS, trial::of_row);
    show(&groups, &lines);
    let complaints = table::complaints(&lines);
    assert!(complaints.is_empty(), "\n{complaints}");
}

/// A part of it, with a C daemon as the other host.
#[test]
fn a_c_daemon_changes_nothing() {
    const EACH: usize = 8;
    let Some(c) = need::c_distcc() else { return };
    let groups = groups();
    let mut jobs = jobs(&groups);
    // A C daemon takes no -flto: it closes the connection. It cannot be told of processors either.
    let is_refused = |row: &Row| row.script.contains("-flto") || row.script.contains("-march=native -g ");
    let is_taken = |row: &Row| row.verdict == Verdict::Remote && !is_refused(row);
    jobs.retain(|(_, row, case)| is_taken(row) && C_CASES.contains(case));
    let part: Vec<Job> = jobs.into_iter().step_by(EACH).collect();
    let lines = tried(&part, Programs { distccd: c.distccd, ..OURS }, trial::there_alone);
    let complaints = table::complaints(&lines);
    assert!(complaints.is_empty(), "\n{complaints}");
}

/// Tries jobs on all processors, each of which has a place and a daemon of its own.
fn tried<'a>(
    jobs: &[Job<'a>],
    programs: Programs,
    trial: fn(&mut Place, &Row, Case) -> Tried,
) -> Vec<Line<'a>> {
    let lines = Mutex::new(Vec::new());
    let next = Mutex::new(jobs.iter());
    let workers = thread::available_parallelism().map_or(2, NonZero::get);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                let mut place = Place::new(programs);
                while let Some(&(group, row, case)) = take(&next) {
                    let tried = trial(&mut place, row, case);
                    let line = Line { group, row, case, tried };
                    lines.lock().expect("no worker panics while it adds").push(line);
                }
            });
        }
    });
    let mut lines = lines.into_inner().expect("all workers have ended");
    lines.sort_by_key(|line| (line.group.number, line.row.line, line.case));
    lines
}

#[test]
fn no_group_is_missing() {
    let numbers: Vec<u32> = groups().iter().map(|group| group.number).collect();
    let all: Vec<u32> = (1..=34).collect();
    if Settings::from_environment().matrix_groups.is_empty() {
        assert_eq!(numbers, all);
    }
}

#[test]
fn what_is_tested_elsewhere_is_tested_there() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let groups = groups();
    let wrong = groups.iter().flat_map(|group| {
        let complaint = |tested: &tested::Tested| Some((group.number, tested.line, tested.complaint(top)?));
        group.elsewhere.iter().filter_map(complaint)
    });
    assert_eq!(wrong.collect::<Vec<_>>(), []);
}

fn take<'a, T>(next: &Mutex<std::slice::Iter<'a, T>>) -> Option<&'a T> {
    next.lock().expect("no worker panics while it takes").next()
}

/// All groups that this run is about, in the order of their numbers.
fn groups() -> Vec<Group> {
    let wanted = Settings::from_environment().matrix_groups;
    let mut groups: Vec<Group> = names_in(Path::new(GROUPS))
        .iter()
        .map(|name| {
            let text = fs::read_to_string(Path::new(GROUPS).join(name)).expect("a file of the project");
            Group::parse(&text).unwrap_or_else(|what| panic!("{name}: {what}"))
        })
        .filter(|group| wanted.is_empty() || wanted.contains(&group.number))
        .collect();
    groups.sort_by_key(|group| group.number);
    groups
}

/// Each row with each of its compilers that this machine has.
fn jobs(groups: &[Group]) -> Vec<Job<'_>> {
    let there: Vec<Case> = Case::ALL.into_iter().filter(is_there).collect();
    let has_ccache = need::program("ccache", "install ccache").is_some();
    let can_be_run = move |row: &&Row| has_ccache || !row.script.contains("ccache");
    let rows =
        groups.iter().flat_map(|group| group.rows.iter().filter(can_be_run).map(move |row| (group, row)));
    rows.flat_map(|(group, row)| {
        let cases = row.cases.iter().filter(|case| there.contains(case));
        cases.map(move |&case| (group, row, case))
    })
    .collect()
}

fn is_there(case: &Case) -> bool {
    match (case.family, case.language) {
        (Family::Clang, _) => need::program(case.compiler(), "install clang").is_some(),
        (Family::Gcc, Language::ObjC) => {
            need::gcc_front_end("cc1obj", "install gobjc (Debian), gcc-objc (Arch)")
        }
        (Family::Gcc, Language::ObjCxx) => {
            need::gcc_front_end("cc1objplus", "install gobjc++ (Debian), gcc-objc (Arch)")
        }
        (Family::Gcc, _) => need::program(case.compiler(), "install gcc").is_some(),
    }
}

/// The whole table goes where it can be read later; its summary is for everybody who runs the tests.
fn show(groups: &[Group], lines: &[Line]) {
    let (whole, summary) = (table::whole(lines) + &table::elsewhere(groups), table::summary(groups, lines));
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("matrix.txt");
    fs::write(&file, format!("{whole}\n{summary}")).expect("a file below target");
    println!("{whole}");
    // Written past libtest's capture, as a skip is.
    let _ = writeln!(std::io::stdout(), "{summary}every row: {}", file.display());
}
