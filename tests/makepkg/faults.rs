//! What may go wrong between makepkg and the compilers, one thing at a time: `check` names it, and what it says to type
//! mends it. Knows nothing of how anything is found out.

use test_hosts::need;

use crate::farm::{BUILDER, Farm, PACKAGE};
use crate::report::Finding;

const GCC: &str = include_str!("fixtures/gcc-repository");

/// Where something is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// By root on the machine that builds.
    Builder,
    /// By the user who builds, in the home directory.
    User,
    /// By root on the machine that compiles.
    Server,
}
use At::{Builder, Server, User};

/// Sets up a farm, breaks it with a script, and panics unless `check` names the fault so, in these words, with a command
/// for the machine that is to be mended, and finds all well when that command was typed.
#[track_caller]
fn check(at: At, fault: &str, name: &str, words: &str, mend_at: At) {
    let Some(farm) = Farm::boot(1) else { return };
    farm.set_up();
    injected(&farm, at, fault);
    let report = farm.check();
    let finding = report.trouble(name);
    let said = format!("{}: {}", finding.subject, finding.what);
    assert!(said.contains(words), "{finding}");
    follow(&farm, finding, mend_at);
    farm.check().assert_well();
}

#[track_caller]
fn injected(farm: &Farm, at: At, fault: &str) {
    match at {
        Builder => farm.builder.run(fault),
        User => farm.builder.run_as(BUILDER, fault),
        Server => farm.servers[0].machine.run(fault),
    }
    .good();
}

/// Types the remedy to the letter, and Enter wherever there is a question.
#[track_caller]
fn follow(farm: &Farm, finding: &Finding, mend_at: At) {
    let remedy = finding.remedy.as_deref().unwrap_or_else(|| panic!("no remedy: {finding}"));
    let there = remedy.strip_prefix(&format!("on {}: ", farm.servers[0].address));
    assert_eq!(there.is_some(), mend_at == Server, "{finding}");
    let typed = |command: &str| format!("yes '' | (\n{command}\n)");
    let outcome = match there {
        Some(command) => farm.servers[0].machine.run(&typed(command)),
        // A user's own sudo would let root keep the user's home, and the directory.
        None if remedy.contains("sudo ") => {
            farm.builder.run(&format!("cd /home/{BUILDER}/{PACKAGE} && {}", typed(remedy)))
        }
        None => farm.builder.run_as(BUILDER, &format!("cd {PACKAGE} && {}", typed(remedy))),
    };
    assert!(outcome.status.success(), "{finding}\n{}{}", outcome.out(), outcome.err());
}

#[test]
fn masquerade_directory_missing() {
    check(Builder, "rm -r /usr/lib/distcc/bin", "masquerade-directory", "/usr/lib/distcc/bin", Builder);
}

#[test]
fn masquerade_link_dangling() {
    let fault = "ln -sfn ../../../bin/no-distcc /usr/lib/distcc/bin/gcc";
    check(Builder, fault, "masquerade-links", "gcc", Builder);
}

#[test]
fn masquerade_link_missing() {
    check(Builder, "rm /usr/lib/distcc/bin/gcc", "masquerade-links", "gcc", Builder);
}

#[test]
fn distcc_negated() {
    let fault = "sed -i '/^BUILDENV=/s/distcc/!distcc/' /etc/makepkg.conf";
    check(Builder, fault, "buildenv", "/etc/makepkg.conf", Builder);
}

#[test]
fn overridden_by_the_users_file() {
    let fault = "echo 'BUILDENV=(!distcc color !ccache check !sign)' >.makepkg.conf";
    check(User, fault, "buildenv", "/home/builder/.makepkg.conf:1", Builder);
}

#[test]
fn refused_by_the_package() {
    check(User, "echo 'options=(!distcc)' >>lua/PKGBUILD", "package-options", "PKGBUILD", Builder);
}

#[test]
fn native_flags() {
    let fault = "echo 'CFLAGS=\"-march=native -O2 -pipe\"' >>/etc/makepkg.conf";
    check(Builder, fault, "native-flags", "/etc/makepkg.conf:", Builder);
}

#[test]
fn too_few_jobs() {
    let fault = "sed -i '/^MAKEFLAGS=/s/-j[0-9]*/-j2/' /etc/makepkg.conf";
    check(Builder, fault, "makeflags", "/etc/makepkg.conf:", Builder);
}

#[test]
fn state_left_by_root() {
    let fault = "mkdir -p /home/builder/.distcc/lock && chown root /home/builder/.distcc/lock";
    check(Builder, fault, "state-directory", "/home/builder/.distcc", Builder);
}

#[test]
fn no_hosts() {
    check(Builder, "sed -i '/^DISTCC_HOSTS=/d' /etc/makepkg.conf", "hosts", "", Builder);
}

#[test]
fn wrong_port() {
    let fault = "sed -i '/^DISTCC_HOSTS=/s/10.83.0.2/&:3633/' /etc/makepkg.conf";
    check(Builder, fault, "host-wrong-port", "10.83.0.2:3633", Builder);
}

#[test]
fn daemon_down() {
    check(Server, "systemctl disable --now distccd", "host-daemon-down", "10.83.0.2", Server);
}

#[test]
fn address_not_allowed() {
    let fault = "sed -i 's/10.83.0.0/192.0.2.0/' /etc/conf.d/distccd && systemctl restart distccd";
    check(Server, fault, "host-access", "10.83.0.1", Server);
}

#[test]
fn compiler_missing_on_the_server() {
    if need::other_gcc().is_some() {
        check(Server, &format!("set -- none\n{GCC}"), "host-compiler-missing", "gcc", Server);
    }
}

#[test]
fn another_compiler_on_the_server() {
    let Some(version) = need::other_gcc() else { return };
    check(Server, &format!("set -- {version}\n{GCC}"), "host-compiler-differs", &version, Server);
}

#[test]
fn compiler_not_permitted() {
    check(Server, "rm /usr/lib/distcc/*gcc", "host-compiler-permitted", "gcc", Server);
}
