//! What becomes of what was found when a daemon, Avahi or the user of it ends. Knows nothing of how it was found.

use std::fs;

use test_hosts::need;
use test_hosts::netns::Network;
use test_hosts::wait::wait_until;
use test_hosts::workdir::{Workdir, names_in};

use crate::machine::{DISTCC_ARCH, Machine, OURS, SOON, SOURCE, Way, has_avahi};

#[test]
fn a_daemon_that_ends_is_gone() {
    if !has_avahi() {
        return;
    }
    for way in [Way::Avahi, Way::Alone] {
        let network = Network::new(2);
        let red = Machine::new(way, &network.others()[0], "red");
        let blue = Machine::new(way, &network.others()[1], "blue");
        let builder = Machine::new(way, network.builder(), "builder");
        let work = Workdir::new();
        let mut ends = red.daemon(OURS.distccd);
        let _stays = blue.daemon(OURS.distccd);
        builder.wait_for_hosts(&work, OURS.distcc, &["10.83.0.2:3632/3,lzo", "10.83.0.3:3632/3,lzo"]);
        ends.terminate();
        builder.wait_for_hosts(&work, OURS.distcc, &["10.83.0.3:3632/3,lzo"]);
        let left = builder.wait_for_discovery(&work, 1);
        assert!(left[0].starts_with("blue "), "{left:?}");
    }
}

#[test]
fn announcements_follow_avahi() {
    if !has_avahi() {
        return;
    }
    let network = Network::new(1);
    let mut red = Machine::with_avahi(&network.others()[0], "red");
    let builder = Machine::alone(network.builder(), "builder");
    let work = Workdir::new();
    let daemon = red.daemon(OURS.distccd);
    builder.wait_for_discovery(&work, 1);
    red.stop_avahi();
    let times =
        |through: &str| daemon.log().matches(&format!("announced as distcc@red through {through}")).count();
    wait_until(SOON, "announcements of its own", || times("multicast DNS") == 1);
    builder.wait_for_discovery(&work, 1);
    red.start_avahi();
    wait_until(SOON, "announcements through Avahi", || times("Avahi") == 2);
    builder.wait_for_discovery(&work, 1);
}

#[test]
fn a_watcher_that_nobody_needs_ends() {
    if !need::network_namespaces() {
        return;
    }
    let network = Network::new(0);
    let builder = Machine::alone(network.builder(), "builder");
    let work = Workdir::new();
    let directory = work.distcc_dir();
    let hosts = directory.join("zeroconf/hosts");
    let start = || {
        builder.run(&work, DISTCC_ARCH, &["watch-zeroconf", &directory.display().to_string(), "--idle", "3"])
    };
    start().good();
    wait_until(SOON, "a first look", || hosts.exists());
    // A second one leaves it to the first.
    start().good();
    wait_until(SOON, "the end of the first", || !hosts.exists());
    assert_eq!(names_in(&directory.join("zeroconf")), ["lock"]);
    work.write("a.c", SOURCE);
    builder.run(&work, OURS.distcc, &["gcc", "-c", "a.c"]).good();
    assert_eq!(fs::read_to_string(&hosts).expect("a new watcher's file"), "");
}
