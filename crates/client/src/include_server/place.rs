//! Where the include server of this user listens: a directory that nobody else can write to. Knows nothing of what is said
//! there.

use super::{Absent, News, TROUBLE};
use crate::settings::Settings;
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, connect, socket};
use nix::sys::utsname::uname;
use nix::unistd::geteuid;
use std::cell::Cell;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

/// The name that our server gives its socket.
const SOCKET: &str = "socket";
/// What the server writes into its directory of what its scans have missed.
const DISCREPANCIES: &str = "discrepancies";
/// Nobody reads more.
const MOST_DISCREPANCIES: usize = 10;

/// An open directory, and the name of the socket in it.
#[derive(Debug)]
pub(super) struct Place {
    path: PathBuf,
    directory: File,
    socket: OsString,
    /// It is the only one that the user's environment gives: an include server was there once.
    named: bool,
    /// Where it should have been, and there is nothing any more.
    instead_of: Option<PathBuf>,
    /// Device and inode of the socket that was connected to.
    connected: Cell<Option<(u64, u64)>>,
}

/// Why a connection failed.
#[derive(Debug)]
pub(super) enum NoLine {
    /// Nobody listens; `died`: somebody did, and has not ended as it should.
    Nobody { died: bool },
    /// Too many wait for it.
    Busy,
    /// The kernel refused.
    Io(io::Error),
}

impl fmt::Display for NoLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoLine::Nobody { .. } => f.write_str("the include server has gone"),
            NoLine::Busy => f.write_str("the include server has too many clients"),
            NoLine::Io(error) => write!(f, "the include server cannot be reached: {error}"),
        }
    }
}

/// The directory of the socket that `INCLUDE_SERVER_PORT` names, else the user's own for this machine.
pub(crate) fn directory(settings: &Settings) -> Option<PathBuf> {
    match &settings.include_server_port {
        Some(port) => port.parent().map(Path::to_owned),
        None => own(settings),
    }
}

/// Machines that share a home directory do not share a server.
fn own(settings: &Settings) -> Option<PathBuf> {
    let machine = uname().map(|names| names.nodename().to_owned()).unwrap_or_default();
    let mut name = OsString::from(format!("pump-{}-", geteuid()));
    name.push(OsStr::from_bytes(
        &machine.as_bytes().split(|byte| *byte == b'/').collect::<Vec<_>>().concat(),
    ));
    Some(settings.state_dir.as_ref()?.path.join(name))
}

impl Place {
    /// Opens it, and makes it where a server may be started.
    ///
    /// # Errors
    /// [`Absent`].
    pub(super) fn find(settings: &Settings) -> Result<Place, Absent> {
        let mut instead_of = None;
        if let Some(port) = &settings.include_server_port {
            let (Some(path), Some(socket)) = (port.parent(), port.file_name()) else {
                return Err(Absent::Gone(format!("INCLUDE_SERVER_PORT={} names no socket", port.display())));
            };
            match Place::open(path, socket, true) {
                Err(error) if error.kind() == io::ErrorKind::NotFound && settings.include_server => {
                    instead_of = Some(path.to_owned());
                }
                opened => return opened.map_err(|error| unusable(path, &error)),
            }
        }
        Ok(Place { instead_of, ..Place::find_own(settings)? })
    }

    fn find_own(settings: &Settings) -> Result<Place, Absent> {
        let nowhere =
            || Absent::Gone("there is no directory for an include server: set DISTCC_DIR".to_owned());
        let path = own(settings).ok_or_else(nowhere)?;
        match Place::open(&path, OsStr::new(SOCKET), false) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            opened => return opened.map_err(|error| unusable(&path, &error)),
        }
        if !settings.include_server {
            return Err(Absent::SwitchedOff);
        }
        let made = make(&path, settings).and_then(|()| Place::open(&path, OsStr::new(SOCKET), false));
        made.map_err(|error| unusable(&path, &error))
    }

    /// What others could write to, or a link to somewhere, is no place to say what we compile.
    fn open(path: &Path, socket: &OsStr, named: bool) -> io::Result<Place> {
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW;
        let directory = File::options().read(true).custom_flags(flags.bits()).open(path)?;
        let found = directory.metadata()?;
        if found.uid() != geteuid().as_raw() || found.mode() & 0o077 != 0 {
            let why = "it is not for this user alone (mode 0700)";
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
        }
        let (path, socket) = (path.to_owned(), socket.to_owned());
        Ok(Place { path, directory, socket, named, instead_of: None, connected: Cell::new(None) })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether a server of ours would be found here.
    pub(super) fn suits_ours(&self) -> bool {
        self.socket == SOCKET
    }

    /// A file in it, through the open directory: a socket's address has no room for long names.
    pub(super) fn inside(&self, name: impl AsRef<Path>) -> PathBuf {
        Path::new("/proc/self/fd").join(self.directory.as_raw_fd().to_string()).join(name)
    }

    /// Connects without waiting.
    ///
    /// # Errors
    /// [`NoLine`].
    pub(super) fn connect(&self) -> Result<UnixStream, NoLine> {
        let name = self.inside(&self.socket);
        self.connected.set(identity(&name));
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let stream = || -> nix::Result<OwnedFd> {
            let stream = socket(AddressFamily::Unix, SockType::Stream, flags, None)?;
            connect(stream.as_raw_fd(), &UnixAddr::new(&name)?).map(|()| stream)
        };
        match stream() {
            Ok(stream) => Ok(UnixStream::from(stream)),
            Err(Errno::EAGAIN) => Err(NoLine::Busy),
            Err(Errno::ENOENT) => Err(NoLine::Nobody { died: self.named }),
            Err(Errno::ECONNREFUSED) => Err(NoLine::Nobody { died: true }),
            Err(error) => Err(NoLine::Io(error.into())),
        }
    }

    /// Takes away the socket that was connected to, so that the next client starts another server. The old one ends when
    /// it finds that out.
    pub(super) fn vacate(&self) {
        let name = self.inside(&self.socket);
        if self.connected.get().is_some_and(|connected| identity(&name) == Some(connected)) {
            let _ = fs::remove_file(name);
        }
    }

    /// What people should know of it.
    pub(super) fn news(&self) -> Vec<News> {
        let gone = self.instead_of.iter().map(|path| News {
            subject: TROUBLE.to_owned(),
            sentence: format!(
                "the include server's directory {} is gone: another server is used",
                path.display()
            ),
        });
        let text = fs::read(self.inside(DISCREPANCIES)).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let missed = text.lines().take(MOST_DISCREPANCIES).map(|line| News {
            subject: format!("discrepancy {line}"),
            sentence: format!(
                "the include server has missed a file that a source needs; please report this: {line}"
            ),
        });
        gone.chain(missed).collect()
    }
}

fn unusable(path: &Path, error: &io::Error) -> Absent {
    Absent::Gone(format!("no include server can be in {}: {error}", path.display()))
}

/// Makes the directory; the one it is in is ours to make only if the user has not named it.
fn make(path: &Path, settings: &Settings) -> io::Result<()> {
    if let Some(state) = settings.state_dir.as_ref().filter(|state| state.create) {
        fs::create_dir_all(&state.path)?;
    }
    match DirBuilder::new().mode(0o700).create(path) {
        // Another client has made it.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}

fn identity(name: &Path) -> Option<(u64, u64)> {
    fs::symlink_metadata(name).ok().map(|found| (found.dev(), found.ino()))
}
