//! Where the client and the daemon are: beside this program, as built and installed together, else on `PATH`. Runs
//! nothing.

use crate::settings::Settings;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The programs that a demo shows.
#[derive(Debug)]
pub(crate) struct Programs {
    pub(crate) distcc: PathBuf,
    pub(crate) distccd: PathBuf,
}

impl Programs {
    /// # Errors
    /// One line that names what is missing, and where it was looked for.
    pub(crate) fn find(settings: &Settings) -> Result<Programs, String> {
        Ok(Programs { distcc: find("distcc", settings)?, distccd: find("distccd", settings)? })
    }
}

/// The program of ours of this name.
///
/// # Errors
/// One line that tells where it was looked for.
pub(crate) fn find(name: &str, settings: &Settings) -> Result<PathBuf, String> {
    let directories = settings.own_directory.iter().chain(&settings.path);
    directories.map(|directory| directory.join(name)).find(|candidate| is_program(candidate)).ok_or_else(|| {
        let own = settings.own_directory.as_deref().map_or("?".into(), |own| own.display().to_string());
        format!("{name} is neither in {own} nor on PATH: build or install all programs of distcc-arch together")
    })
}

/// The program of this name on `PATH`, if there is one.
pub(crate) fn on_path(name: &str, settings: &Settings) -> Option<PathBuf> {
    settings.path.iter().map(|directory| directory.join(name)).find(|candidate| is_program(candidate))
}

/// Whether `path` can be run.
pub(crate) fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}
