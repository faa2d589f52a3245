//! Directories of jobs: their names, what goes with them, what is left of them.

use std::os::unix::fs::symlink;

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use super::*;

fn names(directory: &Path) -> Vec<OsString> {
    let mut names: Vec<_> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    names
}

#[track_caller]
fn check(input: &str, extension: &str, source: &str, object: &str) {
    let parent = tempfile::tempdir().unwrap();
    let workspaces = Workspaces::open(Some(parent.path())).unwrap();
    let workspace = workspaces.make(Path::new(input), extension, b"text").unwrap();
    assert_eq!((workspace.beside(), workspace.object()), (OsStr::new(source), OsStr::new(object)));
    assert_eq!(names(workspace.path()), [source], "{input}");
    assert_eq!(workspace.path().metadata().unwrap().mode() & 0o7777, 0o700);
}

#[test]
fn names_are_the_clients() {
    check("hello.c", "i", "hello.i", "hello.o");
    check("../src/hello.2.cc", "ii", "hello.2.ii", "hello.2.o");
    check("/etc/passwd", "i", "passwd.i", "passwd.o");
    check("-o.c", "i", "_o.i", "_o.o");
    check("@file.c", "i", "_file.i", "_file.o");
    check("a\nb.c", "i", "a_b.i", "a_b.o");
    check(".c", "i", ".c.i", ".c.o");
    check("..", "i", "source.i", "source.o");
    check("", "i", "source.i", "source.o");
    check("häus.c", "i", "häus.i", "häus.o");
    check(&"x".repeat(5000), "i", &("x".repeat(180) + ".i"), &("x".repeat(180) + ".o"));
}

#[test]
fn what_a_compiler_left_goes_with_the_directory() {
    let parent = tempfile::tempdir().unwrap();
    let workspaces = Workspaces::open(Some(parent.path())).unwrap();
    for left in [&[][..], &["x.o"], &["x.dwo", "x.su"], &["sub/deep/x"]] {
        let workspace = workspaces.make(Path::new("x.c"), "i", b"").unwrap();
        for name in left {
            fs::create_dir_all(workspace.path().join(name).parent().unwrap()).unwrap();
            fs::write(workspace.path().join(name), "").unwrap();
        }
        assert_eq!(names(parent.path()).len(), 1);
        drop(workspace);
        assert!(names(parent.path()).is_empty(), "{left:?}");
    }
}

#[test]
fn objects_and_what_is_left_in_their_place() {
    let check = |leave: &dyn Fn(&Path), expected: Result<&[u8], &str>| {
        let parent = tempfile::tempdir().unwrap();
        let workspaces = Workspaces::open(Some(parent.path())).unwrap();
        let workspace = workspaces.make(Path::new("x.c"), "i", b"").unwrap();
        leave(&workspace.path().join("x.o"));
        let read = workspace.read_object(3).map_err(|error| error.to_string());
        match (&read, expected) {
            (Err(error), Err(part)) => assert!(error.contains(part), "{error}"),
            _ => assert_eq!(read.as_deref(), expected.map_err(str::to_owned).as_deref()),
        }
    };
    check(&|_| (), Ok(b""));
    check(&|path| fs::write(path, "ELF").unwrap(), Ok(b"ELF"));
    check(&|path| fs::write(path, "ELFs").unwrap(), Err("the object's 4 bytes are over the limit of 3"));
    check(&|path| fs::create_dir(path).unwrap(), Err("not a file"));
    check(&|path| mkfifo(path, Mode::S_IRWXU).unwrap(), Err("not a file"));
    check(&|path| symlink("x.i", path).unwrap(), Err("symbolic link"));
}

#[test]
fn only_the_dead_are_swept() {
    let parent = tempfile::tempdir().unwrap();
    for dead in ["distccd-1-0/3/x.i", "distccd-99-1", "distcc-of-another"] {
        fs::create_dir_all(parent.path().join(dead)).unwrap();
    }
    let workspaces = Workspaces::open(Some(parent.path())).unwrap();
    let alive = workspaces.make(Path::new("x.c"), "i", b"").unwrap();
    let _starts_meanwhile = Workspaces::open(Some(parent.path())).unwrap();
    assert_eq!(names(parent.path()), [OsStr::new("distcc-of-another"), alive.path().file_name().unwrap()]);
}

#[test]
fn what_is_kept_outlives_its_job_and_the_next_daemon() {
    let parent = tempfile::tempdir().unwrap();
    let workspaces = Workspaces::open(Some(parent.path())).unwrap().keeping(true);
    let path = workspaces.make(Path::new("x.c"), "i", b"text").unwrap().path().to_owned();
    assert_eq!(fs::read(path.join("x.i")).unwrap(), b"text");
    let _next = Workspaces::open(Some(parent.path())).unwrap();
    assert_eq!(names(parent.path()), [path.file_name().unwrap()]);
    assert!(Workspaces::open(None).unwrap().keeping(true).memory.is_none());
}

#[test]
fn names_that_others_have() {
    let parent = tempfile::tempdir().unwrap();
    let workspaces = Workspaces::open(Some(parent.path())).unwrap();
    for number in 0..1000 {
        fs::write(parent.path().join(format!("{PREFIX}{}-{number}", std::process::id())), "").unwrap();
    }
    assert!(workspaces.make(Path::new("x.c"), "i", b"").is_ok());
    assert!(Workspaces::open(Some(Path::new("/nowhere"))).is_err());
}

#[test]
fn memory_is_used_where_there_is_any() {
    let here = Workspaces::open(None).unwrap();
    let workspace = here.make(Path::new("x.c"), "i", b"").unwrap();
    let in_memory = statfs(workspace.path()).unwrap().filesystem_type() == TMPFS_MAGIC;
    assert_eq!(in_memory, has_room(Path::new("/dev/shm"), 0) || has_room(Path::new("/tmp"), 0));
    assert!(!has_room(Path::new("/dev/shm"), u64::MAX));
    assert!(!has_room(Path::new("/proc"), 0));
}
