//! distccmon-text beside the C program: the same rows of the same records, whoever wrote them. Knows nothing of the live view.

use std::fs::{self, File};
use std::path::Path;
use std::process::id;
use std::time::{Duration, SystemTime};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use test_hosts::client::Client;
use test_hosts::distccd::{Distccd, Setup};
use test_hosts::need;
use test_hosts::process::{Outcome, Running, clean, run};
use test_hosts::stub::Stub;
use test_hosts::wait::{wait_for, wait_until};
use test_hosts::workdir::{Workdir, names_in};

const DISTCC: &str = env!("CARGO_BIN_EXE_distcc");
const DISTCCD: &str = env!("CARGO_BIN_EXE_distccd");
const MONITOR: &str = env!("CARGO_BIN_EXE_distccmon-text");
/// Of the same Debian package as the C client.
const C_MONITOR: &str = "/usr/bin/distccmon-text";
const SOON: Duration = Duration::from_secs(10);
/// Longer than any test waits, short enough that nothing stays if a test fails.
const LONG: &str = "60";
const COMPILE: [&str; 5] = ["-c", "hello.c", "-o", "hello.o", "-O1"];

#[test]
fn hand_written_records_look_the_same() {
    if need::c_distcc().is_none() {
        return;
    }
    let work = Workdir::new();
    let me = u64::from(id());
    for (name, record) in [
        ("binstate_1", record(me, b"a.c", b"red", 1, 5)),
        ("binstate_2", record(me, &[b'a'; 127], &[b'h'; 127], 0, 2)),
        ("binstate_3", record(me, b"sign.c", b"red", u32::MAX, 3)),
        ("binstate_4", record(me, b"\xc3\xa9\xff\ttab", b"blue", 4, 99)),
        ("binstate_5", record(me, b"same-1.c", b"same", 3, 0)),
        ("binstate_6", record(me, b"same-2.c", b"same", 3, 1)),
        ("binstate_7", record(me, b"same-3.c", b"same", 3, 4)),
        ("binstate_8", record(me, b"done.c", b"blue", 0, 7)),
        ("binstate_9", record(me, b"", b"", 12345, 6)),
        ("binstate_a", record(1 << 22, b"dead.c", b"blue", 1, 5)),
        ("binstate_b", b"short".to_vec()),
        ("binstate_c", Vec::new()),
        ("binstate_d", [record(me, b"longer.c", b"blue", 9, 5), b"more".to_vec()].concat()),
        ("other_1", record(me, b"other.c", b"blue", 2, 5)),
    ] {
        write(&work, name, &record);
    }
    let rows = check_same(&work);
    assert_eq!(rows.lines().count(), 10, "{rows}");
}

#[test]
fn no_record_is_one_empty_line() {
    let work = Workdir::new();
    assert_eq!(shown(MONITOR, &work, &[]).good().out(), "\n");
    // As the C program, it makes the directory that clients would make.
    assert_eq!(names_in(&work.distcc_dir()), ["state"]);
}

#[test]
fn a_file_that_is_no_record_is_told_of() {
    let work = Workdir::new();
    write(&work, "binstate_1", &[7; 296]);
    let outcome = shown(MONITOR, &work, &[]).good();
    assert_eq!(outcome.out(), "\n");
    assert!(outcome.err().contains("binstate_1: it states a size of"), "{}", outcome.err());
}

#[test]
fn odd_words_end_as_with_the_c_program() {
    for words in [&["x"][..], &["1x"], &["0 "], &["1", "2"], &["-h"]] {
        check_usage(MONITOR, words);
        if need::c_distcc().is_some() {
            check_usage(C_MONITOR, words);
        }
    }
}

#[track_caller]
fn check_usage(monitor: &str, words: &[&str]) {
    let work = Workdir::new();
    let outcome = shown(monitor, &work, words);
    assert_eq!((outcome.code(), outcome.out()), (Some(1), String::new()), "{words:?}");
    assert!(outcome.err().starts_with("usage: distccmon-text [DELAY]\n"), "{}", outcome.err());
}

#[test]
fn without_a_directory_there_is_nothing_to_watch() {
    let work = Workdir::new();
    fs::remove_dir(work.distcc_dir()).expect("an empty directory of ours");
    assert_eq!(shown(MONITOR, &work, &[]).code(), Some(107));
    let mut monitor = clean(MONITOR);
    monitor.env("HOME", work.home());
    assert_eq!(run(monitor).good().out(), "\n");
    assert_eq!(names_in(&work.home().join(".distcc")), ["state"]);
    assert_eq!(run(clean(MONITOR)).code(), Some(101));
}

/// `head` gets each pass when it is made, and nobody waits for a reader that is gone.
#[test]
fn passes_come_at_once_and_end_with_their_reader() {
    let work = Workdir::new();
    let mut passes = clean("sh");
    let script = r#""$0" 0.05 | { read -r first; read -r second; echo "two passes"; }"#;
    passes.args(["-c", script, MONITOR]).env("DISTCC_DIR", work.distcc_dir());
    let outcome = Running::start(passes).finish(SOON).good();
    assert_eq!((outcome.out().as_str(), outcome.err().as_str()), ("two passes\n", ""));
}

#[test]
fn a_long_compile_stays() {
    let work = Workdir::new();
    // Process 1 is older than any compile of ours.
    write(&work, "binstate_1", &record(1, b"long.c", b"red", 1, 5));
    let file = File::options().write(true).open(work.distcc_dir().join("state/binstate_1"));
    let then = SystemTime::now() - Duration::from_secs(90);
    file.and_then(|file| file.set_modified(then)).expect("a file of ours");
    for _ in 0..2 {
        assert!(shown(MONITOR, &work, &[]).good().out().contains("long.c"));
    }
}

#[test]
fn clients_of_both_makes_show_in_both_monitors() {
    let Some(c) = need::c_distcc() else { return };
    let daemon = Distccd::start(&Setup::of(DISTCCD));
    for distcc in [DISTCC, c.distcc] {
        let rows = check_running(distcc, &daemon.host(), Stub::new);
        assert!(
            rows.contains("  Compile     hello.c                                       127.0.0.1[0]\n"),
            "{rows}"
        );
    }
}

#[test]
fn what_runs_here_shows_in_both_monitors() {
    let Some(c) = need::c_distcc() else { return };
    for distcc in [DISTCC, c.distcc] {
        let rows = check_running(distcc, "localhost", Stub::new);
        assert!(
            rows.contains("  Compile     hello.c                                       localhost[0]\n"),
            "{rows}"
        );
    }
}

/// As in a build: several jobs in several phases, of clients of both makes that share their slots.
#[test]
fn a_build_shows_in_both_monitors() {
    let Some(c) = need::c_distcc() else { return };
    let daemon = Distccd::start(&Setup::of(DISTCCD));
    let work = Workdir::new();
    let stub = Stub::new(&work, LONG);
    let hosts = format!("{}/3 localhost/2", daemon.host());
    let running = [DISTCC, c.distcc, DISTCC, c.distcc, DISTCC].map(|distcc| {
        let (source, started) = (format!("x{}.c", stub.diary().started), stub.diary().started);
        work.write(&source, "int x;\n");
        let running = Client::new(distcc, &work, &hosts).start(&[stub.word(), "-c", &source, "-o", "x.o"]);
        wait_until(SOON, "one more compiler at work", || stub.running().len() == started + 1);
        running
    });
    // A client hears of its compiler a moment later.
    wait_until(SOON, "five rows of compiles", || {
        let [ours, theirs] = shown_by_both(&work).map(|rows| String::from_utf8(rows).expect("plain names"));
        ours == theirs && ours.matches("  Compile  ").count() == 5
    });
    drop(running);
    wait_until_empty(&work);
}

/// Every client of the build is stopped for each look, so that both programs look at the same moment.
#[test]
fn a_build_in_progress_shows_alike_again_and_again() {
    let (Some(c), Some(lua)) = (need::c_distcc(), need::source("lua5.4")) else { return };
    let daemon = Distccd::start(&Setup::of(DISTCCD));
    let work = Workdir::new();
    let makefile = "all: $(patsubst %.c,$(OUT)-%.o,$(wildcard l*.c))\n$(OUT)-%.o: %.c\n\t$(DISTCC) gcc -O2 -c $< -o $@\n";
    run_in(&work, &["cp", "-r", &format!("{}/.", path(&lua.join("src"))), "."]);
    work.write("build.mk", makefile);
    let hosts = format!("{}/2 localhost/2", daemon.host());
    let builds = [DISTCC, c.distcc].map(|distcc| {
        let mut make = Client::new(distcc, &work, &hosts).command("make");
        let out = if distcc == DISTCC { "ours" } else { "theirs" };
        make.args(["-f", "build.mk", "-j4", &format!("DISTCC={distcc}"), &format!("OUT={out}")]);
        Running::start(make)
    });
    let mut seen = String::new();
    wait_until(SOON * 6, "looks at jobs of both kinds", || {
        stop(&builds, true);
        let rows = check_same(&work);
        stop(&builds, false);
        seen.push_str(&rows);
        let has = |words: &str| seen.lines().any(|row| row.contains(words));
        let both = has("  Compile ") && has("127.0.0.1[") && has("localhost[") && has("  Preprocess ");
        both && seen.lines().filter(|row| !row.is_empty()).count() > 40
    });
    drop(builds);
    wait_until_empty(&work);
}

/// Stops all processes of these groups, or lets them go on.
fn stop(groups: &[Running], stop: bool) {
    for group in groups {
        killpg(group.pid(), if stop { Signal::SIGSTOP } else { Signal::SIGCONT })
            .expect("a build that goes on");
    }
    // One that waits for a disk will stop; one that waits for a stopped child to start its program stays as it is.
    let mut looks = 0;
    wait_until(SOON, "clients that stand still", || {
        looks = if groups.iter().all(|group| stands_still(group.pid())) { looks + 1 } else { 0 };
        !stop || looks == 4
    });
}

fn stands_still(group: Pid) -> bool {
    let processes = fs::read_dir("/proc").expect("a list of processes").flatten();
    let mut stats = processes.filter_map(|process| fs::read_to_string(process.path().join("stat")).ok());
    stats.all(|stat| {
        let facts: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
        facts.get(2) != Some(&group.to_string().as_str()) || ["T", "D", "Z", "X"].contains(&facts[0])
    })
}

fn run_in(work: &Workdir, words: &[&str]) {
    let mut command = clean(words[0]);
    command.args(&words[1..]).current_dir(work.src());
    run(command).good();
}

#[test]
fn preprocessing_shows_in_both_monitors() {
    if need::c_distcc().is_none() {
        return;
    }
    let rows = check_running(DISTCC, "192.0.2.1", Stub::with_slow_preprocessor);
    assert!(
        rows.contains("  Preprocess  hello.c                                       localhost[0]\n"),
        "{rows}"
    );
}

/// What both monitors show of a client while its compiler runs; nothing when that was killed.
#[track_caller]
fn check_running(distcc: &str, hosts: &str, stub: fn(&Workdir, &str) -> Stub) -> String {
    let work = Workdir::new();
    let stub = stub(&work, LONG);
    work.write("hello.c", "int x;\n");
    let client = Client::new(distcc, &work, hosts);
    let running = client.start(&[&[stub.word()], &COMPILE[..]].concat());
    let started = || stub.running().len() == 1;
    wait_until(SOON, "a compiler at work", started);
    // A client hears of that a moment later.
    let rows = wait_for(SOON, "the row of a job", || {
        let rows = shown(C_MONITOR, &work, &[]).good().out();
        (rows.contains("Compile") || rows.contains("Preprocess")).then_some(rows)
    });
    assert_eq!(shown(MONITOR, &work, &[]).good().out(), rows);
    // With its compiler, which would outlive the C client.
    drop(running);
    wait_until_empty(&work);
    rows
}

/// Packages are built in containers, where a client knows itself by a number that means another process here.
#[test]
fn clients_in_a_container_show_here() {
    if !need::root() {
        return;
    }
    let (work, inside) = (Workdir::new(), Workdir::new());
    let stub = Stub::new(&inside, LONG);
    inside.write("hello.c", "int x;\n");
    // Far from all numbers that are in use here.
    let script = r#"
        last=/proc/sys/kernel/ns_last_pid
        echo $(($(cat /proc/sys/kernel/pid_max) - 100)) >$last
        "$0" "$@"
        exit
    "#;
    let client = Client::new(DISTCC, &inside, "localhost");
    let mut container = client.command("unshare");
    container.args(["--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", script, DISTCC]);
    container.arg(stub.word()).args(COMPILE);
    let running = Running::start(container);
    wait_until(SOON, "a compiler at work", || stub.diary().started == 1);

    let rows = shown(MONITOR, &work, &["--dir", path(&inside.distcc_dir())]).good().out();
    assert!(
        rows.contains("  Compile     hello.c                                       localhost[0]\n"),
        "{rows}"
    );
    assert_eq!(shown(MONITOR, &work, &[]).good().out(), "\n");
    assert!(running.signal(Signal::SIGKILL), "the container ended by itself");
    wait_until(SOON, "the end of the row", || {
        shown(MONITOR, &work, &["--dir", path(&inside.distcc_dir())]).good().out() == "\n"
    });
}

#[test]
fn a_directory_that_is_not_there_is_told_of() {
    let work = Workdir::new();
    let outcome = shown(MONITOR, &work, &["--dir", "/nonexistent"]);
    assert_eq!(outcome.code(), Some(107));
    assert!(outcome.err().contains("--dir /nonexistent"), "{}", outcome.err());
}

#[track_caller]
fn check_same(work: &Workdir) -> String {
    let [ours, theirs] = shown_by_both(work);
    assert_eq!(String::from_utf8_lossy(&ours), String::from_utf8_lossy(&theirs));
    assert_eq!(ours, theirs);
    String::from_utf8_lossy(&ours).into_owned()
}

/// One after the other, so they may differ while something happens.
fn shown_by_both(work: &Workdir) -> [Vec<u8>; 2] {
    [MONITOR, C_MONITOR].map(|monitor| shown(monitor, work, &[]).good().stdout)
}

fn wait_until_empty(work: &Workdir) {
    wait_until(SOON, "the end of all rows", || shown_by_both(work) == [b"\n", b"\n"]);
}

fn shown(monitor: &str, work: &Workdir, words: &[&str]) -> Outcome {
    let mut command = clean(monitor);
    command.args(words).env("DISTCC_DIR", work.distcc_dir());
    run(command)
}

fn write(work: &Workdir, name: &str, bytes: &[u8]) {
    let state = work.distcc_dir().join("state");
    fs::create_dir_all(&state).expect("a directory of ours");
    fs::write(state.join(name), bytes).expect("a file in a directory of ours");
}

/// The memory of the C program's struct, as its header file declares it.
fn record(pid: u64, file: &[u8], host: &[u8], slot: u32, phase: u32) -> Vec<u8> {
    let name = |text: &[u8]| [text, &vec![0; 128 - text.len()]].concat();
    let numbers = [296_u64, 0x4449_4800, pid].map(u64::to_ne_bytes).concat();
    let place = [slot, phase].map(u32::to_ne_bytes).concat();
    [numbers, name(file), name(host), place, vec![0; 8]].concat()
}

fn path(path: &Path) -> &str {
    path.to_str().expect("temporary paths are plain")
}
