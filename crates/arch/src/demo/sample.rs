//! The sources that come with this program: a program in C and one in C++, both of which print known answers. Compiles
//! nothing.

use crate::demo::source::{Language, Source};
use std::fs;
use std::io;
use std::path::Path;

/// A program of the sample.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) language: Language,
    /// Name and text of its files.
    files: &'static [(&'static str, &'static str)],
    /// What it prints when all is well.
    pub(crate) prints: &'static str,
}

macro_rules! files {
    ($folder:literal: $($name:literal)+) => {
        &[$(($name, include_str!(concat!("../../sample/", $folder, "/", $name)))),+]
    };
}

pub(crate) static PROGRAMS: [Program; 2] = [
    Program {
        language: Language::C,
        files: files!("c": "parts.h" "main.c" "checksum.c" "fibonacci.c" "primes.c" "sort.c" "words.c"),
        prints: include_str!("../../sample/c/expected.txt"),
    },
    Program {
        language: Language::Cxx,
        files: files!("cxx": "parts.hpp" "main.cpp" "anagrams.cpp" "expression.cpp" "natural.cpp" "roads.cpp" "table.cpp"),
        prints: include_str!("../../sample/cxx/expected.txt"),
    },
];

/// Writes all files below `directory` and returns the sources.
///
/// # Errors
/// Those of writing.
pub(crate) fn unpack(directory: &Path) -> io::Result<Vec<Source>> {
    let mut sources = Vec::new();
    for program in &PROGRAMS {
        let folder = if program.language == Language::C { "c" } else { "cxx" };
        fs::create_dir(directory.join(folder))?;
        for (name, text) in program.files {
            let shown = format!("{folder}/{name}");
            let path = directory.join(&shown);
            fs::write(&path, text)?;
            if let Some(language) = Language::of(&path) {
                sources.push(Source { path, shown, language, includes: Vec::new() });
            }
        }
    }
    Ok(sources)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_sample_is_unpacked() {
        let directory = tempfile::tempdir().unwrap();
        let sources = unpack(directory.path()).unwrap();
        let origin = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample");
        let mut count = 0;
        for folder in ["c", "cxx"] {
            for entry in fs::read_dir(origin.join(folder)).unwrap() {
                let name = entry.unwrap().file_name();
                count += usize::from(Language::of(Path::new(&name)).is_some());
                assert!(
                    name == "expected.txt" || directory.path().join(folder).join(&name).exists(),
                    "{name:?}"
                );
            }
        }
        assert_eq!(sources.len(), count);
    }
}
