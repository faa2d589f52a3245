//! Starts the program that looks for hosts that announce themselves. Knows nothing of how it finds any.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What brings the watcher along, and its word for it.
const PROGRAM: &str = "distcc-arch";
const SUBCOMMAND: &str = "watch-zeroconf";

/// What fakeroot and the like put before every program; a watcher outlives them.
const NOT_HANDED_ON: &[&str] = &["LD_PRELOAD", "FAKEROOTKEY", "MAKEFLAGS", "MFLAGS"];

/// Starts a watcher that keeps the hosts in `distcc_dir` up to date and ends when nobody reads them. It lives apart from us:
/// what was started here ends at once.
///
/// # Errors
/// It is not installed, or cannot be run.
pub(crate) fn start(distcc_dir: &Path, path: &OsStr) -> io::Result<()> {
    let program = program(path)
        .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("{PROGRAM} is not installed")))?;
    let failed = |what: String| io::Error::other(format!("{}: {what}", program.display()));
    let mut command = Command::new(&program);
    command.arg(SUBCOMMAND).arg(std::path::absolute(distcc_dir)?).current_dir("/");
    for name in NOT_HANDED_ON {
        command.env_remove(name);
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let status = command.status().map_err(|error| failed(error.to_string()))?;
    if status.success() { Ok(()) } else { Err(failed(status.to_string())) }
}

/// The one that was built with us, else one that is installed.
fn program(path: &OsStr) -> Option<PathBuf> {
    let beside = std::env::current_exe().ok().and_then(|us| Some(us.parent()?.to_owned()));
    let directories = beside.into_iter().chain(std::env::split_paths(path));
    let mut candidates =
        directories.filter(|directory| directory.is_absolute()).map(|directory| directory.join(PROGRAM));
    candidates.find(|candidate| fs::metadata(candidate).is_ok_and(|found| found.is_file()))
}
