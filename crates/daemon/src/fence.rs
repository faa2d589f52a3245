//! Keeps a process to the files that it is given, by Landlock, where there is no view to do that. Knows nothing of what
//! it is given, and why.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::errno::Errno;
use nix::libc::{self, c_long};
use nix::sys::prctl::set_no_new_privs;
use tokio::process::Command;

/// Asks which version of Landlock there is.
const VERSION: u32 = 1;
/// A rule for what is at and below a path.
const PATH_BENEATH: c_long = 1;

/// Rights as the kernel numbers them.
mod right {
    pub(super) const RUN: u64 = 1;
    pub(super) const WRITE: u64 = 1 << 1;
    pub(super) const READ: u64 = 1 << 2;
    pub(super) const LIST: u64 = 1 << 3;
    /// Each version of Landlock has those below one of these.
    pub(super) const VERSIONS: [u64; 3] = [1 << 13, 1 << 14, 1 << 15];
}

/// What may be done with what is at and below a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum May {
    Read,
    Run,
    /// A device.
    ReadAndWrite,
    /// All but run.
    Change,
}

/// A fence; processes are put behind it one by one.
#[derive(Debug)]
pub(crate) struct Fence {
    rules: OwnedFd,
    handled: u64,
}

impl Fence {
    /// Nothing may be reached. None where the kernel has no Landlock.
    pub(crate) fn build() -> Option<Fence> {
        let version = usize::try_from(create(None).ok()?).ok().filter(|version| *version > 0)?;
        let handled = right::VERSIONS[version.min(right::VERSIONS.len()) - 1] - 1;
        let rules = create(Some(handled)).ok()?;
        Some(Fence { rules: owned(rules)?, handled })
    }

    /// Lets what is at `path` through, if there is anything.
    ///
    /// # Errors
    /// The kernel refuses.
    pub(crate) fn open(&self, path: &Path, may: May) -> io::Result<()> {
        let Ok(place) = File::options().read(true).custom_flags(libc::O_PATH).open(path) else {
            return Ok(());
        };
        let is_directory = place.metadata()?.is_dir();
        let rights = match may {
            May::Read => right::READ | right::LIST,
            May::Run => right::RUN | right::READ | right::LIST,
            May::ReadAndWrite => right::READ | right::WRITE,
            May::Change => self.handled & !right::RUN,
        };
        let rights = if is_directory { rights } else { rights & !right::LIST };
        add(&self.rules, rights & self.handled, &place).map_err(io::Error::from)
    }

    /// Has `command` run behind it.
    #[allow(unsafe_code, reason = "only between fork and exec is a process single and still ours")]
    pub(crate) fn keep(&self, command: &mut Command) -> io::Result<()> {
        let rules = self.rules.try_clone()?;
        // SAFETY: two system calls that touch no memory; nothing is allocated and no lock taken.
        unsafe {
            command.pre_exec(move || {
                set_no_new_privs()?;
                Ok(restrict(&rules)?)
            });
        }
        Ok(())
    }
}

/// A set of rules over these rights, or without any, which version there is.
#[allow(unsafe_code, reason = "neither nix nor rustix offers landlock(7)")]
fn create(handled: Option<u64>) -> nix::Result<c_long> {
    let (attributes, length, flags) = match &handled {
        Some(handled) => (std::ptr::from_ref(handled), size_of::<u64>(), 0),
        None => (std::ptr::null(), 0, VERSION),
    };
    // SAFETY: reads as many bytes as it is told, which are there.
    Errno::result(unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, attributes, length, flags) })
}

#[allow(unsafe_code, reason = "a descriptor comes as a number")]
fn owned(descriptor: c_long) -> Option<OwnedFd> {
    let descriptor = i32::try_from(descriptor).ok()?;
    // SAFETY: the kernel has just made it for us alone.
    Some(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

#[allow(unsafe_code, reason = "neither nix nor rustix offers landlock(7)")]
fn add(rules: &OwnedFd, rights: u64, place: &File) -> nix::Result<()> {
    /// As landlock(7) has it.
    #[repr(C, packed)]
    struct Beneath {
        rights: u64,
        place: i32,
    }
    let beneath = Beneath { rights, place: place.as_raw_fd() };
    // SAFETY: reads `beneath`, which is laid out as it expects.
    let done = unsafe {
        libc::syscall(libc::SYS_landlock_add_rule, rules.as_raw_fd(), PATH_BENEATH, &raw const beneath, 0)
    };
    Errno::result(done).map(drop)
}

#[allow(unsafe_code, reason = "neither nix nor rustix offers landlock(7)")]
fn restrict(rules: &OwnedFd) -> nix::Result<()> {
    // SAFETY: takes numbers only.
    Errno::result(unsafe { libc::syscall(libc::SYS_landlock_restrict_self, rules.as_raw_fd(), 0) }).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[tokio::test]
    async fn what_is_behind_the_fence() {
        let Some(fence) = Fence::build() else {
            eprintln!("SKIPPED: this kernel has no Landlock");
            return;
        };
        let place = tempfile::tempdir().unwrap();
        for name in ["read", "work", "closed"] {
            fs::create_dir(place.path().join(name)).unwrap();
            fs::write(place.path().join(name).join("file"), "x").unwrap();
        }
        for path in ["/usr", "/bin", "/lib", "/lib64", "/etc/ld.so.cache"] {
            fence.open(Path::new(path), May::Run).unwrap();
        }
        fence.open(&place.path().join("read"), May::Read).unwrap();
        fence.open(&place.path().join("work"), May::Change).unwrap();
        fence.open(&place.path().join("nowhere"), May::Change).unwrap();
        for (script, expected) in [
            ("cat read/file", true),
            ("cat closed/file", false),
            ("echo y >read/file", false),
            ("echo y >work/new && mv work/new work/old && rm work/old", true),
            ("cp /bin/true work/ && work/true", false),
            ("ls closed", false),
        ] {
            let mut command = Command::new("/bin/sh");
            command.args(["-c", script]).current_dir(place.path()).stderr(std::process::Stdio::null());
            fence.keep(&mut command).unwrap();
            assert_eq!(command.status().await.unwrap().success(), expected, "{script}");
        }
    }
}
