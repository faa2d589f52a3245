//! Which C and C++ compiler to use, and under which names a client may ask a daemon for them. Runs nothing.

use crate::demo::source::Language;
use crate::programs::is_program;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// A C compiler and, where there is one, its C++ sibling.
#[derive(Debug)]
pub(crate) struct Compilers {
    pub(crate) c: Compiler,
    pub(crate) cxx: Option<Compiler>,
    /// Where they were found: the directories of `PATH` in which these names mean compilers rather than links that
    /// lead to distcc or ccache.
    path: Vec<PathBuf>,
}

/// One compiler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Compiler {
    /// As a user would type it after `distcc`.
    pub(crate) command: OsString,
    /// The program.
    pub(crate) program: PathBuf,
}

/// C compilers that are looked for, in this order.
const USUAL: &[&str] = &["gcc", "clang", "cc"];

/// How C compilers are called, and their C++ siblings; the first that occurs in the name counts.
const SIBLINGS: &[(&str, &str)] = &[("gcc", "g++"), ("clang", "clang++"), ("cc", "c++")];

/// Programs that pose as compilers.
const WRAPPERS: &[&str] = &["distcc", "ccache", "sccache", "icecc"];

impl Compilers {
    /// Finds the compiler that was `asked` for, a name or a path, or else the usual one.
    ///
    /// # Errors
    /// One line that tells what is missing and how to get it.
    pub(crate) fn find(asked: Option<&Path>, path: &[PathBuf]) -> Result<Compilers, String> {
        let path: Vec<PathBuf> = path.iter().filter(|directory| !has_wrappers(directory)).cloned().collect();
        let c = match asked {
            Some(asked) => Compiler::find(asked, &path).ok_or_else(|| {
                format!("{}: no such compiler: name one on PATH, or its path", asked.display())
            })?,
            None => {
                USUAL.iter().find_map(|name| Compiler::find(Path::new(name), &path)).ok_or_else(|| {
                    "no C compiler on PATH: install gcc or clang, or name a compiler with --compiler"
                        .to_owned()
                })?
            }
        };
        let cxx = sibling(&c.command).and_then(|name| Compiler::find(Path::new(&name), &path));
        Ok(Compilers { c, cxx, path })
    }

    /// The compiler for a language, if there is one.
    pub(crate) fn for_language(&self, language: Language) -> Option<&Compiler> {
        match language {
            Language::C => Some(&self.c),
            Language::Cxx => self.cxx.as_ref(),
        }
    }

    /// `PATH` for all that is run, so that these names mean the same everywhere.
    pub(crate) fn search_path(&self) -> OsString {
        std::env::join_paths(&self.path).expect("directories of a PATH hold no colon")
    }

    /// Every program that a client may name when it means one of these: besides the compiler itself its other names,
    /// such as the one with the target in front. Sorted.
    pub(crate) fn programs(&self) -> Vec<PathBuf> {
        let compilers = [Some(&self.c), self.cxx.as_ref()].into_iter().flatten();
        compilers
            .flat_map(|compiler| compiler.names(&self.path))
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect()
    }
}

impl Compiler {
    fn find(name: &Path, path: &[PathBuf]) -> Option<Compiler> {
        let program = if name.components().count() > 1 {
            std::path::absolute(name).ok()?
        } else {
            path.iter().map(|directory| directory.join(name)).find(|candidate| is_program(candidate))?
        };
        let typed = if name.components().count() > 1 { program.as_os_str() } else { name.as_os_str() };
        is_program(&program).then(|| Compiler { command: typed.to_owned(), program: program.clone() })
    }

    fn names(&self, path: &[PathBuf]) -> Vec<PathBuf> {
        let name = self.program.file_name().unwrap_or(&self.command).as_bytes();
        let with_target = [b"-", name].concat();
        let itself = fs::canonicalize(&self.program).ok();
        let is_it = |candidate: &PathBuf| {
            let called = candidate.file_name().is_some_and(|file| file.as_bytes().ends_with(&with_target));
            called || (itself.is_some() && fs::canonicalize(candidate).ok() == itself)
        };
        let entries = path.iter().filter_map(|directory| fs::read_dir(directory).ok()).flatten().flatten();
        let others = entries.map(|entry| entry.path()).filter(is_it).filter(|other| is_program(other));
        std::iter::once(self.program.clone()).chain(others).collect()
    }
}

/// `gcc` → `g++`, `/opt/x-clang-14` → `/opt/x-clang++-14`.
fn sibling(command: &OsString) -> Option<OsString> {
    let path = Path::new(command);
    let name = path.file_name()?.to_str()?;
    let (c, cxx) = SIBLINGS.iter().find(|(c, cxx)| name.contains(c) && !name.contains(cxx))?;
    let sibling = name.replacen(c, cxx, 1);
    let bare = path.components().count() == 1;
    Some(if bare { sibling.into() } else { path.with_file_name(sibling).into_os_string() })
}

fn has_wrappers(directory: &Path) -> bool {
    let names = SIBLINGS.iter().flat_map(|(c, cxx)| [c, cxx]);
    names.filter_map(|name| fs::canonicalize(directory.join(name)).ok()).any(|program| {
        let name = program.file_name().map(OsStrExt::as_bytes);
        WRAPPERS.iter().any(|wrapper| name == Some(wrapper.as_bytes()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::fs::symlink;

    /// masks: gcc -> distcc; bin: gcc, gcc-12, x-gcc, cc -> gcc, g++, clang, data (not executable).
    fn house() -> tempfile::TempDir {
        let house = tempfile::tempdir().unwrap();
        let at = |name: &str| house.path().join(name);
        ["masks", "bin"].iter().for_each(|directory| fs::create_dir(at(directory)).unwrap());
        for (name, mode) in [
            ("distcc", 0o755),
            ("bin/gcc", 0o755),
            ("bin/x-gcc", 0o755),
            ("bin/g++", 0o755),
            ("bin/clang", 0o755),
            ("bin/data", 0o644),
        ] {
            fs::write(at(name), "").unwrap();
            fs::set_permissions(at(name), fs::Permissions::from_mode(mode)).unwrap();
        }
        symlink("../distcc", at("masks/gcc")).unwrap();
        symlink("gcc", at("bin/cc")).unwrap();
        house
    }

    fn path(house: &Path) -> [PathBuf; 3] {
        ["masks", "nowhere", "bin"].map(|name| house.join(name))
    }

    #[test]
    fn the_usual_compiler_and_its_names() {
        let house = house();
        let found = Compilers::find(None, &path(house.path())).unwrap();
        let bin = |name: &str| house.path().join("bin").join(name);
        assert_eq!(found.c, Compiler { command: "gcc".into(), program: bin("gcc") });
        assert_eq!(found.for_language(Language::Cxx).unwrap().program, bin("g++"));
        assert_eq!(found.programs(), ["cc", "g++", "gcc", "x-gcc"].map(bin));
        assert!(!found.search_path().to_str().unwrap().contains("masks"));
    }

    #[test]
    fn a_compiler_that_was_asked_for() {
        let house = house();
        let clang = house.path().join("bin/clang");
        let found = Compilers::find(Some(&clang), &path(house.path())).unwrap();
        assert_eq!((found.c.command.as_os_str(), found.cxx), (clang.as_os_str(), None));
        for name in ["tcc", "data", "/nowhere/gcc"] {
            let error = Compilers::find(Some(Path::new(name)), &path(house.path())).unwrap_err();
            assert!(error.starts_with(&format!("{name}: no such compiler")), "{error}");
        }
        let error = Compilers::find(None, &[]).unwrap_err();
        assert!(error.starts_with("no C compiler on PATH: install gcc"), "{error}");
    }

    #[test]
    fn siblings() {
        for (c, cxx) in [
            ("gcc", Some("g++")),
            ("x86_64-linux-gnu-gcc-12", Some("x86_64-linux-gnu-g++-12")),
            ("/opt/bin/clang-14", Some("/opt/bin/clang++-14")),
            ("cc", Some("c++")),
            ("tcc", Some("tc++")),
            ("g++", None),
            ("clang++", None),
            ("icx", None),
        ] {
            assert_eq!(sibling(&c.into()), cxx.map(OsString::from), "{c}");
        }
    }
}
