//! Hosts whose compilers are others than the client's: no object of theirs is ever taken, no compile fails for them, and each
//! is told of once. Knows nothing of how a compiler is known.

mod cluster;
mod fakes;
mod places;
mod replaced;
mod setbacks;
mod silent;
mod standing_in;
mod toolbox;
mod turns;
mod wishes;

use std::fs;

use test_hosts::client::Client;
use test_hosts::distccd::{Distccd, Setup};
use test_hosts::process::Outcome;
use test_hosts::workdir::Workdir;
use test_hosts::{C_DISTCC, need};

use toolbox::Toolbox;

const DISTCC: &str = env!("CARGO_BIN_EXE_distcc");
const DISTCCD: &str = env!("CARGO_BIN_EXE_distccd");

/// What a client's gcc is called on other machines (Debian).
const GCC: &str = "x86_64-linux-gnu-gcc";

/// What is said of a host with another compiler.
const STRANGER: &str = " gets no jobs for ";

const SOURCE: &str = "double f(double x, int n) { while (n--) x = x * x + n; return x; }\n";
const WORDS: [&str; 6] = ["gcc", "-O2", "-c", "x.c", "-o", "x.o"];

/// Both kinds of daemons; the C one only where it is installed.
fn daemons() -> Vec<&'static str> {
    if need::c_distcc().is_some() { vec![DISTCCD, C_DISTCC.distccd] } else { vec![DISTCCD] }
}

/// A daemon that finds these compilers first.
fn daemon(distccd: &str, compilers: &Toolbox) -> Distccd {
    Distccd::start(&Setup { path: &compilers.path(), ..Setup::of(distccd) })
}

/// A client that asks every host.
fn client<'a>(work: &'a Workdir, hosts: &str) -> Client<'a> {
    Client::new(DISTCC, work, hosts).env("DISTCC_TOOLCHAIN_CHECK", "strict")
}

/// A source, and what the compiler here makes of it.
struct Site {
    work: Workdir,
}

impl Site {
    fn new() -> Site {
        let work = Workdir::new();
        work.write("x.c", SOURCE);
        Site { work }
    }

    fn client(&self, hosts: &str) -> Client<'_> {
        client(&self.work, hosts)
    }

    /// Compiles, and panics unless it comes to what the compiler itself makes in the client's place.
    #[track_caller]
    fn compile(&self, client: &Client) -> Outcome {
        let object = self.work.src().join("x.o");
        client.run_plain(&WORDS).good();
        let expected = fs::read(&object).expect("an object");
        fs::remove_file(&object).expect("an object");
        let outcome = client.run(&WORDS).good();
        assert!(fs::read(&object).expect("an object") == expected, "{}", outcome.err());
        outcome
    }
}

/// Panics unless each of `hosts` is told of on a line of its own as a stranger, and no other host is.
#[track_caller]
fn assert_told_of(said: &str, hosts: &[String]) {
    for host in hosts {
        let lines = said.lines().filter(|line| line.contains(&format!("{host}{STRANGER}")));
        assert_eq!(lines.clone().count(), 1, "{host}: {said}");
        // What to type is said once.
        assert!(lines.clone().all(|line| line.matches("DISTCC_").count() == 1 && line.len() < 400), "{said}");
    }
    assert_eq!(said.matches(STRANGER).count(), hosts.len(), "{said}");
}
