//! Calls in unusual places and circumstances: links on PATH, pipes, signals that a parent ignores, outputs that are no
//! plain files. Knows nothing of which part of the client makes them right.

use std::fs;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use test_hosts::client::Client;
use test_hosts::distccd::{Distccd, Setup, make_executable};
use test_hosts::evil::{Behaviour, EvilServer};
use test_hosts::need;
use test_hosts::process::{LIMIT, Outcome, Running};
use test_hosts::workdir::{Workdir, names_in};

const DISTCC: &str = env!("CARGO_BIN_EXE_distcc");
const DISTCCD: &str = env!("CARGO_BIN_EXE_distccd");
const NOWHERE: &str = "127.0.0.1:1";

fn shell(client: &Client, script: &str) -> Outcome {
    let mut command = client.command("sh");
    command.args(["-c", script]).env("distcc", DISTCC);
    Running::start(command).finish(LIMIT)
}

/// A directory whose links are called like compilers and lead to the client.
fn links(work: &Workdir, name: &str) -> PathBuf {
    let directory = work.path().join(name);
    fs::create_dir(&directory).unwrap();
    ["gcc", "g++", "cc", "clang"]
        .iter()
        .for_each(|compiler| symlink(DISTCC, directory.join(compiler)).unwrap());
    directory
}

fn benched(work: &Workdir) -> Vec<String> {
    let names = names_in(&work.distcc_dir().join("lock"));
    names.into_iter().filter(|name| name.starts_with("backoff")).collect()
}

/// gcc looks for itself on PATH to find its parts; what it finds must not be our link.
#[test]
fn a_link_to_us_on_path_does_not_mislead_the_compiler() {
    let work = Workdir::new();
    work.write("x.c", "int x;\n");
    let daemon = Distccd::start(&Setup::of(DISTCCD));
    let (first, second) = (links(&work, "first"), links(&work, "second"));
    let (first, second) = (first.display(), second.display());
    for (calls, path) in [
        ("$distcc gcc -c x.c", format!("{first}:/usr/bin:/bin")),
        ("gcc -c x.c", format!("{first}:/usr/bin:/bin")),
        ("gcc -c x.c", format!("{first}:{second}:{first}:/usr/bin:/bin")),
        ("$distcc cc -c x.c && cc x.o -shared -o x.so", format!("{first}:/usr/bin:/bin")),
    ] {
        for hosts in [daemon.host(), "localhost".to_owned()] {
            let client = Client::new(DISTCC, &work, &hosts).env("PATH", &path);
            let outcome = shell(&client, calls);
            assert_eq!((outcome.code(), outcome.err()), (Some(0), String::new()), "{calls} with {path}");
        }
    }
    assert!(daemon.count("COMPILE_OK") >= 4, "{}", daemon.log());
}

/// What is read from a pipe is gone when the compiler asks for it.
#[test]
fn a_response_file_that_is_a_pipe_is_left_to_the_compiler() {
    let work = Workdir::new();
    let client = Client::new(DISTCC, &work, NOWHERE);
    let outcome =
        shell(&client, "mkfifo args; echo -c x.c > args & $distcc --why gcc @args; cat args").good();
    let said: Vec<String> = outcome.out().lines().map(str::to_owned).collect();
    assert!(said[0].starts_with("local: response-file: "), "{said:?}");
    assert_eq!(said[1..], ["-c x.c"]);
}

/// A wrapper that takes itself for the compiler would call us for ever.
#[test]
fn a_compiler_that_calls_us_again_is_stopped() {
    let work = Workdir::new();
    work.write("x.c", "int x;\n");
    let daemon = Distccd::start(&Setup::of(DISTCCD));
    let wrappers = work.path().join("wrappers");
    fs::create_dir(&wrappers).unwrap();
    fs::write(wrappers.join("gcc"), format!("#!/bin/sh\nexec {DISTCC} gcc \"$@\"\n")).unwrap();
    make_executable(&wrappers.join("gcc"));
    for hosts in [daemon.host(), "localhost".to_owned(), NOWHERE.to_owned()] {
        for calls in ["gcc -c x.c", "$distcc gcc -c x.c", "gcc -E x.c"] {
            let client = Client::new(DISTCC, &work, &hosts).env("DISTCC_LOG", work.path().join("log"));
            let client = client.env("PATH", format!("{}:/usr/bin:/bin", wrappers.display()));
            let outcome = shell(&client, calls);
            assert_eq!(
                (outcome.code(), outcome.err(), outcome.out()),
                (Some(111), String::new(), String::new())
            );
            assert_eq!(names_in(&work.src()), ["x.c"], "{calls} with {hosts}");
        }
    }
    let log = fs::read_to_string(work.path().join("log")).unwrap();
    assert!(log.contains("CRITICAL! distcc seems to have invoked itself recursively!"), "{log}");
}

#[test]
fn a_parent_that_ignores_its_children_changes_nothing() {
    let work = Workdir::new();
    work.write("x.c", "int x;\n");
    work.write("bad.c", "int x\n");
    let daemon = Distccd::start(&Setup::of(DISTCCD));
    let client = Client::new(DISTCC, &work, &daemon.host());
    let outcome = shell(&client, "env --ignore-signal=CHLD $distcc gcc -c x.c");
    assert_eq!((outcome.code(), outcome.err()), (Some(0), String::new()));
    daemon.assert_served(1);
    assert_eq!(shell(&client, "env --ignore-signal=CHLD $distcc gcc -c bad.c").code(), Some(1));
}

#[test]
fn a_compiler_that_is_missing_is_named() {
    let work = Workdir::new();
    work.write("x.c", "int x;\n");
    let daemon = Distccd::start(&Setup::of(DISTCCD));
    for fallback in ["0", "1"] {
        let client = Client::new(DISTCC, &work, &daemon.host()).env("DISTCC_FALLBACK", fallback);
        let outcome = client.run(&["no-such-cc", "-c", "x.c"]);
        assert_eq!(outcome.code(), Some(110), "{}", outcome.err());
        assert!(outcome.err().contains("failed to exec no-such-cc"), "{}", outcome.err());
        assert_eq!(outcome.err().lines().count(), 1, "{}", outcome.err());
    }
    assert_eq!(names_in(&work.src()), ["x.c"]);
}

#[test]
fn a_program_that_compiles_nothing_leaves_nothing() {
    let work = Workdir::new();
    work.write("x.c", "int x;\n");
    let daemon = Distccd::start(&Setup::of(DISTCCD));
    let outcome = Client::new(DISTCC, &work, &daemon.host()).run(&["true", "-c", "x.c"]);
    assert_eq!(outcome.code(), Some(0), "{}", outcome.err());
    assert_eq!(names_in(&work.src()), ["x.c"]);
}

/// A source that fails only because it was preprocessed here says nothing about the host.
#[test]
fn what_preprocessing_spoils_is_not_held_against_the_host() {
    let work = Workdir::new();
    work.write("data.bin", "x");
    work.write("incbin.c", "__asm__(\".incbin \\\"data.bin\\\"\");\n");
    let through = "int f(int a) { switch (a) { case 1: a++; /* fall through */ default: a--; } return a; }\n";
    work.write("through.c", through);
    let daemon = Distccd::start(&Setup::of(DISTCCD));
    let client = Client::new(DISTCC, &work, &daemon.host());
    for words in [&["gcc", "-c", "incbin.c"][..], &["gcc", "-Wextra", "-Werror", "-c", "through.c"]] {
        let outcome = client.run(words);
        assert_eq!((outcome.code(), outcome.err()), (Some(0), String::new()), "{words:?}");
        assert_eq!(benched(&work), [""; 0], "{words:?}");
    }
}

/// Whoever waits for a slot of a host that fails must not be the next to try it.
#[test]
fn a_silent_host_costs_one_timeout_however_many_wait_for_it() {
    let work = Workdir::new();
    work.write("x.c", "int x;\n");
    let silent = EvilServer::start(Behaviour::NeverAnswers);
    let hosts = format!("{}/2", silent.host());
    let client = Client::new(DISTCC, &work, &hosts).env("DISTCC_IO_TIMEOUT", "1");
    let outputs: Vec<String> = (0..12).map(|job| format!("x{job}.o")).collect();
    let jobs: Vec<Running> =
        outputs.iter().map(|output| client.start(&["gcc", "-c", "x.c", "-o", output])).collect();
    for job in jobs {
        let outcome = job.finish(LIMIT);
        assert_eq!(outcome.code(), Some(0), "{}", outcome.err());
    }
    assert!(silent.connections() <= 2, "{} connections", silent.connections());
}

/// A file system without room for temporary files, for the output, for our own files: the compiler has the say, and
/// nothing of ours is left.
#[test]
fn disks_that_are_full() {
    if !need::network_namespaces() {
        return;
    }
    let work = Workdir::new();
    work.write("x.c", "int x[5000] = { 1 };\n");
    fs::create_dir(work.src().join("small")).unwrap();
    let daemon = Distccd::start(&Setup::of(DISTCCD));
    for (at, compile) in [
        ("small", "TMPDIR=$PWD/small $cc -pipe -c x.c"),
        ("small", "$cc -pipe -c x.c -o small/x.o"),
        ("small", "$cc -pipe -S x.c -o small/x.s"),
        ("$DISTCC_DIR", "$cc -c x.c"),
    ] {
        let mount = format!("mount -t tmpfs -o size=8k none {at} && head -c 9999 /dev/zero 2>&- >{at}/fill");
        let script = format!("unshare --mount sh -c '{mount}; {compile}; echo $? $(ls -A small)'");
        let run = |cc: &str, hosts: &str| {
            let outcome = shell(&Client::new(DISTCC, &work, hosts).env("cc", cc), &script).good();
            (outcome.out(), outcome.err(), names_in(&work.src()))
        };
        let plain = run("gcc", "");
        let _ = fs::remove_file(work.src().join("x.o"));
        assert_eq!(run(&format!("{DISTCC} gcc"), &daemon.host()), plain, "{compile} with {at} full");
        let _ = fs::remove_file(work.src().join("x.o"));
    }
    daemon.assert_served(4);
}

#[test]
fn a_log_that_cannot_be_opened_is_told_of_and_stops_nothing() {
    let work = Workdir::new();
    work.write("x.c", "int x;\n");
    let daemon = Distccd::start(&Setup::of(DISTCCD));
    let client = Client::new(DISTCC, &work, &daemon.host());
    let compile = |log: &str| client.clone().env("DISTCC_LOG", log).run(&["gcc", "-c", "x.c"]).good().err();
    let said = compile("/nowhere/log");
    assert!(said.contains("failed to open logfile /nowhere/log: ") && said.lines().count() == 1, "{said}");
    assert_eq!(compile(""), "", "an empty name means stderr");
    assert_eq!(compile(work.path().join("log").to_str().unwrap()), "");
    let host = daemon.host();
    let log = fs::read_to_string(work.path().join("log")).unwrap();
    assert!(log.ends_with(&format!(" compile x.c on {host} completed ok\n")), "{log}");
    daemon.assert_served(3);
}

/// ccache keeps what the compiler prints; what we say goes where ccache wants it, be it a socket.
#[test]
fn messages_go_to_the_descriptor_that_ccache_names() {
    let work = Workdir::new();
    work.write("x.c", "int x;\n");
    let (ours, theirs) = UnixStream::pair().unwrap();
    let client = Client::new(DISTCC, &work, NOWHERE);
    let mut shell = client.command("sh");
    shell
        .args(["-c", "exec 9>&0 </dev/null; UNCACHED_ERR_FD=9 exec $distcc gcc -c x.c"])
        .env("distcc", DISTCC)
        .stdin(OwnedFd::from(theirs));
    let outcome = Running::start(shell).finish(LIMIT);
    assert_eq!((outcome.code(), outcome.err()), (Some(0), String::new()));
    let mut said = String::new();
    ours.set_read_timeout(Some(LIMIT)).unwrap();
    (&ours).read_to_string(&mut said).unwrap();
    assert!(said.contains("failed to distribute"), "{said}");
}

/// A close that fails as on a file server without room.
const FULL: &str = r#"
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
int close(int fd) {
    char link[32], name[512] = "";
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    if (readlink(link, name, sizeof name - 1) < 0) name[0] = 0;
    int closed = syscall(SYS_close, fd);
    if (!strstr(name, "/.distcc-")) return closed;
    errno = ENOSPC;
    return -1;
}
"#;

#[test]
fn an_object_that_is_lost_when_it_is_closed_is_made_again_here() {
    let work = Workdir::new();
    work.write("x.c", "int x;\n");
    work.write("full.c", FULL);
    let daemon = Distccd::start(&Setup::of(DISTCCD));
    let client = Client::new(DISTCC, &work, &daemon.host()).env("DISTCC_VERBOSE", "1");
    client.run_plain(&["gcc", "-shared", "-fPIC", "full.c", "-o", "full.so"]).good();
    let client = client.env("LD_PRELOAD", work.src().join("full.so"));
    let said = client.run(&["gcc", "-c", "x.c"]).good().err();
    assert!(said.contains("local: not-written: cannot write x.o: No space left"), "{said}");
    assert_eq!(names_in(&work.src()), ["full.c", "full.so", "x.c", "x.o"]);
}

#[test]
fn an_object_that_is_larger_than_files_may_be_fails_as_without_us() {
    let work = Workdir::new();
    work.write("big.c", "char big[100000] = { 1 };\n");
    let daemon = Distccd::start(&Setup::of(DISTCCD));
    let client = Client::new(DISTCC, &work, &daemon.host());
    let compile = |words: &str| {
        let outcome = shell(&client, &format!("ulimit -f 40; exec {words} -c big.c"));
        let left = names_in(&work.src());
        let _ = fs::remove_file(work.src().join("big.o"));
        (outcome.code(), outcome.signal(), outcome.err(), left)
    };
    let plain = compile("gcc");
    assert_eq!(compile("\"$distcc\" gcc"), plain);
    assert_ne!(plain.0, Some(0));
    daemon.assert_served(1);
}

/// What runs here after a rejection is in the background as the terminal sees it.
#[test]
fn a_terminal_that_stops_the_background_holds_nobody_up() {
    let Some(script) = need::program("script", "install util-linux") else { return };
    let (work, daemon) = (Workdir::new(), Distccd::start(&Setup::of(DISTCCD)));
    work.write("bad.c", "int x = y;\n");
    let client = Client::new(DISTCC, &work, &daemon.host()).env("DISTCC", DISTCC);
    let mut terminal = client.command(script.to_str().unwrap());
    terminal.args(["-qec", "stty tostop; \"$DISTCC\" gcc -c bad.c", "/dev/null"]);
    let outcome = Running::start(terminal).finish(LIMIT);
    assert_eq!((outcome.code(), outcome.out().contains("int x = y;")), (Some(1), true), "{}", outcome.out());
    assert_eq!(daemon.count("COMPILE_ERROR"), 1, "{}", daemon.log());
}
