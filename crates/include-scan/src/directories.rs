//! Which names directories hold, kept from job to job; an absent name then costs no system call. Follows no link.

use crate::stamp::Stamp;
use rustc_hash::{FxBuildHasher, FxHashMap};
use rustix::fs::{Dir, Mode, OFlags};
use std::hash::BuildHasher;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

/// Descriptors stay open for as many directories: a name is found quicker below one.
const MOST_OPEN: usize = 400;
/// A directory with more names is asked name by name.
const MOST_NAMES: usize = 1 << 16;
/// File systems of which it is known that a name that is not listed cannot be opened, and that the time of a directory
/// changes with its names: ext4, btrfs, xfs, tmpfs, overlayfs, zfs, f2fs, bcachefs.
const EXACT: [u64; 8] =
    [0xef53, 0x9123_683e, 0x5846_5342, 0x0102_1994, 0x794c_7630, 0x2fc1_2fc1, 0xf2f5_2010, 0xca45_1a4e];
/// Directories of ext4 and f2fs that take `a.h` for `A.h` say so in this flag (`FS_CASEFOLD_FL`).
const FOLDS_CASE: u32 = 0x4000_0000;
const SHARDS: usize = 16;

/// All directories that were listed.
#[derive(Default)]
pub(crate) struct Directories {
    shards: [Shard; SHARDS],
    memory: AtomicUsize,
    open: Arc<AtomicUsize>,
}

/// By canonical name.
type Shard = Mutex<FxHashMap<Arc<[u8]>, Arc<Listing>>>;

/// One directory at one time.
pub(crate) struct Listing {
    stamp: Stamp,
    /// Hashes, sorted: an absent name may look present, never the other way round. None where names must be asked for.
    names: Option<Box<[u64]>>,
    /// No change after the listing can have left the stamp as it was.
    settled: bool,
    descriptor: Option<Kept>,
}

/// A descriptor that counts.
struct Kept {
    descriptor: OwnedFd,
    open: Arc<AtomicUsize>,
}

impl Directories {
    /// What was listed of a directory, if it is still the same directory. Its names may have changed since.
    pub(crate) fn kept(&self, name: &[u8], now: &Stamp) -> Option<Arc<Listing>> {
        let shard = self.shard(name).lock().unwrap_or_else(PoisonError::into_inner);
        let same = |known: &&Arc<Listing>| (known.stamp.device, known.stamp.inode) == (now.device, now.inode);
        shard.get(name).filter(same).cloned()
    }

    /// Lists a directory. None where it cannot be read.
    pub(crate) fn list(&self, name: &Arc<[u8]>) -> Option<Arc<Listing>> {
        let flags =
            OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let descriptor = rustix::fs::open(&name[..], flags, Mode::empty()).ok()?;
        let now = SystemTime::now();
        let stamp = Stamp::of(&rustix::fs::fstat(&descriptor).ok()?);
        let names = if is_exact(&descriptor) { names_in(&descriptor) } else { None };
        let listing = Arc::new(Listing {
            stamp,
            names,
            settled: stamp.is_settled(now),
            descriptor: self.keep(descriptor),
        });
        let mut shard = self.shard(name).lock().unwrap_or_else(PoisonError::into_inner);
        self.memory.fetch_add(name.len() + listing.memory(), Ordering::Relaxed);
        if let Some(old) = shard.insert(Arc::clone(name), Arc::clone(&listing)) {
            self.memory.fetch_sub(name.len() + old.memory(), Ordering::Relaxed);
        }
        Some(listing)
    }

    pub(crate) fn memory(&self) -> usize {
        self.memory.load(Ordering::Relaxed)
    }

    /// Forgets all listings; jobs that use one keep it.
    pub(crate) fn forget(&self) {
        for shard in &self.shards {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            let freed: usize = shard.iter().map(|(name, listing)| name.len() + listing.memory()).sum();
            shard.clear();
            self.memory.fetch_sub(freed, Ordering::Relaxed);
        }
    }

    fn keep(&self, descriptor: OwnedFd) -> Option<Kept> {
        let before = self.open.fetch_add(1, Ordering::Relaxed);
        let kept = Kept { descriptor, open: Arc::clone(&self.open) };
        (before < MOST_OPEN).then_some(kept)
    }

    fn shard(&self, name: &[u8]) -> &Shard {
        &self.shards[(FxBuildHasher.hash_one(name) >> 40) as usize % SHARDS]
    }
}

impl Listing {
    /// True when the listing tells for certain what a directory with this stamp lacks.
    pub(crate) fn tells_of(&self, now: &Stamp) -> bool {
        self.settled && self.stamp == *now && self.names.is_some()
    }

    /// True when asking name by name is the only way, however the names change.
    pub(crate) fn is_useless(&self) -> bool {
        self.names.is_none()
    }

    /// False when there is certainly no such name.
    pub(crate) fn may_hold(&self, name: &[u8]) -> bool {
        self.names.as_ref().is_none_or(|names| names.binary_search(&hash(name)).is_ok())
    }

    /// Open on the directory, if it could be kept.
    pub(crate) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.descriptor.as_ref().map(|kept| kept.descriptor.as_fd())
    }

    fn memory(&self) -> usize {
        const OVERHEAD: usize = 160;
        OVERHEAD + self.names.as_ref().map_or(0, |names| names.len() * 8)
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }
}

fn hash(name: &[u8]) -> u64 {
    FxBuildHasher.hash_one(name)
}

fn is_exact(directory: &OwnedFd) -> bool {
    let system = rustix::fs::fstatfs(directory).map(|system| system.f_type.cast_unsigned() & 0xffff_ffff);
    let folds_case = rustix::fs::ioctl_getflags(directory).is_ok_and(|flags| flags.bits() & FOLDS_CASE != 0);
    system.is_ok_and(|system| EXACT.contains(&system)) && !folds_case
}

fn names_in(directory: &OwnedFd) -> Option<Box<[u64]>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(directory).ok()? {
        names.push(hash(entry.ok()?.file_name().to_bytes()));
        if names.len() > MOST_NAMES {
            return None;
        }
    }
    names.sort_unstable();
    Some(names.into_boxed_slice())
}
