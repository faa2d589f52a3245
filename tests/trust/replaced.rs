//! Compilers and daemons that are replaced while they are in use. Knows nothing of packages.

use std::time::Duration;

use test_hosts::C_DISTCC;
use test_hosts::distccd::{Distccd, Setup};
use test_hosts::need;
use test_hosts::process::LIMIT;
use test_hosts::wait::wait_until;

use crate::cluster::Build;
use crate::toolbox::Toolbox;
use crate::{DISTCCD, STRANGER, Site, assert_told_of, client, daemon, daemons};

#[test]
fn a_servers_compiler_in_the_middle_of_a_build() {
    if need::program("gcc-11", "install gcc-11 (Debian)").is_none() {
        return;
    }
    for distccd in daemons() {
        let compilers = Toolbox::of("gcc-12");
        let daemon = daemon(distccd, &compilers);
        let build = Build::of(12);
        let make = build.start(&client(&build.work, &format!("{}/4", daemon.host())));
        wait_until(Duration::from_secs(60), "a build that is under way", || build.done() > 40);
        compilers.put("gcc-11");
        let outcome = make.finish(Duration::from_secs(300)).good();
        build.assert_objects(&outcome.err());
        assert!(outcome.err().contains(STRANGER), "{distccd}: {}", outcome.err());
        let strangers = outcome.err().matches(STRANGER).count();
        assert_eq!(strangers, 1, "{distccd}: {}", outcome.err());
    }
}

#[test]
fn the_clients_compiler() {
    if need::program("gcc-11", "install gcc-11 (Debian)").is_none() {
        return;
    }
    for distccd in daemons() {
        let (here, there) = (Toolbox::of("gcc-12"), Toolbox::of("gcc-12"));
        let (site, daemon) = (Site::new(), daemon(distccd, &there));
        let client = site.client(&daemon.host()).env("PATH", here.path());
        assert_eq!(site.compile(&client).err(), "", "{distccd}");
        here.put("gcc-11");
        assert_told_of(&site.compile(&client).err(), &[daemon.host()]);
        // Of the new one nothing is known yet, so it is asked before the minute is over.
        here.put("gcc-12");
        let served = site.compile(&client.clone().env("DISTCC_FALLBACK", "0"));
        assert_eq!(served.err(), "", "{distccd}");
    }
}

/// While a job is away.
#[test]
fn the_clients_compiler_under_a_job() {
    if need::program("gcc-11", "install gcc-11 (Debian)").is_none() {
        return;
    }
    let (here, there) = (Toolbox::of("gcc-12"), Toolbox::empty());
    let (site, daemon) = (Site::new(), daemon(DISTCCD, &there));
    let client = site.client(&daemon.host()).env("PATH", here.path());
    site.compile(&client);
    let long: String =
        (0..4000).map(|n| format!("double f{n}(double x) {{ return x / {n}.5 + x; }}\n")).collect();
    site.work.write("x.c", long);
    let job = client.start(&crate::WORDS);
    wait_until(Duration::from_secs(20), "a job that is away", || {
        let states = test_hosts::workdir::records_in(&site.work);
        !states.is_empty()
    });
    here.put("gcc-11");
    job.finish(LIMIT).good();
    let object = site.work.src().join("x.o");
    let made = std::fs::read(&object).expect("an object");
    client.run_plain(&crate::WORDS).good();
    assert!(made == std::fs::read(&object).expect("an object"), "not the new compiler's");
    let counts = site.client("").run(&["--summary"]).good().out();
    assert!(counts.starts_with("1 remote, 1 here (1 replaced)\n"), "{counts}");
}

#[test]
fn a_daemon_of_the_other_kind() {
    if need::c_distcc().is_none() {
        return;
    }
    for (first, second) in [(C_DISTCC.distccd, DISTCCD), (DISTCCD, C_DISTCC.distccd)] {
        let site = Site::new();
        let mut before = Distccd::start(&Setup::of(first));
        let host = before.host();
        let port = host.rsplit(':').next().expect("a port").to_owned();
        let client = site.client(&host).env("DISTCC_FALLBACK", "0").env("DISTCC_BACKOFF_PERIOD", "0");
        assert_eq!(site.compile(&client).err(), "", "{first}");
        before.kill();
        let after = Distccd::start(&Setup { port: port.parse().ok(), ..Setup::of(second) });
        assert_eq!(site.compile(&client).err(), "", "{first}, then {second}");
        assert_eq!(site.compile(&client).err(), "", "{first}, then {second}");
        assert!(after.comes_to_tell("COMPILE_OK", 2), "{}", after.log());
    }
}
