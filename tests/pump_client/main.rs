//! Commands whose sources go with their headers: what a local compile makes and says, whoever compiles. Each command is run
//! in two copies of one directory, so that every file it leaves can be compared.

mod commands;
mod trouble;
mod words;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use test_hosts::client::Client;
use test_hosts::distccd::{Distccd, Setup, make_executable};
use test_hosts::need;
use test_hosts::process::{Outcome, clean, run};
use test_hosts::workdir::{Workdir, names_in};

const DISTCC: &str = env!("CARGO_BIN_EXE_distcc");
const DISTCCD: &str = env!("CARGO_BIN_EXE_distccd");

/// How a job travelled, as the client's log tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// With its headers.
    Sources,
    /// As preprocessed text, and nothing else was tried.
    Text,
    /// With its headers, and then as text.
    Both,
    /// Not at all.
    Here,
}

/// A daemon and a client's directories.
struct Scene {
    work: Workdir,
    daemon: Distccd,
    hosts: String,
}

impl Scene {
    fn with(distccd: &str) -> Scene {
        let daemon = Distccd::start(&Setup::of(distccd));
        let hosts = format!("{},lzo,cpp", daemon.host());
        let scene = Scene { work: Workdir::new(), daemon, hosts };
        for (name, text) in FILES {
            scene.write(name, text);
        }
        scene
    }

    /// Our own daemon.
    fn ours() -> Scene {
        Scene::with(DISTCCD)
    }

    /// Likewise, with no use for namespaces.
    fn mirrored() -> Scene {
        let place = Workdir::new();
        Scene::with(&distccd_with(&place, "--pump=mirror"))
    }

    /// That of distcc 3.4.
    fn theirs() -> Option<Scene> {
        need::c_distcc().map(|programs| Scene::with(programs.distccd))
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.work.src().join("project").join(name);
        fs::create_dir_all(path.parent().expect("it is in a directory")).unwrap();
        fs::write(path, text).unwrap();
    }

    fn client(&self) -> Client<'_> {
        Client::new(DISTCC, &self.work, &self.hosts).env("DISTCC_LOG", self.log())
    }

    fn log(&self) -> PathBuf {
        self.work.home().join("log")
    }

    /// Runs a line of sh in `project`, a fresh copy of the sources; `$CC` and `$CXX` are `distcc` with gcc and g++, or these.
    fn sh(&self, client: &Client, line: &str, prefix: &str) -> (Outcome, Vec<(String, Vec<u8>)>) {
        let place = self.work.src().join("run");
        let _ = fs::remove_dir_all(&place);
        run({
            let mut cp = clean("cp");
            cp.arg("-r").arg(self.work.src().join("project")).arg(&place);
            cp
        })
        .good();
        let compiler = |name: &str| OsString::from(format!("{prefix}{name}"));
        let mut shell = client.command("sh");
        shell.args(["-c", line]).current_dir(&place);
        shell.env("CC", compiler("gcc")).env("CXX", compiler("g++")).env("CLANG", compiler("clang"));
        let outcome = run(shell);
        (outcome, files(&place))
    }

    /// Through the client and without it, a line of sh says and leaves the same, and the job goes this way.
    #[track_caller]
    fn check(&self, line: &str, way: Way) {
        let _ = fs::remove_file(self.log());
        self.forget();
        let client = self.client();
        let (plain, expected) = self.sh(&client, line, "");
        let (through, got) = self.sh(&client, line, &format!("{DISTCC} "));
        let log = fs::read_to_string(self.log()).unwrap_or_default();
        assert_eq!(through.err(), plain.err(), "{line}\n{log}");
        assert_eq!((through.code(), through.out()), (plain.code(), plain.out()), "{line}\n{log}");
        assert_eq!(way_in(&log), way, "{line}\n{log}");
        let names = |files: &[(String, Vec<u8>)]| files.iter().map(|file| file.0.clone()).collect::<Vec<_>>();
        assert_eq!(names(&got), names(&expected), "{line}\n{log}");
        for ((name, got), (_, expected)) in got.iter().zip(&expected) {
            assert!(got == expected, "{line}: {name} differs:\n{}", shown(got, expected));
        }
    }

    /// Where the include server is that the client has started.
    fn include_server(&self) -> Option<PathBuf> {
        let place = self.work.distcc_dir();
        let name = names_in(&place).into_iter().find(|name| name.starts_with("pump-"))?;
        Some(place.join(name))
    }

    /// Hosts that were found to name their own directories, or to fail.
    fn forget(&self) {
        let locks = self.work.distcc_dir().join("lock");
        for name in names_in(&locks).iter().filter(|name| !name.starts_with("cpu_")) {
            fs::remove_file(locks.join(name)).unwrap();
        }
    }
}

/// Our daemon with one more word, as a program.
fn distccd_with(work: &Workdir, word: &str) -> String {
    let script = work.write("distccd", format!("#!/bin/sh\nexec {DISTCCD} {word} \"$@\"\n"));
    make_executable(&script);
    script.to_str().expect("a plain name").to_owned()
}

/// Ends the include server that the client has started, which would stay for some minutes.
impl Drop for Scene {
    fn drop(&mut self) {
        // It ends when its socket is gone.
        let _ = self.include_server().map(fs::remove_dir_all);
    }
}

fn way_in(log: &str) -> Way {
    let sources = log.contains(" with its headers to ");
    let text = log
        .lines()
        .filter(|line| line.contains("preprocessing ") || line.contains("; it gets preprocessed text"));
    match (sources, text.count() > 0) {
        (true, false) => Way::Sources,
        (true, true) => Way::Both,
        (false, _) if log.contains("completed ok") || log.contains("failed with exit code") => Way::Text,
        (false, _) => Way::Here,
    }
}

fn files(place: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut directories = vec![place.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).unwrap() {
            let entry = entry.unwrap();
            let kind = entry.file_type().unwrap();
            let name = entry.path().strip_prefix(place).unwrap().display().to_string();
            if kind.is_dir() {
                directories.push(entry.path());
            } else if kind.is_symlink() {
                found
                    .push((name, fs::read_link(entry.path()).unwrap().into_os_string().into_encoded_bytes()));
            } else {
                found.push((name, fs::read(entry.path()).unwrap()));
            }
        }
    }
    found.sort();
    found
}

fn shown(got: &[u8], expected: &[u8]) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(&bytes[..bytes.len().min(2000)]).into_owned();
    format!("{}\ninstead of\n{}", text(got), text(expected))
}

const FILES: &[(&str, &str)] = &[
    (
        "x.c",
        "#include <assert.h>\n#include <stdio.h>\n#include \"h.h\"\n#include \"k.h\"\n\
         int f(int a) { assert(a); return printf(\"%s\", __FILE__) + H + K + g(a); }\n",
    ),
    ("h.h", "#define H 1\n"),
    (
        "inc/k.h",
        "#include <assert.h>\n#include \"deep/er.h\"\n#define K 2\n\
         static inline int g(int a) { assert(a > 3); return a; }\n",
    ),
    ("inc/deep/er.h", "#include \"../side.h\"\n"),
    ("inc/side.h", "enum { SIDE = 3 };\n"),
    ("o/empty", ""),
    ("warns.c", "#define UNUSED 1\nint f(int a) { int unused; if (a = 3) return 1; }\n"),
    (
        "falls.c",
        "int f(int a) { switch (a) { case 1: a++; /* fall through */ case 2: a++; case 3: a--; } return a; }\n",
    ),
    ("bad.c", "#include \"h.h\"\nint f( { return H; }\n"),
    ("date.c", "const char *d = __DATE__;\n"),
    ("words", "-Iinc -O2"),
    (
        "y.cc",
        "#include <string>\n#include <vector>\n#include \"h.h\"\n\
         std::vector<std::string> f() { return {\"a\", std::to_string(H)}; }\n",
    ),
];
