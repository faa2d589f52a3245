//! `distcc-arch chroot daemon` on a machine whose systemd is a script, and what is left of it. Knows no real systemd.

use test_hosts::need;
use test_hosts::process::{clean, run};
use test_hosts::workdir::Workdir;

use crate::scene::PROGRAM;

/// A machine with a chroot, in a view of the file system that ends with us. Words: our program, and what to do there.
const MACHINE: &str = r#"set -e
    mkdir -p bin etc/systemd/system chroot/usr/bin
    for program in gcc distcc distccd; do : >chroot/usr/bin/$program; chmod +x chroot/usr/bin/$program; done
    printf '#!/bin/sh\ncase $1 in is-enabled) echo disabled;; is-active) echo inactive;; esac\n' >bin/systemctl
    chmod +x bin/systemctl
    for file in passwd group ld.so.cache; do if [ -e /etc/$file ]; then cp /etc/$file etc; fi; done
    mount --bind etc /etc
    for place in /run /var/lib; do mount -t tmpfs none $place; done
    mkdir -p /run/systemd/system
    export PATH="$PWD/bin:$PATH"
    "$0" chroot daemon i686 --root chroot --yes >said"#;

#[track_caller]
fn check(what: &str, expected: &[&str]) {
    if !need::root() {
        return;
    }
    let work = Workdir::new();
    let mut machine = clean("/usr/bin/unshare");
    machine.args(["--mount", "sh", "-c", &format!("{MACHINE}\n{what}"), PROGRAM]).current_dir(work.home());
    let said = run(machine).good().out();
    assert_eq!(said.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>(), expected);
}

#[test]
fn without_systemd_a_list_says_just_that() {
    let state = "systemd is not what this machine was started by, so no service can be started";
    check("rm -r /run/systemd; \"$0\" chroot list | sed -n 's/.*gcc *//p'", &[state]);
}

#[test]
fn nothing_of_it_is_left() {
    const LEFT: &str = "find etc/systemd etc/conf.d chroot/usr/lib -mindepth 1 2>/dev/null | sort";
    let remove = "\"$0\" chroot remove i686 --yes >said";
    let undo = "\"$0\" undo --yes >said";
    // The links in the chroot permit nothing by themselves, and stay until all is undone.
    let expected =
        ["chroot/usr/lib/distcc", "chroot/usr/lib/distcc/gcc", "etc/systemd/system", "etc/systemd/system"];
    check(&format!("{remove}; {LEFT}; {undo}; {LEFT}"), &expected);
    let again = format!("{remove}; \"$0\" chroot daemon i686 --root chroot --yes >said; {undo}; {LEFT}");
    check(&again, &["etc/systemd/system"]);
    // What is somebody else's stays.
    let others = "ln -s ../../bin/distcc chroot/usr/lib/distcc/mine; echo >etc/systemd/system/distccd@i686.service.d/x.conf";
    let expected = [
        "chroot/usr/lib/distcc",
        "chroot/usr/lib/distcc/gcc",
        "chroot/usr/lib/distcc/mine",
        "etc/systemd/system",
        "etc/systemd/system/distccd@i686.service.d",
        "etc/systemd/system/distccd@i686.service.d/x.conf",
    ];
    check(&format!("{others}; {remove}; {LEFT}"), &expected);
}
