//! Where the list of hosts in force is written: the last file of makepkg's that sets DISTCC_HOSTS, else the files that
//! distcc itself reads. Knows nothing of what is done with the list.

use crate::settings::Settings;
use crate::setup::last_word::{Bash, Text, Values};
use crate::setup::layers::{Reader, earlier, later};
use changes::Site;
use makepkg_conf::Conf;
use std::fs;
use std::path::{Path, PathBuf};

/// A list of hosts and where it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HostSource {
    pub(crate) place: Place,
    /// The list as distcc gets it.
    pub(crate) text: String,
    /// MAKEFLAGS, if makepkg sets them.
    pub(crate) make_flags: Option<String>,
}

/// Paths are as this machine sees them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// DISTCC_HOSTS in one of makepkg's files, on this line.
    Makepkg { path: PathBuf, line: usize },
    /// The environment.
    Environment,
    /// A file that has nothing but hosts.
    List { path: PathBuf },
}

impl std::fmt::Display for Place {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Place::Makepkg { path, line } => write!(out, "{}:{line}", path.display()),
            Place::Environment => write!(out, "the variable DISTCC_HOSTS of the environment"),
            Place::List { path } => write!(out, "{}", path.display()),
        }
    }
}

/// Finds the list that a build gets; none if there is no list at all.
///
/// # Errors
/// When bash cannot read a file, or a file that another one sources sets the variable.
pub(crate) fn find(
    reader: &Reader,
    site: &Site,
    settings: &Settings,
    bash: &Bash,
) -> Result<Option<HostSource>, String> {
    let mut files = earlier(reader, site, settings);
    files.extend(Some(site.outside(reader.conf)).filter(|conf| conf.exists()));
    files.extend(later(reader, site, settings));
    let texts: Vec<_> = files.iter().map(|path| Text::File(path)).collect();
    let Values { hosts, make_flags, .. } = bash.values(&texts)?;
    let source = |place, text| Some(HostSource { place, text, make_flags: make_flags.clone() });
    if let Some(text) = hosts {
        let place = files.iter().rev().find_map(|path| assigned(path)).ok_or_else(|| {
            format!("DISTCC_HOSTS is set by a file that {} sources: look there", reader.conf.display())
        })?;
        return Ok(source(place, text));
    }
    let environment = settings.handed_on.iter().find(|(name, _)| name == "DISTCC_HOSTS");
    if let Some((_, text)) = environment.filter(|_| site.root == Path::new("/")) {
        return Ok(source(Place::Environment, text.to_string_lossy().into_owned()));
    }
    let own = distcc_directory(reader, settings).filter(|directory| directory.starts_with(&site.root));
    let own = own.map(|directory| directory.join("hosts"));
    let machine = site.outside(Path::new("/etc/distcc/hosts"));
    let list = |path: PathBuf| Some((fs::read_to_string(&path).ok()?, path));
    let found = own.into_iter().chain([machine]).find_map(list);
    Ok(found.and_then(|(text, path)| source(Place::List { path }, text)))
}

fn assigned(path: &Path) -> Option<Place> {
    let conf = Conf::parse(&fs::read(path).ok()?);
    let assignment = conf.assignments().iter().rev().find(|assignment| assignment.name == "DISTCC_HOSTS")?;
    Some(Place::Makepkg { path: path.to_owned(), line: assignment.line })
}

/// `DISTCC_DIR`, else `~/.distcc`, of whoever builds.
fn distcc_directory(reader: &Reader, settings: &Settings) -> Option<PathBuf> {
    let home = reader.user.map(|user| &user.home).or(settings.home.as_ref())?;
    let named = settings.handed_on.iter().find(|(name, _)| name == "DISTCC_DIR");
    let is_us = settings.home.as_ref() == Some(home);
    Some(named.filter(|_| is_us).map_or_else(|| home.join(".distcc"), |(_, value)| value.into()))
}
