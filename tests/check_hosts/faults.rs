//! Hosts whose daemon or compiler is wrong. Knows nothing of networks.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use test_hosts::distccd::{free_port, make_executable};
use test_hosts::evil::{Behaviour, EvilServer};
use test_hosts::need;
use test_hosts::process::{clean, run};
use test_hosts::workdir::Workdir;

use crate::daemon::{Start, makes};
use crate::said::{Looker, can_look, is_content_with, names};

/// The names that a client may give to the compilers of this machine.
const NAMES: [(&str, &str); 4] =
    [("gcc", "gcc"), ("g++", "g++"), ("x86_64-linux-gnu-gcc", "gcc"), ("x86_64-linux-gnu-g++", "g++")];

#[test]
fn a_good_host() {
    if !can_look() || !need::compiler_link("gcc") {
        return;
    }
    for make in makes() {
        let daemon = Start::good(make).start();
        is_content_with(&daemon.host);
        is_content_with(&format!("{}/3,lzo", daemon.host));
    }
}

#[test]
fn the_address_is_not_allowed() {
    if !can_look() || !need::compiler_link("gcc") {
        return;
    }
    for make in makes() {
        let daemon = Start { allow: "192.0.2.0/24", ..Start::good(make) }.start();
        let remedy = "distcc-arch setup --server --allow 127.0.0.1/32";
        names(&daemon.host, "host-access", "127.0.0.1", remedy);
        is_content_with(&Start { allow: "127.0.0.1/32", ..Start::good(make) }.start().host);
    }
}

#[test]
fn the_compiler_is_missing_there() {
    if !can_look() || !need::compiler_link("gcc") {
        return;
    }
    for make in makes() {
        let daemon = Start { path: "/nowhere".to_owned(), ..Start::good(make) }.start();
        names(&daemon.host, "host-compiler-missing", "gcc", "pacman -S --needed gcc && ");
    }
}

#[test]
fn the_compiler_is_not_permitted_there() {
    if !can_look() || !need::compiler_link("gcc") {
        return;
    }
    for make in makes() {
        let variables = vec![("DISTCC_CMDLIST", "/dev/null".to_owned())];
        let daemon = Start { variables, ..Start::good(make) }.start();
        names(&daemon.host, "host-compiler-permitted", "gcc", "distcc-arch masquerade");
    }
}

#[test]
fn hosts_that_get_no_job() {
    if !can_look() || !need::compiler_link("gcc") {
        return;
    }
    let daemon = Start::ours().start();
    names(&format!("{},auth", daemon.host), "host-none", "nothing is distributed", "distcc-arch hosts add ");
}

#[test]
fn compilers_with_a_path_and_flags() {
    if !can_look() || !need::compiler_link("gcc") {
        return;
    }
    let daemon = Start::ours().start();
    for command in ["gcc -fno-plt", "/usr/bin/gcc", "ccache gcc"] {
        let configuration = format!("export CC='{command}'");
        Looker { configuration, ..Looker::default() }.is_content_with(&daemon.host);
    }
}

#[test]
fn a_host_that_sits_out() {
    if !can_look() || !need::compiler_link("gcc") {
        return;
    }
    let daemon = Start::ours().start();
    let state = Workdir::new();
    fs::create_dir(state.src().join("lock")).expect("a new directory");
    let port = daemon.host.rsplit(':').next().expect("a port");
    let bench = state.src().join(format!("lock/backoff_tcp_127.0.0.1_{port}_0"));
    fs::write(&bench, "x").expect("a file of ours");
    let configuration = format!("export DISTCC_DIR={}", state.src().display());
    let looker = Looker { configuration, ..Looker::default() };
    let found = looker.look(&daemon.host);
    let benched = found.iter().find(|finding| finding.check == "host-benched");
    let benched = benched.unwrap_or_else(|| panic!("{found:#?}"));
    assert_eq!(benched.verdict, "warning", "{found:#?}");
    let mut shell = clean("/bin/sh");
    shell.args(["-c", &benched.remedy]);
    run(shell).good();
    looker.is_content_with(&daemon.host);
}

/// A directory in which the compilers' names mean other programs: `program("gcc")` and `program("g++")`.
fn other_compilers(work: &Workdir, install: impl Fn(&str, &Path)) -> String {
    let tools = work.open_dir("tools");
    for (name, compiler) in NAMES {
        install(compiler, &tools.join(name));
    }
    format!("{}:/usr/bin:/bin", tools.display())
}

#[test]
fn another_version_of_the_compiler() {
    if !can_look() || need::program("gcc-11", "install gcc-11 (Debian) or gcc11 (Arch)").is_none() {
        return;
    }
    for make in makes() {
        let work = Workdir::new();
        let link = |compiler: &str, place: &Path| {
            symlink(format!("/usr/bin/{compiler}-11"), place).expect("a new link");
        };
        let path = other_compilers(&work, link);
        let daemon = Start { path, anything: true, ..Start::good(make) }.start();
        names(&daemon.host, "host-compiler-differs", " 11.", "pacman -Syu gcc");
        let found = Looker::default().look(&daemon.host);
        let both = found.iter().any(|finding| finding.what.matches("GCC: ").count() == 2);
        assert!(both, "{found:#?}");
        is_content_with(&Start { anything: true, ..Start::good(make) }.start().host);
    }
}

#[test]
fn another_object_of_the_same_compiler() {
    if !can_look() {
        return;
    }
    let work = Workdir::new();
    let install = |compiler: &str, place: &Path| {
        fs::write(place, format!("#!/bin/sh\nexec /usr/bin/{compiler} \"$@\" -Os -fno-inline\n"))
            .expect("a file of ours");
        make_executable(place);
    };
    let path = other_compilers(&work, install);
    let daemon = Start { path, anything: true, ..Start::ours() }.start();
    names(&daemon.host, "host-object-differs", "call themselves the same", "pacman -Qi gcc binutils");
}

#[test]
fn what_is_no_object() {
    if !can_look() {
        return;
    }
    let work = Workdir::new();
    let install = |_: &str, place: &Path| {
        let script =
            "#!/bin/sh\nfor word; do [ \"$last\" = -o ] && echo hello >\"$word\"; last=$word; done\n";
        fs::write(place, script).expect("a file of ours");
        make_executable(place);
    };
    let path = other_compilers(&work, install);
    let daemon = Start { path, anything: true, ..Start::ours() }.start();
    names(&daemon.host, "host-object-differs", "is none", "file -L");
}

#[test]
fn the_compiler_there_refuses() {
    if !can_look() {
        return;
    }
    let work = Workdir::new();
    let install = |_: &str, place: &Path| {
        fs::write(place, "#!/bin/sh\necho 'cc1: error: no memory' >&2; exit 4\n").expect("a file of ours");
        make_executable(place);
    };
    let path = other_compilers(&work, install);
    let daemon = Start { path, anything: true, ..Start::ours() }.start();
    names(&daemon.host, "host-compile-fails", "status 4: cc1: error: no memory", "journalctl -u distccd");
}

#[test]
fn hosts_that_do_not_answer_or_not_sensibly() {
    if !can_look() {
        return;
    }
    let says = |bytes: &[u8]| EvilServer::start(Behaviour::Says(bytes.to_vec()));
    let web = says(b"HTTP/1.0 400 Bad Request\r\n\r\n");
    names(&web.host(), "host-no-distccd", "HTTP/1.0 400 Bad Request", "systemctl start distccd");
    let garbage = says(b"DONE0000000gSTAT00000000SERR00000000SOUT00000000DOTO00000000");
    names(&garbage.host(), "host-bad-answer", "bad number", "journalctl -u distccd");
    let mute = EvilServer::start(Behaviour::NeverAnswers);
    names(&mute.host(), "host-no-answer", "does not answer in time", "systemctl restart distccd");
    let shut = EvilServer::start(Behaviour::ClosesAtOnce);
    names(&shut.host(), "host-access", "127.0.0.1", "--allow 127.0.0.1/32");
}

#[test]
fn hosts_that_cannot_be_found() {
    if !can_look() {
        return;
    }
    names("no-such-host.invalid", "host-name", "no address", "or mend the name in /tmp/");
    names("no-such-host.invalid", "host-name", "no address", "makepkg.conf:3: DISTCC_HOSTS");
    let host = format!("127.0.0.1:{}", free_port());
    names(&host, "host-daemon-down", "nothing listens", "systemctl enable --now distccd");
}

#[test]
fn hosts_that_are_not_asked() {
    if !can_look() {
        return;
    }
    let found = Looker::default().look("localhost/2 red,down");
    let verdicts: Vec<_> = found.iter().map(|finding| finding.verdict.as_str()).collect();
    assert_eq!(verdicts, ["skipped"], "{found:#?}");
}
