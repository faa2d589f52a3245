//! One compiler at work: started, waited for, killed with all its children. Knows nothing of clients.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use nix::libc;
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::unistd::Pid;
use protocol::WaitStatus;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::compiler::{Compiler, is_masquerade};
use crate::server::Server;
use crate::settings::Settings;
use crate::strays::Known;
use crate::workbench::Workbench;

/// How long a compiler that is told to end may take for it.
pub(crate) const GRACE: Duration = Duration::from_secs(1);

/// The most that is kept of what a compiler prints, in bytes.
const LONGEST_MESSAGE: u64 = 16 << 20;

/// Assembler text is longer than the object that is made of it.
const LONGEST_FILE_PER_OBJECT: u64 = 4;

/// What every compiler finds in its environment, and there is nothing else in it.
#[derive(Debug)]
pub(crate) struct Environment {
    variables: Vec<(&'static str, OsString)>,
    /// In bytes.
    longest_file: u64,
}

impl Environment {
    /// PATH, the administrator's language, and the mark by which a distcc among the compilers knows that it is one
    /// too many.
    pub(crate) fn new(settings: &Settings) -> Environment {
        let path: Vec<&PathBuf> =
            settings.path.iter().filter(|directory| !is_masquerade(directory)).collect();
        let path = std::env::join_paths(path).expect("split from a PATH, so without colons");
        let mut variables = vec![("PATH", path), ("_DISTCC_SAFEGUARD", OsString::from("1"))];
        variables.extend(settings.locale.iter().cloned());
        let longest_object = settings.limits.unpacked_bytes as u64;
        Environment { variables, longest_file: longest_object.saturating_mul(LONGEST_FILE_PER_OBJECT) }
    }

    /// The PATH on which a compiler finds its programs.
    pub(crate) fn search_path(&self, compiler: &Compiler) -> OsString {
        let ours = self.variables.iter().find(|(name, _)| *name == "PATH").map(|(_, path)| path);
        match compiler.root {
            Some(_) => toolchain::PATH_IN_ROOT.into(),
            None => ours.cloned().unwrap_or_default(),
        }
    }
}

/// A compiler at work. Its end, or dropping it, ends also what it started, but for what has left its process group:
/// that is a stray.
#[derive(Debug)]
pub(crate) struct Execution<'a> {
    child: Child,
    group: Option<Known<'a>>,
    stdout: File,
    stderr: File,
}

impl<'a> Execution<'a> {
    /// Starts `compiler` at its place of work, in a process group of its own.
    ///
    /// # Errors
    /// It cannot be executed.
    pub(crate) fn start(
        compiler: &Path,
        workbench: &Workbench<'_>,
        server: &'a Server,
    ) -> io::Result<Execution<'a>> {
        let (stdout, stderr) = (buffer()?, buffer()?);
        let environment = &server.environment;
        let mut command = Command::new(compiler);
        command
            .args(&workbench.args)
            .env_clear()
            .envs(environment.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(stdout.as_fd().try_clone_to_owned()?)
            .stderr(stderr.as_fd().try_clone_to_owned()?)
            .process_group(0);
        workbench.apply(&mut command)?;
        let (child, group) = server.strays.start(|| command.spawn())?;
        let process = child.id().map(|id| Pid::from_raw(id.cast_signed()));
        process.inspect(|compiler| restrict(*compiler, environment.longest_file));
        Ok(Execution { child, group, stdout, stderr })
    }

    /// How it ended, once it has; what it left running is killed.
    ///
    /// # Errors
    /// The kernel refuses to tell.
    pub(crate) async fn wait(&mut self) -> io::Result<WaitStatus> {
        let status = self.child.wait().await?;
        if let Some(group) = self.group.take() {
            group.bury().await;
        }
        Ok(WaitStatus::from_raw(status.into_raw().cast_unsigned()))
    }

    /// Ends it and everything that it started: first politely, so that it can remove its temporary files.
    pub(crate) async fn kill(&mut self) {
        let Some(group) = self.group.take() else { return };
        group.terminate();
        if timeout(GRACE, self.child.wait()).await.is_err() {
            group.kill();
            let _ = timeout(GRACE, self.child.wait()).await;
        }
        group.bury().await;
    }

    /// How many bytes are kept of what it printed.
    pub(crate) fn printed_length(&self) -> usize {
        length(&self.stdout).unwrap_or(0) + length(&self.stderr).unwrap_or(0)
    }

    /// What it printed: stdout, stderr.
    ///
    /// # Errors
    /// The buffers cannot be read.
    pub(crate) fn printed(&self) -> io::Result<(Vec<u8>, Vec<u8>)> {
        Ok((content(&self.stdout)?, content(&self.stderr)?))
    }
}

/// Bounds each file that the compiler and its future children write, and spares the workspace their core dumps. It has
/// been running for a moment, which is less than a compiler needs to start its first child.
#[allow(unsafe_code, reason = "neither std nor nix offers prlimit(2)")]
fn restrict(compiler: Pid, longest_file: u64) {
    for (resource, limit) in [(libc::RLIMIT_FSIZE, longest_file), (libc::RLIMIT_CORE, 0)] {
        let limit = libc::rlimit { rlim_cur: limit, rlim_max: limit };
        // SAFETY: reads the limit, and is told to write nothing. It fails where a stricter one is inherited.
        let _ = unsafe { libc::prlimit(compiler.as_raw(), resource, &raw const limit, std::ptr::null_mut()) };
    }
}

/// A file without a name, in memory: nothing to unlink, and nobody has to read while the compiler prints.
fn buffer() -> io::Result<File> {
    Ok(File::from(memfd_create(c"compiler output", MFdFlags::MFD_CLOEXEC)?))
}

fn content(buffer: &File) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length(buffer)?];
    buffer.read_exact_at(&mut bytes, 0)?;
    Ok(bytes)
}

fn length(buffer: &File) -> io::Result<usize> {
    Ok(buffer.metadata()?.len().min(LONGEST_MESSAGE) as usize)
}
