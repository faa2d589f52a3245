//! The story of the program that clients with `+zeroconf` start: it keeps the file of hosts that announce themselves, until
//! nobody reads it. Knows nothing of jobs.

use crate::detach::{detach, forget_inherited_files};
use crate::processes::Processes;
use crate::settings::Settings;
use crate::zeroconf::{compiler_of_here, kind, spec};
use crate::{Answer, Exit};
use clap::Args;
use hosts::Watcher;
use logging::{Level, Log, Sink};
use std::io;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often it is asked whether anybody still needs the file.
const TICK: Duration = Duration::from_secs(1);
/// A question or an answer may get lost, and is repeated after a second. The first client waits for the file.
const FIRST_LOOK: Duration = Duration::from_secs(2);

/// Where, and for how long.
#[derive(Debug, Args)]
pub(crate) struct WatchZeroconf {
    /// DISTCC_DIR, absolute
    directory: PathBuf,
    /// End when nobody has read the file for so long
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    idle: u64,
}

/// Returns at once, and goes on in the background unless there is a watcher already.
pub(crate) fn run(asked: &WatchZeroconf, settings: &Settings) -> Answer {
    forget_inherited_files();
    if let Err(error) = detach() {
        return Answer::refusal(&format!("cannot go into the background: {error}"));
    }
    let log = Log::new("distcc-zeroconf", Sink::Syslog, Level::Notice);
    let exit = match watch(asked, settings) {
        Ok(()) => Exit::Code(0),
        Err(why) => {
            log.error(format_args!("no longer looking for hosts: {why}"));
            Exit::Code(1)
        }
    };
    Answer { text: String::new(), complaint: String::new(), exit }
}

fn watch(asked: &WatchZeroconf, settings: &Settings) -> Result<(), String> {
    let said = |error: io::Error| error.to_string();
    let Some(mut watcher) = Watcher::take(&asked.directory).map_err(said)? else { return Ok(()) };
    let processes = Processes::watched().map_err(said)?;
    let kind = kind(compiler_of_here(settings, &processes).as_ref());
    keep(&mut watcher, &kind, Duration::from_secs(asked.idle), &processes)
}

fn keep(
    watcher: &mut Watcher,
    kind: &str,
    longest_idle: Duration,
    processes: &Arc<Processes>,
) -> Result<(), String> {
    let first_look = Instant::now() + FIRST_LOOK;
    let mut is_written = false;
    let mut outcome = Ok(());
    discovery::follow(kind, TICK, |view| {
        let is_unused = is_written && watcher.idle() >= longest_idle;
        if processes.interrupted_by().is_some() || !watcher.is_in_place() || is_unused {
            return ControlFlow::Break(());
        }
        let has_looked = view.is_settled && !view.services.is_empty() || Instant::now() >= first_look;
        if has_looked && (view.is_new || !is_written) {
            let hosts: Vec<String> = view.services.iter().map(|service| spec(service)).collect();
            outcome = watcher.write(&hosts).map_err(|error| error.to_string());
            is_written = true;
        }
        if outcome.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    outcome
}
