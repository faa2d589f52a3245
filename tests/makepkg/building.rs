//! A package is built by the daemons and not here, once makepkg has been told to. Knows nothing of what is checked.

use std::time::Duration;

use test_hosts::wait::wait_until;

use crate::farm::{BUILDER, Build, Farm, RANGE, Server};
use crate::remedy::{Mend, follow};

const LOG: Duration = Duration::from_secs(10);

#[test]
fn every_file_with_a_configuration_made_by_hand() {
    let Some(farm) = Farm::boot(1) else { return };
    let server = &farm.servers[0];
    let daemon = format!("DISTCC_ARGS=\"--allow {RANGE} --log-level info\"\n");
    server.machine.write("/etc/conf.d/distccd", &daemon);
    server.machine.run("systemctl enable --now distccd.service").good();
    let by_hand = format!(
        "sed -i 's/^BUILDENV=(!distcc/BUILDENV=(distcc/' /etc/makepkg.conf &&
        printf '%s\\n' 'DISTCC_HOSTS=\"{}/4,lzo\"' 'MAKEFLAGS=\"-j4\"' >>/etc/makepkg.conf",
        server.address
    );
    farm.builder.run(&by_hand).good();
    assert_all_served(&farm, &farm.makepkg());
}

#[test]
fn every_file_after_setup_on_two_servers() {
    let Some(farm) = Farm::boot(2) else { return };
    farm.set_up();
    farm.check().assert_well();
    let before: Vec<usize> = farm.servers.iter().map(Server::compiled).collect();
    assert_all_served(&farm, &farm.makepkg());
    for (server, before) in farm.servers.iter().zip(before) {
        assert!(server.compiled() > before, "{}", server.log());
    }
    farm.check().assert_well();
}

#[test]
fn a_build_without_a_word_here_is_not_one_without_a_word_of_check() {
    let Some(farm) = Farm::boot(1) else { return };
    farm.set_up();
    farm.builder.run("rm -r /usr/lib/distcc/bin").good();
    let build = farm.makepkg();
    assert!(build.compiles() > 30 && farm.served() == 0, "{}", build.outcome.out());
    assert!(!build.outcome.out().contains("distcc"), "{}", build.outcome.out());
    follow(&farm, farm.check().only_trouble("masquerade-directory"), Mend::Here);
    assert_all_served(&farm, &farm.makepkg());
}

#[test]
fn nothing_is_served_after_undo() {
    let Some(farm) = Farm::boot(1) else { return };
    let before = farm.everything();
    farm.set_up();
    assert_ne!(farm.everything(), before);
    farm.take_back();
    let after = farm.everything();
    let differs: Vec<_> = before.lines().filter(|line| !after.lines().any(|other| other == *line)).collect();
    assert!(differs.is_empty() && after.len() == before.len(), "{differs:?}");
    assert!(farm.makepkg().compiles() > 30 && farm.servers[0].compiled() == 0);
}

/// Panics unless every file that make had compiled was compiled by the daemons, and nothing else was.
#[track_caller]
pub(crate) fn assert_all_served(farm: &Farm, build: &Build) {
    let compiles = build.compiles();
    assert!(compiles > 30, "{}", build.outcome.out());
    let served = || farm.served() - build.served_before;
    // The line about a job may come a moment after its answer.
    wait_until(LOG, "a log that tells of all jobs", || served() >= compiles);
    assert_eq!(served(), compiles, "{}", build.outcome.out());
    let packages = farm.builder.run_as(BUILDER, "ls lua/*.pkg.tar.*").good();
    assert_eq!(packages.out().lines().count(), 1, "{}", packages.out());
}
