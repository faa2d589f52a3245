//! Every environment variable that the client heeds, read once. Knows no command line.

use protocol::Limits;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::time::Duration;

/// What the environment asks of one run of the client (client.md section 16 of the reference; distcc(1)).
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// `DISTCC_HOSTS`; set but empty counts as a list without hosts.
    pub(crate) hosts: Option<OsString>,
    /// `DISTCC_DIR`, else `$HOME/.distcc`; `None` when neither is known.
    pub(crate) state_dir: Option<StateDir>,
    /// `DISTCC_LOG`; empty counts as unset.
    pub(crate) log_file: Option<PathBuf>,
    /// `UNCACHED_ERR_FD`: where ccache wants messages that are not the compiler's.
    pub(crate) uncached_stderr: Option<u32>,
    /// `DISTCC_VERBOSE=1`.
    pub(crate) verbose: bool,
    /// `DISTCC_FALLBACK`: whether a job that no host took may run here.
    pub(crate) fallback: bool,
    /// `DISTCC_SKIP_LOCAL_RETRY` exists: what a remote compiler rejects is not compiled again here.
    pub(crate) skip_local_retry: bool,
    /// `DISTCC_EXACT_DIAGNOSTICS=1`: whatever made a remote compiler print is compiled again here.
    pub(crate) exact_diagnostics: bool,
    /// `DISTCC_BACKOFF_PERIOD` in seconds: how long a host that failed is left alone; zero never benches one.
    pub(crate) backoff_period: Duration,
    /// `DISTCC_IO_TIMEOUT` in seconds: the longest silence of a host.
    pub(crate) io_timeout: Duration,
    /// `DISTCC_MAX_BODY` in MiB: the largest object that is taken from a host.
    pub(crate) limits: Limits,
    /// `DISTCC_NO_REWRITE_CROSS` exists: compiler names are sent as typed.
    pub(crate) keep_compiler_name: bool,
    /// `_DISTCC_SAFEGUARD`: how many of us are above this process.
    pub(crate) depth: u32,
    /// `PWD`, which compilers prefer to the kernel's word for the current directory.
    pub(crate) logical_directory: Option<PathBuf>,
    /// `PATH`.
    pub(crate) path: OsString,
    /// Whether a compiler that writes to a terminal would colour its messages (`TERM`, `GCC_COLORS`, `NO_COLOR`).
    pub(crate) colours: bool,
}

/// The directory of locks and job records, and whether we may make it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StateDir {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// The default directory is made on demand; one that the user named is expected to exist.
    pub(crate) create: bool,
}

/// A variable whose value cannot be used; reads after "distcc: ".
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BadSetting(String);

impl std::fmt::Display for BadSetting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Settings {
    /// Reads the environment.
    ///
    /// # Errors
    /// A `DISTCC_IO_TIMEOUT` that is not a positive number of seconds (exit code 101, as in distcc 3.4), and likewise
    /// a `DISTCC_MAX_BODY`.
    pub(crate) fn read() -> Result<Settings, BadSetting> {
        Settings::from_variables(|name| std::env::var_os(name))
    }

    fn from_variables(var: impl Fn(&str) -> Option<OsString>) -> Result<Settings, BadSetting> {
        let filled = |name| var(name).filter(|value| !value.is_empty());
        Ok(Settings {
            hosts: var("DISTCC_HOSTS"),
            state_dir: match (filled("DISTCC_DIR"), filled("HOME")) {
                (Some(named), _) => Some(StateDir { path: named.into(), create: false }),
                (None, Some(home)) => {
                    Some(StateDir { path: PathBuf::from(home).join(".distcc"), create: true })
                }
                (None, None) => None,
            },
            log_file: filled("DISTCC_LOG").map(PathBuf::from),
            uncached_stderr: filled("UNCACHED_ERR_FD")
                .and_then(|fd| fd.to_str()?.parse().ok())
                .filter(|fd| *fd > 0),
            verbose: switch(var("DISTCC_VERBOSE"), false),
            fallback: switch(var("DISTCC_FALLBACK"), true),
            skip_local_retry: var("DISTCC_SKIP_LOCAL_RETRY").is_some(),
            exact_diagnostics: switch(var("DISTCC_EXACT_DIAGNOSTICS"), false),
            backoff_period: Duration::from_secs(number(var("DISTCC_BACKOFF_PERIOD")).unwrap_or(60)),
            io_timeout: io_timeout(var("DISTCC_IO_TIMEOUT"))?,
            limits: limits(var("DISTCC_MAX_BODY"))?,
            keep_compiler_name: var("DISTCC_NO_REWRITE_CROSS").is_some(),
            depth: depth(var("_DISTCC_SAFEGUARD")),
            logical_directory: filled("PWD").map(PathBuf::from),
            path: var("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into()),
            colours: var("TERM").is_some_and(|term| term != "dumb")
                && var("GCC_COLORS").is_none_or(|colors| !colors.is_empty())
                && filled("NO_COLOR").is_none(),
        })
    }
}

/// distcc's boolean variables know "0" and "1"; anything else means the default.
fn switch(value: Option<OsString>, default: bool) -> bool {
    match value.as_deref().and_then(OsStr::to_str) {
        Some("0") => false,
        Some("1") => true,
        _ => default,
    }
}

fn number(value: Option<OsString>) -> Option<u64> {
    value?.to_str()?.trim().parse().ok()
}

fn io_timeout(value: Option<OsString>) -> Result<Duration, BadSetting> {
    let Some(value) = value else { return Ok(Duration::from_secs(300)) };
    match number(Some(value.clone())) {
        Some(seconds @ 1..=0x7fff_ffff) => Ok(Duration::from_secs(seconds)),
        _ => Err(BadSetting(format!(
            "Bad DISTCC_IO_TIMEOUT value: {}: give a positive number of seconds",
            value.to_string_lossy()
        ))),
    }
}

fn limits(value: Option<OsString>) -> Result<Limits, BadSetting> {
    let Some(value) = value else { return Ok(Limits::default()) };
    match number(Some(value.clone())).map(u32::try_from) {
        Some(Ok(mib @ 1..)) => Ok(Limits::with_bodies_of(mib)),
        _ => Err(BadSetting(format!(
            "Bad DISTCC_MAX_BODY value: {}: give a positive number of MiB",
            value.to_string_lossy()
        ))),
    }
}

/// Whoever set the variable is one of us, so a value that makes no sense still counts as one level.
fn depth(value: Option<OsString>) -> u32 {
    value.map_or(0, |value| number(Some(value)).map_or(1, |n| n.clamp(1, 9) as u32))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: &'static str, value: &str) -> Result<Settings, BadSetting> {
        Settings::from_variables(|asked| (asked == name).then(|| OsString::from(value)))
    }

    #[test]
    fn nothing_set_means_the_defaults_of_distcc() {
        let settings = Settings::from_variables(|_| None).unwrap();
        assert_eq!(settings.state_dir, None);
        assert_eq!(settings.io_timeout, Duration::from_secs(300));
        assert_eq!(settings.backoff_period, Duration::from_secs(60));
        assert!(settings.fallback && !settings.verbose && settings.depth == 0);
    }

    #[test]
    fn switches_know_only_zero_and_one() {
        for (value, expected) in [("0", false), ("1", true), ("", true), ("no", true), ("01", true)] {
            assert_eq!(with("DISTCC_FALLBACK", value).unwrap().fallback, expected, "{value:?}");
        }
    }

    #[test]
    fn depth_counts_odd_values_as_one() {
        for (value, expected) in [("0", 1), ("1", 1), ("3", 3), ("x", 1), ("", 1)] {
            assert_eq!(with("_DISTCC_SAFEGUARD", value).unwrap().depth, expected, "{value:?}");
        }
    }

    #[test]
    fn bad_timeouts_and_sizes_are_refused() {
        for value in ["0", "-1", "x", "", "99999999999"] {
            assert!(with("DISTCC_IO_TIMEOUT", value).is_err(), "{value:?}");
        }
        for value in ["0", "-1", "x", "", "4294967296"] {
            assert!(with("DISTCC_MAX_BODY", value).is_err(), "{value:?}");
        }
        assert_eq!(with("DISTCC_MAX_BODY", "7").unwrap().limits, Limits::with_bodies_of(7));
        assert_eq!(with("DISTCC_IO_TIMEOUT", "7").unwrap().io_timeout, Duration::from_secs(7));
    }

    #[test]
    fn the_named_directory_is_not_ours_to_make() {
        let named = with("DISTCC_DIR", "/d").unwrap().state_dir;
        assert_eq!(named, Some(StateDir { path: "/d".into(), create: false }));
        let default = with("HOME", "/h").unwrap().state_dir;
        assert_eq!(default, Some(StateDir { path: "/h/.distcc".into(), create: true }));
    }
}
