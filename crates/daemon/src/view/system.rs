//! What every view shows of this machine: its programs, libraries and headers, some devices, nothing that tells who
//! uses it. Knows nothing of the client's files.

use std::fs;
use std::path::{Path, PathBuf};

use protocol::{Content, FileEntry, pack_file};

/// Directories of the system, or links to such; each machine has some of them.
const TOPS: &[&str] = &["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/opt"];

/// What the dynamic linker and the links of alternative programs need of /etc.
const OF_ETC: &[&str] = &["/etc/alternatives", "/etc/ld.so.cache"];

const DEVICES: &[&str] = &["/dev/full", "/dev/null", "/dev/random", "/dev/urandom", "/dev/zero"];

/// One of the system's directories at the root.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Top {
    Directory(PathBuf),
    /// With its absolute target.
    Link(PathBuf, PathBuf),
}

/// This machine as views show it.
#[derive(Debug)]
pub(super) struct System {
    pub(super) tops: Vec<Top>,
    pub(super) of_etc: Vec<PathBuf>,
    pub(super) devices: Vec<PathBuf>,
}

impl System {
    /// Looks at what this machine has.
    pub(super) fn look() -> System {
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

    /// Whether views show what is at `path` in any case.
    pub(super) fn has(&self, path: &Path) -> bool {
        self.tops.iter().any(|top| match top {
            Top::Directory(directory) => path.starts_with(directory),
            Top::Link(link, _) => path.starts_with(link),
        })
    }
}

fn top(path: &Path) -> Option<Top> {
    if !path.is_symlink() {
        return path.is_dir().then(|| Top::Directory(path.to_owned()));
    }
    let target = Path::new("/").join(fs::read_link(path).ok()?);
    path.is_dir().then(|| Top::Link(path.to_owned(), target))
}
