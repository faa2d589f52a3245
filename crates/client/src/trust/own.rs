//! What the compiler of a command is on this machine. Knows no host.

use crate::compile::Job;
use crate::dependencies;
use crate::interrupts::{Broken, Interrupts};
use crate::local;
use crate::question;
use crate::trust::turn::{self, Whose};
use cc_args::Compilation;
use nix::errno::Errno;
use nix::sys::signal::Signal;
use nix::unistd::geteuid;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use toolchain::{Evidence, Hashes, Identity, Language, Memory, Prints, Root, Surroundings};

/// The compiler here, as it was when the job began.
pub(crate) struct Own {
    program: PathBuf,
    /// Of the program alone; only where nobody can tell what it is.
    stamp: Stamp,
    language: Language,
    /// What it is, and what of; none where nobody can tell.
    known: Option<(Identity, Evidence)>,
    /// This machine's, in which the evidence is.
    root: Option<Root>,
}

/// So long another client is waited for that asks the same compiler: it cannot take much longer.
const PATIENCE: Duration = question::TIME.saturating_add(Duration::from_secs(10));

/// Device, inode, size, and when it was written and changed, of a file that is there.
type Stamp = Option<(u64, u64, u64, i64, i64)>;

impl Own {
    /// Looks at the files of the compiler, and asks it only where they are not the ones that are remembered.
    ///
    /// # Errors
    /// The signal that arrived meanwhile.
    pub(crate) fn of(job: &Job, compilation: &Compilation, interrupts: &Interrupts) -> Result<Own, Signal> {
        let name = job.typed_name(compilation);
        let (program, search_path) = match job.call.path.find(name) {
            Some(found) => (found.program, found.path),
            None => (PathBuf::from(name), OsString::new()),
        };
        // A name with a slash may be one from here.
        let program = std::path::absolute(&program).unwrap_or(program);
        let root = Root::open(Path::new("/")).ok();
        let language = spoken(compilation.language());
        let mut own = Own { program, stamp: None, language, known: None, root };
        let library_path = job.settings.library_path.clone();
        let around = Surroundings { search_path, library_path, ..Surroundings::default() };
        let directory = job.settings.state_dir.as_ref().map(|directory| directory.path.join("compilers"));
        let memory = directory.clone().map(Memory::in_directory);
        let file = directory.map(|directory| directory.join(lock_name(&own.program)));
        let recall = || memory.as_ref()?.recall(own.root.as_ref()?, &own.program, &around);
        own.known = match turn::wait(file.as_deref(), PATIENCE, interrupts, recall)? {
            Whose::Known(known) => Some(known),
            Whose::Ours(_) | Whose::Anothers => {
                let hashes = memory.as_ref().map_or_else(Hashes::default, Memory::hashes);
                let known = own.identify(job, name, (&around, &hashes), interrupts)?;
                if let (Some(memory), Some((identity, evidence))) = (memory, &known) {
                    memory.keep(&own.program, &around, (identity, evidence), &hashes);
                }
                known
            }
        };
        if own.known.is_none() {
            own.stamp = stamp(&own.program);
        }
        Ok(own)
    }

    /// The file that is run.
    pub(crate) fn program(&self) -> &Path {
        &self.program
    }

    /// What it is, if anybody can tell.
    pub(crate) fn identity(&self) -> Option<&Identity> {
        self.known.as_ref().map(|(identity, _)| identity)
    }

    /// The language of the command.
    pub(crate) fn language(&self) -> Language {
        self.language
    }

    /// Whether all that compiles its language is known, down to the last file.
    pub(crate) fn has_fingerprint(&self) -> bool {
        self.prints().is_some()
    }

    /// A word that becomes another when what compiles its language does.
    pub(crate) fn mark(&self) -> String {
        if let Some(prints) = self.prints() {
            return prints.whole.to_string();
        }
        let mut hasher = DefaultHasher::new();
        // A script that now starts another compiler is still the same file.
        let known = self
            .known
            .as_ref()
            .map(|(Identity { target, version, .. }, evidence)| (target, version, evidence.encode()));
        (self.stamp, known).hash(&mut hasher);
        format!("{:016x}", hasher.finish())
    }

    fn prints(&self) -> Option<Prints> {
        self.identity()?.prints(self.language)
    }

    /// Whether it is still the one that it was when the job began.
    pub(crate) fn still_holds(&self) -> bool {
        match (&self.known, &self.root) {
            (Some((_, evidence)), Some(root)) => evidence.still_holds(root),
            _ => self.stamp == stamp(&self.program),
        }
    }

    /// Has the compiler tell where its parts are. Of one that cannot be asked that much is known, and so it is not asked again
    /// for every file.
    fn identify(
        &self,
        job: &Job,
        name: &OsStr,
        (around, hashes): (&Surroundings, &Hashes),
        interrupts: &Interrupts,
    ) -> Result<Option<(Identity, Evidence)>, Signal> {
        let Some(root) = &self.root else { return Ok(None) };
        let (mut interrupted, mut is_silent) = (None, false);
        let mut ask = |words: &[&OsStr]| {
            let args: Vec<OsString> = words.iter().map(|word| OsString::from(*word)).collect();
            let mut command = local::command(name, &args, &job.call.path, job.settings.depth);
            dependencies::ask_for_none(&mut command);
            question::all_said_by(command, interrupts).map_err(|broken| match broken {
                Broken::Interrupted(signal) => {
                    interrupted = Some(signal);
                    io::ErrorKind::Interrupted.into()
                }
                Broken::TimedOut => {
                    is_silent = true;
                    io::ErrorKind::TimedOut.into()
                }
                Broken::Io(error) => error,
            })
        };
        let mut identified = toolchain::identify(root, &self.program, around, hashes, &mut ask);
        if let Some(signal) = interrupted {
            return Err(signal);
        }
        if is_silent {
            report_silence(job, name);
        }
        // One that is being replaced can be asked soon, and so can any when this machine is short of something.
        if identified.as_ref().is_err_and(|error| is_silent || cannot_be_asked(error)) {
            identified = toolchain::identify(root, &self.program, around, hashes, &mut |_| Ok(Vec::new()));
        }
        Ok(identified.ok())
    }
}

/// Whether this is so of the compiler itself, and will be so of it for the next file.
fn cannot_be_asked(error: &io::Error) -> bool {
    // What is `Other` is from us, of parts that are too large; the system's errors are never called so.
    let kinds = [io::ErrorKind::NotFound, io::ErrorKind::PermissionDenied, io::ErrorKind::Other];
    kinds.contains(&error.kind()) || error.raw_os_error() == Some(Errno::ENOEXEC as i32)
}

/// What is locked while somebody asks `program`.
fn lock_name(program: &Path) -> String {
    let mut hasher = DefaultHasher::new();
    (program, geteuid().as_raw()).hash(&mut hasher);
    format!("asking-{:016x}", hasher.finish())
}

fn report_silence(job: &Job, name: &OsStr) {
    let (name, seconds) = (name.display(), question::TIME.as_secs());
    let message = format_args!(
        "{name} gives no proper answer within {seconds} seconds when it is asked what it is; hosts are compared with it by \
         what it makes of a sample"
    );
    job.site.told.remark(format_args!("silent {name}"), message);
}

fn spoken(language: cc_args::Language) -> Language {
    match language.preprocessed() {
        cc_args::Language::PreprocessedCxx => Language::Cxx,
        cc_args::Language::PreprocessedObjC => Language::ObjC,
        cc_args::Language::PreprocessedObjCxx => Language::ObjCxx,
        _ => Language::C,
    }
}

/// Tells one file from another that takes its place.
fn stamp(program: &Path) -> Stamp {
    let about = fs::metadata(program).ok()?;
    Some((about.dev(), about.ino(), about.size(), about.mtime(), about.ctime()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A script that starts a clang of this version.
    fn script(program: &Path, version: &str) -> Own {
        let root = Root::open(Path::new("/")).unwrap();
        let mut answer = |words: &[&OsStr]| {
            let said = if words[0] == "--version" { version } else { "x86_64-pc-linux-gnu" };
            Ok(said.as_bytes().to_vec())
        };
        let known =
            toolchain::identify(&root, program, &Surroundings::default(), &Hashes::default(), &mut answer)
                .unwrap();
        Own {
            language: Language::C,
            program: program.to_owned(),
            stamp: stamp(program),
            known: Some(known),
            root: Some(root),
        }
    }

    #[test]
    fn what_is_of_the_moment_is_not_kept() {
        let check = |error: io::Error, expected: bool| {
            assert_eq!(cannot_be_asked(&error), expected, "{error:?}");
        };
        for errno in [Errno::ENOENT, Errno::EACCES, Errno::EPERM, Errno::ENOEXEC] {
            check(errno.into(), true);
        }
        check(io::Error::other("too large"), true);
        for errno in [Errno::EAGAIN, Errno::EMFILE, Errno::ENFILE, Errno::ENOMEM, Errno::EIO, Errno::ETXTBSY]
        {
            check(errno.into(), false);
        }
        check(io::ErrorKind::ResourceBusy.into(), false);
    }

    #[test]
    fn a_script_is_marked_by_what_it_starts() {
        // What appears beside a clang may be settings for it, so it gets a directory of its own.
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("clang");
        fs::write(&file, "#!/bin/sh\n").unwrap();
        let mark = |version: &str| script(&file, version).mark();
        assert_eq!(mark("clang version 14.0.6"), mark("clang version 14.0.6"));
        assert_ne!(mark("clang version 14.0.6"), mark("clang version 15.0.0"));
    }
}
