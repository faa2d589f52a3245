//! A directory with a whole system in it, `/` or another one, and what a path means there: no link leads out of it.
//! Knows nothing of views.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::below;

/// A root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Root {
    /// Free of links.
    path: PathBuf,
}

impl Root {
    /// That of this process.
    pub(crate) fn here() -> Root {
        Root { path: PathBuf::from("/") }
    }

    /// The one that the administrator calls `path`.
    ///
    /// # Errors
    /// What is wrong with it, as a sentence without a full stop.
    pub(crate) fn open(path: &Path) -> Result<Root, String> {
        let odd = |why: &str| format!("the root {} {why}", path.display());
        let found = fs::canonicalize(path).map_err(|error| odd(&format!("cannot be used: {error}")))?;
        if !found.is_dir() {
            return Err(odd("is no directory"));
        }
        Ok(Root { path: found })
    }

    /// Whether it is that of this process.
    pub(crate) fn is_here(&self) -> bool {
        self.path == Path::new("/")
    }

    /// The absolute `path` in it, free of links: as it is called in there.
    ///
    /// # Errors
    /// There is nothing, or it cannot be reached.
    pub(crate) fn behind_links(&self, path: &Path) -> io::Result<PathBuf> {
        let found = toolchain::Root::open(&self.path)?.behind_links(path)?;
        found.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// What the absolute `path` in it is called on this machine, free of links unless the root is that of this process.
    ///
    /// # Errors
    /// As above.
    pub(crate) fn outside(&self, path: &Path) -> io::Result<PathBuf> {
        if self.is_here() { Ok(path.to_owned()) } else { Ok(below(&self.path, &self.behind_links(path)?)) }
    }

    /// Whether there is a directory of that name, or a link to one.
    pub(crate) fn has_directory(&self, path: &Path) -> bool {
        self.outside(path).is_ok_and(|path| path.is_dir())
    }

    /// Whether there is a file of that name, or a link to one.
    pub(crate) fn has_file(&self, path: &Path) -> bool {
        self.outside(path).is_ok_and(|path| path.is_file())
    }

    /// Where the link of that name leads to, if it is one; its directory must not be behind links.
    pub(crate) fn link(&self, path: &Path) -> Option<PathBuf> {
        fs::read_link(below(&self.path, path)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    /// ROOT/usr/bin/gcc with links to it, and links that try to leave.
    fn house() -> tempfile::TempDir {
        let house = tempfile::tempdir().unwrap();
        let at = |name: &str| house.path().join(name);
        fs::create_dir_all(at("root/usr/bin")).unwrap();
        fs::create_dir_all(at("outside")).unwrap();
        for file in ["root/usr/bin/gcc", "outside/gcc", "gcc"] {
            fs::write(at(file), "").unwrap();
        }
        for (link, target) in [
            ("bin", PathBuf::from("usr/bin")),
            ("usr/bin/cc", PathBuf::from("/bin/gcc")),
            ("usr/bin/up", PathBuf::from("../../../../../../gcc")),
            ("usr/bin/out", at("outside/gcc")),
            ("loop", PathBuf::from("loop")),
            ("self", PathBuf::from("/proc/self/root")),
        ] {
            symlink(target, at("root").join(link)).unwrap();
        }
        house
    }

    #[test]
    fn no_path_leads_out_of_a_root() {
        let house = house();
        let root = Root::open(&house.path().join("root")).unwrap();
        let check = |path: &str, expected: Option<&str>| {
            let found = root.behind_links(Path::new(path)).ok();
            assert_eq!(found.as_deref(), expected.map(Path::new), "{path}");
            assert_eq!(root.has_file(Path::new(path)), expected.is_some_and(|path| path.ends_with("gcc")));
        };
        check("/usr/bin/gcc", Some("/usr/bin/gcc"));
        check("/bin/cc", Some("/usr/bin/gcc"));
        check("/../usr/bin", Some("/usr/bin"));
        check("/", Some("/"));
        check("/bin/../../../outside/gcc", None);
        check("/../gcc", None);
        check("/usr/bin/up", None);
        check("/usr/bin/out", None);
        check("/loop", None);
        check("/self/etc/passwd", None);
        check("/usr/bin/none", None);
    }

    #[test]
    fn roots_that_are_none() {
        let house = house();
        let check = |name: &str, expected: &str| {
            let path = house.path().join(name);
            let why = Root::open(&path).map(|root| root.path);
            assert_eq!(why, Err(expected.replace('@', path.to_str().unwrap())), "{name}");
        };
        check("gone", "the root @ cannot be used: No such file or directory (os error 2)");
        check("gcc", "the root @ is no directory");
    }
}
