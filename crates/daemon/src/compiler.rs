//! Which compilers clients may run, and which file such a name means here. Knows nothing of running one.

use std::collections::{BTreeSet, HashMap};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};

use toolchain::names_a_compiler;

use crate::refusal::Refusal;
use crate::settings::Permitted;
use crate::view::Root;

/// Where a link named like a compiler permits it; all but the last two are distcc 3.4's.
const MASQUERADE: &[&str] =
    &["/usr/lib/distcc", "/usr/lib/distcc/bin", "/usr/local/lib/distcc", "/usr/local/lib/distcc/bin"];

/// Decides over each compiler name that a client sends.
#[derive(Debug)]
pub(crate) struct Compilers {
    rule: Rule,
    path: Vec<PathBuf>,
}

#[derive(Debug)]
enum Rule {
    Anything,
    /// The last path components of a permitted compiler, and the compiler.
    List {
        words: usize,
        compilers: HashMap<OsString, PathBuf>,
    },
    Linked(Vec<PathBuf>),
    Nothing,
}

/// A program that compiles.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Compiler {
    /// Absolute, as it is called in its root.
    pub(crate) program: PathBuf,
    /// Another root directory than ours.
    pub(crate) root: Option<PathBuf>,
    /// The place that toolchains.toml names it by, which may not answer.
    pub(crate) place: Option<PathBuf>,
    /// It is native, and makes code for an x86 of 32 bits in place of one that does.
    pub(crate) stands_in: bool,
}

impl Compiler {
    /// In our root, on the daemon's PATH.
    pub(crate) fn here(program: PathBuf) -> Compiler {
        Compiler { program, root: None, place: None, stands_in: false }
    }

    /// The file that its name leads to, as far as that is known here.
    pub(crate) fn behind_links(&self) -> PathBuf {
        let root = self.root.as_deref().map_or_else(|| Ok(Root::here()), Root::open);
        root.ok()
            .and_then(|root| root.behind_links(&self.program).ok())
            .unwrap_or_else(|| self.program.clone())
    }
}

impl Compilers {
    /// Reads the list of compilers, if there is one. A list that cannot be read permits nothing.
    pub(crate) fn new(permitted: &Permitted, path: Vec<PathBuf>) -> (Compilers, Option<String>) {
        let (rule, problem) = match permitted {
            Permitted::Anything => (Rule::Anything, None),
            Permitted::Linked => (Rule::Linked(MASQUERADE.iter().map(PathBuf::from).collect()), None),
            Permitted::List { file, words } => match fs::read(file) {
                Ok(text) => (Rule::List { words: *words, compilers: listed(&text, *words) }, None),
                Err(error) => (Rule::Nothing, Some(unreadable(file, &error))),
            },
        };
        (Compilers { rule, path }, problem)
    }

    /// Whether there is a directory at all in which links could permit compilers.
    pub(crate) fn can_permit(&self) -> bool {
        match &self.rule {
            Rule::Linked(directories) => directories.iter().any(|directory| directory.is_dir()),
            _ => true,
        }
    }

    /// The absolute path of the program to run for `name`: the very file that was looked at.
    pub(crate) fn find(&self, name: &OsStr) -> Result<PathBuf, Refusal> {
        match &self.rule {
            Rule::Nothing => refuse(name, "the list in DISTCC_CMDLIST could not be read"),
            Rule::List { words, compilers } => match compilers.get(&last_components(Path::new(name), *words))
            {
                Some(compiler) => self.locate(compiler.as_os_str()),
                None => refuse(name, "it is not in the list that DISTCC_CMDLIST names"),
            },
            Rule::Anything => self.locate(name),
            Rule::Linked(directories) => {
                let bare = bare_name(name);
                if bare.as_bytes().contains(&b'/') {
                    return refuse(
                        name,
                        "a path is permitted only by DISTCC_CMDLIST or --enable-tcp-insecure",
                    );
                }
                if !directories.iter().any(|directory| is_program(&directory.join(bare))) {
                    return refuse(
                        name,
                        "no masquerade directory has a link of that name; see update-distcc-symlinks(1)",
                    );
                }
                self.locate(name)
            }
        }
    }

    /// The names of all programs on the PATH that may be run and are called like a compiler.
    pub(crate) fn names(&self) -> BTreeSet<OsString> {
        let directories = self.path.iter().filter(|directory| !is_masquerade(directory));
        let names = directories.flat_map(|directory| compilers_in(directory));
        names.filter(|name| self.find(name).is_ok()).collect()
    }

    /// What `name` means here, permitted or not.
    pub(crate) fn locate(&self, name: &OsStr) -> Result<PathBuf, Refusal> {
        let path = Path::new(name);
        if path.is_absolute() {
            return if is_program(path) && !leads_to_us(path) {
                Ok(path.to_owned())
            } else {
                Err(Refusal::Missing(format!("{}: no such program on this server", name.display())))
            };
        }
        if name.is_empty() || name.as_bytes().contains(&b'/') {
            return refuse(name, "a relative path means nothing here");
        }
        let candidates = self.path.iter().filter(|directory| !is_masquerade(directory));
        let mut candidates = candidates.map(|directory| directory.join(path));
        candidates.find(|candidate| is_program(candidate) && !leads_to_us(candidate)).ok_or_else(|| {
            Refusal::Missing(format!("{}: no such program on the PATH of this server", name.display()))
        })
    }
}

fn refuse<T>(name: &OsStr, reason: &str) -> Result<T, Refusal> {
    Err(Refusal::NotPermitted(format!("compiler \"{}\" refused: {reason}", name.display())))
}

fn unreadable(file: &Path, error: &io::Error) -> String {
    format!("cannot read the list of compilers {}, so every job will be refused: {error}", file.display())
}

/// One path per line; empty lines and lines that begin with # say nothing.
fn listed(text: &[u8], words: usize) -> HashMap<OsString, PathBuf> {
    let lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with(b"#"));
    lines
        .map(|line| Path::new(OsStr::from_bytes(line)))
        .map(|path| (last_components(path, words), path.into()))
        .collect()
}

fn last_components(path: &Path, count: usize) -> OsString {
    let names = path.components().filter(|component| matches!(component, Component::Normal(_)));
    let names: Vec<_> = names.collect();
    names[names.len().saturating_sub(count)..].iter().collect::<PathBuf>().into_os_string()
}

/// Clients behind ccache send /usr/bin/gcc and mean gcc.
pub(crate) fn bare_name(name: &OsStr) -> &OsStr {
    let bytes = name.as_bytes();
    let bare = bytes.strip_prefix(b"/usr/bin/").or_else(|| bytes.strip_prefix(b"/bin/"));
    OsStr::from_bytes(bare.unwrap_or(bytes))
}

/// The names in a directory that a compiler may have.
pub(crate) fn compilers_in(directory: &Path) -> Vec<OsString> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name());
    names.filter(|name| name.to_str().is_some_and(names_a_compiler)).collect()
}

pub(crate) fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// Directories of links that only permit; what they lead to is distcc.
pub(crate) fn is_masquerade(directory: &Path) -> bool {
    MASQUERADE.iter().any(|masquerade| directory == Path::new(masquerade))
}

/// A link into distcc would send the job round in a circle.
pub(crate) fn leads_to_us(path: &Path) -> bool {
    fs::read_link(path).is_ok_and(|target| speaks_of_us(target.as_os_str().as_bytes()))
}

/// Whether `distcc` is in a name.
pub(crate) fn speaks_of_us(name: &[u8]) -> bool {
    name.windows(6).any(|word| word == b"distcc")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    /// DIR/bin has gcc, cc -> gcc, data (not executable); DIR/links has gcc, tcc, gone (dangling) -> ../distcc.
    fn house() -> tempfile::TempDir {
        let house = tempfile::tempdir().unwrap();
        let at = |name: &str| house.path().join(name);
        for directory in ["bin", "early", "links"] {
            fs::create_dir(at(directory)).unwrap();
        }
        for (name, mode) in [("bin/gcc", 0o755), ("bin/data", 0o644), ("distcc", 0o755)] {
            fs::write(at(name), "").unwrap();
            fs::set_permissions(at(name), fs::Permissions::from_mode(mode)).unwrap();
        }
        symlink("gcc", at("bin/cc")).unwrap();
        symlink("../distcc", at("early/gcc")).unwrap();
        symlink("../distcc", at("links/gcc")).unwrap();
        symlink("../distcc", at("links/tcc")).unwrap();
        symlink("../nowhere", at("links/gone")).unwrap();
        house
    }

    fn compilers(house: &Path, rule: Rule) -> Compilers {
        Compilers { rule, path: vec![house.join("early"), house.join("bin")] }
    }

    #[track_caller]
    fn check(compilers: &Compilers, name: &str, expected: Result<PathBuf, &str>) {
        match (compilers.find(OsStr::new(name)), expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{name}"),
            (Err(refusal), Err(expected)) => {
                let reason = match refusal {
                    Refusal::NotPermitted(reason) => reason,
                    other => other.told(OsStr::new(name)),
                };
                assert!(reason.contains(expected), "{name}: {reason}");
            }
            (found, expected) => panic!("{name}: {found:?}, not {expected:?}"),
        }
    }

    #[test]
    fn linked_compilers() {
        let house = house();
        let at = |name: &str| house.path().join(name);
        let linked = compilers(house.path(), Rule::Linked(vec![at("nowhere"), at("links")]));
        check(&linked, "gcc", Ok(at("bin/gcc")));
        check(&linked, "cc", Err("no masquerade directory has a link"));
        check(&linked, "gone", Err("no masquerade directory has a link"));
        check(&linked, "tcc", Err("no such program on the PATH"));
        check(&linked, "/usr/bin/tcc", Err("/usr/bin/tcc: no such program"));
        check(&linked, "/opt/bin/gcc", Err("a path is permitted only by"));
        check(&linked, "/bin/../opt/gcc", Err("a path is permitted only by"));
        check(&linked, "../bin/gcc", Err("a path is permitted only by"));
        check(&linked, "", Err("no masquerade directory has a link"));
    }

    #[test]
    fn listed_compilers_are_run_as_listed() {
        let house = house();
        let gcc = house.path().join("bin/gcc");
        let text = format!("# ours\n\n  {}\n", gcc.display());
        let list = |words| Rule::List { words, compilers: listed(text.as_bytes(), words) };
        let by_name = compilers(house.path(), list(1));
        check(&by_name, "gcc", Ok(gcc.clone()));
        check(&by_name, "/usr/local/bin/gcc", Ok(gcc.clone()));
        check(&by_name, "cc", Err("not in the list"));
        let by_two = compilers(house.path(), list(2));
        check(&by_two, "/anywhere/bin/gcc", Ok(gcc));
        check(&by_two, "gcc", Err("not in the list"));
    }

    #[test]
    fn a_list_that_cannot_be_read_permits_nothing() {
        let permitted = Permitted::List { file: "/nowhere/list".into(), words: 1 };
        let (compilers, problem) = Compilers::new(&permitted, vec!["/usr/bin".into()]);
        assert!(problem.unwrap().starts_with("cannot read the list of compilers /nowhere/list"));
        check(&compilers, "gcc", Err("could not be read"));
    }

    #[test]
    fn anything() {
        let house = house();
        let at = |name: &str| house.path().join(name);
        let all = compilers(house.path(), Rule::Anything);
        check(&all, "cc", Ok(at("bin/cc")));
        check(&all, at("bin/gcc").to_str().unwrap(), Ok(at("bin/gcc")));
        check(&all, "data", Err("no such program on the PATH"));
        check(&all, "./gcc", Err("a relative path means nothing"));
        check(&all, at("early/gcc").to_str().unwrap(), Err("no such program"));
        check(&all, at("bin").to_str().unwrap(), Err("no such program"));
        check(&all, "", Err("a relative path means nothing"));
    }
}
