//! Choosing a slot for one job, waiting while all are taken. Knows nothing of what the job is.

use std::io;

use nix::sys::signal::Signal;

use crate::backoff::Backoff;
use crate::candidates::{Candidates, Look};
use crate::host::Host;
use crate::queue::Queue;
use crate::signals::Mask;
use crate::slot::{LockDir, Slot};
use crate::watch::Watch;

/// Which slots would do.
#[derive(Debug, Clone, Copy)]
pub enum Pool<'a> {
    /// To compile or link on this machine.
    Local {
        /// How many may at once, `HostList::local_slots`.
        slots: u32,
    },
    /// To preprocess on this machine; on the same slot files, as in distcc 3.4, but commonly more of them.
    LocalCpp {
        /// How many may at once, `HostList::local_cpp_slots`.
        slots: u32,
    },
    /// Any of these hosts.
    Hosts(&'a [Host]),
}

/// What was chosen.
#[derive(Debug)]
pub struct Choice {
    /// The index of the host in the slice of [`Pool::Hosts`].
    pub host: Option<usize>,
    /// To be held as long as the job runs there.
    pub slot: Slot,
}

/// Takes a free slot, or sleeps until one is. Slot 0 of all hosts comes first, in list order, then slot 1, and so on;
/// hosts that are down or benched are left out, and those at the indexes `avoid`. None: no host may be used at all
/// (exit code 116).
///
/// The process must not hold another slot of the same host, for closing either would free both. While it waits, it
/// dies of INT, TERM and HUP by their default action even if they are blocked, so it should hold nothing then that
/// would stay behind.
///
/// # Errors
/// The lock files cannot be made or locked.
pub fn take(locks: &LockDir, pool: Pool, backoff: &Backoff, avoid: &[usize]) -> io::Result<Option<Choice>> {
    let candidates = Candidates::of(&pool, avoid, locks, backoff);
    if candidates.is_empty() {
        return Ok(None);
    }
    let queue = Queue::open(locks, &queue_name(&pool, &candidates))?;
    let mut client = Client { candidates, queue, watch: None };
    let taken = client.take(locks);
    client.leave();
    taken
}

/// The slot that [`take`] would give right now, if it is one of this machine and nobody waits: such a job need not be
/// made ready for sending. Takes no other slot and never waits.
///
/// # Errors
/// The lock files cannot be made or locked.
pub fn take_here(locks: &LockDir, hosts: &[Host], backoff: &Backoff) -> io::Result<Option<Slot>> {
    let pool = Pool::Hosts(hosts);
    let mut candidates = Candidates::of(&pool, &[], locks, backoff);
    let queue = Queue::open(locks, &queue_name(&pool, &candidates))?;
    let slot = if queue.enter()? { candidates.look_here()? } else { None };
    drop((candidates, queue));
    Ok(slot)
}

fn queue_name(pool: &Pool, candidates: &Candidates) -> String {
    match pool {
        Pool::Local { .. } => "queue_local".to_owned(),
        Pool::LocalCpp { .. } => "queue_cpp".to_owned(),
        Pool::Hosts(_) => format!("queue_hosts_{:016x}", candidates.fingerprint()),
    }
}

/// What a client has until it has a slot.
struct Client<'a> {
    candidates: Candidates<'a>,
    queue: Queue,
    watch: Option<Watch>,
}

impl Client<'_> {
    fn take(&mut self, locks: &LockDir) -> io::Result<Option<Choice>> {
        let mut is_head = self.queue.enter()?;
        if is_head && let Look::Decided(choice) = self.candidates.look()? {
            return Ok(choice);
        }
        let _mask = Mask::letting_through([Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP])?;
        while !is_head {
            is_head = self.queue.wait()?;
            if let Look::Decided(choice) = self.candidates.look()? {
                return Ok(choice);
            }
        }
        // Watched first and looked at then, or a slot freed in between would go unseen.
        let watch = self.watch.insert(Watch::on(locks.path()));
        loop {
            match self.candidates.look()? {
                Look::Decided(choice) => return Ok(choice),
                Look::Busy(until_due) => watch.sleep(until_due, |file| self.candidates.concern(file))?,
            }
        }
    }

    /// In this order: closing the other candidates would wake the next head of the queue for nothing, and ending the
    /// watch would keep it waiting.
    fn leave(self) {
        drop(self.candidates);
        drop(self.queue);
        if let Some(watch) = self.watch {
            watch.end();
        }
    }
}
