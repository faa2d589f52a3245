//! What is at the places that toolchains.toml names: their compilers, and what is wrong with them. Runs nothing.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

use crate::config::{Config, ConfigError, Place};
use crate::find::{find, names_a_compiler};
use crate::root::Root;

impl Place {
    /// Names of the compilers there; those of a root that are on its search path, or where toolchains usually are.
    ///
    /// # Errors
    /// When there is no such directory, or it cannot be read.
    pub fn compilers(&self) -> io::Result<BTreeSet<String>> {
        match self {
            Place::Root(root) => {
                fs::read_dir(root)?;
                let found = find(&Root::open(root)?)?;
                let elsewhere = found.elsewhere.into_iter().flat_map(|toolchain| toolchain.names);
                Ok(found.on_path.into_iter().chain(elsewhere).collect())
            }
            Place::Directory(directory) => compilers_in(directory),
        }
    }
}

fn compilers_in(directory: &Path) -> io::Result<BTreeSet<String>> {
    let machine = Root::open(Path::new("/"))?;
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(directory)? {
        let Ok(name) = entry?.file_name().into_string() else { continue };
        if names_a_compiler(&name) && machine.is_program(&directory.join(&name))? {
            names.insert(name);
        }
    }
    Ok(names)
}

impl Config {
    /// Looks at all places; what is wrong comes with the line of the section and what to do.
    pub fn check(&self, file: &Path) -> Vec<ConfigError> {
        let wrong = self.toolchains.iter().filter_map(|entry| {
            let sentence = problem(&entry.place)?;
            Some(ConfigError::new(file, entry.line, &sentence))
        });
        wrong.collect()
    }
}

fn problem(place: &Place) -> Option<String> {
    let path = place.path().display();
    let of_root = matches!(place, Place::Root(_));
    let error = match place.compilers() {
        Ok(names) if !names.is_empty() => return None,
        Ok(_) if of_root => {
            return Some(format!("no compiler is inside {path}; install gcc there, as with arch-chroot"));
        }
        Ok(_) => {
            return Some(format!(
                "no compiler is in {path}; name the directory that holds TARGET-gcc, often its bin"
            ));
        }
        Err(error) => error,
    };
    Some(match error.kind() {
        io::ErrorKind::NotFound => format!("{path} is missing; make or mount it, or remove this section"),
        io::ErrorKind::NotADirectory => format!("{path} is no directory; name the directory that holds it"),
        io::ErrorKind::PermissionDenied => {
            format!(
                "{path} is closed to the user that runs distccd; `chmod a+rx` it and the directories above it"
            )
        }
        _ => format!("{path} cannot be looked at: {error}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Entry;
    use crate::fake_root::FakeRoot;

    #[test]
    fn places() {
        let fake = FakeRoot::with(&[
            "arch32/usr/bin/gcc*",
            "arch32/opt/x-tools/arm-none-eabi/bin/arm-none-eabi-gcc*",
            "empty/usr/bin/cc",
            "bin/a-b-c-gcc*",
            "bin/a-b-c-ld*",
            "no-bin/a-b-c-gcc",
            "file",
        ]);
        let check = |place: Place, names: &[&str], expected: Option<&str>| {
            let found = place.compilers().unwrap_or_default();
            assert_eq!(found.iter().map(String::as_str).collect::<Vec<_>>(), names, "{place:?}");
            let entry = Entry { name: "a".to_owned(), place: place.clone(), target: None, line: 7 };
            let config = Config { multilib: false, toolchains: vec![entry] };
            let path = place.path().display();
            let expected: Vec<String> = expected
                .iter()
                .map(|text| format!("t.toml:7: {}", text.replace("PATH", &path.to_string())))
                .collect();
            let found: Vec<String> =
                config.check(Path::new("t.toml")).iter().map(ToString::to_string).collect();
            assert_eq!(found, expected, "{place:?}");
        };
        let root = |path: &str| Place::Root(fake.path(path));
        let directory = |path: &str| Place::Directory(fake.path(path));
        let missing = "PATH is missing; make or mount it, or remove this section";
        let file = "PATH is no directory; name the directory that holds it";
        check(root("arch32"), &["arm-none-eabi-gcc", "gcc"], None);
        check(root("empty"), &[], Some("no compiler is inside PATH; install gcc there, as with arch-chroot"));
        check(root("nowhere"), &[], Some(missing));
        check(root("file"), &[], Some(file));
        check(directory("bin"), &["a-b-c-gcc"], None);
        let none = "no compiler is in PATH; name the directory that holds TARGET-gcc, often its bin";
        check(directory("no-bin"), &[], Some(none));
        check(directory("nowhere/bin"), &[], Some(missing));
        check(directory("file"), &[], Some(file));
    }
}
