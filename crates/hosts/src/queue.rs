//! The line in which clients wait, so that one sleeps on the slots and the others on their turn. Knows nothing of slots.

use std::fs::{self, File};
use std::io;
use std::time::Duration;

use crate::lock_file::{self, Bytes};
use crate::signals::Alarm;
use crate::slot::LockDir;

/// How long to sleep behind a head before looking whether it still moves.
const PATIENCE: Duration = Duration::from_secs(5);

/// A place in one line; dropping it leaves the line, and the kernel wakes who is next.
///
/// Being head is a lock on byte 0 of the queue's file. Others sleep on it in the kernel, which wakes them in the order
/// they came. A head that someone stopped (SIGSTOP, Ctrl-Z on a whole build) would stop them all, so they form a line
/// of their own at byte 1, and so on; heads of different lines do no harm, for slots have locks of their own.
#[derive(Debug)]
pub(crate) struct Queue {
    file: File,
}

impl Queue {
    pub(crate) fn open(locks: &LockDir, name: &str) -> io::Result<Queue> {
        Ok(Queue { file: lock_file::open(&locks.file(name))? })
    }

    /// Whether we are the head now, without waiting for it.
    pub(crate) fn enter(&self) -> io::Result<bool> {
        self.first_moving_line().map(|line| matches!(line, Line::Ours))
    }

    /// Sleeps until we are the head (true), or until it is time to look for oneself, whatever the head does (false).
    pub(crate) fn wait(&self) -> io::Result<bool> {
        let _alarm = Alarm::every(PATIENCE)?;
        match self.first_moving_line()? {
            Line::Ours => Ok(true),
            Line::Behind(byte) => lock_file::wait_for_lock(&self.file, byte),
        }
    }

    fn first_moving_line(&self) -> io::Result<Line> {
        let mut line = 0;
        loop {
            let byte = Bytes::One(line);
            if lock_file::try_lock(&self.file, byte)? {
                return Ok(Line::Ours);
            }
            match lock_file::holder(&self.file, byte)? {
                None => {}
                Some(pid) if is_out_of_reach(pid) => line += 1,
                Some(_) => return Ok(Line::Behind(byte)),
            }
        }
    }
}

enum Line {
    Ours,
    Behind(Bytes),
}

/// Whether a head cannot be relied on to move: it was stopped, or it cannot be seen from here.
fn is_out_of_reach(pid: i32) -> bool {
    pid <= 0 || fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| is_stopped(&stat))
}

/// Reads a line of `/proc/PID/stat`; see proc(5).
fn is_stopped(stat: &str) -> bool {
    // The program's name before it may hold blanks and parentheses.
    stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with(['T', 't']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(stat: &str, expected: bool) {
        assert_eq!(is_stopped(stat), expected, "{stat}");
    }

    #[test]
    fn states_of_processes() {
        check("12 (distcc) S 1 12 12", false);
        check("12 (distcc) R 1 12 12", false);
        check("12 (distcc) T 1 12 12", true);
        check("12 (distcc) t 1 12 12", true);
        check("12 (a) T (b) S 1 12 12", false);
        check("", false);
    }
}
