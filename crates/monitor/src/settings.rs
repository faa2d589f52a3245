//! Every environment variable that the monitor heeds, read once. Knows no command line.

use std::ffi::OsString;
use std::path::PathBuf;

/// What the environment asks of one run (distccmon-text(1)).
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// `DISTCC_DIR`, else `$HOME/.distcc`; `None` when neither is known.
    pub(crate) state_dir: Option<StateDir>,
    /// `DISTCC_HOSTS`; set but empty counts as a list without hosts.
    pub(crate) hosts: Option<OsString>,
    /// `NO_COLOR` has a value (no-color.org).
    pub(crate) no_color: bool,
}

/// The user's own directory of job records, and whether we may make it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StateDir {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// The default directory is made on demand; one that the user named is expected to exist.
    pub(crate) create: bool,
}

impl Settings {
    /// Reads the environment.
    pub(crate) fn read() -> Settings {
        Settings::from_variables(|name| std::env::var_os(name))
    }

    fn from_variables(var: impl Fn(&str) -> Option<OsString>) -> Settings {
        let filled = |name| var(name).filter(|value| !value.is_empty());
        let named = filled("DISTCC_DIR").map(|path| StateDir { path: path.into(), create: false });
        let default =
            filled("HOME").map(|home| StateDir { path: PathBuf::from(home).join(".distcc"), create: true });
        Settings {
            state_dir: named.or(default),
            hosts: var("DISTCC_HOSTS"),
            no_color: filled("NO_COLOR").is_some(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(variables: &[(&str, &str)]) -> Settings {
        Settings::from_variables(|asked| {
            variables.iter().find(|(name, _)| *name == asked).map(|(_, value)| value.into())
        })
    }

    #[test]
    fn where_records_are() {
        let own = |path: &str, create| Some(StateDir { path: path.into(), create });
        assert_eq!(with(&[]).state_dir, None);
        assert_eq!(with(&[("HOME", "/h")]).state_dir, own("/h/.distcc", true));
        assert_eq!(with(&[("HOME", "/h"), ("DISTCC_DIR", "/d")]).state_dir, own("/d", false));
        assert_eq!(with(&[("HOME", "/h"), ("DISTCC_DIR", "")]).state_dir, own("/h/.distcc", true));
    }

    #[test]
    fn colours() {
        assert!(!with(&[]).no_color && !with(&[("NO_COLOR", "")]).no_color);
        assert!(with(&[("NO_COLOR", "1")]).no_color);
    }
}
