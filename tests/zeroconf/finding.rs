//! Who is found, over which way, and that jobs go there. Knows nothing of what happens later.

use std::fs;

use test_hosts::netns::Network;
use test_hosts::process::run;
use test_hosts::wait::wait_until;
use test_hosts::workdir::Workdir;
use test_hosts::{C_DISTCC, Programs, need};

use crate::machine::{DISTCC_ARCH, Machine, OURS, SOON, SOURCE, Way, bytes, has_avahi, local_object};

/// A daemon on one machine is found on the other, and jobs are sent there.
#[track_caller]
fn check(builder: Way, server: Way, programs: Programs, expected: &str) {
    let network = Network::new(1);
    let red = Machine::new(server, &network.others()[0], "red");
    let builder = Machine::new(builder, network.builder(), "builder");
    let daemon = red.daemon(programs.distccd);
    let work = Workdir::new();
    // Under load the first look may miss it, or see no other address yet than that of its interface.
    wait_until(SOON, &format!("red at {expected}"), || {
        let lines = builder.wait_for_discovery(&work, 1);
        lines[0].split_whitespace().take(2).eq(["red", expected])
    });
    builder.wait_for_hosts(&work, OURS.distcc, &[expected]);
    work.write("a.c", SOURCE);
    let compiled = builder.run(&work, OURS.distcc, &["gcc", "-c", "a.c"]).good();
    assert_eq!(compiled.err(), "");
    assert_eq!(bytes(&work.src().join("a.o")), local_object(&work, "a.c"));
    wait_until(SOON, "a job in the log", || daemon.served() == 1);
    let slots = builder.run(&work, OURS.distcc, &["-j"]).good().out();
    assert_eq!(slots, "3\n");
    let why = builder.run(&work, OURS.distcc, &["--why", "gcc", "-c", "a.c"]).good().out();
    assert!(why.starts_with("remote:") && why.contains(expected), "{why}");
}

#[test]
fn through_avahi() {
    if has_avahi() {
        check(Way::Avahi, Way::Avahi, OURS, "10.83.0.2:3632/3,lzo");
    }
}

#[test]
fn without_avahi() {
    if need::network_namespaces() {
        check(Way::Alone, Way::Alone, OURS, "10.83.0.2:3632/3,lzo");
    }
}

#[test]
fn with_avahi_on_either_side() {
    if has_avahi() {
        check(Way::Alone, Way::Avahi, OURS, "10.83.0.2:3632/3,lzo");
        check(Way::Avahi, Way::Alone, OURS, "10.83.0.2:3632/3,lzo");
    }
}

#[test]
fn c_daemons_without_avahi_here() {
    if has_avahi() && need::c_distcc().is_some() {
        check(Way::Alone, Way::Avahi, C_DISTCC, "10.83.0.2:3632/3");
    }
}

/// Only link-local addresses, which mean nothing without an interface.
fn without_ipv4(network: &Network) {
    for host in network.others().iter().chain([network.builder()]) {
        let mut flush = host.command("ip");
        flush.args(["-4", "addr", "flush", "scope", "global"]);
        run(flush).good();
    }
}

#[track_caller]
fn check_ipv6(way: Way) {
    let network = Network::new(1);
    without_ipv4(&network);
    let red = Machine::new(way, &network.others()[0], "red");
    let builder = Machine::new(way, network.builder(), "builder");
    let daemon = red.daemon(OURS.distccd);
    let work = Workdir::new();
    let lines = builder.wait_for_discovery(&work, 1);
    assert!(lines[0].contains("[fe80::") && lines[0].contains("%switch0]:3632/3,lzo"), "{lines:?}");
    let spec = lines[0].split_whitespace().nth(1).unwrap_or_default();
    builder.wait_for_hosts(&work, OURS.distcc, &[spec]);
    work.write("a.c", SOURCE);
    let said = builder.run(&work, OURS.distcc, &["gcc", "-c", "a.c"]).good().err();
    assert_eq!(said, "", "{}", daemon.log());
    wait_until(SOON, "a job in the log", || daemon.served() == 1);
}

#[test]
fn over_ipv6_alone() {
    if has_avahi() && need::ipv6() {
        check_ipv6(Way::Avahi);
        check_ipv6(Way::Alone);
    }
}

#[test]
fn machines_of_one_name_are_two() {
    if !has_avahi() {
        return;
    }
    let network = Network::new(2);
    let machines = [0, 1].map(|index| Machine::with_avahi(&network.others()[index], "twin"));
    let builder = Machine::with_avahi(network.builder(), "builder");
    let _daemons = machines.each_ref().map(|machine| machine.daemon(OURS.distccd));
    let work = Workdir::new();
    builder.wait_for_hosts(&work, OURS.distcc, &["10.83.0.2:3632/3,lzo", "10.83.0.3:3632/3,lzo"]);
}

#[test]
fn one_daemon_on_one_network() {
    if !has_avahi() {
        return;
    }
    let network = Network::new(1);
    let red = Machine::with_avahi(&network.others()[0], "red");
    let builder = Machine::with_avahi(network.builder(), "builder");
    let work = Workdir::new();
    let hidden = red.daemon_with(OURS.distccd, &["--listen", "127.0.0.1"]);
    wait_until(SOON, "a warning", || hidden.log().contains("no other machine can reach 127.0.0.1"));
    drop(hidden);
    let daemon = red.daemon_with(OURS.distccd, &["--listen", "10.83.0.2"]);
    builder.wait_for_hosts(&work, OURS.distcc, &["10.83.0.2:3632/3,lzo"]);
    assert!(daemon.log().contains("announced as distcc@red through Avahi"), "{}", daemon.log());
}

/// Half a megabyte that compresses well.
fn large_source() -> String {
    let row: String =
        (0..16_000).map(|number| format!("    {number}, /* the same again and again */\n")).collect();
    format!("const int table[] = {{\n{row}}};\n")
}

fn received(machine: &Machine, work: &Workdir) -> u64 {
    let text = machine.run(work, "cat", &["/sys/class/net/eth0/statistics/rx_bytes"]).good().out();
    text.trim().parse().expect("a number of bytes")
}

#[test]
fn what_goes_to_our_daemons_is_compressed() {
    if !has_avahi() || need::c_distcc().is_none() {
        return;
    }
    let network = Network::new(1);
    let red = Machine::with_avahi(&network.others()[0], "red");
    let builder = Machine::with_avahi(network.builder(), "builder");
    for (programs, options, compressed) in [(OURS, ",lzo", true), (C_DISTCC, "", false)] {
        let work = Workdir::new();
        let daemon = red.daemon(programs.distccd);
        builder.wait_for_hosts(&work, OURS.distcc, &[&format!("10.83.0.2:3632/3{options}")]);
        work.write("a.c", large_source());
        let plain = builder.run(&work, "gcc", &["-E", "a.c"]).good().stdout.len() as u64;
        let before = received(&red, &work);
        builder.run(&work, OURS.distcc, &["gcc", "-c", "a.c"]).good();
        wait_until(SOON, "a job in the log", || daemon.served() == 1);
        let sent = received(&red, &work) - before;
        assert_eq!(sent < plain, compressed, "{sent} bytes for {plain}");
    }
}

#[test]
fn both_makes_share_what_they_found() {
    if !has_avahi() || need::c_distcc().is_none() {
        return;
    }
    let network = Network::new(1);
    let red = Machine::with_avahi(&network.others()[0], "red");
    let builder = Machine::with_avahi(network.builder(), "builder");
    let _daemon = red.daemon(OURS.distccd);
    // Only our watcher knows of compression.
    for (first, second, options) in [(OURS, C_DISTCC, ",lzo"), (C_DISTCC, OURS, "")] {
        let work = Workdir::new();
        let expected = format!("10.83.0.2:3632/3{options}");
        builder.wait_for_hosts(&work, first.distcc, &[&expected]);
        let shown = builder.run(&work, second.distcc, &["--show-hosts"]).good().out();
        assert_eq!(shown.trim(), expected);
    }
}

#[test]
fn a_client_alone_says_what_is_missing() {
    if !need::network_namespaces() {
        return;
    }
    let network = Network::new(0);
    let builder = Machine::alone(network.builder(), "builder");
    let work = Workdir::new();
    let lonely = work.open_dir("bin").join("distcc");
    fs::copy(OURS.distcc, &lonely).expect("a program of ours");
    work.write("a.c", SOURCE);
    let mut compile = builder.client(&work, &lonely.display().to_string(), &["gcc", "-c", "a.c"]);
    compile.env("PATH", "/usr/bin:/bin");
    let said = run(compile).good().err();
    assert!(said.contains("ignoring \"+zeroconf\": distcc-arch is not installed"), "{said}");
    let nobody = builder.run(&work, DISTCC_ARCH, &["hosts", "discover", "--timeout", "1"]);
    assert_eq!((nobody.code(), nobody.out().as_str()), (Some(1), ""));
    // A build of its own, which has not been told yet.
    let work = Workdir::new();
    work.write("a.c", SOURCE);
    let said = builder.run(&work, OURS.distcc, &["gcc", "-c", "a.c"]).good().err();
    assert!(said.contains("no daemon with a compiler as here announces itself"), "{said}");
}
