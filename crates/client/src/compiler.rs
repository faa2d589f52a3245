//! Which program a compiler's name means here, and what it is called on other machines. Runs nothing.

use crate::invocation::is_executable;
use std::cell::{OnceCell, RefCell};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// How many symbolic links from `cc` to the compiler are followed; Debian needs two.
const LINKS: usize = 4;

/// Host names of the target we were built for, as distributions spell them in compiler names.
#[cfg(target_arch = "x86_64")]
const TRIPLES: &[&str] = &["x86_64-linux-gnu", "x86_64-pc-linux-gnu"];
#[cfg(target_arch = "x86")]
const TRIPLES: &[&str] = &["i686-linux-gnu", "i686-pc-linux-gnu"];
#[cfg(target_arch = "aarch64")]
const TRIPLES: &[&str] = &["aarch64-linux-gnu", "aarch64-unknown-linux-gnu"];
#[cfg(not(any(target_arch = "x86_64", target_arch = "x86", target_arch = "aarch64")))]
const TRIPLES: &[&str] = &[];

/// Those of the 32-bit systems that we run in as we are, though their compilers make nothing for us.
#[cfg(target_arch = "x86_64")]
const NARROW_TRIPLES: &[&str] = &["i686-linux-gnu", "i686-pc-linux-gnu"];
#[cfg(target_arch = "aarch64")]
const NARROW_TRIPLES: &[&str] = &["arm-linux-gnueabihf", "armv7l-unknown-linux-gnueabihf"];
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
const NARROW_TRIPLES: &[&str] = &[];

/// What clang calls the target we were built for; sent along so that any machine's clang makes code for this one.
#[cfg(target_arch = "x86_64")]
const CLANG_TARGET: Option<&str> = Some("x86_64-pc-linux-gnu");
#[cfg(target_arch = "x86")]
const CLANG_TARGET: Option<&str> = Some("i686-pc-linux-gnu");
#[cfg(target_arch = "aarch64")]
const CLANG_TARGET: Option<&str> = Some("aarch64-unknown-linux-gnu");
#[cfg(not(any(target_arch = "x86_64", target_arch = "x86", target_arch = "aarch64")))]
const CLANG_TARGET: Option<&str> = None;

/// And what a 32-bit clang does, in a system in which we run as we are.
#[cfg(target_arch = "x86_64")]
const NARROW_CLANG_TARGET: Option<&str> = Some("i686-pc-linux-gnu");
#[cfg(target_arch = "aarch64")]
const NARROW_CLANG_TARGET: Option<&str> = Some("armv7l-unknown-linux-gnueabihf");
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
const NARROW_CLANG_TARGET: Option<&str> = CLANG_TARGET;

/// A compiler that can be started here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// The file to execute.
    pub(crate) program: PathBuf,
    /// The `PATH` for it: without directories in which its name leads to us, for gcc looks for itself on it and would
    /// take our directory for its own.
    pub(crate) path: OsString,
}

/// A `PATH` in which each name is looked for once.
#[derive(Debug, Clone, Default)]
pub(crate) struct SearchPath {
    text: OsString,
    ourselves: OnceCell<Option<(u64, u64)>>,
    found: RefCell<Vec<(OsString, Option<Found>)>>,
}

impl SearchPath {
    /// As `PATH` has it.
    pub(crate) fn new(text: OsString) -> SearchPath {
        SearchPath { text, ..SearchPath::default() }
    }

    /// As `PATH` has it.
    pub(crate) fn text(&self) -> &OsStr {
        &self.text
    }

    /// Finds the program that running `name` would start, passing over links to ourselves.
    ///
    /// A name with a slash is a path already. `None` when no directory of the path has it.
    #[must_use]
    pub(crate) fn find(&self, name: &OsStr) -> Option<Found> {
        if name.as_bytes().contains(&b'/') {
            return Some(Found { program: PathBuf::from(name), path: self.text.clone() });
        }
        if name.is_empty() {
            return None;
        }
        let known =
            self.found.borrow().iter().find(|(known, _)| known == name).map(|(_, found)| found.clone());
        known.unwrap_or_else(|| {
            let found = self.look_for(name);
            self.found.borrow_mut().push((name.to_owned(), found.clone()));
            found
        })
    }

    fn look_for(&self, name: &OsStr) -> Option<Found> {
        let ourselves = *self.ourselves.get_or_init(|| identity(Path::new("/proc/self/exe")));
        let is_ours = |program: &Path| is_executable(program) && identity(program) == ourselves;
        let candidates = std::env::split_paths(&self.text).map(|directory| directory.join(name));
        let mut passed_over = false;
        let program = candidates.filter(|candidate| is_executable(candidate)).find(|candidate| {
            let ours = identity(candidate) == ourselves;
            passed_over |= ours;
            !ours
        })?;
        let others = std::env::split_paths(&self.text).filter(|directory| !is_ours(&directory.join(name)));
        // Joining what was split cannot meet a separator.
        let path = if passed_over { std::env::join_paths(others).ok()? } else { self.text.clone() };
        Some(Found { program, path })
    }

    /// The compiler that `cc` or `c++` stands for here; any other name is its own.
    #[must_use]
    pub(crate) fn known_name(&self, name: &OsStr) -> OsString {
        let real = match name.to_str() {
            Some("cc") => self.stands_for(name, &["gcc", "clang"]),
            Some("c++") => self.stands_for(name, &["g++", "clang++"]),
            _ => None,
        };
        real.unwrap_or_else(|| name.to_owned())
    }

    /// What other machines call a compiler of this name: with the target in front if there is one of that name here, so
    /// that a machine of another kind cannot take the job.
    #[must_use]
    pub(crate) fn remote_name(&self, name: &OsStr) -> OsString {
        self.with_target(name).unwrap_or_else(|| name.to_owned())
    }

    /// Follows `cc`'s links until one is called like a compiler.
    fn stands_for(&self, name: &OsStr, compilers: &[&str]) -> Option<OsString> {
        let mut link = self.find(name)?.program;
        for _ in 0..LINKS {
            let target = fs::read_link(&link).ok()?;
            link = link.parent()?.join(target);
            let file_name = link.file_name()?;
            if compilers.iter().any(|compiler| file_name == *compiler) {
                return is_executable(&link).then(|| file_name.to_owned());
            }
        }
        None
    }

    /// `gcc`, `g++-12`, … → `x86_64-linux-gnu-gcc`, … if that can be run here.
    fn with_target(&self, name: &OsStr) -> Option<OsString> {
        let plain = name.to_str()?;
        let is_gcc = ["gcc", "g++"].iter().any(|gcc| {
            plain.strip_prefix(gcc).is_some_and(|version| version.is_empty() || version.starts_with('-'))
        });
        if !is_gcc {
            return None;
        }
        let triple_name = |triple: &&str| OsString::from(format!("{triple}-{plain}"));
        let file = |name: &OsStr| self.find(name).and_then(|found| identity(&found.program));
        let ours = TRIPLES.iter().map(triple_name).find(|candidate| file(candidate).is_some());
        // Beside our own compiler one for a 32-bit system is another compiler; alone it has both names.
        ours.or_else(|| {
            NARROW_TRIPLES
                .iter()
                .map(triple_name)
                .find(|other| file(other) == file(name) && file(name).is_some())
        })
    }
}

/// Two are equal that search the same directories, whatever either has found so far.
impl PartialEq for SearchPath {
    fn eq(&self, other: &SearchPath) -> bool {
        self.text == other.text
    }
}

impl Eq for SearchPath {}

/// What a path leads to, whatever it is spelled like: trailing slashes and links must not hide that it is ours.
pub(crate) fn identity(path: &Path) -> Option<(u64, u64)> {
    fs::metadata(path).ok().map(|found| (found.dev(), found.ino()))
}

/// The words that tell a clang elsewhere what to make code for; none if `args` say so already.
#[must_use]
pub(crate) fn clang_target(name: &OsStr, args: &[OsString], path: &SearchPath) -> Vec<OsString> {
    let plain = name.as_bytes();
    let is_clang = ["clang", "clang++"].iter().any(|clang| {
        plain.strip_prefix(clang.as_bytes()).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"-"))
    });
    let told = args.iter().any(|arg| arg == "-target" || arg.as_bytes().starts_with(b"--target"));
    if !is_clang || told {
        return Vec::new();
    }
    let narrow = path.find(name).is_some_and(|found| is_32_bit(&found.program));
    let target = if narrow { NARROW_CLANG_TARGET } else { CLANG_TARGET };
    target.map_or(Vec::new(), |triple| vec!["-target".into(), triple.into()])
}

/// Whether this is a program for a 32-bit system, by its ELF class.
fn is_32_bit(program: &Path) -> bool {
    let mut start = [0; 5];
    let read = fs::File::open(program).and_then(|mut file| file.read_exact(&mut start));
    read.is_ok() && start == *b"\x7fELF\x01"
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn install(directory: &Path, name: &str) {
        let file = directory.join(name);
        fs::write(&file, "").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    fn finding_passes_over_ourselves_and_files_that_cannot_run() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        ["ours", "plain", "real"].iter().for_each(|name| fs::create_dir(at(name)).unwrap());
        symlink(std::env::current_exe().unwrap(), at("ours/gcc")).unwrap();
        fs::write(at("plain/gcc"), "").unwrap();
        install(&at("real"), "gcc");
        let path = std::env::join_paths([at("ours"), at("plain"), at("real")]).unwrap();
        let others = std::env::join_paths([at("plain"), at("real")]).unwrap();
        let found = SearchPath::new(path.clone()).find(OsStr::new("gcc"));
        assert_eq!(found, Some(Found { program: at("real/gcc"), path: others.clone() }));
        let found = SearchPath::new(others.clone()).find(OsStr::new("gcc"));
        assert_eq!(found, Some(Found { program: at("real/gcc"), path: others }));
        let search = SearchPath::new(path.clone());
        assert_eq!(search.find(OsStr::new("g++")), None);
        assert_eq!(search.find(OsStr::new("")), None);
        let found = search.find(OsStr::new("./gcc"));
        assert_eq!(found, Some(Found { program: "./gcc".into(), path }));
    }

    #[test]
    fn names_for_other_machines() {
        let root = tempfile::tempdir().unwrap();
        install(root.path(), "gcc");
        install(root.path(), "clang++");
        symlink("alternative", root.path().join("cc")).unwrap();
        symlink("gcc", root.path().join("alternative")).unwrap();
        symlink("clang++", root.path().join("c++")).unwrap();
        let check = |name: &str, expected: &str| {
            let search = SearchPath::new(root.path().into());
            assert_eq!(search.remote_name(&search.known_name(OsStr::new(name))), expected, "{name}");
        };
        check("cc", "gcc");
        check("c++", "clang++");
        check("gcc", "gcc");
        check("/usr/bin/gcc", "/usr/bin/gcc");
        if let Some(narrow) = NARROW_TRIPLES.first() {
            let named = root.path().join(format!("{narrow}-gcc"));
            install(root.path(), &format!("{narrow}-gcc"));
            check("gcc", "gcc");
            fs::remove_file(&named).unwrap();
            symlink("gcc", named).unwrap();
            check("gcc", &format!("{narrow}-gcc"));
        }
        if let Some(triple) = TRIPLES.first() {
            install(root.path(), &format!("{triple}-gcc"));
            install(root.path(), &format!("{triple}-gcc-12"));
            check("cc", &format!("{triple}-gcc"));
            check("gcc-12", &format!("{triple}-gcc-12"));
            check("gcc-13", "gcc-13");
            check("gccgo", "gccgo");
        }
    }

    #[test]
    fn clang_is_told_its_target_once() {
        let check = |name: &str, args: &[&str], added: bool| {
            let args: Vec<OsString> = args.iter().map(OsString::from).collect();
            let expected = added && CLANG_TARGET.is_some();
            let told = clang_target(OsStr::new(name), &args, &SearchPath::new("/nowhere".into()));
            assert_eq!(told.get(1).and_then(|word| word.to_str()), CLANG_TARGET.filter(|_| expected));
        };
        let narrow = tempfile::tempdir().unwrap();
        fs::write(narrow.path().join("clang"), b"\x7fELF\x01 and more").unwrap();
        fs::set_permissions(narrow.path().join("clang"), fs::Permissions::from_mode(0o755)).unwrap();
        let told = clang_target(OsStr::new("clang"), &["-c".into()], &SearchPath::new(narrow.path().into()));
        assert_eq!(told.get(1).and_then(|word| word.to_str()), NARROW_CLANG_TARGET);
        check("clang", &["-c"], true);
        check("clang++-14", &["-c"], true);
        check("clang", &["-target", "i686-linux-gnu"], false);
        check("clang", &["--target=i686-linux-gnu"], false);
        check("gcc", &["-c"], false);
        check("clang-tidy-not", &[], true);
        check("clangd", &[], false);
    }
}
