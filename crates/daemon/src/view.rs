//! What a compiler sees instead of this machine: a client's files at the client's own paths, the programs and headers
//! of a system, and one directory that it may write. Knows nothing of jobs, nor how the client's files came here.

mod enter;
mod layout;
mod probe;
mod root;
mod system;

use std::ffi::{CString, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::libc;
use nix::mount::MsFlags;
use tokio::process::Command;

use enter::{Call, Entry};
pub(crate) use layout::{Layout, only_text_among_programs};
pub(crate) use probe::Views;
pub(crate) use root::Root;
pub(crate) use system::System;

/// What may be done with what is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// Reading; neither running it nor loading code from it.
    Read,
    /// Reading and running.
    Run,
    /// Reading and writing.
    Write,
}

/// One job's view, prepared: its root, what is shown in it and where.
#[derive(Debug)]
pub(crate) struct View {
    root: PathBuf,
    calls: Vec<Call>,
    /// The PATH in it, where it is not that of the daemon.
    search_path: Option<&'static str>,
}

impl View {
    /// What is in `root`, a directory of this machine, and nothing else; a PATH if the daemon's is not right for it.
    ///
    /// # Errors
    /// A path that no system call takes, as everywhere here.
    pub(crate) fn of(root: &Path, search_path: Option<&'static str>) -> io::Result<View> {
        let mut view = View { root: root.to_owned(), calls: Vec::new(), search_path };
        view.show(root, Path::new("/"), Use::Read)?;
        Ok(view)
    }

    /// Shows what is at `from` on this machine with all that is mounted below. At `to` the root has an empty directory,
    /// or a file for a file.
    pub(crate) fn show(&mut self, from: &Path, to: &Path, how: Use) -> io::Result<()> {
        let (from, to) = (c_string(from)?, c_string(&self.seen_from_outside(to))?);
        let bind = MsFlags::MS_BIND | MsFlags::MS_REC;
        self.calls.push(Call::Mount {
            from,
            to: to.clone(),
            kind: None,
            flags: bind,
            data: CString::default(),
        });
        let least = libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV;
        let more = match how {
            Use::Read => libc::MOUNT_ATTR_RDONLY | libc::MOUNT_ATTR_NOEXEC,
            Use::Run => libc::MOUNT_ATTR_RDONLY,
            Use::Write => libc::MOUNT_ATTR_NOEXEC,
        };
        self.calls.push(Call::Restrict { to, attributes: least | more });
        Ok(())
    }

    /// Shows a device of this machine at its own path.
    pub(crate) fn show_device(&mut self, path: &Path) -> io::Result<()> {
        let (from, to) = (c_string(path)?, c_string(&self.seen_from_outside(path))?);
        let data = CString::default();
        self.calls.push(Call::Mount { from, to, kind: None, flags: MsFlags::MS_BIND, data });
        Ok(())
    }

    /// Shows what the root has at `path` and what this machine has at `from` as one directory; of two files of one name
    /// the root's.
    pub(crate) fn merge(&mut self, from: &Path, path: &Path) -> io::Result<()> {
        let upper = self.seen_from_outside(path);
        if [upper.as_path(), from]
            .iter()
            .any(|layer| layer.as_os_str().as_bytes().iter().any(|byte| b":,\\".contains(byte)))
        {
            return Err(io::Error::other(format!("{} has a name that cannot be merged", upper.display())));
        }
        let layers: OsString =
            ["lowerdir=".as_ref(), upper.as_os_str(), ":".as_ref(), from.as_os_str()].into_iter().collect();
        let flags = MsFlags::MS_RDONLY | MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
        let (to, data) = (c_string(&upper)?, c_string(Path::new(&layers))?);
        self.calls.push(Call::Mount { from: c"overlay".to_owned(), to, kind: Some(c"overlay"), flags, data });
        Ok(())
    }

    /// Has `command` run in the view and begin in `directory` of it.
    pub(crate) fn apply(&self, command: &mut Command, directory: &Path) -> io::Result<()> {
        command.envs(self.search_path.map(|path| ("PATH", path)));
        let entry = Entry::new(c_string(&self.root)?, self.calls.clone(), c_string(directory)?);
        enter::before_it_runs(command, entry);
        Ok(())
    }

    fn seen_from_outside(&self, path: &Path) -> PathBuf {
        below(&self.root, path)
    }
}

/// Why a command could not move into its view, if that is what `error` says.
pub(crate) fn why_not_entered(error: &io::Error) -> Option<String> {
    enter::explain(error)
}

/// The absolute `path` beneath `root`.
pub(crate) fn below(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}

fn c_string(path: &Path) -> io::Result<CString> {
    Ok(CString::new(path.as_os_str().as_bytes())?)
}
