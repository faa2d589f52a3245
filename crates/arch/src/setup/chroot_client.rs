//! The client for a chroot that has none: plans copies of this machine's, if they can run there, and has one run there
//! before anything counts. Knows nothing of makepkg.

use crate::check::remedy::word;
use crate::programs;
use crate::settings::Settings;
use changes::{Action, Journal, Plan, Site};
use object::Endianness;
use object::read::elf::{ElfFile32, ElfFile64, ProgramHeader};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use toolchain::Root;

/// The client, and the include server that it starts.
const PROGRAMS: [&str; 2] = ["distcc", "pump"];
const BIN: &str = "/usr/bin";

/// Whose client a chroot has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Client {
    Missing,
    /// Its own: nobody else renews it.
    Own,
    /// A copy of ours, as it is here now or not.
    Copy {
        is_current: bool,
    },
}

/// Whose client is in this root.
///
/// # Errors
/// One line: something cannot be read.
pub(crate) fn client(site: &Site, settings: &Settings) -> Result<Client, String> {
    let root = Root::open(&site.root).map_err(|error| format!("{}: {error}", site.root.display()))?;
    let distcc = Path::new(BIN).join(PROGRAMS[0]);
    if !root.is_program(&distcc).map_err(|error| error.to_string())? {
        return Ok(Client::Missing);
    }
    if !is_as_we_left_it(site, &distcc) {
        return Ok(Client::Own);
    }
    let is_current = PROGRAMS.iter().all(|name| {
        let there = fs::read(site.outside(&Path::new(BIN).join(name))).ok();
        let here = programs::find(name, settings).ok().and_then(|path| fs::read(path).ok());
        here.is_none() || there == here
    });
    Ok(Client::Copy { is_current })
}

/// A package that was installed since has its own.
fn is_as_we_left_it(site: &Site, path: &Path) -> bool {
    let undo = Journal::open(site).and_then(|journal| journal.undo(&mut |_, _, _, _| None));
    undo.is_ok_and(|undo| {
        let mut changed = undo.kept.iter().chain(&undo.conflicts);
        undo.paths().iter().any(|ours| ours == path) && !changed.any(|difference| difference.path == path)
    })
}

/// Plans the programs that are missing, or copies of ours that were another version's; nothing where the root is this
/// machine's, has a client of its own or no compiler.
///
/// # Errors
/// One line: the programs of here cannot run there.
pub(crate) fn plan(plan: &mut Plan, site: &Site, settings: &Settings) -> Result<(), String> {
    let root = Root::open(&site.root).map_err(|error| format!("{}: {error}", site.root.display()))?;
    let is_program = |path: &str| root.is_program(Path::new(path)).map_err(|error| error.to_string());
    let has_compiler = is_program("/usr/bin/gcc")? || is_program("/usr/bin/clang")?;
    let wants_ours = matches!(client(site, settings)?, Client::Missing | Client::Copy { is_current: false });
    if site.root == Path::new("/") || !has_compiler || !wants_ours {
        return Ok(());
    }
    for name in PROGRAMS {
        let ours = programs::find(name, settings)?;
        let bytes = fs::read(&ours).map_err(|error| format!("{}: {error}", ours.display()))?;
        if let Some(loader) = loader(&bytes)
            && !is_program(&loader.to_string_lossy())?
        {
            return Err(format!(
                "{} has no distcc, and the one of here cannot run there, where there is no {}: {}",
                site.root.display(),
                loader.display(),
                remedy(site)
            ));
        }
        plan.write(&Path::new(BIN).join(name), bytes, 0o755).map_err(|error| error.to_string())?;
    }
    plan.run(trial(&site.root, &Path::new(BIN).join(PROGRAMS[0])));
    Ok(())
}

/// Any distcc serves, and each distribution has one; makepkg with distcc on and none there builds nothing.
fn remedy(site: &Site) -> String {
    let root = word(&site.root.to_string_lossy());
    let has = |program: &str| site.outside(Path::new(program)).exists();
    if has("/usr/bin/pacman") {
        return format!("sudo pacman --sysroot {root} -S distcc, then this again");
    }
    if has("/usr/bin/apt-get") {
        return format!("sudo chroot {root} apt-get install distcc, then this again");
    }
    "install distcc in it, then type this again".to_owned()
}

/// A C library that is too old shows only when a program is started.
fn trial(root: &Path, program: &Path) -> Action {
    let words =
        ["chroot".into(), root.display().to_string(), program.display().to_string(), "--version".into()];
    Action { shown: words.join(" "), run: words.to_vec(), undo: Vec::new() }
}

/// What the kernel starts to load the program's libraries; none for a program without any.
fn loader(program: &[u8]) -> Option<PathBuf> {
    let path = |bytes: &[u8]| PathBuf::from(std::ffi::OsStr::from_bytes(bytes));
    let of_64 = ElfFile64::<Endianness>::parse(program).ok().and_then(|file| {
        let endian = file.endian();
        let found =
            file.elf_program_headers().iter().find_map(|part| part.interpreter(endian, program).ok()?);
        found.map(path)
    });
    of_64.or_else(|| {
        let file = ElfFile32::<Endianness>::parse(program).ok()?;
        let endian = file.endian();
        let found =
            file.elf_program_headers().iter().find_map(|part| part.interpreter(endian, program).ok()?);
        found.map(path)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loaders() {
        let here = fs::read(std::env::current_exe().unwrap()).unwrap();
        let loader = loader(&here).unwrap();
        assert!(loader.is_absolute() && loader.exists(), "{}", loader.display());
        for other in [&b""[..], b"#!/bin/sh\n", b"\x7fELF\x02\x01\x01", &here[..100]] {
            assert_eq!(super::loader(other), None);
        }
    }
}
