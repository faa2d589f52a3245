//! Extended attributes of a file, and with them access control lists: carries them to the file that takes its place. Knows
//! none of them.

use nix::errno::Errno;
use rustix::fs::{XattrFlags, fgetxattr, flistxattr, fsetxattr};
use rustix::io;
use std::os::fd::AsFd;

/// The kernel allows no more, of names and of one value (xattr(7)).
const LARGEST: usize = 64 << 10;

/// What the kernel or its security modules give a file themselves, and may refuse to take from us.
const OF_THE_SYSTEM: &[&[u8]] = &[b"security.", b"trusted."];

/// Without its access control list, a file that keeps its mode is open to its whole group.
pub(crate) fn carry(from: impl AsFd, to: impl AsFd) -> Result<(), Errno> {
    let mut names = vec![0; LARGEST];
    let length = match flistxattr(&from, &mut names) {
        Err(io::Errno::NOTSUP) => return Ok(()),
        other => other.map_err(errno)?,
    };
    for name in names[..length].split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        let mut value = vec![0; LARGEST];
        let length = fgetxattr(&from, name, &mut value).map_err(errno)?;
        let set = fsetxattr(&to, name, &value[..length], XattrFlags::empty());
        if !OF_THE_SYSTEM.iter().any(|prefix| name.starts_with(prefix)) {
            set.map_err(errno)?;
        }
    }
    Ok(())
}

fn errno(error: io::Errno) -> Errno {
    Errno::from_raw(error.raw_os_error())
}
