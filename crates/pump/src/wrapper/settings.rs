//! The environment variables that the command around a build heeds, read once. Knows no command line.

use std::ffi::{OsStr, OsString};
use std::fmt::Arguments;
use std::io::Write;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// What the environment says (pump.1, ENVIRONMENT).
#[derive(Debug, Clone, Default)]
pub(crate) struct Settings {
    /// `DISTCC_LOCATION`: where distcc and lsdistcc are; else where pump is.
    pub(crate) location: PathBuf,
    /// `PATH`.
    pub(crate) path: Option<OsString>,
    /// `TMPDIR`, else /tmp.
    pub(crate) temporary: PathBuf,
    /// `DISTCC_POTENTIAL_HOSTS`, in words.
    pub(crate) potential_hosts: Vec<OsString>,
    /// `LSDISTCC_ARGS`, in words.
    pub(crate) lsdistcc_args: Vec<OsString>,
    /// `INCLUDE_SERVER_ARGS`.
    pub(crate) include_server_args: Option<OsString>,
    /// `DISTCC_MAX_DISCREPANCY`.
    pub(crate) most_discrepancies: Option<u64>,
    /// Whether anything names hosts: `DISTCC_HOSTS`, or a file of hosts.
    pub(crate) has_hosts: bool,
    /// `DISTCC_HOSTS`.
    pub(crate) hosts: Option<OsString>,
    /// `DISTCC_TESTING_INCLUDE_SERVER`: progress is not told.
    pub(crate) quiet: bool,
    /// `INCLUDE_SERVER_DIR`, of `--startup`.
    pub(crate) session: Option<PathBuf>,
    /// `INCLUDE_SERVER_PID`, likewise.
    pub(crate) server: Option<i32>,
}

impl Settings {
    /// Reads the environment.
    ///
    /// # Errors
    /// A value makes no sense: a sentence.
    pub(crate) fn read() -> Result<Settings, String> {
        let here = std::env::current_exe().ok().and_then(|program| program.parent().map(PathBuf::from));
        Settings::from_variables(here.unwrap_or_default(), |name| std::env::var_os(name))
    }

    fn from_variables(here: PathBuf, var: impl Fn(&str) -> Option<OsString>) -> Result<Settings, String> {
        let filled = |name: &str| var(name).filter(|value| !value.is_empty());
        let words = |name: &str| filled(name).map(|value| in_words(&value)).unwrap_or_default();
        let most_discrepancies = match filled("DISTCC_MAX_DISCREPANCY") {
            None => None,
            Some(value) => Some(count_of(&value).ok_or_else(|| {
                format!(
                    "Bad DISTCC_MAX_DISCREPANCY value: \"{}\". Needs to be 1 or greater.",
                    value.display()
                )
            })?),
        };
        let hosts = filled("DISTCC_HOSTS");
        let of_user = filled("DISTCC_DIR").map(|directory| PathBuf::from(directory).join("hosts"));
        let of_home = filled("HOME").map(|home| PathBuf::from(home).join(".distcc/hosts"));
        let files = [of_user, of_home, Some("/etc/distcc/hosts".into())];
        Ok(Settings {
            location: filled("DISTCC_LOCATION").map_or(here, PathBuf::from),
            path: filled("PATH"),
            temporary: filled("TMPDIR").map_or_else(|| "/tmp".into(), PathBuf::from),
            potential_hosts: words("DISTCC_POTENTIAL_HOSTS"),
            lsdistcc_args: words("LSDISTCC_ARGS"),
            include_server_args: filled("INCLUDE_SERVER_ARGS"),
            most_discrepancies,
            has_hosts: hosts.is_some() || files.into_iter().flatten().any(|file| file.is_file()),
            hosts,
            quiet: filled("DISTCC_TESTING_INCLUDE_SERVER").is_some_and(|value| value != "0"),
            session: filled("INCLUDE_SERVER_DIR").map(PathBuf::from),
            server: filled("INCLUDE_SERVER_PID").and_then(|pid| pid.to_str()?.parse().ok()),
        })
    }

    /// `PATH` with the place of distcc in front.
    pub(crate) fn path_for_build(&self) -> OsString {
        let mut path = self.location.clone().into_os_string();
        if let Some(before) = &self.path {
            path.push(":");
            path.push(before);
        }
        path
    }

    /// A program beside pump, if there is one.
    ///
    /// # Errors
    /// There is none: the sentence that 3.4 has for it.
    pub(crate) fn program(&self, name: &str) -> Result<PathBuf, String> {
        let program = self.location.join(name);
        let there =
            nix::unistd::access(&program, nix::unistd::AccessFlags::X_OK).is_ok() && program.is_file();
        if there { Ok(program) } else { Err(missing(name, &self.location)) }
    }

    /// Tells of progress, to whoever watches the build.
    pub(crate) fn say(&self, out: &mut impl Write, text: Arguments<'_>) {
        if !self.quiet {
            // A closed stdout is the build's business.
            let _ = writeln!(out, "__________{text}");
        }
    }
}

fn missing(name: &str, location: &Path) -> String {
    format!("error: can't find {name} (looked in {})", location.display())
}

/// As a shell splits what is not quoted.
fn in_words(value: &OsStr) -> Vec<OsString> {
    let words = value.as_bytes().split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    words.map(|word| OsString::from_vec(word.to_owned())).collect()
}

fn count_of(value: &OsStr) -> Option<u64> {
    value.to_str()?.trim().parse().ok().filter(|count| *count > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: &'static str, value: &'static str) -> Result<Settings, String> {
        Settings::from_variables("/here".into(), |asked| (asked == name).then(|| value.into()))
    }

    #[test]
    fn counts_of_discrepancies() {
        let check = |value, expected: Option<Option<u64>>| {
            let got = with("DISTCC_MAX_DISCREPANCY", value).map(|settings| settings.most_discrepancies);
            assert_eq!(got.ok(), expected, "{value:?}");
        };
        check("", Some(None));
        check("3", Some(Some(3)));
        check("0", None);
        check("-1", None);
        check("many", None);
    }

    #[test]
    fn words_and_places() {
        let hosts = with("DISTCC_POTENTIAL_HOSTS", " a  b\nc ").unwrap().potential_hosts;
        assert_eq!(hosts, ["a", "b", "c"]);
        let located = with("DISTCC_LOCATION", "/there").unwrap();
        assert_eq!(located.path_for_build(), "/there");
        let pathed = with("PATH", "/usr/bin:/bin").unwrap();
        assert_eq!(pathed.path_for_build(), "/here:/usr/bin:/bin");
        assert!(with("DISTCC_TESTING_INCLUDE_SERVER", "1").unwrap().quiet);
        assert!(!with("DISTCC_TESTING_INCLUDE_SERVER", "0").unwrap().quiet);
    }
}
