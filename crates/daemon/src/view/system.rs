//! What every view shows of this machine: its programs, libraries and headers, some devices, nothing that tells who
//! uses it. Knows nothing of the client's files.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use protocol::{Content, FileEntry, pack_file};

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

/// This machine as views show it.
#[derive(Debug, Clone)]
pub(crate) struct System {
    pub(super) tops: Vec<Top>,
    pub(super) of_etc: Vec<PathBuf>,
    pub(super) devices: Vec<PathBuf>,
}

impl System {
    /// Looks at what this machine has.
    pub(crate) fn look() -> System {
        let tops = TOPS.iter().filter_map(|path| top(Path::new(path))).collect();
        let [of_etc, devices] = [OF_ETC, DEVICES]
            .map(|paths| paths.iter().map(PathBuf::from).filter(|path| path.exists()).collect());
        System { tops, of_etc, devices }
    }

    /// Files that the client's tree must have, so that something can be mounted over them.
    pub(super) fn mount_points(&self) -> impl Iterator<Item = FileEntry> {
        let files = self.of_etc.iter().filter(|path| path.is_file()).chain(&self.devices);
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
        let behind = fs::canonicalize(compiler).ok();
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

fn top(path: &Path) -> Option<Top> {
    if !path.is_symlink() {
        return path.is_dir().then(|| Top::Directory(path.to_owned()));
    }
    let target = Path::new("/").join(fs::read_link(path).ok()?);
    path.is_dir().then(|| Top::Link(path.to_owned(), target))
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
