//! The compiler that both sides run: it costs next to nothing, so that what is left is theirs. Knows nothing of who runs it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use test_hosts::process::{clean, run};
use test_hosts::workdir::Workdir;

const SOURCE: &str = include_str!("stub.c");
/// Clients look for the longer name when they mean the shorter.
const NAMES: [&str; 4] = ["gcc", "x86_64-linux-gnu-gcc", "g++", "x86_64-linux-gnu-g++"];
/// What a translation unit in C begins with, for text that compresses as such text does.
const HEADERS: &str = "errno fcntl math pthread signal stdint stdio stdlib string sys/socket time unistd";

/// A directory of compilers that are all the same stub.
pub(crate) struct Stub {
    directory: PathBuf,
}

impl Stub {
    /// Builds it in a directory that every user may enter.
    pub(crate) fn build(gcc: &Path, work: &Workdir) -> Stub {
        let directory = work.open_dir("compilers");
        let source = work.write("stub.c", SOURCE);
        let first = directory.join(NAMES[0]);
        let mut command = clean(gcc);
        let real = gcc.parent().expect("a program in a directory").display();
        command.args(["-O2", "-static", &format!("-DREAL=\"{real}\""), "-o"]).arg(&first).arg(&source);
        run(command).good();
        // A second file, not a link: a link to a path that happens to hold "distcc" looks like a masquerade.
        for name in &NAMES[1..] {
            fs::copy(&first, directory.join(name)).expect("a copy of a file of ours");
        }
        Stub { directory }
    }

    /// Where it lies, as the only directory on a daemon's search path.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Each compile takes this much longer from now on.
    pub(crate) fn sleep(&self, time: Duration) {
        let file = self.directory.join("sleep_ms");
        fs::write(file, time.as_millis().to_string()).expect("a file in a directory of ours");
    }

    /// Each compile takes as long as it takes from now on.
    pub(crate) fn wake(&self) {
        fs::remove_file(self.directory.join("sleep_ms")).expect("a file of ours");
    }
}

/// `length` bytes of preprocessed C: headers of this system, as often as it takes.
pub(crate) fn preprocessed_text(gcc: &Path, length: usize) -> Vec<u8> {
    let mut command = clean(gcc);
    command.args(["-E", "-x", "c"]);
    HEADERS.split(' ').for_each(|header| {
        command.args(["-include", &format!("{header}.h")]);
    });
    command.arg("/dev/null").stdin(Stdio::null());
    let once = run(command).good().stdout;
    once.iter().copied().cycle().take(length).collect()
}
