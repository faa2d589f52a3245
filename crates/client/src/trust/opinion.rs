//! What is to be thought of the compilers that a host tells of. Asks nobody.

use crate::settings::ToolchainCheck;
use protocol::inquiry::{Telling, TellingCompiler};
use std::ffi::OsStr;
use toolchain::{Identity, Language};

/// Is a host's compiler the one of here?
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Opinion {
    /// It is, and this fingerprint, if it has one, names it.
    Same(Option<String>),
    /// It is not; a sentence about the host.
    Other(String),
    /// Only a sample can tell, made by the compiler with this fingerprint if it has one.
    Sample(Option<String>),
    /// The compiler with this fingerprint is, but runs with other libraries of the system. If a sample tells it from the
    /// one of here, this sentence says so.
    Akin(String, String),
}

/// What `telling` says of its compiler called `name`, beside the one of here, if anybody knows what that is, for jobs in this
/// language.
pub(super) fn of(
    (own, language): (Option<&Identity>, Language),
    name: &OsStr,
    telling: &Telling,
    check: ToolchainCheck,
) -> Opinion {
    let there: Vec<There> =
        telling.compilers.iter().filter(|it| it.name == name).map(|it| There::of(it, language)).collect();
    let Some(any) = there.first() else {
        let reason =
            telling.missing.iter().find(|(missing, _)| missing == name).map(|(_, reason)| reason.as_str());
        return Opinion::Other(lacking(name, reason, &telling.targets));
    };
    let there: Vec<&There> = there.iter().filter(|it| it.may_compile).collect();
    let Some(first) = there.first() else {
        return Opinion::Other(format!(
            "its {} {} does not compile {}",
            name.display(),
            any.compiler.version,
            language.title()
        ));
    };
    let own = own.filter(|own| !own.target.is_empty());
    let Some(own) = own else { return Opinion::Sample(first.whole.clone()) };
    let of_target = there.iter().find(|it| it.compiler.target == own.target);
    if check == ToolchainCheck::Target {
        // A job that cannot name it gets the first.
        let can_be_had = |it: &There| it.whole.is_some() || std::ptr::eq(it.compiler, any.compiler);
        let fits = |it: &&&There| {
            it.compiler.target == own.target && it.compiler.version == own.version && can_be_had(it)
        };
        let unknown = there.iter().find(|it| it.compiler.target.is_empty());
        return match (there.iter().find(fits), unknown) {
            (Some(fitting), _) => Opinion::Same(fitting.whole.clone()),
            (None, Some(unknown)) => Opinion::Sample(unknown.whole.clone()),
            (None, None) => Opinion::Other(other(own, None, of_target.unwrap_or(first))),
        };
    }
    let best = of_target.unwrap_or(first);
    let Some(prints) = own.prints(language) else { return Opinion::Sample(best.whole.clone()) };
    let (whole, core) = (prints.whole.to_string(), prints.core.to_string());
    if there.iter().any(|it| it.whole.as_ref() == Some(&whole)) {
        return Opinion::Same(Some(whole));
    }
    let akin = there.iter().find(|it| it.core.as_ref() == Some(&core));
    if let Some(There { whole: Some(whole), compiler, .. }) = akin {
        return Opinion::Akin(whole.clone(), libraries(compiler));
    }
    let is_comparable = best.core.is_some() && best.compiler.machine == own.machine.to_string();
    if is_comparable {
        Opinion::Other(other(own, Some(&core), best))
    } else {
        Opinion::Sample(best.whole.clone())
    }
}

/// A compiler of the host, as far as it is about one language.
struct There<'a> {
    compiler: &'a TellingCompiler,
    may_compile: bool,
    whole: Option<String>,
    core: Option<String>,
}

impl There<'_> {
    fn of(compiler: &TellingCompiler, language: Language) -> There<'_> {
        let found = compiler.language(&language.to_string());
        There {
            compiler,
            may_compile: found.is_some() || compiler.languages.is_empty(),
            whole: found.and_then(|found| found.whole.clone()),
            core: found.and_then(|found| found.core.clone()),
        }
    }
}

fn lacking(name: &OsStr, reason: Option<&str>, targets: &[String]) -> String {
    let reason = reason.map_or_else(String::new, |reason| format!(": {reason}"));
    let targets = match targets {
        [] => String::new(),
        targets => format!(" (it compiles for {})", targets.join(", ")),
    };
    format!("it has no {}{reason}{targets}", name.display())
}

fn other(own: &Identity, core: Option<&str>, there: &There) -> String {
    let TellingCompiler { target, version, .. } = there.compiler;
    if *target != own.target {
        return format!("there it compiles for {target}, here for {}", own.target);
    }
    if *version != own.version {
        return format!("there it has version {version}, here {}", own.version);
    }
    let begin = |hex: Option<&str>| hex.unwrap_or_default().chars().take(8).collect::<String>();
    let (hex, own_hex) = (begin(there.core.as_deref()), begin(core));
    format!("there it has version {version}, too, but is another build ({hex}, here {own_hex})")
}

fn libraries(there: &TellingCompiler) -> String {
    let version = &there.version;
    format!(
        "there it has version {version}, too, but runs with other libraries of the system and makes other code of a sample"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::inquiry::TellingLanguage;
    use std::path::Path;
    use toolchain::{Family, Hashes, Prints, Root, Surroundings};

    const OWN: &str = "abababababababababababababababababababababababababababababababab";
    const CORE: &str = "efefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefef";
    const OTHER: &str = "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd";

    /// One that runs on a machine called "unknown", for of this nobody but the crate that knows them can make one.
    fn own(prints: Option<(&str, &str)>) -> Identity {
        let script = tempfile::NamedTempFile::new().unwrap();
        let root = Root::open(Path::new("/")).unwrap();
        let said_nothing = toolchain::identify(
            &root,
            script.path(),
            &Surroundings::default(),
            &Hashes::default(),
            &mut |_| Ok(Vec::new()),
        );
        let parsed = |hex: &str| hex.parse().unwrap();
        let prints = prints.map(|(whole, core)| Prints { whole: parsed(whole), core: parsed(core) });
        let languages = [(Language::C, prints)].into();
        let (target, version) = ("x86_64-linux-gnu".to_owned(), "12.2.0".to_owned());
        Identity { family: Some(Family::Gcc), target, version, languages, ..said_nothing.unwrap().0 }
    }

    /// A compiler called gcc: target, version, machine, fingerprints.
    fn there((target, version, machine, prints): Gcc) -> TellingCompiler {
        let c = |(whole, core): (&str, &str)| TellingLanguage {
            name: "c".to_owned(),
            whole: Some(whole.to_owned()),
            core: Some(core.to_owned()).filter(|core| !core.is_empty()),
        };
        TellingCompiler {
            name: "gcc".into(),
            target: target.to_owned(),
            version: version.to_owned(),
            machine: machine.to_owned(),
            languages: prints.map(c).into_iter().collect(),
        }
    }

    type Gcc<'a> = (&'a str, &'a str, &'a str, Option<(&'a str, &'a str)>);
    const SAME: Gcc = ("x86_64-linux-gnu", "12.2.0", "unknown", Some((OWN, CORE)));
    const AKIN: Gcc = ("x86_64-linux-gnu", "12.2.0", "unknown", Some((OTHER, CORE)));
    const BUILD: Gcc = ("x86_64-linux-gnu", "12.2.0", "unknown", Some((OTHER, OTHER)));
    const OLD: Gcc = ("x86_64-linux-gnu", "11.3.0", "unknown", Some((OTHER, OTHER)));
    const CROSS: Gcc = ("x86_64-linux-gnu", "12.2.0", "aarch64", Some((OTHER, OTHER)));
    const STAND_IN: Gcc = ("x86_64-linux-gnu", "12.2.0", "unknown", Some((OTHER, "")));
    const LAUNCHED: Gcc = ("x86_64-linux-gnu", "12.2.0", "unknown", None);
    const SCRIPT: Gcc = ("", "", "unknown", None);
    const ARM: Gcc = ("aarch64-linux-gnu", "12.2.0", "unknown", Some((OTHER, OTHER)));

    #[track_caller]
    fn check(own: Option<Identity>, compilers: &[Gcc], check: ToolchainCheck, expected: &Opinion) {
        let telling =
            Telling { compilers: compilers.iter().map(|one| there(*one)).collect(), ..Telling::default() };
        let opinion = of((own.as_ref(), Language::C), OsStr::new("gcc"), &telling, check);
        match (&opinion, expected) {
            (Opinion::Other(why), Opinion::Other(part)) => assert!(why.contains(part), "{why}"),
            (Opinion::Akin(proof, why), Opinion::Akin(expected, part)) => {
                assert!(proof == expected && why.contains(part), "{why}");
            }
            _ => assert_eq!(opinion, *expected, "{compilers:?}"),
        }
    }

    #[test]
    fn the_same_bytes_are_wanted() {
        use Opinion::{Akin, Other, Same, Sample};
        let strictly = |own, compilers: &[Gcc], expected: &Opinion| {
            check(own, compilers, ToolchainCheck::Strict, expected);
        };
        let known = || Some(own(Some((OWN, CORE))));
        strictly(known(), &[SAME], &Same(Some(OWN.into())));
        strictly(known(), &[OLD, SAME], &Same(Some(OWN.into())));
        strictly(known(), &[AKIN, SAME], &Same(Some(OWN.into())));
        strictly(known(), &[AKIN], &Akin(OTHER.into(), "other libraries of the system".into()));
        strictly(known(), &[OLD, AKIN], &Akin(OTHER.into(), "other libraries of the system".into()));
        strictly(known(), &[BUILD], &Other("another build (cdcdcdcd, here efefefef)".into()));
        strictly(known(), &[OLD], &Other("there it has version 11.3.0, here 12.2.0".into()));
        strictly(known(), &[ARM], &Other("compiles for aarch64-linux-gnu, here for x86_64-linux-gnu".into()));
        strictly(known(), &[CROSS], &Sample(Some(OTHER.into())));
        strictly(known(), &[STAND_IN], &Sample(Some(OTHER.into())));
        strictly(known(), &[LAUNCHED], &Sample(None));
        strictly(known(), &[SCRIPT], &Sample(None));
        strictly(Some(own(None)), &[BUILD], &Sample(Some(OTHER.into())));
        strictly(Some(own(None)), &[SCRIPT], &Sample(None));
        strictly(None, &[OLD], &Sample(Some(OTHER.into())));
        strictly(known(), &[], &Other("it has no gcc".into()));
    }

    #[test]
    fn the_same_version_is_wanted() {
        use Opinion::{Other, Same, Sample};
        let loosely = |own, compilers: &[Gcc], expected: &Opinion| {
            check(own, compilers, ToolchainCheck::Target, expected);
        };
        let known = || Some(own(Some((OWN, CORE))));
        let unknown = || Some(Identity { target: String::new(), version: String::new(), ..own(None) });
        loosely(known(), &[BUILD], &Same(Some(OTHER.into())));
        loosely(known(), &[OLD, BUILD], &Same(Some(OTHER.into())));
        loosely(known(), &[LAUNCHED], &Same(None));
        loosely(known(), &[OLD, LAUNCHED], &Other("version 11.3.0".into()));
        loosely(Some(own(None)), &[CROSS], &Same(Some(OTHER.into())));
        loosely(known(), &[OLD], &Other("version 11.3.0".into()));
        loosely(known(), &[ARM], &Other("aarch64-linux-gnu".into()));
        loosely(known(), &[SCRIPT], &Sample(None));
        loosely(known(), &[OLD, SCRIPT], &Sample(None));
        loosely(unknown(), &[BUILD], &Sample(Some(OTHER.into())));
        loosely(unknown(), &[SCRIPT], &Sample(None));
        loosely(None, &[BUILD], &Sample(Some(OTHER.into())));
    }

    #[test]
    fn a_language_that_is_missing() {
        let telling = Telling { compilers: vec![there(SAME)], ..Telling::default() };
        for check in [ToolchainCheck::Strict, ToolchainCheck::Target] {
            for own in [None, Some(own(Some((OWN, CORE))))] {
                let opinion = of((own.as_ref(), Language::Cxx), OsStr::new("gcc"), &telling, check);
                assert_eq!(opinion, Opinion::Other("its gcc 12.2.0 does not compile C++".to_owned()));
            }
        }
    }

    #[test]
    fn what_is_missing() {
        let telling = Telling {
            targets: vec!["x86_64-linux-gnu".into(), "i686-linux-gnu".into()],
            missing: vec![("arm-gcc".into(), "there is none on PATH".into())],
            ..Telling::default()
        };
        let opinion = of((None, Language::C), OsStr::new("arm-gcc"), &telling, ToolchainCheck::Strict);
        let why =
            "it has no arm-gcc: there is none on PATH (it compiles for x86_64-linux-gnu, i686-linux-gnu)";
        assert_eq!(opinion, Opinion::Other(why.to_owned()));
    }
}
