//! The state file of a slot of this machine: overwritten by each holder, never removed. Knows nothing of how slots are taken.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process;

use crate::record::open_with;
use crate::task::{self, Phase, Task};

/// What this process does in a slot that it holds, in `DISTCC_DIR/state/binstate_localhost_SLOT`. Dropping it says that this
/// is over. A program that replaces this process by exec has the same number, so the record counts until that ends;
/// there are never more of these files than slots.
#[derive(Debug)]
pub struct SlotRecord {
    file: File,
    task: Task,
}

impl SlotRecord {
    /// Says what this process does with the source named `file`, of which the last component is shown. Costs an open and a
    /// `pwrite(2)`. `DISTCC_DIR/state` is made when missing, DISTCC_DIR is not.
    ///
    /// # Errors
    /// The directory or the file cannot be made.
    pub fn write(distcc_dir: &Path, file: &OsStr, phase: Phase, slot: u32) -> io::Result<SlotRecord> {
        let path = distcc_dir.join("state").join(format!("binstate_localhost_{slot}"));
        let (pid, file) = (process::id(), task::basename(file).to_owned());
        let task = Task { pid, file, host: "localhost".to_owned(), slot, phase };
        // Not emptied: a file that was emptied and closed is written to disk at once by some file systems.
        let file = open_with(File::options().write(true).create(true).truncate(false), &path)?;
        let record = SlotRecord { file, task };
        record.file.write_all_at(&task::encode(&record.task), 0)?;
        Ok(record)
    }
}

impl Drop for SlotRecord {
    fn drop(&mut self) {
        // A forked child holds a copy of this value, but the slot is its parent's.
        if process::id() == self.task.pid {
            self.task.phase = Phase::Done;
            // Monitors notice the end of the process anyway.
            let _ = self.file.write_all_at(&task::encode(&self.task), 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::decode;

    #[test]
    fn a_slot_has_one_file() {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("state");
        for (file, shown) in [("a.c", "a.c"), ("../src/a-longer-name.c", "a-longer-name.c"), ("b.c", "b.c")] {
            let read = || decode(&fs::read(state.join("binstate_localhost_2")).unwrap());
            let task = |phase| {
                Ok(Task { pid: process::id(), file: shown.into(), host: "localhost".into(), slot: 2, phase })
            };
            let record = SlotRecord::write(dir.path(), OsStr::new(file), Phase::Compile, 2).unwrap();
            assert_eq!(read(), task(Phase::Compile));
            drop(record);
            assert_eq!(read(), task(Phase::Done));
        }
        assert_eq!(fs::read_dir(state).unwrap().count(), 1);
    }

    #[test]
    fn a_missing_distcc_dir_is_not_made() {
        let dir = tempfile::tempdir().unwrap();
        assert!(SlotRecord::write(&dir.path().join("none"), OsStr::new("a.c"), Phase::Compile, 0).is_err());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
