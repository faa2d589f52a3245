//! All that is counted, and how it looks now. Bounded, however many jobs come. Knows no clock, and nothing of those who
//! ask.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant, SystemTime};

use super::minutes::Minutes;
use super::tally::Tally;
use super::verdict::{VERDICTS, Verdict};

/// Failures that are remembered.
const FAILURES: usize = 20;

/// Running jobs that are shown by name; all are counted.
const SHOWN: usize = 100;

/// The upper ends of the histogram's buckets, in seconds: from what a `configure` tries to what a linker's output takes.
pub(super) const BUCKETS: [f64; 12] = [0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0];

/// A job that has ended.
#[derive(Debug)]
pub(super) struct Ended<'a> {
    pub(super) verdict: Verdict,
    /// Without its port.
    pub(super) client: &'a str,
    /// Where the request came so far that they are known.
    pub(super) work: Option<&'a Work>,
    /// From connection to answer.
    pub(super) time: Duration,
    /// Bytes of the request, and of the answer.
    pub(super) received: u64,
    pub(super) sent: u64,
    /// The log's words for the reason.
    pub(super) said: &'a str,
}

/// Which compiler makes what of which source, as the client calls them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Work {
    pub(super) compiler: String,
    pub(super) file: String,
}

/// A compiler that runs.
#[derive(Debug, Clone)]
pub(super) struct Running {
    pub(super) client: String,
    pub(super) work: Work,
    pub(super) since: Instant,
}

/// A job that did not end well.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    pub(super) at: Instant,
    pub(super) verdict: Verdict,
    pub(super) client: String,
    pub(super) work: Option<Work>,
    pub(super) said: String,
}

/// The successful job that took longest.
#[derive(Debug, Clone)]
pub(super) struct Longest {
    pub(super) work: Work,
    pub(super) time: Duration,
}

/// Numbers that only grow, and those of this moment.
#[derive(Debug, Clone, Default)]
pub(super) struct Counts {
    pub(super) accepted: u64,
    pub(super) denied: u64,
    pub(super) received: u64,
    pub(super) sent: u64,
    /// Clients whose connection is open.
    pub(super) connected: u64,
    /// Jobs that wait until fewer compilers run.
    pub(super) waiting: u64,
    /// Compilers that run.
    pub(super) compiling: u64,
    /// One for each bucket, not added up; longer jobs are in none.
    pub(super) buckets: [u64; BUCKETS.len()],
    /// Jobs in the histogram, and their time.
    pub(super) compiled: u64,
    pub(super) compiled_time: Duration,
    pub(super) longest: Option<Longest>,
    pub(super) compilers: Tally,
    pub(super) clients: Tally,
    /// The latest first.
    pub(super) failures: VecDeque<Failure>,
}

/// What jobs write into.
#[derive(Debug)]
pub(super) struct Book {
    slots: usize,
    started: Instant,
    started_at: SystemTime,
    counts: Counts,
    verdicts: [u64; VERDICTS.len()],
    minutes: Minutes,
    /// By number, which is by age.
    running: BTreeMap<u64, Running>,
    next: u64,
}

/// How the book looks now.
#[derive(Debug, Clone)]
pub(super) struct Figures {
    pub(super) now: Instant,
    pub(super) slots: usize,
    pub(super) started: Instant,
    pub(super) started_at: SystemTime,
    pub(super) counts: Counts,
    /// In the order of [`VERDICTS`].
    pub(super) verdicts: [u64; VERDICTS.len()],
    /// Those that run longest, longest first.
    pub(super) running: Vec<Running>,
    /// Of the last 1, 5 and 15 minutes.
    pub(super) recent_jobs: [u64; 3],
    /// Compilers at once, on average, likewise.
    pub(super) recent_compilers: [f64; 3],
}

impl Figures {
    /// Jobs with this result, whatever the reason.
    pub(super) fn jobs(&self, result: &str) -> u64 {
        let rows = VERDICTS.iter().zip(&self.verdicts);
        rows.filter(|((verdict, _), _)| verdict.result == result).map(|(_, count)| count).sum()
    }
}

impl Book {
    /// Of a daemon that runs so many compilers at once.
    pub(super) fn new(slots: usize, now: Instant, now_at: SystemTime) -> Book {
        Book {
            slots,
            started: now,
            started_at: now_at,
            counts: Counts::default(),
            verdicts: [0; VERDICTS.len()],
            minutes: Minutes::new(now),
            running: BTreeMap::new(),
            next: 0,
        }
    }

    /// For what needs no more than a number changed.
    pub(super) fn counts(&mut self) -> &mut Counts {
        &mut self.counts
    }

    /// A compiler starts; the number is for [`Book::stop`].
    pub(super) fn start(&mut self, job: Running) -> u64 {
        let (number, now) = (self.next, job.since);
        self.next += 1;
        self.running.insert(number, job);
        self.compilers_run(now);
        number
    }

    /// A compiler has ended.
    pub(super) fn stop(&mut self, number: u64, now: Instant) {
        self.running.remove(&number);
        self.compilers_run(now);
    }

    fn compilers_run(&mut self, now: Instant) {
        self.counts.compiling = self.running.len() as u64;
        self.minutes.compilers_run(now, u32::try_from(self.running.len()).unwrap_or(u32::MAX));
    }

    /// A job has ended.
    pub(super) fn end(&mut self, job: &Ended, now: Instant) {
        let place = VERDICTS.iter().position(|(verdict, _)| *verdict == job.verdict);
        self.verdicts[place.expect("the table has all verdicts")] += 1;
        if job.verdict.is_work() {
            self.minutes.job_ended(now);
        }
        self.counts.end(job, now);
    }

    /// How it looks now.
    pub(super) fn figures(&mut self, now: Instant) -> Figures {
        Figures {
            now,
            slots: self.slots,
            started: self.started,
            started_at: self.started_at,
            counts: self.counts.clone(),
            verdicts: self.verdicts,
            running: self.running.values().take(SHOWN).cloned().collect(),
            recent_jobs: [1, 5, 15].map(|back| self.minutes.jobs(now, back)),
            recent_compilers: [1, 5, 15].map(|back| self.minutes.average(now, back)),
        }
    }
}

impl Counts {
    fn end(&mut self, job: &Ended, now: Instant) {
        self.received += job.received;
        self.sent += job.sent;
        let ok = job.verdict.is_ok();
        self.clients.count(job.client, ok, job.time);
        if let Some(work) = job.work {
            self.compilers.count(base(&work.compiler), ok, job.time);
            if ok && self.longest.as_ref().is_none_or(|longest| longest.time < job.time) {
                self.longest = Some(Longest { work: work.clone(), time: job.time });
            }
        }
        if job.verdict.is_compiled() {
            self.compiled += 1;
            self.compiled_time += job.time;
            let bucket = BUCKETS.iter().position(|end| job.time.as_secs_f64() <= *end);
            bucket.into_iter().for_each(|bucket| self.buckets[bucket] += 1);
        }
        if !ok {
            self.failures.truncate(FAILURES - 1);
            self.failures.push_front(Failure {
                at: now,
                verdict: job.verdict,
                client: job.client.to_owned(),
                work: job.work.cloned(),
                said: job.said.to_owned(),
            });
        }
    }
}

fn base(compiler: &str) -> &str {
    compiler.rsplit('/').next().unwrap_or(compiler)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended<'a>(at: usize, work: &'a Work, milliseconds: u64) -> Ended<'a> {
        Ended {
            verdict: VERDICTS[at].0,
            client: "10.0.0.7",
            work: Some(work),
            time: Duration::from_millis(milliseconds),
            received: 10,
            sent: 20,
            said: "why",
        }
    }

    fn work(file: &str) -> Work {
        Work { compiler: "/usr/bin/gcc".to_owned(), file: file.to_owned() }
    }

    #[test]
    fn ends() {
        let now = Instant::now();
        let mut book = Book::new(4, now, SystemTime::UNIX_EPOCH);
        for (verdict, file, milliseconds) in [(0, "a.c", 40), (0, "b.c", 30), (1, "c.c", 900), (9, "d.c", 1)]
        {
            book.end(&ended(verdict, &work(file), milliseconds), now);
        }
        let figures = book.figures(now);
        let counts = &figures.counts;
        assert_eq!(["compile_ok", "compile_error", "other"].map(|result| figures.jobs(result)), [2, 1, 1]);
        assert_eq!((counts.received, counts.sent), (40, 80));
        assert_eq!(counts.longest.as_ref().unwrap().work.file, "a.c", "a failure is no record");
        assert_eq!((counts.compiled, counts.compiled_time), (3, Duration::from_millis(970)));
        assert_eq!(counts.buckets, [0, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
        assert_eq!(figures.recent_jobs, [3, 3, 3], "a refusal is no work");
        let (name, row) = counts.compilers.rows().next().unwrap();
        assert_eq!((name, row.ok, row.failed), ("gcc", 2, 2));
        assert_eq!(counts.failures[0].work, Some(work("d.c")));
    }

    #[test]
    fn running_compilers() {
        let now = Instant::now();
        let mut book = Book::new(4, now, SystemTime::UNIX_EPOCH);
        let job = |file: String| Running { client: String::new(), work: work(&file), since: now };
        let numbers: Vec<u64> = (0..300).map(|file| book.start(job(file.to_string()))).collect();
        let figures = book.figures(now);
        assert_eq!((figures.counts.compiling, figures.running.len()), (300, SHOWN));
        assert_eq!(figures.running[0].work.file, "0", "the oldest first");
        numbers.into_iter().for_each(|number| book.stop(number, now));
        assert_eq!(book.figures(now).counts.compiling, 0);
    }

    #[test]
    fn failures_are_forgotten() {
        let now = Instant::now();
        let mut book = Book::new(4, now, SystemTime::UNIX_EPOCH);
        (0..100).for_each(|file| book.end(&ended(1, &work(&file.to_string()), 1), now));
        let failures = book.figures(now).counts.failures;
        assert_eq!(failures.len(), FAILURES);
        assert_eq!(failures[0].work, Some(work("99")));
    }
}
