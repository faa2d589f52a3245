//! What all jobs together may hold of memory: requests until their compilers have them, and answers until their clients
//! have them. Knows nothing of either.
//!
//! Nobody waits for a share while he holds what others wait for, but for other shares; and there is always one that may
//! take more than is left, so that it comes to its end and gives back what it holds. All together never hold more than
//! the budget and that one.

use tokio::select;
use tokio::sync::{Semaphore, SemaphorePermit};

/// What every connection may hold besides, in bytes: a command, and a short source.
const FREE: usize = 128 * 1024;
const KIB: usize = 1024;

/// The budget of one daemon.
#[derive(Debug)]
pub(crate) struct Budget {
    kib: Semaphore,
    /// Whoever has this is the one that may take more than is left.
    overdraft: Semaphore,
}

/// What one request or answer holds; dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Share<'a> {
    budget: &'a Budget,
    kib: Option<SemaphorePermit<'a>>,
    overdraft: Option<SemaphorePermit<'a>>,
}

impl Budget {
    /// A budget of so many MiB.
    pub(crate) fn of(mib: usize) -> Budget {
        let kib = mib.saturating_mul(KIB).min(Semaphore::MAX_PERMITS);
        Budget { kib: Semaphore::new(kib), overdraft: Semaphore::new(1) }
    }

    /// Nothing of it yet.
    pub(crate) fn share(&self) -> Share<'_> {
        Share { budget: self, kib: None, overdraft: None }
    }
}

impl<'a> Share<'a> {
    /// Returns when it may hold so many bytes, first come, first served; the caller gives up at some time.
    pub(crate) async fn grow_to(&mut self, bytes: usize) {
        let more = kib_of(bytes).saturating_sub(self.held());
        if more == 0 || self.is_overdrawn() || self.take(more) {
            return;
        }
        select! {
            biased;
            permit = self.budget.kib.acquire_many(whole(more)) => self.add(permit.expect("it is never closed")),
            permit = self.budget.overdraft.acquire() => self.overdraft = permit.ok(),
        }
    }

    /// Holds just so many bytes from now on, which is not more than it grew to.
    pub(crate) fn settle(&mut self, bytes: usize) {
        let (needed, held) = (kib_of(bytes), self.held());
        if held > needed {
            drop(self.kib.as_mut().and_then(|kib| kib.split(held - needed)));
        }
        if self.is_overdrawn() && self.take(needed.saturating_sub(held)) {
            self.overdraft = None;
        }
    }

    /// Whether it is the one that may take more than is left.
    pub(crate) fn is_overdrawn(&self) -> bool {
        self.overdraft.is_some()
    }

    fn held(&self) -> usize {
        self.kib.as_ref().map_or(0, SemaphorePermit::num_permits)
    }

    fn take(&mut self, kib: usize) -> bool {
        let taken = self.budget.kib.try_acquire_many(whole(kib));
        taken.map(|permit| self.add(permit)).is_ok()
    }

    fn add(&mut self, more: SemaphorePermit<'a>) {
        match &mut self.kib {
            Some(kib) => kib.merge(more),
            none => *none = Some(more),
        }
    }
}

fn kib_of(bytes: usize) -> usize {
    bytes.saturating_sub(FREE).div_ceil(KIB)
}

/// No request has 4 Ti bytes.
fn whole(kib: usize) -> u32 {
    u32::try_from(kib).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;
    use std::time::Duration;
    use tokio::time::timeout;

    const MIB: usize = 1024 * KIB;

    /// Whether a share becomes so large at once.
    async fn grows(share: &mut Share<'_>, mib: usize) -> bool {
        timeout(Duration::ZERO, share.grow_to(mib * MIB + FREE)).await.is_ok()
    }

    #[tokio::test]
    async fn one_may_take_more_than_is_left() {
        let budget = Budget::of(10);
        let [mut first, mut second, mut third] = [(); 3].map(|()| budget.share());
        assert!(grows(&mut first, 6).await && !first.is_overdrawn());
        assert!(grows(&mut second, 5).await && second.is_overdrawn());
        assert!(grows(&mut second, 5000).await);
        assert!(grows(&mut third, 4).await && !third.is_overdrawn());
        assert!(!grows(&mut third, 5).await);
        drop(second);
        assert!(grows(&mut third, 5).await && third.is_overdrawn());
    }

    #[tokio::test]
    async fn what_is_not_held_any_more_is_others() {
        let budget = Budget::of(10);
        let [mut first, mut second] = [(); 2].map(|()| budget.share());
        assert!(grows(&mut first, 50).await && first.is_overdrawn());
        first.settle(8 * MIB + FREE);
        assert!(!first.is_overdrawn() && budget.kib.available_permits() == 2 * KIB);
        assert!(grows(&mut second, 2).await && !second.is_overdrawn());
        first.settle(0);
        drop(second);
        assert_eq!((budget.kib.available_permits(), budget.overdraft.available_permits()), (10 * KIB, 1));
    }

    #[tokio::test]
    async fn who_came_first_is_served_first() {
        let budget = Budget::of(10);
        let [mut all, mut over, mut large, mut small] = [(); 4].map(|()| budget.share());
        assert!(grows(&mut all, 10).await && grows(&mut over, 1).await && over.is_overdrawn());
        let mut large_grows = pin!(large.grow_to(9 * MIB + FREE));
        assert!(timeout(Duration::ZERO, large_grows.as_mut()).await.is_err());
        all.settle(2 * MIB + FREE);
        assert!(!grows(&mut small, 1).await, "what is free is promised to the first");
        drop(all);
        large_grows.await;
        assert!(grows(&mut small, 1).await);
    }

    #[tokio::test]
    async fn what_is_short_costs_nothing() {
        let budget = Budget::of(0);
        let mut share = budget.share();
        share.grow_to(FREE).await;
        assert!(!share.is_overdrawn());
    }
}
