//! Whether another user may run a program, and if not, which part of its path is in the way. Runs nothing.

use nix::unistd::{Gid, Uid, User, getgrouplist};
use std::ffi::CString;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Symbolic links that are followed at most.
const LINKS: usize = 20;

/// Somebody and all groups that count for access.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) name: String,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    groups: Vec<u32>,
}

/// What is in the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Barrier {
    /// A directory or file on the way to the program.
    pub(crate) path: PathBuf,
    /// Its permission bits; none when it does not exist.
    pub(crate) mode: Option<u32>,
}

impl Account {
    /// The user of this name, if there is one.
    pub(crate) fn named(name: &str) -> Option<Account> {
        let user = User::from_name(name).ok().flatten()?;
        let groups = CString::new(name).ok().and_then(|name| getgrouplist(&name, user.gid).ok());
        let groups = groups.unwrap_or_default().into_iter().map(Gid::as_raw).chain([user.gid.as_raw()]);
        Some(Account {
            name: user.name,
            uid: Uid::as_raw(user.uid),
            gid: user.gid.as_raw(),
            groups: groups.collect(),
        })
    }

    /// The first part of the path that keeps this user from running `program`; links are followed.
    pub(crate) fn barrier(&self, program: &Path) -> Option<Barrier> {
        let mut program = program.to_owned();
        for _ in 0..LINKS {
            let parts: Vec<&Path> = program.ancestors().collect();
            if let Some(barrier) = parts.iter().rev().find_map(|part| self.refusal(part)) {
                return Some(barrier);
            }
            match fs::read_link(&program) {
                Ok(target) => program = program.parent().unwrap_or(Path::new("/")).join(target),
                Err(_) => return None,
            }
        }
        None
    }

    /// Execute permission: for a directory the right to pass through it.
    fn refusal(&self, part: &Path) -> Option<Barrier> {
        let found = match fs::metadata(part) {
            Ok(found) => found,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Some(Barrier { path: part.to_owned(), mode: None });
            }
            // We may not look there ourselves, so we cannot tell.
            Err(_) => return None,
        };
        let shift = if found.uid() == self.uid {
            6
        } else if self.groups.contains(&found.gid()) {
            3
        } else {
            0
        };
        let may_pass = self.uid == 0 || found.mode() >> shift & 1 == 1;
        (!may_pass).then(|| Barrier { path: part.to_owned(), mode: Some(found.mode() & 0o7777) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn the_part_that_is_in_the_way() {
        let house = tempfile::tempdir().unwrap();
        let at = |name: &str| house.path().join(name);
        let allow = |name: &str, mode| fs::set_permissions(at(name), Permissions::from_mode(mode)).unwrap();
        fs::set_permissions(house.path(), Permissions::from_mode(0o755)).unwrap();
        fs::create_dir_all(at("tools/bin")).unwrap();
        fs::write(at("tools/bin/gcc"), "").unwrap();
        symlink("tools/bin/gcc", at("gcc")).unwrap();
        let stranger = Account { name: "x".into(), uid: 4_000_000, gid: 4_000_000, groups: vec![4_000_000] };
        allow("tools/bin/gcc", 0o755);
        assert_eq!(stranger.barrier(&at("gcc")), None);
        allow("tools", 0o750);
        let barrier = |name: &str, mode| Some(Barrier { path: at(name), mode });
        assert_eq!(stranger.barrier(&at("gcc")), barrier("tools", Some(0o750)));
        assert_eq!(stranger.barrier(&at("tools/bin/gcc")), barrier("tools", Some(0o750)));
        allow("tools", 0o755);
        allow("tools/bin/gcc", 0o700);
        assert_eq!(stranger.barrier(&at("tools/bin/gcc")), barrier("tools/bin/gcc", Some(0o700)));
        assert_eq!(stranger.barrier(&at("tools/bin/cc")), barrier("tools/bin/cc", None));
    }
}
