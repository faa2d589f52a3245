//! Runs one command undivided, and then in two runs with the second one in another directory.

use cc_args::{Compilation, ServerCommand, analyze};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use tempfile::TempDir;

/// How the two ways must agree, beside their exit status and files.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Compare {
    /// The same set of lines on standard error.
    Lines,
    /// The same lines as often.
    Count,
    /// Instead of equal files: the object names the client's directory and not the server's.
    Directory,
}

/// Everything that a run left behind.
struct Traces {
    succeeded: bool,
    lines: Vec<String>,
    files: BTreeMap<PathBuf, Vec<u8>>,
}

const HELLO: &str = "#include <stdio.h>\n#ifndef SECRET\n#define SECRET 2\n#endif\n\
    int main(void)\n{\n  printf(\"%d %s\\n\", SECRET, __FILE__);\n  return 0;\n}\n";

/// The client's directory, full of sources, and the server's beside it.
struct Places {
    root: TempDir,
}

impl Places {
    fn new() -> Places {
        let places = Places { root: TempDir::new().expect("a temporary directory") };
        fs::create_dir_all(places.client().join("dir")).expect("a directory");
        fs::create_dir(places.server()).expect("a directory");
        for (name, text) in [
            ("hello.c", HELLO),
            ("hello.cpp", HELLO),
            ("noext", "int one(void) { return 1; }\n"),
            ("noext.cc", "#include <string>\nstatic std::string name = __FILE__;\n"),
            ("odd.CPP", "template <class T> T one() { return T(1); }\nint two = one<int>();\n"),
            ("uses.c", "#include \"inc.h\"\nint used = INC;\n"),
            ("dir/inc.h", "#define INC 4\n"),
            ("plain.c", "int twice(int x) { return 2 * x; }\n"),
            ("args", "-c -DSECRET='9'\\\n \"hello.c\""),
        ] {
            fs::write(places.client().join(name), text).expect("a source");
        }
        fs::write(places.client().join("latin1.c"), b"const char text[] = \"\xe9\";\n").expect("a source");
        places
    }

    fn client(&self) -> PathBuf {
        self.root.path().join("client")
    }

    fn server(&self) -> PathBuf {
        self.root.path().join("server")
    }

    /// Runs `work` and takes away all files that it leaves in the client's directory.
    fn traces(&self, work: impl FnOnce() -> (bool, Vec<String>)) -> Traces {
        let before = files_below(&self.client());
        let (succeeded, lines) = work();
        let mut files = files_below(&self.client());
        files.retain(|name, _| !before.contains_key(name));
        for name in files.keys() {
            fs::remove_file(name).expect("a file that was just listed");
        }
        Traces { succeeded, lines, files }
    }
}

/// The undivided compile and the divided one leave the same files and messages.
#[track_caller]
pub(crate) fn check(compiler: &str, words: &[&str], compare: Compare) {
    if !is_installed(compiler) {
        return;
    }
    let places = Places::new();
    let direct = places.traces(|| said(&run(compiler, words, &places.client(), None)));
    let sent = understood(compiler, words, &places.client());
    let divided = places.traces(|| {
        let preprocessed = run(compiler, &sent.preprocess_args(), &places.client(), None);
        let (succeeded, mut lines) = said(&preprocessed);
        if !succeeded {
            return (false, lines);
        }
        let compiled = compile_there(&places, &sent, &preprocessed.stdout);
        let (succeeded, more) = said(&compiled);
        lines.extend(more);
        (succeeded, lines)
    });
    let context = format!("{compiler} {words:?}");
    agree(&direct, &divided, compare, &context);
    if compare == Compare::Directory {
        let object = &divided.files[&places.client().join(sent.output())];
        assert!(
            contains(object, places.client().as_os_str()),
            "{context}: the client's directory is missing"
        );
        assert!(!contains(object, places.server().as_os_str()), "{context}: the server's directory is told");
    }
}

/// The preprocessing run alone leaves the dependency file of the undivided compile.
#[track_caller]
pub(crate) fn check_dependencies(compiler: &str, words: &[&str], variable: Option<&str>) {
    if !is_installed(compiler) {
        return;
    }
    let places = Places::new();
    let sent = understood(compiler, words, &places.client());
    let mut direct = places.traces(|| said(&run(compiler, words, &places.client(), variable)));
    let object = direct.files.remove(&places.client().join(sent.output()));
    let divided = places.traces(|| said(&run(compiler, &sent.preprocess_args(), &places.client(), variable)));
    let context = format!("{compiler} {words:?} {variable:?}");
    assert!(object.is_some(), "{context}: {:?} is not what the compile makes", sent.output());
    agree(&direct, &divided, Compare::Lines, &context);
    if variable.is_none() {
        let expected = sent.dependency_file().map(|file| places.client().join(file));
        assert!(direct.files.keys().eq(&expected), "{context}: {:?}, not {expected:?}", direct.files.keys());
    }
}

/// The same for an input that needs no preprocessor.
#[track_caller]
pub(crate) fn check_preprocessed(compiler: &str, command: &str, text: &str) {
    if !is_installed(compiler) {
        return;
    }
    let places = Places::new();
    let words: Vec<&str> = command.split(' ').collect();
    let sent = understood(compiler, &words, &places.client());
    fs::write(places.client().join(sent.input()), text).expect("a source");
    let direct = places.traces(|| said(&run(compiler, &words, &places.client(), None)));
    let divided = places.traces(|| {
        let completed = sent.with_line_markers(text.into(), &places.client());
        said(&compile_there(&places, &sent, &completed))
    });
    agree(&direct, &divided, Compare::Lines, &format!("{compiler} {command} with {text:?}"));
}

fn understood(compiler: &str, words: &[&str], cwd: &Path) -> Compilation {
    let command: Vec<OsString> = [compiler].iter().chain(words).map(OsString::from).collect();
    analyze(&command, |file| fs::read(cwd.join(file)).ok()).unwrap_or_else(|why| panic!("{command:?}: {why}"))
}

/// The server's part, through the words that it would accept; a name without directory, as a daemon may choose it.
fn compile_there(places: &Places, sent: &Compilation, text: &[u8]) -> Output {
    let words = sent.server_args_in(&places.client());
    let request = [sent.compiler().to_owned()].into_iter().chain(words).collect();
    let accepted = ServerCommand::parse(request).unwrap_or_else(|refusal| panic!("{refusal}"));
    let stem = sent.input().file_stem().expect("a source has a name");
    let input = PathBuf::from(stem).with_extension(accepted.language().preprocessed_extension());
    fs::write(places.server().join(&input), text).expect("the text");
    let compiler = accepted.compiler().to_str().expect("a name from this test");
    let words = accepted.args_for(input.as_os_str(), "job.o".as_ref());
    let compiled = run(compiler, &words, &places.server(), None);
    if compiled.status.success() {
        fs::copy(places.server().join("job.o"), places.client().join(sent.output())).expect("an object");
    }
    compiled
}

fn run(compiler: &str, words: &[impl AsRef<OsStr>], cwd: &Path, dependencies_output: Option<&str>) -> Output {
    let mut command = Command::new(compiler);
    command.args(words).current_dir(cwd).stdin(Stdio::null()).env("LC_ALL", "C").env_remove("PWD");
    if let Some(value) = dependencies_output {
        command.env("DEPENDENCIES_OUTPUT", value);
    }
    command.output().unwrap_or_else(|error| panic!("{compiler} is needed and not installed: {error}"))
}

fn said(output: &Output) -> (bool, Vec<String>) {
    let lines = String::from_utf8_lossy(&output.stderr).lines().map(str::to_owned).collect();
    (output.status.success(), lines)
}

#[track_caller]
fn agree(direct: &Traces, divided: &Traces, compare: Compare, context: &str) {
    let lines = |traces: &Traces| {
        let mut lines = traces.lines.clone();
        lines.sort();
        if compare != Compare::Count {
            lines.dedup();
        }
        lines
    };
    assert_eq!(divided.succeeded, direct.succeeded, "{context}: {:?}", divided.lines);
    assert_eq!(lines(divided), lines(direct), "{context}");
    assert!(
        divided.files.keys().eq(direct.files.keys()),
        "{context}: {:?} and {:?}",
        divided.files.keys(),
        direct.files.keys()
    );
    for (name, bytes) in &direct.files {
        let is_an_object = name.extension().is_some_and(|extension| extension == "o");
        if compare != Compare::Directory || !is_an_object {
            assert!(
                divided.files[name] == *bytes,
                "{context}: {name:?} differs: {}",
                String::from_utf8_lossy(bytes)
            );
        }
    }
}

fn contains(object: &[u8], text: &OsStr) -> bool {
    let text = text.as_encoded_bytes();
    object.windows(text.len()).any(|part| part == text)
}

fn files_below(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(directory).expect("a directory of this test") {
        let path = entry.expect("a directory of this test").path();
        if path.is_dir() {
            files.append(&mut files_below(&path));
        } else {
            let bytes = fs::read(&path).expect("a file of this test");
            files.insert(path, bytes);
        }
    }
    files
}

/// gcc must be there; clang may be missing, and that is said aloud.
fn is_installed(compiler: &str) -> bool {
    static CLANG: OnceLock<bool> = OnceLock::new();
    let starts = |name: &str| Command::new(name).arg("--version").stdout(Stdio::null()).status().is_ok();
    let found = !compiler.starts_with("clang") || *CLANG.get_or_init(|| starts("clang++"));
    if !found {
        eprintln!("SKIPPED: {compiler} is not installed");
    }
    found
}
