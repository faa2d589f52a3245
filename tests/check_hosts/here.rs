//! This machine as a host: its daemon's settings, toolchain and firewall, each in a view of the file system and the
//! network that ends with the test. Knows nothing of other hosts.

use std::fs;
use std::path::Path;

use serde_json::Value;
use test_hosts::need;
use test_hosts::netns::Network;
use test_hosts::process::run;
use test_hosts::workdir::Workdir;

use crate::said::{can_look, in_json};

const DISTCC_ARCH: &str = env!("CARGO_BIN_EXE_distcc-arch");
const DISTCC: &str = env!("CARGO_BIN_EXE_distcc");
const DISTCCD: &str = env!("CARGO_BIN_EXE_distccd");

/// Makes directories over which the test's own files are laid, in a mount namespace.
const PRIVATE: &str = "set -e\nmkdir -p /etc/conf.d\nmount -t tmpfs none /etc/conf.d\nmount -t tmpfs none /run\n\
    mkdir -p /run/dbus /run/lock\n";

/// What `check` says of this machine after `script`, and after what follows each `look`, in a shell of root's on a
/// network of its own; `remedy NAME` types the remedy of the finding of that name.
fn looks(script: &str) -> Vec<Vec<Value>> {
    let work = Workdir::new();
    let network = Network::new(0);
    let configuration = work.path().join("makepkg.conf");
    fs::write(&configuration, "source /etc/makepkg.conf\nBUILDENV=(distcc)\nDISTCC_HOSTS=localhost\n")
        .expect("ours");
    let functions = format!(
        "look() {{ {DISTCC_ARCH} check --json --config \"$configuration\" >look.$((number += 1)) || true; }}\n\
         remedy() {{ eval \"$(sed -n '/\"check\": \"'$1'\"/,/}}/ s/^ *\"remedy\": \"\\(.*\\)\",$/\\1/p' look.$number | sed 's/ *#.*//; s/sudo //g; s/\\\\//g')\"; }}\n\
         DISTCC={DISTCC} DISTCCD={DISTCCD} DISTCC_ARCH={DISTCC_ARCH} configuration={}\nnumber=0\n",
        configuration.display()
    );
    let mut command = network.builder().command("unshare");
    command.args(["--mount", "sh", "-c", &format!("{PRIVATE}{functions}{script}")]).current_dir(work.src());
    run(command).good();
    let looks =
        (1..).map(|number| work.src().join(format!("look.{number}"))).take_while(|look| look.exists());
    looks.map(|look| in_json(&fs::read_to_string(look).expect("a file of ours"))).collect()
}

/// Panics unless the findings of this name have these verdicts.
#[track_caller]
fn check(look: &[Value], name: &str, verdicts: &[&str]) {
    let found: Vec<_> = look.iter().filter(|finding| finding["check"] == name).collect();
    let got: Vec<_> = found.iter().map(|finding| finding["verdict"].as_str().unwrap_or_default()).collect();
    assert_eq!(got, verdicts, "{name}: {look:#?}");
}

fn can_see() -> bool {
    can_look() && need::root() && need::network_namespaces() && need::compiler_link("gcc")
}

#[test]
fn a_daemon_of_this_machine() {
    if !can_see() {
        return;
    }
    let looks = looks(
        "look\n\
         echo 'DISTCC_ARGS=\"--allow 0.0.0.0/0 --port 3700\"' >/etc/conf.d/distccd\nlook\n\
         echo 'DISTCC_ARGS=\"--allow 10.83.0.0/24 --port 3700\"' >/etc/conf.d/distccd\n\
         $DISTCCD --daemon --no-detach --log-stderr --allow 10.83.0.0/24 --port 3700 --lifetime 60 2>/dev/null &\ndaemon=$!\n\
         for _ in 1 2 3 4 5 6 7 8 9; do ss -tln | grep -q :3700 && break; sleep 0.2; done\nlook\nkill $daemon\nwait\n",
    );
    check(&looks[0], "daemon", &["skipped"]);
    check(&looks[1], "daemon-ranges", &["warning"]);
    check(&looks[1], "daemon-listens", &["failure"]);
    check(&looks[2], "daemon-ranges", &["well"]);
    check(&looks[2], "daemon-listens", &["well"]);
    check(&looks[2], "daemon-toolchain", &["well"]);
}

#[test]
fn another_distcc_than_the_one_that_is_tried() {
    if !can_see() {
        return;
    }
    let looks = looks(
        "mkdir -p /run/ours /run/other; cp $DISTCC /run/ours/distcc\n\
         printf '#!/bin/sh\\necho distcc 3.4 x86_64-pc-linux-gnu\\n' >/run/other/distcc; chmod 755 /run/other/distcc\n\
         mount -t tmpfs none /usr/lib/distcc; mkdir /usr/lib/distcc/bin; mount --bind /run/ours /usr/local/bin\n\
         ln -s /usr/local/bin/distcc /usr/lib/distcc/bin/gcc\nlook\n\
         ln -sf /run/other/distcc /usr/lib/distcc/bin/gcc\nlook\n",
    );
    check(&looks[0], "distcc-program", &["well"]);
    check(&looks[1], "distcc-program", &["warning", "well"]);
}

#[test]
fn ccache_is_tried_whatever_the_umask() {
    if !can_see() || need::program("ccache", "install ccache").is_none() {
        return;
    }
    let looks = looks(
        "mkdir -p /run/ours /run/ccache/bin; cp $DISTCC /run/ours/distcc; mount --bind /run/ours /usr/local/bin\n\
         mkdir -p /usr/lib/ccache; mount --bind /run/ccache /usr/lib/ccache\n\
         for name in gcc g++; do ln -s \"$(command -v ccache)\" /usr/lib/ccache/bin/$name; done\n\
         sed 's/(distcc)/(distcc ccache)/' \"$configuration\" >/run/makepkg.conf; configuration=/run/makepkg.conf\n\
         umask 077\nlook\n\
         printf '#!/bin/sh\\nexec \"$@\"\\n' >/run/ours/distcc; umask 022; look\n",
    );
    check(&looks[0], "ccache", &["well"]);
    check(&looks[1], "ccache", &["failure"]);
}

#[test]
fn a_toolchain_that_the_daemons_user_cannot_reach() {
    if !can_see() {
        return;
    }
    let looks = looks(
        "mount -t tmpfs none /opt; mount -t tmpfs none /usr/lib/distcc\n\
         mkdir -p /opt/tools/bin; cp /usr/bin/true /opt/tools/bin/odd-gcc; ln -s ../../bin/distcc /usr/lib/distcc/odd-gcc\n\
         chmod 750 /opt/tools\n\
         printf 'DISTCC_ARGS=--allow 10.83.0.0/24\\nPATH=/opt/tools/bin:/usr/bin\\n' >/etc/conf.d/distccd\n\
         look\nremedy daemon-toolchain\nlook\n",
    );
    check(&looks[0], "daemon-toolchain", &["failure"]);
    check(&looks[1], "daemon-toolchain", &["well"]);
}

#[test]
fn firewalls() {
    let wanted = [("nft", "nftables"), ("ufw", "ufw")];
    let lacks = |(program, package): &(&'static str, &'static str)| need::program(program, package).is_none();
    if !can_see() || wanted.iter().any(lacks) {
        return;
    }
    let looks = looks(
        "mkdir /run/ufw; cp -a /etc/ufw /run/ufw/etc; mount --bind /run/ufw/etc /etc/ufw\n\
         echo 'DISTCC_ARGS=\"--allow 10.83.0.0/24\"' >/etc/conf.d/distccd\nlook\n\
         nft add table inet filter\n\
         nft 'add chain inet filter input { type filter hook input priority 0 ; policy drop ; }'\n\
         look\nremedy firewall\nlook\nnft flush ruleset\n\
         ufw --force enable >/dev/null\nlook\nremedy firewall >/dev/null\nlook\nufw --force disable >/dev/null\n",
    );
    let verdicts = ["well", "warning", "well", "warning", "well"];
    assert_eq!(looks.len(), verdicts.len());
    for (look, verdict) in looks.iter().zip(verdicts) {
        check(look, "firewall", &[verdict]);
    }
}

#[test]
fn firewalld() {
    let wanted = [("firewalld", "firewalld"), ("dbus-daemon", "dbus-daemon")];
    let lacks = |(program, package): &(&'static str, &'static str)| need::program(program, package).is_none();
    if !can_see() || wanted.iter().any(lacks) || !Path::new("/etc/firewalld").is_dir() {
        return;
    }
    let looks = looks(
        "cp -a /etc/firewalld /run/firewalld-etc; mount --bind /run/firewalld-etc /etc/firewalld\n\
         dbus-daemon --system --nofork --nopidfile >/dev/null 2>&1 &\nbus=$!\n\
         for _ in 1 2 3 4 5 6 7 8 9; do [ -S /run/dbus/system_bus_socket ] && break; sleep 0.2; done\n\
         firewalld --nofork --nopid >/dev/null 2>&1 &\nwall=$!\n\
         for _ in $(seq 60); do firewall-cmd --state >/dev/null 2>&1 && break; sleep 0.2; done\n\
         echo 'DISTCC_ARGS=\"--allow 10.83.0.0/24\"' >/etc/conf.d/distccd\n\
         look\nremedy firewall >/dev/null\nlook\nkill $wall $bus\nwait\n",
    );
    check(&looks[0], "firewall", &["warning"]);
    check(&looks[1], "firewall", &["well"]);
}

/// distcc 3.4 says "code 110" of it.
#[test]
fn a_toolchain_that_the_daemons_user_may_not_run() {
    if !can_see() {
        return;
    }
    let looks = looks(
        "mkdir -p /etc/distcc /opt\n\
         for place in /etc/distcc /opt /var/lib; do mount -t tmpfs -o mode=755 none $place; done\n\
         install -D /bin/true /opt/tools/a-b-c/bin/a-b-c-gcc\nlook\n\
         $DISTCC_ARCH toolchain add abc /opt/tools --yes >said\nlook\n\
         chmod 700 /opt/tools/a-b-c\nlook\nremedy toolchains\nlook\n\
         mv /opt/tools /opt/gone\nlook\n$DISTCC_ARCH undo --yes >said\nlook\n",
    );
    let verdicts = ["skipped", "well", "failure", "well", "failure", "skipped"];
    for (look, verdict) in looks.iter().zip(verdicts) {
        check(look, "toolchains", &[verdict]);
    }
    assert_eq!(looks.len(), verdicts.len());
}

#[test]
fn a_chroot_that_the_daemon_cannot_enter() {
    if !can_see() {
        return;
    }
    let looks = looks(
        "mkdir -p /etc/distcc /opt\n\
         for place in /etc/distcc /opt /var/lib; do mount -t tmpfs -o mode=755 none $place; done\n\
         install -D /bin/true /opt/arch32/usr/bin/gcc\n\
         $DISTCC_ARCH chroot add i686 --root /opt/arch32 --yes >said\nlook\n\
         echo 0 >zero; mount --bind zero /proc/sys/user/max_mnt_namespaces\nlook\n",
    );
    check(&looks[0], "toolchains", &["well"]);
    check(&looks[1], "toolchains", &["failure"]);
    let finding = looks[1].iter().find(|finding| finding["check"] == "toolchains").expect("checked above");
    let remedy = finding["remedy"].as_str().unwrap_or_default();
    assert!(remedy.starts_with("printf '%s\\n' user.max_mnt_namespaces=10000 | sudo tee "), "{remedy}");
}
