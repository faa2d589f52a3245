//! Looking at the files of a root so that what was seen can be remembered: all that was looked for is
//! evidence. Knows nothing of compilers.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use nix::sys::stat::fstat;

use crate::evidence::Evidence;
use crate::hashes::{Content, Hashes, Mark};
use crate::linkage::Linkage;
use crate::root::Root;
use crate::stamp::Stamp;

/// What was seen so far.
pub(crate) struct Sight<'a> {
    root: &'a Root,
    hashes: &'a Hashes,
    stamps: BTreeMap<PathBuf, Option<Stamp>>,
    /// By the paths by which they were looked for.
    files: BTreeMap<PathBuf, Option<Seen>>,
    /// Whether there was something that we may not read.
    closed: bool,
}

/// One regular file.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// Behind all links.
    pub(crate) path: PathBuf,
    /// None for a file that is not of the ELF format.
    pub(crate) linkage: Option<Linkage>,
}

impl<'a> Sight<'a> {
    pub(crate) fn of(root: &'a Root, hashes: &'a Hashes) -> Sight<'a> {
        Sight { root, hashes, stamps: BTreeMap::new(), files: BTreeMap::new(), closed: false }
    }

    pub(crate) fn root(&self) -> &'a Root {
        self.root
    }

    /// Looks whether there is a regular file, and what it asks of the loader.
    pub(crate) fn file(&mut self, path: &Path) -> io::Result<Option<Seen>> {
        if let Some(seen) = self.files.get(path) {
            return Ok(seen.clone());
        }
        let opened = match self.root.file(path) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                self.closed = true;
                return Ok(None);
            }
            opened => opened?,
        };
        let seen = match opened {
            None => {
                self.directory(path)?;
                None
            }
            Some(file) => {
                self.stamps.insert(path.to_owned(), Some(Stamp::of(&fstat(&file)?)));
                let real = self.root.behind_links(path)?.ok_or(io::ErrorKind::NotFound)?;
                Some(Seen { path: real, linkage: Linkage::read(&file) })
            }
        };
        self.files.insert(path.to_owned(), seen.clone());
        Ok(seen)
    }

    /// Remembers a directory, which whatever appears in it changes; tells whether it is there.
    pub(crate) fn directory(&mut self, path: &Path) -> io::Result<bool> {
        let status = match self.root.status(path) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                self.closed = true;
                return Ok(false);
            }
            status => status?,
        };
        let stamp = status.as_ref().map(Stamp::of);
        self.stamps.insert(path.to_owned(), stamp);
        Ok(stamp.is_some())
    }

    /// Whether something was hidden from us, as from users that may not read all that they may run.
    pub(crate) fn closed(&self) -> bool {
        self.closed
    }

    /// The bytes of a small file, e.g. a list of settings.
    pub(crate) fn bytes(&mut self, path: &Path, most: u64) -> io::Result<Option<Vec<u8>>> {
        if self.file(path)?.is_none() {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        let file = self.root.file(path)?.ok_or(io::ErrorKind::NotFound)?;
        file.take(most).read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }

    /// What is in a file that was seen.
    pub(crate) fn content(&self, seen: &Seen, mark: Mark) -> io::Result<Content> {
        let file = self.root.file(&seen.path)?.ok_or(io::ErrorKind::NotFound)?;
        self.hashes.content(file, mark)
    }

    /// All that was looked for.
    ///
    /// # Errors
    /// `ResourceBusy` when something changed meanwhile, so that the parts may not belong together.
    pub(crate) fn evidence(self) -> io::Result<Evidence> {
        let evidence = Evidence::of(self.stamps);
        if evidence.still_holds(self.root) {
            Ok(evidence)
        } else {
            let why = "the compiler was changed while it was looked at";
            Err(io::Error::new(io::ErrorKind::ResourceBusy, why))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake_root::FakeRoot;

    #[test]
    fn what_changes_meanwhile_is_no_evidence() {
        for (change, good) in [("c=3", true), ("a=22", false), ("b=2", false)] {
            let fake = FakeRoot::with(&["a=1"]);
            let root = fake.root();
            let hashes = Hashes::default();
            let mut sight = Sight::of(&root, &hashes);
            assert!(sight.file(Path::new("/a")).unwrap().is_some());
            assert!(sight.file(Path::new("/b")).unwrap().is_none());
            fake.add(change);
            assert_eq!(sight.evidence().is_ok(), good, "{change}");
        }
    }
}
