//! Ten thousand jobs in a row leak nothing, neither on the server nor, a few hundred of them, where the client runs.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use test_hosts::client::Client;
use test_hosts::wait::wait_until;
use test_hosts::workdir::{Workdir, names_in, records_in};

use crate::daemon::{Daemon, Holdings, quick_compiler};
use crate::wire::{connect, read_all, request, send, take_object};

const JOBS: usize = 10_000;
const AT_ONCE: usize = 4;
const THROUGH_THE_CLIENT: usize = 300;
const SOON: Duration = Duration::from_secs(30);
/// What allocators keep for next time, in KiB: far less than one byte in a hundred of what came through.
const GROWTH: usize = 4096;

#[test]
fn on_the_server() {
    let work = Workdir::new();
    let compiler = quick_compiler(&work);
    let daemon = Daemon::start(&["--jobs", "4"], &[]);
    serve(&daemon, &compiler, 500);
    let before = settled(&daemon);
    let [memory, _] = daemon.memory();
    serve(&daemon, &compiler, JOBS);
    let at_last = settled(&daemon);
    // What a thread for whatever blocks is kept for may come again within some seconds.
    assert!(at_last.threads <= before.threads, "{at_last:?}, and before {before:?}");
    assert_eq!(Holdings { threads: before.threads, ..at_last }, before);
    let [after, _] = daemon.memory();
    assert!(after < memory + GROWTH, "{after} KiB, and {memory} KiB before");
    assert!(before.children.is_empty() && before.spool.is_empty(), "{before:?}");
}

/// So many jobs, some of them odd: refused, broken off, failing, of a compiler that is not there.
fn serve(daemon: &Daemon, compiler: &str, jobs: usize) {
    let next = AtomicUsize::new(0);
    let source = vec![b' '; 20_000];
    let serve_one = |number: usize| {
        let mut stream = connect(daemon.address());
        match number % 50 {
            1 => send(&mut stream, b"GET / HTTP/1.1\r\n\r\n"),
            2 => send(&mut stream, &request(compiler, "t", &source)[..10_000]),
            3 => send(&mut stream, &request("/bin/false", "t", &source)),
            4 => send(&mut stream, &request("/no/such/compiler", "t", &source)),
            _ => {
                send(&mut stream, &request(compiler, "t", &source));
                return take_object(&mut stream);
            }
        }
        if number % 50 != 2 {
            read_all(&mut stream);
        }
    };
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let number @ 0.. = next.fetch_add(1, Ordering::Relaxed)
                    && number < jobs
                {
                    serve_one(number);
                }
            });
        }
    });
}

/// What it holds when it has forgotten its clients.
fn settled(daemon: &Daemon) -> Holdings {
    wait_until(SOON, "a daemon without clients", || {
        let Holdings { files, children, spool, .. } = daemon.holdings();
        files.iter().filter(|file| *file == "socket").count() <= IDLE_SOCKETS
            && children.is_empty()
            && spool.is_empty()
    });
    // Tidying up comes a moment later.
    thread::sleep(Duration::from_millis(1500));
    daemon.holdings()
}

/// The port, and the pair by which signals are told, of which one end is open twice.
const IDLE_SOCKETS: usize = 4;

#[test]
fn where_the_client_runs() {
    let (compilers, work) = (Workdir::new(), Workdir::new());
    let compiler = quick_compiler(&compilers);
    let preprocessing = compilers.path().join("cc");
    let script =
        format!("#!/bin/sh\ncase \" $* \" in *' -E '*) echo 'int x;' ;; *) exec {compiler} \"$@\" ;; esac\n");
    fs::write(&preprocessing, script).unwrap();
    test_hosts::distccd::make_executable(&preprocessing);
    let daemon = Daemon::start(&["--jobs", "4"], &[]);
    work.write("x.c", "int x;\n");
    let host = format!("{}/4", daemon.address());
    let client = Client::new(env!("CARGO_BIN_EXE_distcc"), &work, &host).env("DISTCC_FALLBACK", "0");
    let words = [preprocessing.to_str().unwrap(), "-c", "x.c", "-o", "x.o"];
    client.run(&words).good();
    let before = everything(&work);
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for number in 0..AT_ONCE {
            let (client, next) = (&client, &next);
            let object = format!("{number}.o");
            scope.spawn(move || {
                while next.fetch_add(1, Ordering::Relaxed) < THROUGH_THE_CLIENT {
                    client.run(&[words[0], "-c", "x.c", "-o", &object]).good();
                }
            });
        }
    });
    assert_eq!(everything(&work), [before[0].clone(), Vec::new(), Vec::new()]);
    let locks = names_in(&work.distcc_dir().join("lock"));
    assert!(locks.len() < 4 * AT_ONCE, "{locks:?}");
    daemon.wait_for_lines(" COMPILE_OK ", THROUGH_THE_CLIENT + 1);
}

/// What is kept from job to job, but for the files in the directory of locks: one for each slot, made at its first use.
fn everything(work: &Workdir) -> [Vec<String>; 3] {
    let mut kept = names_in(&work.distcc_dir());
    kept.sort();
    [kept, records_in(work), names_in(&work.tmp())]
}
