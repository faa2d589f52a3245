//! A small fixed source that is compiled there and here, to see whether both make the same of it. Knows nothing of what
//! follows from that.

use crate::compile::Job;
use crate::interrupts::Broken;
use crate::origin::{self, makers};
use crate::reach::Reach;
use crate::remote::{self, Failure, Load};
use crate::settings::Settings;
use crate::source::{NoSource, Source};
use crate::{dependencies, local, question};
use cc_args::{Compilation, Language};
use hosts::Host;
use nix::unistd::geteuid;
use protocol::Response;
use std::ffi::OsString;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use toolchain::{Maker, ObjectFile};

/// Without any, options that a wrapper adds tell; with some, the parts of a compiler that optimize do.
const OPTIONS: [&[&str]; 2] = [&[], &["-O2"]];

/// Preprocessed already, and good in every edition of either language; they make use of what compilers do differently.
const C: &str = include_str!("canary.c");
const CXX: &str = include_str!("canary.cc");

/// Why the compiler of a host cannot be taken for the one of here, as a sentence about the host: "its compiler is …".
#[derive(Debug)]
pub(crate) enum Difference {
    /// Both make something, and not the same.
    Code(String),
    /// One of them makes nothing.
    Unknown(String),
}

/// Compiles the sample on `host`, by the compiler with the fingerprint `proof` if there is one, and here. `loosely`, it is
/// enough that the objects are for the same machine and signed by the same version.
///
/// Returns how they differ, if they do.
///
/// # Errors
/// [`Failure`]: the host gave no answer, or the sample cannot be compiled here for want of room, say.
pub(crate) fn difference(
    job: &Job,
    compilation: &Compilation,
    reach: Reach,
    (host, proof): (&Host, Option<&str>),
    loosely: bool,
) -> Result<Option<Difference>, Failure> {
    let sample = Sample { job, compilation, reach, name: file_name(compilation.language()) };
    for options in OPTIONS {
        let there = sample.compile_there(host, proof, options)?;
        if !there.status.success() {
            let said = String::from_utf8_lossy(&there.stderr);
            let said: String = said.lines().next().unwrap_or("it says nothing").chars().take(200).collect();
            return Ok(Some(Difference::Unknown(format!("its compiler does not take a sample: {said}"))));
        }
        let Some(here) = sample.compile_here(options)? else {
            let why = "the compiler here does not take a sample, so nobody knows whether its own is the same";
            return Ok(Some(Difference::Unknown(why.to_owned())));
        };
        if let Some(how) = how_they_differ(&there.object, &here, loosely) {
            return Ok(Some(Difference::Code(how)));
        }
    }
    Ok(None)
}

struct Sample<'a> {
    job: &'a Job<'a>,
    compilation: &'a Compilation,
    reach: Reach<'a>,
    /// As if it were not preprocessed yet.
    name: &'static str,
}

fn file_name(language: Language) -> &'static str {
    match language.preprocessed() {
        Language::PreprocessedCxx => "canary.cc",
        Language::PreprocessedObjC => "canary.m",
        Language::PreprocessedObjCxx => "canary.mm",
        _ => "canary.c",
    }
}

impl Sample<'_> {
    fn text(&self) -> &'static str {
        if matches!(self.name, "canary.cc" | "canary.mm") { CXX } else { C }
    }

    fn compile_there(&self, host: &Host, proof: Option<&str>, options: &[&str]) -> Result<Response, Failure> {
        let args = options.iter().chain(&["-c", self.name, "-o", "canary.o"]).map(OsString::from).collect();
        let words = self.job.with_compiler(self.compilation, args);
        let source = Source::preprocessed(self.text().into());
        let limits = &self.job.settings.limits;
        remote::Job { load: Load::Text(&words, &source), reach: self.reach, limits, proof, processor: &[] }
            .run(host, |_| {})
    }

    /// None: the compiler does not take it. A place for temporary files that is missing or full is no reason not to.
    fn compile_here(&self, options: &[&str]) -> Result<Option<Vec<u8>>, Failure> {
        let Settings { temporary, state_dir, .. } = self.job.settings;
        let state = state_dir.iter().map(|directory| directory.path.as_path());
        let places = [temporary.as_path(), Path::new("/tmp")].into_iter().chain(state);
        let mut made = Ok(None);
        for place in places {
            made = self.compile_in(place, options);
            if !matches!(made, Ok(None) | Err(NotMade::NoPlace(_))) {
                break;
            }
        }
        made.map_err(|why| match why {
            NotMade::NoPlace(error) => Failure::Ours(format!("cannot compile a sample here: {error}")),
            NotMade::Failed(failure) => failure,
        })
    }

    fn compile_in(&self, place: &Path, options: &[&str]) -> Result<Option<Vec<u8>>, NotMade> {
        let nest = Nest::make(place)?;
        let extension = self.compilation.language().preprocessed_extension();
        let (source, object) = (nest.0.join(format!("canary.{extension}")), nest.0.join("canary.o"));
        fs::write(&source, self.text())?;
        let mut args: Vec<OsString> = options.iter().map(OsString::from).collect();
        args.extend(["-c".into(), source.into(), "-o".into(), object.clone().into()]);
        let Job { call, settings, .. } = self.job;
        let name = self.job.typed_name(self.compilation);
        let mut command = local::command(name, &args, &call.path, settings.depth);
        command.env("TMPDIR", &nest.0);
        dependencies::ask_for_none(&mut command);
        let failed = |failure| Err(NotMade::Failed(failure));
        match question::answer(command, self.reach.interrupts) {
            Ok(_) => Ok(fs::read(&object).ok()),
            Err(NoSource::Rejected) => Ok(None),
            Err(NoSource::Broken(Broken::Interrupted(signal))) => failed(Failure::Interrupted(signal)),
            Err(NoSource::Broken(broken)) => {
                failed(Failure::Ours(format!("cannot compile a sample here: {broken}")))
            }
        }
    }
}

/// Why there is no object of the sample.
enum NotMade {
    /// It could be made elsewhere.
    NoPlace(io::Error),
    Failed(Failure),
}

impl From<io::Error> for NotMade {
    fn from(error: io::Error) -> NotMade {
        NotMade::NoPlace(error)
    }
}

fn how_they_differ(there: &[u8], here: &[u8], loosely: bool) -> Option<String> {
    if there == here || loosely && aim(there) == aim(here) {
        return None;
    }
    let signed = |object: &[u8]| makers(object).pop();
    let machine = |object: &[u8]| ObjectFile::parse(object).map(|object| object.machine);
    Some(match (signed(there), signed(here)) {
        (Some(there), Some(here)) if there != here => origin::other(&there, &here),
        (_, maker) => {
            let what = maker.map_or_else(|| "a compiler".to_owned(), |maker| maker.to_string());
            match (machine(there), machine(here)) {
                (Some(there), Some(here)) if there != here => {
                    format!("its compiler is {what}, as here, but makes code for {there}, not for {here}")
                }
                _ => format!(
                    "its compiler is {what}, as here, but makes other code of a sample: it is another build"
                ),
            }
        }
    })
}

/// What it is made for, and by which version.
fn aim(object: &[u8]) -> Option<(String, u8, Vec<String>)> {
    let ObjectFile { machine, bits, makers } = ObjectFile::parse(object)?;
    let version = |Maker { family, version, .. }: Maker| format!("{family} {version}");
    Some((machine, bits, makers.into_iter().map(version).collect()))
}

/// A directory for a moment.
struct Nest(PathBuf);

impl Nest {
    fn make(temporary: &Path) -> io::Result<Nest> {
        let mut number = 0;
        loop {
            let path = temporary.join(format!("distcc_canary_{}_{}_{number}", geteuid(), std::process::id()));
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(Nest(path)),
                // At most as often as there are directories.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                Err(error) => return Err(error),
            }
        }
    }
}

impl Drop for Nest {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    fn made(compiler: &str, words: &[&str], text: &str) -> Option<Vec<u8>> {
        let place = tempfile::tempdir().unwrap();
        let nest = Nest::make(place.path()).unwrap();
        let extension = if text == CXX { "ii" } else { "i" };
        let (source, object) = (nest.0.join(format!("x.{extension}")), nest.0.join("x.o"));
        fs::write(&source, text).unwrap();
        let done = Command::new(compiler).args(words).arg("-c").arg(&source).arg("-o").arg(&object).output();
        done.ok().filter(|done| done.status.success() && done.stderr.is_empty())?;
        Some(fs::read(object).unwrap())
    }

    /// Passes where the compiler is missing, which others need.
    #[track_caller]
    fn check(there: (&str, &[&str]), here: (&str, &[&str]), loosely: bool, expected: Option<&str>) {
        for text in [C, CXX] {
            let of = |(compiler, words): (&str, &[&str])| {
                let compiler = if text == CXX { compiler.replace("gcc", "g++") } else { compiler.to_owned() };
                made(&compiler, words, text)
            };
            let (Some(there), Some(here)) = (of(there), of(here)) else { continue };
            let how = how_they_differ(&there, &here, loosely);
            match (&how, expected) {
                (None, None) => {}
                (Some(how), Some(expected)) => assert!(how.contains(expected), "{how}"),
                _ => panic!("{how:?}"),
            }
        }
    }

    #[test]
    fn samples_tell_compilers_apart() {
        assert!(made("gcc", &["-Wall"], C).is_some() && made("g++", &["-Wall"], CXX).is_some());
        check(("gcc", &[]), ("gcc", &[]), false, None);
        check(("gcc-11", &[]), ("gcc", &[]), false, Some("its compiler is gcc ("));
        check(("gcc-11", &[]), ("gcc", &[]), true, Some("as here"));
        check(("clang", &[]), ("gcc", &[]), false, Some("clang version"));
        for added in ["-O1", "-mavx", "-ffast-math", "-fstack-protector-strong", "-fno-pie", "-fwrapv"] {
            let tells = |options: &&[&str]| {
                let with_it: Vec<&str> = options.iter().copied().chain([added]).collect();
                made("gcc", &with_it, C) != made("gcc", options, C)
            };
            assert!(OPTIONS.iter().any(tells), "{added}");
        }
        check(("gcc", &["-O1"]), ("gcc", &[]), false, Some("another build"));
        check(("gcc", &["-O1"]), ("gcc", &[]), true, None);
        check(("aarch64-linux-gnu-gcc", &[]), ("gcc", &[]), true, Some("as here"));
    }

    #[test]
    fn every_edition_takes_them() {
        for (compiler, edition, text) in [
            ("gcc", "-std=c89", C),
            ("gcc", "-std=c17", C),
            ("clang", "-std=c99", C),
            ("g++", "-std=c++98", CXX),
            ("g++", "-std=c++20", CXX),
            ("clang++", "-std=c++98", CXX),
        ] {
            assert!(made(compiler, &[edition], text).is_some(), "{compiler} {edition}");
        }
    }
}
