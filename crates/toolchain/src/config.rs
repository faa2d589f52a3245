//! What /etc/distcc/toolchains.toml says: compilers that a daemon offers besides those on its search path. Text in,
//! meaning out; knows nothing of what is on the disk.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use crate::root::plain;

/// Where it is.
pub const CONFIG: &str = "/etc/distcc/toolchains.toml";

/// What it says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Config {
    /// Whether `gcc -m32` may stand in for an i686 compiler.
    pub multilib: bool,
    /// In the order of the file.
    pub toolchains: Vec<Entry>,
}

/// One section, `[toolchain.NAME]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// For people.
    pub name: String,
    /// Where the compilers are.
    pub place: Place,
    /// Only compilers for this target, e.g. `i686-pc-linux-gnu`.
    pub target: Option<String>,
    /// On which line of the file it begins; 0 for one that is not in it yet.
    pub line: usize,
}

/// Where compilers are. Absolute paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The root directory of another system: those inside it, run inside it.
    Root(PathBuf),
    /// Programs of a directory, run as they are.
    Directory(PathBuf),
}

/// Why the file cannot be heeded, and what to do: `FILE:LINE: no such key; remove it`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// As it was given, for people.
    pub file: PathBuf,
    /// From 1 on.
    pub line: usize,
    /// What is wrong there, and what to do about it.
    pub sentence: String,
}

/// What is wrong, and with which bytes of the text.
type Wrong = (Range<usize>, String);

impl Config {
    /// Understands the text of `file`.
    ///
    /// # Errors
    /// The first thing that is not as it should be: nothing is overlooked.
    pub fn parse(text: &str, file: &Path) -> Result<Config, ConfigError> {
        let at = |(bytes, sentence): Wrong| ConfigError::new(file, line_of(text, bytes.start), &sentence);
        let table = DeTable::parse(text).map_err(|error| {
            let said = error.message().replace('\n', ", ");
            at((error.span().unwrap_or(0..0), format!("this is not TOML: {said}; correct this line")))
        })?;
        config(table.get_ref(), text).map_err(at)
    }
}

fn config(table: &DeTable, text: &str) -> Result<Config, Wrong> {
    let mut config = Config::default();
    for (key, value) in table {
        match key.get_ref().as_ref() {
            "multilib" => {
                config.multilib = value.get_ref().as_bool().ok_or_else(|| {
                    (
                        value.span(),
                        "multilib is neither true nor false; write `multilib = true` to allow gcc -m32"
                            .into(),
                    )
                })?;
            }
            "toolchain" => config.toolchains = entries(value, text)?,
            other => {
                let sentence = format!("unknown key `{other}`; multilib and [toolchain.NAME] are known");
                return Err((key.span(), sentence));
            }
        }
    }
    Ok(config)
}

fn entries(value: &Spanned<DeValue>, text: &str) -> Result<Vec<Entry>, Wrong> {
    let section = "write a section for each, `[toolchain.NAME]`";
    let Some(table) = value.get_ref().as_table() else {
        return Err((value.span(), format!("toolchain is no table; {section}")));
    };
    let mut entries = Vec::new();
    for (name, value) in table {
        let Some(keys) = value.get_ref().as_table() else {
            return Err((name.span(), format!("`{}` is no section; {section}", name.get_ref())));
        };
        entries.push(entry(name, keys, text)?);
    }
    // The parser sorts them by name.
    entries.sort_by_key(|entry: &Entry| entry.line);
    Ok(entries)
}

fn entry(name: &Spanned<DeString>, keys: &DeTable, text: &str) -> Result<Entry, Wrong> {
    let (shown, span) = (name.get_ref().as_ref(), name.span());
    if !is_name(shown) {
        let sentence = format!("`{shown}` is no name; use letters, digits and - _ . + only");
        return Err((span, sentence));
    }
    let mut place = None;
    let mut target = None;
    for (key, value) in keys {
        let found = match key.get_ref().as_ref() {
            "root" => Place::Root(path(key, value)?),
            "directory" => Place::Directory(path(key, value)?),
            "target" => {
                target = Some(triple(value)?);
                continue;
            }
            other => {
                let sentence = format!("unknown key `{other}`; root, directory and target are known");
                return Err((key.span(), sentence));
            }
        };
        if place.replace(found).is_some() {
            let sentence = format!("[toolchain.{shown}] has a root and a directory; make it two sections");
            return Err((key.span(), sentence));
        }
    }
    let place = place.ok_or_else(|| {
        (
            span.clone(),
            format!("[toolchain.{shown}] has no place; add `root = \"/…\"` or `directory = \"/…\"`"),
        )
    })?;
    Ok(Entry { name: shown.to_owned(), place, target, line: line_of(text, span.start) })
}

/// Whether a section may be called so. Names are typed without quotes.
pub fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 100
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.+".contains(&byte))
}

fn path(key: &Spanned<DeString>, value: &Spanned<DeValue>) -> Result<PathBuf, Wrong> {
    let key = key.get_ref();
    let Some(text) = value.get_ref().as_str() else {
        return Err((value.span(), format!("{key} is no text; write `{key} = \"/…\"`")));
    };
    let path = Path::new(text);
    if !path.is_absolute() {
        return Err((value.span(), format!("{key} `{text}` does not begin with /; write the whole path")));
    }
    if text.contains(char::is_control) {
        return Err((
            value.span(),
            format!("{key} has a control character in it; give the directory another name"),
        ));
    }
    if plain(path) == Path::new("/") {
        return Err((value.span(), format!("{key} is this machine's own root; remove the section")));
    }
    Ok(path.to_owned())
}

fn triple(value: &Spanned<DeValue>) -> Result<String, Wrong> {
    match value.get_ref().as_str() {
        Some(text) if is_name(text) => Ok(text.to_owned()),
        _ => {
            let sentence =
                "target is no target; write what `gcc -dumpmachine` says, as \"i686-pc-linux-gnu\"";
            Err((value.span(), sentence.to_owned()))
        }
    }
}

pub(crate) fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1
}

impl Place {
    /// The path, be it the one or the other.
    pub fn path(&self) -> &Path {
        match self {
            Place::Root(path) | Place::Directory(path) => path,
        }
    }
}

impl ConfigError {
    /// It stays one line, whatever it quotes.
    pub(crate) fn new(file: &Path, line: usize, sentence: &str) -> ConfigError {
        ConfigError { file: file.to_owned(), line, sentence: sentence.replace(char::is_control, "?") }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file.display(), self.line, self.sentence)
    }
}

impl std::error::Error for ConfigError {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, multilib: bool, toolchains: &[(&str, Place, Option<&str>, usize)]) {
        let found = Config::parse(text, Path::new("t.toml")).unwrap();
        let entries = toolchains.iter().map(|(name, place, target, line)| Entry {
            name: (*name).to_owned(),
            place: place.clone(),
            target: target.map(str::to_owned),
            line: *line,
        });
        assert_eq!(found, Config { multilib, toolchains: entries.collect() }, "{text}");
    }

    #[test]
    fn files() {
        let root = |path: &str| Place::Root(path.into());
        let directory = |path: &str| Place::Directory(path.into());
        check("", false, &[]);
        check("# nothing\n\nmultilib = true\n[toolchain]\n", true, &[]);
        check("[toolchain.i686]\nroot = \"/opt/arch32\"\n", false, &[("i686", root("/opt/arch32"), None, 1)]);
        check(
            "multilib = false\n[toolchain.b]\ndirectory = '/b/bin'\ntarget = 'b-b-b'\n\n[toolchain.a]\nroot = '/a'\n",
            false,
            &[("b", directory("/b/bin"), Some("b-b-b"), 2), ("a", root("/a"), None, 6)],
        );
        check("toolchain.a.root = '/a'\n", false, &[("a", root("/a"), None, 1)]);
        check("[toolchain]\na = { root = '/a' }\n", false, &[("a", root("/a"), None, 2)]);
    }

    /// The message without the file's name; of the parser's own words the beginning is enough.
    #[track_caller]
    fn refuse(text: &str, expected: &str) {
        let found = Config::parse(text, Path::new("t.toml")).unwrap_err().to_string();
        let rest = found.strip_prefix("t.toml:").unwrap();
        let said = rest == expected || (expected.contains("not TOML") && rest.starts_with(expected));
        assert!(said && !found.contains('\n'), "{text}\n found {found}");
    }

    #[test]
    fn wrong_files() {
        for (text, expected) in [
            (
                "multilib = true\nmultlib = true\n",
                "2: unknown key `multlib`; multilib and [toolchain.NAME] are known",
            ),
            (
                "multilib = \"yes\"\n",
                "1: multilib is neither true nor false; write `multilib = true` to allow gcc -m32",
            ),
            (
                "toolchain = \"/opt\"\n",
                "1: toolchain is no table; write a section for each, `[toolchain.NAME]`",
            ),
            (
                "[toolchain]\nroot = \"/opt/arch32\"\n",
                "2: `root` is no section; write a section for each, `[toolchain.NAME]`",
            ),
            (
                "[toolchain.a]\nroot = \"/a\"\nflags = 1\n",
                "3: unknown key `flags`; root, directory and target are known",
            ),
            (
                "[toolchain.a]\ntarget = \"a-b-c\"\n",
                "1: [toolchain.a] has no place; add `root = \"/…\"` or `directory = \"/…\"`",
            ),
            (
                "[toolchain.a]\nroot = \"/a\"\ndirectory = \"/b\"\n",
                "2: [toolchain.a] has a root and a directory; make it two sections",
            ),
            (
                "[toolchain.a]\nroot = \"opt/arch32\"\n",
                "2: root `opt/arch32` does not begin with /; write the whole path",
            ),
            ("[toolchain.a]\nroot = \"/opt/..\"\n", "2: root is this machine's own root; remove the section"),
            ("[toolchain.a]\ndirectory = 5\n", "2: directory is no text; write `directory = \"/…\"`"),
            (
                "[toolchain.\"a b\"]\nroot = \"/a\"\n",
                "1: `a b` is no name; use letters, digits and - _ . + only",
            ),
            (
                "[toolchain.a]\nroot = \"/a\"\ntarget = \"\"\n",
                "3: target is no target; write what `gcc -dumpmachine` says, as \"i686-pc-linux-gnu\"",
            ),
        ] {
            refuse(text, expected);
        }
    }

    #[test]
    fn wrong_texts() {
        for (text, expected) in [
            (
                "[toolchain.a]\nroot = \"/a\\nb\"\n",
                "2: root has a control character in it; give the directory another name",
            ),
            (
                "\"multi\\nlib\" = true\n",
                "1: unknown key `multi?lib`; multilib and [toolchain.NAME] are known",
            ),
            ("[toolchain.a]\nroot = /a\n", "2: this is not TOML: "),
            (
                "[toolchain.a]\nroot = \"/a\"\n[toolchain.a]\nroot = \"/b\"\n",
                "3: this is not TOML: duplicate key",
            ),
        ] {
            refuse(text, expected);
        }
    }

    proptest! {
        #[test]
        fn garbage_is_survived(text in "((multilib|root|target|\\[toolchain\\.[a\" .]{1,3}\\])?[ ={}\"'/\\[\\]a\n]{0,4}){0,12}") {
            if let Err(error) = Config::parse(&text, Path::new("t.toml")) {
                prop_assert!(!error.to_string().contains('\n'), "{}", error);
                prop_assert!(error.line >= 1 && error.line <= text.matches('\n').count() + 1);
            }
        }
    }
}
