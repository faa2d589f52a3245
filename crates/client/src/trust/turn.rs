//! Of many clients that want to know the same at once, one finds it out and the others wait a while for that. Knows nothing
//! of what it is.

use crate::interrupts::{Broken, Interrupts};
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::sys::signal::Signal;
use std::fs::{self, DirBuilder, File};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};
use toolchain::kept_file::with_care;

const LOOK: Duration = Duration::from_millis(20);

/// What the others wait for; they go on when it is dropped.
pub(super) type Turn = Option<Flock<File>>;

/// Who finds out what.
#[derive(Debug)]
pub(super) enum Whose<T> {
    /// Nobody has to, for it is known.
    Known(T),
    /// It is our turn.
    Ours(Turn),
    /// Another client has been finding out for so long that it is not waited for any more.
    Anothers,
}

/// What is `known`, be it only when another client has found it out, which after `patience` is not waited for any more; or
/// whose turn it is. `file` is what is locked; its directory is made if need be.
///
/// # Errors
/// The signal that arrived meanwhile.
pub(super) fn wait<T>(
    file: Option<&Path>,
    patience: Duration,
    interrupts: &Interrupts,
    mut known: impl FnMut() -> Option<T>,
) -> Result<Whose<T>, Signal> {
    if let Some(known) = known() {
        return Ok(Whose::Known(known));
    }
    let Some(mut opened) = file.and_then(open) else { return Ok(Whose::Ours(None)) };
    let begin = Instant::now();
    loop {
        opened = match Flock::lock(opened, FlockArg::LockExclusiveNonblock) {
            Ok(turn) => {
                // From now on the others count.
                let _ = turn.set_modified(SystemTime::now());
                // Another may have had its turn since.
                return Ok(known().map_or(Whose::Ours(Some(turn)), Whose::Known));
            }
            Err((opened, Errno::EWOULDBLOCK)) => opened,
            Err(_) => return Ok(known().map_or(Whose::Ours(None), Whose::Known)),
        };
        if let Err(Broken::Interrupted(signal)) = interrupts.wait_first(&[], Instant::now() + LOOK) {
            return Err(signal);
        }
        if begin.elapsed().max(asked_for(&opened)) >= patience {
            return Ok(known().map_or(Whose::Anothers, Whose::Known));
        }
    }
}

/// How long the one who has the lock has had it, as far as is known.
fn asked_for(file: &File) -> Duration {
    let since = file.metadata().and_then(|about| about.modified());
    since.ok().and_then(|since| since.elapsed().ok()).unwrap_or_default()
}

/// None: everybody is alone.
fn open(file: &Path) -> Option<File> {
    let mut options = with_care();
    options.write(true).create(true).mode(0o600);
    let open = || options.open(file);
    let made = |_| {
        // Another may be faster.
        let _ = DirBuilder::new().mode(0o777).create(file.parent()?);
        open().ok()
    };
    let opened = open().map_or_else(made, Some)?;
    fs::symlink_metadata(file).ok()?.is_file().then_some(opened)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    const LONG: Duration = Duration::from_secs(5);

    #[test]
    fn one_of_many_finds_out() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("new/asking");
        let (known, times) = (AtomicBool::new(false), AtomicUsize::new(0));
        let interrupts = Interrupts::catch().unwrap();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let read = || known.load(Ordering::SeqCst).then_some(());
                    match wait(Some(&file), LONG, &interrupts, read).unwrap() {
                        Whose::Known(()) => {}
                        Whose::Ours(turn) => {
                            assert!(turn.is_some());
                            times.fetch_add(1, Ordering::SeqCst);
                            known.store(true, Ordering::SeqCst);
                        }
                        Whose::Anothers => panic!("not waited for"),
                    }
                });
            }
        });
        assert_eq!(times.into_inner(), 1);
    }

    #[test]
    fn who_takes_too_long_is_not_waited_for() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("asking");
        let interrupts = Interrupts::catch().unwrap();
        let wait_for = |patience: Duration| wait(Some(&file), patience, &interrupts, || None::<()>).unwrap();
        let Whose::Ours(Some(turn)) = wait_for(LONG) else { panic!("nobody else is there") };
        let begin = Instant::now();
        assert!(matches!(wait_for(LOOK * 3), Whose::Anothers));
        assert!(begin.elapsed() >= LOOK * 2);
        // Whoever comes later does not wait as long again.
        turn.set_modified(SystemTime::now() - LONG * 2).unwrap();
        let begin = Instant::now();
        assert!(matches!(wait_for(LONG), Whose::Anothers));
        assert!(begin.elapsed() < LONG);
        drop(turn);
        assert!(matches!(wait_for(LONG), Whose::Ours(Some(_))));
        // A clock that was set back has nobody wait for ever.
        let Whose::Ours(Some(turn)) = wait_for(LONG) else { panic!("nobody else is there") };
        turn.set_modified(SystemTime::now() + LONG * 9).unwrap();
        assert!(matches!(wait_for(LOOK * 3), Whose::Anothers));
    }

    #[test]
    fn without_a_file_everybody_finds_out() {
        let interrupts = Interrupts::catch().unwrap();
        for file in [None, Some(Path::new("/nowhere/at/all"))] {
            assert!(matches!(wait(file, LONG, &interrupts, || None::<()>), Ok(Whose::Ours(None))));
            assert!(matches!(wait(file, LONG, &interrupts, || Some(1)), Ok(Whose::Known(1))));
        }
    }
}
