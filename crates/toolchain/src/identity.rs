//! What a compiler is: its family, target, version, languages, and the fingerprint of the files that do the compiling.
//! It is asked through a closure; knows nothing of how it is run, nor of other compilers.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::path::Path;

use crate::closure::Closure;
use crate::evidence::Evidence;
use crate::fingerprint::Fingerprint;
use crate::machine::Machine;
use crate::maker::{Family, Maker};
use crate::root::Root;
use crate::sight::Sight;

/// A compiler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// None: neither gcc nor clang, and nothing else is known.
    pub family: Option<Family>,
    /// As -dumpmachine says, e.g. `x86_64-pc-linux-gnu`.
    pub target: String,
    /// E.g. `14.2.1`.
    pub version: String,
    /// What it compiles, as far as the parts for that are there.
    pub languages: Languages,
    /// On which machines the compiler itself runs.
    pub machine: Machine,
    /// None: a script or a launcher hides what compiles, or a part may not be read.
    pub fingerprint: Option<Fingerprint>,
}

/// Languages that distcc sends to other machines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Languages {
    /// C.
    pub c: bool,
    /// C++.
    pub cxx: bool,
    /// Objective-C.
    pub objc: bool,
    /// Objective-C++.
    pub objcxx: bool,
}

/// What of the environment decides which files compile.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Surroundings {
    /// `PATH`, where gcc looks for `as` if it has none of its own.
    pub search_path: OsString,
    /// `LD_LIBRARY_PATH`.
    pub library_path: OsString,
    /// `COMPILER_PATH`, which gcc heeds when it is asked.
    pub compiler_path: OsString,
    /// `GCC_EXEC_PREFIX`, likewise.
    pub exec_prefix: OsString,
}

/// Runs the compiler with words and gives what it said on both streams, whatever its exit status; the caller bounds
/// time and length.
pub type Ask<'a> = dyn FnMut(&[&OsStr]) -> io::Result<Vec<u8>> + 'a;

/// Finds out what `program` is, an absolute path as seen from inside `root`, and on what evidence.
///
/// # Errors
/// When there is no such file, it cannot be asked or the system fails, and when a file is changed meanwhile.
pub fn identify(
    root: &Root,
    program: &Path,
    around: &Surroundings,
    ask: &mut Ask,
) -> io::Result<(Identity, Evidence)> {
    let mut sight = Sight::of(root);
    let Some(driver) = sight.file(program)? else {
        return Err(io::Error::new(io::ErrorKind::NotFound, format!("{} is no file", program.display())));
    };
    let mut asked = Asked { ask };
    let said = asked.words(&["--version"])?;
    let machine = driver.linkage.map_or_else(Machine::unknown, |linkage| linkage.machine);
    let mut identity = Identity {
        family: family(&said),
        target: String::new(),
        version: String::new(),
        languages: Languages::default(),
        machine,
        fingerprint: None,
    };
    let Some(family) = identity.family else { return Ok((identity, sight.evidence()?)) };
    identity.target = asked.line(&["-dumpmachine"])?;
    identity.version = version(&mut asked, family, &said)?;
    let mut closure = Closure::of(&mut sight, family, program, around)?;
    match family {
        Family::Gcc => closure.gcc(&mut asked)?,
        Family::Clang => closure.clang(&said)?,
    }
    identity.languages = closure.languages();
    identity.fingerprint = closure.fingerprint(&identity.target)?;
    Ok((identity, sight.evidence()?))
}

/// Questions to one compiler, and its answers, of which nothing is believed.
pub(crate) struct Asked<'a, 'b> {
    ask: &'a mut Ask<'b>,
}

impl Asked<'_, '_> {
    pub(crate) fn words(&mut self, words: &[&str]) -> io::Result<String> {
        let words: Vec<&OsStr> = words.iter().map(OsStr::new).collect();
        Ok(String::from_utf8_lossy(&(self.ask)(&words)?).into_owned())
    }

    /// The first line; empty when nothing was said, or what cannot be an answer.
    pub(crate) fn line(&mut self, words: &[&str]) -> io::Result<String> {
        let said = self.words(words)?;
        let line = said.lines().next().unwrap_or_default().trim_end();
        Ok(if line.len() > 4096 || line.contains(char::is_control) { String::new() } else { line.to_owned() })
    }
}

/// These lines are the same in all languages.
fn family(said: &str) -> Option<Family> {
    if said.lines().take(3).any(|line| line.contains("Free Software Foundation")) {
        return Some(Family::Gcc);
    }
    clang_version(said).map(|_| Family::Clang)
}

fn clang_version(said: &str) -> Option<String> {
    said.lines()
        .find_map(|line| Maker::signed(line).filter(|maker| maker.family == Family::Clang))
        .map(|maker| maker.version)
}

/// gcc before 7 knows only the second question, which newer ones may answer with less.
fn version(asked: &mut Asked, family: Family, said: &str) -> io::Result<String> {
    if family == Family::Clang {
        return Ok(clang_version(said).unwrap_or_default());
    }
    for question in ["-dumpfullversion", "-dumpversion"] {
        let answer = asked.line(&[question])?;
        if answer.starts_with(|first: char| first.is_ascii_digit()) && !answer.contains(' ') {
            return Ok(answer);
        }
    }
    Ok(String::new())
}

/// `c c++ objc objc++`
impl fmt::Display for Languages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [(self.c, "c"), (self.cxx, "c++"), (self.objc, "objc"), (self.objcxx, "objc++")];
        let names: Vec<&str> = names.iter().filter(|(has, _)| *has).map(|(_, name)| *name).collect();
        f.write_str(&names.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    fn machine() -> Root {
        Root::open(Path::new("/")).unwrap()
    }

    fn around(search_path: &str) -> Surroundings {
        Surroundings { search_path: search_path.into(), ..Surroundings::default() }
    }

    const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

    /// Asks the compiler of this machine, be it looked for in another root or not.
    fn asking(program: &str) -> impl FnMut(&[&OsStr]) -> io::Result<Vec<u8>> {
        move |words| {
            let output = Command::new(program).args(words).env("PATH", PATH).output()?;
            Ok([output.stdout, output.stderr].concat())
        }
    }

    fn identified(program: &str) -> Option<(Identity, Evidence)> {
        let program = format!("/usr/bin/{program}");
        Path::new(&program)
            .exists()
            .then(|| identify(&machine(), Path::new(&program), &around(PATH), &mut asking(&program)).unwrap())
    }

    fn check(program: &str, family: Family, target: &str, version: &str, languages: &str) {
        let Some((identity, evidence)) = identified(program) else {
            return eprintln!("skipped: there is no {program}");
        };
        assert_eq!(identity.family, Some(family), "{program}");
        assert!(identity.target.starts_with(target), "{program}: {identity:?}");
        assert!(identity.version.starts_with(version), "{program}: {identity:?}");
        assert!(identity.languages.to_string().starts_with(languages), "{program}: {identity:?}");
        assert_eq!(identity.machine.to_string(), std::env::consts::ARCH, "{program}");
        assert!(identity.fingerprint.is_some(), "{program}");
        assert!(evidence.still_holds(&machine()), "{program}");
        assert_eq!(Evidence::decode(&evidence.encode()), Some(evidence), "{program}");
    }

    #[test]
    fn compilers_of_this_machine() {
        check("gcc", Family::Gcc, std::env::consts::ARCH, "", "c");
        check("gcc-12", Family::Gcc, std::env::consts::ARCH, "12.", "c");
        check("gcc-11", Family::Gcc, std::env::consts::ARCH, "11.", "c");
        check("clang-14", Family::Clang, std::env::consts::ARCH, "14.", "c c++ objc");
        check("aarch64-linux-gnu-gcc", Family::Gcc, "aarch64-linux-gnu", "", "c");
    }

    #[test]
    fn names_of_one_compiler_and_other_compilers() {
        let fingerprint = |name: &str| identified(name).and_then(|(identity, _)| identity.fingerprint);
        let gcc = fingerprint("gcc");
        assert!(gcc.is_some());
        for (name, same) in
            [("x86_64-linux-gnu-gcc", true), ("g++", false), ("gcc-11", false), ("clang", false)]
        {
            let other = fingerprint(name);
            assert!(other.is_none_or(|other| (Some(other) == gcc) == same), "{name}");
        }
    }
}
