//! Takes a slot, says so, holds it and lets it go: one client, as the tests of waiting start them by the hundred.
//!
//! `hold-slot DISTCC_DIR (local:N | cpp:N | HOST-LIST) PERIOD (MILLISECONDS | input | exec)`: holds it so long, or until
//! standard input ends, itself or as another program. Prints `took HOST SLOT` and `freed HOST SLOT` before a time in
//! microseconds of CLOCK_MONOTONIC, or `no host`.

use std::env;
use std::error::Error;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use hosts::{Backoff, Choice, HostList, LockDir, Pool, take};
use nix::sys::signal::{SigSet, Signal};
use nix::time::{ClockId, clock_gettime};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [dir, pool, period, hold] = arguments.as_slice() else {
        return Err("see the source for usage".into());
    };
    // As the client has it, which reads them from a descriptor.
    SigSet::from_iter([Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP]).thread_block()?;
    let locks = LockDir::open(Path::new(dir))?;
    let backoff = Backoff::new(&locks, Duration::from_secs(period.parse()?));
    let list = HostList::parse(pool.as_bytes(), "the command line");
    let pool = match pool.split_once(':') {
        Some(("local", slots)) => Pool::Local { slots: slots.parse()? },
        Some(("cpp", slots)) => Pool::LocalCpp { slots: slots.parse()? },
        _ => Pool::Hosts(&list.hosts),
    };
    match take(&locks, pool, &backoff, &[])? {
        Some(choice) => hold_it(&list, choice, hold),
        None => say("no host"),
    }
}

fn hold_it(list: &HostList, choice: Choice, hold: &str) -> Result<(), Box<dyn Error>> {
    let host = choice.host.map_or("here", |index| list.hosts[index].name());
    let number = choice.slot.number();
    say(&format!("took {host} {number} {}", microseconds()?))?;
    match hold {
        "input" => io::copy(&mut io::stdin(), &mut io::sink()).map(drop)?,
        "exec" => {
            choice.slot.keep_over_exec()?;
            return Err(Command::new("cat").exec().into());
        }
        milliseconds => thread::sleep(Duration::from_millis(milliseconds.parse()?)),
    }
    let freed = microseconds()?;
    drop(choice);
    say(&format!("freed {host} {number} {freed}"))
}

fn say(line: &str) -> Result<(), Box<dyn Error>> {
    Ok(writeln!(io::stdout(), "{line}")?)
}

fn microseconds() -> nix::Result<i64> {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC)?;
    Ok(now.tv_sec() * 1_000_000 + now.tv_nsec() / 1000)
}
