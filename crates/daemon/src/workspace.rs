//! The private directory of one job, in memory where there is room. Knows nothing of compilers.

use std::ffi::{OsStr, OsString};
use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use nix::fcntl::{Flock, FlockArg};
use nix::libc;
use nix::sys::statfs::{TMPFS_MAGIC, statfs};
use nix::unistd::{AccessFlags, access, getuid};

/// What the directory of a job is called, before the daemon's process id and a number.
const PREFIX: &str = "distccd-";
/// The same for one that stays; never one that the next daemon sweeps away.
const KEPT_PREFIX: &str = "distccd_kept-";

/// A compiler writes assembler text, then an object; both are seldom more than a few times its source.
const ROOM_PER_SOURCE_BYTE: u64 = 8;
const LEAST_ROOM: u64 = 64 << 20;
const LEAST_FILES: u64 = 64;

/// How many names are tried when someone else has them: in a container each daemon has the same process id, and finds
/// what those before it kept.
const ATTEMPTS: u32 = 10_000;

/// Where the directories of jobs are made.
#[derive(Debug)]
pub(crate) struct Workspaces {
    memory: Option<PathBuf>,
    disk: PathBuf,
    next: AtomicU64,
    /// Whether directories outlive their jobs.
    keep: bool,
}

/// A directory for one job with its source in it; dropping it removes the directory and whatever a compiler left, unless
/// it is to be kept.
#[derive(Debug)]
pub(crate) struct Workspace {
    path: PathBuf,
    beside: OsString,
    object: OsString,
    kept: bool,
    /// Held as long as the job lives: who can take it has found a dead daemon's directory.
    _alive: Flock<File>,
}

/// Whether this is the directory of a job of this daemon, by its name.
pub(crate) fn is_ours(directory: &Path) -> bool {
    let (name, id) = (directory.file_name().unwrap_or_default().as_bytes(), std::process::id());
    [PREFIX, KEPT_PREFIX].iter().any(|prefix| name.starts_with(format!("{prefix}{id}-").as_bytes()))
}

/// A name like those of jobs' directories, that stands for each of them where a compiler sees only its own.
pub(crate) fn name_for_all() -> String {
    format!("{PREFIX}{}-work", std::process::id())
}

impl Workspaces {
    /// Finds out where directories can be made, and removes those of daemons that died. `tmpdir` is where the user
    /// wants temporary files, and then nothing is put elsewhere.
    ///
    /// # Errors
    /// There is no place that can be written.
    pub(crate) fn open(tmpdir: Option<&Path>) -> io::Result<Workspaces> {
        let run = PathBuf::from(format!("/run/user/{}", getuid()));
        let memory = [Path::new("/dev/shm"), &run]
            .into_iter()
            .find(|place| has_room(place, 0) && check_writable(place).is_ok());
        let memory = memory.filter(|_| tmpdir.is_none()).map(Path::to_owned);
        let disk = tmpdir.unwrap_or(Path::new("/tmp")).to_owned();
        check_writable(&disk)?;
        memory.iter().chain([&disk]).for_each(|place| sweep(place));
        Ok(Workspaces { memory, disk, next: AtomicU64::new(0), keep: false })
    }

    /// The same, and if `keep`, directories stay after their jobs, on disk.
    pub(crate) fn keeping(self, keep: bool) -> Workspaces {
        Workspaces { memory: self.memory.filter(|_| !keep), keep, ..self }
    }

    /// Makes a directory for a job that compiles what the client calls `input`. Beside the object there will be a file
    /// with this extension, which has `text` in it.
    ///
    /// # Errors
    /// The disk is full, or what else the kernel says.
    pub(crate) fn make(&self, input: &Path, extension: &str, text: &[u8]) -> io::Result<Workspace> {
        let room = text.len() as u64 * ROOM_PER_SOURCE_BYTE;
        let place = self.memory.as_ref().filter(|place| has_room(place, room)).unwrap_or(&self.disk);
        let prefix = if self.keep { KEPT_PREFIX } else { PREFIX };
        let (path, alive) = self.make_directory(place, prefix)?;
        let stem = stem(input);
        let (beside, object) = (with_extension(&stem, extension), with_extension(&stem, "o"));
        let workspace = Workspace { path, beside, object, kept: self.keep, _alive: alive };
        fs::write(workspace.path.join(&workspace.beside), text)?;
        Ok(workspace)
    }

    /// Makes a directory that jobs share, of which they will want so many bytes, and what keeps others from sweeping it
    /// away.
    ///
    /// # Errors
    /// What the kernel says.
    pub(crate) fn make_shared(&self, room: u64) -> io::Result<(PathBuf, Flock<File>)> {
        let place = self.memory.as_ref().filter(|place| has_room(place, room)).unwrap_or(&self.disk);
        self.make_directory(place, PREFIX)
    }

    fn make_directory(&self, place: &Path, prefix: &str) -> io::Result<(PathBuf, Flock<File>)> {
        let mut error = io::Error::from(ErrorKind::AlreadyExists);
        for _ in 0..ATTEMPTS {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let path = place.join(format!("{prefix}{}-{number}", std::process::id()));
            match DirBuilder::new().mode(0o700).create(&path).and_then(|()| lock(&path)) {
                Ok(alive) => return Ok((path, alive)),
                Err(other) => error = other,
            }
            // A stranger has the name, or a daemon that sweeps took a directory so new for a dead one's.
            if !matches!(error.kind(), ErrorKind::AlreadyExists | ErrorKind::NotFound | ErrorKind::WouldBlock)
            {
                break;
            }
        }
        Err(error)
    }

    /// For the log: where jobs are done.
    pub(crate) fn describe(&self) -> String {
        let disk = self.disk.display();
        match &self.memory {
            Some(memory) => format!("{} (in memory), or in {disk} when that is full", memory.display()),
            None => disk.to_string(),
        }
    }
}

impl Workspace {
    /// Where it is; absolute.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it stays when the job is done.
    pub(crate) fn is_kept(&self) -> bool {
        self.kept
    }

    /// The name of the file in it, which is the client's with another extension, so that messages and objects name the
    /// client's file and never ours.
    pub(crate) fn beside(&self) -> &OsStr {
        &self.beside
    }

    /// Puts one more file into it.
    ///
    /// # Errors
    /// The disk is full, or what else the kernel says.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        fs::write(self.path.join(name), bytes)
    }

    /// The name of the object in it.
    pub(crate) fn object(&self) -> &OsStr {
        &self.object
    }

    /// How many bytes the object has, were it read.
    pub(crate) fn object_length(&self) -> usize {
        let found = fs::symlink_metadata(self.path.join(&self.object));
        found.map_or(0, |found| usize::try_from(found.len()).unwrap_or(usize::MAX))
    }

    /// The object; empty if the compiler made none, as it is when told to check syntax only.
    ///
    /// # Errors
    /// It is longer than `limit` bytes, or no plain file: a fifo would never end, and a link leads elsewhere.
    pub(crate) fn read_object(&self, limit: usize) -> io::Result<Vec<u8>> {
        self.read(&self.object, "the object", limit)
    }

    /// What is in the file beside it now.
    ///
    /// # Errors
    /// As for the object.
    pub(crate) fn read_beside(&self, limit: usize) -> io::Result<Vec<u8>> {
        self.read(&self.beside, "the file beside the object", limit)
    }

    fn read(&self, name: &OsStr, what: &str, limit: usize) -> io::Result<Vec<u8>> {
        let mut plainly = File::options();
        plainly.read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
        let file = match plainly.open(self.path.join(name)) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            other => other?,
        };
        let found = file.metadata()?;
        if !found.is_file() {
            return Err(io::Error::other(format!("{what} is not a file")));
        }
        let limit = limit as u64;
        if found.len() > limit {
            let length = found.len();
            return Err(io::Error::other(format!("{what}'s {length} bytes are over the limit of {limit}")));
        }
        let mut bytes = Vec::with_capacity(found.len() as usize);
        file.take(limit).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        if self.kept {
            return;
        }
        let _ = fs::remove_file(self.path.join(&self.beside));
        let _ = fs::remove_file(self.path.join(&self.object));
        // Only a compiler that left more files makes the costlier way needed.
        if fs::remove_dir(&self.path).is_err() {
            remove(&self.path);
        }
    }
}

/// Removes a directory with all that is in it, be it closed even to its owner.
pub(crate) fn remove(directory: &Path) {
    if fs::remove_dir_all(directory).is_ok() {
        return;
    }
    let mut closed = vec![directory.to_owned()];
    while let Some(directory) = closed.pop() {
        let _ = fs::set_permissions(&directory, Permissions::from_mode(0o700));
        let Ok(entries) = fs::read_dir(&directory) else { continue };
        let directories = entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        closed.extend(directories.map(|entry| entry.path()));
    }
    let _ = fs::remove_dir_all(directory);
}

fn stem(input: &Path) -> Vec<u8> {
    let stem = input.file_stem().map_or(&b"source"[..], OsStrExt::as_bytes);
    // Room for an extension, and for the suffixes that compilers put before theirs.
    let mut stem: Vec<u8> = stem.iter().take(180).copied().collect();
    stem.iter_mut().filter(|byte| byte.is_ascii_control()).for_each(|byte| *byte = b'_');
    if matches!(stem.first(), Some(b'-' | b'@')) {
        stem[0] = b'_';
    }
    stem
}

fn with_extension(stem: &[u8], extension: &str) -> OsString {
    OsString::from_vec([stem, b".", extension.as_bytes()].concat())
}

fn check_writable(place: &Path) -> io::Result<()> {
    Ok(access(place, AccessFlags::W_OK | AccessFlags::X_OK)?)
}

/// Whether `path` is on a file system in memory with `bytes` to spare, and never less than a small compile needs.
fn has_room(path: &Path, bytes: u64) -> bool {
    statfs(path).is_ok_and(|found| {
        let free = found.blocks_available() * found.block_size() as u64;
        // A tmpfs mounted without a limit on files counts none at all.
        let files = found.files() == 0 || found.files_free() >= LEAST_FILES;
        found.filesystem_type() == TMPFS_MAGIC && free >= bytes.max(LEAST_ROOM) && files
    })
}

/// Removes directories of daemons that were killed: they are ours, and nobody holds their lock.
fn sweep(place: &Path) {
    let Ok(entries) = fs::read_dir(place) else { return };
    for entry in entries.flatten().filter(|entry| entry.file_name().as_bytes().starts_with(PREFIX.as_bytes()))
    {
        let ours = entry.metadata().is_ok_and(|found| found.is_dir() && found.uid() == getuid().as_raw());
        if !ours {
            continue;
        }
        if let Ok(_dead) = lock(&entry.path()) {
            remove(&entry.path());
        }
    }
}

fn lock(directory: &Path) -> io::Result<Flock<File>> {
    let locked = Flock::lock(File::open(directory)?, FlockArg::LockExclusiveNonblock);
    locked.map_err(|(_, error)| io::Error::from(error))
}

#[cfg(test)]
mod tests;
