//! How far one host of the list gets: each step only if the one before succeeded. Knows nothing of how that is told.

use crate::check::Situation;
use crate::check::reach::{self, Access, NoConnection};
use crate::check::ssh_login::{Login, log_in};
use crate::check::trial_bench::{Trial, TrialBench};
use crate::check::trial_outcome::Outcome;
use crate::processes::Processes;
use hosts::{Host, Place};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// Ports that distccd has by default, or by custom for other toolchains: Arch Linux ARM's, and a 32-bit chroot's.
const USUAL_PORTS: [u16; 5] = [3632, 3635, 3636, 3633, 3692];

/// What was found out about one host.
#[derive(Debug)]
pub(crate) struct Examined {
    pub(crate) host: Host,
    /// Its addresses, as far as it has any.
    pub(crate) addresses: Vec<SocketAddr>,
    /// How long it took to connect; none when that was not tried or not possible.
    pub(crate) round_trip: Option<Duration>,
    /// The address that it sees us come from.
    pub(crate) from: Option<IpAddr>,
    /// It is this machine, by another name.
    pub(crate) is_this_machine: bool,
    /// The compiles that were tried.
    pub(crate) trials: Vec<Trial>,
    /// Where it ended; none when all is well.
    pub(crate) end: Option<End>,
}

/// Why an examination went no further.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    /// Jobs for it stay on this machine: there is nothing to examine.
    Local,
    /// The list says that it is down.
    Down,
    /// It is reached through ssh, and how far that goes.
    Ssh(Login),
    /// The name means nothing here.
    Unresolved(String),
    /// A distccd listens at another port of it.
    OtherPort { asked: u16, found: u16 },
    /// There is no connection.
    NoConnection(NoConnection),
    /// The daemon does not allow our address.
    Denied,
    /// Whoever listens there is no distccd: what it said first.
    Stranger(String),
    /// The daemon serves us, but does not permit this compiler.
    NotPermitted { compiler: String },
    /// A compile went wrong in another way; the last trial tells how.
    Trial,
    /// Nothing can be compiled here either, so nothing was tried.
    NoTrial,
}

/// Goes as far as possible with one host. `number` is another one for each host; without a bench nothing is compiled.
pub(crate) fn examine(
    host: &Host,
    situation: &Situation,
    bench: Option<&TrialBench>,
    number: usize,
) -> Examined {
    let mut examined = Examined {
        host: host.clone(),
        addresses: Vec::new(),
        round_trip: None,
        from: None,
        is_this_machine: false,
        trials: Vec::new(),
        end: None,
    };
    examined.end = examined.go(situation, bench, number).err();
    examined
}

impl Examined {
    fn go(&mut self, situation: &Situation, bench: Option<&TrialBench>, number: usize) -> Result<(), End> {
        let (name, port) = match &self.host.place {
            Place::Local => return Err(End::Local),
            _ if self.host.down => return Err(End::Down),
            Place::Ssh { .. } => {
                let login = log_in(&self.host, situation);
                let bench = bench.filter(|_| matches!(login, Login::Works(_)));
                self.trials = bench.map_or_else(Vec::new, |bench| bench.compile_on(&self.host.spec, number));
                return Err(End::Ssh(login));
            }
            Place::Tcp { name, port } => (name.clone(), *port),
        };
        self.addresses = reach::resolve(&name, port, situation.processes).map_err(End::Unresolved)?;
        self.from = reach::our_address(self.addresses[0]);
        self.is_this_machine = reach::is_this_machine(self.addresses[0]);
        let open = reach::connect(&self.addresses, situation.processes)
            .map_err(|failure| self.other_port(failure, situation.processes))?;
        self.round_trip = Some(open.took);
        let Some(bench) = bench else {
            return Err(end_of_access(&open.access()).unwrap_or(End::NoTrial));
        };
        // A daemon that serves one connection at a time must not find us in our own way.
        drop(open);
        self.trials = bench.compile_on(&self.host.spec, number);
        match self.trials.last().map(|trial| (&trial.outcome, trial.compiler.clone())) {
            None | Some((Outcome::Equal, _)) => Ok(()),
            Some((Outcome::NoAnswer, compiler)) => Err(self.why_no_answer(compiler, situation.processes)),
            Some((Outcome::Babble(_), _)) => Err(self.who_babbles(situation.processes)),
            Some(_) => Err(End::Trial),
        }
    }

    /// Nothing listens at the port that was asked for: perhaps a distccd does at another one.
    fn other_port(&self, failure: NoConnection, processes: &Processes) -> End {
        let NoConnection::Refused(address) = failure else { return End::NoConnection(failure) };
        let asked = address.port();
        let other = |port: &u16| {
            let open = reach::connect(&[SocketAddr::new(address.ip(), *port)], processes).ok()?;
            matches!(open.access(), Access::Granted | Access::Denied).then_some(*port)
        };
        let found = USUAL_PORTS.iter().filter(|port| **port != asked).find_map(other);
        found.map_or(End::NoConnection(failure), |found| End::OtherPort { asked, found })
    }

    fn why_no_answer(&self, compiler: String, processes: &Processes) -> End {
        let access = reach::connect(&self.addresses, processes).map(reach::Open::access);
        match access {
            Ok(access) => end_of_access(&access).unwrap_or(End::NotPermitted { compiler }),
            Err(failure) => End::NoConnection(failure),
        }
    }

    fn who_babbles(&self, processes: &Processes) -> End {
        let access = reach::connect(&self.addresses, processes).map(reach::Open::access);
        match access {
            // That is how a distccd's answers begin, whatever follows.
            Ok(Access::Stranger(said)) if !said.starts_with("DONE") => End::Stranger(said),
            _ => End::Trial,
        }
    }
}

fn end_of_access(access: &Access) -> Option<End> {
    match access {
        Access::Granted => None,
        Access::Denied => Some(End::Denied),
        Access::Stranger(said) => Some(End::Stranger(said.clone())),
    }
}
