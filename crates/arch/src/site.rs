//! Which system is changed and where its journal lies: a root directory's own, or an ordinary user's. Knows no change.

use crate::settings::Settings;
use changes::Site;
use nix::unistd::geteuid;
use std::path::{Path, PathBuf, absolute};

/// The journal of a whole system, as seen from inside its root.
const JOURNAL: &str = "/var/lib/distcc-arch";
/// The journal of a user who is not root and changes this machine's files that are theirs.
const JOURNAL_OF_USER: &str = "distcc-arch";

/// The site that `--root` names, or this machine.
///
/// # Errors
/// When there is no such directory, or a user without a home has nowhere to keep a journal.
pub(crate) fn site(root: Option<&Path>, settings: &Settings) -> Result<Site, String> {
    if let Some(root) = root {
        let root = root.canonicalize().map_err(|error| {
            format!("--root {}: {error}: name a directory with a system in it", root.display())
        })?;
        if !root.is_dir() {
            return Err(format!("--root {}: not a directory", root.display()));
        }
        return Site::inside(&root, Path::new(JOURNAL)).map_err(|failure| failure.to_string());
    }
    let root = PathBuf::from("/");
    if geteuid().is_root() {
        return Site::inside(&root, Path::new(JOURNAL)).map_err(|failure| failure.to_string());
    }
    let state = settings.state_home.as_ref().ok_or("neither XDG_STATE_HOME nor HOME is set: set HOME")?;
    Ok(Site { journal: state.join(JOURNAL_OF_USER), root })
}

/// A path that was typed, as seen from inside the root: it may be typed with the root in front of it or without.
///
/// # Errors
/// When there is no current directory to begin at.
pub(crate) fn inside(site: &Site, typed: &Path) -> Result<PathBuf, String> {
    let path = absolute(typed).map_err(|error| format!("{}: {error}", typed.display()))?;
    Ok(match path.strip_prefix(&site.root) {
        Ok(rest) => Path::new("/").join(rest),
        Err(_) => path,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_with_the_root_and_without() {
        let site = Site { root: "/srv/box".into(), journal: "/srv/box/var".into() };
        for (typed, expected) in [
            ("/etc/makepkg.conf", "/etc/makepkg.conf"),
            ("/srv/box/etc/makepkg.conf", "/etc/makepkg.conf"),
            ("/srv/boxes/m.conf", "/srv/boxes/m.conf"),
        ] {
            assert_eq!(inside(&site, Path::new(typed)).unwrap(), Path::new(expected), "{typed}");
        }
        assert_eq!(site.outside(Path::new("/etc/x")), Path::new("/srv/box/etc/x"));
        let machine = Site { root: "/".into(), journal: "/var".into() };
        assert_eq!(machine.outside(Path::new("/etc/x")), Path::new("/etc/x"));
    }
}
