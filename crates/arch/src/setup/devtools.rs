//! Clean chroots of devtools (makechrootpkg, pkgctl build): what is one, and what of it stays from build to build. Knows
//! nothing of what is written there.

use changes::Site;
use std::path::Path;

/// mkarchroot leaves this file.
const MARK: &str = "/.arch-chroot";

/// Whether the root is a chroot of devtools. archbuild copies its own makepkg.conf over the one in it before each build,
/// and makechrootpkg sets MAKEFLAGS, NPROC and PACKAGER there, and starts with an environment that holds nothing of
/// distcc's; both leave drop-ins alone. A build shares this machine's network.
pub(crate) fn is_chroot(site: &Site) -> bool {
    site.outside(Path::new(MARK)).is_file()
}

/// What to know about this chroot of devtools.
pub(crate) fn warnings(site: &Site, reads_drop_ins: bool) -> Vec<String> {
    let root = site.root.display();
    let mut warnings = Vec::new();
    if !reads_drop_ins {
        warnings.push(format!(
            "the makepkg in {root} reads no drop-ins, and archbuild writes its makepkg.conf anew before each build: \
             update the chroot (arch-nspawn {root} pacman -Syu) and run this again"
        ));
    }
    if let Some(clean) = clean_one(&site.root) {
        warnings.push(format!(
            "{root} is a working copy, which makechrootpkg -c makes anew from {}: set that up instead",
            clean.display()
        ));
    }
    warnings
}

/// The clean chroot beside a working copy.
fn clean_one(root: &Path) -> Option<std::path::PathBuf> {
    let clean = root.parent()?.join("root");
    (clean != root && clean.join(MARK.trim_start_matches('/')).is_file()).then_some(clean)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn chroots_and_their_copies() {
        let place = tempfile::tempdir().unwrap();
        let site = |name: &str| Site { root: place.path().join(name), journal: "/j".into() };
        for (name, marked) in [("root", true), ("me", true), ("other", false)] {
            fs::create_dir(place.path().join(name)).unwrap();
            if marked {
                fs::write(place.path().join(name).join(".arch-chroot"), "v5\n").unwrap();
            }
        }
        for (name, drop_ins, expected) in
            [("root", true, 0), ("root", false, 1), ("me", true, 1), ("me", false, 2)]
        {
            assert!(is_chroot(&site(name)));
            assert_eq!(warnings(&site(name), drop_ins).len(), expected, "{name}");
        }
        assert!(!is_chroot(&site("other")));
    }
}
