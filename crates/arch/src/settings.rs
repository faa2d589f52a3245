//! What this machine and the environment say, read once. Knows no command line.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io::{IsTerminal, stderr, stdin, stdout};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::thread;

/// Everything that is asked of the environment.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Where this program lies, and with it the other programs of the same build.
    pub(crate) own_directory: Option<PathBuf>,
    /// `PATH`, without relative directories.
    pub(crate) path: Vec<PathBuf>,
    /// Variables that would change what a client, daemon or compiler of ours does, and which they must not see.
    pub(crate) withheld: Vec<OsString>,
    /// `SUDO_USER`: who called sudo.
    pub(crate) sudo_user: Option<String>,
    /// `HOME`.
    pub(crate) home: Option<PathBuf>,
    /// `MAKEPKG_CONF`, which takes the place of makepkg's `--config`.
    pub(crate) makepkg_conf: Option<PathBuf>,
    /// `MAKEPKG_LIBRARY`, else where makepkg's own functions are installed.
    pub(crate) makepkg_library: Option<PathBuf>,
    /// What of the environment a build of ours would see and this program has to do with.
    pub(crate) handed_on: Vec<(OsString, OsString)>,
    /// Processors that we may use.
    pub(crate) processors: usize,
    /// stdout is a terminal and `NO_COLOR` does not forbid.
    pub(crate) stdout_colours: bool,
    /// The same for stderr.
    pub(crate) stderr_colours: bool,
    /// A bar can be drawn on stderr.
    pub(crate) stderr_terminal: bool,
    /// Somebody may type on stdin.
    pub(crate) stdin_terminal: bool,
    /// `TMPDIR`, else /tmp.
    pub(crate) temporary: PathBuf,
    /// `XDG_STATE_HOME`, else `~/.local/state`: where a user's journal lies.
    pub(crate) state_home: Option<PathBuf>,
}

/// Besides distcc's own: files that compilers write, ccache's stderr, and a service manager that waits for a daemon.
const WITHHELD: &[&str] = &["DEPENDENCIES_OUTPUT", "SUNPRO_DEPENDENCIES", "UNCACHED_ERR_FD", "NOTIFY_SOCKET"];

impl Settings {
    pub(crate) fn read() -> Settings {
        let colours = env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
            && env::var_os("TERM").is_some_and(|term| term != "dumb");
        Settings {
            own_directory: env::current_exe().ok().and_then(|program| Some(program.parent()?.to_owned())),
            path: directories(&env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into())),
            withheld: env::vars_os().map(|(name, _)| name).filter(|name| is_withheld(name)).collect(),
            sudo_user: env::var("SUDO_USER").ok().filter(|name| !name.is_empty()),
            home: path_variable("HOME"),
            makepkg_conf: path_variable("MAKEPKG_CONF"),
            makepkg_library: path_variable("MAKEPKG_LIBRARY"),
            handed_on: env::vars_os().filter(|(name, _)| is_handed_on(name)).collect(),
            processors: thread::available_parallelism().map_or(1, usize::from),
            stdout_colours: colours && stdout().is_terminal(),
            stderr_colours: colours && stderr().is_terminal(),
            stderr_terminal: stderr().is_terminal(),
            stdin_terminal: stdin().is_terminal(),
            temporary: env::temp_dir(),
            state_home: absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state"))),
        }
    }
}

fn is_withheld(name: &OsStr) -> bool {
    let bytes = name.as_bytes();
    let of_distcc = bytes.starts_with(b"DISTCC") || bytes.starts_with(b"_DISTCC");
    of_distcc || WITHHELD.iter().any(|variable| name == *variable)
}

/// Names, or with `*` how they begin.
const HANDED_ON: &[&str] = &[
    "CC",
    "CCACHE_*",
    "CXX",
    "DISTCC_*",
    "HOME",
    "LANG",
    "LC_*",
    "LOGNAME",
    "PATH",
    "SSH_AUTH_SOCK",
    "TERM",
    "TMPDIR",
    "USER",
    "XDG_CONFIG_HOME",
    "XDG_RUNTIME_DIR",
];

fn is_handed_on(name: &OsStr) -> bool {
    HANDED_ON.iter().any(|pattern| match pattern.strip_suffix('*') {
        Some(beginning) => name.as_bytes().starts_with(beginning.as_bytes()),
        None => name == *pattern,
    })
}

/// A relative directory does not count, says the XDG base directory specification.
fn absolute(name: &str) -> Option<PathBuf> {
    path_variable(name).filter(|path| path.is_absolute())
}

fn path_variable(name: &str) -> Option<PathBuf> {
    env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

fn directories(path: &OsStr) -> Vec<PathBuf> {
    env::split_paths(path).filter(|directory| directory.is_absolute()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_compile_must_not_see() {
        for (name, withheld) in [
            ("DISTCC_HOSTS", true),
            ("DISTCCD_PATH", true),
            ("_DISTCC_SAFEGUARD", true),
            ("SUNPRO_DEPENDENCIES", true),
            ("CPATH", false),
            ("PATH", false),
        ] {
            assert_eq!(is_withheld(OsStr::new(name)), withheld, "{name}");
        }
    }

    #[test]
    fn what_a_build_sees() {
        for (name, handed_on) in [
            ("DISTCC_HOSTS", true),
            ("LC_ALL", true),
            ("PATH", true),
            ("PATHS", false),
            ("BASH_ENV", false),
            ("BASH_FUNC_source%%", false),
        ] {
            assert_eq!(is_handed_on(OsStr::new(name)), handed_on, "{name}");
        }
    }

    #[test]
    fn relative_directories_of_the_path_are_left_out() {
        assert_eq!(directories(OsStr::new("/a::b:/c")), ["/a", "/c"].map(PathBuf::from));
    }
}
