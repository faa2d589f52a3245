//! Every pairing of client and daemon over every transport compiles the sources of Lua: the objects are those of a local
//! build, each job is counted on the server, and none is done here. Knows nothing of how a job travels.

mod inetd;
mod lua;
mod served;

use test_hosts::need;
use test_hosts::objects::assert_same_bytes;
use test_hosts::process::Outcome;
use test_hosts::workdir::Workdir;
use test_hosts::{C_DISTCC, Programs};

use lua::Sources;
use served::Served;

const OURS: Programs =
    Programs { distcc: env!("CARGO_BIN_EXE_distcc"), distccd: env!("CARGO_BIN_EXE_distccd") };

/// How a job gets from client to daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Transport {
    Tcp,
    /// Into a daemon that ssh starts for each job.
    Ssh,
    /// Into a daemon that systemd's stand-in for inetd starts for each job.
    SocketActivate,
    /// Into a daemon that inetd starts for each job.
    Inetd,
}
use Transport::{Inetd, SocketActivate, Ssh, Tcp};

/// Transport, client, daemon, options of the host, compiler.
type Pairing = (Transport, Programs, Programs, &'static str, &'static str);

/// C with C shows that the test is fair.
const PAIRINGS: &[Pairing] = &[
    (Tcp, C_DISTCC, C_DISTCC, "", "gcc"),
    (Tcp, C_DISTCC, OURS, "", "gcc"),
    (Tcp, OURS, C_DISTCC, "", "gcc"),
    (Tcp, OURS, OURS, "", "gcc"),
    (Tcp, C_DISTCC, C_DISTCC, ",lzo", "gcc"),
    (Tcp, C_DISTCC, OURS, ",lzo", "gcc"),
    (Tcp, OURS, C_DISTCC, ",lzo", "gcc"),
    (Tcp, OURS, OURS, ",lzo", "gcc"),
    (Tcp, C_DISTCC, OURS, ",lzo", "clang"),
    (Tcp, OURS, C_DISTCC, "", "clang"),
    (Ssh, C_DISTCC, C_DISTCC, "", "gcc"),
    (Ssh, C_DISTCC, OURS, ",lzo", "gcc"),
    (Ssh, OURS, C_DISTCC, ",lzo", "gcc"),
    (Ssh, OURS, OURS, "", "gcc"),
    (SocketActivate, C_DISTCC, OURS, "", "gcc"),
    (SocketActivate, OURS, OURS, ",lzo", "gcc"),
    (Inetd, C_DISTCC, C_DISTCC, ",lzo", "gcc"),
    (Inetd, C_DISTCC, OURS, "", "gcc"),
    (Inetd, OURS, C_DISTCC, ",lzo", "gcc"),
    (Inetd, OURS, OURS, "", "gcc"),
];

#[test]
fn tcp() {
    check_all(Tcp, "gcc");
}

#[test]
fn tcp_with_clang() {
    check_all(Tcp, "clang");
}

#[test]
fn ssh() {
    check_all(Ssh, "gcc");
}

#[test]
fn systemd_socket_activate() {
    check_all(SocketActivate, "gcc");
}

#[test]
fn inetd() {
    check_all(Inetd, "gcc");
}

#[test]
fn every_pairing_is_there() {
    for transport in [Tcp, Ssh, Inetd] {
        for client in [C_DISTCC, OURS] {
            for daemon in [C_DISTCC, OURS] {
                let is_there = PAIRINGS
                    .iter()
                    .any(|pairing| (pairing.0, pairing.1, pairing.2) == (transport, client, daemon));
                assert!(is_there, "{transport:?}, {client:?}, {daemon:?}");
            }
        }
    }
}

/// All pairings over a transport with a compiler, against one local build.
fn check_all(transport: Transport, compiler: &'static str) {
    let Some(lua) = need::source("lua5.4") else { return };
    if need::program(compiler, "install it").is_none() {
        return;
    }
    let work = Workdir::new();
    let sources = Sources::of(&lua, &work);
    sources.compile_here(compiler);
    for pairing in PAIRINGS.iter().filter(|pairing| (pairing.0, pairing.4) == (transport, compiler)) {
        if [pairing.1, pairing.2].contains(&C_DISTCC) && need::c_distcc().is_none() {
            continue;
        }
        check(&sources, *pairing);
    }
}

#[track_caller]
fn check(sources: &Sources, (transport, client, daemon, options, compiler): Pairing) {
    let Some(served) = Served::start(transport, daemon.distccd) else { return };
    let state = Workdir::new();
    let calling = served.client(client.distcc, &state, options).env("DISTCC_FALLBACK", "0");
    let outcome: Outcome = sources.compile(&calling, &format!("{} {compiler}", client.distcc), "there");
    let pairing = format!("{transport:?}{options}: {} with {}", client.distcc, daemon.distccd);
    assert_eq!(outcome.err(), "", "nothing but what the compiler says: {pairing}");
    for object in sources.objects() {
        assert_same_bytes(&sources.object("there", &object), &sources.object("here", &object));
    }
    println!("{pairing}: {} jobs in {:.1} s", sources.objects().len(), outcome.took.as_secs_f32());
    served.assert_served(sources.objects().len());
}
