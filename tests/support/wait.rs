//! Waiting with a bound for something that another process does. Knows nothing of what is waited for.

use std::thread::sleep;
use std::time::{Duration, Instant};

const STEP: Duration = Duration::from_millis(5);

/// Waits until `ready` says so; panics, naming `what`, when that takes longer than `limit`.
pub fn wait_until(limit: Duration, what: &str, mut ready: impl FnMut() -> bool) {
    wait_for(limit, what, || ready().then_some(()));
}

/// Like [`wait_until`], for something that brings a value.
pub fn wait_for<T>(limit: Duration, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(started.elapsed() < limit, "waited {limit:?} in vain for {what}");
        sleep(STEP);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brings_what_it_waited_for() {
        let mut looks = 0;
        let third_look = || {
            looks += 1;
            (looks == 3).then_some(looks)
        };
        assert_eq!(wait_for(Duration::from_secs(5), "the third look", third_look), 3);
    }

    #[test]
    #[should_panic(expected = "waited 20ms in vain for a blue moon")]
    fn gives_up_at_its_limit() {
        wait_until(Duration::from_millis(20), "a blue moon", || false);
    }
}
