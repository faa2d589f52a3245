//! Variables that would make the client behave unlike what people expect of a package build. Sets none.

use crate::check::{Finding, Situation};

/// A variable that programs of a build see, the value that matters (none: any), and what it does.
const VARIABLES: &[(&str, Option<&str>, &str)] = &[
    ("DISTCC_FALLBACK", Some("0"), "a host that is away makes the build fail"),
    ("DISTCC_SKIP_LOCAL_RETRY", None, "what a host cannot compile makes the build fail"),
    (
        "DISTCC_VERBOSE",
        Some("1"),
        "what the client says gets into the messages that configure scripts look at",
    ),
    ("DISTCC_BACKOFF_PERIOD", Some("0"), "a host that is away is tried again for every file"),
    ("DISTCC_NO_REWRITE_CROSS", None, "hosts choose the target of gcc themselves"),
    ("CCACHE_DISABLE", None, "ccache keeps nothing"),
];

/// `variables`: none of them is set.
pub(super) fn variables(situation: &Situation) -> Vec<Finding> {
    const NAME: &str = "variables";
    let Ok(building) = &situation.building else {
        return vec![Finding::skipped(NAME, "", "nobody can tell what a build would see")];
    };
    let finding = |(name, value, what): &(&'static str, Option<&str>, &str)| {
        let found = building.scalar(name).filter(|_| building.exported(name))?;
        if value.is_some_and(|value| value != found) {
            return None;
        }
        let (subject, remedy) = match building.origin(name) {
            Some(origin) => (format!("{origin}: {name}"), situation.edit(origin)),
            None => ((*name).to_owned(), format!("unset {name}")),
        };
        Some(Finding::warning(NAME, subject, format!("{name}={found}: {what}"), remedy))
    };
    let mut findings: Vec<_> = VARIABLES.iter().filter_map(finding).collect();
    if findings.is_empty() {
        findings.push(Finding::well(NAME, "environment", "no variable changes what the client does"));
    }
    findings
}
