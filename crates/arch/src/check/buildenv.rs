//! Whether distcc is switched on for a build: by makepkg's configuration, and by the package. Knows nothing of what the
//! switch does.

use crate::check::{Finding, Situation, package_text};
use crate::makepkg::{Effective, Origin};
use std::path::Path;

/// What makepkg makes of the words of an array: the last that names an option counts. None: none does.
pub(super) fn switched<'a>(words: impl DoubleEndedIterator<Item = &'a String>, option: &str) -> Option<bool> {
    words.rev().find_map(|word| match word.strip_prefix('!') {
        Some(negated) => (negated == option).then_some(false),
        None => (word == option).then_some(true),
    })
}

/// Whether `option` is on inside `build()`: the package's own word counts for more than the configuration's.
pub(super) fn is_on(building: &Effective, option: &str) -> bool {
    let words = |name| building.array(name).unwrap_or_default().iter();
    switched(words("BUILDENV").chain(words("options")), option).unwrap_or(false)
}

/// `buildenv`: the configuration switches distcc on.
pub(super) fn configured(situation: &Situation) -> Vec<Finding> {
    const NAME: &str = "buildenv";
    let Ok(configured) = &situation.configured else {
        return vec![Finding::skipped(NAME, "BUILDENV", "makepkg's configuration cannot be read")];
    };
    let begins_with = situation.config.clone().unwrap_or_else(|| situation.at("/etc/makepkg.conf"));
    let origin = configured.origin("BUILDENV");
    let shown = origin.map_or(begins_with.display().to_string(), ToString::to_string);
    if let Some(origin) = origin.filter(|_| !configured.is_array("BUILDENV")) {
        let what = "BUILDENV is no array, so makepkg ends with an error: write BUILDENV=(distcc …)";
        return vec![Finding::failure(NAME, shown, what, situation.edit(origin))];
    }
    let on = switched(configured.array("BUILDENV").unwrap_or_default().iter(), "distcc");
    if on == Some(true) {
        return vec![Finding::well(NAME, shown, "BUILDENV has distcc")];
    }
    let what = match (on, origin) {
        (_, None) => "BUILDENV is not set, so distcc is off".to_owned(),
        (Some(_), Some(_)) => "BUILDENV has !distcc, so distcc is off".to_owned(),
        (None, Some(_)) => "BUILDENV lacks distcc, so distcc is off".to_owned(),
    };
    let overridden = configured.assignments("BUILDENV").iter().rev().skip(1).map(ToString::to_string).next();
    let what = match overridden {
        Some(earlier) => format!("{what}; this overrides {earlier}"),
        None => what,
    };
    vec![Finding::failure(NAME, shown, what, situation.setup_or_edit(origin, "BUILDENV"))]
}

/// `package-*`: the PKGBUILD leaves distcc and make's jobs on.
pub(super) fn package(situation: &Situation) -> Vec<Finding> {
    const NAME: &str = "package";
    let Some(pkgbuild) = &situation.pkgbuild else { return Vec::new() };
    let shown = pkgbuild.display().to_string();
    if let Some(why) = &situation.package_trouble {
        let (origin, what) =
            super::configuration::place(why).unwrap_or((Origin { file: pkgbuild.clone(), line: 1 }, why));
        return vec![Finding::failure(NAME, origin.to_string(), what, situation.edit(&origin))];
    }
    let (Ok(configured), Ok(building)) = (&situation.configured, &situation.building) else {
        return vec![Finding::skipped(NAME, shown, "makepkg's configuration cannot be read")];
    };
    let mut findings = options(situation, pkgbuild, building);
    if configured.array("BUILDENV") != building.array("BUILDENV")
        && !switched(building.array("BUILDENV").unwrap_or_default().iter(), "distcc").unwrap_or(false)
    {
        let origin = building.origin("BUILDENV").cloned();
        let origin = origin.unwrap_or(Origin { file: pkgbuild.clone(), line: 1 });
        let what = "the package sets BUILDENV itself, without distcc";
        findings.push(Finding::failure(
            "package-buildenv",
            origin.to_string(),
            what,
            situation.edit(&origin),
        ));
    }
    findings.extend(package_text::findings(situation, pkgbuild, building));
    if findings.is_empty() {
        findings.push(Finding::well(NAME, shown, "leaves distcc as it is configured"));
    }
    findings
}

/// Which option costs what when a package negates it.
const OPTIONS: &[(&str, &str)] = &[
    ("distcc", "the package has options=(!distcc), so nothing of it is distributed"),
    ("makeflags", "the package has options=(!makeflags), so make runs one command at a time"),
];

fn options(situation: &Situation, pkgbuild: &Path, building: &Effective) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (option, what) in OPTIONS {
        if switched(building.array("options").unwrap_or_default().iter(), option) != Some(false) {
            continue;
        }
        let negated = format!("!{option}");
        let last = building.origin("options");
        let origin =
            last.map_or(Origin { file: pkgbuild.to_owned(), line: 1 }, |last| last.line_with(&negated));
        let remedy = situation.replace(&[(origin.clone(), &negated, option)]);
        findings.push(match *option {
            "distcc" => Finding::failure("package-options", origin.to_string(), *what, remedy),
            _ => Finding::warning("package-options", origin.to_string(), *what, remedy),
        });
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_counts() {
        for (words, expected) in [
            ("", None),
            ("color check", None),
            ("distcc", Some(true)),
            ("!distcc color", Some(false)),
            ("!distcc distcc", Some(true)),
            ("distcc !distcc", Some(false)),
            ("distccs !!distcc", None),
        ] {
            let words: Vec<_> = words.split_whitespace().map(str::to_owned).collect();
            assert_eq!(switched(words.iter(), "distcc"), expected, "{words:?}");
        }
    }
}
