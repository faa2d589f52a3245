//! Where clients in the chroots of devtools (makechrootpkg, pkgctl build) keep what monitors read: each build's user has
//! the home /build in a working copy of a chroot. Knows nothing of jobs.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::unistd::geteuid;

/// Below it: CHROOT/COPY/build/.distcc.
pub(crate) const CHROOTS: &str = "/var/lib/archbuild";

/// Those of builds that are ours, as makechrootpkg builds as whoever called it; root sees all. Sorted; none without
/// devtools.
pub(crate) fn directories(chroots: &Path) -> Vec<PathBuf> {
    let us = geteuid();
    let is_ours =
        |path: &PathBuf| fs::metadata(path).is_ok_and(|found| us.is_root() || found.uid() == us.as_raw());
    let mut found: Vec<PathBuf> = below(chroots)
        .flat_map(|chroot| below(&chroot).collect::<Vec<_>>())
        .map(|copy| copy.join("build/.distcc"))
        .filter(is_ours)
        .collect();
    found.sort();
    found
}

/// What a directory holds; nothing where it cannot be read.
fn below(directory: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_copies_in_which_distcc_ran() {
        let place = tempfile::tempdir().unwrap();
        for name in
            ["extra-x86_64/root/build", "extra-x86_64/me/build/.distcc", "multilib/copy/build/.distcc"]
        {
            fs::create_dir_all(place.path().join(name)).unwrap();
        }
        fs::write(place.path().join("extra-x86_64/root.lock"), "").unwrap();
        let expected = ["extra-x86_64/me/build/.distcc", "multilib/copy/build/.distcc"];
        assert_eq!(directories(place.path()), expected.map(|name| place.path().join(name)));
        assert!(directories(&place.path().join("nowhere")).is_empty());
    }
}
