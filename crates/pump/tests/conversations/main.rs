//! Conversations with an include server, in the bytes of the wire.

mod server;

use protocol::include_server::{LEND, LendReply, ScanReply, ScanRequest};
use protocol::pack_file;
use server::{Server, lend, request};
use std::fs;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

/// No test waits for longer.
const BOUND: Duration = Duration::from_secs(20);

#[test]
fn files_are_written_into_each_socket_that_is_lent() {
    let server = Server::start(None);
    server.write("h.h", "#define H 1\n");
    server.write("a.c", "#include \"h.h\"\nint x = H;\n");
    let request = request(&server, "a.c");
    let mut client = server.connect();
    client.say(&request.encode());
    let ScanReply::Fits { entries, .. } = client.scan_reply(&request) else { panic!("it does not fit") };
    for _ in 0..2 {
        let (lent, mut peer) = UnixStream::pair().unwrap();
        lend(&client.0, &[lent.as_fd()]);
        assert!(matches!(client.lend_reply(), LendReply::Sent(1..)));
        drop(lent);
        let mut bytes = Vec::new();
        peer.read_to_end(&mut bytes).unwrap();
        assert!(bytes.starts_with(format!("NFIL{entries:08x}").as_bytes()));
        for name in ["a.c", "h.h"] {
            let name = fs::canonicalize(server.work().join(name)).unwrap();
            let body = pack_file(&fs::read(&name).unwrap());
            let file = protocol::file_head(&name, body.len() as u32);
            let sent = [&file[..], &body].concat();
            assert!(bytes.windows(sent.len()).any(|part| part == sent), "{}", name.display());
        }
    }
}

#[test]
fn what_is_lent_is_one_socket() {
    let server = Server::start(None);
    server.write("a.c", "int x;\n");
    let (file, (one, _other)) = (tempfile::tempfile().unwrap(), UnixStream::pair().unwrap());
    let check = |descriptors: &[std::os::fd::BorrowedFd], good: bool| {
        let mut client = server.fitting("a.c");
        lend(&client.0, descriptors);
        assert_eq!(matches!(client.lend_reply(), LendReply::Sent(_)), good, "{}", descriptors.len());
        // The conversation goes on all the same.
        lend(&client.0, &[one.as_fd()]);
        assert!(matches!(client.lend_reply(), LendReply::Sent(_)));
    };
    check(&[one.as_fd()], true);
    check(&[], false);
    check(&[one.as_fd(), one.as_fd()], false);
    check(&[file.as_fd()], false);
}

#[test]
fn a_broken_peer_is_told_from_a_stuck_one() {
    let server = Server::start(None);
    server.write("a.c", &"int many_letters;\n".repeat(100_000));
    server.write("b.c", &(0..200_000).map(|line| format!("int x{line};\n")).collect::<String>());
    let mut client = server.fitting("b.c");
    let (broken, peer) = UnixStream::pair().unwrap();
    drop(peer);
    lend(&client.0, &[broken.as_fd()]);
    assert!(matches!(client.lend_reply(), LendReply::PeerBroke(_)));
    let (stuck, mut peer) = UnixStream::pair().unwrap();
    lend(&client.0, &[stuck.as_fd()]);
    assert!(matches!(client.lend_reply(), LendReply::Busy(1..)));
    // Who vanishes in the midst of it ends the writing.
    drop((client, stuck));
    let mut bytes = Vec::new();
    peer.set_read_timeout(Some(BOUND)).unwrap();
    peer.read_to_end(&mut bytes).unwrap();
    assert!(bytes.len() > 1000);
}

#[test]
fn what_is_not_covered_is_told_why() {
    let server = Server::start(None);
    let request = request(&server, "none.c");
    let mut client = server.connect();
    client.say(&request.encode());
    assert!(matches!(client.scan_reply(&request), ScanReply::Cannot { .. }));
    assert!(client.hears_nothing_more());
}

#[test]
fn names_are_listed_if_asked_for() {
    let server = Server::start(None);
    server.write("a.c", "int x;\n");
    let request = ScanRequest { list: true, compare: true, ..request(&server, "a.c") };
    let mut client = server.connect();
    client.say(&request.encode());
    let ScanReply::Fits { entries, listed, missing } = client.scan_reply(&request) else { panic!() };
    assert_eq!(entries as usize, listed.len());
    let source = fs::canonicalize(server.work().join("a.c")).unwrap();
    assert!(listed.iter().any(|listed| listed.name == source));
    assert!(missing.is_empty());
}

#[test]
fn a_client_of_distcc_3_4_is_told_that_this_cannot_be_analysed() {
    let server = Server::start(None);
    let mut client = server.connect();
    client.say(b"CDIR00000004/tmpARGC00000002ARGV00000002ccARGV00000003a.c");
    let mut answer = [0; 12];
    client.0.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"ARGC00000000");
}

#[test]
fn nonsense_and_vanishing_clients_harm_nobody_else() {
    let server = Server::start(None);
    server.write("a.c", "int x;\n");
    let good = request(&server, "a.c").encode();
    for words in [
        &b"GARBAGE and more of it"[..],
        b"SCAN00000002",
        b"SCAN00000001CDIRffffffff",
        b"SCAN00000001CDIR00000004/tmpENVC00000000ARGC00000000OPTN00000000",
        b"LEND00000000",
    ] {
        let mut client = server.connect();
        client.say(words);
        assert!(client.hears_nothing_more(), "{}", String::from_utf8_lossy(words));
    }
    for length in 0..good.len() {
        server.connect().say(&good[..length]);
    }
    server.connect().say(&good);
    let mut client = server.fitting("a.c");
    client.say(b"LENT00000000");
    assert!(client.hears_nothing_more());
    server.fitting("a.c");
}

#[test]
fn many_clients_at_once() {
    let server = Server::start(None);
    for name in 0..50 {
        server.write(&format!("{name}.c"), "#include <stdio.h>\nint x;\n");
    }
    let with_request = |name| (server.connect(), request(&server, &format!("{name}.c")));
    let clients: Vec<_> = (0..50).map(with_request).collect();
    thread::scope(|scope| {
        for (mut client, request) in clients {
            scope.spawn(move || {
                client.say(&request.encode());
                assert!(matches!(client.scan_reply(&request), ScanReply::Fits { .. }));
                let (lent, _peer) = UnixStream::pair().unwrap();
                lend(&client.0, &[lent.as_fd()]);
                assert!(matches!(client.lend_reply(), LendReply::Sent(_)));
            });
        }
    });
}

#[test]
fn a_server_ends_when_nobody_comes_or_its_socket_is_gone() {
    let idle = Server::start(Some(Duration::from_millis(300)));
    let client = idle.connect();
    thread::sleep(Duration::from_millis(600));
    assert!(idle.directory().join("socket").exists(), "somebody is connected");
    drop(client);
    idle.ends_within(BOUND);
    assert_eq!(fs::read_dir(idle.directory()).unwrap().count(), 0);
    let displaced = Server::start(None);
    fs::remove_dir_all(displaced.directory()).unwrap();
    displaced.ends_within(BOUND);
}

#[test]
fn another_user_is_turned_away() {
    if !nix::unistd::geteuid().is_root() {
        return println!("skipped: only root can be somebody else");
    }
    let server = Server::start(None);
    // Even where the directory does not keep anybody out.
    for path in [server.parent(), &server.directory(), &server.directory().join("socket")] {
        fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    }
    let program =
        "alarm 10; my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die $!; print length(<$s> // '')";
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
    command.args(["perl", "-MIO::Socket::UNIX", "-e", program]).env("PATH", "/usr/bin:/bin");
    let output = command.arg(server.directory().join("socket")).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "0", "{output:?}");
}

#[test]
fn whoever_waits_is_told_that_it_is_worked_on() {
    let server = Server::start(None);
    server.write("a.c", "int x;\n");
    server.write("slow-gcc", "#!/bin/sh\nsleep 1.3\nexec gcc \"$@\"\n");
    let compiler = server.work().join("slow-gcc");
    fs::set_permissions(&compiler, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let mut request = request(&server, "a.c");
    request.words[0] = compiler.into();
    let mut client = server.connect();
    client.say(&request.encode());
    let (begun, mut busy) = (Instant::now(), 0);
    while client.one_scan_reply(&request) == ScanReply::Busy {
        busy += 1;
        assert!(begun.elapsed() < BOUND);
    }
    assert!(busy > 0);
    client.0.write_all(&LEND).unwrap();
}
