//! The demo proves what it says, notices what is wrong, and leaves nothing behind however it ends. Knows the programs
//! only from outside.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::Signal;
use test_hosts::distccd::make_executable;
use test_hosts::process::{Outcome, Running, clean};
use test_hosts::wait::wait_until;
use test_hosts::workdir::{Workdir, names_in};

/// A machine may be busy with all the other tests.
const LONGEST: Duration = Duration::from_secs(120);

#[test]
fn the_sample_comes_back_equal() {
    let demo = Demo::new();
    let outcome = demo.run(&["--jobs", "3"]).good();
    let out = outcome.out();
    assert_eq!(sum_of_jobs(&out), objects(&out).1, "{out}");
    assert!(objects(&out).1 >= 6 && objects(&out).0 == objects(&out).1, "{out}");
    assert!(out.contains(" linked from them print what they should\n"), "{out}");
    assert!(out.contains("DISTCC_HOSTS=") && out.contains("distcc --why gcc"), "{out}");
    assert!(!out.contains('\x1b') && outcome.err().lines().count() == 2, "{out}{}", outcome.err());
    demo.check_nothing_left();
}

#[test]
fn a_directory_of_sources() {
    let demo = Demo::new();
    demo.write(
        "src/good.c",
        "#include \"deep.h\"\n#include <stdio.h>\nint main(void) { return puts(DEEP); }\n",
    );
    demo.write("src/include/deep.h", "#define DEEP __FILE__ __DATE__ __TIME__\n");
    demo.write("src/more/good.cc", "#include <string>\nnamespace { std::string text(\"x\"); }\n");
    demo.write("src/more/part.c", "#include \"generated-later.h\"\n");
    demo.write("src/conftest.c", "int x;\n");
    let out = demo.run(&[&demo.path("src")]).good().out();
    assert_eq!(objects(&out), (2, 2), "{out}");
    assert!(out.contains("1 not compilable alone:\n   more/part.c: exit status: 1: "), "{out}");
    assert!(out.contains("1 always compiled on one's own machine:\n   conftest.c: conftest: "), "{out}");
    assert!(!out.contains("programs "), "{out}");
    demo.check_nothing_left();
}

#[test]
fn a_directory_without_anything_to_compile() {
    let demo = Demo::new();
    demo.write("src/README", "none\n");
    let directory = demo.path("src");
    demo.refuses(&[&directory], &format!("there are no C or C++ sources below {directory}: "));
    demo.write("src/part.c", "#include \"generated-later.h\"\n");
    demo.refuses(
        &[&directory],
        "no source is left that daemons could compile: 1 not compilable alone (part.c: ",
    );
    demo.refuses(&["/nowhere/at/all"], "cannot look for sources below /nowhere/at/all: ");
}

#[test]
fn compilers_that_do_not_work() {
    let demo = Demo::new();
    let broken = demo.compiler("echo 'no licence' >&2; exit 3");
    demo.refuses(
        &["--compiler", &broken],
        "the sample cannot be compiled here, even without distcc: c/main.c: exit status: 3: no licence",
    );
    demo.refuses(&["--compiler", "/nowhere/gcc"], "/nowhere/gcc: no such compiler: ");
}

#[test]
fn a_server_that_makes_something_else_is_found_out() {
    let demo = Demo::new();
    let liar = demo.compiler("case $* in *.i\\ *) exec gcc \"$@\" -O0;; *) exec gcc \"$@\";; esac");
    let outcome = demo.run(&["--compiler", &liar]);
    let (out, err) = (outcome.out(), outcome.err());
    assert_eq!(outcome.code(), Some(1), "{out}{err}");
    assert!(
        err.contains("distcc-arch: c/primes.c: the object differs from the one compiled here: "),
        "{err}"
    );
    assert!(!err.contains("good jobs in its log"), "{err}");
    assert!(
        out.contains("left out, because there is no C++ compiler") && !out.contains("DISTCC_HOSTS="),
        "{out}"
    );
    demo.check_nothing_left();
}

#[test]
fn a_server_that_fails_is_found_out() {
    let demo = Demo::new();
    let picky =
        demo.compiler("case $* in *.i\\ *) echo 'no licence' >&2; exit 3;; *) exec gcc \"$@\";; esac");
    let outcome = demo.run(&["--compiler", &picky]);
    let err = outcome.err();
    assert_eq!(outcome.code(), Some(1), "{err}");
    assert!(err.contains("distcc-arch: c/sort.c: distcc failed: exit status: 3: no licence"), "{err}");
    demo.check_nothing_left();
}

#[test]
fn interrupted_while_daemons_work() {
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        Demo::new().interrupt("case $* in *.i\\ *) sleep 60;; *) exec gcc \"$@\";; esac", signal);
    }
}

#[test]
fn interrupted_before_there_are_daemons() {
    Demo::new().interrupt("sleep 60", Signal::SIGTERM);
}

struct Demo {
    work: Workdir,
}

impl Demo {
    fn new() -> Demo {
        Demo { work: Workdir::new() }
    }

    fn path(&self, name: &str) -> String {
        self.work.path().join(name).into_os_string().into_string().expect("a path of ours")
    }

    fn write(&self, name: &str, text: &str) {
        let path = PathBuf::from(self.path(name));
        fs::create_dir_all(path.parent().expect("below our directory")).expect("a directory of ours");
        fs::write(path, text).expect("a file in a directory of ours");
    }

    /// A shell script that poses as a compiler.
    fn compiler(&self, script: &str) -> String {
        let path = self.work.write("stub", format!("#!/bin/sh\n{script}\n"));
        make_executable(&path);
        path.into_os_string().into_string().expect("a path of ours")
    }

    fn start(&self, words: &[&str]) -> Running {
        let mut command = clean(env!("CARGO_BIN_EXE_distcc-arch"));
        command.arg("demo").args(words).env("TMPDIR", self.work.tmp()).env("HOME", self.work.home());
        // Neither may play a part.
        command.env("DISTCC_HOSTS", "192.0.2.1").env("DISTCC_FALLBACK", "1");
        Running::start(command)
    }

    #[track_caller]
    fn run(&self, words: &[&str]) -> Outcome {
        self.start(words).finish(LONGEST)
    }

    #[track_caller]
    fn refuses(&self, words: &[&str], expected: &str) {
        let outcome = self.run(words);
        let err = outcome.err();
        let last = err.lines().last().unwrap_or_default();
        assert_eq!((outcome.code(), outcome.out().as_str()), (Some(1), ""), "{err}");
        assert!(last.starts_with(&format!("distcc-arch: {expected}")), "{err}");
        self.check_nothing_left();
    }

    /// Sends `signal` while a compiler made of `script` sleeps.
    #[track_caller]
    fn interrupt(&self, script: &str, signal: Signal) {
        let running = self.start(&["--compiler", &self.compiler(script)]);
        wait_until(LONGEST, "a compiler that sleeps", || self.processes().contains(&"sleep".to_owned()));
        running.signal(signal);
        let outcome = running.finish(Duration::from_secs(20));
        assert_eq!(outcome.signal(), Some(signal as i32), "{}", outcome.err());
        assert!(
            outcome.err().ends_with("distcc-arch: interrupted; nothing is left behind\n"),
            "{}",
            outcome.err()
        );
        self.check_nothing_left();
    }

    #[track_caller]
    fn check_nothing_left(&self) {
        assert_eq!(self.processes(), Vec::<String>::new());
        assert_eq!(names_in(&self.work.tmp()), Vec::<String>::new());
        assert_eq!(names_in(&self.work.home()), Vec::<String>::new());
    }

    /// The names of all processes that got a variable with our directory in it: the demo and whatever it started.
    fn processes(&self) -> Vec<String> {
        let entries = fs::read_dir("/proc").expect("a proc file system").flatten();
        entries.filter_map(|entry| self.name_if_ours(&entry.path())).collect()
    }

    fn name_if_ours(&self, process: &Path) -> Option<String> {
        let environment = fs::read(process.join("environ")).ok()?;
        let ours = self.work.path().as_os_str().as_encoded_bytes();
        environment.windows(ours.len()).any(|window| window == ours).then_some(())?;
        Some(fs::read_to_string(process.join("comm")).ok()?.trim().to_owned())
    }
}

/// From "objects   11 of 12 equal, …".
#[track_caller]
fn objects(out: &str) -> (usize, usize) {
    let line = out.lines().find(|line| line.starts_with("objects ")).expect(out);
    let numbers: Vec<usize> = line.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    (numbers[0], numbers[1])
}

/// Of the table's rows for hosts, which must be two, each with a share.
#[track_caller]
fn sum_of_jobs(out: &str) -> usize {
    let rows = out.lines().filter(|line| line.starts_with("127.0.0.1:"));
    let jobs: Vec<usize> = rows
        .map(|row| row.split_whitespace().nth(1).and_then(|jobs| jobs.parse().ok()).expect(out))
        .collect();
    assert!(jobs.len() == 2 && jobs.iter().all(|jobs| *jobs > 0), "{out}");
    jobs.iter().sum()
}
