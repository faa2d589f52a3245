//! Hosts and include servers that are not as they should be: the job is done all the same, and said to be once.

use std::fs::{self, DirBuilder};
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use protocol::include_server::{LendReply, Opening, ScanReply, ScanRequestDecoder};
use protocol::{Limits, Progress, RequestDecoder, Response, Version, WaitStatus};

use crate::Way::{Here, Sources, Text};
use crate::{DISTCC, DISTCCD, Scene, distccd_with, way_in};
use test_hosts::client::Client;
use test_hosts::distccd::{Distccd, Setup, make_executable};
use test_hosts::workdir::names_in;

/// Runs a job on these hosts; returns what it said, and how it went.
fn compile(scene: &Scene, hosts: &str, variables: &[(&str, &str)], words: &[&str]) -> (String, crate::Way) {
    let _ = fs::remove_file(scene.log());
    let client = Client::new(DISTCC, &scene.work, hosts).env("DISTCC_LOG", scene.log());
    // Made-up hosts answer jobs, and daemons are to count nothing else.
    let client = client.env("DISTCC_TOOLCHAIN_CHECK", "off");
    let client = variables.iter().fold(client, |client, (name, value)| client.env(name, value));
    let mut distcc = client.command(DISTCC);
    distcc.args(words).current_dir(scene.work.src().join("project"));
    test_hosts::process::run(distcc).good();
    let log = fs::read_to_string(scene.log()).unwrap();
    let way = way_in(&log);
    (log, way)
}

const GCC: &[&str] = &["gcc", "-Iinc", "-c", "x.c", "-o", "o/x.o"];
const G3: &[&str] = &["gcc", "-g3", "-Iinc", "-c", "x.c", "-o", "o/x.o"];

#[test]
fn each_host_gets_what_it_takes() {
    let scene = Scene::ours();
    let other = Distccd::start(&Setup::of(DISTCCD));
    let (text, sources) = (other.host(), &scene.hosts);
    for (hosts, words, way) in [
        (format!("{text} {sources}"), GCC, Text),
        (format!("{sources} {text}"), GCC, Sources),
        (format!("127.0.0.1:1,lzo,cpp {text}"), GCC, Sources),
        (format!("127.0.0.1:1 {sources}"), GCC, Sources),
        (format!("{text} {sources}"), G3, Sources),
        (text.clone(), G3, Here),
        ("localhost".to_owned(), G3, Here),
    ] {
        scene.forget();
        let (log, way_there) = compile(&scene, &hosts, &[], words);
        assert_eq!(way_there, way, "{hosts} {words:?}: {log}");
    }
}

#[test]
fn a_host_that_takes_no_sources_gets_text() {
    let scene = Scene::ours();
    let off = Distccd::start(&Setup::of(&distccd_with(&scene.work, "--pump=off")));
    let hosts = format!("{},lzo,cpp", off.host());
    for check in ["off", "strict"] {
        let variables = [("DISTCC_TOOLCHAIN_CHECK", check)];
        let (log, _) = compile(&scene, &hosts, &variables, GCC);
        assert!(
            log.contains("does not take x.c with its headers: ") && log.contains("completed ok"),
            "{check}: {log}"
        );
        // What it is was not for the sources to show.
        let known = scene.work.distcc_dir().join("known");
        let files = if known.exists() { names_in(&known) } else { Vec::new() };
        for text in files.iter().flat_map(|name| fs::read_to_string(known.join(name))) {
            assert!(!text.contains(" unknown"), "{check}: {text}");
        }
        let (log, way) = compile(&scene, &hosts, &variables, G3);
        assert_eq!(way, Sources, "{check}: {log}");
        assert!(log.contains("local: records-macros: "), "{check}: {log}");
        assert!(!log.contains("running locally instead"), "{check}: {log}");
    }
}

#[test]
fn an_ssh_that_leads_nowhere_refuses_no_sources() {
    let scene = Scene::ours();
    let ssh = scene.work.write("ssh", "#!/bin/sh\necho no such host >&2\nexit 255\n");
    make_executable(&ssh);
    let (log, _) = compile(&scene, "@red,lzo,cpp", &[("DISTCC_SSH", ssh.to_str().unwrap())], GCC);
    assert!(log.contains("cannot compile x.c on @red,lzo,cpp: ssh: no such host"), "{log}");
    assert!(!log.contains("does not take"), "{log}");
}

#[test]
fn no_include_server_is_needed() {
    let scene = Scene::ours();
    let (log, way) = compile(&scene, &scene.hosts, &[("DISTCC_INCLUDE_SERVER", "0")], GCC);
    assert!(way == Text && !log.contains("Warning"), "{log}");
    let nowhere = [("INCLUDE_SERVER_PORT", "/nowhere/socket"), ("DISTCC_INCLUDE_SERVER", "0")];
    let (log, way) = compile(&scene, &scene.hosts, &nowhere, GCC);
    assert_eq!(way, Text, "{log}");
}

/// A daemon that has one answer to every source, a fault that it finds for one.
struct FaultFinder {
    address: String,
}

impl FaultFinder {
    /// It serves as long as the test runs.
    fn start(fault: &'static str) -> FaultFinder {
        FaultFinder::listen(fault_found(fault), true)
    }

    /// Likewise, and it needs no file for that.
    fn hasty(fault: &'static str) -> FaultFinder {
        FaultFinder::listen(fault_found(fault), false)
    }

    fn listen(response: Response, awaits_files: bool) -> FaultFinder {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        thread::spawn(move || {
            for stream in listener.incoming() {
                answer(stream.unwrap(), &response, awaits_files);
            }
        });
        FaultFinder { address }
    }
}

fn answer(mut stream: TcpStream, response: &Response, awaits_files: bool) {
    let mut decoder = RequestDecoder::new(Limits::default());
    while awaits_files || decoder.args().is_none() {
        let count = stream.read(decoder.space()).unwrap();
        if let Progress::Done(_) = decoder.advance(count).unwrap() {
            break;
        }
    }
    stream.write_all(&response.encode().unwrap()).unwrap();
}

fn fault_found(fault: &str) -> Response {
    Response {
        version: Version::Three,
        status: WaitStatus::exited(1),
        stderr: fault.into(),
        stdout: Vec::new(),
        object: Vec::new(),
        dependencies: None,
    }
}

#[test]
fn no_empty_rule_is_written() {
    let scene = Scene::ours();
    let done = Response {
        status: WaitStatus::exited(0),
        object: b"object".to_vec(),
        dependencies: Some(Vec::new()),
        ..fault_found("")
    };
    let hosts = format!("{},lzo,cpp", FaultFinder::listen(done, true).address);
    let (log, way) = compile(&scene, &hosts, &[], GCC);
    assert!(way == Sources && !log.contains("local: "), "{log}");
    let (log, _) = compile(&scene, &hosts, &[], &[GCC, &["-MD"]].concat());
    assert!(log.contains("sent no rule of dependencies"), "{log}");
}

#[test]
fn a_failure_that_is_none_here_is_our_mistake() {
    let scene = Scene::ours();
    let host = FaultFinder::start("x.c: no\n");
    let hosts = format!("{},lzo,cpp", host.address);
    let (log, _) = compile(&scene, &hosts, &[], GCC);
    let said = format!("compilation of 'x.c' with its headers failed on {hosts}, but succeeded here: ");
    assert!(log.contains(&format!("Warning: {said}nobody knows why")), "{log}");
    let place = scene.include_server().unwrap();
    assert_eq!(fs::read(place.join("discrepancy_counter")).unwrap(), b"@");
    let benched = names_in(&scene.work.distcc_dir().join("lock"));
    assert!(!benched.iter().any(|name| name.starts_with("backoff")), "{benched:?}");

    scene.write("h.h", "#define H 7\n");
    let rule = [GCC, &["-MD"]].concat();
    let (log, _) = compile(&scene, &hosts, &[], &rule);
    assert!(log.contains("file 'h.h', a dependency of x.c, changed during the build"), "{log}");
    let (log, _) = compile(&scene, &hosts, &[("DISTCC_EXCLUDE_FRESH_FILES", "x.c *.h")], &rule);
    assert!(!log.contains("changed during the build"), "{log}");

    let (log, way) = compile(&scene, &scene.hosts, &[("DISTCC_MAX_DISCREPANCY", "4")], GCC);
    assert_eq!(way, Sources, "{log}");
    let (log, way) = compile(&scene, &scene.hosts, &[("DISTCC_MAX_DISCREPANCY", "3")], GCC);
    assert!(way == Text && log.contains("now using plain distcc"), "{log}");
}

/// An include server that misses a file in each scan, and sends none.
fn serve_badly(place: &Path) {
    DirBuilder::new().mode(0o700).create(place).unwrap();
    let listener = UnixListener::bind(place.join("socket")).unwrap();
    thread::spawn(move || {
        for client in listener.incoming() {
            let mut client = client.unwrap();
            let mut decoder = ScanRequestDecoder::default();
            let request = loop {
                let count = client.read(decoder.space()).unwrap();
                match decoder.advance(count).unwrap() {
                    Progress::Done(Opening::Scan(request)) => break request,
                    Progress::Done(other) => panic!("{other:?}"),
                    Progress::More => {}
                }
            };
            let missing = if request.compare { vec![PathBuf::from("/missed.h")] } else { Vec::new() };
            let fits = ScanReply::Fits { entries: 0, listed: Vec::new(), missing };
            client.write_all(&fits.encode(&request)).unwrap();
            if client.read(&mut [0; 64]).is_ok_and(|count| count > 0) {
                client.write_all(&LendReply::Sent(0).encode()).unwrap();
            }
        }
    });
}

#[test]
fn a_scan_that_misses_a_file_is_our_mistake() {
    let scene = Scene::ours();
    let place = scene.work.home().join("bad");
    serve_badly(&place);
    let port = place.join("socket");
    let server = ("INCLUDE_SERVER_PORT", port.to_str().unwrap());
    let host = FaultFinder::hasty("x.c:1:10: fatal error: missed.h: No such file or directory\n");
    let hosts = format!("{},lzo,cpp", host.address);
    // That a file is newer than the server does not hide it.
    scene.write("h.h", "#define H 7\n");
    let (log, _) = compile(&scene, &hosts, &[server], &[GCC, &["-MD"]].concat());
    assert!(log.contains("but succeeded here: the scan has missed /missed.h"), "{log}");

    let verified = [server, ("DISTCC_VERIFY_INCLUDES", "1")];
    let (log, way) = compile(&scene, &scene.hosts, &verified, &["gcc", "-c", "warns.c", "-o", "o/x.o"]);
    assert!(log.contains("Warning: the scan of warns.c has missed /missed.h"), "{log}");
    assert_eq!(way, Text, "{log}");
    // Each is told of.
    let (log, _) = compile(&scene, &scene.hosts, &verified, &["gcc", "-c", "falls.c", "-o", "o/x.o"]);
    assert!(log.contains("Warning: the scan of falls.c has missed /missed.h"), "{log}");
}

#[test]
fn a_compiler_that_dies_is_the_hosts_trouble() {
    let scene = Scene::ours();
    let host = FaultFinder::start("gcc: fatal error: Killed signal terminated program cc1\n");
    let hosts = format!("{},lzo,cpp", host.address);
    let (log, _) = compile(&scene, &hosts, &[], GCC);
    assert!(log.contains("retried locally and got a different result: exit code 1"), "{log}");
    assert!(!log.contains("mistake of distcc's"), "{log}");
    let benched = names_in(&scene.work.distcc_dir().join("lock"));
    assert!(benched.iter().any(|name| name.starts_with("backoff")), "{benched:?}");
}

/// Ends its wait when it is dropped, and then it ends, for its socket has been taken away.
struct Stopped(String);

impl Stopped {
    fn stop(pid: &str) -> Stopped {
        signal("-STOP", pid);
        Stopped(pid.to_owned())
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        signal("-CONT", &self.0);
    }
}

fn signal(which: &str, pid: &str) {
    assert!(Command::new("kill").args([which, pid]).status().unwrap().success());
}

#[test]
fn a_stopped_include_server_holds_no_host() {
    let scene = Scene::ours();
    // More than the kernel keeps for a host that does not read.
    let header: String =
        (0..500_000_u64).map(|n| format!("//{:x}\n", n.wrapping_mul(0x9e37_79b9_7f4a_7c15))).collect();
    scene.write("k.h", &header);
    scene.write("x.c", "#include \"k.h\"\n");
    compile(&scene, &scene.hosts, &[], GCC);
    let pid = fs::read_to_string(scene.include_server().unwrap().join("pid")).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let hosts = format!("{},lzo,cpp", listener.local_addr().unwrap());
    let host = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        drop(listener);
        stream.read_exact(&mut [0; 20_000]).unwrap();
        let _stopped = Stopped::stop(pid.trim());
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut room = vec![0; 1 << 16];
        loop {
            match stream.read(&mut room) {
                Ok(0) => return None,
                Err(error) => return Some(error.kind()).filter(|kind| *kind == ErrorKind::WouldBlock),
                Ok(_) => {}
            }
        }
    });
    let (log, _) = compile(&scene, &hosts, &[], GCC);
    assert!(log.contains("the include server is silent"), "{log}");
    assert_eq!(host.join().unwrap(), None, "{log}");
}

#[test]
fn a_host_that_lacks_a_header_gets_text() {
    let scene = Scene::ours();
    let host = FaultFinder::start("x.c:1:10: fatal error: zlib.h: No such file or directory\n");
    let hosts = format!("{},lzo,cpp", host.address);
    let (log, _) = compile(&scene, &hosts, &[], GCC);
    assert!(log.contains("that host has no zlib.h, which should be installed there"), "{log}");
    assert!(scene.include_server().is_some_and(|place| !place.join("discrepancy_counter").exists()));
    assert!(
        names_in(&scene.work.distcc_dir().join("lock")).iter().any(|name| name.starts_with("text_only_"))
    );
}
