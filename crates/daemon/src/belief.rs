//! What is found out once and kept; that it failed is believed for a while only. Knows nothing of what it is.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// An administrator who mends what was in the way does not restart the daemon for it.
const DOUBTED_AFTER: Duration = Duration::from_secs(60);

/// Something of that kind.
#[derive(Debug)]
pub(crate) struct Belief<T>(Mutex<Found<T>>);

#[derive(Debug)]
enum Found<T> {
    Nothing,
    This(Arc<T>),
    Failure(String, Instant),
}

impl<T> Belief<T> {
    pub(crate) fn new() -> Belief<T> {
        Belief(Mutex::new(Found::Nothing))
    }

    /// What is believed, else what `find` finds; whoever comes meanwhile waits for that.
    ///
    /// # Errors
    /// That of `find`, be it of a short time ago.
    pub(crate) fn or_find(&self, find: impl FnOnce() -> Result<T, String>) -> Result<Arc<T>, String> {
        let mut found = self.found();
        match &*found {
            Found::This(this) => return Ok(Arc::clone(this)),
            Found::Failure(why, since) if since.elapsed() < DOUBTED_AFTER => return Err(why.clone()),
            _ => {}
        }
        let (now, told) = match find() {
            Ok(this) => {
                let this = Arc::new(this);
                (Found::This(Arc::clone(&this)), Ok(this))
            }
            Err(why) => (Found::Failure(why.clone(), Instant::now()), Err(why)),
        };
        *found = now;
        told
    }

    /// Believes no failure any more.
    pub(crate) fn doubt(&self) {
        let mut found = self.found();
        if let Found::Failure(..) = &*found {
            *found = Found::Nothing;
        }
    }

    fn found(&self) -> MutexGuard<'_, Found<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_believed_for_a_while() {
        let belief = Belief::new();
        let check = |find: Result<i32, &str>, expected: Result<i32, &str>| {
            let told = belief.or_find(|| find.map_err(str::to_owned)).map(|found| *found);
            assert_eq!(told, expected.map_err(str::to_owned));
        };
        check(Err("forbidden"), Err("forbidden"));
        check(Ok(1), Err("forbidden"));
        if let Found::Failure(_, since) = &mut *belief.found() {
            *since = since.checked_sub(DOUBTED_AFTER).expect("the machine has run for longer");
        }
        check(Err("still"), Err("still"));
        belief.doubt();
        check(Ok(2), Ok(2));
        belief.doubt();
        check(Err("never asked"), Ok(2));
    }
}
