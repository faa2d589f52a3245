//! Our daemon in the foreground, at a port of its own choice that its log tells. Knows nothing of what it is asked.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};

use crate::process::pid_of;
use crate::wait::{wait_for, wait_until};
use crate::workdir::{Workdir, names_in};

/// Nothing that the daemon does may take longer.
const SOON: Duration = Duration::from_secs(30);

/// A daemon that outlives a killed test ends itself.
const LIFETIME: &str = "--lifetime=600";

/// A daemon that serves; killed when dropped.
pub struct Foreground {
    child: Child,
    address: SocketAddr,
    /// Its directories; TMPDIR is `spool` in there.
    pub work: Workdir,
}

impl Foreground {
    /// Starts `distccd OPTIONS…` with these variables, by a command that is or becomes it, and waits until it listens.
    #[track_caller]
    pub fn start(mut command: Command, options: &[&str], variables: &[(&str, &str)]) -> Foreground {
        let work = Workdir::new();
        let spool = work.open_dir("spool");
        let said = File::create(work.path().join("said")).expect("a file in a directory of ours");
        let child = command
            .args(["--daemon", "--no-detach", "--port=0", "--log-stderr", "--log-level=info", LIFETIME])
            .args(options)
            .env("TMPDIR", spool)
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stderr(said)
            .spawn()
            .expect("a daemon");
        let mut daemon = Foreground { child, address: ([127, 0, 0, 1], 0).into(), work };
        let port = wait_for(SOON, "a daemon that listens", || {
            let ended = daemon.child.try_wait().expect("a child that is ours");
            assert!(ended.is_none(), "{ended:?}: {}", daemon.log());
            port_in(&daemon.log())
        });
        daemon.address.set_port(port);
        daemon
    }

    /// Where it listens, on the loopback interface.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Everything that it logged so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.work.path().join("said")).expect("the daemon's log is text")
    }

    /// Waits for a line in the log; it may come a moment after the answer.
    #[track_caller]
    pub fn wait_for_log(&self, text: &str) {
        self.wait_for_log_after(0, text);
    }

    /// The same, behind what was logged before.
    #[track_caller]
    pub fn wait_for_log_after(&self, logged: usize, text: &str) {
        wait_until(SOON, &format!("\"{text}\" in the log"), || self.log()[logged..].contains(text));
    }

    /// Waits for so many lines with these words in the log.
    #[track_caller]
    pub fn wait_for_lines(&self, words: &str, times: usize) {
        wait_until(SOON, &format!("{times} times \"{words}\" in the log"), || {
            self.log().matches(words).count() >= times
        });
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What the kernel tells of it: a file or directory below /proc/PID.
    pub fn proc(&self, part: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{part}", self.child.id()))
    }

    /// A line of /proc/PID/status.
    pub fn status(&self, name: &str) -> String {
        let text = fs::read_to_string(self.proc("status")).expect("a daemon that runs");
        let line = text.lines().find_map(|line| line.strip_prefix(name)).expect("a line of that name");
        line.trim_start_matches(':').split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// What lies in its TMPDIR.
    pub fn spool(&self) -> Vec<String> {
        names_in(&self.work.path().join("spool"))
    }

    /// Waits until its jobs have left nothing.
    #[track_caller]
    pub fn wait_for_empty_spool(&self) {
        wait_until(SOON, "an empty spool", || self.spool().is_empty());
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill(pid_of(&self.child), signal).expect("a child that is ours");
    }

    /// Waits for its end, and says which signal that was.
    #[track_caller]
    pub fn wait_for_end(&mut self) -> Option<i32> {
        let child = &mut self.child;
        let ended =
            wait_for(SOON, "the end of the daemon", || child.try_wait().expect("a child that is ours"));
        ended.signal()
    }
}

impl Drop for Foreground {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The port that a log says is listened on. Signals are heeded from then on, too.
pub fn port_in(log: &str) -> Option<u16> {
    let (_, address) = log.split_once("] listening on ")?;
    let (address, _) = address.split_once('\n')?;
    Some(address.parse::<SocketAddr>().expect("an address").port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports() {
        let check = |log: &str, expected| assert_eq!(port_in(log), expected, "{log}");
        check("distccd[7] listening on 127.0.0.1:3632\nmore", Some(3632));
        check("distccd[7] listening on [::]:3632\n", Some(3632));
        check("distccd[7] listening on 127.0.0.1:36", None);
        check("distccd[7] allowing up to 4 active jobs\n", None);
    }
}
