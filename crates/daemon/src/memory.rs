//! How much memory there is, and how that of past jobs does not stay with a daemon that waits. Knows nothing of jobs.

#[cfg(target_env = "gnu")]
use nix::libc;
use nix::unistd::{SysconfVar, sysconf};

/// How much of it this machine has, in bytes; 0 if nobody knows.
pub(crate) fn physical() -> u64 {
    let known = |variable| sysconf(variable).ok().flatten().and_then(|value| u64::try_from(value).ok());
    known(SysconfVar::_PHYS_PAGES).unwrap_or(0) * known(SysconfVar::PAGE_SIZE).unwrap_or(0)
}

/// Makes all threads share one heap. glibc otherwise gives each its own, and what the largest jobs used stays in every
/// one of them. To be called before there are threads.
#[cfg(target_env = "gnu")]
#[allow(unsafe_code, reason = "nothing safe speaks to the allocator")]
pub(crate) fn share_one_heap() {
    // SAFETY: takes two numbers; no other thread allocates yet.
    let _ = unsafe { libc::mallopt(libc::M_ARENA_MAX, 1) };
}

/// Gives the kernel back what is free.
#[cfg(target_env = "gnu")]
#[allow(unsafe_code, reason = "nothing safe speaks to the allocator")]
pub(crate) fn give_back() {
    // SAFETY: touches only memory that is free, under the allocator's own lock.
    let _ = unsafe { libc::malloc_trim(0) };
}

/// Other C libraries have no such heaps.
#[cfg(not(target_env = "gnu"))]
pub(crate) fn share_one_heap() {}

/// Other C libraries give back by themselves, or never.
#[cfg(not(target_env = "gnu"))]
pub(crate) fn give_back() {}
