//! How gcc words its messages here. Knows the names of locales, and no locale.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// How gcc words its messages here, as far as a locale's name tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speech {
    /// In English, with quotes of ASCII.
    Ascii,
    /// In English, with quotes of Unicode.
    Unicode,
    /// In another language.
    Foreign,
}

impl Speech {
    /// `filled` gives variables that are set and not empty.
    pub(super) fn of(filled: &impl Fn(&str) -> Option<OsString>) -> Speech {
        let category =
            |name| filled("LC_ALL").or_else(|| filled(name)).or_else(|| filled("LANG")).unwrap_or_default();
        let (words, letters) = (category("LC_MESSAGES"), category("LC_CTYPE"));
        let is_plain = |name: &OsStr| {
            let language = name.as_bytes().split(|b| b".@".contains(b)).next().unwrap_or_default();
            // For British English gcc has a catalogue of its own.
            matches!(language, b"" | b"C" | b"POSIX") || language.starts_with(b"en") && language != b"en_GB"
        };
        let unicode = letters.to_string_lossy().to_ascii_lowercase().replace('-', "").ends_with("utf8");
        let translated = !words.is_empty() && filled("LANGUAGE").is_some_and(|language| !is_plain(&language));
        match (is_plain(&words) && !translated, unicode) {
            (false, _) => Speech::Foreign,
            (true, true) => Speech::Unicode,
            (true, false) => Speech::Ascii,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_locale_tells_how_gcc_speaks() {
        let check = |variables: &[(&str, &str)], expected: Speech| {
            let value = |asked: &str| {
                variables.iter().find(|(name, _)| *name == asked).map(|(_, value)| OsString::from(value))
            };
            assert_eq!(Speech::of(&value), expected, "{variables:?}");
        };
        check(&[], Speech::Ascii);
        check(&[("LANG", "C")], Speech::Ascii);
        check(&[("LANG", "C.UTF-8")], Speech::Unicode);
        check(&[("LANG", "en_US.utf8"), ("LANGUAGE", "en")], Speech::Unicode);
        check(&[("LANG", "de_DE.UTF-8")], Speech::Foreign);
        check(&[("LANG", "de_DE.UTF-8"), ("LC_ALL", "C")], Speech::Ascii);
        check(&[("LANG", "de_DE.UTF-8"), ("LC_MESSAGES", "C")], Speech::Unicode);
        check(&[("LANG", "en_GB.UTF-8")], Speech::Foreign);
        check(&[("LANG", "en_US.UTF-8"), ("LANGUAGE", "de:en")], Speech::Foreign);
    }
}
