//! The outcome of all rows as a table for people. Judges nothing.

use std::fmt::Write;

use crate::row::{Case, Family, Group, Language, Row};
use crate::tested::Tested;
use crate::trial::Tried;

/// One row with one compiler, tried.
pub(crate) struct Line<'a> {
    pub(crate) group: &'a Group,
    pub(crate) row: &'a Row,
    pub(crate) case: Case,
    pub(crate) tried: Tried,
}

/// Clauses that are proven elsewhere, a line each.
pub(crate) fn elsewhere(groups: &[Group]) -> String {
    let mut table = String::new();
    for group in groups {
        for Tested { line, file, function, clause } in &group.elsewhere {
            let _ = writeln!(table, "{:>5} {line:>4} tested: {clause}: {file} {function}", group.number);
        }
    }
    table
}

const HEAD: &str = "group line compiler       verdict                  direct here there exact  command\n";

/// A line for each command and compiler.
pub(crate) fn whole(lines: &[Line]) -> String {
    lines.iter().fold(HEAD.to_owned(), |mut table, line| {
        let Tried { direct, here, there, exact } = &line.tried;
        let shown = |result: &Result<(), String>| if result.is_ok() { "ok" } else { "NO" };
        // Writing to a string cannot fail.
        let _ = writeln!(
            table,
            "{:>5} {:>4} {:14} {:24} {:6} {:4} {:5} {:6} {}",
            line.group.number,
            line.row.line,
            name(line.case),
            line.row.verdict.name(),
            shown(direct),
            shown(here),
            shown(there),
            exact.as_ref().map_or("", shown),
            line.row.script.replace('\n', " "),
        );
        table
    })
}

/// A line for each group.
pub(crate) fn summary(groups: &[Group], lines: &[Line]) -> String {
    let head = "group  rows  runs  differ  tested elsewhere  what\n".to_owned();
    groups.iter().fold(head, |mut table, group| {
        let of_group = || lines.iter().filter(|line| line.group.number == group.number);
        let differ = of_group().filter(|line| line.tried.complaints().next().is_some()).count();
        let (rows, runs, elsewhere) = (group.rows.len(), of_group().count(), group.elsewhere.len());
        let _ = writeln!(
            table,
            "{:>5} {rows:>5} {runs:>5} {differ:>7} {elsewhere:>17}  {}",
            group.number, group.title
        );
        table
    })
}

/// Each row that differs, with how.
pub(crate) fn complaints(lines: &[Line]) -> String {
    let mut text = String::new();
    for line in lines {
        for (way, what) in line.tried.complaints() {
            let (number, row, case) = (line.group.number, line.row.line, name(line.case));
            let _ = writeln!(
                text,
                "group {number}, line {row}, {case}, {way}: {}\n    {}\n",
                line.row.script,
                what.replace('\n', "\n    ")
            );
        }
    }
    text
}

fn name(case: Case) -> String {
    let family = match case.family {
        Family::Gcc => "gcc",
        Family::Clang => "clang",
    };
    let language = match case.language {
        Language::C => "C",
        Language::Cxx => "C++",
        Language::ObjC => "ObjC",
        Language::ObjCxx => "ObjC++",
    };
    format!("{family} {language}")
}
