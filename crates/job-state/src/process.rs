//! Whether the process that wrote a file still runs, in this pid namespace or in one below it. Knows no record.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, Instant, SystemTime};

use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::Pid;

/// In /proc the kernel counts time in hundredths of a second on all machines, whatever it does inside.
const TICKS: f64 = 100.0;
/// Clocks are set while processes run, and a file's time is as coarse as a tick of the scheduler.
const SLACK: Duration = Duration::from_secs(2);
/// `PF_KTHREAD` of the kernel's include/linux/sched.h.
const KERNEL_THREAD: u32 = 0x0020_0000;
/// `PROC_PID_INIT_INO` of the kernel's include/linux/proc_ns.h: what the first namespace is called since Linux 3.8.
const FIRST_NAMESPACE: &str = "pid:[4026531836]";

/// Who wrote a file, by its own account and the file's.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Writer {
    /// The number it knows itself by.
    pub(crate) pid: u32,
    /// Whose the file is.
    pub(crate) owner: u32,
    /// When it wrote.
    pub(crate) wrote: SystemTime,
}

/// How long the list of processes in other namespaces is good: it takes reading a file of every process.
const FRESH: Duration = Duration::from_secs(1);

/// The processes of this machine, looked up as needed.
#[derive(Debug)]
pub(crate) struct Processes {
    boot: SystemTime,
    nested: Option<Nested>,
}

/// (number in its own namespace, number here) of those in namespaces below this one.
#[derive(Debug)]
struct Nested {
    seen: Instant,
    numbers: Vec<(u32, u32)>,
}

impl Processes {
    pub(crate) fn new() -> Processes {
        Processes { boot: boot(), nested: None }
    }

    /// Clocks may have been set since this was made.
    pub(crate) fn set_clock(&mut self) {
        self.boot = boot();
    }

    /// Whether the writer runs. A process that got its number later is another one; one that only waits to be asked how
    /// it ended has ended.
    pub(crate) fn runs(&mut self, writer: &Writer) -> bool {
        if self.is(writer.pid, writer).unwrap_or_else(|| is_hidden(writer.pid)) {
            return true;
        }
        let nested = self.nested.take().filter(|nested| nested.seen.elapsed() < FRESH);
        let nested = nested.unwrap_or_else(Nested::look);
        let mut candidates = nested.numbers.iter().filter(|(inner, _)| *inner == writer.pid);
        let runs = candidates.any(|(_, here)| self.is(*here, writer) == Some(true));
        self.nested = Some(nested);
        runs
    }

    /// Whether the process with this number here is the writer; `None` if there is none to be seen.
    fn is(&self, pid: u32, writer: &Writer) -> Option<bool> {
        let owner = fs::metadata(format!("/proc/{pid}")).ok()?.uid();
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let stat = Stat::parse(&stat)?;
        let started = self.boot + Duration::from_secs_f64(stat.started / TICKS);
        // Who may not be looked at belongs to root as far as /proc tells.
        let may_be = owner == writer.owner || owner == 0;
        Some(stat.works && may_be && started <= writer.wrote + SLACK)
    }
}

/// Whether every process that can write here can be seen, which is so only in the first pid namespace.
pub(crate) fn sees_all() -> bool {
    fs::read_link("/proc/self/ns/pid").is_ok_and(|namespace| namespace.as_os_str() == FIRST_NAMESPACE)
}

/// A /proc that is mounted with `hidepid` shows others' processes to nobody, but a signal tells.
fn is_hidden(pid: u32) -> bool {
    i32::try_from(pid).is_ok_and(|pid| pid > 0 && kill(Pid::from_raw(pid), None) == Err(Errno::EPERM))
}

fn boot() -> SystemTime {
    let uptime = fs::read_to_string("/proc/uptime").unwrap_or_default();
    let uptime = uptime.split(' ').next().and_then(|seconds| seconds.parse().ok()).unwrap_or(0.0);
    SystemTime::now() - Duration::from_secs_f64(uptime)
}

impl Nested {
    fn look() -> Nested {
        let entries = fs::read_dir("/proc").into_iter().flatten();
        let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        let numbers = pids.filter_map(|pid: u32| {
            let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
            Some((innermost(&status)?, pid))
        });
        Nested { seen: Instant::now(), numbers: numbers.collect() }
    }
}

/// The last number of a line of several such as `NSpid: 4711 12 1`.
fn innermost(status: &str) -> Option<u32> {
    let numbers = status.lines().find_map(|line| line.strip_prefix("NSpid:"))?;
    let numbers = numbers.split_whitespace().skip(1);
    numbers.last()?.parse().ok()
}

/// What `/proc/PID/stat` tells (proc(5)).
#[derive(Debug, PartialEq)]
struct Stat {
    /// It is neither dead nor a part of the kernel.
    works: bool,
    /// In ticks since the machine started.
    started: f64,
}

impl Stat {
    fn parse(text: &str) -> Option<Stat> {
        // The name of the program stands in parentheses and may hold anything.
        let fields: Vec<&str> = text.rsplit_once(") ")?.1.split(' ').collect();
        let flags: u32 = fields.get(6)?.parse().ok()?;
        let ended = ["Z", "X"].contains(fields.first()?);
        Some(Stat { works: !ended && flags & KERNEL_THREAD == 0, started: fields.get(19)?.parse().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, id};

    use super::*;

    #[track_caller]
    fn check(writer: Writer, expected: bool) {
        assert_eq!(Processes::new().runs(&writer), expected, "{writer:?}");
    }

    fn me() -> Writer {
        let owner = fs::metadata("/proc/self").unwrap().uid();
        Writer { pid: id(), owner, wrote: SystemTime::now() }
    }

    #[test]
    fn who_runs() {
        check(me(), true);
        check(Writer { pid: 0, ..me() }, false);
        check(Writer { pid: u32::MAX, ..me() }, false);
        // This process got its number after that.
        check(Writer { wrote: SystemTime::now() - Duration::from_secs(90 * 24 * 3600), ..me() }, false);
        check(Writer { owner: 4_000_000, ..me() }, me().owner == 0);
        let mut child = Command::new("true").spawn().unwrap();
        // A child that nobody waits for stays a zombie until then.
        while fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap().contains(") R") {
            std::thread::yield_now();
        }
        child.wait().unwrap();
        check(Writer { pid: child.id(), ..me() }, false);
    }

    #[track_caller]
    fn check_stat(text: &str, expected: Option<(bool, f64)>) {
        assert_eq!(Stat::parse(text), expected.map(|(works, started)| Stat { works, started }), "{text}");
    }

    #[test]
    fn what_stat_tells() {
        let rest = "1 7 7 0 -1 4194560 100 0 0 0 0 0 0 0 20 0 1 0 2741 5 6";
        check_stat(&format!("7 (a) Z) R) S {rest}"), Some((true, 2741.0)));
        check_stat(&format!("7 (gcc) Z {rest}"), Some((false, 2741.0)));
        check_stat(&format!("7 (kworker) S {}", rest.replace("4194560", "2129984")), Some((false, 2741.0)));
        check_stat("7 (gcc) S 1 7", None);
        check_stat("", None);
    }

    #[test]
    fn numbers_in_namespaces() {
        assert_eq!(innermost("Name:\tx\nNSpid:\t4711\t12\t1\nNSpgid:\t1\n"), Some(1));
        assert_eq!(innermost("NSpid:\t4711\n"), None);
        assert_eq!(innermost("Name:\tx\n"), None);
    }
}
