//! What the view shows, as figures: hosts with their slots, jobs with their age, totals, failures. Knows nothing of colours and columns.

use std::time::{Duration, SystemTime};

use hosts::{HostList, ListError, Place};
use job_state::{Entry, Phase, Sighting};

use super::past::Past;

/// All figures at one moment.
#[derive(Debug, Default)]
pub(crate) struct Board {
    /// Machines in the order of the host list, this one, then those that only jobs name.
    pub(crate) hosts: Vec<HostRow>,
    /// By host and slot.
    pub(crate) jobs: Vec<JobRow>,
    /// How many jobs are in which phase; phases without a job are left out.
    pub(crate) phases: Vec<(Phase, usize)>,
    /// What became of jobs that are over, as text, if there were any.
    pub(crate) totals: Option<String>,
    /// Hosts that were tried in vain, the latest first.
    pub(crate) failures: Vec<FailureRow>,
    /// Where the host list stands, or why there is none.
    pub(crate) list: String,
}

/// One machine, or what it may do.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct HostRow {
    pub(crate) name: String,
    pub(crate) used: u32,
    /// `None`: the list does not name it.
    pub(crate) total: Option<u32>,
    /// The list says that it takes no jobs.
    pub(crate) down: bool,
}

/// One job.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct JobRow {
    pub(crate) pid: u32,
    pub(crate) phase: Phase,
    /// Since the phase began.
    pub(crate) age: Duration,
    /// Host and slot, as `red[2]`.
    pub(crate) place: String,
    pub(crate) file: String,
}

/// One vain attempt.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct FailureRow {
    pub(crate) age: Duration,
    pub(crate) host: String,
    pub(crate) file: String,
    pub(crate) reason: String,
}

/// What this machine is called in records.
const HERE: &str = "localhost";
/// Preprocessors here have slots of their own number.
const PREPROCESSORS: &str = "localhost, preprocessing";

impl Board {
    pub(crate) fn new(
        list: &Result<HostList, ListError>,
        jobs: &[Sighting],
        past: &Past,
        now: SystemTime,
    ) -> Board {
        let mut board = Board { hosts: listed(list), totals: past.totals(), ..Board::default() };
        board.failures = past.failures().map(|failed| failure(failed, now)).collect();
        board.list = match list {
            Ok(list) => list.source_name.clone(),
            Err(error) => error.to_string(),
        };
        for job in jobs {
            board.host(&job.task.host, job.task.phase).used += 1;
            board.count(job.task.phase);
            board.jobs.push(JobRow {
                pid: job.task.pid,
                phase: job.task.phase,
                // A file server's clock may be ahead.
                age: now.duration_since(job.since).unwrap_or_default(),
                place: format!("{}[{}]", plain(&job.task.host), job.task.slot.cast_signed()),
                file: plain(&job.task.file.to_string_lossy()),
            });
        }
        board.phases.sort_by_key(|(phase, _)| *phase);
        board
    }

    /// Slots in use and slots there are, of all machines of the list.
    pub(crate) fn slots(&self) -> (u32, u32) {
        let listed = self.hosts.iter().filter(|host| host.name != PREPROCESSORS);
        listed
            .filter_map(|host| Some((host.used, host.total?)))
            .fold((0, 0), |(used, total), (u, t)| (used + u, total.saturating_add(t)))
    }

    fn host(&mut self, name: &str, phase: Phase) -> &mut HostRow {
        let preprocesses = name == HERE && phase == Phase::Preprocess;
        let name = if preprocesses { PREPROCESSORS.to_owned() } else { plain(name) };
        let at = self.hosts.iter().position(|host| host.name == name).unwrap_or_else(|| {
            self.hosts.push(HostRow { name, ..HostRow::default() });
            self.hosts.len() - 1
        });
        &mut self.hosts[at]
    }

    fn count(&mut self, phase: Phase) {
        match self.phases.iter_mut().find(|(counted, _)| *counted == phase) {
            Some((_, count)) => *count += 1,
            None => self.phases.push((phase, 1)),
        }
    }
}

fn failure(entry: &Entry, now: SystemTime) -> FailureRow {
    FailureRow {
        age: now.duration_since(entry.when).unwrap_or_default(),
        host: plain(&entry.host),
        file: plain(&entry.file.to_string_lossy()),
        reason: plain(&entry.reason),
    }
}

/// The rows of a list without jobs. Ports do not show in records, so one machine is one row.
fn listed(list: &Result<HostList, ListError>) -> Vec<HostRow> {
    let (hosts, here, preprocessors) = match list {
        Ok(list) => (list.hosts.as_slice(), list.local_slots, list.local_cpp_slots),
        Err(ListError::Empty { local_slots, local_cpp_slots, .. }) => {
            (&[][..], *local_slots, *local_cpp_slots)
        }
        Err(_) => (&[][..], HostList::LOCAL_SLOTS, HostList::LOCAL_CPP_SLOTS),
    };
    let mut rows: Vec<HostRow> = Vec::new();
    for host in hosts {
        let name = if host.place == Place::Local { HERE.to_owned() } else { plain(host.name()) };
        match rows.iter_mut().find(|row| row.name == name) {
            Some(row) => {
                row.total = Some(row.total.unwrap_or(0).saturating_add(host.slots));
                row.down &= host.down;
            }
            None => rows.push(HostRow { name, used: 0, total: Some(host.slots), down: host.down }),
        }
    }
    if rows.iter().all(|row| row.name != HERE) {
        rows.push(HostRow { name: HERE.to_owned(), total: Some(here), ..HostRow::default() });
    }
    rows.push(HostRow { name: PREPROCESSORS.to_owned(), total: Some(preprocessors), ..HostRow::default() });
    rows
}

/// A file may be called anything, and a terminal obeys some of that.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use job_state::Task;

    use super::*;

    fn job(host: &str, slot: u32, phase: Phase, age: u64) -> Sighting {
        let task = Task { pid: 7, file: "a\x1b.c".into(), host: host.to_owned(), slot, phase };
        Sighting { task, since: SystemTime::UNIX_EPOCH + Duration::from_secs(100 - age) }
    }

    #[track_caller]
    fn check(hosts: &str, jobs: &[Sighting], rows: &[&str], slots: (u32, u32)) {
        let list = Ok(HostList::parse(hosts.as_bytes(), "$DISTCC_HOSTS"));
        let board =
            Board::new(&list, jobs, &Past::new(&[]), SystemTime::UNIX_EPOCH + Duration::from_secs(100));
        let shown: Vec<String> = board
            .hosts
            .iter()
            .map(|row| match (row.total, row.down) {
                (Some(total), false) => format!("{} {}/{total}", row.name, row.used),
                (Some(total), true) => format!("{} {}/{total} down", row.name, row.used),
                (None, _) => format!("{} {}", row.name, row.used),
            })
            .collect();
        assert_eq!(shown, rows);
        assert_eq!(board.slots(), slots);
    }

    #[test]
    fn hosts_with_their_slots() {
        let idle = ["localhost 0/4", "localhost, preprocessing 0/8"];
        check("", &[], &idle, (0, 4));
        check("red/3 blue/2,down", &[], &[&["red 0/3", "blue 0/2 down"], &idle[..]].concat(), (0, 9));
        let jobs = [
            job("green", 0, Phase::Send, 1),
            job("localhost", 0, Phase::Compile, 1),
            job("localhost", 1, Phase::Preprocess, 1),
            job("red", 0, Phase::Compile, 1),
            job("red", 1, Phase::Compile, 1),
        ];
        let rows = ["red 2/7", "localhost 1/2", "localhost, preprocessing 1/8", "green 1"];
        check("red:1/3 red:2/4 localhost/2", &jobs, &rows, (3, 9));
    }

    #[test]
    fn jobs_with_their_age() {
        let list = Err(ListError::NoList);
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(100);
        let jobs = [job("red", 2, Phase::Compile, 70), job("red", 3, Phase::Connect, 0)];
        let board = Board::new(&list, &jobs, &Past::new(&[]), now - Duration::from_secs(1));
        let expected = JobRow {
            pid: 7,
            phase: Phase::Compile,
            age: Duration::from_secs(69),
            place: "red[2]".into(),
            file: "a?.c".into(),
        };
        assert_eq!(board.jobs[0], expected);
        assert_eq!(board.jobs[1].age, Duration::ZERO);
        assert_eq!(board.phases, [(Phase::Connect, 1), (Phase::Compile, 1)]);
    }
}
