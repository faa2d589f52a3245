//! How we were called: one of our own options, a compiler after our name, or under a compiler's name. Decides which
//! command is meant and where its compiler may be looked for; knows nothing of what the command asks.

use crate::compiler::{SearchPath, identity};
use crate::settings::Settings;
use cc_args::Language;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// What one run is to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Invocation {
    /// `distcc --help`
    Help,
    /// `distcc --version`
    Version,
    /// `distcc --show-hosts`
    ShowHosts,
    /// `distcc -j`
    CountSlots,
    /// `distcc --summary`
    Summary,
    /// `distcc --summary --begin`
    BeginSummary,
    /// `distcc --why COMMAND…`
    Why(CompilerCall),
    /// `distcc --scan-includes COMMAND…`
    ScanIncludes(CompilerCall),
    /// A command to run, here or elsewhere.
    Compile(CompilerCall),
    /// Words that make no sense; the message for the user.
    Mistake(String),
    /// We were called by ourselves and would be again.
    Recursion,
}

/// A compiler command and where to find its compiler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CompilerCall {
    /// The command; the first word is the compiler.
    pub(crate) words: Vec<OsString>,
    /// `PATH` for the compiler: without the directories up to our own link, if we were found through one.
    pub(crate) path: SearchPath,
    /// Another one of us above already decides about this job.
    pub(crate) nested: bool,
}

impl CompilerCall {
    /// What monitors show of it: the first source, or what is made, or nothing.
    #[must_use]
    pub(crate) fn subject(&self) -> &OsStr {
        let is_source = |word: &&OsString| Language::of_source(Path::new(word)).is_some();
        let made = self.words.windows(2).find(|pair| pair[0] == "-o").map(|pair| &pair[1]);
        self.words.iter().skip(1).find(is_source).or(made).map_or(OsStr::new(""), OsString::as_os_str)
    }
}

/// Tells from the command line what is meant. `args[0]` is the name that we were called by.
#[must_use]
pub(crate) fn understand(args: Vec<OsString>, settings: &Settings) -> Invocation {
    let Some((our_name, words)) = args.split_first() else {
        return Invocation::Mistake("distcc: called without a name".into());
    };
    let file_name = Path::new(our_name).file_name().unwrap_or(our_name);
    if !contains(file_name, b"distcc") {
        return masquerade(our_name, file_name, words, settings);
    }
    match words.first().and_then(|word| word.to_str()) {
        None if words.is_empty() => Invocation::Mistake(mistake(our_name, "missing option/operand")),
        Some("--help") => Invocation::Help,
        Some("--version") => Invocation::Version,
        Some("--show-hosts") => Invocation::ShowHosts,
        Some("-j") => Invocation::CountSlots,
        Some("--summary") if words.len() == 1 => Invocation::Summary,
        Some("--summary") if words[1..] == ["--begin"] => Invocation::BeginSummary,
        Some("--summary") => Invocation::Mistake(mistake(our_name, "--summary takes no more than --begin")),
        Some("--why") if words.len() == 1 => Invocation::Mistake(mistake(our_name, "--why needs a command")),
        Some("--why") => Invocation::Why(named(&words[1..], settings)),
        Some("--scan-includes") if words.len() == 1 => {
            Invocation::Mistake(mistake(our_name, "missing operand"))
        }
        Some("--scan-includes") => Invocation::ScanIncludes(named(&words[1..], settings)),
        Some("--show-principal") => Invocation::Mistake(format!(
            "{}: {} is not supported by this version",
            our_name.to_string_lossy(),
            words[0].to_string_lossy()
        )),
        _ if settings.depth > 0 => Invocation::Recursion,
        _ => Invocation::Compile(named(words, settings)),
    }
}

fn mistake(our_name: &OsStr, what: &str) -> String {
    let name = our_name.to_string_lossy();
    format!("{name}: {what}\nTry `{name} --help' for more information.")
}

/// The command after our own name, with `cc` put in front when it begins with an option or a file.
fn named(words: &[OsString], settings: &Settings) -> CompilerCall {
    let first = words[0].as_bytes();
    let implicit = first.starts_with(b"-")
        || first.ends_with(b".o")
        || cc_args::Language::of_source(Path::new(&words[0])).is_some();
    let (compiler, others) = match behind_our_link(&words[0]) {
        _ if implicit => (OsString::from("cc"), words),
        Some(name) => (name.to_owned(), &words[1..]),
        None => (words[0].clone(), &words[1..]),
    };
    CompilerCall {
        words: std::iter::once(compiler).chain(others.iter().cloned()).collect(),
        path: SearchPath::new(settings.path.clone()),
        nested: false,
    }
}

/// The compiler that a path to a link of ours stands for, as when CMake finds that link and calls us with it.
fn behind_our_link(word: &OsStr) -> Option<&OsStr> {
    let name =
        Path::new(word).file_name().filter(|name| name.len() < word.len() && !contains(name, b"distcc"))?;
    let ours =
        identity(Path::new(word)).is_some_and(|found| Some(found) == identity(Path::new("/proc/self/exe")));
    ours.then_some(name)
}

/// Called as `gcc` through a link: the compiler of that name behind the link's directory on `PATH` is meant.
fn masquerade(our_name: &OsStr, file_name: &OsStr, words: &[OsString], settings: &Settings) -> Invocation {
    let trimmed = trim(&settings.path, our_name);
    if settings.depth > u32::from(trimmed.is_some()) {
        return Invocation::Recursion;
    }
    Invocation::Compile(CompilerCall {
        words: std::iter::once(file_name.to_owned()).chain(words.iter().cloned()).collect(),
        nested: settings.depth > 0,
        path: SearchPath::new(trimmed.unwrap_or_else(|| settings.path.clone())),
    })
}

/// What of `path` follows the directory that `our_name` was found in; `None` if nothing does.
fn trim(path: &OsStr, our_name: &OsStr) -> Option<OsString> {
    let directories: Vec<PathBuf> = std::env::split_paths(path).collect();
    let ours = Path::new(our_name);
    let at = if our_name.as_bytes().contains(&b'/') {
        let directory = identity(ours.parent()?)?;
        directories.iter().position(|candidate| identity(candidate) == Some(directory))?
    } else {
        directories.iter().position(|candidate| is_executable(&candidate.join(ours)))?
    };
    let rest = &directories[at + 1..];
    // Joining what was split cannot meet a separator.
    std::env::join_paths(rest).ok().filter(|_| !rest.is_empty())
}

pub(crate) fn is_executable(file: &Path) -> bool {
    nix::unistd::access(file, nix::unistd::AccessFlags::X_OK).is_ok() && file.is_file()
}

fn contains(text: &OsStr, part: &[u8]) -> bool {
    text.as_bytes().windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    fn settings(path: &str, depth: u32) -> Settings {
        let mut settings = Settings::read();
        settings.path = path.into();
        settings.depth = depth;
        settings
    }

    fn words(command: &str) -> Vec<OsString> {
        command.split_whitespace().map(OsString::from).collect()
    }

    fn check(command: &str, expected: &str) {
        match understand(words(command), &settings("/usr/bin", 0)) {
            Invocation::Compile(call) => assert_eq!(call.words, words(expected), "{command}"),
            other => panic!("{command}: {other:?}"),
        }
    }

    #[test]
    fn a_compiler_may_be_named_or_left_out() {
        check("distcc gcc -c x.c", "gcc -c x.c");
        check("distcc -c x.c", "cc -c x.c");
        check("distcc x.c -c", "cc x.c -c");
        check("distcc x.o -o x", "cc x.o -o x");
        check("distcc --foo", "cc --foo");
        check("my-distcc-gcc gcc -c x.c", "gcc -c x.c");
        check("/usr/bin/distcc /usr/bin/gcc -c x.c", "/usr/bin/gcc -c x.c");
    }

    #[test]
    fn our_own_options() {
        for (command, expected) in [
            ("distcc --help", Invocation::Help),
            ("distcc --version", Invocation::Version),
            ("distcc --show-hosts", Invocation::ShowHosts),
            ("distcc -j", Invocation::CountSlots),
        ] {
            assert_eq!(understand(words(command), &settings("", 0)), expected);
        }
        assert!(matches!(understand(words("distcc"), &settings("", 0)), Invocation::Mistake(_)));
        assert!(matches!(understand(words("distcc --why"), &settings("", 0)), Invocation::Mistake(_)));
    }

    #[test]
    fn being_called_by_ourselves_is_recursion() {
        assert_eq!(understand(words("distcc gcc -c x.c"), &settings("/bin", 1)), Invocation::Recursion);
        assert_eq!(understand(words("gcc -c x.c"), &settings("/nonexistent", 1)), Invocation::Recursion);
    }

    #[test]
    fn what_monitors_show_of_a_call() {
        for (command, expected) in [
            ("gcc -o conftest conftest.c", "conftest.c"),
            ("gcc -E ../src/x.cc", "../src/x.cc"),
            ("gcc a.o b.o -o prog -lm", "prog"),
            ("x.c --version", ""),
            ("gcc -o", ""),
        ] {
            let call = CompilerCall { words: words(command), path: SearchPath::default(), nested: false };
            assert_eq!(call.subject(), expected, "{command}");
        }
    }

    #[test]
    fn a_link_to_us_that_is_named_is_the_compiler_behind_it() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name).display().to_string();
        let us = std::env::current_exe().unwrap();
        ["gcc", "my-distcc"].iter().for_each(|name| std::os::unix::fs::symlink(&us, at(name)).unwrap());
        fs::write(at("clang"), "").unwrap();
        let path = |name: &str, expected: &str| check(&format!("distcc {} -c x.c", at(name)), expected);
        path("gcc", "gcc -c x.c");
        for name in ["clang", "my-distcc", "missing"] {
            path(name, &format!("{} -c x.c", at(name)));
        }
    }

    #[test]
    fn a_link_hides_all_of_the_path_up_to_itself() {
        let root = tempfile::tempdir().unwrap();
        for directory in ["early", "links", "late"] {
            fs::create_dir(root.path().join(directory)).unwrap();
        }
        let link = root.path().join("links/gcc");
        fs::write(&link, "").unwrap();
        fs::set_permissions(&link, fs::Permissions::from_mode(0o755)).unwrap();
        let at = |name: &str| root.path().join(name).display().to_string();
        let path = format!("{}:{}//:{}", at("early"), at("links"), at("late"));
        for called_as in ["gcc".to_owned(), at("links/gcc"), at("early/../links/gcc")] {
            let args = vec![OsString::from(&called_as), "-c".into(), "x.c".into()];
            let Invocation::Compile(call) = understand(args, &settings(&path, 0)) else {
                panic!("{called_as}")
            };
            let path = SearchPath::new(at("late").into());
            assert_eq!((call.words, call.path), (words("gcc -c x.c"), path), "{called_as}");
        }
        let only = settings(&at("links"), 0);
        let Invocation::Compile(call) = understand(words("gcc -c x.c"), &only) else { panic!("compile") };
        assert_eq!(call.path.text(), OsStr::new(&at("links")), "nothing behind the link: unchanged");
    }
}
