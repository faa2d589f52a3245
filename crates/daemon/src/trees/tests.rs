//! Trees on disk, job after job: each has exactly what its client sent, whatever was there before or was done to it.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::thread;
use std::time::SystemTime;

use proptest::prelude::*;
use protocol::{Content, FileEntry, MARKER};
use tempfile::TempDir;

use super::*;
use crate::view::Root;

/// A place for trees, and something beside it that nothing may touch.
struct Site {
    parent: TempDir,
    workspaces: Workspaces,
    trees: Trees,
}

/// What the server has that clients ask for.
const SYSTEM: &str = "/usr/include>../../../usr/include";

impl Site {
    fn new() -> Site {
        let parent = tempfile::tempdir().unwrap();
        fs::create_dir(parent.path().join("jobs")).unwrap();
        fs::write(parent.path().join("canary"), "alive").unwrap();
        let workspaces = Workspaces::open(Some(&parent.path().join("jobs"))).unwrap();
        Site { parent, workspaces, trees: Trees::new(1) }
    }

    fn take(&self, kind: Kind, entries: Vec<FileEntry>) -> Result<Tree<'_>, Trouble> {
        let names = Names::new(&Root::here(), Path::new("/p"), entries, Path::new("/usr/bin/cc")).unwrap();
        self.trees.take(names, kind, &self.workspaces, &Limits::default())
    }

    fn tree(&self, kind: Kind, lines: &[&str]) -> Tree<'_> {
        self.take(kind, lines.iter().map(|line| entry(line)).collect()).unwrap()
    }

    fn jobs(&self) -> PathBuf {
        self.parent.path().join("jobs")
    }

    /// How many files the store of the only base has.
    fn stored(&self) -> usize {
        let base = fs::read_dir(self.jobs()).unwrap().next().unwrap().unwrap();
        fs::read_dir(base.path().join("store")).unwrap().count()
    }
}

/// One name: `/a.c=text`, `/link>target`, or `/directory/` for a marker.
fn entry(line: &str) -> FileEntry {
    let (name, content) = match (line.split_once('='), line.split_once('>')) {
        (Some((name, text)), _) => (name.into(), Content::File(protocol::pack_file(text.as_bytes()))),
        (None, Some((name, target))) => (name.into(), Content::Link(target.into())),
        (None, None) => (Path::new(line).join(MARKER), Content::File(Vec::new())),
    };
    FileEntry { name, content }
}

/// All that is below `root`, a line each, in order.
fn listed(root: &Path) -> String {
    fn list(directory: &Path, name: &str, lines: &mut Vec<String>) {
        for entry in fs::read_dir(directory).unwrap().map(Result::unwrap) {
            let (path, kind) = (entry.path(), entry.file_type().unwrap());
            let name = format!("{name}/{}", entry.file_name().display());
            if kind.is_dir() {
                lines.push(format!("{name}/"));
                list(&path, &name, lines);
            } else if kind.is_symlink() {
                lines.push(format!("{name}>{}", fs::read_link(path).unwrap().display()));
            } else {
                lines.push(format!("{name}={}", fs::read_to_string(path).unwrap()));
            }
        }
    }
    let mut lines = Vec::new();
    list(root, "", &mut lines);
    lines.sort();
    lines.join(" ")
}

const JOBS: &[(&[&str], &str)] = &[
    (&["/p/a.c=x"], "/p/ /p/a.c=x"),
    (&["/p/a.c=x"], "/p/ /p/a.c=x"),
    (&["/p/a.c=y", "/p/b.h=z"], "/p/ /p/a.c=y /p/b.h=z"),
    (&["/p/a.c=x", "/p/b.h/c.h=z"], "/p/ /p/a.c=x /p/b.h/ /p/b.h/c.h=z"),
    (&["/p/a.c=x", "/p/b.h>/q/c.h"], "/p/ /p/a.c=x /p/b.h>../q/c.h"),
    (&["/p/a.c=x", "/p/b.h>/q/d.h", "/q/"], "/p/ /p/a.c=x /p/b.h>../q/d.h /q/"),
    (&["/p/b.h=", "/q/e/f/g.h=x", "/q/e/f/h.h=x"], "/p/ /p/b.h= /q/ /q/e/ /q/e/f/ /q/e/f/g.h=x /q/e/f/h.h=x"),
    (&["/q/e>/p"], "/p/ /q/ /q/e>../p"),
    (&[], "/p/"),
];

#[test]
fn each_job_has_what_its_client_sent() {
    for kind in [Kind::ReadOnly, Kind::Writable] {
        let site = Site::new();
        for _ in 0..3 {
            for (lines, expected) in JOBS {
                let tree = site.tree(kind, lines);
                assert_eq!(listed(tree.root()), *expected, "{kind:?}");
                assert_eq!(tree.directory(), tree.root().join("p"));
            }
        }
        assert_eq!(site.trees.state().idle.len(), 1, "one after the other, one tree is enough");
        let Site { parent, trees, .. } = site;
        drop(trees);
        assert_eq!(listed(parent.path()), "/canary=alive /jobs/");
    }
}

#[test]
fn system_directories_are_empty_or_the_servers() {
    let site = Site::new();
    let tree = site.tree(Kind::ReadOnly, &[SYSTEM]);
    assert_eq!(listed(tree.root()), "/p/ /usr/ /usr/include/");
    let tree = site.tree(Kind::Writable, &[SYSTEM]);
    assert_eq!(listed(tree.root()), "/p/ /usr/ /usr/include>/usr/include");
    drop(tree);
    assert_eq!(listed(site.tree(Kind::Writable, &[]).root()), "/p/");
    assert!(Path::new("/usr/include").is_dir());
}

#[test]
fn jobs_at_the_same_time_have_their_own() {
    let site = Site::new();
    let first = site.tree(Kind::ReadOnly, &["/p/a.c=x", "/p/h.h=h"]);
    let second = site.tree(Kind::ReadOnly, &["/p/b.c=x", "/p/h.h=h"]);
    assert_eq!(listed(first.root()), "/p/ /p/a.c=x /p/h.h=h");
    assert_eq!(listed(second.root()), "/p/ /p/b.c=x /p/h.h=h");
    let header = |tree: &Tree| fs::metadata(tree.root().join("p/h.h")).unwrap();
    assert_eq!(header(&first).ino(), header(&second).ino(), "it is kept once");
    assert_eq!(site.stored(), 3);
}

/// Compilers take files of one inode, and gcc those of one length, content and second, for one file.
#[test]
fn no_two_names_are_one_file() {
    let site = Site::new();
    for kind in [Kind::ReadOnly, Kind::Writable] {
        let tree = site.tree(kind, &["/p/a/impl.h=x", "/p/b/impl.h=x", "/p/c/impl.h=x"]);
        let found = ["a", "b", "c"]
            .map(|name| fs::metadata(tree.root().join("p").join(name).join("impl.h")).unwrap());
        for (at, one) in found.iter().enumerate() {
            assert_eq!(one.mode() & 0o7777, 0o444);
            assert!(one.modified().unwrap() < SystemTime::now());
            for other in &found[at + 1..] {
                assert!(one.ino() != other.ino() && one.mtime() != other.mtime(), "{kind:?}");
            }
        }
    }
}

/// What `do_something` does to a tree that its compiler may write, the next job does not see.
#[track_caller]
fn check_touched(do_something: impl Fn(&Path)) {
    const LINES: &[&str] = &["/p/a.h=text", "/p/l>/q", "/q/b.h=more", SYSTEM];
    let site = Site::new();
    let tree = site.tree(Kind::Writable, LINES);
    let expected = listed(tree.root());
    do_something(tree.root());
    drop(tree);
    let tree = site.tree(Kind::Writable, LINES);
    assert_eq!(listed(tree.root()), expected);
    drop(tree);
    site.trees.forget();
    assert_eq!(listed(site.parent.path()), "/canary=alive /jobs/");
}

#[test]
fn what_a_compiler_did_to_its_tree_is_undone() {
    let write = |path: PathBuf, text: &str| {
        let times = fs::metadata(&path).unwrap().modified().unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        fs::write(&path, text).unwrap();
        File::options().write(true).open(&path).unwrap().set_modified(times).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o444)).unwrap();
    };
    check_touched(|_| ());
    check_touched(|root| write(root.join("p/a.h"), "evil"));
    check_touched(|root| fs::write(root.join("p/new.h"), "evil").unwrap());
    check_touched(|root| fs::create_dir_all(root.join("new/deep")).unwrap());
    check_touched(|root| fs::remove_file(root.join("q/b.h")).unwrap());
    check_touched(|root| fs::remove_dir_all(root.join("q")).unwrap());
    check_touched(|root| {
        fs::remove_file(root.join("p/l")).unwrap();
        symlink("/etc", root.join("p/l")).unwrap();
    });
    check_touched(|root| {
        fs::remove_file(root.join("usr/include")).unwrap();
        symlink("/etc", root.join("usr/include")).unwrap();
    });
    check_touched(|root| {
        fs::rename(root.join("q"), root.join("p/moved")).unwrap();
        symlink("p/moved", root.join("q")).unwrap();
    });
    check_touched(|root| {
        fs::rename(root.join("p/a.h"), root.join("a")).unwrap();
        fs::rename(root.join("q/b.h"), root.join("p/a.h")).unwrap();
        fs::rename(root.join("a"), root.join("q/b.h")).unwrap();
    });
    check_touched(|root| fs::set_permissions(root.join("p"), Permissions::from_mode(0o0)).unwrap());
    check_touched(|root| {
        // Into the tree's place comes a link to where others have files of the same names.
        let elsewhere = root.parent().unwrap().join("elsewhere");
        fs::rename(root, &elsewhere).unwrap();
        symlink(&elsewhere, root).unwrap();
    });
    check_touched(|root| fs::remove_dir_all(root.parent().unwrap()).unwrap());
}

#[test]
fn what_was_not_touched_is_used_again() {
    for kind in [Kind::ReadOnly, Kind::Writable] {
        let site = Site::new();
        let header = |tree: &Tree| fs::metadata(tree.root().join("p/a.h")).unwrap();
        let tree = site.tree(kind, &["/p/a.h=text"]);
        let first = header(&tree);
        drop(tree);
        let tree = site.tree(kind, &["/p/a.h=text", "/p/other.h=x"]);
        let again = header(&tree);
        assert_eq!((first.ino(), first.ctime_nsec()), (again.ino(), again.ctime_nsec()), "{kind:?}");
        if kind == Kind::Writable {
            // Whatever a compiler does to it leaves a trace.
            fs::set_permissions(tree.root().join("p/a.h"), again.permissions()).unwrap();
            assert_ne!(header(&tree).ctime_nsec(), again.ctime_nsec());
        }
    }
}

#[test]
fn trees_that_were_removed_are_made_anew() {
    for kind in [Kind::ReadOnly, Kind::Writable] {
        let site = Site::new();
        drop(site.tree(kind, &["/p/a.h=x", "/p/b.h=y"]));
        for entry in fs::read_dir(site.jobs()).unwrap() {
            fs::remove_dir_all(entry.unwrap().path()).unwrap();
        }
        let tree = site.tree(kind, &["/p/a.h=x", "/p/c.h=z"]);
        assert_eq!(listed(tree.root()), "/p/ /p/a.h=x /p/c.h=z", "{kind:?}");
    }
}

#[test]
fn damaged_and_endless_files_leave_nothing() {
    for kind in [Kind::ReadOnly, Kind::Writable] {
        let site = Site::new();
        drop(site.tree(kind, &["/p/a.h=x", "/p/z.h=y"]));
        let file = |name: &str, body: Vec<u8>| FileEntry { name: name.into(), content: Content::File(body) };
        // One byte, then a match of it that each zero makes 255 bytes longer.
        let bomb = |zeros: usize| [&b"\x12a\x20"[..], &vec![0; zeros], b"\x01\0\0\x11\0\0"].concat();
        let check = |entries: Vec<FileEntry>, limit: usize, expected: &str| {
            let names =
                Names::new(&Root::here(), Path::new("/p"), entries, Path::new("/usr/bin/cc")).unwrap();
            let limits = Limits { unpacked_bytes: limit, ..Limits::default() };
            match site.trees.take(names, kind, &site.workspaces, &limits) {
                Err(Trouble::Bad(reason)) => assert_eq!(reason, expected),
                other => panic!("{other:?}"),
            }
        };
        check(vec![entry("/p/a.h=x"), file("/p/b.h", b"plain".into())], 1000, "bad LZO data, cut short");
        check(vec![file("/p/b.h", bomb(1000))], 200_000, "compressed body of more than 200000 bytes");
        let many = (0..9).map(|at| file(&format!("/p/{at}.h"), bomb(100))).collect();
        check(many, 100_000, "compressed body of more than 23395 bytes");
        let tree = site.tree(kind, &["/p/a.h=x", "/p/b.h=y"]);
        assert_eq!(listed(tree.root()), "/p/ /p/a.h=x /p/b.h=y");
        drop(tree);
        site.trees.forget();
        assert_eq!(listed(site.parent.path()), "/canary=alive /jobs/");
    }
}

#[test]
fn what_is_kept_is_bounded() {
    let site = Site::new();
    let text = "x".repeat(100_000);
    let line = |at: usize| format!("/p/{at}.h={at}{text}");
    let mut base = Base::make(&site.workspaces).unwrap();
    base.budget = 350_000;
    site.trees.state().base = Some(Arc::new(base));
    for at in 0..20 {
        drop(site.tree(Kind::ReadOnly, &[&line(at)]));
    }
    assert_eq!(site.stored(), 3, "the rest was not used for the longest time");
    // What a job has stays as long as the job, and no longer.
    let lines: Vec<String> = (0..10).map(line).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let tree = site.tree(Kind::ReadOnly, &lines);
    assert!(site.stored() >= 10);
    drop(tree);
    assert!(site.stored() <= 3);
    let trees: Vec<Tree> = (0..20).map(|at| site.tree(Kind::ReadOnly, &[&line(at)])).collect();
    drop(trees);
    assert!(site.trees.state().idle.len() <= 3);
}

#[test]
fn many_names_are_quickly_there_and_gone() {
    let site = Site::new();
    let entries = |count: usize| (0..count).map(|at| entry(&format!("/p/{}/{at}.h=x", at % 100))).collect();
    for count in [1500, 5] {
        let tree = site.take(Kind::ReadOnly, entries(count)).unwrap();
        let found = (0..100).filter_map(|at| fs::read_dir(tree.root().join("p").join(at.to_string())).ok());
        assert_eq!(found.map(Iterator::count).sum::<usize>(), count);
    }
}

#[test]
fn many_jobs_at_once() {
    let site = Site::new();
    let shared: Vec<String> = (0..50).map(|at| format!("/p/inc/{at}.h={at}")).collect();
    thread::scope(|scope| {
        for job in 0..4 {
            let (site, shared) = (&site, &shared);
            scope.spawn(move || {
                for round in 0..20 {
                    let own = format!("/p/{job}.c={round}");
                    let lines: Vec<&str> = shared.iter().chain([&own]).map(String::as_str).collect();
                    let kind = if (job + round) % 3 == 0 { Kind::Writable } else { Kind::ReadOnly };
                    let tree = site.tree(kind, &lines);
                    let mut expected: Vec<String> = lines.iter().map(ToString::to_string).collect();
                    expected.extend(["/p/".to_owned(), "/p/inc/".to_owned()]);
                    expected.sort();
                    assert_eq!(listed(tree.root()), expected.join(" "));
                }
            });
        }
    });
    site.trees.forget();
    assert_eq!(listed(site.parent.path()), "/canary=alive /jobs/");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20, failure_persistence: None, ..ProptestConfig::default() })]

    /// A tree made by difference is the one that is made from nothing.
    #[test]
    fn any_job_after_any_other(
        jobs in prop::collection::vec(
            prop::collection::vec("/[ab](/[ab]){0,2}(=[xy]?|>/[ab]/[ab]|/)", 0..7), 2..6),
    ) {
        for kind in [Kind::ReadOnly, Kind::Writable] {
            let (kept, mut taken) = (Site::new(), 0);
            for lines in &jobs {
                let entries = || lines.iter().map(|line| entry(line)).collect();
                if Names::new(&Root::here(), Path::new("/p"), entries(), Path::new("/usr/bin/cc")).is_err() {
                    continue;
                }
                taken += 1;
                let fresh = Site::new();
                let expected = listed(fresh.take(kind, entries()).unwrap().root());
                assert_eq!(listed(kept.take(kind, entries()).unwrap().root()), expected);
            }
            assert_eq!(kept.trees.state().idle.len(), taken.min(1));
        }
    }
}

#[test]
fn a_dead_daemons_trees_are_swept() {
    let site = Site::new();
    drop(site.tree(Kind::ReadOnly, &["/p/a.h=x"]));
    let dead = site.jobs().join("distccd-1-77");
    fs::create_dir_all(dead.join("0/p")).unwrap();
    fs::write(dead.join("0/p/a.h"), "x").unwrap();
    let _next = Workspaces::open(Some(&site.jobs())).unwrap();
    assert!(!dead.exists());
    assert_eq!(listed(site.tree(Kind::ReadOnly, &["/p/a.h=x"]).root()), "/p/ /p/a.h=x");
}
