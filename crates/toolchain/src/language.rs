//! The languages that distcc sends to other machines, by the names that gcc's -x has for them. Knows no compiler.

use std::fmt;
use std::str::FromStr;

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names are the languages")]
pub enum Language {
    C,
    Cxx,
    ObjC,
    ObjCxx,
}

/// A word that names none of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotALanguage;

impl Language {
    /// All of them.
    pub const ALL: [Language; 4] = [Language::C, Language::Cxx, Language::ObjC, Language::ObjCxx];

    /// What g++ makes of a file that gcc takes for C.
    pub(crate) fn under_a_cxx_driver(self) -> Language {
        if self == Language::C { Language::Cxx } else { self }
    }

    /// As people write it: `Objective-C++`.
    pub fn title(self) -> &'static str {
        match self {
            Language::C => "C",
            Language::Cxx => "C++",
            Language::ObjC => "Objective-C",
            Language::ObjCxx => "Objective-C++",
        }
    }
}

/// `c`, `c++`, `objc`, `objc++`.
impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Language::C => "c",
            Language::Cxx => "c++",
            Language::ObjC => "objc",
            Language::ObjCxx => "objc++",
        })
    }
}

impl FromStr for Language {
    type Err = NotALanguage;

    fn from_str(name: &str) -> Result<Language, NotALanguage> {
        Language::ALL.into_iter().find(|language| language.to_string() == name).ok_or(NotALanguage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for language in Language::ALL {
            assert_eq!(language.to_string().parse(), Ok(language));
        }
        assert_eq!("C".parse::<Language>(), Err(NotALanguage));
    }
}
