//! Clients of several targets and what serves them: each object is what that client's own compiler makes. Knows the
//! programs only from outside.

mod arm;
mod farm;
mod unit;

use std::thread;

use farm::{BUILDER, Daemon, Farm};
use test_hosts::process::Outcome;

/// What Lua is compiled with.
const FLAGS: &str = "-O1 -w -std=gnu99";

/// A client: who builds, the directory that it works in, how a script is run where it is, its compiler, and what `od` says of the class
/// and the machine of its objects.
struct Client {
    user: &'static str,
    name: &'static str,
    inside: &'static str,
    compiler: &'static str,
    elf: &'static str,
}

const NATIVE: Client =
    Client { user: BUILDER, name: "native", inside: "sh -c", compiler: "gcc", elf: "02 3e 00" };
const IN_ROOT: Client = Client {
    user: BUILDER,
    name: "root",
    inside: "schroot -c arch32 -p -- sh -c",
    compiler: "gcc",
    elf: "01 03 00",
};
const CROSS: Client = Client {
    user: BUILDER,
    name: "cross",
    inside: "sh -c",
    compiler: "aarch64-linux-gnu-gcc",
    elf: "02 b7 00",
};

/// With the distcc of its own distribution, which knows nothing of ours.
const ARM: Client = Client {
    user: "root",
    name: "arm",
    inside: "enter-arm64 /opt/arm64 /home",
    compiler: "aarch64-linux-gnu-gcc-14",
    elf: "02 b7 00",
};

/// Builds the objects of Lua here, then with distcc, and says how many there are if all are alike and of this class and
/// machine. Words of the script: the directory, the compiler, class and machine, the host list, flags.
const BUILD: &str = r#"set -e
    cd ~/"$1/lua/src"
    export DISTCC_DIR=~/"$1/distcc" DISTCC_HOSTS="$4" DISTCC_FALLBACK=0 LC_ALL=C
    mkdir -p "$DISTCC_DIR"
    [ -d here ] || { make -s -j2 o CC="$2" CFLAGS="$5"; mkdir here; mv *.o here; }
    make -s -j4 o CC="distcc $2" CFLAGS="$5"
    for object in *.o; do
        cmp "$object" "here/$object"
        test "$(od -An -tx1 -j4 -N1 "$object")$(od -An -tx1 -j18 -N2 "$object")" = " $3"
    done
    ls *.o | wc -l"#;

/// Builds the package inside the root, and says for each program in it whether it is the same as `here` (1: it is), and
/// of which class it is. Words of the script: where the package goes, words for makepkg.
const PACKAGE: &str = r#"set -e
    cd ~/package
    export LC_ALL=C SOURCE_DATE_EPOCH=1700000000
    schroot -c arch32 -p -- makepkg "$@" -src >log 2>&1 || { cat log; exit 1; }
    mkdir -p ../here && cp -n *.pkg.tar.gz ../here && cp *.pkg.tar.gz ~/made && rm *.pkg.tar.gz
    for file in usr/bin/lua usr/bin/luac usr/lib/liblua.a; do
        for package in ../here/*.pkg.tar.gz ~/made; do bsdtar -xOf $package $file | sha256sum; done | uniq | wc -l
    done
    bsdtar -xOf ~/made usr/bin/lua >lua && od -An -tx1 -j4 -N1 lua"#;

#[track_caller]
fn lua(farm: &Farm, client: &Client, hosts: &str) -> Outcome {
    let Client { user, name, inside, compiler, elf } = client;
    farm.run(user, &format!("{inside} '. ~/build' sh {name} {compiler} '{elf}' '{hosts}' '{FLAGS}'"))
}

#[track_caller]
fn objects(outcome: &Outcome, daemon: &Daemon) -> usize {
    let said = || format!("{}{}\n{}", outcome.out(), outcome.err(), daemon.log());
    assert_eq!((outcome.code(), outcome.err().as_str()), (Some(0), ""), "{}", said());
    outcome.out().trim().parse().unwrap_or_else(|_| panic!("{}", said()))
}

/// Gives the root a makepkg.conf that has distcc, beside the one that has not, and the user a package to build.
#[track_caller]
fn prepare_package(farm: &Farm) {
    let home = format!("/home/{BUILDER}");
    farm.builder.write(&format!("{home}/package/PKGBUILD"), include_str!("fixtures/PKGBUILD"));
    farm.builder.write(&format!("{home}/pack"), PACKAGE);
    let script = format!(
        "set -e
        cd {home}
        cp /opt/arch32/etc/makepkg.conf here.conf
        sed -i 's/(!distcc /(distcc /' /opt/arch32/etc/makepkg.conf
        echo 'MAKEFLAGS=-j4' | tee -a here.conf >>/opt/arch32/etc/makepkg.conf
        tar -czf package/lua.tar.gz -C root --exclude=here --exclude='*.o' lua
        chown -R {BUILDER}: package"
    );
    farm.builder.run(&script).good();
}

/// Builds it with these hosts.
#[track_caller]
fn package(farm: &Farm, hosts: &str) {
    farm.builder.run(&format!("echo 'DISTCC_HOSTS=\"{hosts}\"' >>/opt/arch32/etc/makepkg.conf")).good();
    same_package(farm, "");
}

#[track_caller]
fn same_package(farm: &Farm, words: &str) {
    let outcome = farm.run(BUILDER, &format!("set -- {words}; . ~/pack"));
    assert_eq!(
        outcome.out().split_whitespace().collect::<Vec<_>>(),
        ["1", "1", "1", "01"],
        "{}",
        outcome.err()
    );
}

/// One daemon, one port; and then as the wiki has it, with another daemon inside the root, whose port the root's host list
/// names.
#[test]
fn one_daemon_serves_every_target() {
    let Some(farm) = Farm::boot() else { return };
    let daemon = farm.serve();
    let hosts = format!("{}/8,lzo", farm.host);
    farm.builder.write(&format!("/home/{BUILDER}/build"), BUILD);
    let built: Vec<Outcome> = thread::scope(|scope| {
        let builds = [NATIVE, IN_ROOT, CROSS, ARM].map(|client| {
            let (farm, hosts) = (&farm, &hosts);
            scope.spawn(move || lua(farm, &client, hosts))
        });
        builds.map(|build| build.join().unwrap()).into()
    });
    let all: usize = built.iter().map(|outcome| objects(outcome, &daemon)).sum();
    assert!(all > 130, "{all} objects");
    assert_eq!(daemon.compiled(), all, "{}", daemon.log());

    prepare_package(&farm);
    same_package(&farm, "--config ~/here.conf");
    assert_eq!(daemon.compiled(), all, "{}", daemon.log());
    package(&farm, &hosts);
    assert_eq!(daemon.compiled(), all + all / 4, "{}", daemon.log());

    let inside = farm.serve_inside();
    package(&farm, &format!("{}:3692/8,lzo", farm.host));
    assert_eq!(inside.compiled(), all / 4, "{}", inside.log());
    assert_eq!(daemon.compiled(), all + all / 4, "{}", daemon.log());
}
