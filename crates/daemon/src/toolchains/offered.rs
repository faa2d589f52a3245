//! What toolchains.toml offers besides the daemon's PATH: compilers in directories and in other roots, by their names.
//! Knows nothing of what a compiler is.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::ErrorKind;
use std::path::{self, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use toolchain::{CONFIG, Config, Entry, Place};

use crate::compiler::Compiler;

/// The file that names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ToolchainsFile {
    path: PathBuf,
    /// The administrator has named it, so it must be there.
    is_named: bool,
}

impl ToolchainsFile {
    /// The one that is `named`, or the usual one.
    pub(crate) fn new(named: Option<OsString>) -> ToolchainsFile {
        let is_named = named.is_some();
        let path = PathBuf::from(named.unwrap_or_else(|| CONFIG.into()));
        // The daemon does not stay in the directory that it was started from.
        ToolchainsFile { path: path::absolute(&path).unwrap_or(path), is_named }
    }
}

/// The file, and what it said when it was read last.
#[derive(Debug)]
pub(super) struct Offered {
    file: ToolchainsFile,
    config: RwLock<Arc<Config>>,
}

impl Offered {
    /// Reads the file.
    ///
    /// # Errors
    /// What is wrong with it, in one line that names it.
    pub(super) fn new(file: ToolchainsFile) -> Result<Offered, String> {
        let config = RwLock::new(Arc::new(read(&file)?));
        Ok(Offered { file, config })
    }

    /// Reads it again; if it is wrong, what was read before stays.
    ///
    /// # Errors
    /// As above.
    pub(super) fn reload(&self) -> Result<(), String> {
        let config = Arc::new(read(&self.file)?);
        *self.config.write().unwrap_or_else(PoisonError::into_inner) = config;
        Ok(())
    }

    /// What it says.
    pub(super) fn config(&self) -> Arc<Config> {
        Arc::clone(&self.config.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// What it names and this machine does not have, a line each.
    pub(super) fn problems(&self) -> Vec<String> {
        self.config().check(&self.file.path).iter().map(ToString::to_string).collect()
    }

    /// The compilers called so, those in directories first, each with the target that it must have.
    pub(super) fn named(&self, name: &OsStr) -> Vec<(Compiler, Option<String>)> {
        let config = self.config();
        let (roots, directories): (Vec<&Entry>, Vec<&Entry>) =
            config.toolchains.iter().partition(|entry| matches!(entry.place, Place::Root(_)));
        let entries = directories.into_iter().chain(roots);
        entries.filter_map(|entry| Some((located(&entry.place, name)?, entry.target.clone()))).collect()
    }

    /// The names of all of them.
    pub(super) fn names(&self) -> BTreeSet<OsString> {
        let config = self.config();
        let names = config.toolchains.iter().flat_map(|entry| entry.place.compilers().unwrap_or_default());
        names.map(OsString::from).collect()
    }
}

fn read(file: &ToolchainsFile) -> Result<Config, String> {
    let ToolchainsFile { path, is_named } = file;
    match fs::read_to_string(path) {
        Ok(text) => Config::parse(&text, path).map_err(|error| error.to_string()),
        Err(error) if error.kind() == ErrorKind::NotFound && !is_named => Ok(Config::default()),
        Err(error) => Err(format!("cannot read {}: {error}", path.display())),
    }
}

fn located(place: &Place, name: &OsStr) -> Option<Compiler> {
    let compiler = Compiler::here(place.program(name.to_str()?)?);
    Some(match place {
        Place::Directory(_) => compiler,
        Place::Root(path) => Compiler { root: Some(path.clone()), ..compiler },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::Path;

    /// DIR/tools has a-gcc and objcopy; DIR/root has /usr/bin/{gcc,b-gcc,sh} and /usr/local/bin/gcc -> distcc.
    fn house() -> tempfile::TempDir {
        let house = tempfile::tempdir().unwrap();
        let at = |name: &str| house.path().join(name);
        for directory in ["tools", "root/usr/bin", "root/usr/local/bin"] {
            fs::create_dir_all(at(directory)).unwrap();
        }
        symlink("usr/bin", at("root/bin")).unwrap();
        for name in
            ["tools/a-gcc", "tools/b-gcc", "tools/a-objcopy", "distcc", "root/usr/bin/gcc", "root/usr/bin/sh"]
        {
            fs::write(at(name), "").unwrap();
            fs::set_permissions(at(name), fs::Permissions::from_mode(0o755)).unwrap();
        }
        fs::rename(at("distcc"), at("root/usr/bin/distcc")).unwrap();
        symlink("/bin/gcc", at("root/usr/bin/b-gcc")).unwrap();
        symlink("/usr/bin/distcc", at("root/usr/local/bin/gcc")).unwrap();
        symlink("../root/usr/bin/distcc", at("tools/c-gcc")).unwrap();
        house
    }

    fn offered(house: &Path, text: &str) -> Result<Offered, String> {
        let path = house.join("toolchains.toml");
        fs::write(&path, text.replace('@', house.to_str().unwrap())).unwrap();
        Offered::new(ToolchainsFile { path, is_named: true })
    }

    #[test]
    fn names() {
        let house = house();
        let text = "[toolchain.b]\nroot = '@/root'\n[toolchain.a]\ndirectory = '@/tools'\ntarget = 'a'\n\
                    [toolchain.gone]\nroot = '@/gone'\n";
        let offered = offered(house.path(), text).unwrap();
        let check = |name: &str, expected: &[(&str, &str)]| {
            let found = offered.named(OsStr::new(name)).into_iter().map(|(compiler, _)| compiler);
            let expected = expected.iter().map(|(root, program)| match *root {
                "" => Compiler::here(house.path().join(program)),
                root => Compiler { root: Some(house.path().join(root)), ..Compiler::here(program.into()) },
            });
            assert_eq!(found.collect::<Vec<_>>(), expected.collect::<Vec<_>>(), "{name}");
        };
        check("a-gcc", &[("", "tools/a-gcc")]);
        check("b-gcc", &[("", "tools/b-gcc"), ("root", "/usr/bin/b-gcc")]);
        check("gcc", &[("root", "/usr/bin/gcc")]);
        for none in
            ["c-gcc", "a-objcopy", "sh", "../bin/gcc", "../tools/a-gcc", "./a-gcc", "/usr/bin/gcc", ""]
        {
            check(none, &[]);
        }
        assert_eq!(offered.named(OsStr::new("a-gcc"))[0].1, Some("a".to_owned()));
        let problems = offered.problems();
        assert!(problems.len() == 1 && problems[0].contains("toolchains.toml:6: "), "{problems:?}");
        assert_eq!(offered.names(), ["a-gcc", "b-gcc", "gcc"].map(OsString::from).into());
    }

    #[test]
    fn what_was_read_before_stays() {
        let house = house();
        let first = offered(house.path(), "multilib = true\n").unwrap();
        assert!(offered(house.path(), "multilib = 1\n").unwrap_err().contains("toolchains.toml:1: "));
        assert!(first.reload().unwrap_err().contains("toolchains.toml:1: "));
        assert!(first.config().multilib);
        fs::remove_file(&first.file.path).unwrap();
        assert!(first.reload().unwrap_err().contains("cannot read "));
        let absent = ToolchainsFile { path: first.file.path.clone(), is_named: false };
        assert!(Offered::new(absent).unwrap().config().toolchains.is_empty());
    }
}
