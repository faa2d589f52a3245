//! Why a job does not get its compiler, what of that its client hears, and what only the log does.
//!
//! A client hears of compilers that it may use: what they are, where a program is that cannot be run, and why. By which
//! rule something is not permitted, and what an administrator does about anything, is for the log alone.

use std::ffi::OsStr;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::unistd::{AccessFlags, access};

use crate::compiler::Compiler;

/// How many links are followed.
const FOLLOWED: usize = 20;

/// Why a compiler is not run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The administrator did not permit it; the reason is for the log alone, and a job gets no answer.
    NotPermitted(String),
    /// It is permitted but not installed, or cannot be looked at; the client is told.
    Missing(String),
    /// None is the one that the client means; it is told.
    Unproven(String),
    /// It would make another object of this job, and of others the same; the client is told.
    NotThisJob(String),
}

impl Refusal {
    /// What a client hears that only asks.
    pub(crate) fn told(self, name: &OsStr) -> String {
        match self {
            Refusal::NotPermitted(_) => format!("{} is not permitted here", name.display()),
            Refusal::Missing(reason) | Refusal::Unproven(reason) | Refusal::NotThisJob(reason) => reason,
        }
    }
}

/// For the log: the program, why it cannot be run or asked, and what to do about it.
pub(crate) fn in_full(compiler: &Compiler, error: &io::Error) -> String {
    let Compiler { program, root, .. } = compiler;
    let inside = root.as_deref().map_or_else(String::new, |root| format!(" in {}", root.display()));
    let program = program.display();
    let remedy = remedy(compiler, error).map_or_else(String::new, |remedy| format!("; {remedy}"));
    format!("{program}{inside}: {error}{remedy}")
}

fn remedy(compiler: &Compiler, error: &io::Error) -> Option<String> {
    if error.kind() == ErrorKind::TimedOut {
        return Some("run it by hand to see what it waits for".to_owned());
    }
    // What links mean in another root is another matter.
    let program = Some(&compiler.program).filter(|_| compiler.root.is_none())?;
    match error.raw_os_error().map(Errno::from_raw)? {
        Errno::EACCES => Some(match barrier(program) {
            Some(part) => {
                format!("the daemon's user may not pass {0}: type `chmod a+rx {0}`", part.display())
            }
            None => "the daemon's user may not run it: see `namei -l` and how its file system is mounted"
                .to_owned(),
        }),
        Errno::ENOEXEC => Some("it is no program for this machine: see `file -L`".to_owned()),
        Errno::ENOENT if program.exists() => {
            Some("what it is started by is missing: see `file -L`".to_owned())
        }
        _ => None,
    }
}

/// The first part of a path, links followed, that keeps this process from running a program.
fn barrier(program: &Path) -> Option<PathBuf> {
    let mut program = program.to_owned();
    for _ in 0..FOLLOWED {
        let parts: Vec<&Path> = program.ancestors().collect();
        let closed = |part: &&&Path| access(**part, AccessFlags::X_OK) == Err(Errno::EACCES);
        if let Some(part) = parts.iter().rev().find(closed) {
            // The link itself is open to everybody.
            if !part.is_symlink() {
                return Some(part.to_path_buf());
            }
        }
        let target = program.read_link().ok()?;
        program = program.parent()?.join(target);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn remedies() {
        let house = tempfile::tempdir().unwrap();
        let gcc = house.path().join("gcc");
        fs::write(&gcc, "").unwrap();
        fs::set_permissions(&gcc, Permissions::from_mode(0o644)).unwrap();
        symlink("gcc", house.path().join("cc")).unwrap();
        let check = |name: &str, error: io::Error, expected: &str| {
            let said = in_full(&Compiler::here(house.path().join(name)), &error);
            let said = said.replace(house.path().to_str().unwrap(), "@");
            assert_eq!(said, expected);
        };
        let closed =
            "Permission denied (os error 13); the daemon's user may not pass @/gcc: type `chmod a+rx @/gcc`";
        check("gcc", Errno::EACCES.into(), &format!("@/gcc: {closed}"));
        check("cc", Errno::EACCES.into(), &format!("@/cc: {closed}"));
        let format =
            "@/gcc: Exec format error (os error 8); it is no program for this machine: see `file -L`";
        check("gcc", Errno::ENOEXEC.into(), format);
        check("gone", Errno::ENOENT.into(), "@/gone: No such file or directory (os error 2)");
        let late = "@/gcc: timed out; run it by hand to see what it waits for";
        check("gcc", ErrorKind::TimedOut.into(), late);
    }

    #[test]
    fn what_is_told() {
        let check = |refusal: Refusal, expected: &str| assert_eq!(refusal.told(OsStr::new("cc")), expected);
        check(Refusal::NotPermitted("cc is not in /etc/list".into()), "cc is not permitted here");
        check(Refusal::Missing("cc: no such program".into()), "cc: no such program");
    }
}
