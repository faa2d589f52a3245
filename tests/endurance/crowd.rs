//! Five hundred connections at once: all are served, in the order in which they came.

use std::collections::HashSet;
use std::fs;
use std::thread;

use test_hosts::distccd::make_executable;
use test_hosts::stub::{OBJECT, Stub};
use test_hosts::workdir::Workdir;

use crate::daemon::{Daemon, quick_compiler};
use crate::wire::{connect, head, request, send, take_object};

const CROWD: usize = 500;
/// In KiB: what a waiting connection may cost besides its source.
const EACH: usize = 128;

#[test]
fn none_is_lost() {
    let work = Workdir::new();
    let compiler = quick_compiler(&work);
    let daemon = Daemon::start(&["--jobs", "4"], &[]);
    let [before, _] = daemon.memory();
    let source = vec![b' '; 100_000];
    let request = request(&compiler, "t", &source);
    // All are connected and have said half before anyone says the rest.
    let crowd: Vec<_> = (0..CROWD)
        .map(|_| {
            let mut stream = connect(daemon.address());
            send(&mut stream, &request[..request.len() / 2]);
            stream
        })
        .collect();
    thread::scope(|scope| {
        for mut stream in crowd {
            let rest = &request[request.len() / 2..];
            scope.spawn(move || {
                send(&mut stream, rest);
                take_object(&mut stream);
            });
        }
    });
    daemon.wait_for_lines(" COMPILE_OK ", CROWD);
    let [_, most] = daemon.memory();
    assert!(most < before + CROWD * (EACH + source.len() / 1024), "{most} KiB, and {before} KiB before");
}

#[test]
fn who_came_first_is_served_first() {
    let work = Workdir::new();
    let order = work.open_dir("order").join("order");
    let compiler = work.path().join("cc");
    fs::write(&compiler, format!("#!/bin/sh\necho $2 >>{}\nprintf 'object\\n' >$4\n", order.display()))
        .unwrap();
    make_executable(&compiler);
    let stub = Stub::new(&work, "60");
    let daemon = Daemon::start(&["--jobs", "1"], &[]);
    let mut first = connect(daemon.address());
    send(&mut first, &request(stub.word(), "first", b"int x;\n"));
    daemon.wait_for_lines("] compile from first.c to first.o\n", 1);
    let mut crowd: Vec<_> = (0..CROWD)
        .map(|number| {
            let mut stream = connect(daemon.address());
            send(&mut stream, &request(compiler.to_str().unwrap(), &format!("n{number}"), b"int x;\n"));
            daemon.wait_for_lines("] compile from n", number + 1);
            stream
        })
        .collect();
    // Who leaves while he waits loses nobody's place.
    let left: HashSet<usize> = [0, 7, CROWD - 1].into();
    let mut number = 0;
    crowd.retain(|_| {
        number += 1;
        !left.contains(&(number - 1))
    });
    daemon.wait_for_lines(" CLI_DISCONN ", left.len());
    drop(first);
    crowd.iter_mut().for_each(take_object);
    let served = fs::read_to_string(order).unwrap();
    let expected: String =
        (0..CROWD).filter(|number| !left.contains(number)).map(|number| format!("n{number}.i\n")).collect();
    assert_eq!(served, expected);
}

/// Places are for those who have something to compile, and those who say nothing lose theirs.
#[test]
fn more_than_there_are_places_for() {
    let work = Workdir::new();
    let compiler = quick_compiler(&work);
    let daemon = Daemon::start(&["--jobs", "1"], &[("DISTCC_IO_TIMEOUT", "3")]);
    let silent: Vec<_> = (0..600)
        .map(|_| {
            let mut stream = connect(daemon.address());
            send(&mut stream, &head(&compiler, "t", OBJECT.len()));
            stream
        })
        .collect();
    let mut last = connect(daemon.address());
    send(&mut last, &request(&compiler, "t", b"int x;\n"));
    take_object(&mut last);
    drop(silent);
}
