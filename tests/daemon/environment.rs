//! What each variable of the daemon changes for its clients. Knows nothing of how they are read.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use test_hosts::distccd::make_executable;
use test_hosts::workdir::{Workdir, names_in};

use crate::daemon::Daemon;
use crate::wire::{Answer, ask, connect, read_all, request};

const WORDS: [&str; 4] = ["-c", "x.c", "-o", "x.o"];

/// A program in a directory of its own that says so.
fn compiler(work: &Workdir, name: &str) -> PathBuf {
    let path = work.path().join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, format!("#!/bin/sh\necho {name} in $PWD >&2\nexit 3\n")).unwrap();
    make_executable(&path);
    path
}

fn said(daemon: &Daemon, compiler: &str) -> String {
    let Answer { status, stderr, .. } =
        ask(daemon.address(), &[&[compiler], &WORDS[..]].concat(), "int x;\n");
    assert_eq!(status, 0x300, "{stderr}");
    stderr
}

#[test]
fn distcc_cmdlist_numwords_tells_namesakes_apart() {
    let work = Workdir::new();
    let lines = ["a/gcc", "b/gcc"].map(|name| format!("{}\n", compiler(&work, name).display()));
    let list = work.path().join("list");
    fs::write(&list, lines.concat()).unwrap();
    let daemon =
        Daemon::start(&[], &[("DISTCC_CMDLIST", list.to_str().unwrap()), ("DISTCC_CMDLIST_NUMWORDS", "2")]);
    for name in ["a/gcc", "b/gcc"] {
        assert!(said(&daemon, &format!("/their/{name}")).starts_with(name), "{name}");
    }
    let mut client = connect(daemon.address());
    client.write_all(&request(&["/their/c/gcc", "-c", "x.c", "-o", "x.o"], b"int x;\n")).unwrap();
    assert_eq!(read_all(&mut client), b"");
    daemon.wait_for_log("compiler \"/their/c/gcc\" refused: ");
}

#[test]
fn distccd_path_and_tmpdir_say_where() {
    let work = Workdir::new();
    let directory = compiler(&work, "bin/gcc").parent().unwrap().to_owned();
    let daemon = Daemon::start(&["--enable-tcp-insecure"], &[("DISTCCD_PATH", directory.to_str().unwrap())]);
    let spool = daemon.work.path().join("spool");
    let expected = format!("bin/gcc in {}/distccd-", spool.display());
    let said = said(&daemon, "gcc");
    assert!(said.starts_with(&expected), "{said}");
    daemon.wait_for_empty_spool();
}

#[test]
fn distcc_save_temps_keeps_the_directories_of_jobs() {
    let work = Workdir::new();
    let script = compiler(&work, "gcc");
    let daemon = Daemon::start(&["--enable-tcp-insecure"], &[("DISTCC_SAVE_TEMPS", "1")]);
    said(&daemon, script.to_str().unwrap());
    let kept = daemon.spool();
    assert_eq!(kept.len(), 1, "{kept:?}");
    let path = daemon.work.path().join("spool").join(&kept[0]);
    assert_eq!(
        (names_in(&path), fs::read(path.join("x.i")).unwrap()),
        (vec!["x.i".to_owned()], b"int x;\n".to_vec())
    );
    daemon.wait_for_log(&format!("] kept {}: {} -c x.i -o x.o", path.display(), script.display()));
}

/// A connection of somebody who never speaks is seen only with 0.
#[test]
fn distcc_tcp_defer_accept_keeps_back_who_says_nothing() {
    for (value, seen) in [("0", true), ("1", false)] {
        let daemon = Daemon::start(&["--enable-tcp-insecure"], &[("DISTCC_TCP_DEFER_ACCEPT", value)]);
        let silent = connect(daemon.address());
        let line = format!("connection from {}\n", silent.local_addr().unwrap());
        if seen {
            daemon.wait_for_log(&line);
        }
        assert_eq!(ask(daemon.address(), &[&["gcc"], &WORDS[..]].concat(), "int x;\n").status, 0);
        assert_eq!(daemon.log().contains(&line), seen, "{value}");
    }
}

#[test]
fn what_has_no_effect_is_told_only_where_it_is_missed() {
    let check = |name, told: bool| {
        let daemon = Daemon::start(&["--enable-tcp-insecure"], &[(name, "1")]);
        assert_eq!(ask(daemon.address(), &[&["gcc"], &WORDS[..]].concat(), "int x;\n").status, 0);
        assert_eq!(
            daemon.log().contains(&format!("Warning: {name} has no effect: ")),
            told,
            "{}",
            daemon.log()
        );
    };
    check("DISTCCD_PRINCIPAL", true);
    check("DISTCC_TCP_CORK", false);
}
