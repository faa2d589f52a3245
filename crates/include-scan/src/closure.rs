//! What a job sends: names as the wire wants them, in its order. Looks at no disk by itself.

use crate::not_covered::NotCovered;
use crate::places::is_below;
use crate::sight::{DirId, Sight};
use rustc_hash::FxHashSet;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// All that a compile reads and that the server may not have.
#[derive(Clone, Debug, Default)]
pub struct Closure {
    /// In the order of the wire: files, system directories, links, directories.
    pub entries: Vec<Entry>,
}

/// One thing that the server must have. All names are absolute and, but for a link's last component, canonical.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A file.
    File {
        /// Its canonical name.
        name: PathBuf,
        /// Packed for the wire: the very bytes that were scanned.
        body: Arc<[u8]>,
    },
    /// A directory of the compiler's own list: the server has the same.
    SystemDirectory {
        /// Its canonical name.
        name: PathBuf,
    },
    /// A symbolic link on the way to something.
    Link {
        /// The link's own name in its canonical directory.
        name: PathBuf,
        /// Where it leads in the end.
        target: PathBuf,
    },
    /// A directory that is looked into or walked through.
    Directory {
        /// Its canonical name.
        name: PathBuf,
    },
}

impl Closure {
    /// What this job has found, its system directories being those of `system`.
    pub(crate) fn of(sight: &mut Sight, system: &[DirId]) -> Result<Closure, NotCovered> {
        if let Some(link) = sight.places.link_out_of_system() {
            let sentence = format!("{} leads out of the system's directories", link.escape_ascii());
            return Err(NotCovered::new("system-link", sentence));
        }
        let mut entries = Vec::new();
        let mut inodes = FxHashSet::default();
        let found: Vec<_> = sight.found().filter(|file| !sight.is_system(*file)).collect();
        for file in found {
            let stamp = sight.places.stamp_of(file);
            if !inodes.insert((stamp.device, stamp.inode)) {
                let name = path(sight.places.file_name(file));
                let sentence = format!("{} has another name in the same compile", name.display());
                return Err(NotCovered::new("hard-link", sentence));
            }
            let kept = sight.kept(file, false)?;
            let body = kept.body().expect("what is no system file is read for sending");
            let name = path(sight.places.file_name(file));
            entries.push(Entry::File { name, body: Arc::clone(body) });
        }
        let places = &sight.places;
        let mut names: Vec<&[u8]> = system.iter().map(|directory| &places.name_of(*directory)[..]).collect();
        names.sort_unstable();
        names.dedup_by(|inner, outer| is_below(inner, outer));
        entries.extend(names.iter().map(|name| Entry::SystemDirectory { name: path(name.to_vec()) }));
        let links = places.links().map(|(name, target)| (path(name.to_vec()), path(target.into_owned())));
        entries.extend(links.map(|(name, target)| Entry::Link { name, target }));
        entries.extend(places.needed().map(|name| Entry::Directory { name: path(name.to_vec()) }));
        check_size(&entries)?;
        Ok(Closure { entries })
    }
}

/// No server takes more.
fn check_size(entries: &[Entry]) -> Result<(), NotCovered> {
    const MOST_ENTRIES: usize = 100_000;
    const MOST_COMPONENTS: usize = 100;
    const LONGEST_NAME: usize = 4095;
    let is_too_long =
        |name: &Path| name.as_os_str().len() > LONGEST_NAME || name.components().count() > MOST_COMPONENTS;
    let names = entries.iter().flat_map(|entry| match entry {
        Entry::File { name, .. } | Entry::SystemDirectory { name } | Entry::Directory { name } => {
            [name, name]
        }
        Entry::Link { name, target } => [name, target],
    });
    if entries.len() > MOST_ENTRIES || names.into_iter().any(|name| is_too_long(name)) {
        return Err(NotCovered::new("too-large", "more files, or longer names, than a server takes"));
    }
    Ok(())
}

fn path(bytes: Vec<u8>) -> PathBuf {
    OsString::from_vec(bytes).into()
}
