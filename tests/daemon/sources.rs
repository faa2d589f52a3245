//! Jobs that come as sources and headers: the same bytes as a compile where the client is, at the client's own paths
//! and in a mirror. Knows nothing of hostile clients.

use std::path::Path;
use std::thread;

use nix::sys::signal::Signal;
use test_hosts::workdir::names_in;

use crate::daemon::Daemon;
use crate::project::{Made, Project, made};
use crate::wire::exchange;

const C: &[(&str, &str)] = &[
    (
        "x.c",
        "#include <assert.h>\n#include <stdio.h>\n#include \"a.h\"\n#include \"sub/../link/b.h\"\n\
      #include <deep/c.h>\nconst char *file = __FILE__;\nint f(int i) { assert(i); WARN; \
      return printf(\"%d\", A + B + C + i); }\n",
    ),
    ("a.h", "#pragma once\n#define A 1\n#define WARN int unused\n"),
    ("sub/x.h", ""),
    ("real/b.h", "#include \"near.h\"\n#define B NEAR\nstatic const char *b_file = __FILE__;\n"),
    ("real/near.h", "#define NEAR 2\n"),
    ("link", "-> real"),
    ("inc/deep/c.h", "#define C 3\nstatic inline int c(int i) { return i * C; }\n"),
];

const CXX: &[(&str, &str)] = &[
    (
        "x.cc",
        "#include <map>\n#include <string>\n#include \"t.h\"\n\
      std::map<std::string, int> names;\nint g() { return T<int>(3).get() + names[__FILE__]; }\n",
    ),
    ("t.h", "template <class X> struct T { X x; T(X x) : x(x) {} X get() const { return x; } };\n"),
];

/// What is wrong with what a daemon made, if anything is.
fn difference(here: &Made, there: &Made) -> Option<String> {
    if here.status != there.status {
        return Some(format!("status {:x}, not {:x}: {}", there.status, here.status, there.stderr));
    }
    if here.stderr != there.stderr {
        return Some(format!("said\n{}not\n{}", there.stderr, here.stderr));
    }
    if here.rules != there.rules {
        return Some(format!("rules\n{}not\n{}", there.rules, here.rules));
    }
    (here.object != there.object).then(|| "another object".to_owned())
}

#[track_caller]
fn check(daemon: &Daemon, project: &Project, words: &str) {
    let here = project.compile_here(words);
    let there = project.compile_there(daemon.address(), words);
    let there = there.unwrap_or_else(|| panic!("{words} refused:\n{}", daemon.log()));
    if let Some(difference) = difference(&here, &there) {
        panic!("{words}: {difference}\n{}", daemon.log());
    }
}

fn projects() -> [Project; 2] {
    [C, CXX].map(|files| {
        let mut project = Project::new(files);
        project.add_all();
        project
    })
}

/// What is the same both ways.
const IN_C: [&str; 9] = [
    "gcc -Iinc -c x.c",
    "gcc -O2 -g -Wall -Iinc -c x.c",
    "gcc -g3 -I@/inc -c @/x.c",
    "gcc -O0 -g -Wall -Wextra -I@/inc -c @/x.c -MMD -MP",
    "gcc -g -ffile-prefix-map=@=/usr/src/debug/x -Iinc -c x.c",
    "gcc -g -O2 -fdebug-prefix-map=@=. -fmacro-prefix-map=@/= -Iinc -c @/x.c",
    "gcc -g -include a.h -isystem inc -c x.c",
    "gcc -c x.c",
    "clang -g -Iinc -Wall -c x.c",
];

#[test]
fn the_same_bytes_at_the_clients_own_paths() {
    let daemon = Daemon::insecure(&["--pump=namespace"]);
    let [c, cxx] = projects();
    for words in IN_C.into_iter().chain([
        "gcc -O2 -Iinc -c x.c",
        "gcc -frecord-gcc-switches -Iinc -c x.c",
        "clang -O2 -g -I@/inc -ffile-prefix-map=@=/y -c @/x.c",
        "gcc -S -Iinc -c x.c",
    ]) {
        check(&daemon, &c, words);
    }
    for words in ["g++ -O2 -g -c x.cc", "g++ -std=c++20 -c x.cc", "clang++ -O2 -g -c x.cc"] {
        check(&daemon, &cxx, words);
    }
}

#[test]
fn the_same_bytes_in_a_mirror() {
    let daemon = Daemon::insecure(&["--pump=mirror"]);
    let [c, cxx] = projects();
    for words in IN_C.into_iter().chain(["gcc -c @/x.c", "clang -O2 -g -I@/inc -c @/x.c"]) {
        check(&daemon, &c, words);
    }
    for words in ["g++ -O2 -g -c x.cc", "clang++ -O2 -g -c x.cc"] {
        check(&daemon, &cxx, words);
    }
    for words in [
        "gcc -g -gdwarf-4 -fsanitize=address,undefined -Iinc -c x.c",
        "clang -fsanitize=address,undefined -Iinc -c x.c",
        "gcc -include /dev/null -Iinc -c x.c",
    ] {
        check(&daemon, &c, words);
    }
    for words in [
        "clang -g -ffile-prefix-map=@=/y -Iinc -c x.c",
        "gcc -flto -Iinc -c x.c",
        "gcc -g -gdwarf-4 -Iinc -c @/x.c",
        "gcc -fsanitize=undefined -Iinc -c @/x.c",
        "clang -fsanitize=address -Iinc -c @/x.c",
        "gcc -g -fdebug-prefix-map=/=/root -Iinc -c @/x.c",
    ] {
        assert!(c.compile_there(daemon.address(), words).is_none(), "{words}");
    }
}

#[test]
fn files_among_the_systems_own() {
    let daemon = Daemon::insecure(&["--pump=namespace"]);
    let mut project = Project::new(&[(
        "x.c",
        "#include <stdio.h>\n#include <of_test.h>\n#include \"/usr/src/d/e.h\"\nint i = E + D;\n",
    )]);
    project.add_all();
    project.add_file(Path::new("/usr/lib/of-test/include/of_test.h"), Some(b"#define E 1\n"));
    project.add_file(Path::new("/usr/src/d/e.h"), Some(b"#define D 1\n"));
    let made = project.compile_there(daemon.address(), "gcc -g -I/usr/lib/of-test/include -c x.c").unwrap();
    assert_eq!((made.status, made.stderr.as_str()), (0, ""));
    assert!(
        made.rules.contains(" /usr/lib/of-test/include/of_test.h") && made.rules.contains("/usr/src/d/e.h"),
        "{}",
        made.rules
    );
}

/// Where it works need not exist on this machine.
#[test]
fn a_client_that_works_among_the_systems_own() {
    for how in ["--pump=namespace", "--pump=mirror"] {
        let daemon = Daemon::insecure(&[how]);
        let mut project = Project::new(&[("x.c", "#include <stdio.h>\nint x;\n")]);
        project.add_all();
        for directory in ["/usr/src/of-test", "/usr/lib/of-test", "/opt/of-test", "/usr/lib"] {
            let request = project.request_in(Path::new(directory), "gcc -g -c @/x.c");
            let answer = exchange(daemon.address(), &request);
            assert!(!answer.is_empty(), "{how} {directory}: {}", daemon.log());
            assert_eq!(made(&answer).stderr, "", "{how} {directory}");
        }
    }
}

#[test]
fn a_daemon_that_refuses_sources() {
    let daemon = Daemon::insecure(&["--pump=off"]);
    let [c, _] = projects();
    assert!(c.compile_there(daemon.address(), "gcc -Iinc -c x.c").is_none());
    daemon.wait_for_log("sources are refused: the daemon runs with --pump=off");
    daemon.wait_for_log("OTHER exit:0 sig:0 core:0 ret:100");
}

#[test]
fn many_at_once_and_nothing_is_left() {
    for (how, end) in [("--pump=namespace", Signal::SIGKILL), ("--pump=mirror", Signal::SIGTERM)] {
        let mut daemon = Daemon::insecure(&["-j4", how]);
        let [c, cxx] = projects();
        let jobs = [(&c, "gcc -g -Iinc -c x.c"), (&cxx, "g++ -g -c x.cc")];
        let jobs = jobs.map(|(project, words)| (project.request(words), project.compile_here(words)));
        thread::scope(|scope| {
            for (request, here) in [&jobs[0], &jobs[0], &jobs[1], &jobs[0], &jobs[1], &jobs[0]] {
                let address = daemon.address();
                scope.spawn(move || assert_eq!(difference(here, &made(&exchange(address, request))), None));
            }
        });
        assert!(!daemon.spool().is_empty(), "trees are kept for the next jobs");
        daemon.signal(end);
        assert_eq!(daemon.wait_for_end(), Some(end as i32));
        let spool = daemon.work.path().join("spool");
        if end == Signal::SIGKILL {
            let _next = Daemon::start(&["--pump=off"], &[("TMPDIR", spool.to_str().unwrap())]);
            assert_eq!(names_in(&spool), [""; 0]);
        }
        assert_eq!(names_in(&spool), [""; 0]);
    }
}
