//! The trees of clients' files: as many as jobs at a time, kept for the jobs after them. Knows no compiler.

#[cfg(test)]
mod tests;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nix::fcntl::Flock;
use nix::sys::statvfs::statvfs;
use protocol::Limits;

use crate::names::{Directory, Names, Node};
use crate::store::{Allowance, Store};
use crate::tree::{Change, Stamp, check_untouched, let_the_clock_tick};
use crate::workspace::{self, Workspaces};

pub(crate) use crate::store::Trouble;

/// What is kept for later jobs takes at most this, in bytes, and never more than a quarter of what is free.
const KEPT_BYTES: u64 = 256 << 20;

/// One job may have a half of what is free, so that many jobs of one client leave some to the machine.
const PART_FOR_ONE: u64 = 2;

/// All trees without a job have at most so many files, links and directories.
const KEPT_NODES: usize = 200_000;

/// So many trees are kept however few jobs are done at a time: one for each directory that a build works in.
const LEAST_TREES: usize = 8;

/// Whether a compiler could change what it sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The tree will be mounted so that nothing can be written: its files are links into the store, and its system
    /// directories are empty.
    ReadOnly,
    /// The compiler runs in the tree itself: it has its own files, which are looked at before they are used again, and
    /// its system directories are links to the server's.
    Writable,
}

/// All trees of a daemon.
#[derive(Debug)]
pub(crate) struct Trees {
    most: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    base: Option<Arc<Base>>,
    /// Trees without a job; the last has been used last.
    idle: Vec<Kept>,
}

/// Where the trees are; dropping it removes all of them.
#[derive(Debug)]
struct Base {
    path: PathBuf,
    store: Store,
    /// What may be kept, in bytes.
    budget: u64,
    next: AtomicU64,
    _alive: Flock<File>,
}

/// One tree and what is in it.
#[derive(Debug)]
struct Kept {
    base: Arc<Base>,
    kind: Kind,
    root: PathBuf,
    entries: Directory,
    /// Where its client works.
    directory: PathBuf,
    nodes: usize,
    /// What its own files take, in bytes.
    bytes: u64,
}

/// The tree of one job; dropping it gives it to later jobs.
#[derive(Debug)]
pub(crate) struct Tree<'a> {
    trees: &'a Trees,
    kept: Option<Kept>,
    directory: PathBuf,
}

impl Trees {
    /// None yet, for a daemon that does so many jobs at a time.
    pub(crate) fn new(jobs: usize) -> Trees {
        Trees { most: jobs.max(LEAST_TREES), state: Mutex::default() }
    }

    /// A tree that has exactly these names. It takes as long as it takes to write what is new in it.
    ///
    /// # Errors
    /// What the client sent is damaged or too much, or this machine has no room.
    pub(crate) fn take(
        &self,
        names: Names,
        kind: Kind,
        workspaces: &Workspaces,
        limits: &Limits,
    ) -> Result<Tree<'_>, Trouble> {
        let directory = names.directory().to_owned();
        let mut wanted = names.into_root();
        let made = match self.pick(kind, &directory, workspaces)?.become_tree(&mut wanted, limits) {
            // Somebody has removed it all, or there is no room beside what is kept.
            Err(Trouble::Io(_)) => {
                self.forget();
                wanted.visit(&mut |named| named.there = false);
                self.pick(kind, &directory, workspaces)?.become_tree(&mut wanted, limits)
            }
            other => other,
        };
        let mut kept = made?;
        kept.entries = wanted;
        kept.settle();
        kept.directory.clone_from(&directory);
        let directory = kept.root.join(directory.strip_prefix("/").unwrap_or(&directory));
        Ok(Tree { trees: self, kept: Some(kept), directory })
    }

    /// Removes all trees without a job and what they were made of.
    pub(crate) fn forget(&self) {
        drop(std::mem::take(&mut *self.state()));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The tree that has most in common with the one to be, or an empty one.
    fn pick(&self, kind: Kind, directory: &Path, workspaces: &Workspaces) -> io::Result<Kept> {
        let mut state = self.state();
        let alike = state.idle.iter().rposition(|kept| kept.kind == kind && kept.directory == directory);
        let oldest = || state.idle.iter().position(|kept| kept.kind == kind);
        let full = state.idle.len() >= self.most;
        if let Some(at) = alike.or_else(|| if full { oldest() } else { None }) {
            return Ok(state.idle.remove(at));
        }
        let base = match &state.base {
            Some(base) => base.clone(),
            None => state.base.insert(Arc::new(Base::make(workspaces)?)).clone(),
        };
        drop(state);
        base.empty_tree(kind)
    }

    fn give_back(&self, kept: Kept) {
        let mut state = self.state();
        let current = state.base.as_ref().is_some_and(|base| Arc::ptr_eq(base, &kept.base));
        if !current {
            drop(state);
            return kept.remove();
        }
        state.idle.push(kept);
        while let Some(surplus) = state.surplus(self.most) {
            // It takes long on a disk, and others wait for the state.
            drop(state);
            surplus.remove();
            state = self.state();
        }
    }
}

impl State {
    /// The tree that has to go, if too much is kept. What no tree has goes first.
    fn surplus(&mut self, most: usize) -> Option<Kept> {
        let base = self.base.as_ref()?;
        let own: u64 = self.idle.iter().map(|kept| kept.bytes).sum();
        let nodes: usize = self.idle.iter().map(|kept| kept.nodes).sum();
        let over = own + base.store.shrink_to(base.budget.saturating_sub(own)) > base.budget;
        let too_much = over || nodes > KEPT_NODES || self.idle.len() > most;
        (too_much && !self.idle.is_empty()).then(|| self.idle.remove(0))
    }
}

impl Base {
    fn make(workspaces: &Workspaces) -> io::Result<Base> {
        let (path, alive) = workspaces.make_shared(KEPT_BYTES)?;
        let contents = path.join("store");
        fs::create_dir(&contents)?;
        let budget = KEPT_BYTES.min(free(&path) / 4);
        let store = Store::open(&contents)?;
        Ok(Base { path, store, budget, next: AtomicU64::new(0), _alive: alive })
    }

    fn empty_tree(self: Arc<Base>, kind: Kind) -> io::Result<Kept> {
        let root = self.path.join(self.next.fetch_add(1, Ordering::Relaxed).to_string());
        fs::create_dir(&root)?;
        Ok(Kept {
            base: self,
            kind,
            root,
            entries: Directory::default(),
            directory: PathBuf::new(),
            nodes: 0,
            bytes: 0,
        })
    }
}

/// What is free on the disk or in the memory behind `place`, in bytes.
fn free(place: &Path) -> u64 {
    statvfs(place).map_or(0, |found| found.blocks_available() * found.fragment_size())
}

impl Drop for Base {
    fn drop(&mut self) {
        workspace::remove(&self.path);
    }
}

impl Kept {
    /// Changes the tree into the one that is `wanted`.
    fn become_tree(mut self, wanted: &mut Directory, limits: &Limits) -> Result<Kept, Trouble> {
        let own = self.kind == Kind::Writable;
        if own && check_untouched(&self.root, &self.entries).is_err() {
            let base = self.base.clone();
            self.remove();
            self = base.empty_tree(Kind::Writable)?;
        }
        let base = self.base.clone();
        let allowed = Allowance { unpacked: limits.unpacked_bytes, disk: free(&base.path) / PART_FOR_ONE };
        let mut change = Change { store: (!own).then_some(&base.store), allowed, made: false };
        match change.apply(&self.root, &mut self.entries, wanted) {
            Ok(()) => {
                if change.made {
                    let_the_clock_tick();
                }
                Ok(self)
            }
            Err(trouble) => {
                self.release(wanted);
                self.remove();
                Err(trouble)
            }
        }
    }

    /// What came is on disk, and may be changed from now on.
    fn settle(&mut self) {
        let (mut nodes, mut bytes) = (0, 0);
        self.entries.visit(&mut |named| {
            nodes += 1;
            if let Node::File(file) = &mut named.node {
                file.body = Vec::new();
                bytes += file.stamp.as_ref().map_or(0, Stamp::size);
            }
        });
        (self.nodes, self.bytes) = (nodes, bytes);
    }

    fn remove(mut self) {
        workspace::remove(&self.root);
        let mut entries = std::mem::take(&mut self.entries);
        self.release(&mut entries);
    }

    /// Those of `entries` that are in this tree are so no more.
    fn release(&self, entries: &mut Directory) {
        if self.kind == Kind::Writable {
            return;
        }
        entries.visit(&mut |named| {
            if let (Node::File(file), true) = (&named.node, named.there) {
                self.base.store.release(&file.key);
                named.there = false;
            }
        });
    }
}

impl Tree<'_> {
    /// What is the client's root.
    pub(crate) fn root(&self) -> &Path {
        &self.kept().root
    }

    /// Where the client works, below the root and free of links.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    fn kept(&self) -> &Kept {
        self.kept.as_ref().expect("only dropping it takes it away")
    }
}

impl Drop for Tree<'_> {
    fn drop(&mut self) {
        if let Some(kept) = self.kept.take() {
            self.trees.give_back(kept);
        }
    }
}
