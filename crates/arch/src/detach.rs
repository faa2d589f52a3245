//! Going on in the background, apart from whoever started us. Knows nothing of what is done there.

use nix::libc;
use nix::unistd::{ForkResult, dup2_stderr, dup2_stdin, dup2_stdout, fork, setsid};
use std::fs::File;
use std::io;

/// The process that was started ends; this goes on in a session of its own, without a terminal. Must be called while there is but one thread.
///
/// # Errors
/// No process can be made, or there is no `/dev/null`.
pub(crate) fn detach() -> io::Result<()> {
    match fork_single_threaded()? {
        ForkResult::Parent { .. } => std::process::exit(0),
        ForkResult::Child => setsid()?,
    };
    let null = File::options().read(true).write(true).open("/dev/null")?;
    dup2_stdin(&null)?;
    dup2_stdout(&null)?;
    Ok(dup2_stderr(&null)?)
}

/// Closes all but the standard streams: whoever waits for a pipe or a lock of the build must not wait for us. Must be
/// called before anything is opened.
#[allow(unsafe_code, reason = "what was inherited has no value that could be dropped")]
pub(crate) fn forget_inherited_files() {
    // SAFETY: nothing has been opened yet, so no value of this process owns one of them.
    unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, 0) };
}

#[allow(unsafe_code, reason = "a process that goes into the background has to fork")]
fn fork_single_threaded() -> nix::Result<ForkResult> {
    // SAFETY: the caller has started no thread yet, so no lock can be held by one that is missing in the child.
    unsafe { fork() }
}
