//! Options with which gcc -E does nothing, or nothing but complain: of these the user shall hear once, when gcc compiles.

/// The languages that an option is for; gcc warns of it and ignores it in the other ones.
#[derive(Clone, Copy, PartialEq)]
enum For {
    All,
    C,
    Cxx,
}

/// The warnings that gcc's preprocessor gives: names without `-W`, `no-`, `error=` and value.
const WARNINGS: [(&str, For); 44] = [
    ("", For::All),
    ("all", For::All),
    ("bidi-chars", For::All),
    ("builtin-macro-redefined", For::All),
    ("c++-compat", For::C),
    ("c++11-compat", For::Cxx),
    ("c++11-extensions", For::Cxx),
    ("c++14-compat", For::Cxx),
    ("c++14-extensions", For::Cxx),
    ("c++17-compat", For::Cxx),
    ("c++20-compat", For::Cxx),
    ("c++20-extensions", For::Cxx),
    ("c++23-extensions", For::Cxx),
    ("c++26-extensions", For::Cxx),
    ("c11-c23-compat", For::C),
    ("c11-c2x-compat", For::C),
    ("c23-c2y-compat", For::C),
    ("c90-c99-compat", For::C),
    ("c99-c11-compat", For::C),
    ("comment", For::All),
    ("comments", For::All),
    ("cpp", For::All),
    ("date-time", For::All),
    ("deprecated", For::All),
    ("endif-labels", For::All),
    ("error", For::All),
    ("expansion-to-defined", For::All),
    ("extra", For::All),
    ("fatal-errors", For::All),
    ("header-guard", For::All),
    ("invalid-pch", For::All),
    ("invalid-utf8", For::All),
    ("leading-whitespace", For::All),
    ("literal-suffix", For::Cxx),
    ("long-long", For::All),
    ("missing-include-dirs", For::All),
    ("multichar", For::All),
    ("normalized", For::All),
    ("pedantic", For::All),
    ("system-headers", For::All),
    ("traditional", For::C),
    ("trailing-whitespace", For::All),
    ("trigraphs", For::All),
    ("undef", For::All),
];

/// Options of C++ that often stand in the flags of whole projects: names without `-f`, `no-` and value.
const OF_CXX: [&str; 20] = [
    "access-control",
    "aligned-new",
    "char8_t",
    "concepts",
    "coroutines",
    "elide-constructors",
    "enforce-eh-specs",
    "ext-numeric-literals",
    "gnu-keywords",
    "implicit-inline-templates",
    "implicit-templates",
    "nothrow-opt",
    "operator-names",
    "permissive",
    "rtti",
    "sized-deallocation",
    "strict-enums",
    "threadsafe-statics",
    "use-cxa-atexit",
    "visibility-inlines-hidden",
];

/// True when gcc -E can do without `option` in a source of this kind.
pub(crate) fn is_idle_under_e(option: &[u8], cxx: bool) -> bool {
    let other_language = if cxx { For::C } else { For::Cxx };
    if let Some(warning) = option.strip_prefix(b"-W") {
        let name = bare(warning);
        let known = WARNINGS.binary_search_by(|(known, _)| known.as_bytes().cmp(name));
        known.is_ok_and(|at| WARNINGS[at].1 == other_language) || known.is_err()
    } else if let Some(feature) = option.strip_prefix(b"-f") {
        let name = bare(feature);
        !cxx && OF_CXX.binary_search_by(|known| known.as_bytes().cmp(name)).is_ok()
    } else if let Some(standard) = option.strip_prefix(b"-std=") {
        (standard.starts_with(b"c++") || standard.starts_with(b"gnu++")) != cxx
    } else {
        false
    }
}

fn bare(name: &[u8]) -> &[u8] {
    let name = name.strip_prefix(b"no-").unwrap_or(name);
    let name = name.strip_prefix(b"error=").unwrap_or(name);
    name.split(|b| *b == b'=').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_sorted() {
        assert!(WARNINGS.is_sorted_by_key(|(name, _)| name) && OF_CXX.is_sorted());
    }

    #[track_caller]
    fn check(option: &str, expected: [bool; 2]) {
        let idle = [false, true].map(|cxx| is_idle_under_e(option.as_bytes(), cxx));
        assert_eq!(idle, expected, "{option}, in C and in C++");
    }

    #[test]
    fn warnings_are_known_in_all_their_spellings() {
        for option in [
            "-W",
            "-Wall",
            "-Wundef",
            "-Wno-undef",
            "-Werror",
            "-Wno-error",
            "-Werror=undef",
            "-Wno-error=date-time",
        ] {
            check(option, [false, false]);
        }
        check("-Wnormalized=nfc", [false, false]);
        check("-Wformat", [true, true]);
        check("-Werror=format-security", [true, true]);
        check("-Wno-error=format", [true, true]);
        check("-Wstrict-prototypes", [true, true]);
        check("-Wc++11-compat", [true, false]);
        check("-Wno-c++-compat", [false, true]);
    }

    #[test]
    fn an_option_of_another_language_is_idle() {
        check("-fno-rtti", [true, false]);
        check("-faligned-new=16", [true, false]);
        check("-fexceptions", [false, false]);
        check("-std=c++17", [true, false]);
        check("-std=gnu++98", [true, false]);
        check("-std=c99", [false, true]);
        check("-std=gnu11", [false, true]);
        check("-std=iso9899:1999", [false, true]);
        check("-O2", [false, false]);
    }
}
