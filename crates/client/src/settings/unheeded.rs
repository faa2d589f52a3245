//! Variables of distcc 3.4 that do nothing here, and why; distcc(1) has the same list. Knows nothing of who set them.

/// A variable, and why it does nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unheeded {
    /// Its name.
    pub(crate) name: &'static str,
    /// A fragment that says so.
    pub(crate) why: &'static str,
    /// Whether somebody who sets it would miss something.
    pub(crate) missed: bool,
}

const NO_STUB: &str = "the include server is never left out";
const NO_MAIL: &str = "nobody is sent mail; the log tells when a host and this machine disagree";

/// Every one of them.
pub(crate) const UNHEEDED: &[Unheeded] = &[
    moot("DISTCC_TCP_CORK", "what is sent is never held back"),
    moot("DISTCC_PAUSE_TIME_MSEC", "nobody waits for a slot by sleeping and looking again"),
    missed("DISTCC_PRINCIPAL", "there is no authentication by GSSAPI here; use hosts behind ssh"),
    missed("DISTCC_ENABLE_DISCREPANCY_EMAIL", NO_MAIL),
    missed("DISTCC_EMAILLOG_WHOM_TO_BLAME", NO_MAIL),
    moot("INCLUDE_SERVER_STUB", NO_STUB),
];

const fn moot(name: &'static str, why: &'static str) -> Unheeded {
    Unheeded { name, why, missed: false }
}

const fn missed(name: &'static str, why: &'static str) -> Unheeded {
    Unheeded { name, why, missed: true }
}

impl std::fmt::Display for Unheeded {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "{} has no effect: {}", self.name, self.why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_is_listed_once_and_says_why() {
        let names: BTreeSet<&str> = UNHEEDED.iter().map(|variable| variable.name).collect();
        assert_eq!(names.len(), UNHEEDED.len());
        assert!(UNHEEDED.iter().all(|variable| variable.to_string().len() > variable.name.len() + 20));
    }
}
