//! Which of gcc's warnings its preprocessor gives. The others say nothing under -E, except that they do not suit the
//! language, and the compile says that again.

/// Names without `-W`, `no-`, `error=` and value.
const OF_THE_PREPROCESSOR: [&str; 44] = [
    "",
    "all",
    "bidi-chars",
    "builtin-macro-redefined",
    "c++-compat",
    "c++11-compat",
    "c++11-extensions",
    "c++14-compat",
    "c++14-extensions",
    "c++17-compat",
    "c++20-compat",
    "c++20-extensions",
    "c++23-extensions",
    "c++26-extensions",
    "c11-c23-compat",
    "c11-c2x-compat",
    "c23-c2y-compat",
    "c90-c99-compat",
    "c99-c11-compat",
    "comment",
    "comments",
    "cpp",
    "date-time",
    "deprecated",
    "endif-labels",
    "error",
    "expansion-to-defined",
    "extra",
    "fatal-errors",
    "header-guard",
    "invalid-pch",
    "invalid-utf8",
    "leading-whitespace",
    "literal-suffix",
    "long-long",
    "missing-include-dirs",
    "multichar",
    "normalized",
    "pedantic",
    "system-headers",
    "traditional",
    "trailing-whitespace",
    "trigraphs",
    "undef",
];

/// True when gcc's preprocessor may act on this -W option.
pub(crate) fn concerns_the_preprocessor(option: &[u8]) -> bool {
    let name = option.strip_prefix(b"-W").unwrap_or(option);
    let name = name.strip_prefix(b"no-").unwrap_or(name);
    let name = name.strip_prefix(b"error=").unwrap_or(name);
    let name = name.split(|b| *b == b'=').next().unwrap_or_default();
    OF_THE_PREPROCESSOR.binary_search_by(|known| known.as_bytes().cmp(name)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted() {
        assert!(OF_THE_PREPROCESSOR.is_sorted());
    }

    #[test]
    fn a_warning_is_known_in_all_its_spellings() {
        let check = |option: &str, expected: bool| {
            assert_eq!(concerns_the_preprocessor(option.as_bytes()), expected, "{option}");
        };
        check("-W", true);
        check("-Wall", true);
        check("-Wundef", true);
        check("-Wno-undef", true);
        check("-Werror", true);
        check("-Wno-error", true);
        check("-Werror=undef", true);
        check("-Wno-error=date-time", true);
        check("-Wnormalized=nfc", true);
        check("-Wbidi-chars=any", true);
        check("-Wformat", false);
        check("-Werror=format-security", false);
        check("-Wno-error=format", false);
        check("-Wstrict-prototypes", false);
        check("-Wno-stringop-overflow", false);
    }
}
