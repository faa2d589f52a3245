//! Which firewall is in force on this machine, whether it lets a daemon's port in, and the commands that open it.
//! Changes nothing.

mod firewalld;
mod nftables;
mod ufw;

use crate::ask::ask;
use crate::check::remedy::word;
use crate::processes::Processes;
use crate::programs::is_program;
use crate::settings::Settings;
use ipnet::IpNet;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

/// firewall-cmd waits for its daemon.
const LIMIT: Duration = Duration::from_secs(15);

/// Directories besides `PATH`, for root's programs are not on everybody's.
const ROOT_PROGRAMS: [&str; 3] = ["/usr/sbin", "/sbin", "/usr/bin"];

/// A firewall that filters what comes in, as it was when it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Firewall {
    /// What `ufw status verbose` says.
    Ufw(String),
    /// What `firewall-cmd --list-all` says of the default zone.
    Firewalld(String),
    /// An input chain that drops or rejects by default, of nftables or of iptables on top of it.
    Nftables(nftables::Closed),
    /// It is there, and only root may look: its name.
    Hidden(&'static str),
}

/// Whether it lets a port in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Gate {
    /// From everywhere that was asked for.
    Open,
    /// Not from these; empty: not from anywhere.
    Closed(Vec<IpNet>),
    /// Its rules are not understood well enough.
    Perhaps,
    /// Only root may look.
    Hidden,
}

/// A command that changes something, and the one that takes it back.
pub(crate) type Step = (Vec<String>, Vec<String>);

/// A range, or an address as one, the way rules and daemons take it: bits behind the mask do no harm.
pub(crate) fn network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse().ok().map(|address: IpAddr| IpNet::from(address)))
}

/// The firewall in force on this machine, if there is one; another root has none of its own.
pub(crate) fn in_force(settings: &Settings, processes: &Arc<Processes>, root: &Path) -> Option<Firewall> {
    if root != Path::new("/") {
        return None;
    }
    let say = |program: &str, words: &[&str]| said(settings, processes, program, words);
    if let Some((text, well)) = say("ufw", &["status", "verbose"]) {
        match (well, ufw::is_active(&text)) {
            (true, true) => return Some(Firewall::Ufw(text)),
            (false, _) if ufw::is_enabled(root) => return Some(Firewall::Hidden("ufw")),
            _ => {}
        }
    }
    if say("firewall-cmd", &["--state"]).is_some_and(|(text, _)| text.trim() == "running") {
        return Some(match say("firewall-cmd", &["--list-all"]) {
            Some((text, true)) => Firewall::Firewalld(text),
            _ => Firewall::Hidden("firewalld"),
        });
    }
    match say("nft", &["-j", "list", "ruleset"]) {
        Some((text, true)) => nftables::closed(&text).map(Firewall::Nftables),
        _ => None,
    }
}

impl Firewall {
    /// What people call it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Firewall::Ufw(_) => "ufw",
            Firewall::Firewalld(_) => "firewalld",
            Firewall::Nftables(_) => "nftables",
            Firewall::Hidden(name) => name,
        }
    }

    /// Whether TCP connections to `port` come in from all of `ranges`; without a range: from anywhere.
    pub(crate) fn gate(&self, port: u16, ranges: &[IpNet]) -> Gate {
        let open = match self {
            Firewall::Ufw(status) => ufw::open_to(status, port),
            Firewall::Firewalld(zone) => firewalld::open_to(zone, port),
            Firewall::Nftables(closed) if closed.admits(port) => return Gate::Open,
            Firewall::Nftables(closed) if closed.has_riddles => return Gate::Perhaps,
            Firewall::Nftables(_) => Vec::new(),
            Firewall::Hidden(_) => return Gate::Hidden,
        };
        let shut: Vec<IpNet> = ranges.iter().filter(|range| !is_within(range, &open)).copied().collect();
        if ranges.is_empty() && open.is_empty() || !shut.is_empty() { Gate::Closed(shut) } else { Gate::Open }
    }

    /// The commands that let TCP connections to `port` in from `ranges`, each with the one that takes it back; what is
    /// let in already has none. nftables has none at all: its rules are the administrator's text.
    pub(crate) fn open(&self, port: u16, ranges: &[IpNet]) -> Vec<Step> {
        let shut: Vec<Option<IpNet>> = match self.gate(port, ranges) {
            Gate::Closed(shut) if shut.is_empty() => vec![None],
            Gate::Closed(shut) => shut.into_iter().map(Some).collect(),
            Gate::Open | Gate::Perhaps | Gate::Hidden => Vec::new(),
        };
        match self {
            Firewall::Ufw(_) => shut.into_iter().map(|range| ufw::opening(port, range)).collect(),
            Firewall::Firewalld(_) => {
                shut.into_iter().flat_map(|range| firewalld::openings(port, range)).collect()
            }
            Firewall::Nftables(_) | Firewall::Hidden(_) => Vec::new(),
        }
    }

    /// What to type so that connections to `port` come in from `ranges`.
    pub(crate) fn remedy(&self, port: u16, ranges: &[IpNet]) -> String {
        let typed: Vec<String> = match self {
            Firewall::Nftables(closed) => closed.openings(port, ranges),
            _ => self
                .open(port, ranges)
                .into_iter()
                .map(|(run, _)| run.iter().map(|part| word(part)).collect::<Vec<_>>().join(" "))
                .collect(),
        };
        typed.iter().map(|command| format!("sudo {command}")).collect::<Vec<_>>().join(" && ")
    }
}

fn is_within(range: &IpNet, open: &[IpNet]) -> bool {
    open.iter().any(|open| open.contains(range))
}

fn strings(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

/// What a program says and whether it ended well; none when it is not installed.
fn said(
    settings: &Settings,
    processes: &Arc<Processes>,
    program: &str,
    words: &[&str],
) -> Option<(String, bool)> {
    let extra = ROOT_PROGRAMS.map(PathBuf::from);
    let places = settings.path.iter().chain(&extra);
    let program = places.map(|directory| directory.join(program)).find(|candidate| is_program(candidate))?;
    let mut command = Command::new(program);
    command.args(words).env("LC_ALL", "C");
    let ended = ask(processes, &mut command, LIMIT);
    Some((String::from_utf8_lossy(&ended.stdout).into_owned(), ended.well()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const UFW: &str = "Status: active\nDefault: deny (incoming), allow (outgoing), disabled (routed)\n\n\
        To                         Action      From\n--                         ------      ----\n\
        3632/tcp                   ALLOW IN    192.168.0.0/24\n";

    #[track_caller]
    fn check(firewall: &Firewall, ranges: &[&str], gate: &Gate, remedy: &str) {
        let ranges: Vec<IpNet> = ranges.iter().map(|range| range.parse().unwrap()).collect();
        assert_eq!((&firewall.gate(3632, &ranges), firewall.remedy(3632, &ranges).as_str()), (gate, remedy));
    }

    #[test]
    fn gates_and_remedies() {
        let closed = |range: &str| Gate::Closed(vec![range.parse().unwrap()]);
        let ufw = Firewall::Ufw(UFW.into());
        check(&ufw, &["192.168.0.0/24", "192.168.0.7/32"], &Gate::Open, "");
        check(&ufw, &[], &Gate::Open, "");
        let allow = "sudo ufw allow from 10.0.0.0/8 to any port 3632 proto tcp";
        check(&ufw, &["192.168.0.0/24", "10.0.0.0/8"], &closed("10.0.0.0/8"), allow);
        let zone = Firewall::Firewalld("public\n  target: default\n  ports: \n  rich rules: \n".into());
        let rule = "--add-rich-rule='rule family=\"ipv4\" source address=\"10.0.0.0/8\" port port=\"3632\" \
                    protocol=\"tcp\" accept'";
        let rule = format!("'{}'", rule.replace('\'', ""));
        let both = format!("sudo firewall-cmd {rule} && sudo firewall-cmd --permanent {rule}");
        check(&zone, &["10.0.0.0/8"], &closed("10.0.0.0/8"), &both);
        let both =
            "sudo firewall-cmd --add-port=3632/tcp && sudo firewall-cmd --permanent --add-port=3632/tcp";
        check(&zone, &[], &Gate::Closed(vec![]), both);
        check(&Firewall::Hidden("ufw"), &[], &Gate::Hidden, "");
    }

    #[test]
    fn what_is_opened_can_be_taken_back() {
        let range: IpNet = "10.0.0.0/8".parse().unwrap();
        let steps = Firewall::Ufw(UFW.into()).open(3632, &[range, "192.168.0.0/24".parse().unwrap()]);
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let rule = "allow from 10.0.0.0/8 to any port 3632 proto tcp";
        assert_eq!(steps, [(words(&format!("ufw {rule}")), words(&format!("ufw delete {rule}")))]);
    }
}
