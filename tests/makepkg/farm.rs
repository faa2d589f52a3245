//! A machine that builds packages and machines that compile for it, with our programs installed. Knows nothing of how any
//! of them is configured.

use std::path::Path;
use std::time::Duration;

use test_hosts::machine_box::MachineBox;
use test_hosts::need;
use test_hosts::netns::{Netns, Network};
use test_hosts::process::Outcome;

use crate::report::Report;

pub(crate) const BUILDER: &str = "builder";
/// Where makepkg's user has the PKGBUILD, below the home directory.
pub(crate) const PACKAGE: &str = "lua";
const PKGBUILD: &str = include_str!("fixtures/lua/PKGBUILD");
const SCRIPTS: [(&str, &str); 3] = [
    ("/usr/bin/systemctl", include_str!("fixtures/systemctl")),
    ("/usr/local/bin/sudo", include_str!("fixtures/sudo")),
    ("/usr/local/bin/repository", include_str!("fixtures/repository")),
];
const UNIT: &str = include_str!("../../systemd/distccd.service");
/// Where our systemctl keeps what the daemon says since it was last started.
const LOG: &str = "/run/units/distccd.said";
const LONGEST_BUILD: Duration = Duration::from_secs(300);
/// Of the network that the machines are on.
pub(crate) const RANGE: &str = "10.83.0.0/24";

const PROGRAMS: [(&str, &str); 3] = [
    (env!("CARGO_BIN_EXE_distcc"), "/usr/bin/distcc"),
    (env!("CARGO_BIN_EXE_distccd"), "/usr/bin/distccd"),
    (env!("CARGO_BIN_EXE_distcc-arch"), "/usr/bin/distcc-arch"),
];

/// What this machine may have from a distcc of its own, or from a developer's trials, goes; what our package brings comes.
const INSTALL: &str = "set -e
    rm -rf /usr/lib/distcc /etc/distcc /etc/conf.d/distccd /etc/makepkg.conf.d /var/lib/distcc-arch
    sed -i '/^[^#]*\\(DISTCC_HOSTS\\|MAKEFLAGS\\|C[A-Z]*FLAGS\\)=/d' /etc/makepkg.conf
    getent passwd distcc >/dev/null || useradd --system --user-group --no-create-home distcc
    sed -i '1i auth sufficient pam_permit.so' /etc/pam.d/su
    mkdir -p /run/systemd/system /usr/lib/distcc/bin
    target=$(gcc -dumpmachine)
    for name in cc c++ gcc g++ $target-gcc $target-g++; do
        ln -s ../../bin/distcc /usr/lib/distcc/$name
        ln -s ../../../bin/distcc /usr/lib/distcc/bin/$name
    done";

const EVERYTHING: &str = "cd / && find etc usr/lib/distcc usr/lib/systemd/system var/lib home \\
        -printf '%p %y %m %U:%G %l\\n' | sort && find etc usr/lib/distcc home -type f -print0 | xargs -0 sha256sum | sort
    systemctl is-enabled distccd; systemctl is-active distccd; true";

/// One builder and its servers, on a network of their own.
pub(crate) struct Farm {
    pub(crate) builder: MachineBox,
    pub(crate) servers: Vec<Server>,
    _network: Network,
}

/// A machine that compiles for others.
pub(crate) struct Server {
    pub(crate) machine: MachineBox,
    /// As a host list names it.
    pub(crate) address: String,
}

impl Farm {
    /// Boots a builder that has the lua package's PKGBUILD and source, and servers; None after a skip has been announced.
    pub(crate) fn boot(servers: u8) -> Option<Farm> {
        need::program("makepkg", "install makepkg (Debian) or pacman (Arch)")?;
        let source = need::source("lua5.4")?;
        if !need::machines() {
            return None;
        }
        let network = Network::new(servers);
        let boot = |(number, host)| Server {
            machine: installed(&format!("server{number}"), host),
            address: host.address().to_string(),
        };
        let servers = network.others().iter().zip(1..).map(|(host, number)| boot((number, host))).collect();
        let builder = installed(BUILDER, network.builder());
        builder.add_user(BUILDER);
        builder.copy_tree(&source, BUILDER, &format!("{PACKAGE}/source/lua"));
        builder
            .run_as(BUILDER, &format!("cd {PACKAGE} && tar -czf lua.tar.gz -C source lua && rm -r source"))
            .good();
        let pkgbuild = format!("/home/{BUILDER}/{PACKAGE}/PKGBUILD");
        builder.write(&pkgbuild, PKGBUILD);
        builder.run(&format!("chown {BUILDER} {pkgbuild}")).good();
        Some(Farm { builder, servers, _network: network })
    }

    /// Has distcc-arch set up all machines, as their administrators would.
    #[track_caller]
    pub(crate) fn set_up(&self) {
        let server = format!("distcc-arch setup --server --allow {RANGE} --log-level info --yes");
        for Server { machine, .. } in &self.servers {
            machine.run(&server).good();
        }
        let hosts: Vec<String> =
            self.servers.iter().map(|server| format!("{}/4,lzo", server.address)).collect();
        self.builder.run(&format!("distcc-arch setup --hosts '{}' --yes", hosts.join(" "))).good();
    }

    /// Has distcc-arch take back all of that.
    #[track_caller]
    pub(crate) fn take_back(&self) {
        for machine in self.machines() {
            machine.run("distcc-arch undo --yes").good();
        }
    }

    /// Every file that setup may touch, with its sum, mode, owner and target, and what runs, on all machines.
    #[track_caller]
    pub(crate) fn everything(&self) -> String {
        self.machines().map(|machine| machine.run(EVERYTHING).good().out()).collect()
    }

    fn machines(&self) -> impl Iterator<Item = &MachineBox> {
        self.servers.iter().map(|server| &server.machine).chain([&self.builder])
    }

    /// What its user is told beside the PKGBUILD.
    #[track_caller]
    pub(crate) fn check(&self) -> Report {
        Report::of(&self.builder.run_as(BUILDER, &format!("cd {PACKAGE} && distcc-arch check --json")))
    }

    /// Runs makepkg afresh, as its user does after a login.
    #[track_caller]
    pub(crate) fn makepkg(&self) -> Build {
        let served_before = self.served();
        let script = format!("cd {PACKAGE} && makepkg --force --cleanbuild --noconfirm 2>&1");
        let outcome = self.builder.run_as_within(BUILDER, &script, LONGEST_BUILD).good();
        Build { outcome, served_before }
    }

    /// How many jobs all servers together have done well.
    pub(crate) fn served(&self) -> usize {
        self.servers.iter().map(Server::compiled).sum()
    }
}

fn installed(name: &str, host: &Netns) -> MachineBox {
    let machine = MachineBox::boot(name, host);
    for (program, path) in PROGRAMS {
        machine.install(Path::new(program), path);
    }
    machine.write("/usr/lib/systemd/system/distccd.service", UNIT);
    machine.run(INSTALL).good();
    for (path, text) in SCRIPTS {
        machine.write(path, text);
        machine.run(&format!("chmod +x {path}")).good();
    }
    machine
}

impl Server {
    /// The daemon's log since it was last started.
    pub(crate) fn log(&self) -> String {
        self.machine.read(LOG)
    }

    /// How many jobs ended well since then.
    pub(crate) fn compiled(&self) -> usize {
        self.log().lines().filter(|line| line.contains(" COMPILE_OK ")).count()
    }
}

/// A package that has been built.
pub(crate) struct Build {
    pub(crate) outcome: Outcome,
    /// What the servers had done before it.
    pub(crate) served_before: usize,
}

impl Build {
    /// How many C files make had compiled.
    pub(crate) fn compiles(&self) -> usize {
        self.outcome.out().lines().filter(|line| line.starts_with("gcc ") && line.contains(" -c ")).count()
    }
}
