//! The package on machines with systemd, pacman and makepkg 7: installed, distributing, upgraded, removed. Knows nothing of
//! how the machines come to be.

mod package;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use test_hosts::need;
use test_hosts::netns::Network;
use test_hosts::nspawn::Machine;
use test_hosts::process::Outcome;

use package::{machine_with_package, release};

/// Bytes, owners and modes of what distcc-arch may change on a machine that builds and serves.
const CONFIGURATION: &str = "cd /etc; sha256sum makepkg.conf makepkg.conf.d/* conf.d/* distcc/*
    find makepkg.conf makepkg.conf.d conf.d distcc tmpfiles.d systemd/system /usr/lib/distcc /var/lib/distcc* \
        -printf '%p %l %u %g %m\\n' 2>/dev/null | sort";

#[test]
fn the_package_brings_a_daemon_that_starts() {
    let Some(image) = need::bootable_image() else { return };
    let network = Network::new(0);
    let machine = machine_with_package(&image, network.builder());

    check(&machine, "pacman -Qkk distcc-arch | grep -o '[0-9]* altered files'", "0 altered files\n");
    check(&machine, "getent passwd distcc | cut -d: -f1,7", "distcc:/usr/sbin/nologin\n");
    check(&machine, "find /usr/lib/distcc -xtype l", "");
    check(
        &machine,
        "cd /usr/lib/distcc; ls gcc bin/gcc x86_64-linux-gnu-gcc-14",
        "bin/gcc\ngcc\nx86_64-linux-gnu-gcc-14\n",
    );
    check(
        &machine,
        "cmp /etc/makepkg.conf /opt/checkout/tests/machines/makepkg.conf; ls /etc/makepkg.conf.d | grep distcc || true",
        "",
    );
    check(&machine, "systemctl is-enabled distccd.service || true", "disabled\n");

    machine.root("systemctl start distccd.service");
    check(&machine, "systemctl is-active distccd.service", "active\n");
    check(&machine, "ps -o user= -p \"$(systemctl show -P MainPID distccd.service)\"", "distcc\n");
    machine
        .root("systemctl reload distccd.service; rm /etc/conf.d/distccd; systemctl restart distccd.service");
    check(&machine, "systemctl is-active distccd.service", "active\n");
    machine.root("systemctl stop distccd.service");
    check(&machine, "systemctl show -P Result distccd.service", "success\n");

    machine.root("systemctl start distccd.socket");
    check(&machine, "systemctl is-active distccd.service || true", "inactive\n");
    machine.root("cd /tmp; echo 'int x;' >x.c; DISTCC_HOSTS=127.0.0.1 DISTCC_FALLBACK=0 distcc gcc -c x.c");
    check(&machine, "systemctl is-active distccd.service", "active\n");
}

#[test]
fn the_units_please_the_newer_systemd_too() {
    let Some(image) = need::bootable_image() else { return };
    let network = Network::new(0);
    let machine = machine_with_package(&image, network.builder());
    machine.root("touch /etc/conf.d/distccd-x");
    for unit in ["distccd.service", "distccd@x.service", "distccd.socket"] {
        let said = machine.root(&format!("systemd-analyze verify --man=no {unit}")).err();
        assert_eq!(said, "", "{unit}");
    }
    for unit in ["distccd.service", "distccd@x.service"] {
        machine.root(&format!("systemd-analyze security --no-pager --threshold=30 {unit}"));
    }
}

#[test]
fn two_machines_build_a_package_for_each_other() {
    let Some(image) = need::bootable_image() else { return };
    let network = Network::new(1);
    let places = [network.builder(), &network.others()[0]];
    let machines = places.map(|at| machine_with_package(&image, at));
    let before = machines.each_ref().map(|machine| machine.root(CONFIGURATION).out());

    for machine in &machines {
        machine.root("distcc-arch setup --yes --server --allow 10.83.0.0/24 --log-level info");
        check(
            machine,
            "systemctl is-enabled distccd.service; systemctl is-active distccd.service",
            "enabled\nactive\n",
        );
    }
    let [red, blue] = &machines;
    builds_with_the_help_of(red, blue, "");
    builds_with_the_help_of(blue, red, "--drop-in");

    for (machine, before) in machines.iter().zip(before) {
        machine.root("distcc-arch undo --yes");
        check(machine, CONFIGURATION, &before);
        check(
            machine,
            "systemctl is-enabled distccd.service || systemctl is-active distccd.service || true",
            "disabled\ninactive\n",
        );
    }
}

/// Sets one machine up to use the other, and builds the sample there: every source must be compiled by the other.
#[track_caller]
fn builds_with_the_help_of(machine: &Machine, helper: &Machine, option: &str) {
    machine.root(&format!("distcc-arch setup --yes {option} --hosts {}/4,lzo", helper.address()));
    machine.user("builder", "distcc-arch check");
    let new_lines = "journalctl --sync; journalctl -u distccd -o cat --cursor-file=/run/seen";
    helper.root(new_lines);
    let build =
        "cp -r /opt/checkout/tests/machines/sample . && cd sample && makepkg --syncdeps --rmdeps --noconfirm";
    machine.user("builder", build);
    let jobs = format!("{new_lines} | grep -o 'COMPILE_OK.* [a-z]*\\.c[p]*$' | sed 's/.* //' | sort");
    check(helper, &jobs, "first.c\nmain.c\nsecond.c\nwords.cpp\n");
}

#[test]
fn an_upgrade_keeps_what_was_edited_and_removal_leaves_nothing_running() {
    let Some(image) = need::bootable_image() else { return };
    let network = Network::new(0);
    let machine = machine_with_package(&image, network.builder());
    machine.root("echo '# edited here' >>/etc/conf.d/distccd; systemctl enable --now distccd.service");
    let active = "systemctl is-active distccd.service || true";

    machine.root(&format!("pacman --upgrade --noconfirm {}", release(2)));
    check(&machine, "tail -n1 /etc/conf.d/distccd", "# edited here\n");
    check(&machine, "tail -n1 /etc/conf.d/distccd.pacnew", "# a comment of the next release\n");
    check(&machine, "pacman -Q distcc-arch | cut -d- -f3; ls /etc/distcc", "2\nhosts\n");
    check(&machine, active, "active\n");

    machine.root("pacman --remove --noconfirm distcc-arch");
    check(&machine, "ls /etc/conf.d", "distccd.pacnew\ndistccd.pacsave\n");
    check(&machine, "tail -n1 /etc/conf.d/distccd.pacsave", "# edited here\n");
    check(&machine, active, "inactive\n");
    let leftovers =
        "find /usr/lib /usr/bin /etc -name '*distcc*' ! -path '/etc/conf.d/*' ! -path /etc/distcc";
    check(&machine, leftovers, "");
}

#[test]
fn a_named_instance_serves_another_system_at_another_port() {
    let Some(image) = need::bootable_image() else { return };
    let network = Network::new(0);
    let machine = machine_with_package(&image, network.builder());
    machine.root(
        "mkdir -p /opt/arch32 /etc/systemd/system/distccd@i686.service.d; mount --bind / /opt/arch32
        printf '[Service]\\nRootDirectory=/opt/arch32\\n' >/etc/systemd/system/distccd@i686.service.d/root.conf
        echo 'DISTCC_ARGS=\"--allow-private --port 3692 --log-level info\"' >/etc/conf.d/distccd-i686
        systemctl daemon-reload; systemctl start distccd.service",
    );
    serves(&machine, "i686", 3692, "gcc");
}

/// As the toolchains of Arch Linux ARM are used: in a directory of their own, with their daemon at port 3636.
#[test]
fn a_named_instance_serves_a_toolchain_elsewhere() {
    let Some(image) = need::bootable_image() else { return };
    let network = Network::new(0);
    let machine = machine_with_package(&image, network.builder());
    machine.root(
        "mkdir -p /opt/x-tools8/bin; ln -s /usr/bin/gcc /opt/x-tools8/bin/aarch64-unknown-linux-gnu-gcc
        ln -s ../../bin/distcc /usr/lib/distcc/aarch64-unknown-linux-gnu-gcc
        echo 'DISTCC_ARGS=\"--allow-private --port 3636 --log-level info\"' >/etc/conf.d/distccd-armv8
        echo 'PATH=/opt/x-tools8/bin:/usr/bin' >>/etc/conf.d/distccd-armv8",
    );
    serves(&machine, "armv8", 3636, "aarch64-unknown-linux-gnu-gcc");
}

/// Starts the instance and has it compile.
#[track_caller]
fn serves(machine: &Machine, instance: &str, port: u16, compiler: &str) {
    machine.root(&format!("systemctl start distccd@{instance}.service"));
    let environment = format!("DISTCC_FALLBACK=0 DISTCC_HOSTS=127.0.0.1:{port} PATH=/opt/x-tools8/bin:$PATH");
    machine.user("builder", &format!("echo 'int x;' >x.c; {environment} distcc {compiler} -c x.c"));
    let jobs = format!("journalctl --sync; journalctl -u distccd@{instance} -o cat | grep -c COMPILE_OK");
    check(machine, &jobs, "1\n");
}

#[test]
fn nothing_is_left_of_a_machine_whose_test_fails() {
    let Some(image) = need::bootable_image() else { return };
    let (mut traces, mut ran) = (Vec::new(), false);
    let failed = catch_unwind(AssertUnwindSafe(|| {
        let network = Network::new(0);
        let machine = Machine::boot(&image, network.builder(), &[]);
        traces = machine.traces();
        traces.push(network.builder().path());
        ran = traces.iter().all(|trace| trace.exists());
        panic!("as a test that fails");
    }));
    assert!(failed.is_err() && ran, "{traces:?}");
    traces.retain(|trace| trace.exists());
    assert_eq!(traces, Vec::<PathBuf>::new());
}

/// Panics unless the script says just that.
#[track_caller]
fn check(machine: &Machine, script: &str, expected: &str) -> Outcome {
    let said = machine.root(script);
    assert_eq!(said.out(), expected, "{script}\n{}", said.err());
    said
}
