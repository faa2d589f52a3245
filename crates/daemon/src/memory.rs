//! Keeps the megabytes of past jobs from staying with a daemon that waits. Knows nothing of jobs.

#[cfg(target_env = "gnu")]
use nix::libc;

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
