//! What the functions of a PKGBUILD do that its variables do not tell, judged by its lines, for nobody runs them. Knows
//! nothing of shell grammar: what it finds are warnings.

use crate::check::compiler_command::CompilerCommand;
use crate::check::{Finding, Situation};
use crate::makepkg::{Effective, Origin};
use std::fs;
use std::path::Path;

/// A kind of line: the finding's name, the words that make it one, and what comes of it.
type Kind = (&'static str, fn(&str) -> bool, &'static str);

const KINDS: &[Kind] = &[
    (
        "package-path",
        sets_path,
        "the package changes PATH: compilers that it puts in front are not distributed",
    ),
    (
        "package-compiler",
        names_a_path,
        "the package calls a compiler by its path: what that compiles is not distributed",
    ),
];

/// One finding for each kind of line, at the first one.
pub(super) fn findings(situation: &Situation, pkgbuild: &Path, building: &Effective) -> Vec<Finding> {
    let text = fs::read(pkgbuild).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let finding = |(name, is_one, what): &Kind| {
        let line = text.lines().position(|line| is_one(line.trim_start()))? + 1;
        let origin = Origin { file: pkgbuild.to_owned(), line };
        // What was run when the PKGBUILD was read has been judged by its result.
        let was_run = ["CFLAGS", "CXXFLAGS", "CC", "CXX"]
            .iter()
            .any(|name| building.assignments(name).contains(&origin));
        (!was_run).then(|| Finding::warning(name, origin.to_string(), *what, situation.edit(&origin)))
    };
    KINDS.iter().filter_map(finding).collect()
}

fn sets_path(line: &str) -> bool {
    line.strip_prefix("export ").unwrap_or(line).starts_with("PATH=")
}

fn names_a_path(line: &str) -> bool {
    let is_path = |value: &str| CompilerCommand::parse(value).is_some_and(|called| called.has_path());
    let mut values = line.split_whitespace().filter_map(|word| {
        let value = word.strip_prefix("CC=").or_else(|| word.strip_prefix("CXX="))?;
        Some(value.trim_start_matches(['"', '\'']))
    });
    !line.starts_with('#') && values.any(|value| is_path(value) && !value.contains('$'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expected: &[&str]) {
        let found = KINDS.iter().filter(|(_, is_one, _)| is_one(line)).map(|(name, ..)| *name);
        assert_eq!(found.collect::<Vec<_>>(), expected, "{line}");
    }

    #[test]
    fn lines() {
        check("export PATH=/opt/x:$PATH", &["package-path"]);
        check("MYPATH=/opt", &[]);
        check("make CC=/usr/bin/gcc", &["package-compiler"]);
        check("export CXX='/opt/x/bin/g++ -m64'", &["package-compiler"]);
        check("make CC=gcc DESTDIR=/tmp/x", &[]);
        check("make CC=\"$srcdir/cc\"", &[]);
        check("CFLAGS+=\" -march=native\"", &[]);
        check("# CFLAGS+=-O2 CC=/usr/bin/gcc", &[]);
        check("sed -i 's/-march=x86-64//' Makefile", &[]);
    }
}
