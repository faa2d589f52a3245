//! All state files of a directory, as monitors read them. Knows nothing of how they are shown.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use nix::unistd::geteuid;

use crate::process::{self, Processes, Writer};
use crate::record::CAREFULLY;
use crate::task::{self, Phase, Task, WhyNot};

/// How old a dead process's file must be to be removed: distcc 3.4's monitors take the same time.
const STALE: Duration = Duration::from_secs(60);

/// A job of a process that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// What its record says.
    pub task: Task,
    /// When it said so: the beginning of its phase.
    pub since: SystemTime,
}

/// What a directory holds at one moment.
#[derive(Debug, Default)]
pub struct Sightings {
    /// Jobs that are not over and whose process runs, in the directory's own order.
    pub jobs: Vec<Sighting>,
    /// Files that are not records, and why.
    pub rejected: Vec<(PathBuf, WhyNot)>,
}

/// Reads directories, again and again.
#[derive(Debug)]
pub struct Reader {
    processes: Processes,
}

impl Reader {
    /// Has read nothing yet.
    #[must_use]
    pub fn new() -> Reader {
        Reader { processes: Processes::new() }
    }

    /// Reads `DISTCC_DIR/state`; that directory may be missing. A record counts as long as the process that wrote it runs,
    /// however long that takes. What a dead process of this user has left for a minute is removed. That a process in a
    /// container has begun is noticed within a second.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn read(&mut self, distcc_dir: &Path) -> io::Result<Sightings> {
        let mut sightings = Sightings::default();
        let entries = match fs::read_dir(distcc_dir.join("state")) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(sightings),
            entries => entries?,
        };
        self.processes.set_clock();
        for entry in entries {
            let path = entry?.path();
            let Some(found) = StateFile::open(&path) else { continue };
            match task::decode(&found.content) {
                Ok(task) if task.phase != Phase::Done && self.processes.runs(&found.writer(&task)) => {
                    sightings.jobs.push(Sighting { task, since: found.wrote });
                }
                Ok(task) if found.is_litter(&task, &path) => {
                    // Another monitor may have been faster.
                    let _ = fs::remove_file(&path);
                }
                Ok(_) | Err(WhyNot::Short) => {}
                Err(why) => sightings.rejected.push((path, why)),
            }
        }
        Ok(sightings)
    }
}

impl Default for Reader {
    fn default() -> Self {
        Reader::new()
    }
}

/// A file whose name is that of a state file.
struct StateFile {
    content: Vec<u8>,
    owner: u32,
    wrote: SystemTime,
}

impl StateFile {
    fn open(path: &Path) -> Option<StateFile> {
        if !path.file_name()?.as_bytes().starts_with(b"binstate_") {
            return None;
        }
        let file = File::options().read(true).custom_flags(CAREFULLY).open(path).ok()?;
        let metadata = file.metadata().ok().filter(fs::Metadata::is_file)?;
        let mut content = Vec::new();
        file.take(task::SIZE as u64).read_to_end(&mut content).ok()?;
        Some(StateFile { content, owner: metadata.uid(), wrote: metadata.modified().ok()? })
    }

    fn writer(&self, task: &Task) -> Writer {
        Writer { pid: task.pid, owner: self.owner, wrote: self.wrote }
    }

    /// Whether a dead process has left the file to nobody. A slot's record is overwritten by the slot's next holder, and
    /// who does not see all processes cannot say who is dead.
    fn is_litter(&self, task: &Task, path: &Path) -> bool {
        let name = format!("binstate_{}", task.pid);
        path.file_name() == Some(OsStr::new(&name))
            && self.owner == geteuid().as_raw()
            && self.wrote.elapsed().is_ok_and(|age| age > STALE)
            && process::sees_all()
    }
}

#[cfg(test)]
mod tests {
    use std::process::id;

    use super::*;
    use crate::encode;

    /// A state file, and whether it is shown and whether it is still there afterwards.
    #[track_caller]
    fn check(name: &str, pid: u32, age: u64, shown: bool, kept: bool) {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("state")).unwrap();
        let path = dir.path().join("state").join(name);
        let task = Task { pid, file: "a.c".into(), host: "red".into(), slot: 1, phase: Phase::Compile };
        fs::write(&path, encode(&task)).unwrap();
        let since = SystemTime::now() - Duration::from_secs(age);
        File::options().write(true).open(&path).unwrap().set_modified(since).unwrap();
        let jobs = Reader::new().read(dir.path()).unwrap().jobs;
        assert_eq!(jobs, if shown { vec![Sighting { task, since }] } else { Vec::new() }, "{name}");
        assert_eq!(path.exists(), kept, "{name}");
    }

    /// No process has this number (proc(5), pid_max).
    const DEAD: u32 = 1 << 22;

    #[test]
    fn jobs_of_the_living() {
        let own = format!("binstate_{}", id());
        check(&own, id(), 0, true, true);
        check("binstate_localhost_0", id(), 0, true, true);
        // Process 1 is as old as the machine, and has a compile that takes its time.
        check("binstate_1", 1, 90, true, true);
        check("other_1", id(), 0, false, true);
    }

    #[test]
    fn what_the_dead_left() {
        let name = format!("binstate_{DEAD}");
        check(&name, DEAD, 0, false, true);
        check(&name, DEAD, 90, false, !process::sees_all());
        check("binstate_localhost_0", DEAD, 90, false, true);
        check("binstate_7", DEAD, 90, false, true);
    }

    #[test]
    fn what_is_no_record() {
        let dir = tempfile::tempdir().unwrap();
        assert!(Reader::new().read(dir.path()).unwrap().jobs.is_empty());
        let state = dir.path().join("state");
        fs::create_dir(&state).unwrap();
        fs::write(state.join("binstate_1"), "").unwrap();
        fs::write(state.join("binstate_2"), [1; 296]).unwrap();
        fs::create_dir(state.join("binstate_3")).unwrap();
        std::os::unix::fs::symlink("/dev/zero", state.join("binstate_4")).unwrap();
        nix::unistd::mkfifo(&state.join("binstate_5"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        let rejected = Reader::new().read(dir.path()).unwrap().rejected;
        assert_eq!(rejected, [(state.join("binstate_2"), WhyNot::Size(0x0101_0101_0101_0101))]);
    }
}
