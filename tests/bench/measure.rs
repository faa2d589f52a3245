//! How each kind of row is measured: both sides in turns, in an order that changes. Knows no row of the table.

use std::path::PathBuf;
use std::thread::sleep;
use std::time::Duration;

use test_hosts::Programs;
use test_hosts::wait::wait_until;
use test_hosts::workdir::Workdir;

use crate::clients::Client;
use crate::cpu;
use crate::daemons::{Daemon, Memory};
use crate::figures::Pair;
use crate::pump_mode;
use crate::rows::{Batch, Measure, Servers};
use crate::stub::{Stub, preprocessed_text};

const KIB: usize = 1024;
const LIMIT: Duration = Duration::from_secs(20);
/// A daemon that gives back memory when it has nothing to do may do so now.
const SETTLING: Duration = Duration::from_secs(2);

// Two hosts with two slots each.
const WAITING_JOBS: u32 = 80;
const WAITING_AT_ONCE: usize = 16;
const WAITING_JOB: Duration = Duration::from_millis(200);
const WAITING_SLOTS: u32 = 4;

/// Both sides, and what they work on.
pub(crate) struct Bench {
    ours: Programs,
    pub(crate) theirs: Programs,
    pub(crate) stub: Stub,
    pub(crate) work: Workdir,
}

impl Bench {
    pub(crate) fn set_up(ours: Programs, theirs: Programs, gcc: PathBuf) -> Bench {
        let work = Workdir::new();
        work.open_dir("logs");
        for (name, length) in [("2k.i", 2 * KIB), ("2k.c", 2 * KIB), ("1m.i", KIB * KIB)] {
            work.write(name, preprocessed_text(&gcc, length));
        }
        Bench { ours, theirs, stub: Stub::build(&gcc, &work), work }
    }

    pub(crate) fn measure(&self, measure: &Measure) -> Vec<Pair> {
        match measure {
            Measure::Client(batch) => self.client_time(*batch),
            Measure::Daemon(batch) => {
                self.in_turns(batch.rounds, |programs| self.daemon_time(programs, *batch))
            }
            Measure::Waiting(Servers::C) => {
                self.in_turns(1, |programs| self.waiting(programs.distcc, self.theirs.distccd))
            }
            Measure::Waiting(Servers::Own) => {
                self.in_turns(1, |programs| self.waiting(programs.distcc, programs.distccd))
            }
            Measure::PumpClient { rounds } => {
                self.in_turns(*rounds, |programs| pump_mode::client_time(self, programs))
            }
            Measure::PumpDaemon { rounds } => {
                self.in_turns(*rounds, |programs| pump_mode::daemon_time(self, programs))
            }
            Measure::PumpMemory => self.in_turns(1, |programs| pump_mode::memory(self, programs)),
            Measure::Memory { jobs, of } => {
                self.in_turns(1, |programs| of(self.memory(programs.distccd, *jobs)))
            }
        }
    }

    fn in_turns(&self, rounds: usize, look: impl Fn(Programs) -> f64) -> Vec<Pair> {
        let round = |number: usize| {
            if number.is_multiple_of(2) {
                let ours = look(self.ours);
                Pair { ours, theirs: look(self.theirs) }
            } else {
                let theirs = look(self.theirs);
                Pair { ours: look(self.ours), theirs }
            }
        };
        (0..rounds).map(round).collect()
    }

    fn client_time(&self, batch: Batch) -> Vec<Pair> {
        let daemon = self.daemon(self.theirs.distccd, 4);
        let hosts = daemon.host(4, batch.options);
        let per_job = |programs: Programs| {
            let client = self.client(programs.distcc, &hosts, batch.input);
            milliseconds(cpu::spent(|| client.run(batch.jobs, 1)).0) / batch.jobs as f64
        };
        // What either side finds out once is not part of a job.
        self.in_turns(1, per_job);
        let rounds = self.in_turns(batch.rounds, per_job);
        self.expect_served(&daemon, 2 * batch.jobs * (batch.rounds + 1));
        daemon.stop();
        rounds
    }

    /// From a whole life with jobs, a life without any is taken away.
    fn daemon_time(&self, programs: Programs, batch: Batch) -> f64 {
        let life = |jobs| {
            let daemon = self.daemon(programs.distccd, 4);
            self.client(self.theirs.distcc, &daemon.host(4, batch.options), batch.input).run(jobs, 1);
            self.expect_served(&daemon, jobs);
            daemon.stop()
        };
        let idle = life(0);
        milliseconds(life(batch.jobs).saturating_sub(idle)) / batch.jobs as f64
    }

    fn waiting(&self, distcc: &'static str, distccd: &str) -> f64 {
        let daemons = [self.daemon(distccd, 4), self.daemon(distccd, 4)];
        let hosts = daemons.each_ref().map(|daemon| daemon.host(WAITING_SLOTS / 2, "")).join(" ");
        self.stub.sleep(WAITING_JOB);
        let took = self.client(distcc, &hosts, "2k.i").run(WAITING_JOBS as usize, WAITING_AT_ONCE);
        self.stub.wake();
        for daemon in daemons {
            daemon.stop();
        }
        took.div_duration_f64(WAITING_JOB * WAITING_JOBS / WAITING_SLOTS)
    }

    fn memory(&self, distccd: &str, jobs: usize) -> Memory {
        let daemon = self.daemon(distccd, 4);
        self.client(self.theirs.distcc, &daemon.host(4, ""), "1m.i").run(jobs, 4);
        self.expect_served(&daemon, jobs);
        sleep(SETTLING);
        let held = daemon.memory();
        daemon.stop();
        held
    }

    pub(crate) fn daemon(&self, distccd: &str, jobs: u32) -> Daemon {
        Daemon::start(distccd, jobs, &self.stub, &self.work)
    }

    pub(crate) fn client<'a>(
        &'a self,
        distcc: &'static str,
        hosts: &'a str,
        input: &'static str,
    ) -> Client<'a> {
        Client::new(distcc, hosts, input, &self.stub, &self.work)
    }

    /// A job that ran here instead would make any client look good. Samples, which show a client what the compiler of a C
    /// daemon is, are served besides.
    pub(crate) fn expect_served(&self, daemon: &Daemon, jobs: usize) {
        wait_until(LIMIT, "a daemon that says it has served all jobs", || daemon.served() >= jobs);
    }
}

pub(crate) fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
