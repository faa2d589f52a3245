//! How many jobs ended, and how many compilers ran, in the last minutes: a ring of short spans of time, so that it never
//! grows. Knows nothing of what a job is.

use std::time::{Duration, Instant};

/// distcc 3.4 counts in spans of the same length.
const SPAN: Duration = Duration::from_secs(3);
const SPANS_PER_MINUTE: u64 = 20;
/// As long as the longest question looks back.
const SPANS: u64 = 15 * SPANS_PER_MINUTE;

/// The last 15 minutes.
#[derive(Debug)]
pub(super) struct Minutes {
    origin: Instant,
    /// All that was before this is in the ring.
    until: Duration,
    /// Compilers that run since then.
    running: u32,
    ring: Box<[Span]>,
}

#[derive(Debug, Clone, Default)]
struct Span {
    jobs: u64,
    /// The time of all compilers that ran, added up.
    busy: Duration,
}

impl Minutes {
    pub(super) fn new(now: Instant) -> Minutes {
        let ring = vec![Span::default(); SPANS as usize].into_boxed_slice();
        Minutes { origin: now, until: Duration::ZERO, running: 0, ring }
    }

    /// One more job has ended.
    pub(super) fn job_ended(&mut self, now: Instant) {
        self.advance(now);
        self.current().jobs += 1;
    }

    /// From now on so many compilers run.
    pub(super) fn compilers_run(&mut self, now: Instant, running: u32) {
        self.advance(now);
        self.running = running;
    }

    /// Jobs that ended in the last so many minutes, to the span.
    pub(super) fn jobs(&mut self, now: Instant, minutes: u64) -> u64 {
        self.advance(now);
        self.last(minutes).map(|span| span.jobs).sum()
    }

    /// Compilers that ran in the last so many minutes, on average.
    pub(super) fn average(&mut self, now: Instant, minutes: u64) -> f64 {
        self.advance(now);
        let whole_spans = SPAN * (minutes * SPANS_PER_MINUTE - 1) as u32;
        let looked_at = whole_spans + (self.until - SPAN * number(self.until) as u32);
        let busy: Duration = self.last(minutes).map(|span| span.busy).sum();
        busy.as_secs_f64() / looked_at.as_secs_f64()
    }

    fn advance(&mut self, now: Instant) {
        let now = now.saturating_duration_since(self.origin);
        let oldest = SPAN * number(now).saturating_sub(SPANS - 1) as u32;
        if self.until < oldest {
            self.ring.fill(Span::default());
            self.until = oldest;
        }
        while self.until < now {
            let next = SPAN * (number(self.until) + 1) as u32;
            let end = next.min(now);
            let busy = (end - self.until) * self.running;
            self.current().busy += busy;
            self.until = end;
            if end == next {
                *self.current() = Span::default();
            }
        }
    }

    fn current(&mut self) -> &mut Span {
        &mut self.ring[(number(self.until) % SPANS) as usize]
    }

    fn last(&self, minutes: u64) -> impl Iterator<Item = &Span> {
        let newest = number(self.until) + SPANS;
        let spans = minutes * SPANS_PER_MINUTE;
        (0..spans).map(move |back| &self.ring[((newest - back) % SPANS) as usize])
    }
}

fn number(time: Duration) -> u64 {
    time.as_secs() / SPAN.as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[test]
    fn jobs_are_counted_until_they_are_old() {
        let start = Instant::now();
        let mut minutes = Minutes::new(start);
        for second in [0, 2, 70, 400] {
            minutes.job_ended(after(start, second));
        }
        let mut check = |second, expected: [u64; 3]| {
            let now = after(start, second);
            let jobs = [1, 5, 15].map(|minutes_back| minutes.jobs(now, minutes_back));
            assert_eq!(jobs, expected, "after {second} s");
        };
        check(400, [1, 1, 4]);
        check(455, [1, 1, 4]);
        check(461, [0, 1, 4]);
        check(880, [0, 0, 4]);
        check(901, [0, 0, 2]);
        check(100_000, [0, 0, 0]);
    }

    #[test]
    fn compilers_that_run_count_for_as_long_as_they_do() {
        let start = Instant::now();
        let mut minutes = Minutes::new(start);
        minutes.compilers_run(after(start, 10), 4);
        let mut check = |second, minutes_back, expected: f64| {
            let average = minutes.average(after(start, second), minutes_back);
            assert!((average - expected).abs() < 1e-6, "{average} after {second} s");
        };
        check(10, 1, 0.0);
        // 57 seconds of 19 whole spans and 1 of this one.
        check(40, 1, 4.0 * 30.0 / 58.0);
        check(200, 1, 4.0);
        check(310, 5, 4.0);
        check(5_000, 15, 4.0);
        minutes.compilers_run(after(start, 5_000), 0);
        let average = minutes.average(after(start, 5_100), 1);
        assert!(average.abs() < 1e-6, "{average}");
    }
}
