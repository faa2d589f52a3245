//! How much DISTCC_TOOLCHAIN_CHECK asks of a host. Knows nothing of what it takes to find out.

use test_hosts::need;

use crate::fakes::spoil;
use crate::toolbox::Toolbox;
use crate::{DISTCCD, Site, assert_told_of, daemon, daemons};

#[test]
fn another_build_of_the_same_version() {
    for distccd in daemons() {
        let compilers = Toolbox::empty();
        // What it makes of the source is the same, so that it can be looked at.
        compilers.put_copy(spoil);
        let (site, daemon) = (Site::new(), daemon(distccd, &compilers));
        site.work.write("x.c", "int x = 1;\n");
        for check in ["target", "off"] {
            let client = site.client(&daemon.host()).env("DISTCC_TOOLCHAIN_CHECK", check);
            let outcome = site.compile(&client.env("DISTCC_FALLBACK", "0"));
            assert_eq!(outcome.err(), "", "{distccd} {check}");
        }
        let outcome = site.compile(&site.client(&daemon.host()).env("DISTCC_TOOLCHAIN_CHECK", "strict"));
        assert_told_of(&outcome.err(), &[daemon.host()]);
    }
}

#[test]
fn another_version() {
    if need::program("gcc-11", "install gcc-11 (Debian)").is_none() {
        return;
    }
    for distccd in daemons() {
        let compilers = Toolbox::of("gcc-11");
        let (site, daemon) = (Site::new(), daemon(distccd, &compilers));
        let outcome = site.compile(&site.client(&daemon.host()).env("DISTCC_TOOLCHAIN_CHECK", "target"));
        assert_told_of(&outcome.err(), &[daemon.host()]);
        let outcome = site.compile(&site.client(&daemon.host()).env("DISTCC_TOOLCHAIN_CHECK", "off"));
        assert!(outcome.err().contains("its compiler is gcc ("), "{}", outcome.err());
        let site = Site::new();
        let any = site.client(&daemon.host()).env("DISTCC_ANY_COMPILER", "1").env("DISTCC_FALLBACK", "0");
        assert_eq!(any.run(&crate::WORDS).good().err(), "", "{distccd}");
    }
}

/// Of compilers that say nothing of themselves, neither here nor there, a sample tells the version.
#[test]
fn versions_that_nobody_tells() {
    if need::program("gcc-11", "install gcc-11 (Debian)").is_none() {
        return;
    }
    let mute = |compiler: &str| {
        let toolbox = Toolbox::empty();
        let answers = "case $1 in --version | -dump* | -print*) exit 0 ;; esac";
        toolbox.put_script(&format!("#!/bin/sh\n{answers}\nexec /usr/bin/{compiler} \"$@\"\n"));
        toolbox
    };
    let (here, there) = (mute("gcc-12"), [mute("gcc-12"), mute("gcc-11")]);
    let [same, other] = there.each_ref().map(|compilers| daemon(DISTCCD, compilers));
    let site = Site::new();
    let client = site.client(&format!("{} {}", other.host(), same.host())).env("PATH", here.path());
    let client = client.env("DISTCC_TOOLCHAIN_CHECK", "target").env("DISTCC_FALLBACK", "0");
    // Nobody signs it.
    let outcome = client.run(&["gcc", "-fno-ident", "-c", "x.c"]).good();
    assert_told_of(&outcome.err(), &[other.host()]);
    assert!(same.comes_to_tell("COMPILE_OK", 3) && other.comes_to_tell("COMPILE_OK", 1), "{}", outcome.err());
}

/// Which one clang would run on a host is no part of what that tells.
#[test]
fn an_assembler_beside_the_compiler() {
    if need::program("clang", "install clang (Debian)").is_none() {
        return;
    }
    let (site, daemon) = (Site::new(), daemon(DISTCCD, &Toolbox::empty()));
    for (check, word, jobs) in [
        ("strict", "-fno-integrated-as", 0),
        ("target", "-fno-integrated-as", 1),
        ("off", "-fno-integrated-as", 2),
        ("strict", "-fintegrated-as", 3),
    ] {
        let client = site.client(&daemon.host()).env("DISTCC_TOOLCHAIN_CHECK", check);
        let client = client.env("DISTCC_VERBOSE", "1").env("DISTCC_FALLBACK", "0");
        let words = ["clang", "-no-integrated-as", word, "-c", "x.c", "-o", "x.o"];
        let said = client.run(&words).good().err();
        assert_eq!(said.contains(" local: separate-assembler: -fno-integrated-as "), jobs == 0, "{said}");
        daemon.assert_served(jobs);
    }
}

#[test]
fn a_word_that_is_none() {
    let site = Site::new();
    for (name, words) in
        [("DISTCC_TOOLCHAIN_CHECK", "strict, target or off"), ("DISTCC_NATIVE", "resolve or local")]
    {
        let outcome = site.client("127.0.0.1:1").env(name, "lax").run(&crate::WORDS);
        assert_eq!(outcome.code(), Some(101), "{}", outcome.err());
        assert!(outcome.err().contains(&format!("Bad {name} value: lax: give {words}")), "{}", outcome.err());
    }
}
