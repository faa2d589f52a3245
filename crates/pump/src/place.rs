//! The include server's directory: whose it must be, the socket in it, and the file that names the process. Knows nothing of
//! what is said on the socket.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File};
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process;
use std::time::Duration;

use nix::fcntl::OFlag;
use nix::unistd::geteuid;

/// The name of the socket in its directory.
const SOCKET: &str = "socket";
/// The name of the file that names the process.
const PID: &str = "pid";

/// A directory in which we listen; dropping it takes away what we have put there and nobody has replaced.
#[derive(Debug)]
pub(crate) struct Place {
    path: PathBuf,
    directory: File,
    /// Device and inode of our socket's name.
    socket: (u64, u64),
}

impl Place {
    /// Makes the directory where it is missing, though not the one it is in, and listens there. From the moment that the
    /// socket has its name, connections succeed. `None`: somebody listens there already.
    ///
    /// # Errors
    /// The directory is not ours alone, or no socket can be made in it.
    pub(crate) fn take(path: &Path) -> io::Result<Option<(Place, UnixListener)>> {
        match DirBuilder::new().mode(0o700).create(path) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let directory = open_ours(path)?;
        // A socket's address has no room for long names.
        let short = PathBuf::from(format!("/proc/self/fd/{}", directory.as_raw_fd()));
        if UnixStream::connect(short.join(SOCKET)).is_ok() {
            return Ok(None);
        }
        let (name, own) = (short.join(SOCKET), short.join(format!("{SOCKET}.{}", process::id())));
        // Somebody with our number may have died here.
        let _ = fs::remove_file(&own);
        let listener = UnixListener::bind(&own)?;
        let made = fs::symlink_metadata(&own)?;
        fs::rename(&own, &name).inspect_err(|_| drop(fs::remove_file(&own)))?;
        let place = Place { path: path.to_owned(), directory, socket: (made.dev(), made.ino()) };
        // On a full disk this may fail, and the server serves all the same.
        let _ = place.put(PID, format!("{}\n", process::id()).as_bytes());
        Ok(Some((place, listener)))
    }

    /// Whether a client that looks for us finds us.
    pub(crate) fn is_ours(&self) -> bool {
        let found = fs::symlink_metadata(self.path.join(SOCKET));
        found.is_ok_and(|found| (found.dev(), found.ino()) == self.socket)
    }

    /// Lets no further client find us.
    pub(crate) fn withdraw(&self) {
        if self.is_ours() {
            let _ = fs::remove_file(self.inside(SOCKET));
        }
    }

    /// Takes away what we have put here and nobody has replaced.
    pub(crate) fn leave(&self) {
        self.withdraw();
        let pid = self.inside(PID);
        if fs::read_to_string(&pid).is_ok_and(|text| text.trim() == process::id().to_string()) {
            let _ = fs::remove_file(pid);
        }
    }

    /// A file of this name for adding to, made where it is missing.
    ///
    /// # Errors
    /// It cannot be opened.
    pub(crate) fn append(&self, name: &str) -> io::Result<File> {
        let mut options = File::options();
        options.append(true).create(true).mode(0o600).custom_flags(OFlag::O_NOFOLLOW.bits());
        options.open(self.inside(name))
    }

    /// Removes a file of this name in which nothing was written for as long as `age`.
    pub(crate) fn forget(&self, name: &str, age: Duration) {
        let path = self.inside(name);
        let written = fs::symlink_metadata(&path).and_then(|found| found.modified());
        if written.is_ok_and(|written| written.elapsed().is_ok_and(|since| since >= age)) {
            let _ = fs::remove_file(path);
        }
    }

    /// All of a file or nothing.
    fn put(&self, name: &str, content: &[u8]) -> io::Result<()> {
        let draft = self.inside(format!("{name}.{}", process::id()));
        let written = File::create(&draft).and_then(|mut file| file.write_all(content));
        written
            .and_then(|()| fs::rename(&draft, self.inside(name)))
            .inspect_err(|_| drop(fs::remove_file(&draft)))
    }

    fn inside(&self, name: impl AsRef<OsStr>) -> PathBuf {
        Path::new("/proc/self/fd").join(self.directory.as_raw_fd().to_string()).join(name.as_ref())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.leave();
    }
}

/// What others could write to, or a link to somewhere, is not a place to listen.
fn open_ours(path: &Path) -> io::Result<File> {
    let flags = (OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW).bits();
    let directory = File::options().read(true).custom_flags(flags).open(path)?;
    let found = directory.metadata()?;
    if found.uid() != geteuid().as_raw() || found.mode() & 0o077 != 0 {
        return Err(io::Error::new(ErrorKind::PermissionDenied, "it is not for our user alone (mode 0700)"));
    }
    Ok(directory)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_place_is_made_and_left_as_it_was() {
        let parent = tempfile::tempdir().unwrap();
        // Longer than a socket's address may be.
        let directory = parent.path().join("d".repeat(200));
        let (place, _listener) = Place::take(&directory).unwrap().unwrap();
        assert_eq!(fs::metadata(&directory).unwrap().mode() & 0o777, 0o700);
        assert_eq!(names(&directory), ["pid", "socket"]);
        assert!(place.is_ours());
        assert!(Place::take(&directory).unwrap().is_none());
        drop(place);
        assert!(names(&directory).is_empty());
    }

    #[test]
    fn what_a_dead_server_left_is_replaced_and_what_a_live_one_put_there_stays() {
        let parent = tempfile::tempdir().unwrap();
        let directory = parent.path().join("d");
        DirBuilder::new().mode(0o700).create(&directory).unwrap();
        drop(UnixListener::bind(directory.join(SOCKET)).unwrap());
        fs::write(directory.join(PID), "1\n").unwrap();
        let (place, _listener) = Place::take(&directory).unwrap().unwrap();
        assert!(place.is_ours());
        fs::remove_file(directory.join(SOCKET)).unwrap();
        assert!(!place.is_ours());
        let (next, _listening) = Place::take(&directory).unwrap().unwrap();
        drop(place);
        assert!(next.is_ours());
    }

    #[test]
    fn only_a_directory_of_ours_alone_will_do() {
        let parent = tempfile::tempdir().unwrap();
        let refused = |path: &Path| Place::take(path).is_err();
        let open = parent.path().join("open");
        fs::create_dir(&open).unwrap();
        fs::set_permissions(&open, Permissions::from_mode(0o750)).unwrap();
        assert!(refused(&open));
        fs::set_permissions(&open, Permissions::from_mode(0o700)).unwrap();
        symlink(&open, parent.path().join("link")).unwrap();
        assert!(refused(&parent.path().join("link")));
        fs::write(parent.path().join("file"), "").unwrap();
        assert!(refused(&parent.path().join("file")));
        assert!(refused(&parent.path().join("none/below")));
        assert!(!refused(&open));
    }
}
