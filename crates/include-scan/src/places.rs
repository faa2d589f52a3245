//! One job's walk over the disk: every directory and name is looked at once, links followed as the kernel follows them.
//! Reads no file.

use crate::directories::{Directories, Listing};
use crate::not_covered::NotCovered;
use crate::sight::{DirId, FileId};
use crate::stamp::{Stamp, kind_of};
use rustc_hash::{FxHashMap, FxHashSet};
use rustix::fs::{AtFlags, FileType, Stat};
use rustix::io::Errno;
use std::borrow::Cow;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

/// The kernel follows as many links for one name.
const MOST_LINKS: u32 = 40;
/// A directory that changes all the time (objects are written there) is asked so many names one by one before it is listed.
const MOST_LOOKS: u32 = 16;

/// All that a job met.
pub(crate) struct Places<'a> {
    directories: &'a Directories,
    all: Vec<Place>,
    files: Vec<MetFile>,
    links: Vec<MetLink>,
    /// Canonical names of the directories that the server has, too.
    system: FxHashSet<Box<[u8]>>,
    now: SystemTime,
}

/// One directory; its number is its [`DirId`].
struct Place {
    /// Canonical.
    name: Arc<[u8]>,
    parent: DirId,
    view: View,
    steps: FxHashMap<Box<[u8]>, Step>,
    is_system: bool,
    /// The compile needs it to exist, whatever is in it.
    is_needed: bool,
}

/// How a directory's names are found.
enum View {
    Unseen,
    Listed(Arc<Listing>),
    /// Name by name; the listing, if any, is out of date and lends its descriptor.
    Asked {
        looks: u32,
        listing: Option<Arc<Listing>>,
    },
}

/// What a name in a directory is.
#[derive(Clone, Copy)]
struct Step {
    to: Target,
    link: Option<u32>,
}

/// Where a name leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Nothing,
    Directory(DirId),
    File(FileId),
    /// A device, a pipe, a socket.
    Odd,
}

/// Where a walk ended.
#[derive(Clone, Copy)]
pub(crate) struct Arrival {
    pub(crate) to: Target,
    pub(crate) at: DirId,
}

/// A regular file; its number is its [`FileId`].
struct MetFile {
    directory: DirId,
    name: Box<[u8]>,
    stamp: Stamp,
}

/// A symbolic link.
struct MetLink {
    /// Canonical but for itself.
    name: Vec<u8>,
    to: Target,
    is_used: bool,
    /// It lies below a directory that the server has, and what it leads to does not.
    leaves_system: bool,
}

const ROOT: DirId = DirId(0);

impl<'a> Places<'a> {
    pub(crate) fn new(directories: &'a Directories) -> Result<Places<'a>, NotCovered> {
        let mut places = Places {
            directories,
            all: Vec::new(),
            files: Vec::new(),
            links: Vec::new(),
            system: FxHashSet::default(),
            now: SystemTime::now(),
        };
        let stat = rustix::fs::stat("/").map_err(|errno| unreadable(b"/", errno))?;
        places.add_directory(ROOT, b"/".as_slice().into(), &stat);
        Ok(places)
    }

    /// Goes where `path` leads from a directory. What is used on the way counts as needed.
    pub(crate) fn go(&mut self, from: DirId, path: &[u8]) -> Result<Target, NotCovered> {
        self.walk(from, path, true, MOST_LINKS).map(|arrival| arrival.to)
    }

    /// The same, with the directory in which the last name was met: not that of a file at the end of a link.
    pub(crate) fn arrive(&mut self, from: DirId, path: &[u8]) -> Result<Arrival, NotCovered> {
        self.walk(from, path, true, MOST_LINKS)
    }

    /// The same for a path that no other machine has to go.
    pub(crate) fn go_unnoticed(&mut self, from: DirId, path: &[u8]) -> Result<Target, NotCovered> {
        self.walk(from, path, false, MOST_LINKS).map(|arrival| arrival.to)
    }

    fn walk(&mut self, from: DirId, path: &[u8], noted: bool, links: u32) -> Result<Arrival, NotCovered> {
        let mut at = if path.first() == Some(&b'/') { ROOT } else { from };
        let mut parts = path.split(|b| *b == b'/').peekable();
        if path.is_empty() {
            return Ok(Arrival { to: Target::Nothing, at });
        }
        while let Some(part) = parts.next() {
            match part {
                b"" | b"." => {}
                b".." => {
                    let place = self.place_mut(at);
                    place.is_needed |= noted;
                    at = place.parent;
                }
                name => {
                    let step = self.step(at, name, links)?;
                    if let (Some(link), true) = (step.link, noted) {
                        self.links[link as usize].is_used = true;
                    }
                    match step.to {
                        Target::Directory(directory) => at = directory,
                        _ if parts.peek().is_some() => return Ok(Arrival { to: Target::Nothing, at }),
                        to => return Ok(Arrival { to, at }),
                    }
                }
            }
        }
        Ok(Arrival { to: Target::Directory(at), at })
    }

    fn step(&mut self, at: DirId, name: &[u8], links: u32) -> Result<Step, NotCovered> {
        const NOTHING: Step = Step { to: Target::Nothing, link: None };
        if let Some(step) = self.place(at).steps.get(name) {
            return Ok(*step);
        }
        if !self.may_hold(at, name) {
            return Ok(NOTHING);
        }
        let step = match self.look(at, name) {
            Err(Errno::NOENT | Errno::NOTDIR | Errno::INVAL) => NOTHING,
            Err(errno) => return Err(unreadable(&self.joined(at, name), errno)),
            Ok(stat) if kind_of(&stat) == FileType::Symlink => self.follow(at, name, links)?,
            Ok(stat) => Step { to: self.meet(at, name, &stat), link: None },
        };
        self.place_mut(at).steps.insert(name.into(), step);
        Ok(step)
    }

    fn meet(&mut self, at: DirId, name: &[u8], stat: &Stat) -> Target {
        match kind_of(stat) {
            FileType::Directory => {
                Target::Directory(self.add_directory(at, self.joined(at, name).into(), stat))
            }
            FileType::RegularFile => {
                self.files.push(MetFile { directory: at, name: name.into(), stamp: Stamp::of(stat) });
                Target::File(FileId(number(self.files.len() - 1)))
            }
            _ => Target::Odd,
        }
    }

    fn follow(&mut self, at: DirId, name: &[u8], links: u32) -> Result<Step, NotCovered> {
        let path = self.joined(at, name);
        let text = rustix::fs::readlink(&path[..], Vec::new()).map_err(|errno| unreadable(&path, errno))?;
        let left = links.checked_sub(1).ok_or_else(|| unreadable(&path, Errno::LOOP))?;
        let to = self.walk(at, text.as_bytes(), false, left)?.to;
        let from_system = self.place(at).is_system;
        let leaves_system = from_system && !self.leads_into_system(to);
        if to == Target::Nothing || (from_system && !leaves_system) {
            return Ok(Step { to, link: None });
        }
        self.links.push(MetLink { name: path, to, is_used: false, leaves_system });
        Ok(Step { to, link: Some(number(self.links.len() - 1)) })
    }

    fn leads_into_system(&self, to: Target) -> bool {
        match to {
            Target::Directory(directory) => self.is_system(directory),
            Target::File(file) => self.is_system(self.directory_of(file)),
            Target::Nothing | Target::Odd => true,
        }
    }

    fn add_directory(&mut self, parent: DirId, name: Arc<[u8]>, stat: &Stat) -> DirId {
        let stamp = Stamp::of(stat);
        let view = match self.directories.kept(&name, &stamp) {
            Some(listing) if listing.tells_of(&stamp) => View::Listed(listing),
            Some(listing) if listing.is_useless() => View::Asked { looks: 0, listing: Some(listing) },
            listing if !stamp.is_settled(self.now) => View::Asked { looks: 0, listing },
            _ => View::Unseen,
        };
        let is_system = self.system.contains(&name[..])
            || self.all.get(parent.0 as usize).is_some_and(|parent| parent.is_system);
        let steps = FxHashMap::default();
        self.all.push(Place { name, parent, view, steps, is_system, is_needed: false });
        DirId(number(self.all.len() - 1))
    }

    /// False when the directory certainly has no such name.
    fn may_hold(&mut self, at: DirId, name: &[u8]) -> bool {
        let directories = self.directories;
        let place = self.place_mut(at);
        let list = match &mut place.view {
            View::Listed(listing) => return listing.may_hold(name),
            View::Unseen => true,
            View::Asked { listing: Some(listing), .. } if listing.is_useless() => false,
            View::Asked { looks, .. } => {
                *looks += 1;
                *looks > MOST_LOOKS
            }
        };
        if !list {
            return true;
        }
        place.view = match directories.list(&place.name) {
            Some(listing) if !listing.is_useless() => View::Listed(listing),
            listing => View::Asked { looks: 0, listing },
        };
        match &place.view {
            View::Listed(listing) => listing.may_hold(name),
            _ => true,
        }
    }

    fn look(&self, at: DirId, name: &[u8]) -> rustix::io::Result<Stat> {
        let descriptor = match &self.place(at).view {
            View::Listed(listing) | View::Asked { listing: Some(listing), .. } => listing.descriptor(),
            _ => None,
        };
        match descriptor {
            Some(descriptor) => rustix::fs::statat(descriptor, name, AtFlags::SYMLINK_NOFOLLOW),
            None => rustix::fs::lstat(self.joined(at, name)),
        }
    }

    /// Names a directory that the server has, too, with all below it.
    pub(crate) fn declare_system(&mut self, at: DirId) {
        let name = Arc::clone(&self.place(at).name);
        self.system.insert(name[..].into());
        for place in &mut self.all {
            place.is_system |= is_below(&place.name, &name);
        }
    }

    pub(crate) fn declare_needed(&mut self, at: DirId) {
        self.place_mut(at).is_needed = true;
    }

    pub(crate) fn name_of(&self, at: DirId) -> &Arc<[u8]> {
        &self.place(at).name
    }

    pub(crate) fn is_system(&self, at: DirId) -> bool {
        self.place(at).is_system
    }

    pub(crate) fn directory_of(&self, file: FileId) -> DirId {
        self.files[file.0 as usize].directory
    }

    pub(crate) fn file_name(&self, file: FileId) -> Vec<u8> {
        let file = &self.files[file.0 as usize];
        self.joined(file.directory, &file.name)
    }

    pub(crate) fn stamp_of(&self, file: FileId) -> &Stamp {
        &self.files[file.0 as usize].stamp
    }

    /// Canonical names of the directories that must exist and that the server may lack.
    pub(crate) fn needed(&self) -> impl Iterator<Item = &[u8]> {
        self.all.iter().filter(|place| place.is_needed && !place.is_system).map(|place| &place.name[..])
    }

    /// A link that the server has too, if it has what it leads to: it cannot be sent.
    pub(crate) fn link_out_of_system(&self) -> Option<&[u8]> {
        let link = self.links.iter().find(|link| link.is_used && link.leaves_system);
        link.map(|link| &link.name[..])
    }

    /// Each link that was used, and its canonical target.
    pub(crate) fn links(&self) -> impl Iterator<Item = (&[u8], Cow<'_, [u8]>)> {
        self.links.iter().filter(|link| link.is_used).filter_map(|link| {
            let target = match link.to {
                Target::Directory(directory) => Cow::Borrowed(&self.name_of(directory)[..]),
                Target::File(file) => Cow::Owned(self.file_name(file)),
                Target::Nothing | Target::Odd => return None,
            };
            Some((&link.name[..], target))
        })
    }

    fn joined(&self, at: DirId, name: &[u8]) -> Vec<u8> {
        let directory = &self.place(at).name;
        let slash: &[u8] = if directory.ends_with(b"/") { b"" } else { b"/" };
        [directory, slash, name].concat()
    }

    fn place(&self, at: DirId) -> &Place {
        &self.all[at.0 as usize]
    }

    fn place_mut(&mut self, at: DirId) -> &mut Place {
        &mut self.all[at.0 as usize]
    }
}

/// True for the directory itself and all below it.
pub(crate) fn is_below(name: &[u8], directory: &[u8]) -> bool {
    let directory = directory.strip_suffix(b"/").unwrap_or(directory);
    name.strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
}

fn unreadable(path: &[u8], errno: Errno) -> NotCovered {
    let path = Path::new(OsStr::from_bytes(path)).display();
    NotCovered::new("unreadable", format!("cannot look at {path}: {errno}"))
}

fn number(index: usize) -> u32 {
    u32::try_from(index).expect("fewer than 2^32 names fit into a job")
}
