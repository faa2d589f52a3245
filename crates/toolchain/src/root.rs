//! A root directory: the machine's own, or that of another system below some directory, whose links stay inside it.
//! Knows nothing of what is looked for there.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, open, openat2, readlinkat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, stat};

/// Where paths begin. All paths that its methods take are absolute, as seen from inside.
#[derive(Debug)]
pub struct Root {
    path: PathBuf,
    directory: OwnedFd,
    /// Whether it is this machine's own.
    own: bool,
}

impl Root {
    /// Opens a root directory; `/` is this machine's.
    ///
    /// # Errors
    /// When `path` is no directory that can be opened.
    pub fn open(path: &Path) -> io::Result<Root> {
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let directory = open(path, flags, Mode::empty())?;
        Ok(Root { path: path.to_owned(), directory, own: path == Path::new("/") })
    }

    /// The path by which a file inside is reached from outside, for people to read.
    pub fn outside(&self, inside: &Path) -> PathBuf {
        self.path.join(inside.strip_prefix("/").unwrap_or(inside))
    }

    /// Whether there is a file that may be run; links are followed as they would be from inside.
    ///
    /// # Errors
    /// When the system cannot tell.
    pub fn is_program(&self, inside: &Path) -> io::Result<bool> {
        Ok(self.status(inside)?.is_some_and(|found| {
            SFlag::from_bits_truncate(found.st_mode) & SFlag::S_IFMT == SFlag::S_IFREG
                && found.st_mode & 0o111 != 0
        }))
    }

    /// Whether a path leads to anything.
    pub(crate) fn exists(&self, inside: &Path) -> io::Result<bool> {
        Ok(self.status(inside)?.is_some())
    }

    /// The names in a directory, sorted; none when there is no such directory, or it is closed to us.
    pub(crate) fn names(&self, inside: &Path) -> io::Result<Vec<OsString>> {
        let Some(directory) = closed(self.directory(inside))? else { return Ok(Vec::new()) };
        let mut names = Vec::new();
        for entry in Dir::from_fd(directory)?.iter() {
            let name = entry?.file_name().to_bytes().to_owned();
            if name != b"." && name != b".." {
                names.push(OsString::from_vec(name));
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    /// A directory, open; none when there is no such directory.
    pub(crate) fn directory(&self, inside: &Path) -> io::Result<Option<OwnedFd>> {
        absent(self.opened(inside, OFlag::O_RDONLY | OFlag::O_DIRECTORY))
    }

    /// What a file holds as text; none when it is absent, closed to us, or no regular file.
    pub(crate) fn text(&self, inside: &Path) -> io::Result<Option<String>> {
        let file = absent(self.opened(inside, OFlag::O_RDONLY | OFlag::O_NONBLOCK));
        let Some(file) = closed(file)? else { return Ok(None) };
        let mut bytes = Vec::new();
        let regular = SFlag::from_bits_truncate(fstat(&file)?.st_mode) & SFlag::S_IFMT == SFlag::S_IFREG;
        if !regular {
            return Ok(None);
        }
        io::Read::read_to_end(&mut File::from(file), &mut bytes)?;
        Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// A regular file, open for reading; none where there is none.
    ///
    /// # Errors
    /// When there is one, and we may not read it.
    pub(crate) fn file(&self, inside: &Path) -> io::Result<Option<File>> {
        let Some(file) = absent(self.opened(inside, OFlag::O_RDONLY | OFlag::O_NONBLOCK))? else {
            return Ok(None);
        };
        let file = File::from(file);
        Ok(file.metadata()?.is_file().then_some(file))
    }

    /// Where a path leads when all links are followed, as seen from inside; none when it leads nowhere.
    pub(crate) fn behind_links(&self, inside: &Path) -> io::Result<Option<PathBuf>> {
        let Some(file) = absent(self.opened(inside, OFlag::O_PATH))? else { return Ok(None) };
        let path = |fd: &OwnedFd| std::fs::read_link(format!("/proc/self/fd/{}", fd.as_raw_fd()));
        let real = path(&file)?;
        Ok(real.strip_prefix(path(&self.directory)?).ok().map(|inside| Path::new("/").join(inside)))
    }

    /// What the system says of a file; none when the path leads nowhere.
    pub(crate) fn status(&self, inside: &Path) -> io::Result<Option<FileStat>> {
        if self.own {
            return absent(stat(inside));
        }
        let Some(file) = absent(self.opened(inside, OFlag::O_PATH))? else { return Ok(None) };
        Ok(Some(fstat(file)?))
    }

    fn opened(&self, inside: &Path, flags: OFlag) -> nix::Result<OwnedFd> {
        let flags = flags | OFlag::O_CLOEXEC;
        // Some emulators and containers know no openat2, and the whole machine needs none.
        if self.own {
            return open(inside, flags, Mode::empty());
        }
        let how = OpenHow::new().flags(flags).resolve(ResolveFlag::RESOLVE_IN_ROOT);
        openat2(&self.directory, inside, how)
    }
}

/// Where a link in an open directory points to; none when that name is no link.
pub(crate) fn link_target(directory: &OwnedFd, name: &OsStr) -> io::Result<Option<PathBuf>> {
    match readlinkat(directory, name) {
        Ok(target) => Ok(Some(target.into())),
        Err(Errno::EINVAL | Errno::ENOENT) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// A path without `.` and `..`, by its text alone.
pub(crate) fn plain(path: &Path) -> PathBuf {
    let mut plain = Vec::new();
    for part in path.as_os_str().as_bytes().split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => drop(plain.pop()),
            name => plain.push(OsStr::from_bytes(name)),
        }
    }
    Path::new("/").join(plain.into_iter().collect::<PathBuf>())
}

/// A path that leads nowhere is no error.
fn absent<T>(found: nix::Result<T>) -> io::Result<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Users that are not root read what they may.
fn closed(opened: io::Result<Option<OwnedFd>>) -> io::Result<Option<OwnedFd>> {
    opened.or_else(|error| match error.kind() {
        io::ErrorKind::PermissionDenied => Ok(None),
        _ => Err(error),
    })
}
