//! Looks at places that may never answer, such as a mount whose server is gone: only those wait who need them, and not
//! for long. Knows nothing of what is there.

use std::collections::HashMap;
use std::future::poll_fn;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};

use logging::Log;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// How long a place may take to show what is there.
const PATIENCE: Duration = Duration::from_secs(5);

/// For so long a place that did not answer counts as absent, unless it answers late.
const PAUSE: Duration = Duration::from_secs(60);

/// Threads that one place can keep.
const THREADS: usize = 4;

/// Of these, what those can keep who stay for long: the rest is for looks.
const STAYS: usize = 2;

/// All that have been looked at.
#[derive(Debug)]
pub(crate) struct Places {
    gates: Mutex<HashMap<PathBuf, Arc<Gate>>>,
    patience: Duration,
}

/// The way to one of them.
#[derive(Debug)]
struct Gate {
    threads: Arc<Semaphore>,
    stays: Arc<Semaphore>,
    silent_since: Mutex<Option<Instant>>,
}

/// A place does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Silent;

impl Silent {
    /// So it is told.
    pub(crate) fn at(self, place: &Path) -> String {
        format!("{} does not answer", place.display())
    }
}

/// The right to keep a thread busy with a place.
pub(crate) struct Visit {
    gate: Arc<Gate>,
    _thread: OwnedSemaphorePermit,
    _stay: Option<OwnedSemaphorePermit>,
}

impl Places {
    pub(crate) fn new() -> Places {
        Places { gates: Mutex::default(), patience: PATIENCE }
    }

    /// What `look` finds at `place`, in a thread of its own.
    ///
    /// # Errors
    /// The place does not answer, now or a short time ago.
    pub(crate) async fn look<T: Send + 'static>(
        &self,
        log: &Log,
        place: &Path,
        look: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Silent> {
        let looking = async {
            let visit = self.gate(place).visit(None).await?;
            let found = spawn_blocking(move || {
                let found = look();
                drop(visit);
                found
            });
            found.await.map_err(|_| Silent)
        };
        match timeout(self.patience, looking).await {
            Ok(found) => found,
            Err(_) => {
                self.fell_silent(log, place, self.patience);
                Err(Silent)
            }
        }
    }

    /// From now on a place counts as one that does not answer: it has not for so long.
    pub(crate) fn fell_silent(&self, log: &Log, place: &Path, waited: Duration) {
        if self.gate(place).fell_silent() {
            let (place, seconds) = (place.display(), waited.as_secs());
            log.warning(format_args!(
                "{place} does not answer within {seconds} s; what is there counts as absent until it does"
            ));
        }
    }

    /// Tries again where there was no answer.
    pub(crate) fn doubt(&self) {
        for gate in self.gates.lock().unwrap_or_else(PoisonError::into_inner).values() {
            gate.answers();
        }
    }

    /// Waits until a thread may go to `place` for longer than a look; whoever keeps it there has a limit of their own.
    ///
    /// # Errors
    /// As above.
    pub(crate) async fn stay(&self, place: &Path) -> Result<Visit, Silent> {
        let gate = self.gate(place);
        if gate.is_silent() {
            return Err(Silent);
        }
        let stay = permit(&gate.stays).await;
        gate.visit(Some(stay)).await
    }

    fn gate(&self, place: &Path) -> Arc<Gate> {
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(gates.entry(place.to_owned()).or_insert_with(|| Arc::new(Gate::new())))
    }
}

impl Gate {
    fn new() -> Gate {
        let [threads, stays] = [THREADS, STAYS].map(|most| Arc::new(Semaphore::new(most)));
        Gate { threads, stays, silent_since: Mutex::new(None) }
    }

    async fn visit(self: Arc<Self>, stay: Option<OwnedSemaphorePermit>) -> Result<Visit, Silent> {
        if self.is_silent() {
            return Err(Silent);
        }
        let thread = permit(&self.threads).await;
        Ok(Visit { gate: self, _thread: thread, _stay: stay })
    }

    fn is_silent(&self) -> bool {
        let since = self.silent_since.lock().unwrap_or_else(PoisonError::into_inner);
        since.is_some_and(|since| since.elapsed() < PAUSE)
    }

    fn answers(&self) {
        *self.silent_since.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Whether that is news.
    fn fell_silent(&self) -> bool {
        let mut since = self.silent_since.lock().unwrap_or_else(PoisonError::into_inner);
        since.replace(Instant::now()).is_none()
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.gate.answers();
    }
}

async fn permit(semaphore: &Arc<Semaphore>) -> OwnedSemaphorePermit {
    Arc::clone(semaphore).acquire_owned().await.expect("the semaphore is never closed")
}

/// What all of them come to, in their order, none waiting for another.
pub(crate) async fn all<F: Future>(of: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut waiting: Vec<_> = of.into_iter().map(|one| (Box::pin(one), None)).collect();
    poll_fn(|context| {
        for (one, done) in waiting.iter_mut().filter(|(_, done)| done.is_none()) {
            if let Poll::Ready(found) = one.as_mut().poll(context) {
                *done = Some(found);
            }
        }
        if waiting.iter().all(|(_, done)| done.is_some()) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    waiting.into_iter().filter_map(|(_, done)| done).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    use logging::{Level, Sink};
    use tokio::time::sleep;

    fn places(patience: Duration) -> (Places, Log) {
        (Places { patience, ..Places::new() }, Log::new("test", Sink::stderr(None), Level::Error))
    }

    #[tokio::test]
    async fn a_place_that_does_not_answer_keeps_nobody_and_may_come_back() {
        let (places, log) = places(Duration::from_millis(50));
        let [dead, alive] = ["/dead", "/alive"].map(Path::new);
        let (answer, answers) = mpsc::channel::<()>();
        let look = move || answers.recv().is_ok();
        assert_eq!(places.look(&log, dead, look).await, Err(Silent));
        let begun = Instant::now();
        for _ in 0..100 {
            assert_eq!(places.look(&log, dead, || true).await, Err(Silent));
        }
        assert!(begun.elapsed() < places.patience, "nobody waits again");
        assert_eq!(places.look(&log, alive, || 7).await, Ok(7));
        places.doubt();
        assert_eq!(places.look(&log, dead, || 1).await, Ok(1), "somebody says that it is mended");
        drop(answer);
        while places.look(&log, dead, || ()).await.is_err() {
            assert!(begun.elapsed() < PAUSE / 2, "it has answered");
            sleep(Duration::from_millis(1)).await;
        }
    }

    #[tokio::test]
    async fn those_who_stay_keep_nobody_from_a_look() {
        let (places, log) = places(PATIENCE);
        let place = Path::new("/slow");
        let stays = (0..2 * THREADS).map(|_| timeout(Duration::from_millis(50), places.stay(place)));
        let stays = all(stays).await;
        assert_eq!(stays.iter().flatten().count(), STAYS);
        assert_eq!(places.look(&log, place, || 7).await, Ok(7));
        drop(stays);
        assert!(places.stay(place).await.is_ok());
    }

    #[tokio::test]
    async fn many_who_look_at_once_keep_few_threads() {
        let (places, log) = places(PATIENCE);
        let (place, most) = (Path::new("/dead"), Arc::new(Mutex::new((0, 0))));
        let looks = (0..64).map(|_| {
            let most = Arc::clone(&most);
            places.look(&log, place, move || {
                let change = |by: i32| {
                    let mut counts = most.lock().unwrap();
                    counts.0 += by;
                    counts.1 = counts.1.max(counts.0);
                };
                change(1);
                std::thread::sleep(Duration::from_millis(1));
                change(-1);
            })
        });
        all(looks).await;
        assert!((1..=4).contains(&most.lock().unwrap().1));
    }
}
