//! What lies at a name of a directory, or shall lie there. Knows no path and changes nothing.

use crate::failure::Failure;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat, readlinkat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, fstatat};
use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

/// Nothing comes near that is configuration, or a program that a chroot gets; beyond it, reading would only fill the memory.
const LARGEST: u64 = 64 << 20;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Absent,
    File { contents: Vec<u8>, mode: u32, owner: Owner },
    Link { target: PathBuf, owner: Owner },
    Directory { mode: u32, owner: Owner },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) user: u32,
    pub(crate) group: u32,
}

impl State {
    /// What lies at `name` in `directory`, without following a link. `shown` is for the failure.
    pub(crate) fn read(directory: &OwnedFd, name: &OsStr, shown: &Path) -> Result<State, Failure> {
        let failed = |errno| Failure::of("read", shown, errno);
        let stat = match stat_at(directory, name) {
            Err(Errno::ENOENT) => return Ok(State::Absent),
            other => other.map_err(failed)?,
        };
        let (mode, owner) = (stat.st_mode & 0o7777, Owner::of(&stat));
        match kind_of(&stat) {
            SFlag::S_IFLNK => {
                let target = readlinkat(directory, name).map_err(failed)?.into();
                Ok(State::Link { target, owner })
            }
            SFlag::S_IFDIR => Ok(State::Directory { mode, owner }),
            SFlag::S_IFREG => read_file(directory, name, shown),
            _ => Err(Failure::new(format!("{} is neither a file, a link nor a directory", shown.display()))),
        }
    }

    /// The same thing for a person who reads it; who may read it does not count.
    pub(crate) fn says_the_same(&self, other: &State) -> bool {
        match (self, other) {
            (State::File { contents, .. }, State::File { contents: others, .. }) => contents == others,
            (State::Link { target, .. }, State::Link { target: others, .. }) => target == others,
            (State::Directory { .. }, State::Directory { .. }) | (State::Absent, State::Absent) => true,
            _ => false,
        }
    }

    /// Whether `other` may be put in its place in one step: nothing turns a directory into something else.
    pub(crate) fn can_become(&self, other: &State) -> bool {
        let is_directory = |state: &State| matches!(state, State::Directory { .. });
        let is_entry = |state: &State| matches!(state, State::File { .. } | State::Link { .. });
        !(is_directory(self) && is_entry(other) || is_entry(self) && is_directory(other))
    }

    /// A file's bytes; none for everything else.
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            State::File { contents, .. } => contents,
            _ => b"",
        }
    }
}

impl Owner {
    pub(crate) fn of(stat: &FileStat) -> Owner {
        Owner { user: stat.st_uid, group: stat.st_gid }
    }
}

pub(crate) fn stat_at(directory: impl AsFd, name: &OsStr) -> Result<FileStat, Errno> {
    fstatat(directory, name, AtFlags::AT_SYMLINK_NOFOLLOW)
}

pub(crate) fn kind_of(stat: &FileStat) -> SFlag {
    SFlag::from_bits_truncate(stat.st_mode & SFlag::S_IFMT.bits())
}

/// Whether a file of these bytes can be looked at again.
pub(crate) fn check_size(contents: &[u8], shown: &Path) -> Result<(), Failure> {
    if contents.len() as u64 > LARGEST {
        return Err(Failure::new(format!("{} is larger than {LARGEST} bytes", shown.display())));
    }
    Ok(())
}

fn read_file(directory: &OwnedFd, name: &OsStr, shown: &Path) -> Result<State, Failure> {
    let failed = |errno| Failure::of("read", shown, errno);
    // A pipe that took the file's place since must not hold us.
    let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    let opened = openat(directory, name, flags, Mode::empty()).map_err(failed)?;
    let stat = fstat(&opened).map_err(failed)?;
    let mut contents = Vec::new();
    let read = File::from(opened).take(LARGEST + 1).read_to_end(&mut contents);
    read.map_err(|error| Failure::of_io("read", shown, &error))?;
    check_size(&contents, shown)?;
    Ok(State::File { contents, mode: stat.st_mode & 0o7777, owner: Owner::of(&stat) })
}
