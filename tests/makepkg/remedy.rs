//! Types what `check` says to type, where it says. Knows nothing of what it is good for.

use test_hosts::process::Outcome;

use crate::farm::{BUILDER, Farm, PACKAGE};
use crate::report::Finding;

/// Where a remedy is to be typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mend {
    /// On the machine that builds, by the user who builds.
    Here,
    /// On the machine that compiles.
    There,
    Everywhere,
}

/// Types the remedy to the letter, where it says, and yes to all questions.
#[track_caller]
pub(crate) fn follow(farm: &Farm, finding: &Finding, mend: Mend) {
    let remedy = finding.remedy.as_deref().unwrap_or_else(|| panic!("no remedy: {finding}"));
    let server = &farm.servers[0];
    let there = remedy.strip_prefix(&format!("on {}: ", server.address));
    // What only the reader can know.
    let command = there.unwrap_or(remedy).replace("HOST/SLOTS", &format!("{}/4", server.address));
    let both = command.contains(&format!("# here and on {}", server.address));
    let asked = match (both, there) {
        (true, _) => Mend::Everywhere,
        (false, Some(_)) => Mend::There,
        (false, None) => Mend::Here,
    };
    assert_eq!(asked, mend, "{finding}");
    let typed = |outcome: Outcome| {
        assert!(outcome.status.success(), "{finding}\n{}{}", outcome.out(), outcome.err());
    };
    if mend != Mend::There {
        typed(farm.builder.type_as(BUILDER, &format!("/home/{BUILDER}/{PACKAGE}"), &command));
    }
    if mend != Mend::Here {
        typed(server.machine.type_as("root", "/", &command));
    }
}
