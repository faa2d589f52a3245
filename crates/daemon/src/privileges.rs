//! What the process may do and how politely: niceness, out-of-memory score, user. Knows nothing of jobs.

use std::fs;
use std::io;

use nix::errno::Errno;
use nix::libc;
use nix::sys::prctl;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::{Gid, Uid, User, getegid, geteuid, getgid, getuid, setgid, setgroups, setuid};

/// Whom root becomes without `--user`: distcc's own name for it, Debian's, and who is on every machine.
const SERVICE_USERS: &[&str] = &["distcc", "distccd", "nobody"];

/// The kernel's name for "nobody in particular", for a machine that knows none of them.
const OVERFLOW_ID: u32 = 65534;

/// Adds `increment` to the niceness of this process and of its future children, as far as the kernel allows.
///
/// # Errors
/// A negative increment without the right to it.
#[allow(unsafe_code, reason = "neither std nor nix offers nice(2)")]
pub(crate) fn be_nice(increment: i32) -> io::Result<()> {
    Errno::clear();
    // SAFETY: takes a number and touches no memory of ours.
    let niceness = unsafe { libc::nice(increment) };
    // -1 is also a niceness, so only errno tells.
    if niceness == -1 && Errno::last_raw() != 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Lets this process have so many files open. Children inherit that, so it is left alone where it is enough.
///
/// # Errors
/// The administrator allows fewer; then it is as many as there may be.
pub(crate) fn allow_open_files(count: u64) -> io::Result<()> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if count > soft {
        setrlimit(Resource::RLIMIT_NOFILE, count.min(hard), hard)?;
    }
    if count > hard { Err(io::Error::other(format!("the hard limit is {hard}"))) } else { Ok(()) }
}

/// How many files this process may have open.
pub(crate) fn open_files() -> u64 {
    // The kernel always knows; the smallest customary limit otherwise.
    getrlimit(Resource::RLIMIT_NOFILE).map_or(256, |(soft, _)| soft)
}

/// Tells the kernel how soon to kill this process and its future children when memory is short (-1000 to 1000).
///
/// # Errors
/// A number out of range, or a lower one than before without the right to it.
pub(crate) fn set_oom_score(adjustment: i32) -> io::Result<()> {
    fs::write("/proc/self/oom_score_adj", adjustment.to_string())
}

/// Root becomes `user`, or the service user of this machine, and can never become root again. Others stay who they
/// are; a line for the log tells what was odd.
///
/// # Errors
/// The kernel refuses, and going on would mean serving as root (exit code 112).
pub(crate) fn give_up_root(user: Option<&str>) -> io::Result<Option<String>> {
    if !getuid().is_root() && !geteuid().is_root() {
        return Ok(user.map(|user| format!("--user {user} is ignored: only root can become someone else")));
    }
    let known = |name: &str| User::from_name(name).ok().flatten();
    let asked = user.and_then(known);
    let odd = user.filter(|_| asked.is_none()).map(|user| format!("no such user as \"{user}\""));
    let found = asked.or_else(|| SERVICE_USERS.iter().find_map(|name| known(name)));
    let (uid, gid) =
        found.map_or((OVERFLOW_ID, OVERFLOW_ID), |found| (found.uid.as_raw(), found.gid.as_raw()));
    become_user(Uid::from_raw(uid), Gid::from_raw(gid))?;
    Ok(odd)
}

fn become_user(uid: Uid, gid: Gid) -> io::Result<()> {
    setgid(gid)?;
    setgroups(&[gid])?;
    setuid(uid)?;
    if uid.is_root() || [getuid(), geteuid()] != [uid, uid] || [getgid(), getegid()] != [gid, gid] {
        return Err(io::Error::other("still have root privileges after giving them up"));
    }
    prctl::set_no_new_privs()?;
    // Changing the user took away core dumps and our own files below /proc.
    Ok(prctl::set_dumpable(true)?)
}
