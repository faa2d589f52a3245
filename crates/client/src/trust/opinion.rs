//! What is to be thought of the compilers that a host tells of. Asks nobody.

use crate::settings::ToolchainCheck;
use protocol::inquiry::{Telling, TellingCompiler};
use std::ffi::OsStr;
use toolchain::Identity;

/// Is a host's compiler the one of here?
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Opinion {
    /// It is, and this fingerprint, if it has one, names it.
    Same(Option<String>),
    /// It is not; a sentence about the host.
    Other(String),
    /// Only a sample can tell, made by the compiler with this fingerprint if it has one.
    Sample(Option<String>),
}

/// What `telling` says of its compiler called `name`, beside the one of here, if anybody knows what that is.
pub(super) fn of(own: Option<&Identity>, name: &OsStr, telling: &Telling, check: ToolchainCheck) -> Opinion {
    let there: Vec<&TellingCompiler> =
        telling.compilers.iter().filter(|compiler| compiler.name == name).collect();
    let Some(first) = there.first() else {
        let reason =
            telling.missing.iter().find(|(missing, _)| missing == name).map(|(_, reason)| reason.as_str());
        return Opinion::Other(lacking(name, reason, &telling.targets));
    };
    let Some(own) = own else { return Opinion::Sample(first.fingerprint.clone()) };
    if check == ToolchainCheck::Target {
        let fits =
            |compiler: &&&TellingCompiler| compiler.target == own.target && compiler.version == own.version;
        return match there.iter().find(fits) {
            Some(fitting) => Opinion::Same(fitting.fingerprint.clone()),
            None => Opinion::Other(other(own, first)),
        };
    }
    let fingerprint = own.fingerprint.map(|fingerprint| fingerprint.to_string());
    if fingerprint.is_some() && there.iter().any(|compiler| compiler.fingerprint == fingerprint) {
        return Opinion::Same(fingerprint);
    }
    let best = there.iter().find(|compiler| compiler.target == own.target).unwrap_or(first);
    let comparable =
        best.fingerprint.is_some() && fingerprint.is_some() && best.machine == own.machine.to_string();
    if comparable { Opinion::Other(other(own, best)) } else { Opinion::Sample(best.fingerprint.clone()) }
}

fn lacking(name: &OsStr, reason: Option<&str>, targets: &[String]) -> String {
    let reason = reason.map_or_else(String::new, |reason| format!(": {reason}"));
    let targets = match targets {
        [] => String::new(),
        targets => format!(" (it compiles for {})", targets.join(", ")),
    };
    format!("it has no {}{reason}{targets}", name.display())
}

fn other(own: &Identity, there: &TellingCompiler) -> String {
    if there.target != own.target {
        return format!("there it compiles for {}, here for {}", there.target, own.target);
    }
    if there.version != own.version {
        return format!("there it has version {}, here {}", there.version, own.version);
    }
    let begin = |hex: &str| hex.chars().take(8).collect::<String>();
    let own_hex = own.fingerprint.map(|own| begin(&own.to_string())).unwrap_or_default();
    let hex = there.fingerprint.as_deref().map(begin).unwrap_or_default();
    format!("there it has version {}, too, but is another build ({hex}, here {own_hex})", there.version)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;
    use toolchain::{Family, Root, Surroundings};

    const OWN: &str = "abababababababababababababababababababababababababababababababab";
    const OTHER: &str = "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd";

    /// One that runs on a machine called "unknown", for of this nobody but the crate that knows them can make one.
    fn own(fingerprint: Option<&str>) -> Identity {
        let script = tempfile::NamedTempFile::new().unwrap();
        let root = Root::open(Path::new("/")).unwrap();
        let said_nothing =
            toolchain::identify(&root, script.path(), &Surroundings::default(), &mut |_| Ok(Vec::new()));
        let fingerprint = fingerprint.map(|hex| hex.parse().unwrap());
        let (target, version) = ("x86_64-linux-gnu".to_owned(), "12.2.0".to_owned());
        Identity { family: Some(Family::Gcc), target, version, fingerprint, ..said_nothing.unwrap().0 }
    }

    /// A compiler called gcc: target, version, machine, fingerprint.
    fn there((target, version, machine, fingerprint): There) -> TellingCompiler {
        TellingCompiler {
            name: "gcc".into(),
            target: target.to_owned(),
            version: version.to_owned(),
            machine: machine.to_owned(),
            fingerprint: fingerprint.map(str::to_owned),
        }
    }

    type There<'a> = (&'a str, &'a str, &'a str, Option<&'a str>);
    const SAME: There = ("x86_64-linux-gnu", "12.2.0", "unknown", Some(OWN));
    const BUILD: There = ("x86_64-linux-gnu", "12.2.0", "unknown", Some(OTHER));
    const OLD: There = ("x86_64-linux-gnu", "11.3.0", "unknown", Some(OTHER));
    const CROSS: There = ("x86_64-linux-gnu", "12.2.0", "aarch64", Some(OTHER));
    const SCRIPT: There = ("x86_64-linux-gnu", "12.2.0", "unknown", None);
    const ARM: There = ("aarch64-linux-gnu", "12.2.0", "unknown", Some(OTHER));

    #[track_caller]
    fn check(own: Option<Identity>, compilers: &[There], check: ToolchainCheck, expected: &Opinion) {
        let telling =
            Telling { compilers: compilers.iter().map(|one| there(*one)).collect(), ..Telling::default() };
        let opinion = of(own.as_ref(), OsStr::new("gcc"), &telling, check);
        match (&opinion, expected) {
            (Opinion::Other(why), Opinion::Other(part)) => assert!(why.contains(part), "{why}"),
            _ => assert_eq!(opinion, *expected, "{compilers:?}"),
        }
    }

    #[test]
    fn the_same_bytes_are_wanted() {
        use Opinion::{Other, Same, Sample};
        let strictly = |own, compilers: &[There], expected: &Opinion| {
            check(own, compilers, ToolchainCheck::Strict, expected);
        };
        let known = || Some(own(Some(OWN)));
        strictly(known(), &[SAME], &Same(Some(OWN.into())));
        strictly(known(), &[OLD, SAME], &Same(Some(OWN.into())));
        strictly(known(), &[BUILD], &Other("another build (cdcdcdcd, here abababab)".into()));
        strictly(known(), &[OLD], &Other("there it has version 11.3.0, here 12.2.0".into()));
        strictly(known(), &[ARM], &Other("compiles for aarch64-linux-gnu, here for x86_64-linux-gnu".into()));
        strictly(known(), &[CROSS], &Sample(Some(OTHER.into())));
        strictly(known(), &[SCRIPT], &Sample(None));
        strictly(Some(own(None)), &[BUILD], &Sample(Some(OTHER.into())));
        strictly(Some(own(None)), &[SCRIPT], &Sample(None));
        strictly(None, &[OLD], &Sample(Some(OTHER.into())));
        strictly(known(), &[], &Other("it has no gcc".into()));
    }

    #[test]
    fn the_same_version_is_wanted() {
        use Opinion::{Other, Same, Sample};
        let loosely = |own, compilers: &[There], expected: &Opinion| {
            check(own, compilers, ToolchainCheck::Target, expected);
        };
        let known = || Some(own(Some(OWN)));
        loosely(known(), &[BUILD], &Same(Some(OTHER.into())));
        loosely(known(), &[OLD, BUILD], &Same(Some(OTHER.into())));
        loosely(known(), &[SCRIPT], &Same(None));
        loosely(Some(own(None)), &[CROSS], &Same(Some(OTHER.into())));
        loosely(known(), &[OLD], &Other("version 11.3.0".into()));
        loosely(known(), &[ARM], &Other("aarch64-linux-gnu".into()));
        loosely(None, &[BUILD], &Sample(Some(OTHER.into())));
    }

    #[test]
    fn what_is_missing() {
        let telling = Telling {
            targets: vec!["x86_64-linux-gnu".into(), "i686-linux-gnu".into()],
            missing: vec![("arm-gcc".into(), "there is none on PATH".into())],
            ..Telling::default()
        };
        let opinion = of(None, OsStr::new("arm-gcc"), &telling, ToolchainCheck::Strict);
        let why =
            "it has no arm-gcc: there is none on PATH (it compiles for x86_64-linux-gnu, i686-linux-gnu)";
        assert_eq!(opinion, Opinion::Other(why.to_owned()));
    }
}
