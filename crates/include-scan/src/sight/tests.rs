//! Views of real directories: what is found, what is then sent, and what later jobs notice.

use super::*;
use crate::closure::{Closure, Entry};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};
use tempfile::TempDir;

/// Makes `dir/file.h`, `dir/` and `link -> target`.
fn tree(things: &[&str]) -> (TempDir, PathBuf) {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().canonicalize().unwrap();
    for thing in things {
        let (name, target) = thing.split_once(" -> ").unwrap_or((thing, ""));
        let name = path.join(name);
        if target.is_empty() && thing.ends_with('/') {
            fs::create_dir_all(name).unwrap();
            continue;
        }
        fs::create_dir_all(name.parent().unwrap()).unwrap();
        if target.is_empty() {
            fs::write(name, thing).unwrap();
        } else {
            symlink(target, name).unwrap();
        }
    }
    (root, path)
}

/// Makes directories look as if nothing had been done to them for a while; their ctime cannot be set, so this waits.
fn let_it_settle() {
    std::thread::sleep(Duration::from_millis(2100));
}

/// Finds names from a directory below `root`; what is sent then, in words, names relative to `root`.
fn look(memory: &Memory, root: &Path, directory: &str, names: &[&str]) -> Result<Vec<String>, &'static str> {
    let mut sight = Sight::new(memory, Dialect::default(), &root.join(directory)).map_err(|why| why.code)?;
    let here = sight.working_directory();
    for name in names {
        sight.find(here, name.as_bytes()).map_err(|why| why.code)?;
    }
    let closure = Closure::of(&mut sight, &[]).map_err(|why| why.code)?;
    let short = |name: &Path| match name.strip_prefix(root) {
        Ok(rest) if rest == Path::new("") => ".".to_owned(),
        Ok(rest) => rest.display().to_string(),
        Err(_) => name.display().to_string(),
    };
    let shown = closure.entries.iter().map(|entry| match entry {
        Entry::File { name, .. } => short(name),
        Entry::SystemDirectory { name } => format!("system {}", short(name)),
        Entry::Link { name, target } => format!("{} -> {}", short(name), short(target)),
        Entry::Directory { name } => format!("{}/", short(name)),
    });
    Ok(shown.collect())
}

#[track_caller]
fn check(things: &[&str], directory: &str, names: &[&str], expected: Result<&[&str], &'static str>) {
    let (_held, root) = tree(things);
    let memory = Memory::default();
    let expected = expected.map(|lines| lines.iter().map(ToString::to_string).collect::<Vec<_>>());
    // The second job sees the same through what the first one has left.
    for job in ["first", "second"] {
        assert_eq!(look(&memory, &root, directory, names), expected, "{job}: {names:?} from {directory:?}");
    }
}

#[test]
fn plain_names_are_found_where_they_are() {
    check(&["a/x.h"], "a", &["x.h", "./x.h", ".//x.h", "../a/x.h"], Ok(&["a/x.h", "a/"]));
    check(&["a/x.h", "b/"], "b", &["../a/x.h"], Ok(&["a/x.h", "b/"]));
    check(&["x.h"], "", &["y.h", "x.h/", "x.h/.", "x.h/..", "x.h/../x.h", "", "no/../x.h"], Ok(&["./"]));
    check(&["a b/ä\u{301}.h"], "", &["a b/ä\u{301}.h"], Ok(&["a b/ä\u{301}.h", "./"]));
    check(&["x.h/"], "", &["x.h"], Ok(&["./"]));
}

#[test]
fn links_are_followed_as_the_kernel_follows_them() {
    check(&["a/b/x.h", "a/w.h", "l -> a/b"], "", &["l/x.h"], Ok(&["a/b/x.h", "l -> a/b", "./"]));
    check(
        &["a/b/x.h", "a/w.h", "w.h", "l -> a/b"],
        "",
        &["l/../w.h"],
        Ok(&["a/w.h", "l -> a/b", "./", "a/b/"]),
    );
    check(&["r/x.h", "x.h -> r/y.h", "r/y.h -> x.h"], "", &["x.h"], Ok(&["r/x.h", "x.h -> r/x.h", "./"]));
    check(
        &["real/x.h", "spelled -> real"],
        "spelled",
        &["x.h"],
        Ok(&["real/x.h", "spelled -> real", "real/"]),
    );
    check(&["x.h -> nowhere"], "", &["x.h"], Ok(&["./"]));
    check(&["x.h -> x.h"], "", &["x.h"], Err("unreadable"));
    check(&["a/x.h", "l -> a"], "", &["a/x.h"], Ok(&["a/x.h", "./"]));
}

#[test]
fn directories_that_are_only_walked_through_are_sent() {
    check(&["x/", "y.h"], "", &["x/../y.h"], Ok(&["y.h", "./", "x/"]));
}

#[test]
fn what_cannot_be_promised_is_said() {
    check(&["x.h", "x.h.gch/"], "", &["x.h"], Err("precompiled-header"));
    check(&["x.h"], "nowhere", &["x.h"], Err("directory"));
    let (_held, root) = tree(&["x.h"]);
    fs::hard_link(root.join("x.h"), root.join("y.h")).unwrap();
    assert_eq!(look(&Memory::default(), &root, "", &["x.h", "y.h"]), Err("hard-link"));
    let pipe = root.join("pipe.h");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0)
        .unwrap();
    assert_eq!(look(&Memory::default(), &root, "", &["pipe.h"]), Err("not-a-file"));
}

#[test]
fn names_are_bytes_and_may_be_too_long() {
    let (_held, root) = tree(&[]);
    let odd = OsStr::from_bytes(b"\xff\n.h");
    fs::write(root.join(odd), "").unwrap();
    let memory = Memory::default();
    let mut sight = Sight::new(&memory, Dialect::default(), &root).unwrap();
    let here = sight.working_directory();
    assert!(sight.find(here, b"\xff\n.h").unwrap().is_some());
    assert_eq!(sight.find(here, b"a\0b").unwrap(), None);
    assert_eq!(sight.find(here, &[b'x'; 300]).map_err(|why| why.code), Err("unreadable"));
}

#[test]
fn a_link_in_a_system_directory_cannot_be_sent() {
    let (_held, root) = tree(&["sys/in/x.h", "sys/l -> in", "sys/out -> ../mine", "mine/y.h"]);
    let memory = Memory::default();
    let sent = |name: &str| {
        let mut sight = Sight::new(&memory, Dialect::default(), &root).unwrap();
        let system = sight.own_directory(b"sys").unwrap().unwrap();
        sight.places.declare_system(system);
        sight.find(sight.working_directory(), name.as_bytes()).unwrap().unwrap();
        Closure::of(&mut sight, &[system]).map(|closure| closure.entries.len()).map_err(|why| why.code)
    };
    assert_eq!(sent("sys/l/x.h"), Ok(2), "the system directory and the working directory");
    assert_eq!(sent("sys/out/y.h"), Err("system-link"));
}

/// What a view of `root` reads in `name`; None where it finds nothing.
fn body(memory: &Memory, root: &Path, name: &str) -> Option<Vec<u8>> {
    let mut sight = Sight::new(memory, Dialect::default(), root).unwrap();
    let here = sight.working_directory();
    let found = sight.find(here, name.as_bytes()).unwrap()?;
    let kept = sight.kept(found.file, true).unwrap();
    Some(protocol::unpack(kept.body().unwrap(), 1 << 20).unwrap())
}

#[test]
fn a_change_is_seen_by_the_next_job() {
    let (_held, root) = tree(&["d/x.h", "e/"]);
    let memory = Memory::default();
    for settled in [false, true] {
        if settled {
            let_it_settle();
        }
        let check = |name: &str, expected: Option<&str>| {
            let found = body(&memory, &root, name);
            assert_eq!(found.as_deref(), expected.map(str::as_bytes), "{name}, settled: {settled}");
        };
        check("d/new.h", None);
        check("d/x.h", Some("d/x.h"));
        fs::write(root.join("d/new.h"), "1").unwrap();
        check("d/new.h", Some("1"));
        // The same size within the same tick of the file system's clock.
        fs::write(root.join("d/new.h"), "2").unwrap();
        check("d/new.h", Some("2"));
        fs::write(root.join("e/other.h"), "3").unwrap();
        fs::remove_file(root.join("d/new.h")).unwrap();
        symlink("../e/other.h", root.join("d/new.h")).unwrap();
        check("d/new.h", Some("3"));
        fs::rename(root.join("e"), root.join("f")).unwrap();
        check("d/new.h", None);
        check("e/other.h", None);
        fs::rename(root.join("f"), root.join("e")).unwrap();
        check("d/new.h", Some("3"));
        fs::remove_file(root.join("d/new.h")).unwrap();
        check("d/new.h", None);
    }
}

#[test]
fn a_file_with_the_times_of_another_is_another() {
    let (_held, root) = tree(&["x.h"]);
    let memory = Memory::default();
    let old = SystemTime::now() - Duration::from_secs(3600);
    let set = || fs::File::options().write(true).open(root.join("x.h")).unwrap().set_modified(old).unwrap();
    set();
    let_it_settle();
    assert_eq!(body(&memory, &root, "x.h").unwrap(), b"x.h");
    fs::write(root.join("x.h"), "y.h").unwrap();
    set();
    assert_eq!(body(&memory, &root, "x.h").unwrap(), b"y.h");
}

#[test]
fn a_crowded_directory_is_listed_and_no_name_is_lost() {
    let (_held, root) = tree(&[]);
    let names: Vec<String> = (0..200).map(|n| format!("h{n}.h")).collect();
    for name in names.iter().step_by(2) {
        fs::write(root.join(name), "").unwrap();
    }
    let memory = Memory::default();
    for round in 0..2 {
        let mut sight = Sight::new(&memory, Dialect::default(), &root).unwrap();
        let here = sight.working_directory();
        for (number, name) in names.iter().enumerate() {
            let found = sight.find(here, name.as_bytes()).unwrap().is_some();
            assert_eq!(found, number % 2 == 0, "{name} in round {round}");
        }
        if round == 0 {
            let_it_settle();
        }
    }
}

#[test]
fn what_is_not_used_goes_first_when_memory_is_short() {
    let (_held, root) = tree(&["a.h", "b.h"]);
    fs::write(root.join("a.h"), vec![b'a'; 1 << 20]).unwrap();
    fs::write(root.join("b.h"), noise(1 << 20)).unwrap();
    let_it_settle();
    let memory = Memory::default();
    body(&memory, &root, "b.h");
    let after_one = memory.bytes();
    body(&memory, &root, "a.h");
    let budget = crate::memory::Budget { bytes: after_one };
    assert!(memory.keep_within(budget) && memory.bytes() < after_one);
    assert_eq!(body(&memory, &root, "b.h").unwrap(), noise(1 << 20));
}

/// Bytes that do not pack.
fn noise(count: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        state.to_be_bytes()[0]
    };
    (0..count).map(|_| next()).collect()
}

/// A pseudo-random number below `bound`.
fn below(state: &mut u64, bound: usize) -> usize {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    usize::try_from(*state >> 33).unwrap() % bound
}

#[test]
fn random_paths_lead_where_the_kernel_goes() {
    const NAMES: [&str; 7] = ["a", "b", "c", "l", "m", "..", "."];
    let (_held, root) = tree(&["a/b/c", "b/c/a", "c/"]);
    let (mut state, memory, mut files, mut links) = (7, Memory::default(), 0, 0);
    let path = |state: &mut u64, names: usize| {
        let parts: Vec<&str> = (0..=below(state, 4)).map(|_| NAMES[below(state, names)]).collect();
        parts.join("/")
    };
    for round in 0..600 {
        // One change to the tree; most fail, which is fine.
        let place = root.join(path(&mut state, 5));
        match below(&mut state, 5) {
            0 => drop(fs::write(&place, [round as u8])),
            1 => drop(fs::create_dir(&place)),
            2 => drop(symlink(path(&mut state, 7), &place)),
            3 => drop(fs::remove_file(&place)),
            _ => drop(fs::rename(&place, root.join(path(&mut state, 5)))),
        }
        let mut sight = Sight::new(&memory, Dialect::default(), &root).unwrap();
        let here = sight.working_directory();
        for _ in 0..40 {
            let name = path(&mut state, 7);
            let expected = root.join(&name);
            let found = match sight.find(here, name.as_bytes()) {
                Ok(found) => found.map(|found| sight.places.file_name(found.file)),
                Err(why) => {
                    let error = fs::metadata(&expected).expect_err(why.code);
                    assert_eq!(error.raw_os_error(), Some(rustix::io::Errno::LOOP.raw_os_error()), "{name}");
                    continue;
                }
            };
            let expected = expected.is_file().then(|| expected.canonicalize().unwrap().into_os_string());
            assert_eq!(found.as_deref().map(OsStr::from_bytes), expected.as_deref(), "{name}, round {round}");
            files += usize::from(found.is_some());
        }
        links += sight.places.links().count();
    }
    assert!(files > 500 && links > 100, "{files} files and {links} links are too few to prove anything");
}
