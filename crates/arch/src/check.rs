//! The table of all checks and how it is gone through. Knows nothing of how findings are shown.

#[cfg(debug_assertions)]
pub(crate) mod advice;
mod buildenv;
mod ccache;
mod chroot_daemons;
mod compiler_command;
mod configuration;
mod daemon_args;
mod daemon_here;
mod finding;
mod flags;
pub(crate) mod host;
mod host_list;
pub(crate) mod host_table;
mod host_trouble;
pub(crate) mod hosts;
mod masquerade;
mod namespaces;
mod native;
mod package_text;
mod parallel;
pub(crate) mod printable;
pub(crate) mod reach;
pub(crate) mod remedy;
pub(crate) mod report;
mod situation;
mod ssh_login;
mod state_directory;
pub(crate) mod telling;
pub(crate) mod toolchains;
mod trial_bench;
mod trial_outcome;
pub(crate) mod usable_program;
mod variables;

pub(crate) use finding::{Finding, Verdict};
pub(crate) use situation::Situation;

/// One check.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Check {
    /// Its name for programs. Findings that need to be told apart may have more exact ones.
    pub(crate) name: &'static str,
    /// What it is about; neighbours with the same title are shown below one.
    pub(crate) title: &'static str,
    /// Whether `--offline` leaves it out, and whether it takes long enough to be counted on a bar.
    pub(crate) needs_network: bool,
    pub(crate) run: fn(&Situation) -> Vec<Finding>,
}

/// What was found below one title.
#[derive(Debug)]
pub(crate) struct Section {
    pub(crate) title: &'static str,
    pub(crate) findings: Vec<Finding>,
}

/// In the order in which a build depends on them.
pub(crate) const CHECKS: &[Check] = &[
    here("makepkg", "makepkg", configuration::installed),
    here("build-user", "makepkg", configuration::build_user),
    here("makepkg-config", "makepkg", configuration::readable),
    here("buildenv", "Is distcc on", buildenv::configured),
    here("package", "Is distcc on", buildenv::package),
    here("variables", "Is distcc on", variables::variables),
    here("ccache", "Do builds call distcc", ccache::ccache),
    here("distcc-program", "Do builds call distcc", masquerade::program),
    here("masquerade-links", "Do builds call distcc", masquerade::links),
    here("masquerade-order", "Do builds call distcc", masquerade::order),
    here("state-directory", "Do builds call distcc", state_directory::state_directory),
    here("flags", "May files be sent away", flags::flags),
    here("host-list", "Hosts", host_list::host_list),
    here("makeflags", "Hosts", parallel::makeflags),
    Check { name: "host", title: "Hosts", needs_network: true, run: hosts::answer },
    here("whitelist", "This machine as a host", masquerade::whitelist),
    here("toolchains", "This machine as a host", toolchains::toolchains),
    here("chroot-daemons", "This machine as a host", chroot_daemons::chroot_daemons),
    here("daemon", "This machine as a host", daemon_here::serves),
    here("firewall", "This machine as a host", daemon_here::firewall),
];

/// A check that needs no network.
const fn here(name: &'static str, title: &'static str, run: fn(&Situation) -> Vec<Finding>) -> Check {
    Check { name, title, needs_network: false, run }
}

/// Goes through the table; `step` is called after each check that needs the network.
pub(crate) fn look(situation: &Situation, offline: bool, step: impl Fn()) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    for check in CHECKS {
        let findings = if check.needs_network && offline {
            vec![Finding::skipped(check.name, "", "--offline")]
        } else {
            (check.run)(situation)
        };
        if check.needs_network {
            step();
        }
        match sections.last_mut().filter(|section| section.title == check.title) {
            Some(section) => section.findings.extend(findings),
            None => sections.push(Section { title: check.title, findings }),
        }
    }
    sections
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_are_words_and_occur_once() {
        let names: HashSet<_> = CHECKS.iter().map(|check| check.name).collect();
        assert_eq!(names.len(), CHECKS.len());
        let is_word = |name: &str| name.chars().all(|char| char.is_ascii_lowercase() || char == '-');
        assert!(names.iter().all(|name| is_word(name)), "{names:?}");
    }
}
