//! All that checks look at, found out once. Judges nothing.

use crate::build_user::BuildUser;
use crate::cli;
use crate::makepkg::{self, Effective, Moment, Question};
use crate::processes::Processes;
use crate::scratch;
use crate::settings::Settings;
use crate::zeroconf;
use hosts::{HostList, ListError};
use nix::unistd::geteuid;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The machine, the user and the package that a build would have to do with.
#[derive(Debug)]
pub(crate) struct Situation<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) processes: &'a Arc<Processes>,
    /// `/`, or what `--root` named, as an absolute path.
    pub(crate) root: PathBuf,
    /// What `--config` or `MAKEPKG_CONF` named.
    pub(crate) config: Option<PathBuf>,
    /// Who builds; none when nobody can tell.
    pub(crate) user: Option<BuildUser>,
    /// The PKGBUILD in the current directory.
    pub(crate) pkgbuild: Option<PathBuf>,
    /// When makepkg has read its configuration. Else one line of why it cannot.
    pub(crate) configured: Result<Effective, String>,
    /// What `build()` would see: `PATH` with makepkg's additions, flags, `DISTCC_HOSTS`.
    pub(crate) building: Result<Effective, String>,
    /// One line of why the PKGBUILD cannot be read, so that `building` holds nothing of it.
    pub(crate) package_trouble: Option<String>,
    /// Where that user's client keeps its state; none when nobody can tell.
    pub(crate) state_directory: Option<PathBuf>,
    /// The hosts that this user's client would choose from.
    pub(crate) hosts: Result<HostList, ListError>,
    /// `--host`: the only host to be asked, as in the list or by its name.
    pub(crate) only_host: Option<String>,
}

/// The variables of makepkg, the compilers' and distcc's that any check asks for.
const VARIABLES: &[&str] = &[
    "BUILDENV",
    "OPTIONS",
    "options",
    "MAKEFLAGS",
    "CARCH",
    "CHOST",
    "CC",
    "CXX",
    "CPPFLAGS",
    "CFLAGS",
    "CXXFLAGS",
    "LTOFLAGS",
    "DEBUG_CFLAGS",
    "DEBUG_CXXFLAGS",
    "FFLAGS",
    "FCFLAGS",
    "PATH",
    "DISTCC_HOSTS",
    "DISTCC_DIR",
    "DISTCC_FALLBACK",
    "DISTCC_SKIP_LOCAL_RETRY",
    "DISTCC_SSH",
    "DISTCC_LOG",
    "DISTCC_VERBOSE",
    "DISTCC_IO_TIMEOUT",
    "DISTCC_MAX_BODY",
    "DISTCC_BACKOFF_PERIOD",
    "DISTCC_NO_REWRITE_CROSS",
    "CCACHE_PREFIX",
    "CCACHE_DISABLE",
    "pkgname",
];

impl<'a> Situation<'a> {
    /// Finds out all that takes no network.
    ///
    /// # Errors
    /// One line: what was asked for makes no sense.
    pub(crate) fn find(
        asked: &cli::Check,
        settings: &'a Settings,
        processes: &'a Arc<Processes>,
    ) -> Result<Situation<'a>, String> {
        scratch::has_room(&settings.temporary)?;
        let root = std::path::absolute(&asked.root).ok().filter(|root| root.is_dir());
        let root = root.ok_or_else(|| format!("{}: no such directory", asked.root.display()))?;
        let here = std::env::current_dir().unwrap_or_else(|_| "/".into());
        let user = BuildUser::find(asked.user.as_deref(), &here, &root, settings)?;
        // Another user's environment is not known.
        let is_us = user.as_ref().is_some_and(|user| user.uid == geteuid().as_raw());
        let variable = settings.makepkg_conf.clone().filter(|_| is_us);
        let config = asked.config.clone().or(variable);
        let config = config.and_then(|config| outside(&root, &config));
        let pkgbuild = Some(here.join("PKGBUILD")).filter(|pkgbuild| pkgbuild.is_file());
        let asker =
            Asker { settings, processes, root: &root, config: config.as_deref(), user: user.as_ref() };
        let configured = asker.ask(Moment::Configured);
        let (building, package_trouble) = asker.building(&configured, pkgbuild.as_deref());
        let state_directory = state_directory(building.as_ref().ok(), user.as_ref());
        let hosts = host_list(building.as_ref().ok(), state_directory.as_deref(), &root);
        let hosts = if asked.offline { hosts } else { zeroconf::completed(hosts, settings, processes) };
        let only_host = asked.host.clone();
        Ok(Situation {
            settings,
            processes,
            root,
            config,
            user,
            pkgbuild,
            configured,
            building,
            package_trouble,
            state_directory,
            hosts,
            only_host,
        })
    }

    /// Whether another root than ours is looked at.
    pub(crate) fn elsewhere(&self) -> bool {
        self.root != Path::new("/")
    }

    /// An absolute path as it is called here: below the root that is looked at.
    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    /// The directories of `PATH` inside `build()`.
    pub(crate) fn build_path(&self) -> Vec<PathBuf> {
        let path = self.building.as_ref().ok().and_then(|building| building.scalar("PATH"));
        let path = path.unwrap_or("/usr/local/bin:/usr/bin:/bin");
        std::env::split_paths(OsStr::new(path)).filter(|directory| directory.is_absolute()).collect()
    }
}

/// What all questions to makepkg have in common.
struct Asker<'a> {
    settings: &'a Settings,
    processes: &'a Arc<Processes>,
    root: &'a Path,
    config: Option<&'a Path>,
    user: Option<&'a BuildUser>,
}

impl Asker<'_> {
    fn ask(&self, moment: Moment) -> Result<Effective, String> {
        let Asker { settings, root, config, user, .. } = *self;
        makepkg::effective(&Question { settings, root, config, user, moment }, VARIABLES, self.processes)
    }

    /// What a build sees, and why nothing of the PKGBUILD is in it if that is so.
    fn building(
        &self,
        configured: &Result<Effective, String>,
        pkgbuild: Option<&Path>,
    ) -> (Result<Effective, String>, Option<String>) {
        if let Err(why) = configured {
            return (Err(why.clone()), None);
        }
        match self.ask(Moment::Building(pkgbuild)) {
            Err(why) if pkgbuild.is_some() => (self.ask(Moment::Building(None)), Some(why)),
            answer => (answer, None),
        }
    }
}

/// A path may be typed with the root in front of it or without.
fn outside(root: &Path, typed: &Path) -> Option<PathBuf> {
    let path = std::path::absolute(typed).ok()?;
    if path.starts_with(root) { Some(path) } else { Some(root.join(path.strip_prefix("/").ok()?)) }
}

/// The client's rule: `DISTCC_DIR`, else `~/.distcc`.
fn state_directory(building: Option<&Effective>, user: Option<&BuildUser>) -> Option<PathBuf> {
    let named = building
        .filter(|building| building.exported("DISTCC_DIR"))
        .and_then(|building| building.scalar("DISTCC_DIR"))
        .filter(|named| !named.is_empty());
    named.map(PathBuf::from).or_else(|| Some(user?.home.join(".distcc")))
}

/// makepkg exports `DISTCC_HOSTS` when distcc is on; a variable without value is none to the client, then.
fn host_list(
    building: Option<&Effective>,
    state_directory: Option<&Path>,
    root: &Path,
) -> Result<HostList, ListError> {
    let variable = building.and_then(|building| building.scalar("DISTCC_HOSTS"));
    hosts::load(variable.map(OsStr::new), state_directory, &root.join("etc"))
}
