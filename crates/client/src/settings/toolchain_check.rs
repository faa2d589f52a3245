//! How far a host's compiler has to be the one of here (DISTCC_TOOLCHAIN_CHECK). Knows no compiler.

use std::ffi::{OsStr, OsString};

/// What a host has to show before it gets jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ToolchainCheck {
    /// That its compiler makes the same bytes.
    Strict,
    /// That its compiler has the same target and version.
    Target,
    /// Nothing; what another version has signed is refused when it comes.
    Off,
}

impl ToolchainCheck {
    /// What the variable's value asks for, strict if it is not set; or what is wrong with it.
    pub(super) fn of(value: Option<OsString>) -> (ToolchainCheck, Option<String>) {
        match value.as_deref().map(OsStr::as_encoded_bytes) {
            None | Some(b"" | b"strict") => (ToolchainCheck::Strict, None),
            Some(b"target") => (ToolchainCheck::Target, None),
            Some(b"off") => (ToolchainCheck::Off, None),
            Some(other) => {
                let other = String::from_utf8_lossy(other);
                let problem =
                    format!("Bad DISTCC_TOOLCHAIN_CHECK value: {other}: give strict, target or off");
                (ToolchainCheck::Strict, Some(problem))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_words_and_no_other() {
        let check = |value: Option<&str>, expected: ToolchainCheck, bad: bool| {
            let (check, problem) = ToolchainCheck::of(value.map(OsString::from));
            assert_eq!((check, problem.is_some()), (expected, bad), "{value:?} {problem:?}");
        };
        check(None, ToolchainCheck::Strict, false);
        check(Some(""), ToolchainCheck::Strict, false);
        check(Some("strict"), ToolchainCheck::Strict, false);
        check(Some("target"), ToolchainCheck::Target, false);
        check(Some("off"), ToolchainCheck::Off, false);
        check(Some("0"), ToolchainCheck::Strict, true);
        check(Some("Off"), ToolchainCheck::Strict, true);
    }
}
