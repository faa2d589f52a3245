//! Whether makepkg is there, who runs it, and whether it can read its configuration. Knows nothing of what is in it.

use crate::build_user::BuildUser;
use crate::check::remedy::word;
use crate::check::{Finding, Situation};
use crate::makepkg::{self, Origin};
use crate::programs::{is_program, on_path};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// `makepkg`: it is there, and which.
pub(super) fn installed(situation: &Situation) -> Vec<Finding> {
    const NAME: &str = "makepkg";
    if !makepkg::is_installed(&situation.root, situation.settings) {
        let what = "makepkg is not installed, so there is no configuration to look at";
        return vec![Finding::failure(NAME, "", what, situation.install("base-devel"))];
    }
    if !is_runnable(situation) {
        let what = "there is no such program, though its library is there";
        return vec![Finding::failure(NAME, "makepkg", what, situation.install("pacman"))];
    }
    let version = makepkg::version(&situation.root).unwrap_or_else(|| "its version is unknown".into());
    vec![Finding::well(NAME, "makepkg", version)]
}

fn is_runnable(situation: &Situation) -> bool {
    let elsewhere = || !situation.elsewhere() && on_path("makepkg", situation.settings).is_some();
    is_program(&situation.at("/usr/bin/makepkg")) || elsewhere()
}

/// `build-user`: somebody is known who builds and may.
pub(super) fn build_user(situation: &Situation) -> Vec<Finding> {
    const NAME: &str = "build-user";
    let as_another = situation.as_root("distcc-arch check --user NAME");
    match &situation.user {
        Some(user) if user.uid == 0 => {
            vec![Finding::failure(NAME, &user.name, "makepkg refuses to run as root", as_another)]
        }
        Some(user) => vec![Finding::well(NAME, &user.name, "builds")],
        None => {
            let why = format!("nobody is known who builds, so no user's own files count here: {as_another}");
            vec![Finding::skipped(NAME, "", why)]
        }
    }
}

/// `makepkg-config`: makepkg comes to the end of its configuration.
pub(super) fn readable(situation: &Situation) -> Vec<Finding> {
    const NAME: &str = "makepkg-config";
    if !makepkg::is_installed(&situation.root, situation.settings) {
        return vec![Finding::skipped(NAME, "", "makepkg is not installed")];
    }
    let configured = match &situation.configured {
        Ok(configured) => configured,
        Err(why) => return vec![unreadable(situation, NAME, why)],
    };
    let own = situation.at("/usr/share/makepkg");
    let library = situation.settings.makepkg_library.as_deref().unwrap_or(&own);
    let files: Vec<&Path> = configured
        .files()
        .iter()
        .map(AsRef::as_ref)
        .filter(|file: &&Path| !file.starts_with(library))
        .collect();
    let mut findings: Vec<_> = files
        .iter()
        .filter(|file| !file.starts_with(&situation.root) && Some(**file) != situation.config.as_deref())
        .map(|file| {
            let why =
                "it is read from this machine instead of the other root, whose own file was not looked at";
            Finding::skipped(NAME, file.display().to_string(), why)
        })
        .collect();
    let names: Vec<_> = files.iter().map(|file| file.display().to_string()).collect();
    findings.push(Finding::well(NAME, names.join(", "), "read as makepkg reads it"));
    findings
}

/// `why` begins with the place, if there is one.
fn unreadable(situation: &Situation, name: &'static str, why: &str) -> Finding {
    let directory = situation.at("/etc/makepkg.conf.d");
    let is_empty = |directory: &Path| directory.read_dir().is_ok_and(|mut entries| entries.next().is_none());
    if is_empty(&directory) && makepkg::reads_drop_ins(&situation.root, situation.settings) {
        let shown = directory.display().to_string();
        let what = "an empty directory, which keeps every makepkg 7.0 from starting";
        return Finding::failure(name, &shown, what, situation.as_root(format!("rmdir {}", word(&shown))));
    }
    match place(why) {
        None if why.starts_with("bash cannot be run") => {
            Finding::failure(name, "bash", why, situation.install("bash"))
        }
        Some((origin, _)) if is_hidden(situation, &origin.file) => {
            let shown = origin.file.display().to_string();
            let remedy = situation.as_owner(&origin.file, format!("chmod a+r {}", word(&shown)));
            Finding::failure(name, shown, "makepkg may not read it, and ends", remedy)
        }
        Some((origin, what)) => Finding::failure(name, origin.to_string(), what, situation.edit(&origin)),
        None => Finding::failure(name, "makepkg", why, situation.as_root("${EDITOR:-vi} /etc/makepkg.conf")),
    }
}

/// Whether a file is there, and whoever builds may not read it.
fn is_hidden(situation: &Situation, file: &Path) -> bool {
    let nobody = BuildUser::nobody();
    let user = situation.user.as_ref().unwrap_or(&nobody);
    let bits = |found: &fs::Metadata| match (found.uid() == user.uid, found.gid() == user.gid) {
        (true, _) => 0o400,
        (false, true) => 0o040,
        (false, false) => 0o004,
    };
    fs::metadata(file).is_ok_and(|found| found.mode() & bits(&found) == 0)
}

/// `FILE:LINE: what` taken apart.
pub(super) fn place(why: &str) -> Option<(Origin, &str)> {
    let (place, what) = why.split_once(": ")?;
    let (file, line) = place.rsplit_once(':')?;
    Some((Origin { file: file.into(), line: line.parse().ok()? }, what))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        let (origin, what) = place("/etc/a:b.conf:12: syntax error: x").unwrap();
        assert_eq!((origin.to_string().as_str(), what), ("/etc/a:b.conf:12", "syntax error: x"));
        assert!(place("bash cannot be run: x").is_none() && place("/etc/x: y").is_none());
    }
}
