//! What files say, kept from job to job: each is read once, and what is sent is what was scanned. Finds no file.

use crate::dialect::Dialect;
use crate::directive::Directives;
use crate::features;
use crate::not_covered::NotCovered;
use crate::stamp::{Stamp, kind_of};
use crate::symbol::Symbols;
use rustc_hash::FxHashMap;
use rustix::fs::{Mode, OFlags};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

/// Longer ones are no sources.
const LONGEST: u64 = 64 << 20;
/// A file that changes as often while it is read is left to the compiler.
const MOST_TRIES: u32 = 3;
const SHARDS: usize = 16;
/// What a file costs beside its directives and its body: this record and its place in the table.
const OVERHEAD: usize = 200;

/// All files that were read.
#[derive(Default)]
pub(crate) struct Files {
    shards: [Shard; SHARDS],
    memory: AtomicUsize,
    /// Counts uses, so that the oldest can be told.
    clock: AtomicU64,
}

/// By device and inode.
type Shard = Mutex<FxHashMap<(u64, u64), Arc<KeptFile>>>;

/// One file as it was read.
pub(crate) struct KeptFile {
    stamp: Stamp,
    /// No change after the reading can have left the stamp as it was.
    settled: bool,
    /// Packed for the wire; None where the file is not for sending.
    body: Option<Arc<[u8]>>,
    /// One for most files: few are cut differently in C and in C++.
    readings: Mutex<Vec<(Dialect, Arc<Directives>)>>,
    used: AtomicU64,
    memory: AtomicUsize,
}

impl Files {
    /// The file as kept, if it still is what it was. `with_body`: it will be sent.
    pub(crate) fn kept(&self, stamp: &Stamp, with_body: bool) -> Option<Arc<KeptFile>> {
        let used = self.clock.fetch_add(1, Ordering::Relaxed);
        let shard = self.shard(stamp).lock().unwrap_or_else(PoisonError::into_inner);
        let kept = shard.get(&(stamp.device, stamp.inode)).filter(|kept| kept.serves(stamp, with_body))?;
        kept.used.store(used, Ordering::Relaxed);
        Some(Arc::clone(kept))
    }

    /// Reads the file now, by its canonical name, and keeps it. `reading`: how it will be scanned, if it will.
    pub(crate) fn read(
        &self,
        name: &[u8],
        with_body: bool,
        reading: Option<(Dialect, &Symbols)>,
    ) -> Result<Arc<KeptFile>, NotCovered> {
        let used = self.clock.fetch_add(1, Ordering::Relaxed);
        let read = Arc::new(KeptFile::read(name, with_body, reading, used)?);
        self.memory.fetch_add(read.memory.load(Ordering::Relaxed), Ordering::Relaxed);
        let mut shard = self.shard(&read.stamp).lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(old) = shard.insert((read.stamp.device, read.stamp.inode), Arc::clone(&read)) {
            self.memory.fetch_sub(old.memory.load(Ordering::Relaxed), Ordering::Relaxed);
        }
        Ok(read)
    }

    /// Reads a kept file's text in one more dialect.
    pub(crate) fn read_again(
        &self,
        kept: &KeptFile,
        name: &[u8],
        dialect: Dialect,
        symbols: &Symbols,
    ) -> Result<Arc<Directives>, NotCovered> {
        let directives = Arc::new(Directives::parse(&kept.text(name)?, dialect, symbols));
        let mut readings = kept.readings.lock().unwrap_or_else(PoisonError::into_inner);
        readings.push((dialect, Arc::clone(&directives)));
        kept.memory.fetch_add(directives.memory(), Ordering::Relaxed);
        self.memory.fetch_add(directives.memory(), Ordering::Relaxed);
        Ok(directives)
    }

    fn shard(&self, stamp: &Stamp) -> &Shard {
        &self.shards[stamp.inode as usize % SHARDS]
    }

    pub(crate) fn memory(&self) -> usize {
        self.memory.load(Ordering::Relaxed)
    }

    /// Lets go of the files that were not used for longest until the rest takes no more than `bytes`. Jobs that use one
    /// keep it.
    pub(crate) fn shrink(&self, bytes: usize) {
        let mut all: Vec<(u64, usize, (u64, u64), usize)> = Vec::new();
        for (at, shard) in self.shards.iter().enumerate() {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            all.extend(shard.iter().map(|(key, kept)| {
                (kept.used.load(Ordering::Relaxed), at, *key, kept.memory.load(Ordering::Relaxed))
            }));
        }
        all.sort_unstable();
        for (_, at, key, _) in all {
            if self.memory() <= bytes {
                return;
            }
            let mut shard = self.shards[at].lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(gone) = shard.remove(&key) {
                self.memory.fetch_sub(gone.memory.load(Ordering::Relaxed), Ordering::Relaxed);
            }
        }
    }
}

impl KeptFile {
    /// Packed for the wire.
    pub(crate) fn body(&self) -> Option<&Arc<[u8]>> {
        self.body.as_ref()
    }

    /// What it says in a dialect, if it was read so.
    pub(crate) fn directives(&self, dialect: Dialect) -> Option<Arc<Directives>> {
        let readings = self.readings.lock().unwrap_or_else(PoisonError::into_inner);
        let mut readings = readings.iter();
        let reading = readings.find(|(of, directives)| *of == dialect || directives.suits(dialect));
        reading.map(|(_, directives)| Arc::clone(directives))
    }

    fn serves(&self, stamp: &Stamp, with_body: bool) -> bool {
        self.settled && self.stamp == *stamp && (self.body.is_some() || !with_body)
    }

    fn read(
        name: &[u8],
        with_body: bool,
        reading: Option<(Dialect, &Symbols)>,
        used: u64,
    ) -> Result<KeptFile, NotCovered> {
        let (stamp, settled, text) = read_still(name)?;
        if reading.is_some() {
            features::hear(&text);
        }
        let body: Option<Arc<[u8]>> = with_body.then(|| protocol::pack_file(&text).into());
        let readings: Vec<_> = reading
            .into_iter()
            .map(|(dialect, symbols)| (dialect, Arc::new(Directives::parse(&text, dialect, symbols))))
            .collect();
        let directives: usize = readings.iter().map(|(_, directives)| directives.memory()).sum();
        let memory = OVERHEAD + directives + body.as_ref().map_or(0, |body| body.len());
        Ok(KeptFile {
            stamp,
            settled,
            body,
            readings: readings.into(),
            used: used.into(),
            memory: memory.into(),
        })
    }

    /// The bytes that were read.
    fn text(&self, name: &[u8]) -> Result<Vec<u8>, NotCovered> {
        if let Some(body) = &self.body {
            let limit = usize::try_from(self.stamp.size).unwrap_or(usize::MAX);
            return protocol::unpack(body, limit).map_err(|error| unreadable(name, &error.to_string()));
        }
        let (stamp, _, text) = read_still(name)?;
        if stamp == self.stamp { Ok(text) } else { Err(changing(name)) }
    }
}

/// A regular file as it was at one moment.
fn read_still(name: &[u8]) -> Result<(Stamp, bool, Vec<u8>), NotCovered> {
    for _ in 0..MOST_TRIES {
        let now = SystemTime::now();
        let (before, text, after) = read_once(name).map_err(|error| unreadable(name, &error.to_string()))?;
        if before == after && before.size == text.len() as u64 {
            return Ok((before, before.is_settled(now), text));
        }
    }
    Err(changing(name))
}

fn read_once(name: &[u8]) -> io::Result<(Stamp, Vec<u8>, Stamp)> {
    // A pipe in a header's place would keep whoever opens it waiting.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NOCTTY;
    let mut file = File::from(rustix::fs::open(name, flags, Mode::empty())?);
    let stat = rustix::fs::fstat(&file)?;
    let stamp = Stamp::of(&stat);
    if !kind_of(&stat).is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    if stamp.size > LONGEST {
        return Err(io::Error::other("it is too long for a source"));
    }
    let mut text = Vec::with_capacity(usize::try_from(stamp.size).unwrap_or(0) + 1);
    file.by_ref().take(LONGEST + 1).read_to_end(&mut text)?;
    Ok((stamp, text, Stamp::of(&rustix::fs::fstat(&file)?)))
}

fn unreadable(name: &[u8], why: &str) -> NotCovered {
    NotCovered::new("unreadable", format!("cannot read {}: {why}", shown(name)))
}

fn changing(name: &[u8]) -> NotCovered {
    NotCovered::new("changes", format!("{} changes while it is read", shown(name)))
}

fn shown(name: &[u8]) -> std::path::Display<'_> {
    Path::new(std::ffi::OsStr::from_bytes(name)).display()
}
