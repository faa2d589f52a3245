//! What a masquerade directory holds, entry by entry. Knows nothing of which links are wanted.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use crate::masquerade::Directory;
use crate::root::{Root, link_target, plain};

/// Where distcc is; the second is the same on every system of today.
const DISTCC: &[&str] = &["/usr/bin/distcc", "/bin/distcc"];

/// One masquerade directory.
#[derive(Debug)]
pub(crate) struct Listing {
    pub(crate) directory: Directory,
    pub(crate) exists: bool,
    pub(crate) entries: BTreeMap<OsString, Entry>,
}

/// What stands under one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Entry {
    /// A link to distcc.
    ToDistcc {
        /// Whether there is a program of that name anywhere that distcc could mean.
        justified: bool,
    },
    /// A link that leads nowhere, and what it holds.
    Dangling(PathBuf),
    /// A file, a directory, a link to something else.
    Foreign,
}

impl Listing {
    /// Reads a masquerade directory; `programs` are the directories in which a program justifies a link.
    pub(crate) fn read(
        root: &Root,
        directory: Directory,
        programs: &BTreeSet<PathBuf>,
    ) -> io::Result<Listing> {
        let path = Path::new(directory.path);
        let mut entries = BTreeMap::new();
        let Some(open) = root.directory(path)? else {
            return Ok(Listing { directory, exists: false, entries });
        };
        for name in root.names(path)? {
            let entry = match link_target(&open, &name)? {
                Some(target) if leads_to_distcc(path, &target) => {
                    Entry::ToDistcc { justified: is_in(root, programs, &name)? }
                }
                Some(target) if !root.exists(&path.join(&name))? => Entry::Dangling(target),
                _ => Entry::Foreign,
            };
            entries.insert(name, entry);
        }
        Ok(Listing { directory, exists: true, entries })
    }
}

/// Whether a link in `directory` that holds `target` means distcc, be it there or not.
pub(crate) fn leads_to_distcc(directory: &Path, target: &Path) -> bool {
    let end = plain(&directory.join(target));
    DISTCC.iter().any(|distcc| end == Path::new(distcc))
}

fn is_in(root: &Root, directories: &BTreeSet<PathBuf>, name: &OsStr) -> io::Result<bool> {
    for directory in directories {
        match root.is_program(&directory.join(name)) {
            Ok(false) => {}
            Ok(true) => return Ok(true),
            // Where we may not look there may be one.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Ok(true),
            Err(error) => return Err(error),
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_to_distcc() {
        for (directory, target, expected) in [
            ("/usr/lib/distcc", "../../bin/distcc", true),
            ("/usr/lib/distcc/bin", "../../../bin/distcc", true),
            ("/usr/lib/distcc", "/usr/bin/distcc", true),
            ("/usr/lib/distcc", "../../../bin/distcc", true),
            ("/usr/lib/distcc", ".././../bin//distcc", true),
            ("/usr/lib/distcc", "../../bin/ccache", false),
            ("/usr/lib/distcc", "/usr/local/bin/distcc", false),
            ("/usr/lib/distcc/bin", "../gcc", false),
            ("/usr/lib/distcc", "../../../../../../usr/bin/distcc", true),
        ] {
            assert_eq!(leads_to_distcc(Path::new(directory), Path::new(target)), expected, "{target}");
        }
    }
}
