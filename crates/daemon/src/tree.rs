//! One client's tree on disk, changed by difference from what it was for the job before. Knows nothing of other trees.

use std::cell::OnceCell;
use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use nix::dir::Dir;
use nix::fcntl::{AtFlags, OFlag, open, openat, readlinkat};
use nix::libc;
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, fstatat, mkdirat};
use nix::time::{ClockId, clock_gettime};
use nix::unistd::{UnlinkatFlags, symlinkat, unlinkat};

use crate::names::{ClientFile, Directory, Named, Node};
use crate::store::{Allowance, Store, Trouble, unpack_to};

/// A step is at most 10 ms, and a virtual machine may be kept from it for a while.
const LONGEST_STEP: Duration = Duration::from_millis(200);

/// What a file was when it was made.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    inode: libc::ino_t,
    size: libc::off_t,
    modified: (i64, i64),
    changed: (i64, i64),
}

/// A change of one tree.
pub(crate) struct Change<'a> {
    /// Where files are linked from; without it the tree has its own.
    pub(crate) store: Option<&'a Store>,
    /// What may yet be written.
    pub(crate) allowed: Allowance,
    /// Whether a file was made that is no link.
    pub(crate) made: bool,
}

/// A directory in the tree, opened when something in it changes.
struct Place<'a> {
    parent: Option<&'a Place<'a>>,
    name: &'a OsStr,
    open: OnceCell<OwnedFd>,
}

impl Change<'_> {
    /// Makes what is `wanted` out of what there `was` at `root`. After an error, both together are what there is.
    pub(crate) fn apply(
        &mut self,
        root: &Path,
        was: &mut Directory,
        wanted: &mut Directory,
    ) -> Result<(), Trouble> {
        self.adapt(&Place::root(root)?, was, wanted)
    }

    fn adapt(&mut self, here: &Place, was: &mut Directory, wanted: &mut Directory) -> Result<(), Trouble> {
        while let Some((name, old)) = was.entries.pop_first() {
            match (old.node, wanted.entries.get_mut(&name)) {
                (Node::Directory(mut was_below), Some(Named { node: Node::Directory(below), there })) => {
                    *there = true;
                    let adapted = self.adapt(&here.below(&name), &mut was_below, below);
                    if adapted.is_err() {
                        was.entries.insert(name, Named { node: Node::Directory(was_below), there: true });
                        return adapted;
                    }
                }
                (Node::File(old), Some(Named { node: Node::File(new), there })) if old.key == new.key => {
                    *there = true;
                    new.stamp = old.stamp;
                }
                (Node::Link(old), Some(Named { node: Node::Link(new), there })) if old == *new => {
                    *there = true;
                }
                (Node::System, Some(Named { node: Node::System, there })) => *there = true,
                (node, _) => self.remove(here, &name, node)?,
            }
        }
        for (name, named) in &mut wanted.entries {
            if !named.there {
                self.make(here, name, named)?;
            }
        }
        Ok(())
    }

    fn make(&mut self, here: &Place, name: &OsStr, named: &mut Named) -> Result<(), Trouble> {
        match &mut named.node {
            Node::File(file) => self.make_file(here, name, file)?,
            Node::Link(text) => symlinkat(text.as_os_str(), here.open()?, name)?,
            Node::System if self.store.is_none() => symlinkat(&here.path().join(name), here.open()?, name)?,
            Node::System | Node::Directory(_) => {
                mkdirat(here.open()?, name, Mode::from_bits_truncate(0o755))?;
            }
        }
        named.there = true;
        match &mut named.node {
            Node::Directory(directory) => self.adapt(&here.below(name), &mut Directory::default(), directory),
            _ => Ok(()),
        }
    }

    fn make_file(&mut self, here: &Place, name: &OsStr, file: &mut ClientFile) -> Result<(), Trouble> {
        let content = (&file.key, &file.body[..]);
        match self.store {
            Some(store) => store.link(content, here.open()?, name, &mut self.allowed),
            None => {
                let (made, _) = unpack_to(here.open()?, name, content, &mut self.allowed)?;
                self.made = true;
                file.stamp = Some(Stamp::of(&fstat(&made)?));
                Ok(())
            }
        }
    }

    fn remove(&mut self, here: &Place, name: &OsStr, node: Node) -> Result<(), Trouble> {
        let flag = match node {
            Node::System if self.store.is_some() => UnlinkatFlags::RemoveDir,
            Node::Directory(directory) => {
                let below = here.below(name);
                for (name, named) in directory.entries {
                    self.remove(&below, &name, named.node)?;
                }
                UnlinkatFlags::RemoveDir
            }
            Node::File(file) => {
                self.store.inspect(|store| store.release(&file.key));
                UnlinkatFlags::NoRemoveDir
            }
            Node::Link(_) | Node::System => UnlinkatFlags::NoRemoveDir,
        };
        Ok(unlinkat(here.open()?, name, flag)?)
    }
}

/// Returns when whatever is changed leaves a trace: the kernel's clock for files goes in steps, and what is changed twice
/// within one looks as if it had been once.
pub(crate) fn let_the_clock_tick() {
    let now = || clock_gettime(ClockId::CLOCK_REALTIME_COARSE).ok();
    let (before, end) = (now(), Instant::now() + LONGEST_STEP);
    while now() == before && Instant::now() < end {
        thread::sleep(Duration::from_micros(500));
    }
}

/// Whether `root`, which has files of its own, has exactly what it `was` given.
///
/// # Errors
/// It has not.
pub(crate) fn check_untouched(root: &Path, was: &Directory) -> io::Result<()> {
    check_below(&Place::root(root)?, was)
}

fn check_below(here: &Place, was: &Directory) -> io::Result<()> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let mut found = 0;
    for entry in Dir::openat(here.open()?, ".", flags, Mode::empty())?.iter() {
        let name = entry?.file_name().to_owned();
        if !matches!(name.to_bytes(), b"." | b"..") {
            found += 1;
        }
    }
    // Each of ours is looked for below, so that as many are no others.
    if found != was.entries.len() {
        return Err(touched());
    }
    for (name, named) in &was.entries {
        match &named.node {
            Node::Directory(directory) => check_below(&here.below(name), directory)?,
            Node::File(file) => {
                let stat = fstatat(here.open()?, name.as_os_str(), AtFlags::AT_SYMLINK_NOFOLLOW)?;
                let plain = SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT == SFlag::S_IFREG;
                if !plain || file.stamp.as_ref() != Some(&Stamp::of(&stat)) {
                    return Err(touched());
                }
            }
            Node::Link(text) => same_text(&readlinkat(here.open()?, name.as_os_str())?, text)?,
            Node::System => {
                let own = here.path().join(name);
                same_text(&readlinkat(here.open()?, name.as_os_str())?, own.as_os_str())?;
            }
        }
    }
    Ok(())
}

fn same_text(found: &OsStr, expected: &OsStr) -> io::Result<()> {
    if found == expected { Ok(()) } else { Err(touched()) }
}

fn touched() -> io::Error {
    io::Error::other("a compiler has changed its tree")
}

impl Stamp {
    fn of(stat: &FileStat) -> Stamp {
        Stamp {
            inode: stat.st_ino,
            size: stat.st_size,
            modified: (stat.st_mtime, stat.st_mtime_nsec),
            changed: (stat.st_ctime, stat.st_ctime_nsec),
        }
    }

    /// In bytes.
    pub(crate) fn size(&self) -> u64 {
        self.size.cast_unsigned()
    }
}

impl<'a> Place<'a> {
    fn root(path: &Path) -> io::Result<Place<'a>> {
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let open = OnceCell::from(open(path, flags, Mode::empty())?);
        Ok(Place { parent: None, name: OsStr::new("/"), open })
    }

    fn below(&'a self, name: &'a OsStr) -> Place<'a> {
        Place { parent: Some(self), name, open: OnceCell::new() }
    }

    /// Never by a path, and never through a link.
    fn open(&self) -> io::Result<BorrowedFd<'_>> {
        if let Some(open) = self.open.get() {
            return Ok(open.as_fd());
        }
        let parent = self.parent.ok_or_else(touched)?.open()?;
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let opened = openat(parent, self.name, flags, Mode::empty())?;
        Ok(self.open.get_or_init(|| opened).as_fd())
    }

    /// As the client calls it.
    fn path(&self) -> PathBuf {
        self.parent.map_or_else(|| PathBuf::from("/"), |parent| parent.path().join(self.name))
    }
}
