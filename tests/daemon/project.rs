//! A client's project, compiled here and then sent as sources to a daemon. Knows nothing of what a test expects of it.

use std::ffi::OsString;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use protocol::{Limits, MARKER, Progress, ResponseDecoder, Version};
use test_hosts::process::{clean, run};
use test_hosts::workdir::Workdir;

use crate::wire::exchange;

/// What a compile leaves, here or there.
#[derive(PartialEq, Eq)]
pub(crate) struct Made {
    pub(crate) status: u32,
    pub(crate) stderr: String,
    pub(crate) object: Vec<u8>,
    pub(crate) rules: String,
}

/// Files in a directory that no daemon can read, though it is on the same machine.
pub(crate) struct Project {
    work: Workdir,
    /// Names as on the wire, and the bytes that say what they are.
    entries: Vec<u8>,
    count: u32,
}

impl Project {
    pub(crate) fn new(files: &[(&str, &str)]) -> Project {
        let project = Project { work: Workdir::new(), entries: Vec::new(), count: 0 };
        for (name, text) in files {
            let path = project.directory().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            match text.strip_prefix("-> ") {
                Some(target) => std::os::unix::fs::symlink(project.directory().join(target), path).unwrap(),
                None => fs::write(path, text).unwrap(),
            }
        }
        project
    }

    /// Where the client works.
    pub(crate) fn directory(&self) -> PathBuf {
        self.work.src()
    }

    /// `WORDS -o x.o -MMD -MF x.d` here, with `@` in the words for the directory.
    #[track_caller]
    pub(crate) fn compile_here(&self, words: &str) -> Made {
        let mut command: Command = clean("/usr/bin/env");
        command.args(self.words(words)).args(["-MMD", "-MF", "x.d"]).current_dir(self.directory());
        command.env("PWD", self.directory());
        let outcome = run(command);
        let read = |name: &str| fs::read(self.directory().join(name)).unwrap_or_default();
        let (object, rules) = (read("x.o"), String::from_utf8(read("x.d")).unwrap());
        let _ = ["x.o", "x.d"].map(|name| fs::remove_file(self.directory().join(name)));
        Made { status: u32::from(outcome.code() != Some(0)) << 8, stderr: outcome.err(), object, rules }
    }

    fn words(&self, words: &str) -> Vec<OsString> {
        let directory = self.directory();
        let words = words.split(' ').chain(["-o", "x.o"]);
        words.map(|word| word.replace('@', directory.to_str().unwrap()).into()).collect()
    }

    /// Sends all files besides what was added by hand.
    pub(crate) fn add_all(&mut self) {
        self.add_below(&self.directory());
    }

    fn add_below(&mut self, directory: &Path) {
        self.add_file(&directory.join(MARKER), None);
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if let Ok(target) = fs::read_link(&path) {
                self.add_link(&path, &target);
            } else if path.is_dir() {
                self.add_below(&path);
            } else {
                self.add_file(&path, Some(&fs::read(&path).unwrap()));
            }
        }
    }

    /// None for a file that only says that its directory exists.
    pub(crate) fn add_file(&mut self, name: &Path, text: Option<&[u8]>) {
        let body = text.map_or_else(Vec::new, protocol::pack_file);
        self.entries.extend(protocol::file_head(name, u32::try_from(body.len()).unwrap()));
        self.entries.extend(body);
        self.count += 1;
    }

    pub(crate) fn add_link(&mut self, name: &Path, target: &Path) {
        self.entries.extend(protocol::link(name, target));
        self.count += 1;
    }

    /// The whole request.
    pub(crate) fn request(&self, words: &str) -> Vec<u8> {
        self.request_in(&self.directory(), words)
    }

    /// The same of a client that works elsewhere.
    pub(crate) fn request_in(&self, directory: &Path, words: &str) -> Vec<u8> {
        let mut bytes = protocol::sources_head(directory, &self.words(words));
        bytes.extend(protocol::files_header(self.count));
        bytes.extend(&self.entries);
        bytes
    }

    /// What a daemon makes of it; none if it refuses.
    #[track_caller]
    pub(crate) fn compile_there(&self, daemon: SocketAddr, words: &str) -> Option<Made> {
        let hidden = self.directory().with_file_name("hidden");
        fs::rename(self.directory(), &hidden).unwrap();
        let bytes = exchange(daemon, &self.request(words));
        fs::rename(hidden, self.directory()).unwrap();
        (!bytes.is_empty()).then(|| made(&bytes))
    }
}

/// What an answer says.
#[track_caller]
pub(crate) fn made(bytes: &[u8]) -> Made {
    let mut decoder = ResponseDecoder::new(Version::Three, Limits::default());
    let mut rest = bytes;
    loop {
        let space = decoder.space();
        let count = space.len().min(rest.len());
        space[..count].copy_from_slice(&rest[..count]);
        rest = &rest[count..];
        if let Progress::Done(response) = decoder.advance(count).unwrap() {
            assert!(rest.is_empty());
            let [stderr, rules] = [response.stderr, response.dependencies.unwrap_or_default()]
                .map(|bytes| String::from_utf8(bytes).unwrap());
            return Made { status: response.status.0, stderr, object: response.object, rules };
        }
    }
}
