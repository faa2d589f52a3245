//! What every view shows of the system in a root: its programs, libraries and headers, some devices of this machine,
//! nothing that tells who uses it. Knows nothing of the client's files.

use std::io;
use std::path::{Path, PathBuf};

use protocol::{Content, FileEntry, pack_file};

use super::root::Root;
use crate::fence::{Fence, May};

/// Directories of the system, or links to such; each machine has some of them.
const TOPS: &[&str] = &["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/opt"];

/// What the dynamic linker, the links of alternative programs and __TIME__ need of /etc.
const OF_ETC: &[&str] = &["/etc/alternatives", "/etc/ld.so.cache", "/etc/localtime"];

const DEVICES: &[&str] = &["/dev/full", "/dev/null", "/dev/random", "/dev/urandom", "/dev/zero"];

/// One of the system's directories at the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Top {
    Directory(PathBuf),
    /// With its absolute target.
    Link(PathBuf, PathBuf),
}

impl Top {
    fn path(&self) -> &Path {
        match self {
            Top::Directory(path) | Top::Link(path, _) => path,
        }
    }
}

/// The system in a root as views show it.
#[derive(Debug, Clone)]
pub(crate) struct System {
    pub(super) root: Root,
    pub(super) tops: Vec<Top>,
    pub(super) of_etc: Vec<PathBuf>,
    pub(super) devices: Vec<PathBuf>,
}

impl System {
    /// Looks at what that root has.
    pub(crate) fn look(root: Root) -> System {
        let tops = TOPS.iter().filter_map(|path| top(&root, Path::new(path))).collect();
        let there = |path: &PathBuf| root.outside(path).is_ok_and(|path| path.exists());
        let of_etc = OF_ETC.iter().map(PathBuf::from).filter(there).collect();
        let devices = DEVICES.iter().map(PathBuf::from).filter(|path| path.exists()).collect();
        System { root, tops, of_etc, devices }
    }

    /// The root that it is in.
    pub(crate) fn root(&self) -> &Root {
        &self.root
    }

    /// The PATH of its programs, where it is not that of the daemon.
    pub(super) fn search_path(&self) -> Option<&'static str> {
        (!self.root.is_here()).then_some(toolchain::PATH_IN_ROOT)
    }

    /// Files that the client's tree must have, so that something can be mounted over them.
    pub(crate) fn mount_points(&self) -> impl Iterator<Item = FileEntry> {
        let files = self.of_etc.iter().filter(|path| self.root.has_file(path)).chain(&self.devices);
        files.map(|path| FileEntry { name: path.clone(), content: Content::File(pack_file(b"")) })
    }

    /// Lets a compiler that has no view reach it.
    ///
    /// # Errors
    /// What the kernel says.
    pub(crate) fn open(&self, fence: &Fence, compiler: &Path) -> io::Result<()> {
        let tops = self.tops.iter().map(|top| top.path().to_owned());
        for path in tops.chain(self.of_etc.clone()).chain(self.homes(compiler)) {
            fence.open(&path, May::Run)?;
        }
        self.devices.iter().try_for_each(|device| fence.open(device, May::ReadAndWrite))
    }

    /// What must be shown besides for a compiler that was not installed with the system, by its name and behind all
    /// links.
    pub(super) fn homes(&self, compiler: &Path) -> Vec<PathBuf> {
        let behind = self.root.behind_links(compiler).ok();
        let homes = [Some(compiler.to_owned()), behind].into_iter().flatten().filter(|path| !self.has(path));
        let mut homes: Vec<PathBuf> = homes.filter_map(|path| home(&path)).collect();
        homes.sort();
        homes.dedup_by(|inner, outer| inner.starts_with(outer));
        homes
    }

    /// Whether views show what is at `path` in any case.
    pub(super) fn has(&self, path: &Path) -> bool {
        self.tops.iter().any(|top| path.starts_with(top.path()))
    }
}

fn top(root: &Root, path: &Path) -> Option<Top> {
    let found = match root.link(path) {
        Some(target) => Top::Link(path.to_owned(), Path::new("/").join(target)),
        None => Top::Directory(path.to_owned()),
    };
    root.has_directory(path).then_some(found)
}

/// `/x` for `/x/bin/gcc`, else the directory of the compiler.
fn home(compiler: &Path) -> Option<PathBuf> {
    let directory = compiler.parent()?;
    let prefix = directory.parent().filter(|prefix| directory.ends_with("bin") && *prefix != Path::new("/"));
    Some(prefix.unwrap_or(directory).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn homes_of_compilers() {
        let check = |path: &str, expected: &str| {
            assert_eq!(home(Path::new(path)).unwrap(), Path::new(expected), "{path}");
        };
        check("/srv/gcc-15/bin/gcc", "/srv/gcc-15");
        check("/srv/gcc", "/srv");
        check("/bin/gcc", "/bin");
    }
}
