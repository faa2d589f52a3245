//! The line about a host that gets no jobs for a compiler: which host, which compiler, what is the matter, what to type. Knows
//! nothing of when it is said.

use hosts::Host;
use std::ffi::OsStr;

/// `why` is a sentence about the host: "there it has version …".
pub(crate) fn of(host: &Host, compiler: &OsStr, why: &str) -> String {
    let (spec, name, compiler) = (&host.spec, host.name(), compiler.display());
    format!(
        "{spec} gets no jobs for {compiler}: {why} (what it has: distcc-arch hosts probe {name}; what has to be the same: \
         DISTCC_TOOLCHAIN_CHECK in distcc(1))"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::origin;
    use crate::remote::Failure;
    use crate::trust::{Step, follows};
    use toolchain::Maker;

    #[track_caller]
    fn check(spec: &str, why: &str, expected: &str) {
        let host = hosts::HostList::parse(spec.as_bytes(), "test").hosts.remove(0);
        let line = of(&host, OsStr::new("gcc"), why);
        let advice = format!(
            " (what it has: distcc-arch hosts probe {}; what has to be the same: DISTCC_TOOLCHAIN_CHECK in distcc(1))",
            host.name()
        );
        assert_eq!(line, format!("{expected}{advice}"));
        assert_eq!(line.matches("DISTCC_").count(), 1, "{line}");
    }

    #[test]
    fn what_a_line_says() {
        let [gcc, clang] =
            ["GCC: (GNU) 14.2.1", "clang version 19.1.7"].map(|build| Maker::signed(build).unwrap());
        let signed = origin::other(&clang, &gcc);
        check(
            "red",
            &signed,
            "red gets no jobs for gcc: its compiler is clang version 19.1.7, not gcc (GNU) 14.2.1 as here",
        );
        let refused = Failure::Refused("there is no gcc with that fingerprint, but gcc 13.3.0".to_owned());
        let refused = follows(Step::JobAgain, refused).at_last().unwrap();
        check(
            "joe@red:/opt/distccd,lzo",
            &refused,
            "joe@red:/opt/distccd,lzo gets no jobs for gcc: there is no gcc with that fingerprint, but gcc 13.3.0",
        );
        check("[::1]:99/4", "x", "[::1]:99/4 gets no jobs for gcc: x");
    }
}
