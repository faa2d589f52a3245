//! Small files that remember something for the next client, in directories where other users may write, too. Knows nothing
//! of what they say.

use nix::libc;
use nix::unistd::geteuid;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

/// Neither a pipe nor a link of another user is to hold us up or lead us elsewhere.
pub(crate) fn with_care() -> OpenOptions {
    let mut options = File::options();
    options.custom_flags(libc::O_NONBLOCK | libc::O_NOFOLLOW);
    options
}

/// What another user has put there is not believed.
///
/// # Errors
/// `PermissionDenied` if that is so, or it is no file.
pub(crate) fn ours(file: File) -> io::Result<(File, Metadata)> {
    let about = file.metadata()?;
    let is_ours = about.is_file() && about.uid() == geteuid().as_raw();
    if is_ours { Ok((file, about)) } else { Err(io::ErrorKind::PermissionDenied.into()) }
}

/// At most the first `longest` bytes of a file of ours, unless it was written longer ago than it is `believed`.
pub(crate) fn recall(file: &Path, longest: u64, believed: Duration) -> Option<String> {
    let (file, about) = ours(with_care().read(true).open(file).ok()?).ok()?;
    let age = about.modified().ok()?.elapsed().ok()?;
    let mut text = String::new();
    file.take(longest).read_to_string(&mut text).ok()?;
    (age < believed).then_some(text)
}

/// Writes all of it, opened with these `options` besides; its directory is made if need be. What cannot be written is found
/// out again.
pub(crate) fn keep(mut options: OpenOptions, file: &Path, bytes: &[u8]) {
    options.write(true).create(true).truncate(true);
    let write = || options.open(file)?.write_all(bytes);
    if let (Err(_), Some(directory)) = (write(), file.parent()) {
        let _ = fs::create_dir(directory).and_then(|()| write());
    }
}
