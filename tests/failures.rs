//! What a build has to live through: hosts that are dead, die, or misbehave. Knows nothing of the words on the wire but those it spoils.

use std::fs;
use std::os::unix::fs::symlink;
use std::time::Duration;

use test_hosts::client::Client;
use test_hosts::distccd::{Distccd, Setup, free_port};
use test_hosts::evil::{Behaviour, EvilServer};
use test_hosts::need;
use test_hosts::process::{Outcome, run};
use test_hosts::relay::Relay;
use test_hosts::stub::{OBJECT, Stub};
use test_hosts::workdir::{Workdir, names_in, records_in};

const DISTCC: &str = env!("CARGO_BIN_EXE_distcc");
const DISTCCD: &str = env!("CARGO_BIN_EXE_distccd");

/// DISTCC_IO_TIMEOUT, in seconds, so that a host that says nothing does not cost five minutes.
const IO_TIMEOUT: u64 = 3;
/// Longer than one such timeout, shorter than two.
const ONE_TIMEOUT: Duration = Duration::from_millis(IO_TIMEOUT * 1000 + 2500);
const NO_HOSTS: i32 = 116;

#[test]
fn never_answers() {
    check_misbehaving(&Behaviour::NeverAnswers);
}

#[test]
fn closes_at_once() {
    check_misbehaving(&Behaviour::ClosesAtOnce);
}

#[test]
fn resets() {
    check_misbehaving(&Behaviour::Resets);
}

#[test]
fn says_garbage() {
    check_misbehaving(&says(b"HTTP/1.0 400 Bad Request\r\n\r\n"));
    check_misbehaving(&says(&[0xff; 300]));
    check_misbehaving(&says(b"DONE0000000gSTAT00000000SERR00000000SOUT00000000DOTO00000000"));
    check_misbehaving(&says(b"DONE00000007STAT00000000SERR00000000SOUT00000000DOTO00000000"));
    check_misbehaving(&says(b"DONE00000001STAT00000000SOUT00000000SERR00000000DOTO00000000"));
}

#[test]
fn claims_a_huge_length() {
    check_misbehaving(&says(b"DONE00000001STAT00000000SERRffffffffx"));
    check_misbehaving(&says(b"DONE00000001STAT00000000SERR00000000SOUTfffffff0x"));
    check_misbehaving(&says(b"DONE00000001STAT00000000SERR00000000SOUT00000000DOTO7fffffffx"));
}

/// One bad host: the next one is asked, and this one is left alone from then on; with no other host, the work is done here, or not
/// at all if that is forbidden. Every time one line says so, and the object is there whole or not at all. It misbehaves when
/// it is asked for its compilers, or else when it is given the job.
fn check_misbehaving(behaviour: &Behaviour) {
    for check in ["strict", "off"] {
        check_misbehaving_host(behaviour, check);
    }
}

fn check_misbehaving_host(behaviour: &Behaviour, toolchain_check: &'static str) {
    let daemon = Distccd::start(&Setup::of(DISTCCD));
    let bad = EvilServer::start(behaviour.clone());
    let case = format!("{behaviour:?}, {toolchain_check}");

    let site = Site::new().checking(toolchain_check);
    // Here and there all of the compiler is looked at first, which takes longer than a timeout where others need the processors.
    site.compile(&site.client(&daemon.host())).good();
    let elsewhere = site.impatient_client(&format!("{} {}", bad.host(), daemon.host()));
    let outcome = site.compile(&elsewhere).good();
    site.assert_object(&case);
    assert_one_line_naming(&outcome, &bad.host(), &case);
    daemon.assert_served(2);
    assert!(outcome.took < ONE_TIMEOUT, "{case}: {:?}", outcome.took);
    let connections = bad.connections();
    let outcome = site.compile(&elsewhere).good();
    assert_eq!((outcome.err().as_str(), bad.connections()), ("", connections), "{case}: asked again");

    let site = Site::new().checking(toolchain_check);
    let outcome = site.compile(&site.impatient_client(&bad.host())).good();
    site.assert_object(&case);
    assert!(outcome.err().contains("running locally instead"), "{case}: {}", outcome.err());
    assert!(outcome.took < ONE_TIMEOUT, "{case}: {:?}", outcome.took);

    let site = Site::new().checking(toolchain_check);
    let outcome = site.compile(&site.impatient_client(&bad.host()).env("DISTCC_FALLBACK", "0"));
    assert_eq!(outcome.code(), Some(NO_HOSTS), "{case}: {}", outcome.err());
    assert!(outcome.err().contains("fallbacks are disabled"), "{case}: {}", outcome.err());
    site.assert_nothing_made(&case);
}

#[test]
fn a_reply_that_ends_early_leaves_nothing_wherever_it_ends() {
    check_every_cut("");
    check_every_cut(",lzo");
}

fn check_every_cut(options: &str) {
    let work = Workdir::new();
    let stub = Stub::new(&work, "0");
    work.write("x.c", "int x;\n");
    let words = [stub.word(), "-c", "x.c", "-o", "x.o"];
    let object = work.src().join("x.o");
    let daemon = Distccd::start(&Setup::of(DISTCCD));
    let relay = Relay::start(&daemon.host());
    let client = |host: &str| {
        Client::new(DISTCC, &work, &format!("{host}{options}"))
            .env("DISTCC_BACKOFF_PERIOD", "0")
            .env("DISTCC_FALLBACK", "0")
            .env("DISTCC_IO_TIMEOUT", IO_TIMEOUT.to_string())
            // What the relay hears is to be one answer to a job.
            .env("DISTCC_TOOLCHAIN_CHECK", "off")
    };
    client(&relay.host()).run(&words).good();
    let reply = relay.replies().remove(0);

    for cut in 0..=reply.len() {
        let _ = fs::remove_file(&object);
        let server = EvilServer::start(says(&reply[..cut]));
        let outcome = client(&server.host()).run(&words);
        if cut == reply.len() {
            outcome.good();
            assert_eq!(fs::read(&object).expect("an object"), OBJECT);
        } else {
            assert_ne!(outcome.code(), Some(0), "cut after {cut} bytes of {}", reply.len());
            assert!(!outcome.err().contains("panicked"), "{}", outcome.err());
            assert_eq!(names_in(&work.src()), ["x.c"], "cut after {cut} bytes of {}", reply.len());
        }
        assert_eq!(names_in(&work.tmp()), [""; 0], "cut after {cut} bytes of {}", reply.len());
    }
}

#[test]
fn a_slow_answer_is_waited_for_while_it_comes() {
    let site = Site::new().checking("off");
    let daemon = Distccd::start(&Setup::of(DISTCCD));
    let relay = Relay::start(&daemon.host());
    site.compile(&site.client(&relay.host())).good();
    let reply = relay.replies().remove(0);
    // In all longer than one timeout, with each pause far below it.
    let pause =
        Duration::from_millis((IO_TIMEOUT + 1) * 1000) / u32::try_from(reply.len()).expect("a small object");
    let slow = EvilServer::start(Behaviour::Trickles(reply, pause));
    let outcome = site.compile(&site.impatient_client(&slow.host()).env("DISTCC_FALLBACK", "0")).good();
    assert_eq!(outcome.err(), "");
    site.assert_object("a trickle");
}

#[test]
fn nobody_listens() {
    let site = Site::new();
    let nobody = format!("127.0.0.1:{}", free_port());
    let daemon = Distccd::start(&Setup::of(DISTCCD));
    let outcome = site.compile(&site.client(&format!("{nobody} {}", daemon.host()))).good();
    site.assert_object("nobody listens");
    assert_one_line_naming(&outcome, &nobody, "nobody listens");
    daemon.assert_served(1);
}

#[test]
fn a_host_that_comes_back_is_used_again() {
    let site = Site::new();
    let mut daemon = Distccd::start(&Setup::of(DISTCCD));
    let host = daemon.host();
    for served in 1..=2 {
        let outcome = site.compile(&site.client(&host).env("DISTCC_FALLBACK", "0")).good();
        assert_eq!(outcome.err(), "");
        site.assert_object("a host that was restarted");
        daemon.assert_served(served);
        daemon.kill();
        daemon.restart();
    }
    daemon.kill();
    let outcome = site.compile(&site.client(&host)).good();
    site.assert_object("a host that is gone");
    assert!(outcome.err().contains("running locally instead"), "{}", outcome.err());
    daemon.restart();
    site.compile(&site.client(&host).env("DISTCC_BACKOFF_PERIOD", "0").env("DISTCC_FALLBACK", "0")).good();
    daemon.assert_served(3);
}

/// It takes the job and then cannot do it, for reasons of its own.
#[test]
fn a_host_that_fails_inside_is_no_compile_error() {
    let site = Site::new().checking("off");
    let daemon = Distccd::start(&Setup::of(DISTCCD));
    daemon.lose_spool();
    let outcome = site.compile(&site.client(&daemon.host())).good();
    site.assert_object("a host without room");
    assert!(outcome.err().contains(&daemon.host()), "{}", outcome.err());
    assert!(outcome.err().contains("running locally instead"), "{}", outcome.err());
    assert_eq!((daemon.count("OTHER"), daemon.count("COMPILE_ERROR")), (1, 0), "{}", daemon.log());
}

/// A cross compiler, say, that only this machine has.
#[test]
fn a_host_without_the_compiler_is_told_of() {
    let site = Site::new();
    let compilers = site.work.path().join("compilers");
    fs::create_dir(&compilers).expect("a new directory of ours");
    symlink("/usr/bin/gcc", compilers.join("riscv64-elsewhere-gcc")).expect("a new name");
    let daemon = Distccd::start(&Setup::of(DISTCCD));
    let path = format!("{}:/usr/bin:/bin", compilers.display());
    let client = site.client(&daemon.host()).env("PATH", path);
    let outcome = client.run(&["riscv64-elsewhere-gcc", "-O2", "-c", "x.c", "-o", "x.o"]).good();
    site.assert_object("a compiler that the host lacks");
    assert_one_line_naming(&outcome, &daemon.host(), "a compiler that the host lacks");
    assert_eq!(daemon.jobs(), [], "{}", daemon.log());
}

/// What another version makes is not what this machine would have made.
#[test]
fn a_host_with_another_version_of_the_compiler_is_refused() {
    if need::program("gcc-11", "install gcc-11 (Debian)").is_none() {
        return;
    }
    let daemon = Distccd::start(&Setup::of(DISTCCD));
    for (option, output) in [("-c", "x.o"), ("-S", "x.s")] {
        // Another one each time, for a build is told once.
        let work = Workdir::new();
        work.write("x.c", "int x;\n");
        // Under its long name gcc is another one on either machine.
        symlink("/usr/bin/gcc-11", work.path().join("gcc")).expect("a new name");
        let path = format!("{}:/usr/bin:/bin", work.path().display());
        let client = Client::new(DISTCC, &work, &daemon.host()).env("PATH", path);
        let words = ["gcc", option, "x.c", "-o", output];
        let made = |client: &Client| {
            let outcome = client.run(&words).good();
            (fs::read(work.src().join(output)).expect("an output"), outcome.err())
        };
        let mut plain = client.command("gcc-11");
        plain.args(&words[1..]);
        run(plain).good();
        let expected = fs::read(work.src().join(output)).expect("an output");

        let (object, said) = made(&client.clone().env("DISTCC_BACKOFF_PERIOD", "0"));
        assert!(object == expected, "{option}: {said}");
        assert!(said.contains(": there it has version 12."), "{said}");
        assert!(said.contains(&format!("{} gets no jobs for ", daemon.host())), "{said}");
        let unchecked = client.clone().env("DISTCC_BACKOFF_PERIOD", "0").env("DISTCC_TOOLCHAIN_CHECK", "off");
        let (object, said) = made(&unchecked);
        assert!(object == expected, "{option}: {said}");
        assert!(said.contains(&format!("on {}: its compiler is gcc (", daemon.host())), "{said}");
        assert!(said.contains("running locally instead"), "{said}");
        let (object, said) = made(&client.clone().env("DISTCC_ANY_COMPILER", "1"));
        assert!(object != expected && said.is_empty(), "{option}: {said}");
        assert_eq!(names_in(&work.tmp()), [""; 0], "left behind");
    }
}

/// Without a host that serves and without leave to work here there is one exit status, and nothing is made.
#[test]
fn no_fallback_means_none() {
    let nobody = format!("127.0.0.1:{}", free_port());
    for hosts in [nobody.as_str(), ""] {
        let site = Site::new();
        let outcome = site.compile(&site.client(hosts).env("DISTCC_FALLBACK", "0"));
        assert_eq!(outcome.code(), Some(NO_HOSTS), "{hosts}: {}", outcome.err());
        site.assert_nothing_made(hosts);
    }
}

/// One C source and what a plain compiler makes of it.
struct Site {
    work: Workdir,
    expected: Vec<u8>,
    /// DISTCC_TOOLCHAIN_CHECK.
    toolchain_check: &'static str,
}

const WORDS: [&str; 6] = ["gcc", "-O2", "-c", "x.c", "-o", "x.o"];

impl Site {
    fn new() -> Site {
        let work = Workdir::new();
        work.write("x.c", "#include <stdio.h>\nint f(int x) { return printf(\"%d\\n\", x); }\n");
        Client::new(DISTCC, &work, "").run_plain(&WORDS).good();
        let expected = fs::read(work.src().join("x.o")).expect("an object");
        let site = Site { work, expected, toolchain_check: "strict" };
        site.clear();
        site
    }

    fn checking(self, toolchain_check: &'static str) -> Site {
        Site { toolchain_check, ..self }
    }

    fn client(&self, hosts: &str) -> Client<'_> {
        Client::new(DISTCC, &self.work, hosts).env("DISTCC_TOOLCHAIN_CHECK", self.toolchain_check)
    }

    fn impatient_client(&self, hosts: &str) -> Client<'_> {
        self.client(hosts).env("DISTCC_IO_TIMEOUT", IO_TIMEOUT.to_string())
    }

    fn compile(&self, client: &Client) -> Outcome {
        self.clear();
        let outcome = client.run(&WORDS);
        assert!(!outcome.err().contains("panicked"), "{}", outcome.err());
        assert_eq!(names_in(&self.work.tmp()), [""; 0], "left behind");
        assert_eq!(records_in(&self.work), [""; 0], "left behind");
        outcome
    }

    fn clear(&self) {
        let _ = fs::remove_file(self.work.src().join("x.o"));
    }

    fn assert_object(&self, case: &str) {
        assert_eq!(names_in(&self.work.src()), ["x.c", "x.o"], "{case}");
        assert!(
            fs::read(self.work.src().join("x.o")).expect("an object") == self.expected,
            "{case}: another object"
        );
    }

    fn assert_nothing_made(&self, case: &str) {
        assert_eq!(names_in(&self.work.src()), ["x.c"], "{case}");
    }
}

fn says(bytes: &[u8]) -> Behaviour {
    Behaviour::Says(bytes.to_vec())
}

fn assert_one_line_naming(outcome: &Outcome, host: &str, case: &str) {
    let text = outcome.err();
    let lines: Vec<&str> = text.lines().collect();
    assert!(
        matches!(lines[..], [line] if line.contains(host)),
        "{case}: one line about {host}, not: {lines:#?}"
    );
}
