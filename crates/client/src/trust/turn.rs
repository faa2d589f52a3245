//! Of many clients that want to know the same at once, one finds it out and the others wait a while for that. Knows nothing
//! of what it is.

use crate::interrupts::{Broken, Interrupts};
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::sys::signal::Signal;
use std::fs::{self, DirBuilder, File};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, Instant};
use toolchain::kept_file::with_care;

const LOOK: Duration = Duration::from_millis(20);

/// What the others wait for; they go on when it is dropped.
pub(super) type Turn = Option<Flock<File>>;

/// What is `known`, be it only when another client has found it out; or our turn to do so, which after `patience` is
/// everybody's. `file` is what is locked; its directory is made if need be.
///
/// # Errors
/// The signal that arrived meanwhile.
pub(super) fn wait<T>(
    file: Option<&Path>,
    patience: Duration,
    interrupts: &Interrupts,
    mut known: impl FnMut() -> Option<T>,
) -> Result<Result<T, Turn>, Signal> {
    if let Some(known) = known() {
        return Ok(Ok(known));
    }
    let Some(mut opened) = file.and_then(open) else { return Ok(Err(None)) };
    let deadline = Instant::now() + patience;
    loop {
        opened = match Flock::lock(opened, FlockArg::LockExclusiveNonblock) {
            // Another may have had its turn since.
            Ok(turn) => return Ok(known().ok_or(Some(turn))),
            Err((opened, Errno::EWOULDBLOCK)) if Instant::now() < deadline => opened,
            Err(_) => return Ok(known().ok_or(None)),
        };
        if let Err(Broken::Interrupted(signal)) = interrupts.wait_first(&[], Instant::now() + LOOK) {
            return Err(signal);
        }
    }
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

    const SHORT: Duration = Duration::from_secs(5);

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
                    if let Err(turn) = wait(Some(&file), SHORT, &interrupts, read).unwrap() {
                        assert!(turn.is_some());
                        times.fetch_add(1, Ordering::SeqCst);
                        known.store(true, Ordering::SeqCst);
                    }
                });
            }
        });
        assert_eq!(times.into_inner(), 1);
    }

    #[test]
    fn without_a_file_everybody_finds_out() {
        let interrupts = Interrupts::catch().unwrap();
        for file in [None, Some(Path::new("/nowhere/at/all"))] {
            assert!(matches!(wait(file, SHORT, &interrupts, || None::<()>), Ok(Err(None))));
            assert!(matches!(wait(file, SHORT, &interrupts, || Some(1)), Ok(Ok(1))));
        }
    }
}
