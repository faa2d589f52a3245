//! A server with compilers for several targets, and a builder with clients for all of them: native, in a 32-bit root, and
//! with a cross compiler. Knows nothing of what is built.

use std::path::Path;
use std::time::Duration;

use test_hosts::machine_box::MachineBox;
use test_hosts::need;
use test_hosts::netns::{Netns, Network};
use test_hosts::process::{Outcome, Running};
use test_hosts::wait::wait_until;

use crate::{FLAGS, arm};

pub(crate) const BUILDER: &str = "builder";
const START: Duration = Duration::from_secs(20);
const LONGEST_BUILD: Duration = Duration::from_secs(300);

/// What this machine may have of a distcc of its own goes, and comes as our packages bring it; the root of the words is
/// seen where the wiki has it.
const INSTALL: &str = "set -e
    rm -rf /usr/lib/distcc /etc/distcc /etc/conf.d/distccd
    getent passwd distcc >/dev/null || useradd --system --user-group --no-create-home distcc
    mkdir -p /usr/lib/distcc /opt/arch32 /opt/arm64 /opt/cross
    for name in cc c++ gcc g++ $(gcc -dumpmachine)-gcc $(gcc -dumpmachine)-g++; do
        ln -s ../../bin/distcc /usr/lib/distcc/$name
    done
    mount --bind \"$0\" /opt/arch32
    mount --bind \"$1\" /opt/arm64
    mount --bind \"$2\" /opt/cross";

/// Our programs inside the root, with the libraries that they need there as long as they are not built for it.
const INSTALL_INSIDE: &str = "set -e
    root=/opt/arch32
    for file in distcc distccd; do install -D /usr/bin/$file $root/usr/bin/$file; done
    for file in $(ldd /usr/bin/distcc /usr/bin/distccd | grep -o '/[^ :]*\\.so[^ :]*' | sort -u); do
        install -D $file $root$file
    done
    mkdir -p $root/usr/lib/distcc/bin
    for name in cc c++ gcc g++ i686-linux-gnu-gcc i686-linux-gnu-g++; do
        ln -s ../../bin/distcc $root/usr/lib/distcc/$name
        ln -s ../../../bin/distcc $root/usr/lib/distcc/bin/$name
    done
    # makepkg -r asks pacman what is installed, and something must be.
    installed=$root/var/lib/pacman/local/base-1-1
    mkdir -p $installed
    printf '%%NAME%%\\nbase\\n\\n%%VERSION%%\\n1-1\\n' >$installed/desc
    echo 9 >$root/var/lib/pacman/local/ALPM_DB_VERSION
    # Each device of a machine is mounted by itself.
    sed -i 's/rw,bind/rw,rbind/' /etc/schroot/default/fstab";

const SCHROOT: &str = "[arch32]\ntype=directory\ndirectory=/opt/arch32\npersonality=linux32\nprofile=default\n\
    users=builder\nroot-users=root\npreserve-environment=true\n";

/// The cross compiler is where no PATH leads to it.
const TOOLCHAIN_OUTSIDE_PATH: &str = "set -e
    mkdir -p /mnt/data/x-tools8/bin
    cross=$(realpath /usr/bin/aarch64-linux-gnu-gcc)
    rm /usr/bin/aarch64-linux-gnu-gcc
    ln -s $cross /mnt/data/x-tools8/bin/aarch64-linux-gnu-gcc";

const TOOLCHAINS: &str = "[toolchain.i686]\nroot = \"/opt/arch32\"\n\n\
    [toolchain.aarch64]\ndirectory = \"/mnt/data/x-tools8/bin\"\n\n\
    [toolchain.newer]\nroot = \"/opt/cross\"\n";

/// Both machines on a network of their own.
pub(crate) struct Farm {
    pub(crate) builder: MachineBox,
    pub(crate) server: MachineBox,
    /// The server's address.
    pub(crate) host: String,
    _network: Network,
}

impl Farm {
    /// Boots both; None after a skip has been announced.
    pub(crate) fn boot() -> Option<Farm> {
        let source = need::source("lua5.4")?;
        let i386 = need::i386_root()?;
        let [arm64, cross] = need::arm64_and_cross_roots()?;
        need::program("schroot", "install schroot")?;
        need::program("aarch64-linux-gnu-gcc", "install gcc-aarch64-linux-gnu and libc6-dev-arm64-cross")?;
        if !need::machines() {
            return None;
        }
        let network = Network::new(1);
        let host = &network.others()[0];
        let [server, builder] = [("server", host), (BUILDER, network.builder())]
            .map(|(name, at)| installed(name, at, [&i386, &arm64, &cross]));
        server.run(TOOLCHAIN_OUTSIDE_PATH).good();
        builder.add_user(BUILDER);
        for client in ["native", "root", "cross", "arm"] {
            builder.copy_tree(&source, BUILDER, &format!("{client}/lua"));
        }
        let objects = arm::objects(&arm64, &source, FLAGS);
        builder.copy_tree(&objects, BUILDER, "arm/lua/src/here");
        builder.install(Path::new(arm::ENTER), "/usr/local/bin/enter-arm64");
        builder.run("chown -R root: /home/builder/arm").good();
        Some(Farm { builder, server, host: host.address().to_string(), _network: network })
    }

    /// The one daemon of the server, at the usual port, with its list of toolchains.
    #[track_caller]
    pub(crate) fn serve(&self) -> Daemon<'_> {
        self.server.write("/etc/distcc/toolchains.toml", TOOLCHAINS);
        Daemon::start(&self.server, "distccd", 3632)
    }

    /// Another one inside the root.
    #[track_caller]
    pub(crate) fn serve_inside(&self) -> Daemon<'_> {
        Daemon::start(&self.server, "schroot -c arch32 -u root -p -d / -- distccd", 3692)
    }

    /// Runs a script as a user of the builder, at home where the builder's user is.
    #[track_caller]
    pub(crate) fn run(&self, user: &str, script: &str) -> Outcome {
        let script = format!("cd /home/{BUILDER}; export HOME=/home/{BUILDER}; {script}");
        self.builder.run_as_within(user, &script, LONGEST_BUILD)
    }
}

fn installed(name: &str, at: &Netns, roots: [&Path; 3]) -> MachineBox {
    let machine = MachineBox::boot(name, at);
    for (program, path) in [
        (env!("CARGO_BIN_EXE_distcc"), "/usr/bin/distcc"),
        (env!("CARGO_BIN_EXE_distccd"), "/usr/bin/distccd"),
    ] {
        machine.install(Path::new(program), path);
    }
    let mut install = machine.command("sh");
    install.args(["-c", INSTALL]).args(roots);
    test_hosts::process::run(install).good();
    machine.run(INSTALL_INSIDE).good();
    machine.write("/etc/schroot/chroot.d/arch32.conf", SCHROOT);
    machine
}

/// A daemon on a machine, and what it says.
pub(crate) struct Daemon<'a> {
    machine: &'a MachineBox,
    log: String,
    _running: Running,
}

impl<'a> Daemon<'a> {
    #[track_caller]
    fn start(machine: &'a MachineBox, words: &str, port: u16) -> Daemon<'a> {
        let log = format!("/run/distccd-{port}.log");
        let options =
            "--daemon --no-detach --user distcc --allow 10.83.0.0/24 --jobs 8 --log-stderr --log-level info";
        let running = machine.start(&format!("exec {words} {options} --port {port} >{log} 2>&1"));
        let daemon = Daemon { machine, log, _running: running };
        wait_until(START, "a daemon that listens", || daemon.log().contains("listening on"));
        daemon
    }

    pub(crate) fn log(&self) -> String {
        self.machine.read(&self.log)
    }

    /// How many jobs ended well.
    pub(crate) fn compiled(&self) -> usize {
        self.log().lines().filter(|line| line.contains(" COMPILE_OK ")).count()
    }
}
