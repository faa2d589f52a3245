//! Several hosts on one machine: network namespaces on a common switch, removed on drop. Knows nothing of what runs on them.

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::process::{clean, run};

const PREFIX: &str = "distcc-arch-test";
const SWITCH: &str = "switch0";
/// Every network is an island, so all of them use the same addresses.
const SUBNET: [u8; 3] = [10, 83, 0];
const SILENT: u8 = 250;

static COUNTER: AtomicU32 = AtomicU32::new(0);

/// A builder and the hosts that its switch connects. Nothing leads from there to any other network.
pub struct Network {
    builder: Netns,
    others: Vec<Netns>,
}

/// One host; dropped, its processes are killed and it is gone.
pub struct Netns {
    name: String,
    address: Ipv4Addr,
}

impl Network {
    /// Makes a builder with the switch, and `hosts` other hosts on it.
    pub fn new(hosts: u8) -> Network {
        remove_leftovers();
        let builder = Netns::new(1);
        builder.ip(&["link", "add", SWITCH, "type", "bridge"]);
        builder.ip(&["addr", "add", &format!("{}/24", builder.address), "dev", SWITCH]);
        builder.ip(&["link", "set", SWITCH, "up"]);
        let others = (2..hosts + 2).map(|number| builder.plug_in(Netns::new(number))).collect();
        Network { builder, others }
    }

    /// Where the build runs.
    pub fn builder(&self) -> &Netns {
        &self.builder
    }

    /// The other hosts.
    pub fn others(&self) -> &[Netns] {
        &self.others
    }

    /// Pulls the plug of the other host with this index: packets to and from it vanish, and nobody is told.
    pub fn unplug(&self, index: usize) {
        self.builder.ip(&["link", "set", &self.others[index].port(), "nomaster"]);
    }

    /// An address on the switch at which every packet vanishes, as at a host that lost its power.
    pub fn silent_address(&self) -> Ipv4Addr {
        let address = Ipv4Addr::new(SUBNET[0], SUBNET[1], SUBNET[2], SILENT);
        let nobody = "02:00:00:00:00:fa";
        self.builder.ip(&[
            "neigh",
            "replace",
            &address.to_string(),
            "lladdr",
            nobody,
            "dev",
            SWITCH,
            "nud",
            "permanent",
        ]);
        address
    }
}

impl Netns {
    fn new(number: u8) -> Netns {
        let name = format!("{PREFIX}-{}-{}", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed));
        ip(&["netns", "add", &name]);
        let host = Netns { name, address: Ipv4Addr::new(SUBNET[0], SUBNET[1], SUBNET[2], number) };
        host.ip(&["link", "set", "lo", "up"]);
        host
    }

    fn plug_in(&self, other: Netns) -> Netns {
        let port = other.port();
        self.ip(&["link", "add", &port, "type", "veth", "peer", "name", "eth0", "netns", &other.name]);
        self.ip(&["link", "set", &port, "master", SWITCH]);
        self.ip(&["link", "set", &port, "up"]);
        other.ip(&["addr", "add", &format!("{}/24", other.address), "dev", "eth0"]);
        other.ip(&["link", "set", "eth0", "up"]);
        other
    }

    /// The name of the builder's end of its cable.
    fn port(&self) -> String {
        format!("port{}", self.address.octets()[3])
    }

    /// Its address on the switch.
    pub fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// The file that stands for it, by which other programs join it.
    pub fn path(&self) -> PathBuf {
        Path::new("/run/netns").join(&self.name)
    }

    /// A command with a clean environment that runs on this host.
    pub fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = clean("ip");
        command.args(["netns", "exec", &self.name]).arg(program.as_ref());
        command
    }

    fn ip(&self, args: &[&str]) {
        ip(&[&["-n", &self.name], args].concat());
    }
}

impl Drop for Netns {
    fn drop(&mut self) {
        let mut remove = clean("sh");
        remove.args(["-c", "ip netns pids \"$0\" | xargs -r kill -9; ip netns del \"$0\"", &self.name]);
        run(remove);
    }
}

/// Why no network namespace can be made here.
pub fn try_one() -> Result<(), String> {
    if !["/usr/sbin/ip", "/sbin/ip", "/usr/bin/ip"].iter().any(|path| Path::new(path).exists()) {
        return Err("there is no ip program".to_owned());
    }
    let name = format!("{PREFIX}-{}-{}", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed));
    let mut attempt = clean("sh");
    let script = "ip netns add \"$0\" || exit; ip netns exec \"$0\" true; usable=$?; ip netns del \"$0\"; exit $usable";
    attempt.args(["-c", script, &name]);
    let outcome = run(attempt);
    if outcome.status.success() { Ok(()) } else { Err(outcome.err().trim().replace('\n', "; ")) }
}

#[track_caller]
fn ip(args: &[&str]) {
    let mut command = clean("ip");
    command.args(args);
    run(command).good();
}

/// Removes what a test process that was killed could not.
fn remove_leftovers() {
    let Ok(entries) = fs::read_dir("/run/netns") else { return };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let owner = name.strip_prefix(PREFIX).and_then(|rest| rest.split('-').nth(1));
        if owner.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
            drop(Netns { name, address: Ipv4Addr::UNSPECIFIED });
        }
    }
}
