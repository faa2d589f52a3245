//! A compiler that compiles nothing, and what changes of its files make of it. Runs gcc only to link that.

use super::*;
use crate::evidence::Evidence;
use crate::fake_root::FakeRoot;
use crate::hashes::Hashes;
use crate::identity::{Identity, identify};
use std::ffi::OsStr;
use std::fs;
use std::process::Command;
use std::sync::OnceLock;

/// A system with a compiler that compiles nothing: its programs are real ones for the loader.
fn system() -> FakeRoot {
    static LINKED: OnceLock<(Vec<u8>, Vec<u8>)> = OnceLock::new();
    let (library, program) = LINKED.get_or_init(linked);
    let fake = FakeRoot::with(&["ld.so=loader", "usr/lib/libx.so", "usr/bin/as*", "gcc/cc1*", "gcc/driver*"]);
    fs::write(fake.path("usr/lib/libx.so"), library).unwrap();
    for name in ["gcc/driver", "gcc/cc1", "usr/bin/as"] {
        fs::write(fake.path(name), program).unwrap();
    }
    fake.add("usr/bin/gcc>/gcc/driver");
    fake
}

/// A library, and a program that needs it and has gcc's mark.
fn linked() -> (Vec<u8>, Vec<u8>) {
    let place = FakeRoot::with(&["x.c=int x = 1;"]);
    let main = "extern int x; const char mark[] = \"%(cc1_options)\"; int _start(void) { return x; }";
    fs::write(place.path("main.c"), main).unwrap();
    let gcc = |words: &[&str], output: &str| {
        let mut command = Command::new("gcc");
        command.current_dir(place.path("")).args(["-nostdlib", "-fPIC"]).args(words).args(["-o", output]);
        assert!(command.status().unwrap().success(), "{words:?}");
        fs::read(place.path(output)).unwrap()
    };
    let library = gcc(&["-shared", "x.c", "-Wl,-soname,libx.so"], "libx.so");
    let program = gcc(&["main.c", "-pie", "-Wl,--dynamic-linker=/ld.so", "libx.so"], "main");
    (library, program)
}

fn answer(fake: &FakeRoot, words: &[&OsStr]) -> String {
    let question = words[0].to_str().unwrap();
    if let Some((_, name)) = question.split_once("-name=") {
        let path = format!("/gcc/{name}");
        return if fake.path(&path[1..]).exists() { path } else { name.to_owned() };
    }
    match question {
        "--version" => "gcc (Test) 1.2.3\nCopyright (C) 2022 Free Software Foundation, Inc.\n",
        "-dumpmachine" => "a-b-c\n",
        "-dumpfullversion" => "1.2.3\n",
        "-print-search-dirs" => "install: /gcc/\nprograms: =/gcc/:/gcc/../a-b-c/bin/\nlibraries: =/\n",
        _ => "?",
    }
    .to_owned()
}

fn identified(fake: &FakeRoot) -> io::Result<(Identity, Evidence)> {
    let around = Surroundings {
        search_path: "/usr/local/bin:relative:/usr/bin".into(),
        library_path: "/usr/local/lib".into(),
        ..Surroundings::default()
    };
    let mut ask = |words: &[&OsStr]| Ok(answer(fake, words).into_bytes());
    identify(&fake.root(), Path::new("/usr/bin/gcc"), &around, &Hashes::default(), &mut ask)
}

#[derive(Debug, PartialEq)]
enum Then {
    /// Nobody need ask again.
    Holds,
    /// It has to be asked again, and is the same.
    Same,
    /// Only a general library is another.
    Akin,
    Another,
    /// Who knows what compiles.
    Unknown,
}
use Then::{Akin, Another, Holds, Same, Unknown};

#[track_caller]
fn check(change: impl Fn(&FakeRoot), expected: &Then) {
    let fake = system();
    let (before, evidence) = identified(&fake).unwrap();
    let c = before.prints(Language::C).expect("a compiler for C");
    assert_eq!(before.languages.len(), 1);
    change(&fake);
    let holds = evidence.still_holds(&fake.root());
    let then = match identified(&fake).unwrap().0.prints(Language::C) {
        None => Unknown,
        Some(after) if after.core != c.core => Another,
        Some(after) if after.whole != c.whole => Akin,
        _ if holds => Holds,
        _ => Same,
    };
    assert_eq!((&then, holds), (expected, *expected == Holds));
}

fn moved(from: &str, to: &str) -> impl Fn(&FakeRoot) {
    move |fake| {
        fs::create_dir_all(fake.path(to).parent().unwrap()).unwrap();
        fs::rename(fake.path(from), fake.path(to)).unwrap();
    }
}

fn copied(from: &str, to: &str, behind: &'static [u8]) -> impl Fn(&FakeRoot) {
    move |fake| {
        let bytes = [&fs::read(fake.path(from)).unwrap(), behind].concat();
        fake.add(&format!("{to}*"));
        fs::write(fake.path(to), bytes).unwrap();
    }
}

#[test]
fn changes() {
    check(|_| {}, &Holds);
    check(|fake| fake.add("usr/bin/another*"), &Holds);
    check(copied("gcc/cc1", "gcc/cc1", b"\n"), &Another);
    check(copied("gcc/driver", "gcc/driver", b"\n"), &Another);
    check(copied("usr/bin/as", "usr/bin/as", b"\n"), &Another);
    check(copied("usr/lib/libx.so", "usr/lib/libx.so", b"\n"), &Another);
    check(|fake| fake.add("ld.so=other"), &Akin);
    check(|fake| fake.add("usr/bin/objcopy*"), &Holds);
}

#[test]
fn additions() {
    check(copied("gcc/cc1", "gcc/cc1plus", b""), &Same);
    check(|fake| fake.add("gcc/specs=text"), &Another);
    check(|fake| fake.add("a-b-c/bin/as*"), &Same);
    check(copied("usr/bin/as", "usr/local/bin/as", b""), &Same);
    check(copied("usr/bin/as", "usr/local/bin/as", b"\n"), &Another);
    check(copied("usr/lib/libx.so", "usr/local/lib/libx.so", b"\n"), &Another);
    check(|fake| fake.add("usr/local/lib/libx.so=for another machine"), &Same);
}

#[test]
fn places() {
    check(moved("usr/lib/libx.so", "lib64/libx.so"), &Same);
    check(
        |fake| {
            moved("gcc/driver", "elsewhere/gcc")(fake);
            moved("usr/bin/gcc", "old-link")(fake);
            fake.add("usr/bin/gcc>../../elsewhere/gcc");
        },
        &Same,
    );
}

#[test]
fn what_hides_the_compiler() {
    check(|fake| fs::remove_file(fake.path("usr/lib/libx.so")).unwrap(), &Unknown);
    check(|fake| fs::remove_file(fake.path("ld.so")).unwrap(), &Unknown);
    check(|fake| fake.add("usr/local/bin/as*"), &Unknown);
    check(|fake| fake.add("gcc/cc1plus=#!/bin/sh"), &Same);
    check(|fake| fake.add("gcc/cc1=#!/bin/sh"), &Unknown);
    check(
        |fake| {
            moved("usr/bin/gcc", "old-link")(fake);
            fake.add("usr/bin/gcc*");
        },
        &Unknown,
    );
    let without_mark = |fake: &FakeRoot| {
        let text = fs::read(fake.path("gcc/driver")).unwrap();
        let at = memchr::memmem::find(&text, b"cc1_options").unwrap();
        fs::write(fake.path("gcc/driver"), [&text[..at], b"xxx", &text[at + 3..]].concat()).unwrap();
    };
    check(without_mark, &Unknown);
}

#[test]
fn languages() {
    let fake = system();
    copied("gcc/cc1", "gcc/cc1plus", b"\n")(&fake);
    fake.add("gcc/cc1obj=#!/bin/sh");
    let known = identified(&fake).unwrap().0;
    assert!(known.languages.keys().copied().eq([Language::C, Language::Cxx, Language::ObjC]));
    let [c, cxx, objc] = [Language::C, Language::Cxx, Language::ObjC].map(|language| known.prints(language));
    assert!(c.is_some() && cxx.is_some() && c != cxx && objc.is_none());
    assert!(known.has(c.unwrap().whole) && known.has(cxx.unwrap().whole) && !known.has(c.unwrap().core));
    copied("gcc/cc1plus", "gcc/cc1plus", b"\n")(&fake);
    let then = identified(&fake).unwrap().0;
    assert!(then.prints(Language::C) == c && then.prints(Language::Cxx) != cxx);
}

/// It takes C for C++, and needs nothing else for that.
#[test]
fn a_driver_for_cxx() {
    let fake = system();
    copied("gcc/cc1", "gcc/cc1plus", b"\n")(&fake);
    moved("gcc/driver", "gcc/g++-1")(&fake);
    moved("usr/bin/gcc", "old-link")(&fake);
    fake.add("usr/bin/gcc>/gcc/g++-1");
    let known = identified(&fake).unwrap().0;
    assert_eq!(known.prints(Language::C), known.prints(Language::Cxx));
    assert!(known.is_certain());
}

#[test]
fn no_compiler() {
    let fake = system();
    fs::remove_file(fake.path("gcc/driver")).unwrap();
    assert_eq!(identified(&fake).unwrap_err().kind(), io::ErrorKind::NotFound);
}
