//! The client for a chroot that has none: plans copies of this machine's, if they can run there, and has one run there
//! before anything counts. Knows nothing of makepkg.

use crate::programs;
use crate::settings::Settings;
use changes::{Action, Plan, Site};
use object::Endianness;
use object::read::elf::{ElfFile32, ElfFile64, ProgramHeader};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use toolchain::Root;

/// The client, and the include server that it starts.
const PROGRAMS: [&str; 2] = ["distcc", "pump"];
const BIN: &str = "/usr/bin";

/// Plans the programs that are missing; nothing where the root is this machine's, has a client or no compiler.
///
/// # Errors
/// One line: the programs of here cannot run there.
pub(crate) fn plan(plan: &mut Plan, site: &Site, settings: &Settings) -> Result<(), String> {
    let root = Root::open(&site.root).map_err(|error| format!("{}: {error}", site.root.display()))?;
    let is_program = |path: &Path| root.is_program(path).map_err(|error| error.to_string());
    let distcc = Path::new(BIN).join(PROGRAMS[0]);
    let has_compiler = is_program(Path::new("/usr/bin/gcc"))? || is_program(Path::new("/usr/bin/clang"))?;
    if site.root == Path::new("/") || !has_compiler || is_program(&distcc)? {
        return Ok(());
    }
    for name in PROGRAMS {
        let ours = programs::find(name, settings)?;
        let bytes = fs::read(&ours).map_err(|error| format!("{}: {error}", ours.display()))?;
        if let Some(loader) = loader(&bytes)
            && !is_program(&loader)?
        {
            return Err(format!(
                "{} has no distcc, and the one of here cannot run there, where there is no {}: install the package \
                 distcc-arch in it",
                site.root.display(),
                loader.display()
            ));
        }
        plan.write(&Path::new(BIN).join(name), bytes, 0o755).map_err(|error| error.to_string())?;
    }
    plan.run(trial(&site.root, &distcc));
    Ok(())
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
