//! Asks a compiler what it is. Knows nothing of where compilers are.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::ask::ask;
use crate::maker::Maker;

/// What a compiler says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The compiler that was asked.
    pub path: PathBuf,
    /// How it will sign the objects that it makes.
    pub maker: Maker,
    /// What it compiles for unless told otherwise, e.g. x86_64-pc-linux-gnu.
    pub target: String,
}

/// Asks a compiler for `--version` and `-dumpmachine`, with nothing in its environment but a plain locale and
/// `search_path` as `PATH`. Each answer may take as long as `limit`.
///
/// # Errors
/// One line that begins with the compiler: it cannot be run, does not answer, or is neither gcc nor clang.
pub fn identify(compiler: &Path, search_path: &OsStr, limit: Duration) -> Result<Identity, String> {
    let asked = |word| {
        let said = ask(compiler, &[word], search_path, limit);
        said.map_err(|problem| format!("{} {word}: {problem}", compiler.display()))
    };
    let introduction = text(asked("--version")?);
    let target = text(asked("-dumpmachine")?);
    let maker = Maker::introduced(&introduction).ok_or_else(|| {
        let first = introduction.lines().next().unwrap_or_default();
        format!("{}: neither gcc nor clang, but \"{}\"", compiler.display(), first.escape_debug())
    })?;
    match target.trim() {
        target if is_target(target) => {
            Ok(Identity { path: compiler.to_owned(), maker, target: target.to_owned() })
        }
        other => Err(format!("{} -dumpmachine: \"{}\"", compiler.display(), other.escape_debug())),
    }
}

fn text(said: Vec<u8>) -> String {
    String::from_utf8_lossy(&said).into_owned()
}

fn is_target(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Family, ObjectFile};
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::process::Command;
    use std::time::Instant;

    const LIMIT: Duration = Duration::from_secs(20);

    fn asked(compiler: &Path) -> Result<Identity, String> {
        identify(compiler, OsStr::new("/usr/bin:/bin"), LIMIT)
    }

    #[test]
    fn compilers_sign_as_they_introduce_themselves() {
        let place = tempfile::tempdir().unwrap();
        let (source, object) = (place.path().join("x.c"), place.path().join("x.o"));
        fs::write(&source, "int x;\n").unwrap();
        for (name, family) in [("gcc", Family::Gcc), ("g++", Family::Gcc), ("clang", Family::Clang)] {
            let compiler = Path::new("/usr/bin").join(name);
            if !compiler.exists() {
                continue;
            }
            let identity = asked(&compiler).unwrap();
            assert_eq!((identity.maker.family, &identity.path), (family, &compiler));
            assert!(identity.target.contains("linux"), "{identity:?}");
            let status = Command::new(&compiler).arg("-c").arg(&source).arg("-o").arg(&object).status();
            assert!(status.unwrap().success());
            let signed = ObjectFile::parse(&fs::read(&object).unwrap()).unwrap();
            assert_eq!(signed.makers, [identity.maker]);
        }
    }

    /// A script that poses as a compiler, and what is said of it.
    #[track_caller]
    fn check(script: &str, limit: Duration, expected: &str) {
        let place = tempfile::tempdir().unwrap();
        let compiler = place.path().join("cc");
        fs::write(&compiler, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&compiler, fs::Permissions::from_mode(0o755)).unwrap();
        let error = identify(&compiler, OsStr::new("/usr/bin:/bin"), limit).unwrap_err();
        assert_eq!(error.replace(compiler.to_str().unwrap(), "CC"), expected);
    }

    #[test]
    fn what_is_no_compiler() {
        let error = asked(Path::new("/nowhere/gcc")).unwrap_err();
        assert!(error.starts_with("/nowhere/gcc --version: cannot be run: No such file"), "{error}");
        check("echo tcc 1; exit 0", LIMIT, "CC: neither gcc nor clang, but \"tcc 1\"");
        check("printf 'a\\033b\\377'", LIMIT, "CC: neither gcc nor clang, but \"a\\u{1b}b\u{fffd}\"");
        check("exit 3", LIMIT, "CC --version: exit status: 3");
        check("kill -9 $$", LIMIT, "CC --version: signal: 9 (SIGKILL)");
        check("exec yes", LIMIT, "CC --version: says more than a compiler would");
        check("echo clang version 1", LIMIT, "CC -dumpmachine: \"clang version 1\"");
    }

    #[test]
    fn whoever_does_not_answer_is_not_waited_for() {
        let begun = Instant::now();
        let short = Duration::from_millis(200);
        check("sleep 600", short, "CC --version: no answer within 0.2 s");
        check("exec >&-; sleep 600", short, "CC --version: no answer within 0.2 s");
        assert!(begun.elapsed() < Duration::from_secs(60));
    }
}
