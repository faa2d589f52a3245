//! Runs a distcc client with an environment of the test's own. Knows nothing of what it is asked to compile.

use std::ffi::{OsStr, OsString};
use std::process::Command;
use std::sync::Mutex;

use crate::netns::Netns;
use crate::process::{LIMIT, Outcome, Running, clean};
use crate::stub::Stub;
use crate::workdir::Workdir;

/// How to call the client; each run is a process of its own.
#[derive(Clone)]
pub struct Client<'a> {
    distcc: &'a str,
    work: &'a Workdir,
    on: Option<&'a Netns>,
    env: Vec<(OsString, OsString)>,
}

/// Hosts that are to be given nothing but jobs: see [`gets_jobs_only`].
static UNASKED: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// From now on, new clients send `host` ("address:port") nothing but jobs: what would show whether its compiler is the one
/// here would be counted as a job there.
pub fn gets_jobs_only(host: String) {
    UNASKED.lock().expect("no thread panics with it").push(host);
}

impl<'a> Client<'a> {
    /// A client with the directories of `work` and this host list, which runs in `work.src()`. Neither a stub compiler in
    /// `work` nor hosts that get jobs only are compared with what is here.
    pub fn new(distcc: &'a str, work: &'a Workdir, hosts: &str) -> Client<'a> {
        let client = Client { distcc, work, on: None, env: Vec::new() }.env("DISTCC_HOSTS", hosts);
        let unasked = UNASKED.lock().expect("no thread panics with it");
        let is_unasked =
            |token: &str| unasked.iter().any(|host| token.split(['/', ',']).next() == Some(host));
        if Stub::is_in(work) || hosts.split(' ').any(is_unasked) {
            return client.env("DISTCC_TOOLCHAIN_CHECK", "off");
        }
        client
    }

    /// Adds a variable to its environment.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Client<'a> {
        self.env.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Runs it on another host.
    pub fn on(mut self, host: Option<&'a Netns>) -> Client<'a> {
        self.on = host;
        self
    }

    /// A command of any program in the client's place and environment: make, say, which then calls the client.
    pub fn command(&self, program: &str) -> Command {
        let mut command = self.on.map_or_else(|| clean(program), |host| host.command(program));
        command
            .env("DISTCC_DIR", self.work.distcc_dir())
            .env("TMPDIR", self.work.tmp())
            .env("HOME", self.work.home())
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .current_dir(self.work.src());
        command
    }

    /// Starts `distcc WORDS…`.
    #[track_caller]
    pub fn start(&self, words: &[&str]) -> Running {
        let mut command = self.command(self.distcc);
        command.args(words);
        Running::start(command)
    }

    /// `distcc WORDS…` to its end, within [`LIMIT`].
    #[track_caller]
    pub fn run(&self, words: &[&str]) -> Outcome {
        self.start(words).finish(LIMIT)
    }

    /// The same words without the client: the plain compiler, in the same place and environment.
    #[track_caller]
    pub fn run_plain(&self, words: &[&str]) -> Outcome {
        let mut command = self.command(words[0]);
        command.args(&words[1..]);
        Running::start(command).finish(LIMIT)
    }
}
