//! A source file and the language that its name tells. Reads nothing.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    C,
    Cxx,
}

/// Something to compile alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source {
    /// Absolute.
    pub(crate) path: PathBuf,
    /// What people are told: the path below the directory that holds all sources.
    pub(crate) shown: String,
    pub(crate) language: Language,
    /// Directories to look for headers in, besides its own.
    pub(crate) includes: Vec<PathBuf>,
}

/// Extensions, of which case matters: gcc(1), "Overall Options".
const EXTENSIONS: &[(&str, Language)] = &[
    ("c", Language::C),
    ("cc", Language::Cxx),
    ("cp", Language::Cxx),
    ("cpp", Language::Cxx),
    ("cxx", Language::Cxx),
    ("c++", Language::Cxx),
    ("C", Language::Cxx),
];

impl Language {
    /// `None` for what is not a source that has yet to be preprocessed.
    pub(crate) fn of(path: &Path) -> Option<Language> {
        let extension = path.extension().and_then(OsStr::to_str)?;
        EXTENSIONS.iter().find(|(known, _)| *known == extension).map(|(_, language)| *language)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_by_name() {
        for (name, expected) in [
            ("a/hello.c", Some(Language::C)),
            ("hello.2.C", Some(Language::Cxx)),
            ("hello.c++", Some(Language::Cxx)),
            ("hello.h", None),
            ("hello.i", None),
            ("hello.CPP", None),
            (".c", None),
            ("c", None),
        ] {
            assert_eq!(Language::of(Path::new(name)), expected, "{name}");
        }
    }
}
