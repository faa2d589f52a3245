//! The environment variables that pump heeds, read once. Knows no command line.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// How much the include server keeps in memory if nothing is said; see pump(1).
const MEMORY: usize = 48;

/// What the environment asks of the include server.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// `DISTCC_INCLUDE_SERVER_MEMORY` in MiB, here in bytes: how much the server keeps of what it has read.
    pub(crate) memory: usize,
    /// `DISTCC_LOG`; empty counts as unset.
    pub(crate) log_file: Option<PathBuf>,
    /// `DISTCC_VERBOSE=1`.
    pub(crate) verbose: bool,
}

impl Settings {
    /// Reads the environment.
    pub(crate) fn read() -> Settings {
        Settings::from_variables(|name| std::env::var_os(name))
    }

    fn from_variables(var: impl Fn(&str) -> Option<OsString>) -> Settings {
        let filled = |name: &str| var(name).filter(|value| !value.is_empty());
        let memory = filled("DISTCC_INCLUDE_SERVER_MEMORY");
        let memory = memory.as_deref().and_then(OsStr::to_str).and_then(|mib| mib.trim().parse().ok());
        Settings {
            memory: memory.unwrap_or(MEMORY).saturating_mul(1 << 20),
            log_file: filled("DISTCC_LOG").map(PathBuf::from),
            verbose: filled("DISTCC_VERBOSE").is_some_and(|value| value == "1"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_counted_in_mib() {
        let check = |value: &str, mib: usize| {
            let settings = Settings::from_variables(|name| {
                (name == "DISTCC_INCLUDE_SERVER_MEMORY").then(|| OsString::from(value))
            });
            assert_eq!(settings.memory, mib << 20, "{value:?}");
        };
        check("7", 7);
        check(" 7 ", 7);
        check("0", 0);
        for odd in ["", "x", "-1"] {
            check(odd, MEMORY);
        }
    }
}
