//! The processor time of processes that have ended. Knows nothing of what they did.

use std::time::Duration;

use nix::errno::Errno;
use nix::sys::prctl::set_child_subreaper;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use test_hosts::wait::wait_until;

const LIMIT: Duration = Duration::from_secs(20);

/// From here on, what a child leaves behind becomes our child, so that its time is counted too.
pub(crate) fn adopt_orphans() {
    set_child_subreaper(true).expect("Linux has known this since 3.4");
}

/// User and system time of every child that has been waited for, with all that it waited for.
pub(crate) fn of_children() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("the call has no other way to fail");
    duration(usage.user_time()) + duration(usage.system_time())
}

/// What `work` adds to the time of our children.
pub(crate) fn spent<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let before = of_children();
    let result = work();
    (of_children() - before, result)
}

/// Waits for every child in a process group that is about to end.
pub(crate) fn reap_group(group: Pid) {
    let any_of_group = Pid::from_raw(-group.as_raw());
    wait_until(LIMIT, "the end of a daemon and its children", || {
        loop {
            match waitpid(any_of_group, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::StillAlive) => return false,
                Ok(_) => {}
                Err(Errno::ECHILD) => return true,
                Err(error) => panic!("cannot wait for a child: {error}"),
            }
        }
    });
}

fn duration(time: TimeVal) -> Duration {
    let part = |number: i64| u64::try_from(number).expect("time spent is not negative");
    Duration::from_secs(part(time.tv_sec())) + Duration::from_micros(part(time.tv_usec()))
}
