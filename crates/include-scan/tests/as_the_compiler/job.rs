//! A compile command in its directory, as a user would give it. Knows nothing of what it reads.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process;

use include_scan::Command;
use test_hosts::process::clean;
use test_hosts::settings::PATH;

/// One command, to be scanned or to be run.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) directory: PathBuf,
    /// What the environment says besides the search path and the locale.
    pub(crate) environment: Vec<(OsString, OsString)>,
    /// The compiler's absolute path, then its arguments.
    pub(crate) words: Vec<OsString>,
}

impl Job {
    /// A command of words that need no environment.
    pub(crate) fn new<W: AsRef<OsStr>>(directory: &Path, words: impl IntoIterator<Item = W>) -> Job {
        let mut words: Vec<OsString> = words.into_iter().map(|word| word.as_ref().to_owned()).collect();
        words[0] = on_path(&words[0]).into_os_string();
        Job { directory: directory.to_owned(), environment: Vec::new(), words }
    }

    /// The command as the scanner takes it.
    pub(crate) fn command(&self) -> Command {
        let plain = [("PATH", PATH), ("LANG", "C"), ("LC_ALL", "C")];
        let mut environment: Vec<(OsString, OsString)> =
            plain.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        environment.extend(self.environment.iter().cloned());
        Command { directory: self.directory.clone(), words: self.words.clone(), environment }
    }

    /// The same compiler at the same place with these arguments, run by `runner` and its own.
    pub(crate) fn run_by(&self, runner: &[&OsStr], arguments: &[OsString]) -> process::Command {
        let mut command = clean(Path::new(runner[0]));
        command.args(&runner[1..]).arg(&self.words[0]).args(arguments);
        command
            .envs(self.environment.iter().cloned())
            .env("PWD", &self.directory)
            .current_dir(&self.directory);
        command
    }

    /// How a failure names it.
    pub(crate) fn line(&self) -> String {
        let words: Vec<_> = self.words.iter().map(|word| word.to_string_lossy()).collect();
        format!("{:?} {} (in {})", self.environment, words.join(" "), self.directory.display())
    }
}

/// The program's absolute path; a name that nothing has stays as it is, and fails where it is run.
fn on_path(name: &OsStr) -> PathBuf {
    PATH.split(':')
        .map(|directory| Path::new(directory).join(name))
        .find(|path| path.exists())
        .unwrap_or(name.into())
}
