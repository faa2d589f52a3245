//! Runs a distcc client with an environment of the test's own. Knows nothing of what it is asked to compile.

use std::ffi::{OsStr, OsString};
use std::process::Command;

use crate::netns::Netns;
use crate::process::{LIMIT, Outcome, Running, clean};
use crate::workdir::Workdir;

/// How to call the client; each run is a process of its own.
#[derive(Clone)]
pub struct Client<'a> {
    distcc: &'a str,
    work: &'a Workdir,
    on: Option<&'a Netns>,
    env: Vec<(OsString, OsString)>,
}

impl<'a> Client<'a> {
    /// A client with the directories of `work` and this host list, which runs in `work.src()`.
    pub fn new(distcc: &'a str, work: &'a Workdir, hosts: &str) -> Client<'a> {
        Client { distcc, work, on: None, env: Vec::new() }.env("DISTCC_HOSTS", hosts)
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
