//! What befalls an include server in the middle of a build: the build goes on, its objects are right, and one line tells
//! of it. Knows nothing of compiles that go well.

use std::fs;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use test_hosts::need;
use test_hosts::objects::assert_same_bytes;
use test_hosts::process::{Running, clean, run};
use test_hosts::workdir::Workdir;

use crate::farm::{Farm, Way, make};
use crate::{OURS, PUMP};

const SOURCES: usize = 12;
const JOBS: usize = 4;
const LONGEST: Duration = Duration::from_secs(60);

/// A script between the first half of a build and the second. `$DIR` is the include server's directory.
const KILLED: &str = "kill -9 $(cat $DIR/pid)";
const STOPPED: &str = "cp $DIR/pid stopped; kill -STOP $(cat stopped)";
const REMOVED: &str = "rm -r $DIR";

#[test]
fn killed() {
    check(Way::Wrapped, KILLED, 1);
    check(Way::Alone, KILLED, 1);
}

#[test]
fn stopped() {
    check(Way::Wrapped, STOPPED, 1);
    check(Way::Alone, STOPPED, 1);
}

#[test]
fn its_directory_removed() {
    check(Way::Wrapped, REMOVED, 1);
    // It makes its directory anew, and nothing is lost.
    check(Way::Alone, REMOVED, 0);
}

#[test]
fn nothing() {
    check(Way::Wrapped, "true", 0);
    check(Way::Alone, "true", 0);
}

/// Where the include server lives there is no room for a byte.
#[test]
fn its_disk_is_full() {
    if !need::root() {
        return;
    }
    let work = Workdir::new();
    prepare(&work);
    let farm = Farm::start(OURS.distccd, &[]);
    let script = r#"
        mount -t tmpfs -o size=32k none "$HOME" && eval "$(TMPDIR=$HOME "$PUMP" --startup)" || exit 9
        dd if=/dev/zero of="$HOME/full" 2>/dev/null && exit 8
        make -j4 CC="$DISTCC gcc" TROUBLE=true >&2
        built=$?
        "$PUMP" --shutdown >/dev/null
        exit $built
    "#;
    let mut shell = farm.client(OURS, &work).command("unshare");
    shell.args(["--mount", "sh", "-c", script]).env("PUMP", PUMP).env("DISTCC", OURS.distcc);
    let built = run(shell);
    assert_eq!(built.code(), Some(0), "{}", built.err());
    assert!(!built.err().contains("distcc["), "{}", built.err());
    assert_objects_are_right(&work);
    farm.assert_all_were_sources(SOURCES);
}

#[track_caller]
fn check(way: Way, trouble: &str, lines: usize) {
    let work = Workdir::new();
    prepare(&work);
    let farm = Farm::start(OURS.distccd, &[]);
    let client = farm.client(OURS, &work);
    let mut make = make(OURS, &client, way).expect("ours is there");
    make.args([format!("-j{JOBS}"), format!("CC={} gcc", OURS.distcc)]).env("TROUBLE", trouble);
    let built = Running::start(make).finish(LONGEST);
    end_what_was_stopped(&work);
    assert_eq!(built.code(), Some(0), "{trouble}, {way:?}\n{}\n{}", built.out(), built.err());
    let told = built.err();
    assert_eq!(told.lines().count(), lines, "{trouble}, {way:?}\n{told}");
    assert_objects_are_right(&work);
    farm.assert_served(SOURCES);
    let (sources, text) = farm.came();
    // Those that asked it in that moment, and no more; a stopped one keeps each of them waiting for some seconds.
    assert!(
        text <= JOBS && sources >= SOURCES - JOBS,
        "{trouble}, {way:?}: {sources} as sources, {text} as text"
    );
}

/// Nobody else would.
fn end_what_was_stopped(work: &Workdir) {
    let stopped = fs::read_to_string(work.src().join("stopped")).ok().and_then(|pid| pid.trim().parse().ok());
    if let Some(pid) = stopped {
        let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
    }
}

/// Two halves of a program in C with a header that is generated first, and between them whatever is to happen.
const MAKEFILE: &str = r#"
early := $(patsubst %.c,%.o,$(wildcard early*.c))
late := $(patsubst %.c,%.o,$(wildcard late*.c))
all: $(late)
$(early) $(late): generated.h
$(late): | trouble
trouble: $(early)
	DIR=$${INCLUDE_SERVER_DIR:-$$(echo $$DISTCC_DIR/pump-*)}; eval "$$TROUBLE"
generated.h:
	echo '#define NUMBER 7' >$@
%.o: %.c
	$(CC) -O1 -c $< -o $@
.PHONY: all trouble
"#;

fn prepare(work: &Workdir) {
    work.write("Makefile", MAKEFILE);
    for name in names() {
        let text = format!(
            "#include <stdio.h>\n#include \"generated.h\"\nint {name}(void) {{ return puts(\"{name}\") + NUMBER; }}\n"
        );
        work.write(&format!("{name}.c"), text);
    }
}

fn names() -> Vec<String> {
    let numbers = 0..SOURCES / 2;
    numbers.flat_map(|number| [format!("early{number}"), format!("late{number}")]).collect()
}

#[track_caller]
fn assert_objects_are_right(work: &Workdir) {
    for name in names() {
        let [source, built, here] =
            [".c", ".o", ".here"].map(|ending| work.src().join(format!("{name}{ending}")));
        let mut gcc = clean("gcc");
        gcc.current_dir(work.src())
            .args(["-O1", "-c"])
            .arg(source.file_name().expect("a file"))
            .arg("-o")
            .arg(&here);
        run(gcc).good();
        assert_same_bytes(&built, &here);
    }
}
