//! The jobs of several directories in the order in which they are shown. Knows nothing of how that looks.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use job_state::{Reader, Sighting};

use crate::devtools;

/// Where jobs are looked for, each a DISTCC_DIR.
#[derive(Debug)]
pub(crate) struct Source {
    named: Vec<PathBuf>,
    chroots: PathBuf,
    directories: Vec<PathBuf>,
    reader: Reader,
    told: BTreeSet<PathBuf>,
    warnings: Vec<String>,
}

impl Source {
    /// In the `named` directories, and in those of builds below `chroots`.
    pub(crate) fn new(named: Vec<PathBuf>, chroots: &Path) -> Source {
        let (reader, told, warnings) = (Reader::new(), BTreeSet::new(), Vec::new());
        let mut source =
            Source { named, chroots: chroots.to_owned(), directories: Vec::new(), reader, told, warnings };
        source.look_around();
        source
    }

    /// Takes in that builds in chroots begin and end.
    pub(crate) fn look_around(&mut self) {
        let mut directories = self.named.clone();
        let others = devtools::directories(&self.chroots);
        directories.extend(others.into_iter().filter(|other| !self.named.contains(other)));
        self.directories = directories;
    }

    pub(crate) fn directories(&self) -> &[PathBuf] {
        &self.directories
    }

    /// All jobs that are not over, by host and slot.
    ///
    /// # Errors
    /// A directory cannot be read; the message names it.
    pub(crate) fn read(&mut self) -> io::Result<Vec<Sighting>> {
        let mut jobs = Vec::new();
        for directory in &self.directories {
            let found = self.reader.read(directory).map_err(|error| {
                let state = directory.join("state");
                io::Error::new(error.kind(), format!("cannot read {}: {error}", state.display()))
            })?;
            jobs.extend(found.jobs);
            for (path, why) in found.rejected {
                if !self.told.contains(&path) {
                    self.warnings.push(format!("ignoring {}: it {why}", path.display()));
                    self.told.insert(path);
                }
            }
        }
        Ok(in_order(jobs))
    }

    /// What has come up since this was last asked; each file is told of once.
    pub(crate) fn warnings(&mut self) -> Vec<String> {
        std::mem::take(&mut self.warnings)
    }
}

/// What the directory gave first stays first where host and slot are the same, as distcc 3.4 has it.
fn in_order(mut jobs: Vec<Sighting>) -> Vec<Sighting> {
    // The C program's slots have a sign.
    jobs.sort_by(|a, b| {
        let key = |job: &Sighting| job.task.slot.cast_signed();
        a.task.host.cmp(&b.task.host).then(key(a).cmp(&key(b)))
    });
    jobs
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use job_state::{Phase, Task};

    use super::*;

    #[test]
    fn order() {
        let jobs = [
            (1, "red", 1, Phase::Compile),
            (2, "blue", 4, Phase::Compile),
            (4, "Red", 7, Phase::Send),
            (5, "red", u32::MAX, Phase::Send),
            (6, "blue", 4, Phase::Connect),
        ];
        let sightings = jobs.map(|(pid, host, slot, phase)| Sighting {
            task: Task { pid, file: "a.c".into(), host: host.to_owned(), slot, phase },
            since: SystemTime::now(),
        });
        let pids: Vec<u32> = in_order(sightings.to_vec()).iter().map(|job| job.task.pid).collect();
        assert_eq!(pids, [4, 2, 6, 5, 1]);
    }
}
