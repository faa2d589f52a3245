//! `distcc-arch toolchain` and `chroot`: the file that names them for the daemon, and that an undo takes it back.

use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};

use test_hosts::need;
use test_hosts::process::{Outcome, clean, run};
use test_hosts::workdir::Workdir;

use crate::scene::{PROGRAM, Tree, refused, set_mode, tree};

/// A user with a toolchain, a chroot, and a file of theirs that names them.
struct User {
    work: Workdir,
}

impl User {
    fn new() -> Option<User> {
        if !need::root() {
            return None;
        }
        let user = User { work: Workdir::new() };
        for program in
            ["x-tools8/aarch64-unknown-linux-gnu/bin/aarch64-unknown-linux-gnu-gcc", "arch32/usr/bin/gcc"]
        {
            let path = user.at(program);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "").unwrap();
            set_mode(&path, 0o755);
        }
        chown(user.work.home(), Some(65534), Some(65534)).unwrap();
        Some(user)
    }

    fn at(&self, name: &str) -> PathBuf {
        self.work.home().join(name)
    }

    fn file(&self) -> PathBuf {
        self.at("toolchains.toml")
    }

    fn run(&self, words: &[&str]) -> Outcome {
        let home = self.work.home();
        let mut command = clean(PROGRAM);
        command.args(words).env("HOME", &home).current_dir(&home).uid(65534).gid(65534);
        run(command)
    }

    /// With the user's file, and without being asked.
    fn change(&self, words: &[&str]) -> Outcome {
        self.run(&[words, &["--config", "toolchains.toml", "--yes"]].concat())
    }

    fn list(&self, kind: &str) -> String {
        self.run(&[kind, "list", "--config", "toolchains.toml"]).good().out()
    }

    fn tree(&self) -> Tree {
        tree(Path::new(&self.work.home()))
    }
}

#[test]
fn there_and_back() {
    let Some(user) = User::new() else { return };
    let original = user.tree();
    assert!(user.list("chroot").starts_with("no chroot is named here"));
    let said = user.change(&["toolchain", "add", "aarch64", "x-tools8"]).good().out();
    assert!(said.contains("the daemon now has aarch64-unknown-linux-gnu-gcc\n"), "{said}");
    user.change(&["chroot", "add", "i686", "--root", "arch32", "--target", "i686-pc-linux-gnu"]).good();
    let (toolchain, chroot) = (user.list("toolchain"), user.list("chroot"));
    let directory = user.at("x-tools8/aarch64-unknown-linux-gnu/bin").display().to_string();
    assert!(toolchain.contains(&directory) && !toolchain.contains("i686"), "{toolchain}");
    assert!(
        chroot.contains(&user.at("arch32").display().to_string()) && !chroot.contains("aarch64"),
        "{chroot}"
    );
    let text = fs::read_to_string(user.file()).unwrap();
    assert!(
        text.contains("[toolchain.i686]\n") && text.contains("\ntarget = \"i686-pc-linux-gnu\"\n"),
        "{text}"
    );

    let again = user.change(&["toolchain", "add", "aarch64", "x-tools8"]).good().out();
    assert!(again.starts_with("nothing to change"), "{again}");
    user.change(&["chroot", "remove", "i686"]).good();
    assert!(user.list("chroot").starts_with("no chroot is named here"));
    user.run(&["undo", "--yes"]).good();
    assert_eq!(user.tree(), original);
}

#[test]
fn what_somebody_wrote_stays() {
    let Some(user) = User::new() else { return };
    let old = "# ours\nmultilib = false   # never\n\n[toolchain.mine]\nroot = \"/opt/mine\"\n";
    fs::write(user.file(), old).unwrap();
    chown(user.file(), Some(65534), Some(65534)).unwrap();
    user.change(&["toolchain", "add", "aarch64", "x-tools8"]).good();
    let new = fs::read_to_string(user.file()).unwrap();
    assert!(new.starts_with(old) && new.contains("[toolchain.aarch64]"), "{new}");
    user.change(&["toolchain", "remove", "aarch64"]).good();
    assert_eq!(fs::read_to_string(user.file()).unwrap(), old);
}

#[test]
fn multilib_on_and_off() {
    let Some(user) = User::new() else { return };
    user.change(&["chroot", "add", "i686", "--root", "arch32"]).good();
    let old = fs::read_to_string(user.file()).unwrap();
    user.change(&["toolchain", "multilib", "on"]).good();
    let on = fs::read_to_string(user.file()).unwrap();
    assert!(on.contains("\nmultilib = true\n") && user.list("chroot").contains("i686"), "{on}");
    let again = user.change(&["toolchain", "multilib", "on"]).good().out();
    assert!(again.starts_with("nothing to change"), "{again}");
    user.change(&["toolchain", "multilib", "off"]).good();
    assert_eq!(fs::read_to_string(user.file()).unwrap(), on.replace("true", "false"));
    assert_eq!(on.replace("multilib = true\n", ""), old);
}

#[test]
fn refusals() {
    let Some(user) = User::new() else { return };
    fs::create_dir(user.at("empty")).unwrap();
    for (words, said) in [
        (&["toolchain", "add", "a", "empty"][..], "no compiler in "),
        (&["toolchain", "add", "a", "nowhere"], "nowhere: No such file"),
        (&["chroot", "add", "a", "--root", "empty"], "no compiler in "),
        (&["chroot", "remove", "a"], "a"),
    ] {
        refused(&user.change(words), said);
    }
    user.change(&["toolchain", "add", "a", "x-tools8"]).good();
    refused(&user.change(&["chroot", "remove", "a"]), "a is a toolchain: distcc-arch toolchain remove a");
    refused(&user.change(&["chroot", "add", "a", "--root", "arch32"]), "a");
    fs::write(user.file(), "[toolchain.a]\nroot = 1\n").unwrap();
    refused(&user.run(&["toolchain", "list", "--config", "toolchains.toml"]), "toolchains.toml:2: ");
}

#[test]
fn what_keeps_the_daemon_from_it_is_told() {
    let Some(user) = User::new() else { return };
    let bin = user.at("arch32/usr/bin");
    set_mode(&bin, 0o700);
    // Only root can look there, and knows that the daemon cannot.
    let mut list = clean(PROGRAM);
    list.args(["chroot", "add", "i686", "--root"]).arg(user.at("arch32")).args(["--config"]).arg(user.file());
    let shown = run({
        list.arg("--dry-run");
        list
    });
    assert!(
        shown
            .good()
            .err()
            .contains("whose mode is 700, so its jobs end with code 110; type: sudo chmod o+x ")
    );
}

/// A machine with a systemd that knows our unit, in a view of the file system that ends with us.
const MACHINE: &str = r#"set -e
    mkdir -p /etc/distcc
    for place in /run /etc/distcc /var/lib; do mount -t tmpfs none $place; done
    mkdir -p /run/systemd/system bin
    printf '#!/bin/sh\ncase $1 in is-enabled) echo enabled;; is-active) echo %s;; try-*) echo "$@" >>ran;; esac\n' $0 >bin/systemctl
    chmod +x bin/systemctl
    export PATH="$PWD/bin:$PATH"
    "$1" toolchain add aarch64 x-tools8 --yes >said
    cat /etc/distcc/toolchains.toml >added
    "$1" undo --yes >>said
    ls /etc/distcc /var/lib"#;

#[test]
fn daemons_that_run_read_it_now_and_when_it_is_taken_back() {
    const RELOAD: &str = "try-reload-or-restart distccd.service distccd@*.service\n";
    for state in ["active", "inactive"] {
        let Some(user) = User::new() else { return };
        let mut machine = clean("/usr/bin/unshare");
        machine.args(["--mount", "sh", "-c", MACHINE, state, PROGRAM]).current_dir(user.work.home());
        assert_eq!(run(machine).good().out(), "/etc/distcc:\n\n/var/lib:\n");
        assert_eq!(fs::read_to_string(user.at("ran")).unwrap_or_default(), RELOAD.repeat(2), "{state}");
        assert!(fs::read_to_string(user.at("added")).unwrap().contains("[toolchain.aarch64]\n"));
    }
}
