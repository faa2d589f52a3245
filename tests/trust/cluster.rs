//! A build on a list of hosts most of which have another compiler. Knows nothing of what they are.

use std::fs;

use test_hosts::client::Client;
use test_hosts::distccd::Distccd;
use test_hosts::need;
use test_hosts::process::{Outcome, Running};
use test_hosts::workdir::Workdir;

use crate::toolbox::Toolbox;
use crate::{DISTCC, assert_told_of, client, daemon, daemons};

const FILES: usize = 10;
const LIMIT: std::time::Duration = std::time::Duration::from_secs(300);

#[test]
fn a_cluster_of_three_compilers() {
    if need::program("gcc-11", "install gcc-11 (Debian)").is_none()
        || need::program("clang-14", "install clang-14 (Debian)").is_none()
    {
        return;
    }
    let boxes = ["gcc-12", "gcc-11", "clang-14"].map(Toolbox::of);
    let start = |distccd: &str| boxes.iter().map(|compilers| daemon(distccd, compilers)).collect();
    let daemons: Vec<Vec<Distccd>> = daemons().into_iter().map(start).collect();
    let hosts = daemons.iter().flatten().map(|daemon| format!("{}/3", daemon.host()));
    // The strangers first, so that they are not left out because others are free.
    let mut hosts: Vec<String> = hosts.collect();
    hosts.reverse();

    let build = Build::of(50);
    let outcome = build.make(&client(&build.work, &hosts.join(" "))).good();
    build.assert_objects(&outcome.err());
    let strangers: Vec<String> =
        daemons.iter().flat_map(|kind| &kind[1..]).map(|daemon| format!("{}/3", daemon.host())).collect();
    assert_told_of(&outcome.err(), &strangers);
    assert_eq!(outcome.err().lines().count(), strangers.len(), "{}", outcome.err());
    for kind in &daemons {
        assert!(kind[0].comes_to_tell("COMPILE_OK", 50), "{}", kind[0].log());
        // A sample at most for each client that came before the first had found out.
        assert!(kind[1..].iter().all(|daemon| daemon.count("COMPILE_OK") <= 2), "{}", kind[1].log());
    }
}

/// Small sources, ten in each directory, the same ten in all of them.
pub(crate) struct Build {
    pub(crate) work: Workdir,
    directories: usize,
}

impl Build {
    pub(crate) fn of(directories: usize) -> Build {
        let work = Workdir::new();
        for directory in 0..directories {
            fs::create_dir(work.src().join(format!("d{directory}"))).expect("a new directory of ours");
            for file in 0..FILES {
                let text = format!("double f{file}(double x) {{ return x * {file} + 1 / x; }}\n");
                work.write(&format!("d{directory}/f{file}.c"), text);
            }
        }
        let rules = "all: $(patsubst %.c,%.o,$(wildcard */*.c))\n%.o: %.c\n\t$(CC) -O2 -c $< -o $@\n";
        work.write("Makefile", rules);
        Build { work, directories }
    }

    pub(crate) fn start(&self, client: &Client) -> Running {
        let mut make = client.command("make");
        make.args(["-j8", "-s", &format!("CC={DISTCC} gcc")]);
        Running::start(make)
    }

    pub(crate) fn make(&self, client: &Client) -> Outcome {
        self.start(client).finish(LIMIT)
    }

    /// How many objects there are by now.
    pub(crate) fn done(&self) -> usize {
        let files = (0..self.directories).flat_map(|directory| (0..FILES).map(move |file| (directory, file)));
        files
            .filter(|(directory, file)| self.work.src().join(format!("d{directory}/f{file}.o")).exists())
            .count()
    }

    /// Panics unless all objects are there, and are the machine's own gcc's.
    #[track_caller]
    pub(crate) fn assert_objects(&self, said: &str) {
        for file in 0..FILES {
            let mut gcc = test_hosts::process::clean("gcc");
            gcc.current_dir(self.work.src());
            gcc.args(["-O2", "-c", &format!("d0/f{file}.c"), "-o", "expected.o"]);
            test_hosts::process::run(gcc).good();
            let expected = fs::read(self.work.src().join("expected.o")).expect("an object");
            for directory in 0..self.directories {
                let object = fs::read(self.work.src().join(format!("d{directory}/f{file}.o")));
                assert!(object.expect("an object") == expected, "d{directory}/f{file}.o: {said}");
            }
        }
    }
}
