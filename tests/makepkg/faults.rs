//! What may go wrong between makepkg and the compilers, one thing at a time: `check` names it, and what it says to type
//! mends it. Knows nothing of how anything is found out.

use test_hosts::need;

use At::{Builder, Server, User};

use crate::farm::{BUILDER, Farm};
use crate::remedy::Mend::{self, Everywhere, Here, There};
use crate::remedy::follow;

/// Where a fault is made.
enum At {
    /// By root on the machine that builds.
    Builder,
    /// By the user who builds, in the home directory.
    User,
    /// By root on the machine that compiles.
    Server,
}

/// Sets up a farm, breaks it with a script, and panics unless `check` names the fault so and nothing else, in these
/// words, with a command for the machine that is to be mended, and finds all well when that command was typed.
#[track_caller]
fn check(at: At, fault: &str, name: &str, words: &str, mend: Mend) {
    let Some(farm) = Farm::boot(1) else { return };
    farm.set_up();
    check_on(&farm, at, fault, name, words, mend);
}

#[track_caller]
fn check_on(farm: &Farm, at: At, fault: &str, name: &str, words: &str, mend: Mend) {
    inject(farm, at, fault);
    let report = farm.check();
    let finding = report.only_trouble(name);
    let said = format!("{}: {}", finding.subject, finding.what);
    assert!(said.contains(words), "{finding}");
    follow(farm, finding, mend);
    farm.check().assert_well();
}

#[track_caller]
fn inject(farm: &Farm, at: At, fault: &str) {
    match at {
        Builder => farm.builder.run(fault),
        User => farm.builder.run_as(BUILDER, fault),
        Server => farm.servers[0].machine.run(fault),
    }
    .good();
}

#[test]
fn masquerade_directory_missing() {
    check(Builder, "rm -r /usr/lib/distcc/bin", "masquerade-directory", "/usr/lib/distcc/bin", Here);
}

#[test]
fn configuration_unreadable() {
    check(Builder, "chmod 600 /etc/makepkg.conf", "makepkg-config", "/etc/makepkg.conf", Here);
}

#[test]
fn masquerade_link_dangling() {
    let fault = "ln -sfn ../../../bin/no-distcc /usr/lib/distcc/bin/gcc";
    check(Builder, fault, "masquerade-links", "gcc", Here);
}

#[test]
fn masquerade_link_to_the_compiler() {
    let fault = "ln -sfn /usr/bin/gcc /usr/lib/distcc/bin/gcc";
    check(Builder, fault, "masquerade-links", "/usr/lib/distcc/bin/gcc: it is no link to distcc", Here);
}

#[test]
fn compiler_named_by_its_path() {
    let fault = "echo 'export CC=/usr/bin/gcc' >>/etc/makepkg.conf";
    check(Builder, fault, "compiler-variables", "/etc/makepkg.conf:", Here);
}

#[test]
fn masquerade_link_missing() {
    check(Builder, "rm /usr/lib/distcc/bin/gcc", "masquerade-links", "gcc", Here);
}

#[test]
fn distcc_negated() {
    let fault = "sed -i '/^BUILDENV=/s/distcc/!distcc/' /etc/makepkg.conf";
    check(Builder, fault, "buildenv", "/etc/makepkg.conf", Here);
}

#[test]
fn overridden_by_the_users_file() {
    let fault = "echo 'BUILDENV=(!distcc color !ccache check !sign)' >.makepkg.conf";
    check(User, fault, "buildenv", "/home/builder/.makepkg.conf:1", Here);
}

#[test]
fn refused_by_the_package() {
    check(User, "echo 'options=(!distcc)' >>lua/PKGBUILD", "package-options", "PKGBUILD", Here);
}

#[test]
fn overridden_by_the_users_other_file() {
    let fault = "mkdir -p .config/pacman && echo 'BUILDENV+=(!distcc)' >.config/pacman/makepkg.conf";
    check(User, fault, "buildenv", "/home/builder/.config/pacman/makepkg.conf:1", Here);
}

#[test]
fn native_flags() {
    let fault = "echo 'CFLAGS=\"-march=native -O2 -fverbose-asm\"' >>/etc/makepkg.conf";
    check(Builder, fault, "native-flags", "/etc/makepkg.conf:", Here);
}

#[test]
fn native_flags_of_the_user() {
    let fault = "echo 'CFLAGS=\"-O2 -fverbose-asm -mtune=native\" CXXFLAGS=\"$CFLAGS\"' >.makepkg.conf";
    check(User, fault, "native-flags", "/home/builder/.makepkg.conf:1", Here);
}

#[test]
fn one_job_for_the_package() {
    let fault = "echo 'options=(!makeflags)' >>lua/PKGBUILD";
    check(User, fault, "package-options", "PKGBUILD", Here);
}

#[test]
fn too_few_jobs() {
    let fault = "sed -i '/^MAKEFLAGS=/s/-j[0-9]*/-j2/' /etc/makepkg.conf";
    check(Builder, fault, "makeflags", "/etc/makepkg.conf:", Here);
}

#[test]
fn state_left_by_root() {
    let fault = "mkdir -p /home/builder/.distcc/lock && chown root /home/builder/.distcc/lock";
    check(Builder, fault, "state-directory", "/home/builder/.distcc", Here);
}

#[test]
fn no_hosts() {
    check(
        Builder,
        "sed -i '/^DISTCC_HOSTS=/d' /etc/makepkg.conf",
        "host-list",
        "DISTCC_HOSTS is not set",
        Here,
    );
}

#[test]
fn only_this_machine() {
    let fault = "sed -i 's/^DISTCC_HOSTS=.*/DISTCC_HOSTS=localhost\\/2/; s/^\\(MAKEFLAGS=.*-j\\)[0-9]*/\\12/' /etc/makepkg.conf";
    check(Builder, fault, "host-list", "only this machine", Here);
}

#[test]
fn wrong_port() {
    let fault = "sed -i '/^DISTCC_HOSTS=/s/10.83.0.2/&:3633/' /etc/makepkg.conf";
    check(Builder, fault, "host-wrong-port", "10.83.0.2:3633", Here);
}

#[test]
fn wrong_port_in_a_file_of_hosts() {
    let Some(farm) = Farm::boot(1) else { return };
    farm.set_up();
    let fault = "sed -i '/^DISTCC_HOSTS=/d' /etc/makepkg.conf && mkdir -p /etc/distcc &&
        printf '# strongest first\\n10.83.0.2:3633/3,lzo # red\\nlocalhost/1\\n' >/etc/distcc/hosts";
    check_on(&farm, Builder, fault, "host-wrong-port", "10.83.0.2:3633", Here);
    let hosts = farm.builder.read("/etc/distcc/hosts");
    assert_eq!(hosts, "# strongest first\n10.83.0.2/3,lzo # red\nlocalhost/1\n");
}

#[test]
fn daemon_down() {
    check(Server, "systemctl disable --now distccd", "host-daemon-down", "10.83.0.2", There);
}

#[test]
fn address_not_allowed() {
    let Some(farm) = Farm::boot(1) else { return };
    farm.set_up();
    let fault = "sed -i 's/10.83.0.0/192.0.2.0/' /etc/conf.d/distccd && systemctl restart distccd";
    check_on(&farm, Server, fault, "host-access", "10.83.0.1", There);
    let conf = farm.servers[0].machine.read("/etc/conf.d/distccd");
    assert!(conf.contains("192.0.2.0/24"), "others are locked out now: {conf}");
}

#[test]
fn compiler_missing_on_the_server() {
    if other_gcc() {
        check(Server, "repository gcc none", "host-compiler-missing", "gcc", There);
    }
}

#[test]
fn compiler_that_the_daemon_may_not_run() {
    let fault = "chmod 750 $(readlink -f /usr/bin/gcc)";
    check(Server, fault, "host-compiler-forbidden", "gcc, and its user may not run it", There);
}

#[test]
fn another_compiler_on_the_server() {
    if !other_gcc() {
        return;
    }
    let Some(farm) = Farm::boot(1) else { return };
    farm.set_up();
    farm.builder.run("repository gcc $(gcc -dumpversion)").good();
    check_on(&farm, Server, "repository gcc 11", "host-compiler-differs", "11.", Everywhere);
}

/// Both the packages of gcc that pacman is given and what is in them come from Debian.
fn other_gcc() -> bool {
    need::program("gcc-11", "install gcc-11 (Debian)").is_some()
}

#[test]
fn compiler_not_permitted() {
    check(
        Server,
        "rm /usr/lib/distcc/*gcc /usr/lib/distcc/bin/*gcc",
        "host-compiler-permitted",
        "gcc",
        There,
    );
}

#[test]
fn firewall_on_the_server() {
    if need::program("ufw", "install ufw").is_some() {
        check(Server, "ufw --force enable", "host-silent", "10.83.0.2:3632", There);
    }
}

#[test]
fn no_client() {
    check(Builder, "repository distcc-arch", "distcc-program", "distcc", Here);
}

#[test]
fn state_that_cannot_be_written() {
    let fault = "mkdir -p .distcc/lock && chmod 500 .distcc .distcc/lock";
    check(User, fault, "state-directory", "/home/builder/.distcc", Here);
}
