//! System calls that change something, for programs that are killed at each of them. Knows no program.

use crate::need;
use std::path::PathBuf;

/// The calls that change a file system, or make a change durable; strace counts each for itself.
pub const CHANGING_CALLS: &[&str] = &[
    "mkdir",
    "mkdirat",
    "write",
    "fsync",
    "rename",
    "renameat",
    "renameat2",
    "linkat",
    "unlink",
    "unlinkat",
    "rmdir",
    "symlinkat",
    "fchown",
    "fchownat",
    "fchmod",
];

/// The program strace; none, said loudly, where it is missing.
pub fn strace() -> Option<PathBuf> {
    need::program("strace", "install strace")
}
