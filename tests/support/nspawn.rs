//! Machines that boot a real systemd from the image that tests/run makes, each at a place in a network; gone on drop.
//! Knows nothing of what runs on them.

use std::fs::{self, File};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::netns::Netns;
use crate::process::{Outcome, clean, pid_of, run};
use crate::wait::{wait_for, wait_until};
use crate::workdir::Workdir;

const PREFIX: &str = "distcc-arch-test";
const BOOT: Duration = Duration::from_secs(60);
/// How often the end of a killed machine is looked for, and how long after each look.
const LOOKS: u32 = 1000;
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// Where control groups may be made: the two of a hybrid layout that nspawn uses, or the only one.
const GROUPS: &[&str] = &["/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified", "/sys/fs/cgroup"];
/// Where nspawn leaves a directory named like a machine that was killed.
const LEFT_BY_NSPAWN: &[&str] = &["/run/systemd/nspawn/propagate", "/run/systemd/nspawn/unix-export"];

static COUNTER: AtomicU32 = AtomicU32::new(0);

/// A directory of this machine that a booted one sees as well.
#[derive(Clone, Copy)]
pub struct Share<'a> {
    /// Where it is here.
    pub here: &'a Path,
    /// Where it is there.
    pub there: &'a str,
    /// Whether it may be changed from there.
    pub writable: bool,
}

/// A booted machine. Its image stays as it was: what the machine writes is kept in memory and goes with it.
pub struct Machine {
    name: String,
    address: Ipv4Addr,
    nspawn: Child,
    place: Workdir,
}

impl Machine {
    /// Boots the image at a place in a network and waits until systemd has started everything.
    #[track_caller]
    pub fn boot(image: &Path, at: &Netns, shares: &[Share]) -> Machine {
        remove_leftovers();
        let name = format!("{PREFIX}-{}-{}", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed));
        let place = Workdir::new();
        let console = File::create(place.path().join("console")).expect("a file in a directory of ours");
        let also = console.try_clone().expect("a file that is open");
        let mut command = in_groups_of(&name);
        command
            .args(["systemd-nspawn", "--quiet", "--boot", "--volatile=overlay", "--console=pipe"])
            .args(["--register=no", "--keep-unit", "--machine", &name, "--hostname", &name])
            .arg(format!("--directory={}", image.display()))
            .arg(format!("--network-namespace-path={}", at.path().display()))
            .args(shares.iter().map(Share::option))
            .stdout(console)
            .stderr(also);
        let nspawn = command.spawn().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        let machine = Machine { name, address: at.address(), nspawn, place };
        wait_until(BOOT, "a machine that has booted", || machine.has_booted());
        machine
    }

    #[track_caller]
    fn has_booted(&self) -> bool {
        let Some(_) = self.leader() else {
            let alive = Path::new("/proc").join(pid_of(&self.nspawn).to_string()).join("exe").exists();
            assert!(alive, "systemd-nspawn ended:\n{}", self.console());
            return false;
        };
        let mut ask = self.command("systemctl");
        ask.args(["is-system-running", "--wait"]);
        ["running", "degraded"].contains(&run(ask).out().trim())
    }

    /// The process that is number 1 there.
    fn leader(&self) -> Option<Pid> {
        let nspawn = pid_of(&self.nspawn);
        let children = fs::read_to_string(format!("/proc/{nspawn}/task/{nspawn}/children")).ok()?;
        let is_systemd = |pid: &&str| {
            fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name == "systemd\n")
        };
        children.split_whitespace().find(is_systemd)?.parse().ok().map(Pid::from_raw)
    }

    /// What is there of it here while it runs: its control groups.
    pub fn traces(&self) -> Vec<PathBuf> {
        groups().map(|group| group.join(&self.name)).collect()
    }

    /// Its address in the network.
    pub fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// What it wrote to its console so far.
    pub fn console(&self) -> String {
        fs::read_to_string(self.place.path().join("console")).unwrap_or_default()
    }

    /// A command that root runs there, with a clean environment.
    #[track_caller]
    pub fn command(&self, program: impl AsRef<Path>) -> Command {
        let leader = wait_for(BOOT, "the first process of a machine", || self.leader());
        let mut command = clean("nsenter");
        command.args(["-m", "-u", "-i", "-n", "-p", "-C", "-r", "-w", "-t", &leader.to_string(), "--"]);
        command.arg(program.as_ref());
        command
    }

    /// A script that root's bash runs there.
    #[track_caller]
    pub fn script(&self, text: &str) -> Command {
        let mut command = self.command("bash");
        command.args(["-euc", text]).env("HOME", "/root");
        command
    }

    /// A script that a user's bash runs there, in the user's home.
    #[track_caller]
    pub fn script_of(&self, user: &str, text: &str) -> Command {
        let mut command = self.command("setpriv");
        command.args(["--reuid", user, "--regid", user, "--init-groups", "--", "bash", "-euc"]);
        command.arg(format!("cd; {text}")).env("HOME", format!("/home/{user}")).env("USER", user);
        command
    }

    /// Runs a script as root; panics unless it ends well within the usual limit.
    #[track_caller]
    pub fn root(&self, text: &str) -> Outcome {
        run(self.script(text)).good()
    }

    /// Runs a script as a user; panics unless it ends well within the usual limit.
    #[track_caller]
    pub fn user(&self, user: &str, text: &str) -> Outcome {
        run(self.script_of(user, text)).good()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        remove(&self.name);
        // It may not have come as far as its control group.
        let _ = self.nspawn.kill();
        let _ = self.nspawn.wait();
    }
}

impl Share<'_> {
    fn option(&self) -> String {
        let kind = if self.writable { "bind" } else { "bind-ro" };
        format!("--{kind}={}:{}", self.here.display(), self.there)
    }
}

/// nspawn moves about in its control group, so that each machine needs one of its own.
fn in_groups_of(name: &str) -> Command {
    let script = "while [ \"$1\" != -- ]; do mkdir -p \"$1\" && echo $$ >\"$1/cgroup.procs\" || exit; shift; done; \
        shift; exec \"$@\"";
    let mut command = clean("sh");
    command.args(["-c", script, "sh"]).args(groups().map(|group| group.join(name))).arg("--");
    command.stdin(Stdio::null());
    command
}

fn groups() -> impl Iterator<Item = PathBuf> {
    let hybrid = Path::new(GROUPS[0]).join("cgroup.procs").exists();
    let found = if hybrid { &GROUPS[..2] } else { &GROUPS[2..] };
    found.iter().map(PathBuf::from).filter(|group| group.join("cgroup.procs").exists())
}

/// Removes the machines of test processes that were killed.
fn remove_leftovers() {
    for entry in groups().filter_map(|group| fs::read_dir(group).ok()).flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let owner = name.strip_prefix(PREFIX).and_then(|rest| rest.split('-').nth(1));
        if owner.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
            remove(&name);
        }
    }
}

/// Kills all that runs in a machine, nspawn too, and removes what that leaves behind.
fn remove(name: &str) {
    for group in groups().map(|group| group.join(name)) {
        for _ in 0..LOOKS {
            let running = processes_in(&group);
            if running.is_empty() {
                break;
            }
            for pid in running {
                let _ = kill(pid, Signal::SIGKILL);
            }
            sleep(LOOK_AGAIN);
        }
        remove_group(&group);
    }
    for place in LEFT_BY_NSPAWN {
        let _ = fs::remove_dir(Path::new(place).join(name));
    }
}

fn processes_in(group: &Path) -> Vec<Pid> {
    let listed = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
    let here = listed.lines().filter_map(|pid| pid.parse().ok()).map(Pid::from_raw);
    here.chain(groups_in(group).iter().flat_map(|below| processes_in(below))).collect()
}

fn remove_group(group: &Path) {
    groups_in(group).iter().for_each(|below| remove_group(below));
    let _ = fs::remove_dir(group);
}

fn groups_in(group: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(group) else { return Vec::new() };
    entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
}
