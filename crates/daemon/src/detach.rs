//! Leaving the terminal: the process that was started lives on until the daemon serves, and the daemon says where it
//! is. Knows nothing of what is served.

use std::fs::{self, File};
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::path::{Path, PathBuf};

use nix::unistd::{ForkResult, dup2_stderr, dup2_stdin, dup2_stdout, fork, setsid};

/// The daemon's end of the wire to the process that was started, which waits for its word.
#[derive(Debug)]
pub(crate) struct Starter(Option<PipeWriter>);

impl Starter {
    /// Goes on in a new session of its own. The process that was started ends when the daemon calls `ready` (exit
    /// code 0) or `failed`, or dies. Must be called while there is but one thread.
    ///
    /// # Errors
    /// No pipe or no process can be made.
    pub(crate) fn fork() -> io::Result<Starter> {
        let (reader, writer) = io::pipe()?;
        match fork_single_threaded()? {
            ForkResult::Parent { .. } => {
                drop(writer);
                std::process::exit(verdict(reader).into())
            }
            ForkResult::Child => setsid()?,
        };
        Ok(Starter(Some(writer)))
    }

    /// Stays in the foreground, where nobody waits.
    pub(crate) fn none() -> Starter {
        Starter(None)
    }

    /// The daemon serves. stderr is kept for a log that goes there.
    ///
    /// # Errors
    /// `/dev/null` cannot be opened.
    pub(crate) fn ready(&mut self, keep_stderr: bool) -> io::Result<()> {
        let Some(mut writer) = self.0.take() else { return Ok(()) };
        let null = File::options().read(true).write(true).open("/dev/null")?;
        dup2_stdin(&null)?;
        dup2_stdout(&null)?;
        if !keep_stderr {
            dup2_stderr(&null)?;
        }
        // If the one who waits was killed there is nobody to tell.
        let _ = writer.write_all(&[0]);
        Ok(())
    }

    /// The daemon cannot serve: the process that was started exits with `code`, too.
    pub(crate) fn failed(&mut self, code: u8) {
        if let Some(mut writer) = self.0.take() {
            let _ = writer.write_all(&[code]);
        }
    }
}

/// What the daemon says, or distcc's general failure if it died without a word.
fn verdict(mut reader: PipeReader) -> u8 {
    let mut code = [100];
    // At the end of the pipe the array is left as it is.
    let _ = reader.read(&mut code);
    code[0]
}

#[allow(unsafe_code, reason = "a daemon that leaves its terminal has to fork")]
fn fork_single_threaded() -> nix::Result<ForkResult> {
    // SAFETY: the caller has started no thread yet, so no lock can be held by one that is missing in the child.
    unsafe { fork() }
}

/// The file that names the daemon's process; dropping it removes the file.
#[derive(Debug)]
pub(crate) struct PidFile(PathBuf);

impl PidFile {
    /// Writes `PID\n`.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn write(path: &Path) -> io::Result<PidFile> {
        fs::write(path, format!("{}\n", std::process::id()))?;
        Ok(PidFile(path.to_owned()))
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        // A service user may lack the right to remove from a directory of root's.
        let _ = fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pid_file_lives_as_long_as_its_value() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("pid");
        fs::write(&path, "a stale and longer line\n").unwrap();
        let file = PidFile::write(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("{}\n", std::process::id()));
        drop(file);
        assert!(!path.exists());
    }

    #[test]
    fn a_daemon_that_dies_without_a_word_failed() {
        for (word, expected) in [(&[0][..], 0), (&[102], 102), (&[], 100)] {
            let (reader, mut writer) = io::pipe().unwrap();
            writer.write_all(word).unwrap();
            drop(writer);
            assert_eq!(verdict(reader), expected);
        }
    }
}
