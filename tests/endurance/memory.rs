//! Clients that announce more than they send, or send more than there is room for: memory is bounded for all of them
//! together, and whoever means it is served.

use std::fs;
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use test_hosts::distccd::make_executable;
use test_hosts::workdir::Workdir;

use crate::daemon::{Daemon, quick_compiler};
use crate::wire::{connect, head, is_object, read_all, request, send, take_object};

const MIB: usize = 1 << 20;
/// `DISTCC_MAX_BODIES`.
const BUDGET: usize = 16;
/// The longest source that anyone here has.
const LONGEST: usize = 8;
/// `DISTCC_IO_TIMEOUT` for clients that mean no good, in seconds.
const SILENCE: u64 = 3;
/// The same for those whose turn comes late on a busy machine.
const PATIENCE: u64 = 60;
/// In KiB: the daemon itself, compiled for tests and with an arena for each thread, and what a connection may cost. A
/// bound that is not heeded costs a hundred MiB or more.
const BASE: usize = 32 * 1024;
const EACH: usize = 128;

struct Scene {
    daemon: Daemon,
    compiler: String,
    work: Workdir,
}

fn scene(silence: u64) -> Scene {
    scene_with(&["--jobs", "2"], silence)
}

fn scene_with(options: &[&str], silence: u64) -> Scene {
    let work = Workdir::new();
    let compiler = quick_compiler(&work);
    let (budget, silence) = (BUDGET.to_string(), silence.to_string());
    let variables = [("DISTCC_MAX_BODIES", budget.as_str()), ("DISTCC_IO_TIMEOUT", &silence)];
    Scene { daemon: Daemon::start(options, &variables), compiler, work }
}

impl Scene {
    /// A client that announces a source of so many bytes and sends so many of them, for as long as the daemon lets it.
    fn half_sent(&self, announced: usize, sent: usize) -> TcpStream {
        let mut stream = connect(self.daemon.address());
        stream.set_write_timeout(Some(Duration::from_millis(200))).unwrap();
        send(&mut stream, &head(&self.compiler, "half", announced));
        send(&mut stream, &vec![b' '; sent]);
        stream
    }

    /// So many clients whose compiler is this script, and who do not read its answer.
    fn ask_and_take_nothing(&self, clients: usize, script: &str) -> Vec<TcpStream> {
        let compiler = self.work.path().join("cc");
        fs::write(&compiler, format!("#!/bin/sh\n{script}\n")).unwrap();
        make_executable(&compiler);
        let request = request(compiler.to_str().unwrap(), "large", b"int x;\n");
        let ask = |_| {
            let mut stream = connect(self.daemon.address());
            send(&mut stream, &request);
            stream
        };
        (0..clients).map(ask).collect()
    }

    /// Panics unless a source of so many bytes is compiled in time.
    #[track_caller]
    fn check_served(&self, length: usize, limit: Duration) {
        let started = Instant::now();
        let mut stream = connect(self.daemon.address());
        send(&mut stream, &request(&self.compiler, "honest", &vec![b' '; length]));
        take_object(&mut stream);
        assert!(started.elapsed() < limit, "{:?} for {length} bytes", started.elapsed());
    }

    /// The same, though who waits for memory longer than a silence may last is sent away, and asks again.
    #[track_caller]
    fn check_served_at_last(&self, length: usize, limit: Duration) {
        let started = Instant::now();
        let request = request(&self.compiler, "honest", &vec![b' '; length]);
        let is_served = || {
            let mut stream = connect(self.daemon.address());
            send(&mut stream, &request);
            is_object(&read_all(&mut stream))
        };
        while !is_served() {
            assert!(started.elapsed() < limit, "{:?} for {length} bytes", started.elapsed());
        }
    }

    /// Panics unless all requests together held no more than they may, and so many connections their buffers.
    #[track_caller]
    fn check_memory(&self, connections: usize) {
        let [_, most] = self.daemon.memory();
        let bound = (BUDGET + 2 * LONGEST) * 1024 + BASE + connections * EACH;
        assert!(most < bound, "{most} KiB, and {bound} KiB are the most");
    }
}

/// Longer than the silence that is borne, with time to compile on a busy machine.
const AFTER_SILENCE: Duration = Duration::from_secs(SILENCE + 20);

#[test]
fn what_is_announced_and_not_sent_costs_nothing() {
    let scene = scene(2 * PATIENCE);
    let half: Vec<_> = (0..200).map(|_| scene.half_sent(1000 * MIB, 100)).collect();
    scene.check_served(LONGEST * MIB, Duration::from_secs(PATIENCE));
    scene.check_memory(half.len());
}

#[test]
fn what_is_sent_and_not_ended_is_bounded() {
    let scene = scene(SILENCE);
    let half: Vec<_> = (0..40).map(|_| scene.half_sent(LONGEST * MIB, LONGEST * MIB - 1)).collect();
    // What is short needs none of what they hold.
    scene.check_served(50_000, AFTER_SILENCE);
    scene.check_served_at_last(LONGEST * MIB, AFTER_SILENCE);
    scene.check_memory(half.len());
    for mut stream in half {
        assert_eq!(read_all(&mut stream), b"");
    }
}

/// None of them could be served if all had to have their shares at once.
#[test]
fn honest_clients_beyond_the_budget_take_turns() {
    let scene = scene(PATIENCE);
    thread::scope(|scope| {
        for _ in 0..30 {
            scope.spawn(|| scene.check_served(LONGEST * MIB, Duration::from_secs(PATIENCE)));
        }
    });
    // Two compilers' sources besides: they are written while they are held.
    scene.check_memory(30);
}

#[test]
fn one_that_is_larger_than_the_budget_is_served() {
    let scene = scene(PATIENCE);
    scene.check_served(3 * BUDGET * MIB, Duration::from_secs(PATIENCE));
}

#[test]
fn answers_that_nobody_takes_are_bounded() {
    let scene = scene(SILENCE);
    let takers = scene.ask_and_take_nothing(40, &format!("head -c {} /dev/zero >$4", LONGEST * MIB / 2));
    scene.check_served_at_last(LONGEST * MIB, AFTER_SILENCE);
    scene.check_memory(takers.len());
    scene.daemon.wait_for_lines("the answer was not taken", 1);
}

#[test]
fn so_is_what_compilers_print_that_take_too_long() {
    let scene = scene_with(&["--jobs=12", "--job-lifetime=4"], SILENCE);
    let takers =
        scene.ask_and_take_nothing(12, &format!("head -c {} /dev/zero >&2; exec sleep 60", LONGEST * MIB));
    scene.daemon.wait_for_lines("(dcc_job_summary)", takers.len());
    scene.check_memory(takers.len());
    scene.daemon.wait_for_lines("the answer was not taken", 1);
}

/// A short text that unpacks to a long one.
#[test]
fn bombs_take_turns() {
    let scene = scene(PATIENCE);
    // One literal byte, then a match of it that grows by 255 bytes with every zero.
    let zeros = LONGEST * MIB / 255;
    let packed = [&b"\x12a\x20"[..], &vec![0; zeros], b"\x01\0\0\x11\0\0"].concat();
    let mut bomb = head(&scene.compiler, "bomb", packed.len());
    bomb[11] = b'2';
    bomb.extend(&packed);
    thread::scope(|scope| {
        for _ in 0..60 {
            scope.spawn(|| {
                let mut stream = connect(scene.daemon.address());
                send(&mut stream, &bomb);
                assert!(read_all(&mut stream).starts_with(b"DONE00000002STAT00000000"));
            });
        }
    });
    scene.check_memory(60);
}
