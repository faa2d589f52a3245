//! Each exit code of distccd(1), and the words that come with it. Knows nothing of daemons that serve.

use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Command;

use test_hosts::machine_box::MachineBox;
use test_hosts::need;
use test_hosts::netns::Network;
use test_hosts::process::{clean, run};
use test_hosts::workdir::Workdir;

use crate::daemon::{DISTCCD, distccd};

#[track_caller]
fn check(command: Command, code: i32, said: &str) {
    let outcome = run(command);
    assert_eq!(outcome.code(), Some(code), "{}", outcome.err());
    assert!(outcome.err().contains(said), "{}", outcome.err());
}

fn foreground(work: &Workdir) -> Command {
    distccd(&["--daemon", "--no-detach", "--port=0", "--enable-tcp-insecure"], work)
}

/// A program with the daemon as its last words.
fn through(words: &[&str]) -> Command {
    let mut command = clean(words[0]);
    command.args(&words[1..]).arg(DISTCCD).args(["--daemon", "--no-detach", "--port=0", "--lifetime=60"]);
    command
}

#[test]
fn variables_that_make_no_sense_are_101() {
    let work = Workdir::new();
    work.open_dir("spool");
    for (name, value) in [("DISTCC_IO_TIMEOUT", "soon"), ("DISTCC_MAX_BODY", "0"), ("DISTCC_IO_TIMEOUT", "")]
    {
        let mut command = foreground(&work);
        command.env(name, value);
        check(
            command,
            101,
            &format!("distccd: ERROR: Bad {name} value: {value}: give a positive number of "),
        );
    }
    let mut command = foreground(&work);
    command.env("DISTCC_CMDLIST", "/list").env("DISTCC_CMDLIST_NUMWORDS", "none");
    check(command, 101, "Bad DISTCC_CMDLIST_NUMWORDS value: none: give a number above 0");
}

#[test]
fn options_of_gssapi_are_refused_by_name_with_101() {
    let work = Workdir::new();
    work.open_dir("spool");
    for option in ["--auth", "--blacklist=f", "--whitelist=f", "--show-principal"] {
        let name = option.split('=').next().unwrap();
        check(distccd(&[option], &work), 101, &format!("distccd: ERROR: {name}: not supported"));
    }
}

#[test]
fn a_place_that_is_not_there_is_107_and_so_is_a_client() {
    let work = Workdir::new();
    let mut command = foreground(&work);
    command.env("TMPDIR", "/nowhere");
    check(command, 107, "cannot go to /nowhere: No such file or directory");
    work.open_dir("spool");
    check(
        distccd(&["--inetd", "--log-stderr"], &work),
        107,
        "stdin and stdout are not connected to a client",
    );
}

#[test]
fn no_permitted_compiler_is_110() {
    if !need::machines() {
        return;
    }
    let network = Network::new(0);
    let machine = MachineBox::boot("bare", network.builder());
    machine.install(Path::new(DISTCCD), "/usr/bin/our-distccd");
    let ended =
        machine.run("rm -rf /usr/lib/distcc /usr/local/lib/distcc; exec our-distccd --daemon --no-detach");
    assert_eq!(ended.code(), Some(110), "{}", ended.err());
    assert!(ended.err().contains("run update-distcc-symlinks"), "{}", ended.err());
}

/// Root without the right to become anybody else.
#[test]
fn root_that_cannot_be_given_up_is_112() {
    if need::root() {
        let bound = ["setpriv", "--inh-caps=-all", "--bounding-set=-setuid,-setgid"];
        check(through(&bound), 112, "cannot give up root: ");
    }
}

#[test]
fn a_client_that_is_not_allowed_is_113() {
    let work = Workdir::new();
    work.open_dir("spool");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let _client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (served, _) = listener.accept().unwrap();
    let mut command =
        distccd(&["--inetd", "--log-stderr", "--allow=127.0.0.2", "--enable-tcp-insecure"], &work);
    command.stdin(OwnedFd::from(served));
    check(command, 113, "connection from client '127.0.0.1:");
}
