//! Adding a section to toolchains.toml and removing one, every other byte as it was. Knows nothing of files.

use std::path::Path;

use toml::Value;
use toml::de::DeTable;

use crate::config::{Config, ConfigError, Entry, Place, is_name, line_of};

/// The text with a section for `entry` at its end; as it was when it has that already.
///
/// # Errors
/// When the text is wrong, has another section of that name, or the entry cannot be written.
pub fn with_entry(text: &str, file: &Path, entry: &Entry) -> Result<String, ConfigError> {
    let config = Config::parse(text, file)?;
    let refused = |line, sentence: String| Err(ConfigError::new(file, line, &sentence));
    let name = &entry.name;
    if let Some(old) = config.toolchains.iter().find(|old| old.name == *name) {
        if (&old.place, &old.target) == (&entry.place, &entry.target) {
            return Ok(text.to_owned());
        }
        let place = old.place.path().display();
        return refused(
            old.line,
            format!("[toolchain.{name}] is {place} already; remove it first, or use another name"),
        );
    }
    let end = line_of(text, text.len());
    if !is_name(name) {
        return refused(end, format!("`{name}` is no name; use letters, digits and - _ . + only"));
    }
    let Some(section) = section(entry) else {
        let place = entry.place.path().display();
        return refused(end, format!("the path {place} is no UTF-8 text; give the directory another name"));
    };
    let gap = match text {
        "" => "",
        text if text.ends_with('\n') => "\n",
        _ => "\n\n",
    };
    let edited = format!("{text}{gap}{section}");
    let mut expected = config;
    expected.toolchains.push(entry.clone());
    // A relative path, say, is told of as if it had been written by hand; and a table that is closed to additions.
    let found = Config::parse(&edited, file)?;
    if means_the_same(&found, &expected) {
        Ok(edited)
    } else {
        refused(end, format!("[toolchain.{name}] cannot be added behind this; add it by hand"))
    }
}

/// The text without the section of that name.
///
/// # Errors
/// When the text is wrong, has no such section, or has it where it cannot be told from others.
pub fn without_entry(text: &str, file: &Path, name: &str) -> Result<String, ConfigError> {
    let mut expected = Config::parse(text, file)?;
    let refused = |line, sentence: String| Err(ConfigError::new(file, line, &sentence));
    let Some(at) = expected.toolchains.iter().position(|entry| entry.name == name) else {
        let names: Vec<&str> = expected.toolchains.iter().map(|entry| entry.name.as_str()).collect();
        let there = if names.is_empty() { "no section".to_owned() } else { names.join(", ") };
        return refused(1, format!("there is no [toolchain.{name}]; there is {there}"));
    };
    let entry = expected.toolchains.remove(at);
    let edited = lines_of(text, name).map(|(start, end)| format!("{}{}", &text[..start], &text[end..]));
    match edited {
        Some(edited) if Config::parse(&edited, file).is_ok_and(|found| means_the_same(&found, &expected)) => {
            Ok(edited)
        }
        _ => refused(entry.line, format!("[toolchain.{name}] is mixed with other lines; remove it by hand")),
    }
}

/// Lines move.
fn means_the_same(one: &Config, other: &Config) -> bool {
    let meaning = |config: &Config| {
        let entries = config.toolchains.iter();
        let entries: Vec<_> =
            entries.map(|entry| (entry.name.clone(), entry.place.clone(), entry.target.clone())).collect();
        (config.multilib, entries)
    };
    meaning(one) == meaning(other)
}

fn section(entry: &Entry) -> Option<String> {
    let (key, path) = match &entry.place {
        Place::Root(path) => ("root", path),
        Place::Directory(path) => ("directory", path),
    };
    let quoted = |text: &str| Value::String(text.to_owned()).to_string();
    // A dot would make it two names.
    let name =
        if entry.name.contains(['.', '+']) { format!("\"{}\"", entry.name) } else { entry.name.clone() };
    let mut section = format!("[toolchain.{name}]\n{key} = {}\n", quoted(path.to_str()?));
    if let Some(target) = &entry.target {
        section.push_str(&format!("target = {}\n", quoted(target)));
    }
    Some(section)
}

/// From where its first line begins to where its last one ends, with an empty line in front of it.
fn lines_of(text: &str, name: &str) -> Option<(usize, usize)> {
    let table = DeTable::parse(text).ok()?;
    let toolchains = table.get_ref().get("toolchain")?.get_ref().as_table()?;
    let (key, value) = toolchains.iter().find(|(key, _)| key.get_ref() == name)?;
    let values = value.get_ref().as_table()?.iter().map(|(_, value)| value.span().end);
    let end = values.chain([key.span().end]).max()?;
    let line_end = |at: usize| text[at..].find('\n').map_or(text.len(), |length| at + length + 1);
    let start = text[..key.span().start].rfind('\n').map_or(0, |newline| newline + 1);
    let end = line_end(end);
    let empty = ["\n", "\r\n"].into_iter().find(|empty| text[..start].ends_with(&format!("\n{empty}")));
    let closes = end == text.len() || text[end..].starts_with(['\n', '\r']);
    Some((start - empty.filter(|_| closes).map_or(0, str::len), end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FILE: &str = "t.toml";

    fn entry(name: &str, place: Place) -> Entry {
        Entry { name: name.to_owned(), place, target: None, line: 0 }
    }

    fn said(result: Result<String, ConfigError>) -> String {
        result.unwrap_or_else(|error| error.to_string())
    }

    #[test]
    fn adding() {
        let check = |text: &str, entry: &Entry, expected: &str| {
            assert_eq!(said(with_entry(text, Path::new(FILE), entry)), expected, "{text}");
        };
        let i686 = entry("i686", Place::Root("/opt/arch32".into()));
        let section = "[toolchain.i686]\nroot = \"/opt/arch32\"\n";
        check("", &i686, section);
        check("# mine\r\nmultilib=true", &i686, &format!("# mine\r\nmultilib=true\n\n{section}"));
        check("[toolchain]\n\n", &i686, &format!("[toolchain]\n\n\n{section}"));
        check(section, &i686, section);
        let target = Some("a-b-c".to_owned());
        let quoted = Entry { target, ..entry("x-tools8.1", Place::Directory("/a \"b\"".into())) };
        check("", &quoted, "[toolchain.\"x-tools8.1\"]\ndirectory = '/a \"b\"'\ntarget = \"a-b-c\"\n");
        check(
            section,
            &entry("i686", Place::Root("/b".into())),
            "t.toml:1: [toolchain.i686] is /opt/arch32 already; remove it first, or use another name",
        );
        check(
            "",
            &entry("a b", Place::Root("/b".into())),
            "t.toml:1: `a b` is no name; use letters, digits and - _ . + only",
        );
        check(
            "",
            &entry("a", Place::Root("b".into())),
            "t.toml:2: root `b` does not begin with /; write the whole path",
        );
        check("\nx=1", &i686, "t.toml:2: unknown key `x`; multilib and [toolchain.NAME] are known");
    }

    #[test]
    fn removing() {
        let check = |text: &str, expected: &str| {
            assert_eq!(said(without_entry(text, Path::new(FILE), "a")), expected, "{text}");
        };
        let (a, b) = ("[toolchain.a]\nroot='/a' # here\n", "[toolchain.b]\nroot=\"/b\"\n");
        check(a, "");
        check(&format!("# top\r\n\r\n{a}\r\n{b}"), &format!("# top\r\n\r\n{b}"));
        check(&format!("{b}\n# of a\n{a}"), &format!("{b}\n# of a\n"));
        check(&format!("{b}\n{a}# of b\n"), &format!("{b}\n# of b\n"));
        check(&format!("{a}{b}"), b);
        check(
            "[toolchain]\na = { root = '/a' }\nb = { root = '/b' }\n",
            "[toolchain]\nb = { root = '/b' }\n",
        );
        check("toolchain.a.root = '/a'\nmultilib = true", "multilib = true");
        check(
            "toolchain.a.root = '/a'\nmultilib = true\ntoolchain.a.target = 'x'\n",
            "t.toml:1: [toolchain.a] is mixed with other lines; remove it by hand",
        );
        check("toolchain = { a = { root = '/a' } }\n", "");
        check(b, "t.toml:1: there is no [toolchain.a]; there is b");
        check("", "t.toml:1: there is no [toolchain.a]; there is no section");
    }

    proptest! {
        #[test]
        fn what_is_added_can_be_removed(
            before in "(# [a-z]{0,5}\r?\n|\n|multilib = true\n)?(\\[toolchain\\.old\\]\nroot = '/o'\n\n?)?",
            name in "[a-z0-9+._-]{1,8}",
            path in "/x[^\0-\x1f\x7f-\u{9f}/]{0,20}",
        ) {
            let new = entry(&name, Place::Directory(path.into()));
            prop_assume!(name != "old");
            let added = with_entry(&before, Path::new(FILE), &new).unwrap();
            prop_assert!(added.starts_with(&before));
            let removed = without_entry(&added, Path::new(FILE), &name).unwrap();
            prop_assert_eq!(removed.trim_end(), before.trim_end());
        }
    }
}
