//! What a compiler is: its family, target, version, languages, and the fingerprints of the files that do the compiling.
//! It is asked through a closure; knows nothing of how it is run, nor of other compilers.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;

use crate::closure::Closure;
use crate::evidence::Evidence;
use crate::fingerprint::Fingerprint;
use crate::hashes::Hashes;
use crate::language::Language;
use crate::machine::Machine;
use crate::maker::{Family, Maker};
use crate::prints::Prints;
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
    /// What it compiles, as far as the parts for that are there; none at all where nobody knows.
    pub languages: Languages,
    /// On which machines the compiler itself runs.
    pub machine: Machine,
}

/// Languages, each with what compiles it, unless a script or a launcher hides that or a part may not be read.
pub type Languages = BTreeMap<Language, Option<Prints>>;

impl Identity {
    /// What compiles this language, if it does and that is known down to the last file.
    pub fn prints(&self, language: Language) -> Option<Prints> {
        self.languages.get(&language).copied().flatten()
    }

    /// Whether what compiles one of its languages, as a whole, is this.
    pub fn has(&self, whole: Fingerprint) -> bool {
        self.languages.values().flatten().any(|prints| prints.whole == whole)
    }

    /// Whether all that compiles is known, in each of its languages.
    pub fn is_certain(&self) -> bool {
        !self.languages.is_empty() && self.languages.values().all(Option::is_some)
    }
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

/// Finds out what `program` is, an absolute path as seen from inside `root`, and on what evidence. Files of which the hash
/// is known are not read.
///
/// # Errors
/// When there is no such file, it cannot be asked or the system fails, and when a file is changed meanwhile.
pub fn identify(
    root: &Root,
    program: &Path,
    around: &Surroundings,
    hashes: &Hashes,
    ask: &mut Ask,
) -> io::Result<(Identity, Evidence)> {
    let mut sight = Sight::of(root, hashes);
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
        languages: Languages::new(),
        machine,
    };
    let Some(family) = identity.family else { return Ok((identity, sight.evidence()?)) };
    identity.version = version(&mut asked, family, &said)?;
    let mut closure = Closure::of(&mut sight, family, program, around)?;
    match family {
        Family::Gcc => {
            identity.target = asked.line(&["-dumpmachine"])?;
            closure.gcc(&mut asked)?;
        }
        Family::Clang => {
            // It takes long to start, and this tells more.
            let said = asked.words(&["-v"])?;
            identity.target = clang_target(&said).unwrap_or_default();
            closure.clang(&said)?;
        }
    }
    identity.languages = closure.languages(&identity.target)?;
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

fn clang_target(said: &str) -> Option<String> {
    let target = said.lines().find_map(|line| line.strip_prefix("Target: "))?.trim();
    (target.len() <= 4096 && !target.contains(char::is_control)).then(|| target.to_owned())
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
        identified_with(program, &Hashes::default())
    }

    fn identified_with(program: &str, hashes: &Hashes) -> Option<(Identity, Evidence)> {
        let program = format!("/usr/bin/{program}");
        let identify =
            |path: &Path| identify(&machine(), path, &around(PATH), hashes, &mut asking(&program)).unwrap();
        Some(Path::new(&program)).filter(|path| path.exists()).map(identify)
    }

    fn check(program: &str, family: Family, target: &str, version: &str, languages: &str) {
        let Some((identity, evidence)) = identified(program) else {
            return eprintln!("skipped: there is no {program}");
        };
        assert_eq!(identity.family, Some(family), "{program}");
        assert!(identity.target.starts_with(target), "{program}: {identity:?}");
        assert!(identity.version.starts_with(version), "{program}: {identity:?}");
        let all: Vec<String> = identity.languages.keys().map(ToString::to_string).collect();
        assert!(all.join(" ").starts_with(languages), "{program}: {identity:?}");
        assert_eq!(identity.machine.to_string(), std::env::consts::ARCH, "{program}");
        assert!(identity.is_certain(), "{program}");
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
        let check = |one: &str, two: &str, language: Language, same: bool| {
            let prints = |name: &str| identified(name).and_then(|(identity, _)| identity.prints(language));
            let (Some(one_is), Some(two_is)) = (prints(one), prints(two)) else {
                return eprintln!("skipped: there is no {one} or {two} for {language}");
            };
            assert_eq!(
                (one_is.whole == two_is.whole, one_is.core == two_is.core),
                (same, same),
                "{one} {two}"
            );
        };
        check("gcc", "x86_64-linux-gnu-gcc", Language::C, true);
        check("gcc", "gcc-11", Language::C, false);
        check("gcc", "clang", Language::C, false);
        check("gcc", "g++", Language::C, false);
        check("gcc", "g++", Language::Cxx, false);
        check("clang", "clang++", Language::Cxx, true);
    }

    #[test]
    fn what_compiles_each_language() {
        let prints =
            |program: &str, language| identified(program).and_then(|(found, _)| found.prints(language));
        let wholes = |program| [Language::C, Language::Cxx].map(|language| prints(program, language));
        if let [Some(c), Some(cxx)] = wholes("gcc") {
            assert!(c.whole != cxx.whole && c.core != cxx.core);
        }
        for alike in ["g++", "clang"] {
            let [c, cxx] = wholes(alike);
            assert!(c == cxx, "{alike} has one program for both");
        }
    }

    /// One that is told to read settings, and where it would look for more.
    #[test]
    fn settings_of_clang() {
        let Some(clang) = Path::new("/usr/bin/clang").canonicalize().ok() else {
            return eprintln!("skipped: there is no clang");
        };
        let place = tempfile::tempdir().unwrap();
        let at = |name: &str| place.path().join(name);
        std::fs::create_dir(at("settings")).unwrap();
        let identified = || {
            let extra = std::fs::read_to_string(at("said")).unwrap_or_default();
            let mut real = asking("/usr/bin/clang");
            let mut ask = |words: &[&OsStr]| Ok([real(words)?, extra.clone().into_bytes()].concat());
            identify(&machine(), &clang, &around(PATH), &Hashes::default(), &mut ask).unwrap()
        };
        let plain = identified().0;
        let says = |directory: &Path, file: Option<&Path>| {
            let mut said = format!("System configuration file directory: {}\n", directory.display());
            if let Some(file) = file {
                said += &format!("Configuration file: {}\n", file.display());
            }
            std::fs::write(at("said"), said).unwrap();
        };
        says(&at("settings"), None);
        let (same, evidence) = identified();
        assert!(same == plain && evidence.still_holds(&machine()));
        let file = at("settings/i386-pc-linux-gnu.cfg");
        std::fs::write(&file, "-O1\n").unwrap();
        assert!(!evidence.still_holds(&machine()), "it may read that now");
        let for_another_target = identified().0;
        assert!(for_another_target.is_certain());
        assert_ne!(for_another_target.prints(Language::C), plain.prints(Language::C));
        for (text, is_certain) in [("@other.cfg\n", false), ("--config other.cfg\n", false), ("-O1\n", true)]
        {
            std::fs::write(&file, text).unwrap();
            assert_eq!(identified().0.is_certain(), is_certain, "{text}: what a job for that target reads");
        }
        says(&at("settings"), Some(&file));
        let with_it = identified().0;
        assert!(with_it.is_certain() && with_it.prints(Language::C) != plain.prints(Language::C));
        std::fs::write(&file, "@other.cfg\n").unwrap();
        assert!(!identified().0.is_certain(), "it reads what nobody has told of");
        std::fs::write(&file, "-O1\n").unwrap();
        for number in 0..200 {
            std::fs::write(at(&format!("settings/{number}.cfg")), "").unwrap();
        }
        assert!(!identified().0.is_certain(), "nobody looks through so many");
    }

    #[test]
    fn a_second_look_reads_no_file() {
        for program in ["gcc", "clang-14"] {
            let hashes = Hashes::default();
            let Some(first) = identified_with(program, &hashes) else {
                return eprintln!("skipped: there is no {program}");
            };
            let told = Hashes::decode(&hashes.encode());
            assert_eq!(identified_with(program, &told), Some(first));
            assert!(hashes.have_grown() && !told.have_grown(), "{program}");
        }
    }
}
