//! Whether the configured compiler flags let a file be compiled elsewhere, by the client's own rules. Knows nothing of
//! hosts.

use crate::ask::ask;
use crate::build_user::BuildUser;
use crate::check::native::Native;
use crate::check::{Finding, Situation};
use crate::makepkg::{Effective, Origin};
use cc_args::WhyLocal;
use std::ffi::OsString;
use std::time::Duration;

pub(super) const LIMIT: Duration = Duration::from_secs(10);

/// A language: its flags, where these come from, a compiler, and a source.
struct Tongue {
    flags: &'static str,
    parts: &'static [&'static str],
    compiler: &'static str,
    source: &'static str,
}

const TONGUES: &[Tongue] = &[
    Tongue {
        flags: "CFLAGS",
        parts: &["CFLAGS", "CPPFLAGS", "DEBUG_CFLAGS", "LTOFLAGS"],
        compiler: "gcc",
        source: "x.c",
    },
    Tongue {
        flags: "CXXFLAGS",
        parts: &["CXXFLAGS", "CPPFLAGS", "DEBUG_CXXFLAGS", "LTOFLAGS"],
        compiler: "g++",
        source: "x.cc",
    },
];

/// `native-flags` and `flags`: a file that is compiled with them may be sent away.
pub(super) fn flags(situation: &Situation) -> Vec<Finding> {
    let Ok(building) = &situation.building else {
        return vec![Finding::skipped("flags", "CFLAGS", "nobody can tell what a build would see")];
    };
    TONGUES.iter().map(|tongue| judged(situation, building, tongue)).collect()
}

fn judged(situation: &Situation, building: &Effective, tongue: &Tongue) -> Finding {
    let value = |name| building.scalar(name).unwrap_or_default();
    let flags = format!("{} {}", value("CPPFLAGS"), value(tongue.flags));
    let command = ["-c", tongue.source, "-o", "x.o"];
    let words = [tongue.compiler].into_iter().chain(flags.split_whitespace()).chain(command);
    let words: Vec<OsString> = words.map(OsString::from).collect();
    if let Some(native) = Native::find(&flags, &words) {
        return match native.explicit(situation, tongue.compiler) {
            Ok((explicit, only)) => {
                let first = explicit.first().map_or("", String::as_str);
                let said = native.words.join(" ");
                let words = format!("{first} and {} words more", explicit.len() - 1);
                let what = match only {
                    None => format!("{said} is sent as {words}"),
                    Some(why) => format!("{said} may be sent to some hosts, as {words}: {why}"),
                };
                Finding::well("native-flags", tongue.flags, what)
            }
            Err(why) => native_flags(situation, building, tongue, &native.words, &why),
        };
    }
    match cc_args::analyze(&words, |_| None).and_then(cc_args::Compilation::as_text) {
        Ok(_) => Finding::well("flags", tongue.flags, "files compiled with it may be sent away"),
        Err(why) => {
            let (code, said) = (why.code(), why.to_string());
            let word = flags.split_whitespace().find(|word| said.starts_with(word)).unwrap_or_default();
            let what = format!("{} keeps every file on this machine: {code}: {said}", tongue.flags);
            match where_from(building, tongue, word).filter(|_| !word.is_empty()) {
                Some(origin) => {
                    let remedy = situation.replace(&[(origin.clone(), word, "")]);
                    Finding::failure("flags", origin.to_string(), what, remedy)
                }
                None => Finding::failure("flags", tongue.flags, what, format!("unset {}", tongue.flags)),
            }
        }
    }
}

/// They keep all files here.
fn native_flags(
    situation: &Situation,
    building: &Effective,
    tongue: &Tongue,
    native: &[&str],
    why: &WhyLocal,
) -> Finding {
    let origin = where_from(building, tongue, native[0]);
    let (words, flags) = (native.join(" "), tongue.flags);
    let what = format!("{words} in {flags} keeps every file on this machine: {}: {why}", why.code());
    let subject = origin.as_ref().map_or_else(|| flags.to_owned(), ToString::to_string);
    Finding::failure("native-flags", subject, what, without_native(situation, building, tongue, native))
}

/// The line that brings a word into the flags.
fn where_from(building: &Effective, tongue: &Tongue, word: &str) -> Option<Origin> {
    let mut all = tongue.parts.iter().flat_map(|name| building.assignments(name).iter().rev());
    all.find_map(|origin| {
        let line = origin.line_with(word);
        line.text().is_some_and(|text| text.contains(word)).then_some(line)
    })
}

/// Replaces each word with what the compiler of this machine takes it for.
fn without_native(situation: &Situation, building: &Effective, tongue: &Tongue, native: &[&str]) -> String {
    let spelled = spelled_out(situation, tongue, native);
    let changes = native.iter().zip(&spelled);
    let changes: Vec<_> = changes
        .filter_map(|(word, spelled)| Some((where_from(building, tongue, word)?, *word, spelled.as_str())))
        .collect();
    if changes.is_empty() { format!("unset {} CPPFLAGS", tongue.flags) } else { situation.replace(&changes) }
}

fn spelled_out(situation: &Situation, tongue: &Tongue, native: &[&str]) -> Vec<String> {
    let user = BuildUser::never_root(situation.user.as_ref());
    let mut gcc = user.command(tongue.compiler, situation.settings);
    let ended = ask(situation.processes, gcc.args(native).args(["-Q", "--help=target"]), LIMIT);
    let said = String::from_utf8_lossy(&ended.stdout).into_owned();
    let spelled = |word: &&str| {
        let option = word.trim_end_matches("native");
        let value = said.lines().find_map(|line| line.trim().strip_prefix(option)).map(str::trim);
        let general = if option == "-march=" { "x86-64" } else { "generic" };
        let value = value.filter(|value| !value.is_empty() && *value != "native").unwrap_or(general);
        format!("{option}{value}")
    };
    native.iter().map(spelled).collect()
}
