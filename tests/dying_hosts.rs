//! Builds whose hosts die while they run. Knows nothing of single jobs: what counts is that the build succeeds, and when.

use std::fs;
use std::time::{Duration, Instant};

use test_hosts::client::Client;
use test_hosts::distccd::{Distccd, Setup};
use test_hosts::need;
use test_hosts::netns::Network;
use test_hosts::process::Running;
use test_hosts::stub::{OBJECT, Stub};
use test_hosts::wait::wait_until;
use test_hosts::workdir::{Workdir, names_in};

const DISTCC: &str = env!("CARGO_BIN_EXE_distcc");
const DISTCCD: &str = env!("CARGO_BIN_EXE_distccd");

const FILES: usize = 60;
const LIMIT: Duration = Duration::from_secs(120);
const IO_TIMEOUT: Duration = Duration::from_secs(3);
/// What a client waits at most for a host that does not answer a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// What a busy machine may add to a build.
const SLACK: Duration = Duration::from_secs(8);

#[test]
fn one_daemon_is_killed() {
    let build = Build::new();
    let mut daemons = [daemon(), daemon()];
    let make = build.start(&build.client(&list(&daemons)));
    wait_until(LIMIT, "a build at work", || daemons.iter().all(|daemon| daemon.count("COMPILE_OK") >= 4));
    daemons[0].kill();
    let killed = Instant::now();
    make.finish(LIMIT).good();
    build.assert_objects();
    assert!(killed.elapsed() < CONNECT_TIMEOUT + SLACK, "{:?}", killed.elapsed());
    let [killed, other] = daemons.map(|daemon| daemon.count("COMPILE_OK"));
    assert!(killed < FILES / 2 && other > FILES / 2, "{killed} and {other}");
}

#[test]
fn all_daemons_are_killed() {
    let build = Build::new();
    let mut daemons = [daemon(), daemon()];
    let make = build.start(&build.client(&list(&daemons)));
    wait_until(LIMIT, "a build at work", || daemons.iter().all(|daemon| daemon.count("COMPILE_OK") >= 4));
    daemons.iter_mut().for_each(Distccd::kill);
    let outcome = make.finish(LIMIT).good();
    build.assert_objects();
    assert!(outcome.err().contains("running locally instead"), "{}", outcome.err());
}

#[test]
fn one_host_loses_its_power() {
    if !need::network_namespaces() {
        return;
    }
    let network = Network::new(2);
    let build = Build::new();
    let [a, b] = [0, 1].map(|index| daemon_on(&network, index));
    let client = build.client(&list(&[&a, &b])).on(Some(network.builder()));
    let client = client.env("DISTCC_IO_TIMEOUT", IO_TIMEOUT.as_secs().to_string());
    let make = build.start(&client);
    wait_until(LIMIT, "a build at work", || [&a, &b].iter().all(|daemon| daemon.count("COMPILE_OK") >= 4));
    network.unplug(0);
    let unplugged = Instant::now();
    make.finish(LIMIT).good();
    build.assert_objects();
    // Those it had accepted wait for its answer, and those that come later for the connection, all at the same time.
    let lost = unplugged.elapsed();
    assert!(lost < IO_TIMEOUT + CONNECT_TIMEOUT + SLACK, "{lost:?}");
}

#[test]
fn a_host_that_is_off_costs_one_timeout() {
    if !need::network_namespaces() {
        return;
    }
    let network = Network::new(1);
    let build = Build::new();
    let daemon = daemon_on(&network, 0);
    let hosts = format!("{}/4 {}/4", network.silent_address(), daemon.host());
    let client = build.client(&hosts).on(Some(network.builder()));
    let started = Instant::now();
    build.start(&client).finish(LIMIT).good();
    let took = started.elapsed();
    build.assert_objects();
    daemon.assert_served(FILES);
    assert!(took < CONNECT_TIMEOUT + SLACK, "{took:?}");
}

fn daemon() -> Distccd {
    Distccd::start(&Setup::of(DISTCCD))
}

fn daemon_on(network: &Network, index: usize) -> Distccd {
    Distccd::start(&Setup { on: Some(&network.others()[index]), ..Setup::of(DISTCCD) })
}

fn list<D: std::borrow::Borrow<Distccd>>(daemons: &[D]) -> String {
    daemons.iter().map(|daemon| format!("{}/4 ", daemon.borrow().host())).collect()
}

/// Many small files and a makefile; each compile takes a tenth of a second.
struct Build {
    work: Workdir,
}

impl Build {
    fn new() -> Build {
        let work = Workdir::new();
        let stub = Stub::new(&work, "0.1");
        let objects: Vec<String> = (0..FILES).map(|number| format!("{number}.o")).collect();
        for number in 0..FILES {
            work.write(&format!("{number}.c"), format!("int x{number};\n"));
        }
        let rule = format!("%.o: %.c\n\t@{DISTCC} {} -c $< -o $@\n", stub.word());
        work.write("Makefile", format!("all: {}\n{rule}", objects.join(" ")));
        Build { work }
    }

    fn client(&self, hosts: &str) -> Client<'_> {
        Client::new(DISTCC, &self.work, hosts)
    }

    fn start(&self, client: &Client) -> Running {
        let mut make = client.command("make");
        make.arg("-j8");
        Running::start(make)
    }

    fn assert_objects(&self) {
        for number in 0..FILES {
            let object = self.work.src().join(format!("{number}.o"));
            assert!(fs::read(&object).expect("an object") == OBJECT, "{}", object.display());
        }
        let names = names_in(&self.work.src());
        assert_eq!(names.len(), 2 * FILES + 1, "more than sources, objects and a makefile: {names:?}");
    }
}
