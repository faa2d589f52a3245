//! Every source of real programs, with the commands that their own makefiles give. Knows nothing of how a reading is judged.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs::{self, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use include_scan::{Budget, Scanner};
use test_hosts::need;
use test_hosts::process::{Running, clean};
use test_hosts::workdir::Workdir;

use crate::job::Job;
use crate::proof::{complaints, expect_none};

const LONGEST_BUILD: Duration = Duration::from_secs(300);

/// How one program is built.
struct Program {
    source: &'static str,
    /// Run once in the fresh tree.
    configure: Option<&'static str>,
    /// Arguments of each make.
    makes: &'static [&'static [&'static str]],
    /// That many commands at least.
    sources: usize,
}

#[test]
fn lua() {
    check(&Program { source: "lua5.4", configure: None, makes: &[&["linux"]], sources: 34 });
}

#[test]
fn gzip() {
    check(&Program {
        source: "gzip",
        configure: Some("./configure"),
        makes: &[&["MAKEINFO=true"]],
        sources: 50,
    });
}

#[test]
fn zstd() {
    let makes: &[&[&str]] = &[
        &["-C", "lib", "libzstd.a", "libzstd"],
        &["-C", "programs", "zstd", "HAVE_LZMA=0", "HAVE_LZ4=0", "HAVE_ZLIB=0"],
    ];
    check(&Program { source: "libzstd", configure: None, makes, sources: 100 });
}

fn check(program: &Program) {
    let (Some(strace), Some(source)) =
        (need::program("strace", "install strace"), need::source(program.source))
    else {
        return;
    };
    let work = Workdir::new();
    let tree = work.src().join("tree");
    copy(&source, &tree);
    if let Some(script) = program.configure {
        run_in(&tree, script, &[]);
    }
    let recorder = Recorder::new(&work);
    for arguments in program.makes {
        let compiler = format!("CC={}", recorder.compiler.display());
        run_in(&tree, "make", &[&[compiler.as_str()], *arguments].concat());
    }

    let jobs = recorder.jobs();
    assert!(jobs.len() >= program.sources, "only {} commands", jobs.len());
    let scanner = Scanner::new(Budget { bytes: 64 << 20 });
    let found: Vec<String> =
        jobs.iter().flat_map(|job| complaints(&scanner, job, &strace, &BTreeSet::new())).collect();
    expect_none(&found);
}

/// A compiler that writes down its commands.
struct Recorder {
    compiler: PathBuf,
    log: PathBuf,
}

impl Recorder {
    fn new(work: &Workdir) -> Recorder {
        let log = work.open_dir("commands");
        let text = include_str!("recording_compiler.sh").replace("LOG", log.to_str().expect("a plain name"));
        let compiler = work.write("recording_compiler", text);
        fs::set_permissions(&compiler, Permissions::from_mode(0o755)).expect("a file of ours");
        Recorder { compiler, log }
    }

    /// What gcc would have been asked to compile.
    fn jobs(&self) -> Vec<Job> {
        let entries = fs::read_dir(&self.log).expect("a directory of ours");
        let commands = entries.map(|entry| fs::read(entry.expect("a command").path()).expect("a command"));
        commands.filter_map(|command| job(&command)).collect()
    }
}

/// Directory and words, each with a zero byte behind it. None for what compiles no file, as questions and links do, and for
/// assembler, which never leaves the client.
fn job(command: &[u8]) -> Option<Job> {
    let mut words: Vec<OsString> =
        command.split(|byte| *byte == 0).map(|word| OsStr::from_bytes(word).to_owned()).collect();
    words.pop();
    let directory = PathBuf::from(words.remove(0));
    let is_source = |word: &OsString| {
        Path::new(word).extension().is_some_and(|extension| extension == "c")
            && directory.join(word).is_file()
    };
    if !words.iter().any(|word| word == "-c") || !words.iter().any(is_source) {
        return None;
    }
    words.insert(0, "gcc".into());
    Some(Job::new(&directory, words))
}

/// With times as they are, or makefiles would make themselves anew.
fn copy(from: &Path, to: &Path) {
    let mut copy = clean("cp");
    copy.arg("-a").args([from, to]);
    Running::start(copy).finish(LONGEST_BUILD).good();
}

fn run_in(tree: &Path, program: &str, arguments: &[&str]) {
    let mut command = clean(program);
    command.args(arguments).current_dir(tree);
    Running::start(command).finish(LONGEST_BUILD).good();
}
