//! Where one job looks for headers, and what stands there that changes how they are read. Asks no compiler.

use crate::command::Words;
use crate::compiler::Setting;
use crate::not_covered::NotCovered;
use crate::places::Target;
use crate::sight::{DirId, Sight};
use crate::task::{SearchDir, SearchPath};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// gcc includes it before everything else where it finds it, and says its macros in the list of its own.
const FROM_LIBC: &[u8] = b"stdc-predef.h";

/// The compiler's own directories, as far as a server has the same because they came with the system or the compiler.
pub(crate) fn system_directories(sight: &mut Sight, setting: &Setting) -> Result<Vec<DirId>, NotCovered> {
    let prefix = setting.own.prefix.as_ref().filter(|prefix| *prefix != Path::new("/"));
    let comes_with_it = |name: &[u8]| {
        let path = Path::new(OsStr::from_bytes(name));
        path.starts_with("/usr")
            || path.starts_with("/opt")
            || name.starts_with(b"/lib")
            || prefix.is_some_and(|prefix| path.starts_with(prefix))
    };
    let mut system = Vec::new();
    for spelling in &setting.own.search.angle {
        let Some(directory) = sight.own_directory(spelling)? else { continue };
        if comes_with_it(sight.places.name_of(directory)) {
            sight.places.declare_system(directory);
            system.push(directory);
        }
    }
    Ok(system)
}

/// The whole list, with what the command adds.
pub(crate) fn path(sight: &mut Sight, setting: &Setting) -> Result<SearchPath, NotCovered> {
    let own = &setting.own.search.angle;
    let mut resolve = |spellings: &[Vec<u8>]| -> Result<Vec<SearchDir>, NotCovered> {
        let mut directories = Vec::with_capacity(spellings.len());
        for spelling in spellings {
            let known = if own.contains(spelling) { sight.own_directory(spelling)? } else { None };
            let directory = match known.filter(|known| sight.places.is_system(*known)) {
                Some(known) => Some(known),
                None => sight.directory(spelling)?,
            };
            let spelling = spelling.as_slice().into();
            directories.extend(directory.map(|directory| SearchDir { directory, spelling }));
        }
        Ok(directories)
    };
    let path = SearchPath { quote: resolve(&setting.search.quote)?, angle: resolve(&setting.search.angle)? };
    // Not looked into, but the compiler would miss them.
    resolve(&setting.search.duplicate)?;
    Ok(path)
}

/// clang takes a precompiled header in the place of what -include names, even where there is no such header.
pub(crate) fn check_companions(sight: &mut Sight, words: &Words) -> Result<(), NotCovered> {
    let here = sight.working_directory();
    for name in &words.include {
        for ending in [b".pch", b".gch"] {
            let companion = [name, &ending[..]].concat();
            if sight.places.go_unnoticed(here, &companion)? != Target::Nothing {
                let companion = companion.escape_ascii();
                return Err(NotCovered::new("precompiled-header", format!("{companion} is there")));
            }
        }
    }
    Ok(())
}

/// Finds the header that gcc includes by itself. One of the command's own directories would hold other macros than those
/// that gcc was asked for, and change unnoticed.
pub(crate) fn find_what_gcc_includes(sight: &mut Sight, search: &SearchPath) -> Result<(), NotCovered> {
    for directory in &search.angle {
        let Some(found) = sight.find(directory.directory, FROM_LIBC)? else { continue };
        if sight.is_system(found.file) {
            return Ok(());
        }
        let sentence = "a directory of the command holds a stdc-predef.h of its own";
        return Err(NotCovered::new("own-predefinitions", sentence));
    }
    Ok(())
}
