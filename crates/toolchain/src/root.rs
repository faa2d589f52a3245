//! A root directory: the machine's own, or that of another system below some directory, whose links stay inside it.
//! Knows nothing of what is looked for there.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, open, openat, openat2, readlinkat};
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
    pub fn file(&self, inside: &Path) -> io::Result<Option<File>> {
        let Some(file) = absent(self.opened(inside, OFlag::O_RDONLY | OFlag::O_NONBLOCK))? else {
            return Ok(None);
        };
        let file = File::from(file);
        Ok(file.metadata()?.is_file().then_some(file))
    }

    /// Where a path leads when all links are followed, as seen from inside; none when it leads nowhere.
    ///
    /// # Errors
    /// When the system cannot tell.
    pub fn behind_links(&self, inside: &Path) -> io::Result<Option<PathBuf>> {
        if self.own {
            // Some chroots have no /proc.
            return match std::fs::canonicalize(inside) {
                Ok(real) => Ok(Some(real)),
                Err(error) => absent(Err(Errno::from_raw(error.raw_os_error().unwrap_or_default()))),
            };
        }
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
        match openat2(&self.directory, inside, how) {
            // systemd's RestrictSUIDSGID= forbids it.
            Err(Errno::ENOSYS | Errno::EPERM) => self.walked(inside, flags),
            opened => opened,
        }
    }

    /// The same, one name after the other; nothing that is replaced meanwhile leads out.
    fn walked(&self, inside: &Path, flags: OFlag) -> nix::Result<OwnedFd> {
        let step = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW;
        let mut above: Vec<OwnedFd> = Vec::new();
        let (mut rest, mut followed) = (backwards(inside), 0);
        while let Some(name) = rest.pop() {
            let directory = above.last().unwrap_or(&self.directory);
            if name == ".." {
                above.pop();
            } else if let Some(target) = link(directory, &name)? {
                followed += 1;
                if followed > MOST_LINKS {
                    return Err(Errno::ELOOP);
                }
                if target.is_absolute() {
                    above.clear();
                }
                rest.extend(backwards(&target));
            } else if rest.is_empty() {
                return openat(directory, name.as_os_str(), flags | OFlag::O_NOFOLLOW, Mode::empty());
            } else {
                above.push(openat(directory, name.as_os_str(), step, Mode::empty())?);
            }
        }
        openat(above.last().unwrap_or(&self.directory), ".", flags, Mode::empty())
    }
}

/// How many links Linux follows.
const MOST_LINKS: usize = 40;

/// Where a link in an open directory points to; none when that name is no link.
pub(crate) fn link_target(directory: &OwnedFd, name: &OsStr) -> io::Result<Option<PathBuf>> {
    Ok(link(directory, name)?)
}

fn link(directory: &OwnedFd, name: &OsStr) -> nix::Result<Option<PathBuf>> {
    match readlinkat(directory, name) {
        Ok(target) => Ok(Some(target.into())),
        Err(Errno::EINVAL | Errno::ENOENT) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The names in a path, and `..`, the last one first.
fn backwards(path: &Path) -> Vec<OsString> {
    let names = path.components().filter(|part| matches!(part, Component::Normal(_) | Component::ParentDir));
    names.rev().map(|part| part.as_os_str().to_owned()).collect()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake_root::FakeRoot;

    /// What a path leads to, as what the file holds; `/` for a directory.
    #[track_caller]
    fn check(path: &str, expected: Result<&str, Errno>) {
        let fake = FakeRoot::with(&[
            "file=outside",
            "root/file=inside",
            "root/usr/bin/gcc-12=gcc",
            "root/usr/bin/gcc>gcc-12",
            "root/bin>usr/bin",
            "root/usr/lib/cc>/bin/gcc",
            "root/up>../../../../file",
            "root/usr/up>../../file",
            "root/loop>loop",
            "root/gone>nowhere",
        ]);
        let root = Root::open(&fake.path("root")).unwrap();
        let said = |opened: nix::Result<OwnedFd>| {
            let mut file = File::from(opened?);
            let mut text = String::new();
            match io::Read::read_to_string(&mut file, &mut text) {
                Err(_) => Ok("/".to_owned()),
                Ok(_) => Ok(text),
            }
        };
        let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC;
        let expected = expected.map(str::to_owned);
        assert_eq!(said(root.walked(Path::new(path), flags)), expected, "{path}");
        assert_eq!(said(root.opened(Path::new(path), flags)), expected, "{path}");
    }

    #[test]
    fn no_link_leads_out() {
        check("/file", Ok("inside"));
        check("/bin/gcc", Ok("gcc"));
        check("/usr/lib/cc", Ok("gcc"));
        check("/usr/lib/../bin/./gcc", Ok("gcc"));
        check("/../../file", Ok("inside"));
        check("/up", Ok("inside"));
        check("/usr/up", Ok("inside"));
        check("/", Ok("/"));
        check("/bin/..", Ok("/"));
        check("/gone", Err(Errno::ENOENT));
        check("/nowhere/file", Err(Errno::ENOENT));
        check("/file/file", Err(Errno::ENOTDIR));
        check("/loop", Err(Errno::ELOOP));
    }

    #[test]
    fn behind_links() {
        let fake = FakeRoot::with(&["usr/bin/gcc-12=gcc", "usr/bin/gcc>gcc-12", "bin>usr/bin"]);
        for (path, expected) in
            [("/bin/gcc", Some("/usr/bin/gcc-12")), ("/bin", Some("/usr/bin")), ("/gone", None)]
        {
            let found = fake.root().behind_links(Path::new(path)).unwrap();
            assert_eq!(found.as_deref(), expected.map(Path::new), "{path}");
            let outside = Root::open(Path::new("/")).unwrap().behind_links(&fake.path(&path[1..])).unwrap();
            assert_eq!(outside.is_some(), expected.is_some(), "{path}");
        }
    }
}
