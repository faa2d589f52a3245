//! The table of what is measured and what is aimed at. Knows nothing of how it is measured.

use crate::daemons::Memory;

/// One line of the result.
pub(crate) struct Row {
    /// What a filter is matched against.
    pub(crate) name: &'static str,
    pub(crate) measure: Measure,
    pub(crate) target: Target,
}

/// What is measured, on both sides.
pub(crate) enum Measure {
    /// Processor time of a client and all it waited for, per job; a C daemon serves both clients.
    Client(Batch),
    /// Processor time of a daemon, its children and its compilers, per job; the C client asks both daemons.
    Daemon(Batch),
    /// How many times longer jobs take than without any loss, when clients wait for slots.
    Waiting(Servers),
    /// Likewise with sources and headers of real programs, in pump mode, include server included.
    PumpClient { rounds: usize },
    /// Likewise; each daemon is asked by the C client.
    PumpDaemon { rounds: usize },
    /// What an include server holds after a build of real programs.
    PumpMemory,
    /// What a daemon holds after so many jobs, none of them small.
    Memory { jobs: usize, of: fn(Memory) -> f64 },
}

/// The jobs of one round.
#[derive(Clone, Copy)]
pub(crate) struct Batch {
    /// A file that the bench makes.
    pub(crate) input: &'static str,
    /// What follows the host in the host list.
    pub(crate) options: &'static str,
    pub(crate) jobs: usize,
    pub(crate) rounds: usize,
}

/// Whose daemons the clients of a row use.
pub(crate) enum Servers {
    /// C daemons for both.
    C,
    /// Each the daemons of its own make.
    Own,
}

/// The most that is good.
#[derive(Clone, Copy)]
pub(crate) enum Target {
    /// Ours in parts of theirs.
    Ratio(f64),
    /// Ours alone.
    Ours(f64),
    /// None: shown for comparison.
    Open,
}

pub(crate) const ROWS: &[Row] = &[
    client("client-2k", "2k.i", "", 20),
    client("client-2k-lzo", "2k.i", ",lzo", 20),
    client("client-c", "2k.c", "", 20),
    client("client-1m", "1m.i", "", 5),
    client("client-1m-lzo", "1m.i", ",lzo", 5),
    daemon("daemon-2k", "2k.i", "", 150),
    daemon("daemon-2k-lzo", "2k.i", ",lzo", 150),
    daemon("daemon-1m", "1m.i", "", 60),
    daemon("daemon-1m-lzo", "1m.i", ",lzo", 60),
    Row { name: "waiting", measure: Measure::Waiting(Servers::C), target: Target::Ours(1.08) },
    Row { name: "waiting-own", measure: Measure::Waiting(Servers::Own), target: Target::Ours(1.08) },
    Row { name: "client-pump", measure: Measure::PumpClient { rounds: 5 }, target: Target::Ratio(0.4) },
    Row { name: "daemon-pump", measure: Measure::PumpDaemon { rounds: 5 }, target: Target::Ratio(0.5) },
    Row { name: "memory-pump", measure: Measure::PumpMemory, target: Target::Ours(100.0) },
    memory("memory-rss", 0, |held| held.resident, Target::Ours(8.0)),
    memory("memory-rss-used", 200, |held| held.resident, Target::Ours(8.0)),
    memory("memory-pss", 0, |held| held.share, Target::Open),
    memory("memory-pss-used", 200, |held| held.share, Target::Open),
];

const fn client(name: &'static str, input: &'static str, options: &'static str, jobs: usize) -> Row {
    let batch = Batch { input, options, jobs, rounds: 20 };
    Row { name, measure: Measure::Client(batch), target: Target::Ratio(0.8) }
}

const fn daemon(name: &'static str, input: &'static str, options: &'static str, jobs: usize) -> Row {
    let batch = Batch { input, options, jobs, rounds: 4 };
    Row { name, measure: Measure::Daemon(batch), target: Target::Ratio(0.8) }
}

const fn memory(name: &'static str, jobs: usize, of: fn(Memory) -> f64, target: Target) -> Row {
    Row { name, measure: Measure::Memory { jobs, of }, target }
}

impl Measure {
    /// Whether both pumps are needed for it.
    pub(crate) fn is_of_pump_mode(&self) -> bool {
        matches!(self, Measure::PumpClient { .. } | Measure::PumpDaemon { .. } | Measure::PumpMemory)
    }

    /// What its figures count.
    pub(crate) fn unit(&self) -> &'static str {
        match self {
            Measure::Client(_)
            | Measure::Daemon(_)
            | Measure::PumpClient { .. }
            | Measure::PumpDaemon { .. } => "ms CPU/job",
            Measure::Waiting(_) => "x ideal",
            Measure::Memory { .. } | Measure::PumpMemory => "MiB",
        }
    }
}
