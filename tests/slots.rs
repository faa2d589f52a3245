//! Many clients share few slots: never too many at once, and whoever is killed frees its own. Knows nothing of lock files.

use std::fs;
use std::time::Duration;

use nix::sys::signal::Signal;
use test_hosts::client::Client;
use test_hosts::distccd::{Distccd, Setup};
use test_hosts::process::Running;
use test_hosts::stub::{OBJECT, Stub};
use test_hosts::wait::wait_until;
use test_hosts::workdir::{Workdir, records_in};

const DISTCC: &str = env!("CARGO_BIN_EXE_distcc");
const DISTCCD: &str = env!("CARGO_BIN_EXE_distccd");

const CLIENTS: usize = 200;
const SLOTS: usize = 4;
const KILLED: usize = 50;
const FILES: usize = 30;
const LIMIT: Duration = Duration::from_secs(120);
/// The daemon could take more than the host list allows, so that what is counted is the clients' doing.
const DAEMON_JOBS: u32 = 16;

#[test]
fn two_hundred_clients_use_four_slots_and_no_more() {
    let work = Workdir::new();
    let stub = Stub::new(&work, "0.05");
    let daemon = Distccd::start(&Setup { jobs: DAEMON_JOBS, ..Setup::of(DISTCCD) });
    let client =
        Client::new(DISTCC, &work, &format!("{}/{SLOTS}", daemon.host())).env("DISTCC_FALLBACK", "0");

    let crowd = start(&client, &work, &stub, CLIENTS);
    for client in crowd {
        let outcome = client.finish(LIMIT).good();
        assert_eq!((outcome.out(), outcome.err()), (String::new(), String::new()));
    }
    let diary = stub.diary();
    assert_eq!((diary.started, diary.ended, diary.most), (CLIENTS, CLIENTS, SLOTS));
    for number in 0..CLIENTS {
        assert_eq!(fs::read(work.src().join(format!("{number}.o"))).expect("an object"), OBJECT);
    }
}

#[test]
fn killed_clients_free_their_slots() {
    let work = Workdir::new();
    let stub = Stub::new(&work, "0.05");
    let daemon = Distccd::start(&Setup { jobs: DAEMON_JOBS, ..Setup::of(DISTCCD) });
    let client =
        Client::new(DISTCC, &work, &format!("{}/{SLOTS}", daemon.host())).env("DISTCC_FALLBACK", "0");

    let mut crowd = start(&client, &work, &stub, CLIENTS);
    wait_until(LIMIT, "a crowd at work", || stub.diary().ended >= SLOTS);
    let mut to_kill = KILLED;
    // Of those that still run the first were started first: some of them hold slots, the others wait for one.
    crowd.retain(|client| {
        let killed = to_kill > 0 && client.signal(Signal::SIGKILL);
        to_kill -= usize::from(killed);
        !killed
    });
    assert_eq!(to_kill, 0, "the crowd was done too soon");
    for client in crowd {
        client.finish(LIMIT).good();
    }

    let elsewhere = Workdir::new();
    let slow = Stub::new(&elsewhere, "1");
    let last = start(&client, &work, &slow, SLOTS);
    wait_until(LIMIT, "every slot in use again", || slow.running().len() == SLOTS);
    for client in last {
        client.finish(LIMIT).good();
    }
}

/// Two slots on each of two hosts, ten jobs of make: four compile at once, on both hosts, and the link runs here.
#[test]
fn make_with_more_jobs_than_slots() {
    let work = Workdir::new();
    let stub = Stub::new(&work, "0.1");
    let hosts = [0, 1].map(|_| Distccd::start(&Setup { jobs: DAEMON_JOBS, ..Setup::of(DISTCCD) }));
    let list: String = hosts.iter().map(|host| format!("{}/2 ", host.host())).collect();
    let objects: Vec<String> = (0..FILES).map(|number| format!("{number}.o")).collect();
    (0..FILES).for_each(|number| drop(work.write(&format!("{number}.c"), "int x;\n")));
    let (compiler, objects) = (format!("{DISTCC} {}", stub.word()), objects.join(" "));
    let rules = format!("program: {objects}\n\t@{compiler} $^ -o $@\n%.o: %.c\n\t@{compiler} -c $< -o $@\n");
    work.write("Makefile", rules);
    let client = Client::new(DISTCC, &work, &list).env("DISTCC_FALLBACK", "0");
    let mut make = client.command("make");
    make.arg("-j10");
    let outcome = Running::start(make).finish(LIMIT).good();
    assert_eq!((outcome.out(), outcome.err()), (String::new(), String::new()));

    let served = hosts.each_ref().map(|host| host.count("COMPILE_OK"));
    assert!(served.iter().all(|&jobs| jobs > 0), "{served:?}");
    wait_until(LIMIT, "a log of all jobs", || {
        hosts.iter().map(|host| host.count("COMPILE_OK")).sum::<usize>() == FILES
    });
    let diary = stub.diary();
    assert_eq!((diary.started, diary.ended, diary.most), (FILES + 1, FILES + 1, 2 * hosts.len()));
    assert_eq!(records_in(&work), [""; 0]);
}

fn start(client: &Client, work: &Workdir, stub: &Stub, count: usize) -> Vec<Running> {
    (0..count)
        .map(|number| {
            let source = format!("{number}.c");
            work.write(&source, format!("int x{number};\n"));
            client.start(&[stub.word(), "-c", &source, "-o", &format!("{number}.o")])
        })
        .collect()
}
