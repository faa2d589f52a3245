//! Whether this machine's own daemon serves as it is meant to, if one is meant to be here at all. Knows nothing of other
//! machines.

use crate::ask::ask;
use crate::check::daemon_args::DaemonArgs;
use crate::check::remedy::word;
use crate::check::usable_program::Account;
use crate::check::{Finding, Situation};
use crate::firewall::{self, Firewall, Gate};
use crate::programs::is_program;
use nix::unistd::geteuid;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const UNIT: &str = "distccd.service";
/// In its place, where systemd listens and starts the daemon for its first client.
const SOCKET: &str = "distccd.socket";
const CONFIGURATION: &str = "/etc/conf.d/distccd";
/// Links in it permit compilers.
const PERMITTED: &str = "/usr/lib/distcc";
const LIMIT: Duration = Duration::from_secs(10);
/// Whom distccd becomes, the first there is: its package's user, Debian's, anybody.
const USERS: [&str; 3] = ["distcc", "distccd", "nobody"];
/// Wider than this is no private network.
const WIDEST: u8 = 8;

const MAKE_ONE: &str = "sudo distcc-arch setup --server";

/// All about the daemon here.
pub(crate) fn serves(situation: &Situation) -> Vec<Finding> {
    if situation.elsewhere() {
        return vec![Finding::skipped("daemon", "", "a daemon of another root cannot be asked")];
    }
    let args = match settings(situation) {
        Ok(args) => args,
        Err(why) => return vec![Finding::skipped("daemon", CONFIGURATION, why)],
    };
    let unit = in_charge(situation);
    if !is_meant(&args, unit.as_ref()) {
        return vec![Finding::skipped("daemon", UNIT, "no daemon is meant to serve others from here")];
    }
    let mut findings = match &unit {
        None => vec![Finding::skipped("daemon-service", UNIT, "this machine was not started by systemd")],
        Some(unit) => service(unit),
    };
    // A socket's port is its own, and an active one listens.
    if unit.as_ref().is_none_or(|unit| unit.name == UNIT) {
        findings.push(listening(&args));
    }
    findings.extend(ranges(&args));
    findings.extend(toolchain(&args, unit.as_ref(), situation));
    findings
}

/// Whether a firewall here lets the daemon's clients in.
pub(crate) fn firewall(situation: &Situation) -> Vec<Finding> {
    let Some(firewall) = firewall::in_force(situation.settings, situation.processes, &situation.root) else {
        return vec![if geteuid().is_root() {
            Finding::well("firewall", "", "none that filters what comes in is in force")
        } else {
            Finding::skipped(
                "firewall",
                "",
                "only root may see whether one is in force: sudo distcc-arch check",
            )
        }];
    };
    let args = match settings(situation) {
        Ok(args) => args,
        Err(why) => return vec![Finding::skipped("firewall", firewall.name(), why)],
    };
    if !is_meant(&args, in_charge(situation).as_ref()) {
        let why = "no daemon is meant to serve others from here";
        return vec![Finding::skipped("firewall", firewall.name(), why)];
    }
    vec![gate(&firewall, &args)]
}

/// systemd understands more ways to write them than we do.
fn settings(situation: &Situation) -> Result<DaemonArgs, String> {
    DaemonArgs::parse(&fs::read_to_string(situation.at(CONFIGURATION)).unwrap_or_default())
}

fn gate(firewall: &Firewall, args: &DaemonArgs) -> Finding {
    let (name, subject, port) = ("firewall", firewall.name(), args.port);
    match firewall.gate(port, &args.ranges) {
        Gate::Open => Finding::well(name, subject, format!("lets port {port} in")),
        Gate::Hidden => {
            Finding::skipped(name, subject, "only root may see its rules: sudo distcc-arch check")
        }
        Gate::Perhaps => {
            Finding::skipped(name, subject, format!("its rules are not understood; port {port} must come in"))
        }
        Gate::Closed(from) => {
            let from: Vec<_> = from.iter().map(ToString::to_string).collect();
            let from = if from.is_empty() { "anywhere".to_owned() } else { from.join(", ") };
            let what = format!("may keep out what comes to port {port} from {from}");
            let command = firewall.remedy(port, &args.ranges);
            let remedy = format!("{command}   # or, where it can: {MAKE_ONE} --open-firewall");
            Finding::warning(name, subject, what, remedy)
        }
    }
}

/// A unit, and what systemd says of it by name.
struct Unit {
    name: &'static str,
    state: BTreeMap<String, String>,
}

impl Unit {
    fn says(&self, field: &str) -> &str {
        self.state.get(field).map(String::as_str).unwrap_or_default()
    }

    fn is_meant(&self) -> bool {
        self.says("UnitFileState") == "enabled" || self.says("ActiveState") == "active"
    }
}

fn is_meant(args: &DaemonArgs, unit: Option<&Unit>) -> bool {
    args.is_edited || unit.is_some_and(Unit::is_meant)
}

/// The socket where it is meant to listen, else the service; none without systemd.
fn in_charge(situation: &Situation) -> Option<Unit> {
    if !Path::new("/run/systemd/system").is_dir() {
        return None;
    }
    let socket = unit(SOCKET, situation);
    Some(if socket.is_meant() { socket } else { unit(UNIT, situation) })
}

fn unit(name: &'static str, situation: &Situation) -> Unit {
    let mut command = Command::new("systemctl");
    command.args(["show", name, "--property=LoadState,ActiveState,UnitFileState,User"]);
    let ended = ask(situation.processes, &mut command, LIMIT);
    let said = String::from_utf8_lossy(&ended.stdout).into_owned();
    let pairs = said.lines().filter_map(|line| line.split_once('='));
    let state = pairs.map(|(field, value)| (field.to_owned(), value.to_owned())).collect();
    Unit { name, state }
}

fn service(unit: &Unit) -> Vec<Finding> {
    let (name, subject) = ("daemon-service", unit.name);
    if unit.says("LoadState") == "not-found" {
        let remedy = "sudo pacman -S --needed distcc-arch";
        return vec![Finding::failure(name, subject, "there is no such unit", remedy)];
    }
    let active = match unit.says("ActiveState") {
        "active" => Finding::well(name, subject, "is active"),
        "failed" => {
            let remedy = format!("journalctl -eu {subject}; sudo systemctl restart {subject}");
            Finding::failure(name, subject, "has failed", remedy)
        }
        other => {
            Finding::failure(name, subject, format!("is {other}"), format!("sudo systemctl start {subject}"))
        }
    };
    let name = "daemon-enabled";
    let enabled = match unit.says("UnitFileState") {
        "enabled" => Finding::well(name, subject, "starts with the machine"),
        _ => {
            let remedy = format!("sudo systemctl enable {subject}");
            Finding::warning(name, subject, "does not start with the machine", remedy)
        }
    };
    vec![active, enabled]
}

fn listening(args: &DaemonArgs) -> Finding {
    let (name, port) = ("daemon-listens", args.port);
    let subject = format!("port {port}");
    if listens(port) {
        return Finding::well(name, subject, "something listens there");
    }
    let what = format!("nothing listens there, though {CONFIGURATION} asks for it");
    Finding::failure(name, subject, what, format!("sudo systemctl restart {UNIT}"))
}

/// Whether anything listens on this TCP port here.
pub(super) fn listens(port: u16) -> bool {
    let tables =
        ["/proc/net/tcp", "/proc/net/tcp6"].map(|table| fs::read_to_string(table).unwrap_or_default());
    tables.iter().any(|table| has_listener(table, port))
}

/// A line of proc(5)'s `/proc/net/tcp`: number, local address and port in hexadecimal digits, peer, state; 0A listens.
fn has_listener(table: &str, port: u16) -> bool {
    let end = format!(":{port:04X}");
    table.lines().skip(1).any(|line| {
        let mut words = line.split_whitespace().skip(1);
        words.next().is_some_and(|local| local.ends_with(&end)) && words.nth(1) == Some("0A")
    })
}

fn ranges(args: &DaemonArgs) -> Vec<Finding> {
    let name = "daemon-ranges";
    let remedy = format!("{MAKE_ONE} --allow 192.168.0.0/24   # with your own network");
    if args.ranges.is_empty() && !args.private {
        let what = "names nobody who may connect, so that every private network may";
        return vec![Finding::warning(name, CONFIGURATION, what, remedy)];
    }
    let wide = args.ranges.iter().filter(|range| range.prefix_len() < WIDEST);
    let warned: Vec<_> = wide
        .map(|range| {
            let what = format!("serves {range}: who can reach this machine can run its compilers");
            Finding::warning(name, CONFIGURATION, what, remedy.clone())
        })
        .collect();
    if !warned.is_empty() {
        return warned;
    }
    let mut shown: Vec<String> = args.ranges.iter().map(ToString::to_string).collect();
    shown.extend(args.private.then(|| "every private network".to_owned()));
    vec![Finding::well(name, CONFIGURATION, format!("serves {}", shown.join(", ")))]
}

/// Every compiler that is permitted must be there, and the daemon's user must be able to run it.
fn toolchain(args: &DaemonArgs, unit: Option<&Unit>, situation: &Situation) -> Vec<Finding> {
    let name = "daemon-toolchain";
    let of_unit = unit.map(|unit| unit.says("User")).filter(|user| !user.is_empty());
    let Some(account) = of_unit.into_iter().chain(USERS).find_map(Account::named) else {
        return vec![Finding::skipped(name, UNIT, "there is no user that it could run as")];
    };
    let permitted = permitted(&situation.at(PERMITTED));
    if permitted.is_empty() {
        let what = "has no link, so that no compiler may be run";
        return vec![Finding::failure(name, PERMITTED, what, "sudo distcc-arch masquerade")];
    }
    let programs = permitted.iter().filter_map(|compiler| {
        args.path
            .iter()
            .map(|directory| directory.join(compiler))
            .find(|candidate| is_program(candidate) || candidate.is_symlink())
    });
    let bad: Vec<Finding> = programs.filter_map(|program| unusable(&program, &account, situation)).collect();
    if bad.is_empty() {
        let what = format!("{} may run what is permitted: {}", account.name, permitted.join(", "));
        return vec![Finding::well(name, PERMITTED, what)];
    }
    bad
}

/// The names of the links, sorted.
fn permitted(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let links = entries.filter(|entry| !entry.path().is_dir());
    let mut names: Vec<_> = links.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// The client calls what comes of this "code 110".
fn unusable(program: &PathBuf, account: &Account, situation: &Situation) -> Option<Finding> {
    let (name, who) = ("daemon-toolchain", &account.name);
    let subject = program.display().to_string();
    if let Some(barrier) = account.barrier(program) {
        let path = barrier.path.display().to_string();
        let failure = |what: String, remedy: String| Some(Finding::failure(name, &subject, what, remedy));
        return match barrier.mode {
            Some(mode) => failure(
                format!("{who} may not pass {path}, whose mode is {mode:o}"),
                format!("sudo chmod o+x {}", word(&path)),
            ),
            None => failure(format!("{path} does not exist"), "sudo distcc-arch masquerade".to_owned()),
        };
    }
    if !geteuid().is_root() {
        return None;
    }
    let mut command = Command::new(program);
    command
        .arg("--version")
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .current_dir("/")
        .uid(account.uid)
        .gid(account.gid);
    let ended = ask(situation.processes, &mut command, LIMIT);
    let again = format!("sudo -u {who} {} --version", word(&subject));
    (!ended.well())
        .then(|| Finding::failure(name, &subject, format!("does not run as {who}: {}", ended.how()), again))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, warnings: usize) {
        let found = ranges(&DaemonArgs::parse(text).unwrap());
        assert_eq!(
            found.iter().filter(|finding| finding.remedy.is_some()).count(),
            warnings,
            "{text}: {found:?}"
        );
    }

    #[test]
    fn who_may_connect() {
        check("DISTCC_ARGS=--allow-private", 0);
        check("DISTCC_ARGS=--allow 10.0.0.0/8", 0);
        check("DISTCC_ARGS=--nice 5", 1);
        check("DISTCC_ARGS=--allow 0.0.0.0/0 --allow 128.0.0.0/1 --allow 10.0.0.0/8", 2);
    }

    #[test]
    fn states_of_the_unit() {
        let unit = |load: &str, active: &str, file: &str| {
            let state = [("LoadState", load), ("ActiveState", active), ("UnitFileState", file)];
            Unit {
                name: UNIT,
                state: state.map(|(field, value)| (field.to_owned(), value.to_owned())).into(),
            }
        };
        let names = |unit: Unit| {
            let bad = service(&unit).into_iter().filter(|finding| finding.remedy.is_some());
            bad.map(|finding| finding.check).collect::<Vec<_>>()
        };
        assert_eq!(names(unit("loaded", "active", "enabled")), [""; 0]);
        assert_eq!(names(unit("loaded", "failed", "disabled")), ["daemon-service", "daemon-enabled"]);
        assert_eq!(names(unit("not-found", "inactive", "")), ["daemon-service"]);
    }

    #[test]
    fn listeners_in_the_kernels_table() {
        let table = "  sl  local_address rem_address   st\n   0: 0100007F:0E30 00000000:0000 0A 0\n   \
                     1: 0100007F:0E31 0100007F:1 01 0\n";
        assert!(has_listener(table, 3632) && !has_listener(table, 3633));
    }
}
