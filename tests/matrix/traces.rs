//! What a command leaves behind, and where two runs of it differ. Knows nothing of how it was run.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use test_hosts::objects::same_but_for;
use test_hosts::process::Outcome;

use crate::excerpts::without_excerpts;

/// All that can be seen of a run from outside, times excepted.
pub(crate) struct Traces {
    status: ExitStatus,
    stdout: String,
    stderr: String,
    files: BTreeMap<PathBuf, Found>,
}

/// What a name stands for, with its mode where it has one of its own.
#[derive(PartialEq, Eq)]
enum Found {
    Directory(u32),
    File(u32, Vec<u8>),
    Link(PathBuf),
    /// A pipe, socket or device.
    Special(u32),
}

/// What two runs may differ in.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Leeway {
    /// Columns in messages, and the lines of source below them.
    pub(crate) excerpts: bool,
    /// Sections of objects that hold columns.
    pub(crate) columns: bool,
}

impl Traces {
    /// Of a run that has ended in `directory`.
    pub(crate) fn of(outcome: &Outcome, directory: &Path) -> Traces {
        let mut files = BTreeMap::new();
        collect(directory, directory, &mut files);
        Traces { status: outcome.status, stdout: outcome.out(), stderr: outcome.err(), files }
    }

    pub(crate) fn is_silent(&self) -> bool {
        self.stdout.is_empty() && self.stderr.is_empty()
    }

    pub(crate) fn succeeded(&self) -> bool {
        self.status.success()
    }

    pub(crate) fn stderr(&self) -> &str {
        &self.stderr
    }

    /// The first thing that differs from what the compiler alone leaves.
    pub(crate) fn difference(&self, direct: &Traces, leeway: Leeway) -> Result<(), String> {
        let said = |text: &str| if leeway.excerpts { without_excerpts(text) } else { text.to_owned() };
        for (stream, ours, theirs) in
            [("stderr", &self.stderr, &direct.stderr), ("stdout", &self.stdout, &direct.stdout)]
        {
            let (ours, theirs) = (said(ours), said(theirs));
            if ours != theirs {
                return Err(format!("{stream}\n{ours}--- instead of\n{theirs}---"));
            }
        }
        if self.status != direct.status {
            return Err(format!("{} instead of {}", self.status, direct.status));
        }
        self.file_that_differs(direct, leeway).map_or(Ok(()), Err)
    }

    fn file_that_differs(&self, direct: &Traces, leeway: Leeway) -> Option<String> {
        if let Some(name) = direct.files.keys().find(|name| !self.files.contains_key(*name)) {
            return Some(format!("{} is missing", name.display()));
        }
        self.files.iter().find_map(|(name, ours)| {
            let Some(theirs) = direct.files.get(name) else {
                return Some(format!("{} is one too many", name.display()));
            };
            let alike = ours == theirs || leeway.columns && ours.is_but_for_columns(theirs);
            let shown = || format!("{}: {} instead of {}", name.display(), ours.shown(), theirs.shown());
            (!alike).then(shown)
        })
    }
}

impl Found {
    fn is_but_for_columns(&self, other: &Found) -> bool {
        let (Found::File(mode, ours), Found::File(other_mode, theirs)) = (self, other) else { return false };
        mode == other_mode && same_but_for(ours, theirs, holds_columns).is_ok()
    }

    fn shown(&self) -> String {
        match self {
            Found::Directory(mode) => format!("directory {mode:o}"),
            Found::File(mode, bytes) => match std::str::from_utf8(bytes) {
                Ok(text) if text.len() < 400 => format!("file {mode:o} {text:?}"),
                _ => format!("file {mode:o} of {} bytes", bytes.len()),
            },
            Found::Link(target) => format!("link to {}", target.display()),
            Found::Special(mode) => format!("special file {mode:o}"),
        }
    }
}

/// Debug information, and the compiler's inner language that waits for the linker.
fn holds_columns(section: &str) -> bool {
    [".debug_", ".rela.debug_", ".gnu.lto_", ".gnu.debuglto_"].iter().any(|begin| section.starts_with(begin))
}

fn collect(top: &Path, directory: &Path, files: &mut BTreeMap<PathBuf, Found>) {
    for entry in fs::read_dir(directory).expect("a directory of ours").flatten() {
        let path = entry.path();
        let about = fs::symlink_metadata(&path).expect("a file of ours");
        let (kind, mode) = (about.file_type(), about.permissions().mode() & 0o7777);
        let name = path.strip_prefix(top).expect("a path below the top").to_owned();
        let found = if kind.is_dir() {
            collect(top, &path, files);
            Found::Directory(mode)
        } else if kind.is_symlink() {
            Found::Link(fs::read_link(&path).expect("a link of ours"))
        } else if kind.is_fifo() || kind.is_socket() || kind.is_char_device() || kind.is_block_device() {
            Found::Special(mode)
        } else {
            Found::File(mode, fs::read(&path).expect("a file of ours"))
        };
        files.insert(name, found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use test_hosts::process::{clean, run};
    use test_hosts::workdir::Workdir;

    fn traces(script: &str) -> Traces {
        let work = Workdir::new();
        let mut shell = clean("sh");
        shell.args(["-c", script]).current_dir(work.src());
        Traces::of(&run(shell), &work.src())
    }

    #[track_caller]
    fn check(ours: &str, theirs: &str, expected: Result<(), &str>) {
        let difference = traces(ours).difference(&traces(theirs), Leeway::default());
        assert_eq!(difference, expected.map_err(str::to_owned), "{ours} / {theirs}");
    }

    #[test]
    fn whatever_can_be_seen_is_compared() {
        let all = "mkdir d; echo x > d/f; ln -s d/f l; mkfifo p; echo said; echo more >&2; exit 3";
        check(all, all, Ok(()));
        check("echo a", "echo b", Err("stdout\na\n--- instead of\nb\n---"));
        check("echo a >&2", "", Err("stderr\na\n--- instead of\n---"));
        check("exit 1", "exit 2", Err("exit status: 1 instead of exit status: 2"));
        check("kill -9 $$", "exit 137", Err("signal: 9 (SIGKILL) instead of exit status: 137"));
        check("", "touch a", Err("a is missing"));
        check("touch a", "", Err("a is one too many"));
        check("echo a > f", "echo b > f", Err(r#"f: file 644 "a\n" instead of file 644 "b\n""#));
        check("umask 77; touch f", "touch f", Err(r#"f: file 600 "" instead of file 644 """#));
        check("ln -s a f", "ln -s b f", Err("f: link to a instead of link to b"));
        check("mkdir f", "mkfifo f", Err("f: directory 755 instead of special file 644"));
    }
}
