//! Who may know whom among the crates. Knows manifests, and nothing of the code.

use crate::Complaint;
use crate::source::File;

/// Lower rows know nothing of higher ones, and no crate knows one of its own row.
const ROWS: &[&[&str]] = &[
    &["logging", "cc-args", "protocol", "job-state", "makepkg-conf", "changes", "discovery"],
    &["hosts", "include-scan", "toolchain"],
    &["client", "daemon", "pump", "monitor", "survey", "arch"],
];
/// Downward edges that are wrong all the same: crate, what it must not know, and why.
const FORBIDDEN: &[(&str, &str, &str)] = &[("client", "include-scan", "it asks the include server")];
/// The crate of real daemons and build trees: tests may know it, programs may not.
const FOR_TESTS: &str = "test-hosts";

pub(crate) fn knows_lower_rows_only(file: &File) -> Vec<Complaint> {
    let Some(name) = file.path.strip_prefix("crates/").and_then(|rest| rest.strip_suffix("/Cargo.toml"))
    else {
        return Vec::new();
    };
    let Some(row) = row_of(name) else {
        return vec![(1, format!("{name} stands in no row of tests/tidy/directions.rs"))];
    };
    let mut complaints = Vec::new();
    for (line, section, dependency) in dependencies(&file.text) {
        let sideways = row_of(&dependency).is_some_and(|other| other >= row);
        let forbidden = FORBIDDEN.iter().find(|(from, to, _)| *from == name && *to == dependency);
        let for_tests = dependency == FOR_TESTS && section != "dev-dependencies";
        if sideways || for_tests {
            complaints.push((line, format!("{name} must not know {dependency}")));
        } else if let Some((_, _, why)) = forbidden {
            complaints.push((line, format!("{name} must not know {dependency}: {why}")));
        }
    }
    complaints
}

fn row_of(name: &str) -> Option<usize> {
    ROWS.iter().position(|row| row.contains(&name))
}

/// Line, section and name of each dependency in a manifest.
fn dependencies(manifest: &str) -> Vec<(usize, String, String)> {
    let mut section = String::new();
    let mut found = Vec::new();
    for (index, line) in manifest.lines().enumerate() {
        if let Some(header) = line.strip_prefix('[') {
            section = header.trim_end_matches(']').to_owned();
            if let Some((kind, name)) = section.rsplit_once("dependencies.") {
                found.push((index + 1, format!("{kind}dependencies"), name.to_owned()));
            }
        } else if section.ends_with("dependencies") {
            let name = line.split(['.', '=', ' ', '#']).next().unwrap_or_default();
            if !name.is_empty() {
                found.push((index + 1, section.clone(), name.to_owned()));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::can_fail::check;

    #[test]
    fn directions() {
        let rule = knows_lower_rows_only;
        let sideways = "[package]\nname = \"client\"\n[dependencies]\nhosts.workspace = true\ndaemon = { path = \"x\" }\n";
        check(rule, "crates/client/Cargo.toml", sideways, &[5]);
        check(rule, "crates/logging/Cargo.toml", "[dev-dependencies.hosts]\npath = \"../hosts\"\n", &[1]);
        check(
            rule,
            "crates/client/Cargo.toml",
            "[target.x.dependencies]\ninclude-scan.workspace = true\n",
            &[2],
        );
        check(rule, "crates/client/Cargo.toml", "[dependencies]\ntest-hosts.workspace = true\n", &[2]);
        check(rule, "crates/client/Cargo.toml", "[dev-dependencies]\ntest-hosts.workspace = true\n", &[]);
        check(rule, "crates/gossip/Cargo.toml", "[package]\n", &[1]);
    }
}
