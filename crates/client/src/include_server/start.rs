//! Starting an include server: by one client of the many that miss it, and not for long. Knows nothing of what it does.

use super::Absent;
use super::place::{NoLine, Place};
use crate::interrupts::{Broken, Interrupts};
use crate::settings::Settings;
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg, OFlag};
use nix::poll::PollFlags;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long a start may take; a job that waits for longer would sooner be preprocessed.
const START: Duration = Duration::from_secs(1);

/// How often it is looked whether another client has started it.
const STEP: Duration = Duration::from_millis(5);

/// Held by the client that starts a server.
const LOCK: &str = "lock";

/// The program, beside ours or on the PATH.
const PROGRAM: &str = "pump";

/// Starts a server in `place`, or waits for one that another client starts, and connects to it.
///
/// # Errors
/// [`Absent`].
pub(super) fn start(
    place: &Place,
    settings: &Settings,
    interrupts: &Interrupts,
) -> Result<UnixStream, Absent> {
    if !place.suits_ours() {
        return Err(Absent::Gone("the include server has gone".to_owned()));
    }
    let deadline = Instant::now() + START;
    let lock = loop {
        match try_lock(place) {
            Ok(Some(lock)) => break lock,
            Ok(None) => pause(interrupts, deadline)?,
            Err(error) => return Err(Absent::Gone(format!("no include server can be started: {error}"))),
        }
        if let Ok(stream) = place.connect() {
            return Ok(stream);
        }
    };
    // Whoever had the lock before may have started it.
    if let Ok(stream) = place.connect() {
        return Ok(stream);
    }
    run(place, settings, interrupts, deadline)?;
    let stream = place.connect();
    drop(lock);
    stream.map_err(|no_line| match no_line {
        NoLine::Io(error) => Absent::Gone(format!("the include server cannot be reached: {error}")),
        _ => Absent::Gone("the include server has ended at once".to_owned()),
    })
}

fn try_lock(place: &Place) -> io::Result<Option<Flock<File>>> {
    let mut options = File::options();
    options.write(true).create(true).truncate(false).mode(0o600).custom_flags(OFlag::O_NOFOLLOW.bits());
    match Flock::lock(options.open(place.inside(LOCK))?, FlockArg::LockExclusiveNonblock) {
        Ok(lock) => Ok(Some(lock)),
        Err((_, Errno::EWOULDBLOCK)) => Ok(None),
        Err((_, error)) => Err(error.into()),
    }
}

fn pause(interrupts: &Interrupts, deadline: Instant) -> Result<(), Absent> {
    match interrupts.wait_first(&[], Instant::now() + STEP) {
        Err(Broken::Interrupted(signal)) => Err(Absent::Interrupted(signal)),
        _ if Instant::now() >= deadline => Err(Absent::Gone("no include server has come up".to_owned())),
        _ => Ok(()),
    }
}

/// Runs the program until it says by its end whether there is a server. It is not ended when it takes too long: the next
/// job may find its server.
fn run(place: &Place, settings: &Settings, interrupts: &Interrupts, deadline: Instant) -> Result<(), Absent> {
    let mut command = Command::new(program());
    command.arg("--include-server").arg(place.path()).arg("--detach");
    command.arg("--idle").arg(settings.include_server_idle.to_string());
    // It outlives whoever pretends to be root, and who it is counts.
    command.env_remove("LD_PRELOAD");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let failed =
        |error: io::Error| Absent::Gone(format!("the include server (pump) cannot be started: {error}"));
    let mut child = interrupts.let_through(|| command.spawn()).map_err(failed)?;
    let end = child.stdout.take().expect("it was asked for");
    match interrupts.wait_ready(end.as_fd(), PollFlags::POLLIN, deadline) {
        Ok(()) => {}
        Err(Broken::Interrupted(signal)) => return Err(Absent::Interrupted(signal)),
        Err(broken) => {
            return Err(Absent::Gone(format!("the include server takes too long to start: {broken}")));
        }
    }
    let status = child.wait().map_err(failed)?;
    if status.success() {
        return Ok(());
    }
    Err(Absent::Gone(format!("the include server cannot serve in {} ({status})", place.path().display())))
}

fn program() -> PathBuf {
    let beside = std::env::current_exe().ok().map(|distcc| distcc.with_file_name(PROGRAM));
    beside.filter(|program| program.is_file()).unwrap_or_else(|| PROGRAM.into())
}
