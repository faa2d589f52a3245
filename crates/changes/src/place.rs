//! Finds where a path inside a root lies, one directory at a time, so that no link leads out of the root and no link of
//! another user leads root astray. Knows nothing of what is done there.

use crate::Site;
use crate::failure::Failure;
use crate::state::{Owner, State, kind_of, stat_at};
use nix::errno::Errno;
use nix::fcntl::{OFlag, open, openat, readlinkat};
use nix::sys::stat::{Mode, SFlag, fstat};
use nix::unistd::geteuid;
use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};

const MOST_LINKS: usize = 40;
const WALK: OFlag = OFlag::O_PATH.union(OFlag::O_DIRECTORY).union(OFlag::O_NOFOLLOW).union(OFlag::O_CLOEXEC);

/// Which links of a path are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Links {
    Follow,
    FollowButLast,
    /// A link on the way is a failure: the path was free of links when it was recorded.
    Refuse,
}

/// A name in a directory that is held open.
#[derive(Debug)]
pub(crate) struct Place {
    /// The directory, or the deepest one on the way to it that exists.
    pub(crate) directory: OwnedFd,
    /// The directories below that do not exist.
    pub(crate) missing: Vec<OsString>,
    pub(crate) name: OsString,
    /// The whole path inside the root, without links.
    pub(crate) path: PathBuf,
    /// The same as people reach it: messages, and what they say to type, are read outside the root.
    pub(crate) shown: PathBuf,
}

impl Place {
    /// Where `path`, absolute inside the root, lies.
    pub(crate) fn find(site: &Site, path: &Path, links: Links) -> Result<Place, Failure> {
        if !path.is_absolute() || path.to_str().is_none() {
            return Err(Failure::new(format!("{} is not an absolute path in UTF-8", path.display())));
        }
        let root = open(&site.root, OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())
            .map_err(|errno| Failure::of("open", &site.root, errno))?;
        Walk { site, asked: path, root, entered: Vec::new(), ahead: parts(path), followed: Vec::new(), links }
            .go()
    }

    /// What lies there now.
    pub(crate) fn state(&self) -> Result<State, Failure> {
        if !self.missing.is_empty() {
            return Ok(State::Absent);
        }
        State::read(&self.directory, &self.name, &self.shown)
    }

    /// The inode that the name stands for now, if any.
    pub(crate) fn inode(&self) -> Option<u64> {
        if !self.missing.is_empty() {
            return None;
        }
        stat_at(&self.directory, &self.name).ok().map(|stat| stat.st_ino)
    }

    /// Who owns the directory, or the one that a missing directory would be made in.
    pub(crate) fn directory_owner(&self) -> Result<Owner, Failure> {
        let stat = fstat(&self.directory).map_err(|errno| Failure::of("look at", &self.shown, errno))?;
        Ok(Owner::of(&stat))
    }

    /// The paths of the directories that are missing, outermost first.
    pub(crate) fn missing_paths(&self) -> Vec<PathBuf> {
        let above = self.path.ancestors().skip(1).take(self.missing.len());
        let mut paths: Vec<PathBuf> = above.map(Path::to_owned).collect();
        paths.reverse();
        paths
    }
}

struct Walk<'a> {
    site: &'a Site,
    asked: &'a Path,
    root: OwnedFd,
    entered: Vec<(OwnedFd, OsString)>,
    /// What is still to be walked, the next part last.
    ahead: Vec<OsString>,
    /// Owners of the links that were followed.
    followed: Vec<u32>,
    links: Links,
}

impl Walk<'_> {
    fn go(mut self) -> Result<Place, Failure> {
        while let Some(part) = self.ahead.pop() {
            if part == "/" {
                self.entered.clear();
            } else if part == ".." {
                self.entered.pop();
            } else if let Some((missing, name)) = self.step(part)? {
                return self.arrive(missing, name);
            }
        }
        // The path ended in a directory by "..": its name is the one it was entered by.
        match self.entered.pop() {
            Some((_, name)) => self.arrive(Vec::new(), name),
            None => Err(Failure::new(format!("{} is the root directory", self.asked().display()))),
        }
    }

    /// Enters a directory or follows a link; at the end of the way, what is missing there and the last name.
    fn step(&mut self, part: OsString) -> Result<Option<(Vec<OsString>, OsString)>, Failure> {
        let is_last = self.ahead.is_empty();
        let stat = match stat_at(self.here(), &part) {
            Err(Errno::ENOENT) => return self.missing_from(part).map(Some),
            other => other.map_err(|errno| self.failed(errno))?,
        };
        let is_link = kind_of(&stat) == SFlag::S_IFLNK;
        if is_last && (!is_link || self.links != Links::Follow) {
            return Ok(Some((Vec::new(), part)));
        }
        if is_link {
            self.follow(&part, stat.st_uid)?;
        } else {
            let inner = openat(self.here(), part.as_os_str(), WALK, Mode::empty())
                .map_err(|errno| self.failed(errno))?;
            self.entered.push((inner, part));
        }
        Ok(None)
    }

    fn follow(&mut self, link: &OsStr, owner: u32) -> Result<(), Failure> {
        if self.links == Links::Refuse {
            return Err(Failure::new(format!(
                "{} leads through a link that was not there before",
                self.asked().display()
            )));
        }
        self.followed.push(owner);
        if self.followed.len() > MOST_LINKS {
            return Err(self.failed(Errno::ELOOP));
        }
        let target = readlinkat(self.here(), link).map_err(|errno| self.failed(errno))?;
        self.ahead.extend(parts(Path::new(&target)));
        Ok(())
    }

    fn missing_from(&mut self, part: OsString) -> Result<(Vec<OsString>, OsString), Failure> {
        let mut names = vec![part];
        names.extend(self.ahead.drain(..).rev());
        if names.iter().any(|name| name == "..") {
            return Err(self.failed(Errno::ENOENT));
        }
        let name = names.pop().expect("the first was put in above");
        Ok((names, name))
    }

    /// A user who can put a link where root writes must not choose what root writes to.
    fn arrive(mut self, missing: Vec<OsString>, name: OsString) -> Result<Place, Failure> {
        let mut path = PathBuf::from("/");
        path.extend(self.entered.iter().map(|(_, name)| name));
        path.extend(&missing);
        path.push(&name);
        let asked = self.asked();
        let directory = self.entered.pop().map_or(self.root, |(directory, _)| directory);
        let owner = fstat(&directory).map_err(|errno| Failure::of("look at", &asked, errno))?.st_uid;
        let shown = self.site.outside(&path);
        let astray = |link: &u32| geteuid().is_root() && *link != 0 && *link != owner;
        if let Some(user) = self.followed.iter().find(|link| astray(link)) {
            return Err(Failure::new(format!(
                "{} leads through a link of user {user} to {}, which is not in a directory of theirs: name that file itself",
                asked.display(),
                shown.display()
            )));
        }
        Ok(Place { directory, missing, name, path, shown })
    }

    fn here(&self) -> &OwnedFd {
        self.entered.last().map_or(&self.root, |(directory, _)| directory)
    }

    fn failed(&self, errno: Errno) -> Failure {
        Failure::of("reach", &self.asked(), errno)
    }

    fn asked(&self) -> PathBuf {
        self.site.outside(self.asked)
    }
}

/// The parts of a path, the first one last; "/" stands for the root.
fn parts(path: &Path) -> Vec<OsString> {
    let parts = path.components().filter(|part| *part != Component::CurDir);
    let mut parts: Vec<OsString> = parts.map(|part| part.as_os_str().to_owned()).collect();
    parts.reverse();
    parts
}
