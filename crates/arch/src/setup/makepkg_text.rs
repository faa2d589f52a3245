//! What is changed in a makepkg.conf so that makepkg distributes: three variables, and nothing else. Knows no file.

use crate::setup::last_word::Values;
use makepkg_conf::{Conf, MakeFlags, Refusal, assignment};

/// The word of BUILDENV that switches distribution on.
const WORD: &str = "distcc";

/// What makepkg is to see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// DISTCC_HOSTS.
    pub(crate) hosts: String,
    /// The N of MAKEFLAGS' -jN; none leaves the flags as they are.
    pub(crate) jobs: Option<u32>,
    /// Whether BUILDENV is to switch distribution on.
    pub(crate) enabled: bool,
}

/// What only a person can write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ByHand {
    /// Counted from 1.
    pub(crate) line: usize,
    /// What stands there and what to write; reads after "makepkg.conf:12: ".
    pub(crate) why: String,
}

/// What the text means, where bash sees something else only because lines end in carriage returns: an edit mends them.
pub(crate) fn meant(seen: Values, text: &[u8]) -> Values {
    if !text.contains(&b'\r') {
        return seen;
    }
    let conf = Conf::parse(text);
    let scalar = |name: &str, seen: Option<String>| conf.scalar(name).ok().flatten().or(seen);
    Values {
        hosts: scalar("DISTCC_HOSTS", seen.hosts),
        make_flags: scalar("MAKEFLAGS", seen.make_flags),
        build_env: conf.array("BUILDENV").ok().flatten().unwrap_or(seen.build_env),
    }
}

/// The text with those values, where bash saw `before` in the old one.
///
/// # Errors
/// Where the text does not allow it with certainty, and what to write there by hand.
pub(crate) fn edited(text: &[u8], before: &Values, wanted: &Wanted) -> Result<Vec<u8>, ByHand> {
    let mut conf = Conf::parse(text);
    if wanted.enabled && !is_enabled(&before.build_env) {
        let is_here = conf.assignments().iter().any(|assignment| assignment.name == "BUILDENV");
        if is_here || before.build_env.is_empty() {
            conf.enable("BUILDENV", WORD).map_err(|refusal| by_hand(refusal, "distcc into BUILDENV"))?;
        } else {
            // The words come from a file that is read before, and must not be lost.
            conf = Conf::parse(&with_line(conf.bytes(), "BUILDENV+=(distcc)"));
        }
    }
    if before.hosts.as_deref() != Some(&wanted.hosts) {
        set(&mut conf, "DISTCC_HOSTS", &wanted.hosts)?;
    }
    if let Some(flags) = make_flags(before, wanted).filter(|flags| before.make_flags.as_ref() != Some(flags))
    {
        set(&mut conf, "MAKEFLAGS", &flags)?;
    }
    Ok(conf.bytes().to_vec())
}

fn set(conf: &mut Conf, name: &str, value: &str) -> Result<(), ByHand> {
    conf.set(name, value).map_err(|refusal| by_hand(refusal, &assignment(name, value)))
}

fn by_hand(refusal: Refusal, words: &str) -> ByHand {
    let remedy = refusal.remedy.map_or_else(|| format!("write {words} there yourself"), str::to_owned);
    ByHand { line: refusal.line, why: format!("{}: {remedy}", refusal.reason) }
}

fn with_line(text: &[u8], line: &str) -> Vec<u8> {
    let mut text = text.to_vec();
    if !text.is_empty() && !text.ends_with(b"\n") {
        text.push(b'\n');
    }
    text.extend_from_slice(line.as_bytes());
    text.push(b'\n');
    text
}

/// What is wrong with what bash sees in the new text, if anything is.
pub(crate) fn objection(before: &Values, after: &Values, wanted: &Wanted) -> Option<String> {
    let others = |words: &[String]| -> Vec<String> {
        words.iter().filter(|word| word.trim_start_matches('!') != WORD).cloned().collect()
    };
    if wanted.enabled && !is_enabled(&after.build_env) {
        return Some("BUILDENV would not switch distcc on".to_owned());
    }
    if others(&before.build_env) != others(&after.build_env) {
        return Some(format!("BUILDENV would become ({})", after.build_env.join(" ")));
    }
    if after.hosts.as_ref() != Some(&wanted.hosts) {
        return Some(format!("DISTCC_HOSTS would become \"{}\"", after.hosts.as_deref().unwrap_or_default()));
    }
    // What bash printed was read with losses then, and would be written with them.
    if after.make_flags.as_ref().is_some_and(|flags| flags.contains(char::REPLACEMENT_CHARACTER)) {
        return Some("MAKEFLAGS is not in UTF-8".to_owned());
    }
    let flags = make_flags(before, wanted).or_else(|| before.make_flags.clone());
    if !mean_the_same(after.make_flags.as_deref(), flags.as_deref()) {
        return Some(format!(
            "MAKEFLAGS would become \"{}\"",
            after.make_flags.as_deref().unwrap_or_default()
        ));
    }
    None
}

/// Whether makepkg distributes: the last of `distcc` and `!distcc` counts.
pub(crate) fn is_enabled(build_env: &[String]) -> bool {
    build_env.iter().rev().find(|word| word.trim_start_matches('!') == WORD).is_some_and(|word| word == WORD)
}

fn make_flags(before: &Values, wanted: &Wanted) -> Option<String> {
    let flags = MakeFlags::parse(before.make_flags.as_deref().unwrap_or_default());
    wanted.jobs.map(|jobs| flags.with_jobs(jobs))
}

/// A drop-in writes the number of jobs behind the other flags.
fn mean_the_same(one: Option<&str>, other: Option<&str>) -> bool {
    let [one, other] = [one, other].map(|flags| MakeFlags::parse(flags.unwrap_or_default()));
    one.jobs() == other.jobs() && one.without_jobs() == other.without_jobs()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(build_env: &str, hosts: Option<&str>, flags: Option<&str>) -> Values {
        Values {
            hosts: hosts.map(str::to_owned),
            make_flags: flags.map(str::to_owned),
            build_env: build_env.split_whitespace().map(str::to_owned).collect(),
        }
    }

    #[test]
    fn the_last_word_counts() {
        for (words, enabled) in [("", false), ("distcc", true), ("!distcc", false), ("distcc !distcc", false)]
        {
            assert_eq!(is_enabled(&values(words, None, None).build_env), enabled, "{words}");
        }
        assert!(is_enabled(&values("!distcc check distcc", None, None).build_env));
    }

    #[test]
    fn what_is_left_to_a_person_can_be_typed() {
        let wanted = Wanted { hosts: "red:$x".into(), jobs: Some(4), enabled: true };
        for (text, line, why) in [
            (
                "\nMAKEFLAGS=\"-O -j$(nproc)\"",
                2,
                "holds a command's output: write MAKEFLAGS=\"-O -j4\" there yourself",
            ),
            ("BUILDENV=($x)", 1, ": write distcc into BUILDENV there yourself"),
            (
                "if x; then\nDISTCC_HOSTS=blue\nfi",
                2,
                "an if here: write DISTCC_HOSTS=\"red:\\$x\" there yourself",
            ),
            (
                "BUILDENV=(a\r\nb)",
                1,
                "a carriage return belongs to a word of BUILDENV: remove them all, as in sed",
            ),
        ] {
            let refused = edited(text.as_bytes(), &values("", None, Some("-O -j2")), &wanted).unwrap_err();
            assert!(
                refused.line == line && refused.why.ends_with(why) || refused.why.starts_with(why),
                "{refused:?}"
            );
        }
    }

    #[test]
    fn objections() {
        let wanted = Wanted { hosts: "red".into(), jobs: Some(4), enabled: true };
        let before = values("!distcc check", None, Some("-j2 -O"));
        for (after, part) in [
            (values("distcc check", Some("red"), Some("-j4 -O")), None),
            (values("check distcc", Some("red"), Some("-j4 -O")), None),
            (values("!distcc check", Some("red"), Some("-j4 -O")), Some("switch distcc on")),
            (values("distcc", Some("red"), Some("-j4 -O")), Some("BUILDENV would become (distcc)")),
            (
                values("distcc check", Some("blue"), Some("-j4 -O")),
                Some("DISTCC_HOSTS would become \"blue\""),
            ),
            (values("distcc check", Some("red"), Some("-j2 -O -j4")), None),
            (values("distcc check", Some("red"), Some("-O -- -j4")), Some("MAKEFLAGS would")),
            (values("distcc check", Some("red"), Some("-j4")), Some("MAKEFLAGS would become \"-j4\"")),
            (values("distcc check", Some("red"), Some("-j4 \u{fffd}")), Some("MAKEFLAGS is not in UTF-8")),
        ] {
            let objection = objection(&before, &after, &wanted);
            assert_eq!(objection.is_some(), part.is_some(), "{objection:?}");
            assert!(objection.is_none_or(|objection| objection.contains(part.unwrap())), "{part:?}");
        }
    }
}
