//! What toolchains.toml offers besides the daemon's PATH: compilers in directories and in other roots, by their names.
//! Knows nothing of what a compiler is.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::ErrorKind;
use std::path::{self, Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use logging::Log;
use tokio::task::spawn_blocking;
use toolchain::{CONFIG, Config, Entry, Place, names_a_compiler};

use crate::compiler::Compiler;
use crate::places::Places;

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
    pub(super) async fn reload(&self) -> Result<(), String> {
        let file = self.file.clone();
        let config = spawn_blocking(move || read(&file)).await;
        let config = Arc::new(config.map_err(|error| error.to_string())??);
        *self.config.write().unwrap_or_else(PoisonError::into_inner) = config;
        Ok(())
    }

    /// What it says.
    pub(super) fn config(&self) -> Arc<Config> {
        Arc::clone(&self.config.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// What it names and this machine does not have, a line each. Places that do not answer have been told of.
    pub(super) async fn problems(&self, log: &Log, places: &Places) -> Vec<String> {
        let mut problems = Vec::new();
        for entry in self.entries() {
            let (place, file) = (entry.place.path().to_owned(), self.file.path.clone());
            let found = places.look(log, &place, move || problems_of(&entry, &file)).await;
            problems.extend(found.unwrap_or_default());
        }
        problems
    }

    /// The places that it names, directories first.
    pub(super) fn entries(&self) -> Vec<Entry> {
        let config = self.config();
        let (roots, directories): (Vec<&Entry>, Vec<&Entry>) =
            config.toolchains.iter().partition(|entry| matches!(entry.place, Place::Root(_)));
        directories.into_iter().chain(roots).cloned().collect()
    }
}

/// What is wrong with one place that `file` names, a line each.
fn problems_of(entry: &Entry, file: &Path) -> Vec<String> {
    let alone = Config { multilib: false, toolchains: vec![entry.clone()] };
    alone.check(file).iter().map(ToString::to_string).collect()
}

/// Whether it can be the name of a compiler at a place: one with a slash would lead elsewhere.
pub(super) fn is_offered_name(name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| names_a_compiler(name) && !name.contains('/'))
}

/// The names of the compilers at a place.
pub(super) fn names_at(place: &Place) -> BTreeSet<OsString> {
    place.compilers().unwrap_or_default().into_iter().map(OsString::from).collect()
}

fn read(file: &ToolchainsFile) -> Result<Config, String> {
    let ToolchainsFile { path, is_named } = file;
    match fs::read_to_string(path) {
        Ok(text) => Config::parse(&text, path).map_err(|error| error.to_string()),
        Err(error) if error.kind() == ErrorKind::NotFound && !is_named => Ok(Config::default()),
        Err(error) => Err(format!("cannot read {}: {error}", path.display())),
    }
}

/// The compiler called so at a place.
pub(super) fn located(place: &Place, name: &OsStr) -> Option<Compiler> {
    let program = place.program(name.to_str()?)?;
    let root = match place {
        Place::Directory(_) => None,
        Place::Root(path) => Some(path.clone()),
    };
    Some(Compiler { root, place: Some(place.path().to_owned()), ..Compiler::here(program) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

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
            let found = offered.entries().into_iter().filter(|_| is_offered_name(OsStr::new(name)));
            let found = found.filter_map(|entry| located(&entry.place, OsStr::new(name)));
            let expected = expected.iter().map(|(root, program)| match *root {
                "" => {
                    let place = Some(house.path().join("tools"));
                    Compiler { place, ..Compiler::here(house.path().join(program)) }
                }
                root => {
                    let root = Some(house.path().join(root));
                    Compiler { root: root.clone(), place: root, ..Compiler::here(program.into()) }
                }
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
        let entries = offered.entries();
        assert_eq!(entries[0].target, Some("a".to_owned()));
        let wrong: Vec<String> =
            entries.iter().flat_map(|entry| problems_of(entry, Path::new("t.toml"))).collect();
        assert!(wrong.len() == 1 && wrong[0].starts_with("t.toml:6: "), "{wrong:?}");
        let names: BTreeSet<OsString> = entries.iter().flat_map(|entry| names_at(&entry.place)).collect();
        assert_eq!(names, ["a-gcc", "b-gcc", "gcc"].map(OsString::from).into());
    }

    #[tokio::test]
    async fn what_was_read_before_stays() {
        let house = house();
        let first = offered(house.path(), "multilib = true\n").unwrap();
        assert!(offered(house.path(), "multilib = 1\n").unwrap_err().contains("toolchains.toml:1: "));
        assert!(first.reload().await.unwrap_err().contains("toolchains.toml:1: "));
        assert!(first.config().multilib);
        fs::remove_file(&first.file.path).unwrap();
        assert!(first.reload().await.unwrap_err().contains("cannot read "));
        let absent = ToolchainsFile { path: first.file.path.clone(), is_named: false };
        assert!(Offered::new(absent).unwrap().config().toolchains.is_empty());
    }
}
