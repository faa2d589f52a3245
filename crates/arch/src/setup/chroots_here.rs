//! The chroots that this machine knows: schroot's, those of devtools, and toolchains.toml's. Knows nothing of what is in
//! them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use toolchain::{CONFIG, Config, Place};

const SCHROOT: &str = "etc/schroot/schroot.conf";
const SCHROOT_DIRECTORY: &str = "etc/schroot/chroot.d";
/// Each build of devtools begins with a copy of the one that is called root.
const ARCHBUILD: &str = "var/lib/archbuild";

/// Their root directories as they are named below `top`, each once. They have not been looked at: one may lie on a file
/// system that does not answer.
pub(crate) fn named_roots(top: &Path) -> BTreeSet<PathBuf> {
    let schroot = [top.join(SCHROOT)].into_iter().chain(entries(&top.join(SCHROOT_DIRECTORY)));
    let schroot = schroot.flat_map(|file| directories(&fs::read_to_string(file).unwrap_or_default()));
    let archbuild = entries(&top.join(ARCHBUILD)).into_iter().map(|of_repository| of_repository.join("root"));
    let config = top.join(CONFIG.trim_start_matches('/'));
    let text = fs::read_to_string(&config).unwrap_or_default();
    let config = Config::parse(&text, &config).unwrap_or_default();
    let named = config.toolchains.into_iter().filter_map(|entry| match entry.place {
        Place::Root(root) => Some(root),
        Place::Directory(_) => None,
    });
    schroot.chain(archbuild).chain(named).collect()
}

/// The directory of this name without links; none where there is no root of another system.
pub(crate) fn root_directory(named: &Path) -> Option<PathBuf> {
    named.canonicalize().ok().filter(|root| root.is_dir() && root.parent().is_some())
}

/// As schroot.conf(5) names them.
fn directories(text: &str) -> Vec<PathBuf> {
    let values =
        text.lines().filter_map(|line| line.split_once('=')).map(|(key, value)| (key.trim(), value.trim()));
    values.filter(|(key, _)| *key == "directory").map(|(_, value)| value.into()).collect()
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_names_them() {
        let house = tempfile::tempdir().unwrap();
        let top = house.path().canonicalize().unwrap();
        let write = |name: &str, text: &str| {
            let path = top.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text.replace('@', top.to_str().unwrap())).unwrap();
        };
        for root in ["arch32", "other", "named", "var/lib/archbuild/extra-x86_64/root"] {
            fs::create_dir_all(top.join(root)).unwrap();
        }
        let roots = || -> Vec<PathBuf> {
            let found: BTreeSet<PathBuf> =
                named_roots(&top).iter().filter_map(|named| root_directory(named)).collect();
            found.into_iter().collect()
        };
        assert_eq!(roots(), [top.join("var/lib/archbuild/extra-x86_64/root")]);
        write("etc/schroot/schroot.conf", "[a]\ntype=directory\ndirectory=@/arch32\n#directory=@/no\n");
        write(
            "etc/schroot/chroot.d/x.conf",
            "[b]\ndirectory = @/other\n[c]\ndirectory=@/gone\n[d]\ndirectory=/\n",
        );
        write(
            "etc/distcc/toolchains.toml",
            "[toolchain.a]\nroot='@/named'\n[toolchain.b]\nroot='@/arch32/'\n",
        );
        let expected = ["arch32", "named", "other", "var/lib/archbuild/extra-x86_64/root"];
        assert_eq!(roots(), expected.map(|root| top.join(root)));
    }
}
