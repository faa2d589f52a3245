//! Projects that change between two compiles: the scanner that knows the former state says what is read now. Knows nothing of
//! how long anything may be remembered.

use std::collections::BTreeSet;
use std::fs;
use std::fs::{File, FileTimes};
use std::path::Path;

use include_scan::{Budget, Scanner};
use test_hosts::need;

use crate::generator::project;
use crate::job::Job;
use crate::proof::{complaints, differences, expect_none};
use crate::reading::{Manner, read_by_compiler};
use crate::scene::{Scene, Thing};

/// What happens to one name.
enum Change {
    /// A file is written under another name and moved here; its time is that of what was here.
    File(&'static str),
    /// The file that is here is overwritten, and keeps its time.
    InPlace(&'static str),
    Link(&'static str),
    Directory,
    Gone,
    /// Moved away under this name.
    To(&'static str),
}
use Change::{Directory, File as NewFile, Gone, InPlace, Link, To};

/// A build in the life of a project that is compiled with `-Ia -Ib -Inew -iquote q`.
const STEPS: &[(&str, &[(&str, Change)])] = &[
    (
        "the first build",
        &[
            ("x.c", NewFile("#include \"h.h\"\n#include <g.h>\n#if __has_include(<p.h>)\n#endif\n")),
            ("b/h.h", NewFile("#include \"one.h\"\n")),
            ("b/g.h", NewFile("")),
            ("b/one.h", NewFile("")),
            ("b/two.h", NewFile("")),
            ("a", Directory),
        ],
    ),
    ("the same size, the same second, another file", &[("b/h.h", NewFile("#include \"two.h\"\n"))]),
    ("the same size, the same second, the same file", &[("b/h.h", InPlace("#include \"one.h\"\n"))]),
    ("shadowed in an earlier directory", &[("a/h.h", NewFile("// a"))]),
    ("shadowed beside the source", &[("h.h", NewFile("#include <two.h>\n"))]),
    ("no longer beside the source", &[("h.h", Gone)]),
    ("removed from the earlier directory", &[("a/h.h", Gone)]),
    ("replaced by a link", &[("b/h.h", Gone), ("b/h.h", Link("two.h"))]),
    (
        "the link leads elsewhere",
        &[("b/h.h", Link("../far/h.h")), ("far/h.h", NewFile("#include <one.h>\n"))],
    ),
    ("the target changes", &[("far/h.h", InPlace("#include <two.h>\n"))]),
    ("the target is gone, and another directory has one", &[("far/h.h", Gone), ("new/h.h", NewFile(""))]),
    ("the target is back", &[("far/h.h", NewFile("// far"))]),
    ("probed for, and now there", &[("a/p.h", NewFile(""))]),
    ("probed for, and now elsewhere", &[("a/p.h", To("b/p.h"))]),
    ("probed for, and gone", &[("b/p.h", Gone)]),
    ("a directory moves", &[("b", To("new/b")), ("b", Link("new/b"))]),
    (
        "another directory in its place",
        &[("other/h.h", NewFile("")), ("other/g.h", NewFile("")), ("b", Link("other"))],
    ),
    ("a header becomes a directory", &[("a/h.h", Directory)]),
    ("and a header again", &[("a/h.h", NewFile("#include <g.h>\n"))]),
    ("a directory for quotes appears", &[("q/h.h", NewFile("// q"))]),
    ("and is a link to another", &[("q", Link("a"))]),
    ("the source changes", &[("x.c", InPlace("#include <g.h>\n"))]),
    ("a directory is removed", &[("new", Gone), ("q", Gone)]),
    (
        "and made again",
        &[
            ("new/h.h", NewFile("")),
            ("x.c", NewFile("#include <h.h>\n#include <new.h>\n")),
            ("new/new.h", NewFile("")),
        ],
    ),
];

#[test]
fn changes_between_compiles_are_seen() {
    let Some(strace) = need::program("strace", "install strace") else { return };
    let scanner = Scanner::new(Budget { bytes: 16 << 20 });
    let scene = Scene::new();
    let job = Job::new(&scene.root(), ["gcc", "-Ia", "-Ib", "-Inew", "-iquote", "q", "-c", "x.c"]);
    let mut found = Vec::new();
    for (what, changes) in STEPS {
        for (name, change) in *changes {
            make(&scene, name, change);
        }
        let wrong = complaints(&scanner, &job, &strace, &BTreeSet::new());
        found.extend(wrong.into_iter().map(|complaint| format!("{what}: {complaint}")));
    }
    expect_none(&found);
}

/// One project's files are replaced by those of another, some at a time.
#[test]
fn random_projects_turn_into_others() {
    let Some(strace) = need::program("strace", "install strace") else { return };
    let scanner = Scanner::new(Budget { bytes: 16 << 20 });
    let mut found = Vec::new();
    for number in 100_000..100_010 {
        let scene = Scene::new();
        let first = project(number);
        for (name, thing) in &first.things {
            scene.put(name.as_bytes(), thing);
        }
        let switches = first.switches.iter().map(String::as_str);
        let job = Job::new(&scene.root(), ["gcc"].into_iter().chain(switches).chain(["-w", "-c", "x.c"]));
        let others = project(number + 1000).things;
        for part in 0..6 {
            if let Ok(reading) = read_by_compiler(&job, &strace, Manner::Preprocess) {
                let wrong = differences(&scanner, &job, &reading, &BTreeSet::new());
                found
                    .extend(wrong.into_iter().map(|complaint| format!("{number}, part {part}: {complaint}")));
            }
            for (name, thing) in
                others.iter().skip(part).step_by(6).filter(|(_, thing)| matches!(thing, Thing::File(_)))
            {
                scene.put(name.as_bytes(), thing);
            }
        }
    }
    expect_none(&found);
}

fn make(scene: &Scene, name: &str, change: &Change) {
    let path = scene.path(name.as_bytes());
    match change {
        NewFile(text) => {
            let before = path.metadata().and_then(|found| found.modified());
            let fresh = scene.path(b"being-written");
            fs::write(&fresh, text).expect("a file of ours");
            if let Ok(time) = before {
                set_time(&fresh, time);
            }
            fs::create_dir_all(path.parent().expect("below the scene")).expect("directories of ours");
            if path.is_dir() {
                scene.remove(name.as_bytes());
            }
            fs::rename(fresh, path).expect("files of ours");
        }
        InPlace(text) => {
            let before = path.metadata().and_then(|found| found.modified()).expect("a file of ours");
            fs::write(&path, text).expect("a file of ours");
            set_time(&path, before);
        }
        Link(target) => scene.put(name.as_bytes(), &Thing::Link(target.as_bytes().to_vec())),
        Directory => scene.put(name.as_bytes(), &Thing::Directory),
        Gone => scene.remove(name.as_bytes()),
        To(place) => {
            let place = scene.path(place.as_bytes());
            fs::create_dir_all(place.parent().expect("below the scene")).expect("directories of ours");
            fs::rename(path, place).expect("files of ours");
        }
    }
}

fn set_time(path: &Path, time: std::time::SystemTime) {
    let file = File::options().append(true).open(path).expect("a file of ours");
    file.set_times(FileTimes::new().set_modified(time)).expect("a file of ours");
}
