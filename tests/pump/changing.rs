//! Headers that come, change and go between the jobs of one include server: never a stale compile. Knows nothing of how an
//! include server remembers.

use std::fs::{self, File, FileTimes};
use std::os::unix::fs::symlink;
use std::path::Path;

use test_hosts::objects::assert_same_bytes;
use test_hosts::workdir::Workdir;
use test_hosts::{C_DISTCC, need};

use crate::OURS;
use crate::farm::Farm;

const SOURCE: &str = r#"
#include "near.h"
#include <far.h>
#if __has_include("gen.h")
#include "gen.h"
#else
#define GEN 0
#endif
int values[] = {NEAR, FAR, GEN};
const char *file = NEAR_FILE;
"#;
const GCC: &[&str] = &["gcc", "-O2", "-Iearly", "-Ilate", "-c", "x.c", "-o", "x.o"];

/// What happens to the tree before a job.
type Step = (&'static str, fn(&Path));

/// Each follows the one before at once, so that neither times nor sizes need differ.
const STEPS: &[Step] = &[
    ("as it is", |_| ()),
    ("again", |_| ()),
    ("a header is changed, not its size", |tree| write(tree, "near.h", &near(2))),
    ("a header is changed, neither its size nor its date", |tree| {
        let before = fs::metadata(tree.join("near.h")).expect("a file of ours").modified().expect("a date");
        write(tree, "near.h", &near(3));
        let file = File::options().write(true).open(tree.join("near.h")).expect("a file of ours");
        file.set_times(FileTimes::new().set_modified(before)).expect("a file of ours");
    }),
    ("a header is generated", |tree| write(tree, "gen.h", "#define GEN 7\n")),
    ("a header is removed", |tree| fs::remove_file(tree.join("gen.h")).expect("a file of ours")),
    ("a header is exchanged by renaming", |tree| {
        write(tree, "new.h", &near(4));
        fs::rename(tree.join("new.h"), tree.join("near.h")).expect("files of ours");
    }),
    ("a header is replaced by a link", |tree| {
        write(tree, "elsewhere/near.h", &near(5));
        fs::remove_file(tree.join("near.h")).expect("a file of ours");
        symlink("elsewhere/near.h", tree.join("near.h")).expect("a directory of ours");
    }),
    ("the link leads elsewhere", |tree| {
        write(tree, "elsewhere/more.h", &near(6));
        fs::remove_file(tree.join("near.h")).expect("a link of ours");
        symlink("elsewhere/more.h", tree.join("near.h")).expect("a directory of ours");
    }),
    ("a header is shadowed by one in an earlier directory", |tree| {
        write(tree, "early/far.h", "#define FAR 20\n");
    }),
    ("the shadow goes", |tree| fs::remove_file(tree.join("early/far.h")).expect("a file of ours")),
    ("a directory is in the way", |tree| {
        fs::create_dir(tree.join("early/far.h")).expect("a directory of ours");
    }),
    ("a directory is exchanged for a link", |tree| {
        write(tree, "later/far.h", "#define FAR 30\n");
        fs::rename(tree.join("late"), tree.join("late.before")).expect("a directory of ours");
        symlink("later", tree.join("late")).expect("a directory of ours");
    }),
    ("a needed header is removed", |tree| fs::remove_file(tree.join("later/far.h")).expect("a file of ours")),
    ("it comes back", |tree| write(tree, "later/far.h", "#define FAR 31\n")),
    ("the source is changed", |tree| write(tree, "x.c", &SOURCE.replace("NEAR,", "NEAR, NEAR,"))),
    ("the source is replaced by a link", |tree| {
        fs::rename(tree.join("x.c"), tree.join("elsewhere/x.c")).expect("a file of ours");
        symlink("elsewhere/x.c", tree.join("x.c")).expect("a directory of ours");
    }),
];

#[test]
fn on_our_daemon_in_a_namespace() {
    check(OURS.distccd, &["--pump=namespace"]);
}

#[test]
fn on_our_daemon_in_a_mirror() {
    check(OURS.distccd, &["--pump=mirror"]);
}

#[test]
fn on_the_c_daemon() {
    if need::c_distcc().is_some() {
        check(C_DISTCC.distccd, &[]);
    }
}

#[track_caller]
fn check(distccd: &str, words: &[&str]) {
    let work = Workdir::new();
    let tree = work.src();
    for name in ["early", "late", "elsewhere", "later"] {
        fs::create_dir(tree.join(name)).expect("a directory of ours");
    }
    write(&tree, "x.c", SOURCE);
    write(&tree, "near.h", &near(1));
    write(&tree, "late/far.h", "#define FAR 10\n");
    let farm = Farm::start(distccd, words);
    let client = farm.strict_client(OURS, &work);
    let mut sent = 0;
    for (name, change) in STEPS {
        change(&tree);
        let here = client.run_plain(GCC);
        let _ = fs::rename(tree.join("x.o"), tree.join("here.o"));
        let there = client.run(GCC);
        assert_eq!((there.code(), there.err()), (here.code(), here.err()), "{name}");
        if here.code() == Some(0) {
            assert_same_bytes(&tree.join("x.o"), &tree.join("here.o"));
            sent += 1;
            assert_eq!(farm.came(), (sent, 0), "{name}");
        }
        let _ = fs::remove_file(tree.join("x.o"));
    }
}

fn near(value: u8) -> String {
    format!("#define NEAR {value}\n#define NEAR_FILE __FILE__\n")
}

fn write(tree: &Path, name: &str, text: &str) {
    fs::write(tree.join(name), text).expect("a directory of ours");
}
