//! Lock files and record locks on their bytes, as distcc 3.4 takes them. Knows nothing of what a lock stands for.
//!
//! The locks are those of `fcntl(2)` with `F_SETLK`, which belong to the process. Other kinds would not do: distcc
//! 3.4 sees only these, and only these are gone before the kernel tells of the closing (`IN_CLOSE_WRITE`), so that
//! whoever is woken by it finds the lock free. Their price: a process that closes any descriptor of a file loses all
//! its locks on that file, so no process may open one twice.

use std::fs::File;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

/// The part of a file that a lock covers.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Bytes {
    /// All of it, however long it grows.
    All,
    /// The one at this offset, which need not exist.
    One(i64),
}

/// Several users may share the directory: neither a pipe nor a link of another one is to hold us up or lead us elsewhere.
pub(crate) const CAREFULLY: i32 = libc::O_NONBLOCK | libc::O_NOFOLLOW;

/// Opens a lock file, making it empty (0666 & ~umask) when missing. It is never deleted.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create(true).truncate(false).custom_flags(CAREFULLY);
    options.open(path).map_err(|error| {
        io::Error::new(error.kind(), format!("cannot open lock file {}: {error}", path.display()))
    })
}

/// Takes the lock if it is free; also true if this process has it already.
pub(crate) fn try_lock(file: &File, bytes: Bytes) -> io::Result<bool> {
    match fcntl(file, FcntlArg::F_SETLK(&request(libc::F_WRLCK, bytes))) {
        Ok(_) => Ok(true),
        Err(Errno::EAGAIN | Errno::EACCES) => Ok(false),
        Err(error) => Err(cannot_lock(error)),
    }
}

/// Takes all of the file, opened for reading, together with other readers, if nobody writes it.
pub(crate) fn try_share(file: &File) -> io::Result<bool> {
    match fcntl(file, FcntlArg::F_SETLK(&request(libc::F_RDLCK, Bytes::All))) {
        Ok(_) => Ok(true),
        Err(Errno::EAGAIN | Errno::EACCES) => Ok(false),
        Err(error) => Err(cannot_lock(error)),
    }
}

/// Sleeps until the lock is taken, or until a signal handler has run: then false.
pub(crate) fn wait_for_lock(file: &File, bytes: Bytes) -> io::Result<bool> {
    match fcntl(file, FcntlArg::F_SETLKW(&request(libc::F_WRLCK, bytes))) {
        Ok(_) => Ok(true),
        Err(Errno::EINTR) => Ok(false),
        Err(error) => Err(cannot_lock(error)),
    }
}

/// Lets go of what this process has locked there, without the event that closing the file would raise.
pub(crate) fn unlock(file: &File, bytes: Bytes) -> io::Result<()> {
    fcntl(file, FcntlArg::F_SETLK(&request(libc::F_UNLCK, bytes))).map(drop).map_err(cannot_lock)
}

/// The process that has the lock; 0 or less if it runs on another machine or in another pid namespace.
pub(crate) fn holder(file: &File, bytes: Bytes) -> io::Result<Option<i32>> {
    let mut lock = request(libc::F_WRLCK, bytes);
    fcntl(file, FcntlArg::F_GETLK(&mut lock)).map_err(cannot_lock)?;
    Ok((i32::from(lock.l_type) != libc::F_UNLCK).then_some(lock.l_pid))
}

fn request(kind: libc::c_int, bytes: Bytes) -> libc::flock {
    // To F_SETLK a length of 0 is all that follows.
    let (l_start, l_len) = match bytes {
        Bytes::All => (0, 0),
        Bytes::One(offset) => (offset, 1),
    };
    libc::flock { l_type: kind as i16, l_whence: libc::SEEK_SET as i16, l_start, l_len, l_pid: 0 }
}

fn cannot_lock(error: Errno) -> io::Error {
    let error = io::Error::from(error);
    io::Error::new(error.kind(), format!("cannot lock a file in the lock directory: {error}"))
}
