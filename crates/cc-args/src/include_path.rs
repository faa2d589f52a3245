//! Directories that environment variables add to a compiler's search, as the words that say the same. Reads no environment.

use crate::compilation::Compilation;
use crate::language::Language;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The variables (gcc(1), "ENVIRONMENT"), each with the option that says the same and the languages that it is for.
const TABLE: [(&str, &str, Option<Language>); 5] = [
    ("CPATH", "-I", None),
    ("C_INCLUDE_PATH", "-isystem", Some(Language::C)),
    ("CPLUS_INCLUDE_PATH", "-isystem", Some(Language::Cxx)),
    ("OBJC_INCLUDE_PATH", "-isystem", Some(Language::ObjC)),
    ("OBJCPLUS_INCLUDE_PATH", "-isystem", Some(Language::ObjCxx)),
];

/// The names of the variables.
pub const INCLUDE_PATH_VARIABLES: [&str; TABLE.len()] =
    [TABLE[0].0, TABLE[1].0, TABLE[2].0, TABLE[3].0, TABLE[4].0];

impl Compilation {
    /// Words that, after all others, have a compiler search the directories that `value_of` these variables names for this
    /// source: the same object as with the variables. One that is not there as `exists` has it is left out, for only of one
    /// in a word a compiler may complain.
    pub fn include_path_words(
        &self,
        value_of: impl Fn(&str) -> Option<OsString>,
        exists: impl Fn(&Path) -> bool,
    ) -> Vec<OsString> {
        let concerns = |language: Option<Language>| language.is_none_or(|language| language == self.language);
        let set = TABLE.iter().filter(|(_, _, language)| concerns(*language));
        let values = set.filter_map(|(name, option, _)| Some((option, value_of(name)?)));
        let words = |(option, value): (&&str, OsString)| {
            let mut directories = directories(&value);
            directories.retain(|directory| exists(Path::new(directory)));
            directories
                .into_iter()
                .map(|directory| [OsStr::new(option), &directory].into_iter().collect())
                .collect::<Vec<OsString>>()
        };
        values.flat_map(words).collect()
    }
}

/// An empty element is the current directory; an empty value has no element.
fn directories(value: &OsStr) -> Vec<OsString> {
    let elements = value.as_bytes().split(|b| *b == b':').filter(|_| !value.is_empty());
    let named = elements.map(|element| if element.is_empty() { b".".as_slice() } else { element });
    named.map(|directory| OsStr::from_bytes(directory).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use crate::analyze;
    use std::ffi::{OsStr, OsString};

    #[test]
    fn variables_as_words() {
        let check = |command: &str, variables: &[(&str, &str)], expected: &str| {
            let words: Vec<OsString> = command.split(' ').map(OsString::from).collect();
            let value_of = |asked: &str| {
                variables.iter().find(|(name, _)| *name == asked).map(|(_, value)| value.into())
            };
            let found = analyze(&words, |_| None)
                .unwrap()
                .include_path_words(value_of, |directory| directory != "/nowhere");
            assert_eq!(found.join(OsStr::new(" ")).display().to_string(), expected, "{variables:?}");
        };
        check("gcc -c x.c", &[], "");
        check("gcc -c x.c", &[("CPATH", "")], "");
        check("gcc -c x.c", &[("CPATH", "/a:b")], "-I/a -Ib");
        check("gcc -c x.c", &[("CPATH", ":/a:")], "-I. -I/a -I.");
        check("gcc -c x.c", &[("C_INCLUDE_PATH", "/c"), ("CPLUS_INCLUDE_PATH", "/p")], "-isystem/c");
        check("g++ -c x.c", &[("C_INCLUDE_PATH", "/c"), ("CPLUS_INCLUDE_PATH", "/p")], "-isystem/p");
        check("gcc -c x.c", &[("CPATH", "/a:/nowhere"), ("C_INCLUDE_PATH", "/nowhere")], "-I/a");
        check("gcc -c x.m", &[("OBJC_INCLUDE_PATH", "/o"), ("CPATH", "/a")], "-I/a -isystem/o");
    }
}
