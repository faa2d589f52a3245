//! Rules that DEPENDENCIES_OUTPUT and SUNPRO_DEPENDENCIES ask for: the same with us as without, wherever a job ends up.

use std::collections::BTreeMap;
use std::fs;

use test_hosts::client::Client;
use test_hosts::distccd::{Distccd, Setup};
use test_hosts::need;
use test_hosts::process::Outcome;
use test_hosts::workdir::{Workdir, names_in};

const DISTCC: &str = env!("CARGO_BIN_EXE_distcc");
const DISTCCD: &str = env!("CARGO_BIN_EXE_distccd");

/// Exit status, stdout, stderr and the text of every file but objects.
type Left = (Option<i32>, String, String, BTreeMap<String, String>);

/// What a command leaves in a directory that is as new.
fn left(work: &Workdir, run: impl FnOnce() -> Outcome) -> Left {
    let _ = fs::remove_dir_all(work.src());
    fs::create_dir_all(work.src().join("out")).unwrap();
    work.write("x.c", "#include \"h.h\"\nint x;\n");
    work.write("bad.c", "#include \"h.h\"\nint x = y;\n");
    work.write("h.h", "");
    work.write("text.i", "# 1 \"x.c\"\nint x;\n");
    work.write("before.d", "before: it\n");
    let outcome = run();
    let texts = ["", "out"].iter().flat_map(|directory| {
        let directory = work.src().join(directory);
        names_in(&directory).into_iter().map(move |name| (name.clone(), directory.join(name)))
    });
    let texts = texts.filter(|(_, path)| path.is_file());
    let texts = texts.map(|(name, path)| {
        let shown = if name.ends_with(".o") { String::new() } else { fs::read_to_string(&path).unwrap() };
        (name, shown)
    });
    (outcome.code(), outcome.out(), outcome.err(), texts.collect())
}

const OBJECT: &[&str] = &["x.c", "-o", "out/x.o"];
const BESIDE_A_RULE_OF_ITS_OWN: &[&str] = &["x.c", "-MMD", "-o", "out/x.o"];
const BAD: &[&str] = &["bad.c"];

/// What is asked for, of which command, and whether a job for it is served.
const CASES: &[(&str, &str, &[&str], bool)] = &[
    ("DEPENDENCIES_OUTPUT", "dep.d", OBJECT, true),
    ("DEPENDENCIES_OUTPUT", "dep.d", &["x.c"], true),
    ("DEPENDENCIES_OUTPUT", "dep.d", BESIDE_A_RULE_OF_ITS_OWN, true),
    ("DEPENDENCIES_OUTPUT", "dep.d", BAD, false),
    ("DEPENDENCIES_OUTPUT", "dep.d", &["text.i"], false),
    ("SUNPRO_DEPENDENCIES", "dep.d", &["text.i"], false),
    ("DEPENDENCIES_OUTPUT", "dep.d tgt", OBJECT, true),
    ("DEPENDENCIES_OUTPUT", "dep.d  a b", OBJECT, true),
    ("DEPENDENCIES_OUTPUT", "before.d", OBJECT, true),
    ("DEPENDENCIES_OUTPUT", "-", OBJECT, true),
    // What cannot be opened is noticed when the object has come, and not left behind.
    ("DEPENDENCIES_OUTPUT", "/nowhere/x.d", OBJECT, true),
    ("SUNPRO_DEPENDENCIES", "dep.d", OBJECT, true),
    ("SUNPRO_DEPENDENCIES", "dep.d tgt", &["x.c"], true),
    ("SUNPRO_DEPENDENCIES", "before.d", BAD, false),
];

/// Directly, there, and here after a host that is dead.
#[track_caller]
fn check(compiler: &str) -> usize {
    let work = Workdir::new();
    let daemon = Distccd::start(&Setup::of(DISTCCD));
    let mut rules = 0;
    for (variable, value, words, _) in CASES {
        let words = [&[compiler, "-c"], *words].concat();
        let client = |hosts: &str| {
            let client = Client::new(DISTCC, &work, hosts).env(variable, value);
            client.env("DISTCC_LOG", "/dev/null").env("DISTCC_BACKOFF_PERIOD", "0")
        };
        let expected = left(&work, || client("").run_plain(&words));
        for hosts in [&daemon.host(), "127.0.0.1:1"] {
            let with_us = left(&work, || client(hosts).run(&words));
            assert_eq!(with_us, expected, "{variable}=\"{value}\" {words:?} with {hosts}");
        }
        rules += usize::from(expected.1.contains(": ") || expected.3.contains_key("dep.d"));
    }
    daemon.assert_served(CASES.iter().filter(|case| case.3).count());
    rules
}

#[test]
fn gcc_adds_each_rule_once() {
    assert!(check("gcc") >= 6, "gcc writes no rules");
}

/// clang 14 reads neither; whatever it does, it does the same with us.
#[test]
fn clang_does_with_us_what_it_does_without() {
    if need::program("clang", "install clang").is_some() {
        check("clang");
    }
}
