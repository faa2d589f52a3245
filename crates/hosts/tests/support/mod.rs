//! Real client processes that take, hold and wait for slots. Knows nothing of what the tests expect of them.
#![allow(dead_code, reason = "each test program uses its part")]

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

/// No wait in a test is longer.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);
/// Less than the second after which a waiter looks again even if no event came.
pub(crate) const AT_ONCE: Duration = Duration::from_millis(700);

/// An own DISTCC_DIR.
pub(crate) struct Dir(TempDir);

impl Dir {
    pub(crate) fn new() -> Dir {
        Dir(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn lock_file(&self, name: &str) -> PathBuf {
        self.path().join("lock").join(name)
    }

    /// Makes a host sit out since so long.
    pub(crate) fn bench(&self, host: &str, since: Duration) {
        let path = self.lock_file(&format!("backoff_tcp_{host}_3632_0"));
        fs::write(&path, "x").unwrap();
        File::options().write(true).open(path).unwrap().set_modified(SystemTime::now() - since).unwrap();
    }

    pub(crate) fn pardon(&self, host: &str) {
        fs::remove_file(self.lock_file(&format!("backoff_tcp_{host}_3632_0"))).unwrap();
    }

    /// A client with the pool and the way to hold its slot as `examples/hold-slot.rs` has them; a bench lasts 60 s.
    pub(crate) fn client(&self, pool: &str, hold: &str) -> Client {
        self.client_with_period(pool, hold, 60)
    }

    pub(crate) fn client_with_period(&self, pool: &str, hold: &str, period_in_seconds: u32) -> Client {
        let mut child = Command::new(program())
            .args([self.path().to_str().unwrap(), pool, &period_in_seconds.to_string(), hold])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Client { child, lines }
    }

    /// What distcc 3.4 does to hold a slot: the file and a record lock on all of it.
    pub(crate) fn hold_as_c_does(&self, name: &str) -> File {
        fs::create_dir_all(self.path().join("lock")).unwrap();
        let file = File::create(self.lock_file(name)).unwrap();
        assert_eq!(fcntl(&file, FcntlArg::F_SETLK(&bytes(0, 0))), Ok(0));
        file
    }

    /// The heads of all queues, and of the lines that formed behind stopped ones.
    pub(crate) fn heads(&self) -> Vec<u32> {
        let entries = fs::read_dir(self.path().join("lock")).into_iter().flatten();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let queues: Vec<String> = names.filter(|name| name.starts_with("queue_")).collect();
        let lines = queues.iter().flat_map(|name| (0..3).map(move |line| (name, line)));
        lines.filter_map(|(name, line)| self.lock_holder(name, bytes(line, 1))).collect()
    }

    /// Who has a slot, as seen from this process.
    pub(crate) fn holder(&self, name: &str) -> Option<u32> {
        self.lock_holder(name, bytes(0, 0))
    }

    fn lock_holder(&self, name: &str, mut lock: libc::flock) -> Option<u32> {
        fcntl(File::open(self.lock_file(name)).ok()?, FcntlArg::F_GETLK(&mut lock)).unwrap();
        (i32::from(lock.l_type) != libc::F_UNLCK).then_some(lock.l_pid as u32)
    }
}

fn bytes(l_start: i64, l_len: i64) -> libc::flock {
    libc::flock { l_type: libc::F_WRLCK as i16, l_whence: libc::SEEK_SET as i16, l_start, l_len, l_pid: 0 }
}

/// All processes that sleep on a record lock; see proc(5), `/proc/locks`.
pub(crate) fn queued() -> HashSet<u32> {
    let locks = fs::read_to_string("/proc/locks").unwrap();
    let sleepers = locks.lines().filter(|lock| lock.contains("-> POSIX"));
    sleepers.filter_map(|lock| lock.split_whitespace().nth(5)?.parse().ok()).collect()
}

/// The example that cargo builds beside the tests.
pub(crate) fn program() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let program = tests.ancestors().nth(2).unwrap().join("examples/hold-slot");
    assert!(program.exists(), "{} is not built; run `cargo build -p hosts --examples`", program.display());
    program
}

/// A client process; killed when dropped.
pub(crate) struct Client {
    child: Child,
    lines: Receiver<String>,
}

impl Client {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The next line it prints, without the time at its end.
    #[track_caller]
    pub(crate) fn says(&self, within: Duration) -> String {
        let line = self.lines.recv_timeout(within).expect("the client says nothing");
        line.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end().to_owned()
    }

    #[track_caller]
    pub(crate) fn has_said_nothing(&self) {
        assert_eq!(self.lines.try_recv().ok(), None);
    }

    /// Ends what it waits for with `input` or `exec`.
    pub(crate) fn let_go(&mut self) {
        self.child.stdin.take();
    }

    pub(crate) fn send(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid() as i32), signal).unwrap();
    }

    /// Waits until it sleeps as the head of a queue.
    #[track_caller]
    pub(crate) fn is_head(&self, dir: &Dir) {
        until("head", || dir.heads().contains(&self.pid()) && self.state() == 'S');
    }

    /// Waits until it sleeps on a lock that another holds.
    #[track_caller]
    pub(crate) fn is_queued(&self) {
        until("queued", || queued().contains(&self.pid()));
    }

    #[track_caller]
    pub(crate) fn is_stopped(&self) {
        until("stopped", || self.state() == 'T');
    }

    fn state(&self) -> char {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid())).unwrap();
        stat.rsplit(") ").next().unwrap().chars().next().unwrap()
    }

    /// How often it has gone to sleep.
    pub(crate) fn sleeps(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        line.unwrap().trim().parse().unwrap()
    }

    /// Waits for its end: its exit status.
    #[track_caller]
    pub(crate) fn ends(&mut self) -> std::process::ExitStatus {
        let mut status = None;
        until("ended", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[track_caller]
pub(crate) fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < LIMIT, "not {what} after {LIMIT:?}");
        thread::sleep(Duration::from_millis(1));
    }
}
