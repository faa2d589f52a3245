//! A package is built by the daemons and not here, once makepkg has been told to. Knows nothing of what is checked.

use std::time::Duration;

use test_hosts::wait::wait_until;

use crate::farm::{BUILDER, Build, Farm, Server};

const LOG: Duration = Duration::from_secs(10);

#[test]
fn every_file_with_a_configuration_made_by_hand() {
    let Some(farm) = Farm::boot(1) else { return };
    let server = &farm.servers[0];
    server.machine.write("/etc/conf.d/distccd", "DISTCC_ARGS=\"--allow 10.83.0.0/24 --log-level info\"\n");
    server.machine.run("systemctl enable --now distccd.service").good();
    let by_hand = format!(
        "sed -i 's/^BUILDENV=(!distcc/BUILDENV=(distcc/' /etc/makepkg.conf &&
        printf '%s\\n' 'DISTCC_HOSTS=\"{}/4,lzo\"' 'MAKEFLAGS=\"-j4\"' >>/etc/makepkg.conf",
        server.address
    );
    farm.builder.run(&by_hand).good();
    assert_all_served(&farm, &farm.makepkg());
}

/// Panics unless every file that make had compiled was compiled by the daemons, and nothing else was.
#[track_caller]
pub(crate) fn assert_all_served(farm: &Farm, build: &Build) {
    let compiles = build.compiles();
    assert!(compiles > 30, "{}", build.outcome.out());
    let served = || farm.servers.iter().map(Server::compiled).sum::<usize>();
    // The line about a job may come a moment after its answer.
    wait_until(LOG, "a log that tells of all jobs", || served() >= compiles);
    assert_eq!(served(), compiles, "{}", build.outcome.out());
    let packages = farm.builder.run_as(BUILDER, "ls lua/*.pkg.tar.*").good();
    assert_eq!(packages.out().lines().count(), 1, "{}", packages.out());
}
