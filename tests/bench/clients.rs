//! A client under measurement, ours or the C one, and jobs for it. Knows nothing of what is measured.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use test_hosts::process::clean;
use test_hosts::workdir::Workdir;

use crate::include_servers::IncludeServer;
use crate::stub::Stub;

/// The same compile commands again and again, each time for another object.
pub(crate) struct Client<'a> {
    distcc: &'static str,
    hosts: &'a str,
    /// Compiler, source and what else it needs.
    commands: Vec<Vec<String>>,
    variables: Vec<(String, String)>,
    work: &'a Workdir,
    search_path: String,
}

impl<'a> Client<'a> {
    /// A client that sends `input`, a file in `work.src()`, to `hosts`.
    pub(crate) fn new(
        distcc: &'static str,
        hosts: &'a str,
        input: &'static str,
        stub: &Stub,
        work: &'a Workdir,
    ) -> Client<'a> {
        let search_path = format!("{}:/usr/bin:/bin", stub.directory().display());
        let commands = vec![vec!["gcc".to_owned(), input.to_owned()]];
        Client { distcc, hosts, commands, variables: Vec::new(), work, search_path }
    }

    /// The same with other commands, in turns, and with an include server.
    pub(crate) fn in_pump_mode(self, server: &IncludeServer, commands: &[Vec<String>]) -> Client<'a> {
        Client { commands: commands.to_owned(), variables: server.variables(), ..self }
    }

    /// Runs `count` jobs, at most `at_once` of them at the same time, and returns how long that took. Panics if one of
    /// them fails, says anything, or leaves no object.
    pub(crate) fn run(&self, count: usize, at_once: usize) -> Duration {
        let objects: Vec<PathBuf> = (0..count).map(|job| self.work.src().join(format!("{job}.o"))).collect();
        let next = AtomicUsize::new(0);
        let started = Instant::now();
        thread::scope(|scope| {
            let work_on = || {
                loop {
                    let job = next.fetch_add(1, Ordering::Relaxed);
                    let Some(object) = objects.get(job) else { break };
                    self.job(&self.commands[job % self.commands.len()], object);
                }
            };
            (0..at_once).for_each(|_| {
                scope.spawn(work_on);
            });
        });
        let took = started.elapsed();
        objects.iter().for_each(|object| fs::remove_file(object).expect("each job leaves an object"));
        took
    }

    fn job(&self, words: &[String], object: &Path) {
        let mut command = clean(self.distcc);
        command
            .args(words)
            .args(["-O2", "-c", "-o"])
            .arg(object)
            .env("PATH", &self.search_path)
            .env("HOME", self.work.home())
            .env("DISTCC_DIR", self.work.distcc_dir())
            .env("DISTCC_HOSTS", self.hosts)
            .env("DISTCC_FALLBACK", "0")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .current_dir(self.work.src());
        let output = command.output().unwrap_or_else(|error| panic!("cannot start {}: {error}", self.distcc));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success() && said.is_empty(),
            "{} ended with {}: {said}",
            self.distcc,
            output.status
        );
    }
}
