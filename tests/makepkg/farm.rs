//! A machine that builds packages and machines that compile for it, with our programs installed. Knows nothing of how any
//! of them is configured.

use std::path::Path;
use std::time::Duration;

use test_hosts::machine_box::MachineBox;
use test_hosts::need;
use test_hosts::netns::Network;
use test_hosts::process::Outcome;
use test_hosts::wait::wait_until;

pub(crate) const BUILDER: &str = "builder";
/// Where makepkg's user has the PKGBUILD, below the home directory.
pub(crate) const PACKAGE: &str = "lua";
const PKGBUILD: &str = include_str!("fixtures/lua/PKGBUILD");
const LOG: &str = "/var/log/distccd/distccd.log";
const LONGEST_BUILD: Duration = Duration::from_secs(300);
const START: Duration = Duration::from_secs(20);

const PROGRAMS: [(&str, &str); 3] = [
    (env!("CARGO_BIN_EXE_distcc"), "/usr/bin/distcc"),
    (env!("CARGO_BIN_EXE_distccd"), "/usr/bin/distccd"),
    (env!("CARGO_BIN_EXE_distcc-arch"), "/usr/bin/distcc-arch"),
];

/// What this machine may have from a distcc of its own, or from a developer's trials.
const CLEAN: &str =
    "rm -rf /usr/lib/distcc /etc/distcc /etc/conf.d/distccd /etc/makepkg.conf.d /var/lib/distcc-arch
    sed -i '/^[^#]*\\(DISTCC_HOSTS\\|MAKEFLAGS\\|C[A-Z]*FLAGS\\)=/d' /etc/makepkg.conf
    getent passwd distccd >/dev/null || useradd --system --no-create-home distccd
    mkdir -p /var/log/distccd && chown distccd /var/log/distccd";

/// The masquerade directory and the whitelist, for the compilers that lua's makefile may name.
const LINKS: &str = "mkdir -p /usr/lib/distcc/bin; target=$(gcc -dumpmachine)
    for name in cc gcc c++ g++ $target-gcc $target-g++; do
    ln -s ../../../bin/distcc /usr/lib/distcc/bin/$name; ln -s ../../bin/distcc /usr/lib/distcc/$name; done";

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
            machine: prepared(&format!("server{number}"), host),
            address: host.address().to_string(),
        };
        let servers = network.others().iter().zip(1..).map(|(host, number)| boot((number, host))).collect();
        let builder = prepared(BUILDER, network.builder());
        builder.add_user(BUILDER);
        builder.copy_tree(&source, BUILDER, &format!("{PACKAGE}/source/lua"));
        builder
            .run_as(BUILDER, &format!("cd {PACKAGE} && tar -czf lua.tar.gz -C source lua && rm -r source"))
            .good();
        builder.write(&format!("/home/{BUILDER}/{PACKAGE}/PKGBUILD"), PKGBUILD);
        Some(Farm { builder, servers, _network: network })
    }

    /// Runs makepkg afresh, as its user does after a login.
    #[track_caller]
    pub(crate) fn makepkg(&self) -> Build {
        let script = format!("cd {PACKAGE} && makepkg --force --cleanbuild --noconfirm 2>&1");
        let outcome = self.builder.run_as_within(BUILDER, &script, LONGEST_BUILD).good();
        Build { outcome }
    }
}

fn prepared(name: &str, host: &test_hosts::netns::Netns) -> MachineBox {
    let machine = MachineBox::boot(name, host);
    machine.run(CLEAN).good();
    for (program, path) in PROGRAMS {
        machine.install(Path::new(program), path);
    }
    machine.run(LINKS).good();
    machine
}

impl Server {
    /// Starts the daemon with these options and waits until it listens.
    #[track_caller]
    pub(crate) fn start_daemon(&self, options: &str) {
        let daemon = format!(
            "distccd --daemon --no-detach --user distccd --log-file {LOG} --log-level info {options}"
        );
        self.machine.run(&format!("setsid {daemon} >/run/distccd.said 2>&1 </dev/null &")).good();
        wait_until(START, "a daemon that listens", || self.log().contains("listening"));
    }

    pub(crate) fn log(&self) -> String {
        self.machine.read(LOG)
    }

    /// How many jobs ended well so far.
    pub(crate) fn compiled(&self) -> usize {
        self.log().lines().filter(|line| line.contains(" COMPILE_OK ")).count()
    }
}

/// A package that has been built.
pub(crate) struct Build {
    pub(crate) outcome: Outcome,
}

impl Build {
    /// How many C files make had compiled.
    pub(crate) fn compiles(&self) -> usize {
        self.outcome.out().lines().filter(|line| line.starts_with("gcc ") && line.contains(" -c ")).count()
    }
}
