//! What a daemon tells of itself: `hosts probe` shows it, `setup` takes its number of slots, and a toolchain that was named
//! with `toolchain add` is in it. Knows nothing of faults.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;
use test_hosts::need;
use test_hosts::process::{clean, run};
use test_hosts::wait::wait_until;
use test_hosts::workdir::Workdir;

use crate::daemon::Start;
use crate::said::can_look;

const DISTCC_ARCH: &str = env!("CARGO_BIN_EXE_distcc-arch");
const CROSS: &str = "aarch64-linux-gnu-gcc";
/// Nobody has a link of this name, or a program of it on PATH.
const NAMED: &str = "named-for-a-test-gcc";
/// A daemon looks at all its compilers first, on a machine that may have much else to do.
const FIRST_ANSWER: Duration = Duration::from_secs(60);

/// What `hosts probe` says of a host.
fn probed(work: &Workdir, host: &str) -> Value {
    let configuration = work.path().join("makepkg.conf");
    let lines = format!("source /etc/makepkg.conf\nBUILDENV=(distcc !ccache)\nDISTCC_HOSTS='{host}'\n");
    fs::write(&configuration, lines).expect("a file in a directory of ours");
    let mut command = clean(DISTCC_ARCH);
    command.args(["hosts", "probe", "--json", "--config"]).arg(&configuration).env("HOME", work.home());
    command.current_dir(work.src());
    let out = run(command).out();
    let read: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"));
    read["hosts"][0].clone()
}

/// A file that names a directory with nothing but the cross compiler, by another name.
fn toolchains(work: &Workdir) -> PathBuf {
    let cross = need::program(CROSS, "").expect("it was there a moment ago");
    let programs = work.open_dir("cross");
    symlink(cross, programs.join(NAMED)).unwrap();
    let file = work.path().join("toolchains.toml");
    let mut add = clean("/usr/bin/unshare");
    // The journal of what is changed goes with the view.
    add.args(["--mount", "sh", "-c", "mount -t tmpfs none /var/lib && exec \"$@\"", "sh", DISTCC_ARCH]);
    add.args(["toolchain", "add", "aarch64", "--yes", "--config"]).arg(&file).arg(&programs);
    run(add).good();
    file
}

#[test]
fn a_daemon_of_ours_tells_what_it_has() {
    if !can_look() || !need::root() || need::program(CROSS, "install gcc-aarch64-linux-gnu").is_none() {
        return;
    }
    let work = Workdir::new();
    let file = toolchains(&work).display().to_string();
    let daemon = Start { variables: vec![("DISTCCD_TOOLCHAINS", file)], ..Start::ours() }.start();
    let mut host = Value::Null;
    wait_until(FIRST_ANSWER, "an answer", || {
        host = probed(&work, &daemon.host);
        host["server"] != Value::Null
    });
    let server = &host["server"];
    assert!(server["server"].as_str().unwrap().starts_with("distcc-arch "), "{host:#}");
    assert_eq!(server["slots"], 4, "{host:#}");
    let of_cross = server["compilers"].as_array().unwrap().iter().find(|compiler| compiler["name"] == NAMED);
    let of_cross = of_cross.unwrap_or_else(|| panic!("{host:#}"));
    assert_eq!((&of_cross["target"], &of_cross["machine"]), (&"aarch64-linux-gnu".into(), &"x86_64".into()));
}

#[test]
fn setup_takes_the_number_that_a_daemon_tells() {
    if !can_look() || !need::compiler_link("gcc") {
        return;
    }
    let work = Workdir::new();
    let conf = work.path().join("makepkg.conf");
    fs::write(&conf, "BUILDENV=(!distcc)\n").unwrap();
    let daemon = Start::ours().start();
    let mut shown = String::new();
    wait_until(FIRST_ANSWER, "an answer", || {
        let mut setup = clean(DISTCC_ARCH);
        setup.args(["setup", "--dry-run", "--config"]).arg(&conf).env("HOME", work.home());
        shown = run({
            setup.args(["--hosts", &format!("{},lzo localhost/1", daemon.host)]);
            setup
        })
        .good()
        .out();
        shown.contains("/4,lzo")
    });
    let line = format!("+DISTCC_HOSTS=\"{}/4,lzo localhost/1\"\n", daemon.host);
    assert!(shown.contains(&line) && shown.contains("+MAKEFLAGS=\"-j5\"\n"), "{shown}");
}
