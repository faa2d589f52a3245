//! lsdistcc finds what the C program finds, and more where that is a bug: among hosts in network namespaces, and servers
//! that misbehave. Knows our programs only from outside.

use std::fs;
use std::net::TcpListener;
use std::time::Duration;

use test_hosts::distccd::{Distccd, Setup};
use test_hosts::evil::{Behaviour, EvilServer};
use test_hosts::need;
use test_hosts::netns::Network;
use test_hosts::process::{Outcome, clean, run};
use test_hosts::workdir::Workdir;

const OURS: &str = env!("CARGO_BIN_EXE_lsdistcc");
const THEIRS: &str = "/usr/bin/lsdistcc";

/// distcc1 runs our daemon and distcc2 the C one; at distcc3 nothing listens, and distcc4 answers nothing at all.
struct Farm {
    network: Network,
    _daemons: [Distccd; 2],
    work: Workdir,
}

impl Farm {
    /// None after a skip has been announced.
    fn new() -> Option<Farm> {
        let c = need::c_distcc()?;
        if !need::network_namespaces() {
            return None;
        }
        let network = Network::new(3);
        let start = |distccd, index: usize| {
            Distccd::start(&Setup { on: Some(&network.others()[index]), ..Setup::of(distccd) })
        };
        let daemons = [start(env!("CARGO_BIN_EXE_distccd"), 0), start(c.distccd, 1)];
        let work = Workdir::new();
        let mut hosts = String::from("127.0.0.1 localhost\n");
        let silent = network.silent_address();
        let addresses = network.others().iter().map(test_hosts::netns::Netns::address).chain([silent]);
        for (index, address) in addresses.enumerate() {
            hosts.push_str(&format!("{address} distcc{}\n", index + 1));
        }
        let first = network.others()[0].address();
        hosts.push_str(&format!("{first} spare1\n{first} spare3\n{first} near1\n127.0.0.1 near2\n"));
        fs::write(work.path().join("hosts"), hosts).unwrap();
        fs::write(work.path().join("nsswitch.conf"), "hosts: files\n").unwrap();
        Some(Farm { network, _daemons: daemons, work })
    }

    /// Runs a program on the builder, where the hosts' names are known.
    fn run(&self, program: &str, line: &str) -> Outcome {
        let script = "for file in hosts nsswitch.conf resolv.conf; do
                [ ! -e \"$0/$file\" ] || mount --bind \"$0/$file\" /etc/$file || exit 99
            done
            exec \"$@\"";
        let mut command = self.network.builder().command("unshare");
        command.args(["--mount", "sh", "-c", script]).arg(self.work.path()).arg(program);
        command.args(line.split_whitespace());
        run(command)
    }

    /// Both programs find the same, and this.
    #[track_caller]
    fn check(&self, line: &str, code: i32, expected: &str) {
        let expected: Vec<&str> = expected.split_whitespace().collect();
        for program in [THEIRS, OURS] {
            let outcome = self.run(program, line);
            let out = outcome.out();
            let mut found: Vec<&str> = out.lines().collect();
            found.sort_unstable();
            assert_eq!(
                (outcome.code(), found),
                (Some(code), expected.clone()),
                "{program} {line}: {}",
                outcome.err()
            );
        }
    }
}

#[test]
fn the_same_hosts_as_the_c_program() {
    let Some(farm) = Farm::new() else { return };
    farm.check("", 0, "distcc1 distcc2");
    farm.check("-x", 0, "distcc1 distcc2 distcc3,down distcc4,down");
    farm.check("-n -x", 0, "10.83.0.2 10.83.0.250,down 10.83.0.3 10.83.0.4,down");
    farm.check("-P2 -x", 0, "distcc1,lzo distcc2,lzo distcc3,lzo,down distcc4,lzo,down");
    farm.check("-c0 -P3", 0, "distcc1,lzo,cpp distcc2,lzo,cpp distcc3,lzo,cpp distcc4,lzo,cpp");
    farm.check("-r3633 -x distcc1 distcc3", 0, "distcc1:3633,down distcc3:3633,down");
    farm.check("-x distcc4 distcc2", 0, "distcc2 distcc4,down");
    farm.check("distcc3 distcc4", 0, "");
    // With more than one lookup at once it is a matter of luck what is first, and where it ends, for the C program.
    farm.check("-o0 spare%d", 0, "spare1");
    farm.check("-o0 -g1 spare%d", 0, "spare1 spare3");
    farm.check("-x -o0 -m24 near%d", 0, "near1");
    farm.check("-x near%d", 0, "near1 near2,down");
    farm.check("-x nobody", 1, "");
    farm.check("-x nobody%d", 1, "");
    farm.check("-t1 -c60000 distcc4", 0, "");
}

#[test]
fn a_test_compile_tells_who_compiles() {
    let Some(farm) = Farm::new() else { return };
    let time = "-k20000 -t60";
    farm.check(&format!("{time} -pgcc"), 0, "distcc1 distcc2");
    farm.check(
        &format!("{time} -pgcc -P2 -x"),
        0,
        "distcc1,lzo distcc2,lzo distcc3,lzo,down distcc4,lzo,down",
    );
    farm.check(&format!("{time} -pgcc -P3 distcc2 distcc3"), 0, "distcc2,lzo,cpp");
    farm.check(&format!("{time} -pno-such-compiler -x distcc1 distcc2"), 0, "distcc1,down distcc2,down");
    farm.check("-k0 -pno-such-compiler", 0, "distcc1 distcc2");
}

#[test]
fn the_first_to_be_known_is_the_first_in_the_list() {
    let Some(farm) = Farm::new() else { return };
    let outcome = farm.run(OURS, "-x -l distcc4 distcc1").good();
    let out = outcome.out();
    let lines: Vec<(&str, u32)> = out
        .lines()
        .map(|line| line.split_once(' ').map(|(name, latency)| (name, latency.parse().unwrap())).unwrap())
        .collect();
    assert_eq!(lines.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["distcc1", "distcc4,down"]);
    assert!(lines[0].1 < 900 && (900..3000).contains(&lines[1].1), "{lines:?}");
}

#[test]
fn what_is_printed_is_a_host_list() {
    let Some(farm) = Farm::new() else { return };
    for line in ["", "-x -P2", "-x -P3 -n -r3633 -c500"] {
        let found = farm.run(OURS, line).good().out();
        let mut show = clean(env!("CARGO_BIN_EXE_distcc"));
        show.env("DISTCC_HOSTS", &found).env("HOME", farm.work.home()).arg("--show-hosts");
        let shown = run(show).good();
        assert_eq!((shown.out(), shown.err()), (found, String::new()), "{line}");
    }
}

#[test]
fn a_list_is_looked_up_whole_and_a_series_to_its_end() {
    let Some(farm) = Farm::new() else { return };
    let ours = |line: &str| {
        let outcome = farm.run(OURS, line);
        (outcome.code(), outcome.out().lines().collect::<Vec<_>>().join(" "))
    };
    assert_eq!(ours("nobody1 nobody2 nobody3 distcc1"), (Some(0), "distcc1".to_owned()));
    assert_eq!(ours("spare%d"), (Some(0), "spare1".to_owned()));
    assert_eq!(ours("-o60 spare%d"), (Some(0), "spare1".to_owned()));
    assert_eq!(ours("-e distcc3"), (Some(2), String::new()));
    assert_eq!(ours("-e distcc3 distcc1"), (Some(0), "distcc1".to_owned()));
    assert_eq!(ours("-e nobody"), (Some(1), String::new()));
}

#[test]
fn a_resolver_that_hangs_holds_nobody_up() {
    let Some(farm) = Farm::new() else { return };
    fs::write(farm.work.path().join("nsswitch.conf"), "hosts: files dns\n").unwrap();
    let resolver = format!("nameserver {}\n", farm.network.silent_address());
    fs::write(farm.work.path().join("resolv.conf"), resolver).unwrap();
    let outcome = farm.run(OURS, "-v -h100 -t2 -o0 nobody distcc1").good();
    assert_eq!(outcome.out(), "distcc1\n", "{}", outcome.err());
    assert!(outcome.err().contains(": nobody: looking it up again"), "{}", outcome.err());
    assert!(outcome.err().ends_with(": the rest: time is up\n"), "{}", outcome.err());
    assert!(outcome.took < Duration::from_secs(10), "{:?}", outcome.took);
    assert_eq!(farm.run(OURS, "-t1 nobody").code(), farm.run(THEIRS, "-t1 nobody").code());
}

#[test]
fn servers_that_misbehave_are_down() {
    let whole = "DONE00000001STAT00000000SERR00000000SOUT00000000DOTO00000001x";
    let check = |behaviour: Behaviour, up: bool, why: &str| {
        let server = EvilServer::start(behaviour);
        let host = server.host();
        let mut command = clean(OURS);
        let port = host.split_once(':').unwrap().1;
        command.args(["-x", "-v", "-pgcc", "-k600", &format!("-r{port}"), "127.0.0.1"]);
        let outcome = run(command).good();
        assert_eq!(outcome.out(), format!("{host}{}\n", if up { "" } else { ",down" }));
        assert!(outcome.err().contains(why), "{why}: {}", outcome.err());
        assert!(outcome.took < Duration::from_secs(10), "{:?}", outcome.took);
    };
    check(Behaviour::Says(whole.into()), true, ": up\n");
    check(Behaviour::NeverAnswers, false, "nobody compiles within 600 ms");
    check(Behaviour::ClosesAtOnce, false, "");
    check(Behaviour::Resets, false, "connection broken: ");
    check(Behaviour::Says(b"HTTP/1.1 400 Bad Request\r\n".into()), false, "answers \"HTTP/1.1 400\"");
    check(Behaviour::Says(vec![0xff; 100_000]), false, "answers \"\\xff");
    check(Behaviour::Says(whole[..70 - 10].into()), false, "in the middle of its answer");
    let slowly = Duration::from_millis(50);
    check(Behaviour::Trickles(whole.into(), slowly), false, "nobody compiles within 600 ms");
}

#[test]
fn hosts_of_ipv6() {
    if !need::ipv6() {
        return;
    }
    let listener = TcpListener::bind("[::1]:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut command = clean(OURS);
    command.args(["-n", &format!("-r{port}"), "::1", "[::1]"]);
    assert_eq!(run(command).good().out(), format!("[::1]:{port}\n[::1]:{port}\n"));
}

#[test]
fn a_line_that_makes_no_sense() {
    for program in [OURS, THEIRS] {
        if program == THEIRS && need::c_distcc().is_none() {
            return;
        }
        for word in ["-q", "-r0", "-P4", "-p", "-c-1"] {
            let mut command = clean(program);
            command.args([word, "127.0.0.1"]);
            let outcome = run(command);
            assert_eq!(outcome.code(), Some(1), "{program} {word}");
            assert!(outcome.out().starts_with("Usage: lsdistcc "), "{program} {word}: {}", outcome.out());
        }
    }
}
