//! How many conversations there are, and since when there are none. Knows nothing of what is said in them.

use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Counts guests.
#[derive(Debug)]
pub(crate) struct Guests {
    state: Arc<Mutex<State>>,
    bell: PipeReader,
}

#[derive(Debug)]
struct State {
    count: usize,
    /// When the last one came or went.
    last: Instant,
    /// Rung when the last one goes, if somebody waits for that.
    bell: PipeWriter,
    awaited: bool,
}

/// One of them, until it is dropped.
#[derive(Debug)]
pub(crate) struct Guest(Arc<Mutex<State>>);

impl Guests {
    /// None yet.
    ///
    /// # Errors
    /// No pipe can be made.
    pub(crate) fn new() -> io::Result<Guests> {
        let (reader, bell) = io::pipe()?;
        let state = State { count: 0, last: Instant::now(), bell, awaited: false };
        Ok(Guests { state: Arc::new(Mutex::new(state)), bell: reader })
    }

    /// One more; `None` if there are `most` already.
    pub(crate) fn admit(&self, most: usize) -> Option<Guest> {
        self.with(|state| {
            state.last = Instant::now();
            (state.count < most).then(|| state.count += 1)
        })?;
        Some(Guest(Arc::clone(&self.state)))
    }

    /// For how long there has been none; zero while there is one.
    pub(crate) fn absence(&self) -> Duration {
        self.with(|state| if state.count == 0 { state.last.elapsed() } else { Duration::ZERO })
    }

    /// Whether there is none, and if not so, [`Guests::bell`] rings when the last one has gone.
    pub(crate) fn have_gone(&self) -> bool {
        self.with(|state| {
            state.awaited = true;
            state.count == 0
        })
    }

    /// Readable when it has rung.
    pub(crate) fn bell(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }

    /// It has rung; it may ring again.
    pub(crate) fn hush(&self) {
        let _ = (&self.bell).read(&mut [0; 16]);
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.count -= 1;
        state.last = Instant::now();
        if state.count == 0 && state.awaited {
            let _ = state.bell.write(b"x");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guests_come_and_go() {
        let guests = Guests::new().unwrap();
        assert!(guests.have_gone());
        let (one, two) = (guests.admit(2).unwrap(), guests.admit(2).unwrap());
        assert!(guests.admit(2).is_none());
        assert!(!guests.have_gone());
        assert_eq!(guests.absence(), Duration::ZERO);
        drop(one);
        assert!(!guests.have_gone());
        drop(two);
        guests.hush();
        assert!(guests.have_gone());
        assert!(guests.absence() > Duration::ZERO);
    }
}
