//! How busy the machine is, as the kernel tells under /proc. Knows nothing of jobs.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::statvfs::statvfs;

/// However often somebody asks, /proc is read no more often.
const FRESH: Duration = Duration::from_secs(1);

/// More processes than this are not looked at for one answer.
const MOST_PROCESSES: usize = 20_000;

/// distcc 3.4 has its rate of input and output from spans like this one.
const RATE_SPAN: Duration = Duration::from_secs(50);

/// What is known of the machine; distcc's names are in brackets.
#[derive(Debug, Clone, Default)]
pub(super) struct Machine {
    pub(super) name: String,
    /// Of the last 1, 5 and 15 minutes \[`dcc_load1` to `dcc_load3`\].
    pub(super) load: [f64; 3],
    /// Processes that run or could \[`dcc_current_load`\].
    pub(super) runnable: u64,
    /// Processes that wait for a disk \[`dcc_num_procstate_D`\]. Of processes, only those that the daemon's user can see
    /// count.
    pub(super) uninterruptible: u64,
    /// The process with most memory: its name in brackets, and kibibytes \[`dcc_max_RSS`, `dcc_max_RSS_name`\].
    pub(super) largest: Option<(String, u64)>,
    /// Sectors of 512 bytes read and written in a second \[`dcc_io_rate`\].
    pub(super) io_rate: Option<u64>,
    /// Mebibytes where jobs are done on disk \[`dcc_free_space`\].
    pub(super) free_space: Option<u64>,
}

/// Reads it anew when what was read is no longer fresh.
#[derive(Debug)]
pub(super) struct Readings {
    disk: PathBuf,
    last: Option<(Instant, Machine)>,
    /// All sectors so far, and then.
    sectors: Option<(Instant, u64)>,
}

impl Readings {
    /// For jobs that are done in this directory. A rate needs two readings, and this is the first.
    pub(super) fn begin(disk: PathBuf, now: Instant) -> Readings {
        Readings { disk, last: None, sectors: all_sectors().map(|sectors| (now, sectors)) }
    }

    /// How busy the machine is. Reads files, which may block.
    pub(super) fn machine(&mut self, now: Instant) -> Machine {
        if let Some((then, machine)) = &self.last
            && now.saturating_duration_since(*then) < FRESH
        {
            return machine.clone();
        }
        let (load, runnable) = load(&read("/proc/loadavg")).unwrap_or_default();
        let processes = processes();
        let machine = Machine {
            name: read("/proc/sys/kernel/hostname").trim().to_owned(),
            load,
            runnable,
            uninterruptible: processes.iter().filter(|process| process.state == 'D').count() as u64,
            io_rate: self.io_rate(now),
            free_space: free_space(&self.disk),
            largest: processes
                .into_iter()
                .max_by_key(|process| process.memory)
                .map(|process| (process.name, process.memory)),
        };
        self.last = Some((now, machine.clone()));
        machine
    }

    fn io_rate(&mut self, now: Instant) -> Option<u64> {
        let sectors = all_sectors()?;
        let (then, before) = *self.sectors.get_or_insert((now, sectors));
        let seconds = now.saturating_duration_since(then).as_secs();
        let rate = sectors.saturating_sub(before).checked_div(seconds);
        if now.saturating_duration_since(then) > RATE_SPAN {
            self.sectors = Some((now, sectors));
        }
        rate
    }
}

fn read(path: impl AsRef<Path>) -> String {
    fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

/// `0.20 0.18 0.12 1/80 11206` (proc_loadavg(5))
fn load(text: &str) -> Option<([f64; 3], u64)> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let [one, five, fifteen, processes, ..] = words[..] else { return None };
    let (runnable, _) = processes.split_once('/')?;
    Some(([one.parse().ok()?, five.parse().ok()?, fifteen.parse().ok()?], runnable.parse().ok()?))
}

struct Process {
    name: String,
    state: char,
    memory: u64,
}

fn processes() -> Vec<Process> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let is_process = |name: &str| name.bytes().all(|byte| byte.is_ascii_digit());
    entries
        .flatten()
        .filter(|entry| entry.file_name().to_str().is_some_and(is_process))
        .take(MOST_PROCESSES)
        .filter_map(|entry| process(&read(entry.path().join("stat"))))
        .collect()
}

/// `42 (cc1) R 1 …`, where the 24th field is the memory in pages (proc_pid_stat(5)). A name may hold anything.
fn process(text: &str) -> Option<Process> {
    const MEMORY: usize = 24 - 3;
    let (head, rest) = text.rsplit_once(')')?;
    let (_, name) = head.split_once('(')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let pages: u64 = fields.get(MEMORY)?.parse().ok()?;
    Some(Process {
        name: format!("({})", super::shown(name.as_ref())),
        state: fields[0].chars().next()?,
        memory: pages * page_size() / 1024,
    })
}

fn page_size() -> u64 {
    let size = nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE).ok().flatten();
    size.and_then(|size| u64::try_from(size).ok()).unwrap_or(4096)
}

fn all_sectors() -> Option<u64> {
    let text = fs::read_to_string("/proc/diskstats").ok()?;
    sectors(&text)
}

/// Sectors that real disks have read and written so far; None without a disk. What is read from a partition, or from a
/// device that is made of others, is read from a disk, too.
fn sectors(diskstats: &str) -> Option<u64> {
    let rows: Vec<Vec<&str>> = diskstats.lines().map(|line| line.split_whitespace().collect()).collect();
    let names: Vec<&str> = rows.iter().filter_map(|row| row.get(2).copied()).collect();
    let is_disk = |name: &str| !is_virtual(name) && !names.iter().any(|disk| is_partition(name, disk));
    let of_row = |row: &Vec<&str>| {
        let [_, _, name, _, _, read, _, _, _, written, ..] = row[..] else { return None };
        Some(read.parse::<u64>().ok()? + written.parse::<u64>().ok()?).filter(|_| is_disk(name))
    };
    rows.iter().filter_map(of_row).reduce(|all, one| all + one)
}

fn is_virtual(device: &str) -> bool {
    ["loop", "ram", "zram", "dm-", "md", "sr", "fd"].iter().any(|kind| device.starts_with(kind))
}

/// `sda1` of `sda`, `nvme0n1p2` of `nvme0n1`, but not `sdaa` of `sda`.
fn is_partition(name: &str, disk: &str) -> bool {
    let rest = name.strip_prefix(disk).unwrap_or_default();
    let number = if disk.ends_with(|c: char| c.is_ascii_digit()) {
        rest.strip_prefix('p').unwrap_or_default()
    } else {
        rest
    };
    !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
}

fn free_space(directory: &Path) -> Option<u64> {
    let disk = statvfs(directory).ok()?;
    Some(disk.blocks_available().saturating_mul(disk.fragment_size()) >> 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn load_averages() {
        assert_eq!(load("1.10 1.20 1.55 6/480 26984\n"), Some(([1.1, 1.2, 1.55], 6)));
        assert_eq!(load(""), None);
        assert_eq!(load("a b c d e"), None);
    }

    #[test]
    fn names_of_processes_may_hold_anything() {
        let check = |name: &str, expected: &str| {
            let fields = "0 ".repeat(20);
            let found = process(&format!("42 ({name}) D {fields}256 0 0\n")).unwrap();
            assert_eq!((found.name.as_str(), found.state), (expected, 'D'));
            assert_eq!(found.memory, 256 * page_size() / 1024);
        };
        check("cc1", "(cc1)");
        check("a) R (b", "(a) R (b)");
        check("x\ny", "(x?y)");
        assert!(process("42 (cc1) D 1 2").is_none() && process("").is_none());
    }

    #[test]
    fn only_real_disks_count() {
        let check = |names: &[&str], expected| {
            let line = |name: &&str| format!("   8 0 {name} 5 0 100 7 6 0 20 9 0 8 9\n");
            assert_eq!(sectors(&names.iter().map(line).collect::<String>()), expected, "{names:?}");
        };
        check(&["sda", "sda1", "sda15", "sdaa"], Some(240));
        check(&["nvme0n1", "nvme0n1p1", "dm-0", "loop3", "md127", "zram0"], Some(120));
        check(&["vda", "vdb"], Some(240));
        check(&["loop0"], None);
        assert_eq!(sectors(""), None);
        assert_eq!(sectors("8 0 sda x\n"), None);
    }

    #[test]
    fn this_machine() {
        let now = Instant::now();
        let mut readings = Readings::begin("/tmp".into(), now);
        let machine = readings.machine(now);
        assert!(machine.free_space.is_some() && machine.largest.unwrap().1 > 0 && machine.runnable > 0);
        assert_eq!(machine.io_rate, None, "there is no time between the readings");
        let later = readings.machine(now + Duration::from_secs(2));
        assert!(later.io_rate.is_some() || all_sectors().is_none());
    }
}
