//! A host that breaks off at one step or another: what follows for the job, for the host, and for the next job. Knows nothing
//! of why.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use test_hosts::distccd::Distccd;
use test_hosts::workdir::names_in;

use crate::toolbox::Toolbox;
use crate::{DISTCCD, STRANGER, Site, daemon};

/// What the host does at one step.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Does {
    /// As a daemon does that compiles.
    Serve,
    /// It says that it has no such compiler.
    Refuse,
    Close,
    /// Nothing is heard of it any more, as of one that is busy.
    Hang,
    Garbage,
    /// As a daemon whose compiler runs with another libc.
    TellOfAnotherLibc,
    /// As one that compiles, but for a byte of the object.
    Spoil,
    /// As one whose compiler finds fault with the source.
    Reject,
}
use Does::{Close, Garbage, Hang, Refuse, Reject, Serve, Spoil, TellOfAnotherLibc};

/// What is held against the host.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Becomes {
    Trusted,
    /// For this compiler only.
    Stranger,
    /// For all compilers.
    Benched,
}
use Becomes::{Benched, Stranger, Trusted};

/// At an inquiry, a sample and a job; then how often it was asked, given a sample and given the job.
#[test]
fn whatever_a_host_does() {
    let daemon = experienced_daemon();
    for (does, becomes, times) in [
        ([Serve, Serve, Refuse], Stranger, [2, 0, 2]),
        ([Serve, Serve, Close], Benched, [2, 0, 1]),
        ([Serve, Serve, Garbage], Benched, [1, 0, 1]),
        ([Close, Serve, Close], Benched, [1, 2, 1]),
        ([Close, Close, Serve], Benched, [1, 1, 0]),
        ([Close, Hang, Serve], Benched, [1, 1, 0]),
        ([Garbage, Serve, Serve], Benched, [1, 0, 0]),
    ] {
        check(&daemon, false, does, becomes, times);
    }
    // A script here: a sample tells, which a fingerprint there makes sure of.
    for (does, becomes, times) in [
        ([Serve, Serve, Serve], Trusted, [1, 2, 1]),
        ([Serve, Refuse, Serve], Stranger, [1, 1, 0]),
        ([Serve, Close, Serve], Benched, [1, 1, 0]),
        ([Serve, Serve, Close], Benched, [2, 4, 1]),
    ] {
        check(&daemon, true, does, becomes, times);
    }
}

/// Where only a library of the system differs, a sample tells, and if that differs, it is not the compiler that is blamed.
#[test]
fn another_libc() {
    let daemon = experienced_daemon();
    check(&daemon, false, [TellOfAnotherLibc, Serve, Serve], Trusted, [1, 2, 1]);
    let said = check(&daemon, false, [TellOfAnotherLibc, Spoil, Serve], Stranger, [1, 1, 0]);
    assert!(said.contains(" runs with other libraries of the system"), "{said}");
    let said = check(&daemon, false, [TellOfAnotherLibc, Reject, Serve], Stranger, [1, 1, 0]);
    assert!(said.contains(": its compiler does not take a sample: bad (what it has"), "{said}");
}

/// All of a compiler is looked at first, which takes longer than these clients wait where others need the processors.
fn experienced_daemon() -> Distccd {
    let (site, daemon) = (Site::new(), daemon(DISTCCD, &Toolbox::empty()));
    site.compile(&site.client(&daemon.host()));
    daemon
}

/// Returns what the first client said.
#[track_caller]
fn check(daemon: &Distccd, by_script: bool, does: [Does; 3], becomes: Becomes, times: [usize; 3]) -> String {
    let (site, here) = (Site::new(), Toolbox::empty());
    if by_script {
        here.put_script("#!/bin/sh\nexec /usr/bin/gcc \"$@\"\n");
    }
    let fake = Fake::start(daemon.host(), does);
    // Who reads a compiler for the first time takes longer than that where others need the processors.
    let silence = if does.contains(&Hang) { "1" } else { "60" };
    let client = site.client(&fake.host).env("PATH", here.path()).env("DISTCC_IO_TIMEOUT", silence);
    let said = site.compile(&client).err();
    let told = if said.contains(STRANGER) { Stranger } else { Benched };
    let benched =
        names_in(&site.work.distcc_dir().join("lock")).iter().any(|name| name.starts_with("backoff"));
    let found = match (said.is_empty(), benched) {
        (true, false) => Trusted,
        (_, benched) => {
            assert_eq!(benched, told == Benched, "{does:?}: {said}");
            told
        }
    };
    assert_eq!((found, fake.times()), (becomes, times), "{does:?}: {said}");
    assert!(said.lines().filter(|line| line.contains(&fake.host)).count() <= 2, "{does:?}: {said}");
    // The next job knows.
    if becomes != Trusted {
        assert_eq!(site.compile(&client).err(), "", "{does:?}");
        assert_eq!(fake.times(), times, "{does:?}: asked again");
    }
    said
}

/// What a client wants, and what it is told.
struct Fake {
    host: String,
    times: Arc<Mutex<[usize; 3]>>,
}

impl Fake {
    /// Stands before a daemon; at an inquiry, a sample and a job it does so.
    fn start(daemon: String, does: [Does; 3]) -> Fake {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free loopback port");
        let host = listener.local_addr().expect("a bound socket").to_string();
        let times = Arc::new(Mutex::new([0; 3]));
        let counted = Arc::clone(&times);
        thread::spawn(move || {
            let mut hanging = Vec::new();
            for mut client in listener.incoming().flatten() {
                let mut request = all_of(&mut client);
                if does[0] == TellOfAnotherLibc {
                    request = turned(request, b"fingerprint ");
                }
                let step = step(&request);
                counted.lock().expect("no thread panics with it")[step] += 1;
                let answer = match does[step] {
                    Serve => served(&daemon, &request),
                    TellOfAnotherLibc => turned(served(&daemon, &request), b" language=c:"),
                    Spoil => {
                        let mut answer = served(&daemon, &request);
                        *answer.last_mut().expect("an object") ^= 1;
                        answer
                    }
                    Refuse => b"DONE0000da01TELL0000001drefused compiler no such gcc\n".to_vec(),
                    Reject => b"DONE00000001STAT00000100SERR00000004bad\nSOUT00000000DOTO00000000".to_vec(),
                    Close => Vec::new(),
                    Garbage => b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(),
                    Hang => {
                        hanging.push(client);
                        continue;
                    }
                };
                let _ = client.write_all(&answer);
            }
        });
        Fake { host, times }
    }

    fn times(&self) -> [usize; 3] {
        *self.times.lock().expect("no thread panics with it")
    }
}

/// An inquiry, or all that belongs to a job.
fn all_of(client: &mut TcpStream) -> Vec<u8> {
    client.set_read_timeout(Some(Duration::from_secs(10))).expect("a socket");
    let mut request = Vec::new();
    while !matches!(field(client, &mut request).as_deref(), None | Some(b"ASKT" | b"DOTI")) {}
    request
}

/// Adds a field to what has come, and gives its name; none where no more comes.
fn field(client: &mut TcpStream, request: &mut Vec<u8>) -> Option<Vec<u8>> {
    let mut token = [0; 12];
    client.read_exact(&mut token).ok()?;
    let (name, digits) = token.split_at(4);
    let length = usize::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()?;
    let mut body = vec![0; if matches!(name, b"DIST" | b"ARGC") { 0 } else { length }];
    client.read_exact(&mut body).ok()?;
    request.extend([&token[..], &body].concat());
    Some(name.to_vec())
}

/// The fingerprint behind these words is another, and if it is turned once more, that which it was.
fn turned(mut bytes: Vec<u8>, words: &[u8]) -> Vec<u8> {
    if let Some(at) = bytes.windows(words.len()).position(|part| part == words) {
        bytes[at + words.len()..][..64].reverse();
    }
    bytes
}

fn step(request: &[u8]) -> usize {
    let says = |word: &[u8]| request.windows(word.len()).any(|part| part == word);
    if says(b"0000da01ASKT") {
        0
    } else if says(b"canary.c") {
        1
    } else {
        2
    }
}

fn served(daemon: &str, request: &[u8]) -> Vec<u8> {
    let mut daemon = TcpStream::connect(daemon).expect("a daemon");
    let mut answer = Vec::new();
    daemon.write_all(request).and_then(|()| daemon.read_to_end(&mut answer)).expect("a daemon that answers");
    answer
}
