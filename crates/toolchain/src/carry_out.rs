//! Carries out a plan for masquerade links. Each link is there or not, never half. Knows nothing of why a link is wanted.

use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::renameat;
use nix::sys::stat::{Mode, fchmod, mkdirat};
use nix::unistd::{UnlinkatFlags, symlinkat, unlinkat};

use crate::listing::leads_to_distcc;
use crate::masquerade::{Failure, Link, Plan};
use crate::root::{Root, link_target};

impl Plan {
    /// Does it. What has changed since the plan was made is left as it is.
    ///
    /// # Errors
    /// At the first thing that cannot be done.
    pub fn apply(&self, root: &Root) -> Result<(), Failure> {
        for path in &self.directories {
            done(root, path, make_directory(root, path))?;
        }
        for link in &self.add {
            done(root, &link.path, make(root, link))?;
        }
        for path in &self.remove {
            done(root, path, remove(root, path))?;
        }
        for path in &self.vacate {
            done(root, path, remove_empty(root, path))?;
        }
        Ok(())
    }
}

fn done(root: &Root, path: &Path, outcome: io::Result<()>) -> Result<(), Failure> {
    outcome.map_err(|error| Failure { path: root.outside(path), error })
}

/// The daemon's user must be able to read it, whatever our umask is.
fn make_directory(root: &Root, path: &Path) -> io::Result<()> {
    let (parent, name) = place(root, path)?;
    let mode = Mode::from_bits_truncate(0o755);
    match mkdirat(&parent, name, mode) {
        Ok(()) => {}
        Err(Errno::EEXIST) => return Ok(()),
        Err(error) => return Err(error.into()),
    }
    let made = root.directory(path)?.ok_or(io::ErrorKind::NotFound)?;
    Ok(fchmod(made, mode)?)
}

fn make(root: &Root, link: &Link) -> io::Result<()> {
    let (directory, name) = place(root, &link.path)?;
    if let Some(old) = &link.replaces {
        return replace(&directory, name, &link.target, old);
    }
    match symlinkat(&link.target, &directory, name) {
        Ok(()) | Err(Errno::EEXIST) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// By a rename, so that a build at the same moment finds either link.
fn replace(directory: &OwnedFd, name: &OsStr, target: &Path, old: &Path) -> io::Result<()> {
    if link_target(directory, name)?.as_deref() != Some(old) {
        return Ok(());
    }
    let mut new = std::ffi::OsString::from(format!(".distcc-arch-{}-", std::process::id()));
    new.push(name);
    symlinkat(target, directory, new.as_os_str())?;
    renameat(directory, new.as_os_str(), directory, name).map_err(|error| {
        // What has just been made is ours to remove.
        let _ = unlinkat(directory, new.as_os_str(), UnlinkatFlags::NoRemoveDir);
        error.into()
    })
}

fn remove(root: &Root, path: &Path) -> io::Result<()> {
    let (directory, name) = place(root, path)?;
    let parent = path.parent().unwrap_or(path);
    match link_target(&directory, name)? {
        Some(target) if leads_to_distcc(parent, &target) => {}
        _ => return Ok(()),
    }
    match unlinkat(&directory, name, UnlinkatFlags::NoRemoveDir) {
        Ok(()) | Err(Errno::ENOENT) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn remove_empty(root: &Root, path: &Path) -> io::Result<()> {
    let (parent, name) = place(root, path)?;
    match unlinkat(&parent, name, UnlinkatFlags::RemoveDir) {
        // A link to a directory elsewhere is an administrator's.
        Ok(()) | Err(Errno::ENOTEMPTY | Errno::EEXIST | Errno::ENOENT | Errno::ENOTDIR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn place<'a>(root: &Root, path: &'a Path) -> io::Result<(OwnedFd, &'a OsStr)> {
    let parent = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    Ok((root.directory(parent)?.ok_or(io::ErrorKind::NotFound)?, name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake_root::FakeRoot;
    use crate::{Compilers, find, refresh, removal};
    use std::fs;
    use std::path::PathBuf;

    fn compilers(fake: &FakeRoot) -> Compilers {
        find(&fake.root()).unwrap()
    }

    fn refreshed(fake: &FakeRoot) -> Plan {
        let root = fake.root();
        let plan = refresh(&root, &compilers(fake)).unwrap();
        plan.apply(&root).unwrap();
        assert!(refresh(&root, &compilers(fake)).unwrap().is_empty(), "a second time changes nothing");
        plan
    }

    /// The entries of a directory, links with what they hold.
    fn entries(fake: &FakeRoot, directory: &str) -> Vec<String> {
        let mut entries: Vec<String> = fs::read_dir(fake.path(directory))
            .unwrap()
            .map(|entry| {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                fs::read_link(&path).map_or(name.clone(), |target| format!("{name}>{}", target.display()))
            })
            .collect();
        entries.sort();
        entries
    }

    #[test]
    fn an_upgrade_of_gcc() {
        let fake =
            FakeRoot::with(&["usr/bin/distcc*", "usr/bin/gcc*", "usr/bin/gcc-13*", "usr/lib/gcc/t/13/x"]);
        refreshed(&fake);
        let both = |version: &str| {
            let names = [version, "gcc"];
            let whitelist = names.map(|name| format!("{name}>../../bin/distcc"));
            let on_path = names.map(|name| format!("{name}>../../../bin/distcc"));
            assert_eq!(entries(&fake, "usr/lib/distcc")[1..], whitelist);
            assert_eq!(entries(&fake, "usr/lib/distcc/bin"), on_path);
        };
        both("gcc-13");
        fs::rename(fake.path("usr/bin/gcc-13"), fake.path("usr/bin/gcc-14")).unwrap();
        fs::rename(fake.path("usr/lib/gcc/t/13"), fake.path("usr/lib/gcc/t/14")).unwrap();
        refreshed(&fake);
        both("gcc-14");
    }

    #[test]
    fn what_an_administrator_made_survives() {
        let fake = FakeRoot::with(&[
            "usr/bin/gcc*",
            "usr/bin/musl-gcc*",
            "etc/conf.d/distccd=PATH=/srv/cross/bin:/usr/bin\n",
            "srv/cross/bin/mips-gcc*",
            "usr/lib/distcc/nvcc>../../bin/distcc",
            "usr/lib/distcc/musl-gcc>../../bin/distcc",
            "usr/lib/distcc/mips-gcc>/usr/bin/distcc",
            "usr/lib/distcc/gone-gcc>../../bin/distcc",
            "usr/lib/distcc/other-gcc>../../bin/ccache",
            "usr/lib/distcc/bin/gcc=a script",
        ]);
        let plan = refreshed(&fake);
        assert_eq!(plan.in_the_way, [PathBuf::from("/usr/lib/distcc/bin/gcc")]);
        assert_eq!(plan.remove, [PathBuf::from("/usr/lib/distcc/gone-gcc")]);
        assert_eq!(entries(&fake, "usr/lib/distcc/bin"), ["gcc"]);
        let root = fake.root();
        removal(&root).unwrap().apply(&root).unwrap();
        assert_eq!(entries(&fake, "usr/lib/distcc"), ["bin", "other-gcc>../../bin/ccache"]);
    }

    #[test]
    fn a_link_that_leads_nowhere_is_mended() {
        let fake = FakeRoot::with(&["usr/bin/gcc*", "usr/lib/distcc/bin/gcc>/nowhere/distcc"]);
        refreshed(&fake);
        assert_eq!(entries(&fake, "usr/lib/distcc/bin"), ["gcc>../../../bin/distcc"]);
    }

    #[test]
    fn a_toolchain_off_the_path_is_permitted_and_not_feigned() {
        let fake = FakeRoot::with(&["usr/lib/x", "opt/x-tools8/a-b-c/bin/a-b-c-gcc*"]);
        refreshed(&fake);
        assert_eq!(entries(&fake, "usr/lib/distcc"), ["a-b-c-gcc>../../bin/distcc"]);
    }

    #[test]
    fn removal_leaves_nothing_of_ours() {
        let fake = FakeRoot::with(&["usr/bin/gcc*", "usr/lib/x", "usr/lib/gcc-readme"]);
        refreshed(&fake);
        let root = fake.root();
        removal(&root).unwrap().apply(&root).unwrap();
        assert_eq!(entries(&fake, "usr/lib"), ["gcc-readme", "x"]);
        assert!(removal(&root).unwrap().is_empty());
    }

    #[test]
    fn links_cannot_lead_out_of_the_root() {
        let outside = FakeRoot::with(&["bin/gcc*", "lib/file"]);
        let fake = FakeRoot::with(&["usr/lib/file"]);
        for name in ["bin", "lib/distcc"] {
            fake.add(&format!("usr/{name}>{}", outside.path("bin").display()));
        }
        assert_eq!(compilers(&fake), find(&FakeRoot::with(&[]).root()).unwrap());
        let root = fake.root();
        let link = Link { path: "/usr/lib/distcc/gcc".into(), target: "x".into(), replaces: None };
        let failure = Plan { add: vec![link], ..Plan::default() }.apply(&root).unwrap_err();
        assert_eq!(failure.error.kind(), io::ErrorKind::NotFound);
        assert_eq!(entries(&outside, "bin"), ["gcc"]);
    }

    #[test]
    fn what_changed_since_the_plan_stays() {
        let fake = FakeRoot::with(&["usr/bin/gcc*", "usr/lib/distcc/old-gcc>../../bin/distcc"]);
        let root = fake.root();
        let plan = refresh(&root, &compilers(&fake)).unwrap();
        fs::remove_file(fake.path("usr/lib/distcc/old-gcc")).unwrap();
        fake.add("usr/lib/distcc/old-gcc=a script");
        fake.add("usr/lib/distcc/gcc=a script");
        plan.apply(&root).unwrap();
        assert_eq!(entries(&fake, "usr/lib/distcc"), ["bin", "gcc", "old-gcc"]);
    }
}
