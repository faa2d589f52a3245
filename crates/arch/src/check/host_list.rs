//! Whether there is a list of hosts that a build would use, and whether it makes sense. Asks no host.

use crate::check::{Finding, Situation};
use crate::makepkg::Origin;
use hosts::{Host, HostList, ListError, Place};
use std::path::Path;

const NAME: &str = "host-list";

/// `host-list`: it can be read, and a machine other than this one stands in it.
pub(super) fn host_list(situation: &Situation) -> Vec<Finding> {
    match &situation.hosts {
        Ok(list) => found(situation, list),
        Err(_) if situation.building.is_err() => {
            vec![Finding::skipped(NAME, "DISTCC_HOSTS", "nobody can tell what a build would see")]
        }
        Err(ListError::Nobody { source_name, warnings }) => {
            let mut findings = wrong_words(situation, warnings);
            let what = "nobody else stands in it, and no daemon with a compiler as here announces itself";
            let remedy = "distcc-arch hosts discover";
            findings.push(Finding::failure(NAME, place(situation, source_name), what, remedy));
            findings
        }
        Err(error) => {
            let (subject, what, warnings) = match error {
                ListError::NoList => {
                    let what = "no list of hosts: DISTCC_HOSTS is not set, and there is no file of hosts";
                    (String::new(), what.to_owned(), &[][..])
                }
                ListError::Empty { source_name, warnings, .. } => {
                    (place(situation, source_name), "no host stands in it".to_owned(), warnings.as_slice())
                }
                other => (String::new(), other.to_string(), &[][..]),
            };
            let mut findings = wrong_words(situation, warnings);
            findings.push(Finding::failure(
                NAME,
                subject,
                what,
                situation.setup_or_edit(origin(situation), "DISTCC_HOSTS"),
            ));
            findings
        }
    }
}

fn found(situation: &Situation, list: &HostList) -> Vec<Finding> {
    let mut findings = wrong_words(situation, &list.warnings);
    let subject = place(situation, &list.source_name);
    let (local, others): (Vec<_>, Vec<_>) = list.hosts.iter().partition(|host| host.place == Place::Local);
    let away: Vec<&&Host> = others.iter().filter(|host| !host.down).collect();
    if !away.is_empty() {
        let names: Vec<_> = list.hosts.iter().map(|host| host.spec.as_str()).collect();
        findings.push(Finding::well(NAME, subject, names.join(" ")));
        return findings;
    }
    if list.zeroconf.is_some() {
        findings.push(Finding::skipped(NAME, subject, "who announces itself takes the network to find out"));
        return findings;
    }
    let what = if others.is_empty() && !local.is_empty() {
        "only this machine stands in it, so nothing is distributed"
    } else {
        "every host in it is marked as down"
    };
    findings.push(Finding::failure(NAME, subject, what, situation.add_host()));
    findings
}

/// A warning of the list reads `SOURCE: ignoring "TOKEN": why`.
fn wrong_words(situation: &Situation, warnings: &[String]) -> Vec<Finding> {
    let finding = |warning: &String| {
        let token = warning.split_once("ignoring \"").and_then(|(_, rest)| Some(rest.split_once("\": ")?.0));
        let token = token.unwrap_or_default();
        let (source, what) = warning.split_once(": ").unwrap_or(("", warning));
        let line = match source {
            "$DISTCC_HOSTS" => origin(situation).map(|origin| origin.line_with(token)),
            file => Origin::holding(Path::new(file), token),
        };
        let remedy = match line {
            Some(line) => situation.replace(&[(line, token, "")]),
            None => "unset DISTCC_HOSTS".to_owned(),
        };
        Finding::warning("host-words", place(situation, source), what, remedy)
    };
    warnings.iter().map(finding).collect()
}

/// Where the list stands, with a line if it is in a configuration file.
pub(super) fn place(situation: &Situation, source_name: &str) -> String {
    if source_name != "$DISTCC_HOSTS" {
        return source_name.to_owned();
    }
    origin(situation).map_or_else(|| "DISTCC_HOSTS".into(), |origin| format!("{origin}: DISTCC_HOSTS"))
}

fn origin<'a>(situation: &'a Situation) -> Option<&'a Origin> {
    situation.building.as_ref().ok()?.origin("DISTCC_HOSTS")
}
