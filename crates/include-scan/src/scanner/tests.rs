//! Whole scans of real projects with real compilers.

use super::*;
use crate::closure::Entry;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use tempfile::TempDir;

/// A project in which every file holds what is given for it.
struct Project {
    _held: TempDir,
    root: PathBuf,
    scanner: Scanner,
}

impl Project {
    fn new(files: &[(&str, &str)]) -> Project {
        let held = tempfile::tempdir().unwrap();
        let root = held.path().canonicalize().unwrap();
        let project = Project { _held: held, root, scanner: Scanner::new(Budget { bytes: 64 << 20 }) };
        for (name, text) in files {
            project.write(name, text);
        }
        project
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn command(&self, words: &str) -> Command {
        Command {
            directory: self.root.clone(),
            words: words.split(' ').map(Into::into).collect(),
            environment: vec![("PATH".into(), "/usr/bin:/bin".into())],
        }
    }

    /// What is sent, in words, or the code of why nothing is.
    fn sent(&self, words: &str) -> Vec<String> {
        let closure = match self.scanner.scan(&self.command(words)) {
            Ok(closure) => closure,
            Err(why) => return vec![why.code.to_owned()],
        };
        let short = |name: &Path| name.strip_prefix(&self.root).unwrap_or(name).display().to_string();
        let mut shown: Vec<String> = closure
            .entries
            .iter()
            .filter_map(|entry| match entry {
                Entry::File { name, .. } => Some(short(name)),
                Entry::SystemDirectory { .. } => None,
                Entry::Link { name, target } => Some(format!("{} -> {}", short(name), short(target))),
                Entry::Directory { name } => Some(format!("{}/", short(name))),
            })
            .collect();
        shown.sort_unstable();
        shown
    }

    #[track_caller]
    fn check(&self, words: &str, expected: &[&str]) {
        if !Path::new(words.split(' ').next().unwrap()).exists() {
            return;
        }
        assert_eq!(self.sent(words), expected, "{words}");
    }
}

const COMPILERS: [&str; 2] = ["/usr/bin/gcc", "/usr/bin/clang"];

#[test]
fn a_project_is_sent_without_what_the_system_has() {
    let project = Project::new(&[
        ("x.c", "#include <stdio.h>\n#include \"a.h\"\n#include <b.h>\n"),
        ("a.h", "#include \"sub/c.h\"\n"),
        ("sub/c.h", ""),
        ("inc/b.h", ""),
        ("inc/unused.h", ""),
    ]);
    for compiler in COMPILERS {
        project.check(
            &format!("{compiler} -c x.c -Iinc -I nowhere"),
            &["/", "a.h", "inc/", "inc/b.h", "sub/c.h", "x.c"],
        );
    }
}

#[test]
fn system_directories_are_named_once() {
    let project = Project::new(&[("x.c", "")]);
    let closure = project.scanner.scan(&project.command("/usr/bin/gcc -c x.c")).unwrap();
    let system: Vec<&Path> = closure
        .entries
        .iter()
        .filter_map(
            |entry| if let Entry::SystemDirectory { name } = entry { Some(name.as_path()) } else { None },
        )
        .collect();
    assert!(system.contains(&Path::new("/usr/include")), "{system:?}");
    for name in &system {
        assert!(!system.iter().any(|other| other != name && name.starts_with(other)), "{system:?}");
    }
}

#[test]
fn what_changes_between_two_jobs_is_seen() {
    let project = Project::new(&[("x.c", "#include <h.h>\n"), ("b/h.h", "")]);
    let words = "/usr/bin/gcc -c x.c -I late -I a -I b";
    project.check(words, &["/", "b/", "b/h.h", "x.c"]);
    project.write("a/h.h", "");
    project.check(words, &["/", "a/", "a/h.h", "b/", "x.c"]);
    project.write("late/h.h", "#include \"g.h\"\n");
    project.write("late/g.h", "");
    project.check(words, &["/", "a/", "b/", "late/", "late/g.h", "late/h.h", "x.c"]);
    project.write("late/h.h", "#include \"f.h\"\n");
    project.write("late/f.h", "");
    project.check(words, &["/", "a/", "b/", "late/", "late/f.h", "late/h.h", "x.c"]);
    fs::remove_dir_all(project.root.join("late")).unwrap();
    project.check(words, &["/", "a/", "a/h.h", "b/", "x.c"]);
    fs::remove_file(project.root.join("a/h.h")).unwrap();
    symlink("../b/h.h", project.root.join("a/h.h")).unwrap();
    project.check(words, &["/", "a/", "a/h.h -> b/h.h", "b/", "b/h.h", "x.c"]);
}

#[test]
fn a_search_directory_that_leads_elsewhere_is_followed() {
    let project = Project::new(&[("x.c", "#include <h.h>\n"), ("one/h.h", ""), ("two/h.h", "")]);
    symlink("one", project.root.join("inc")).unwrap();
    let words = "/usr/bin/gcc -c x.c -Iinc";
    project.check(words, &["/", "inc -> one", "one/", "one/h.h", "x.c"]);
    fs::remove_file(project.root.join("inc")).unwrap();
    symlink("two", project.root.join("inc")).unwrap();
    project.check(words, &["/", "inc -> two", "two/", "two/h.h", "x.c"]);
}

#[test]
fn what_no_scan_can_promise_is_refused() {
    let project = Project::new(&[
        ("x.c", "#include \"p.h\"\n"),
        ("p.h", ""),
        ("q.h", ""),
        ("q.h.pch", ""),
        ("own/stdc-predef.h", ""),
        ("y.c", ""),
    ]);
    project.check("/usr/bin/clang -c y.c -include q.h", &["precompiled-header"]);
    project.check("/usr/bin/gcc -c y.c -I own", &["own-predefinitions"]);
    project.check("/usr/bin/gcc -c y.c -I own -nostdinc", &["/", "own/", "y.c"]);
    project.write("z.c", "#ifdef __STDC_IEC_559__\n#include \"q.h\"\n#endif\n");
    project.check("/usr/bin/gcc -c z.c", &["/", "q.h", "z.c"]);
    project.check("/usr/bin/gcc -c z.c -nostdinc", &["/", "z.c"]);
    project.check("/usr/bin/gcc -c y.c -I-", &["split-search"]);
    project.check("/usr/bin/gcc -c x.c -fplugin=x", &["loads-code"]);
    project.write("p.h.gch", "");
    project.check("/usr/bin/gcc -c x.c", &["precompiled-header"]);
}

#[test]
fn the_compilers_own_list_finds_what_is_missing() {
    let project = Project::new(&[("a b.c", "#include \"in/c#$.h\"\n#include <stdio.h>\n"), ("in/c#$.h", "")]);
    for compiler in COMPILERS.iter().filter(|compiler| Path::new(compiler).exists()) {
        let mut command = project.command(&format!("{compiler} -c NAME -o x.o -MD -MF x.d -MT y"));
        command.words[2] = "a b.c".into();
        let mut closure = project.scanner.scan(&command).unwrap();
        assert_eq!(project.scanner.compare(&command, &closure).unwrap(), <[PathBuf; 0]>::default());
        let header = project.root.join("in/c#$.h");
        closure.entries.retain(|entry| !matches!(entry, Entry::File { name, .. } if *name == header));
        assert_eq!(project.scanner.compare(&command, &closure).unwrap(), [header]);
        assert!(!project.root.join("x.d").exists() && !project.root.join("x.o").exists());
    }
}

#[test]
fn many_scan_at_once_and_little_memory_costs_only_time() {
    let files: Vec<(String, String)> = (0..40)
        .map(|n| (format!("h{n}.h"), format!("#include \"h{}.h\"\n#define NAME_{n} {n}\n", n + 1)))
        .chain([("h40.h".to_owned(), String::new()), ("x.c".to_owned(), "#include \"h0.h\"\n".to_owned())])
        .collect();
    let borrowed: Vec<_> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let mut project = Project::new(&borrowed);
    for bytes in [1 << 10, 16 << 10, 64 << 20] {
        project.scanner = Scanner::new(Budget { bytes });
        std::thread::scope(|threads| {
            for _ in 0..8 {
                threads.spawn(|| {
                    for _ in 0..10 {
                        assert_eq!(project.sent("/usr/bin/gcc -c x.c").len(), 43);
                    }
                });
            }
        });
    }
}
