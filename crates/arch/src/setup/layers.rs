//! makepkg's configuration files in the order in which it reads them: its own, drop-ins, the building user's. Knows
//! nothing of what they say.

use crate::build_user::BuildUser;
use crate::makepkg::reads_drop_ins;
use crate::settings::Settings;
use changes::Site;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// Whose configuration it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    /// What makepkg begins with, as seen from inside the root.
    pub(crate) conf: &'a Path,
    /// Whether `conf` is named on makepkg's command line, too, so that no user's file counts.
    pub(crate) named: bool,
    /// Who builds.
    pub(crate) user: Option<&'a BuildUser>,
}

/// The files that come after `conf` and are there, as this machine sees them.
pub(crate) fn later(reader: &Reader, site: &Site, settings: &Settings) -> Vec<PathBuf> {
    let mut files = Vec::new();
    if reads_drop_ins(&site.root, settings) {
        files.extend(drop_ins(&site.outside(&directory(reader.conf))));
    }
    // Who looks at another root from outside has no home in it.
    if let Some(user) = reader.user.filter(|user| !reader.named && user.home.starts_with(&site.root)) {
        files.extend(own_file(user, settings));
    }
    files
}

/// The files that come before `conf` where it is a user's own: the machine's and its drop-ins.
pub(crate) fn earlier(reader: &Reader, site: &Site, settings: &Settings) -> Vec<PathBuf> {
    let is_own = reader.conf.ends_with(".makepkg.conf") || reader.conf.ends_with("pacman/makepkg.conf");
    let machine = site.outside(Path::new("/etc/makepkg.conf"));
    if !is_own || !machine.exists() {
        return Vec::new();
    }
    let drop_ins =
        if reads_drop_ins(&site.root, settings) { drop_ins(&directory(&machine)) } else { Vec::new() };
    std::iter::once(machine).chain(drop_ins).collect()
}

/// Where drop-ins lie, as seen from inside the root.
pub(crate) fn directory(conf: &Path) -> PathBuf {
    let mut name = conf.as_os_str().to_owned();
    name.push(".d");
    name.into()
}

fn drop_ins(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let mut files: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    let counts = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        name.ends_with(".conf") && !name.starts_with('.')
    };
    files.retain(counts);
    files.sort();
    files
}

/// The first that can be read.
fn own_file(user: &BuildUser, settings: &Settings) -> Option<PathBuf> {
    let is_us = settings.home.as_ref() == Some(&user.home);
    let xdg = settings
        .handed_on
        .iter()
        .find(|(name, value)| is_us && name == "XDG_CONFIG_HOME" && !value.is_empty());
    let config = xdg.map_or_else(|| user.home.join(".config"), |(_, value)| value.into());
    let candidates = [config.join("pacman/makepkg.conf"), user.home.join(".makepkg.conf")];
    candidates.into_iter().find(|path| File::open(path).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drop_ins_in_order() {
        let directory = tempfile::tempdir().unwrap();
        for name in ["9-z.conf", "10-a.conf", "a.conf.bak", ".hidden.conf", "README"] {
            fs::write(directory.path().join(name), "").unwrap();
        }
        let found = drop_ins(directory.path());
        assert_eq!(found, ["10-a.conf", "9-z.conf"].map(|name| directory.path().join(name)));
        assert!(drop_ins(Path::new("/nowhere/at/all")).is_empty());
    }
}
