//! A distccd of the demo's own on the loopback interface, and what its log says it did. Knows nothing of clients.

use crate::processes::{Processes, Running};
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// How long a daemon may take until it listens.
const START: Duration = Duration::from_secs(20);

/// How long its log may lag behind its answers.
const LAG: Duration = Duration::from_secs(10);

/// How many lines tell what a daemon had to complain of.
const LAST_WORDS: usize = 3;

/// A daemon that listens; dropped, it ends.
#[derive(Debug)]
pub(crate) struct DemoHost {
    address: SocketAddr,
    slots: usize,
    log: Arc<HostLog>,
    process: Running,
}

/// The lines that a daemon has written so far.
#[derive(Debug, Default)]
struct HostLog {
    state: Mutex<Lines>,
    grown: Condvar,
}

#[derive(Debug, Default)]
struct Lines {
    lines: Vec<String>,
    ended: bool,
}

impl DemoHost {
    /// Runs `distccd`, a command that has its environment already, for at most `lifetime`, which is a backstop for the
    /// case that we get no chance to end it.
    ///
    /// # Errors
    /// One line that tells why it does not serve.
    pub(crate) fn start(
        mut distccd: Command,
        slots: usize,
        lifetime: Duration,
        processes: &Arc<Processes>,
    ) -> Result<DemoHost, String> {
        let program = distccd.get_program().display().to_string();
        distccd.args(["--daemon", "--no-detach", "--log-stderr", "--log-level", "info"]);
        distccd.args(["--listen", "127.0.0.1", "--allow", "127.0.0.1", "--port", "0"]);
        distccd.args(["--jobs", &slots.to_string(), "--lifetime", &lifetime.as_secs().to_string()]);
        distccd.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut process =
            processes.start(&mut distccd).map_err(|error| format!("cannot start {program}: {error}"))?;
        let log = HostLog::follow(process.child().stderr.take().expect("a pipe was asked for"));
        match log.wait(START, |lines| lines.iter().find_map(|line| listening_address(line))) {
            Some(address) => Ok(DemoHost { address, slots, log, process }),
            None => Err(format!(
                "{program} does not serve; its last words: {}",
                log.last_words(|_| true).join("; ")
            )),
        }
    }

    /// The host as a host list names it.
    pub(crate) fn spec(&self) -> String {
        format!("{}/{}", self.address, self.slots)
    }

    /// Address and port.
    pub(crate) fn name(&self) -> String {
        self.address.to_string()
    }

    /// How many objects it has made by its own account. Waits for a short while until there are `expected` ones.
    pub(crate) fn served(&self, expected: usize) -> usize {
        let enough = |lines: &[String]| (count_served(lines) >= expected).then_some(());
        self.log.wait(LAG, enough);
        count_served(&self.log.lines())
    }

    /// What it complained of last, if of anything.
    pub(crate) fn last_words(&self) -> Vec<String> {
        self.log.last_words(is_complaint)
    }

    /// Ends it and waits for its end.
    pub(crate) fn stop(mut self) {
        // Whatever its status: its jobs were looked at one by one.
        let _ = self.process.end();
    }
}

impl HostLog {
    fn follow(pipe: impl Read + Send + 'static) -> Arc<HostLog> {
        let log = Arc::new(HostLog::default());
        let writer = Arc::clone(&log);
        thread::spawn(move || {
            for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
                writer.add(|state| state.lines.push(String::from_utf8_lossy(&line).into_owned()));
            }
            writer.add(|state| state.ended = true);
        });
        log
    }

    fn add(&self, change: impl FnOnce(&mut Lines)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.grown.notify_all();
    }

    /// Waits until `look` finds something, the daemon has ended, or the time is over.
    fn wait<T>(&self, limit: Duration, mut look: impl FnMut(&[String]) -> Option<T>) -> Option<T> {
        let mut found = None;
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let vain = |state: &mut Lines| {
            found = look(&state.lines);
            found.is_none() && !state.ended
        };
        let waited = self.grown.wait_timeout_while(state, limit, vain);
        drop(waited);
        found
    }

    fn lines(&self) -> Vec<String> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).lines.clone()
    }

    fn last_words(&self, of_interest: fn(&str) -> bool) -> Vec<String> {
        let lines = self.lines();
        let mut last: Vec<_> =
            lines.into_iter().rev().filter(|line| of_interest(line)).take(LAST_WORDS).collect();
        last.reverse();
        last
    }
}

fn listening_address(line: &str) -> Option<SocketAddr> {
    line.split_once("listening on ")?.1.trim().parse().ok()
}

/// The job summary of distccd(1): `… client: 127.0.0.1:42640 COMPILE_OK exit:0 …`.
fn count_served(lines: &[String]) -> usize {
    let result =
        |line: &String| line.split_once("client: ")?.1.split(' ').nth(1).map(|word| word == "COMPILE_OK");
    lines.iter().filter(|line| result(line) == Some(true)).count()
}

/// A warning or worse.
fn is_complaint(line: &str) -> bool {
    let said = line.split_once("] ").map_or(line, |(_, said)| said);
    ["EMERGENCY! ", "ALERT! ", "CRITICAL! ", "ERROR: ", "Warning: "].iter().any(|word| said.starts_with(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn the_address_is_read_from_the_log() {
        let log = HostLog::follow(&b"distccd[7] x\ndistccd[7] listening on 127.0.0.1:4001\n"[..]);
        let found = log.wait(START, |lines| lines.iter().find_map(|line| listening_address(line)));
        assert_eq!(found, Some("127.0.0.1:4001".parse().unwrap()));
    }

    #[test]
    fn a_daemon_that_ends_is_not_waited_for() {
        let log = HostLog::follow(&b"distccd[7] CRITICAL! no\ndistccd[7] bye\n"[..]);
        assert_eq!(log.wait(START, |_| None::<()>), None);
        assert_eq!(log.last_words(is_complaint), ["distccd[7] CRITICAL! no"]);
        assert_eq!(log.last_words(|_| true), ["distccd[7] CRITICAL! no", "distccd[7] bye"]);
    }

    #[test]
    fn only_good_jobs_count() {
        let log = lines(
            "distccd[7] (dcc_job_summary) client: 127.0.0.1:9 COMPILE_OK exit:0 sig:0 core:0 ret:0 time:4ms gcc a.c\n\
             distccd[7] (dcc_job_summary) client: 127.0.0.1:9 COMPILE_ERROR exit:1 sig:0 core:0 ret:0 time:4ms gcc a.c\n\
             distccd[7] connection from 127.0.0.1:9\n\
             distccd[7] (dcc_job_summary) client: 127.0.0.1:9 OTHER exit:0 sig:0 core:0 ret:108 time:4ms \n",
        );
        assert_eq!(count_served(&log), 1);
    }
}
