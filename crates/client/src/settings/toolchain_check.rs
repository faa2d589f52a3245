//! How far a host's compiler has to be the one of here (DISTCC_TOOLCHAIN_CHECK). Knows no compiler.

use super::word::one_of;
use std::ffi::OsString;

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
        use ToolchainCheck::{Off, Strict, Target};
        one_of("DISTCC_TOOLCHAIN_CHECK", value, &[("strict", Strict), ("target", Target), ("off", Off)])
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
