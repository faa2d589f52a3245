//! A client under measurement, ours or the C one, and jobs for it. Knows nothing of what is measured.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use test_hosts::process::clean;
use test_hosts::workdir::Workdir;

use crate::stub::Stub;

/// The same compile command again and again, each time for another object.
pub(crate) struct Client<'a> {
    distcc: &'static str,
    hosts: &'a str,
    input: &'static str,
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
        Client { distcc, hosts, input, work, search_path }
    }

    /// Runs `count` jobs, at most `at_once` of them at the same time, and returns how long that took. Panics if one of
    /// them fails, says anything, or leaves no object.
    pub(crate) fn run(&self, count: usize, at_once: usize) -> Duration {
        let objects: Vec<PathBuf> = (0..count).map(|job| self.work.src().join(format!("{job}.o"))).collect();
        let next = AtomicUsize::new(0);
        let started = Instant::now();
        thread::scope(|scope| {
            let work_on = || {
                while let Some(object) = objects.get(next.fetch_add(1, Ordering::Relaxed)) {
                    self.job(object);
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

    fn job(&self, object: &Path) {
        let mut command = clean(self.distcc);
        command
            .args(["gcc", "-O2", "-c", self.input, "-o"])
            .arg(object)
            .env("PATH", &self.search_path)
            .env("HOME", self.work.home())
            .env("DISTCC_DIR", self.work.distcc_dir())
            .env("DISTCC_HOSTS", self.hosts)
            .env("DISTCC_FALLBACK", "0")
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
