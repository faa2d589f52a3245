//! What is at the places that toolchains.toml names: their compilers, and what is wrong with them. Runs nothing.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::config::{Config, ConfigError, Place};
use crate::find::names_a_compiler;
use crate::root::Root;

/// Where programs are looked for in another root than ours, whose PATH says nothing about it.
pub const PATH_IN_ROOT: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

impl Place {
    /// Names of the compilers there that a daemon may run.
    ///
    /// # Errors
    /// When there is no such directory, or it cannot be read.
    pub fn compilers(&self) -> io::Result<BTreeSet<String>> {
        fs::read_dir(self.path())?;
        let root = self.root()?;
        let mut names = BTreeSet::new();
        for directory in self.directories() {
            let there = root.names(&directory)?.into_iter().filter_map(|name| name.into_string().ok());
            names.extend(there.filter(|name| names_a_compiler(name)));
        }
        names.retain(|name| self.found(&root, name).is_some());
        Ok(names)
    }

    /// The compiler called so, as it is seen from inside the place's root; none if `name` is that of no compiler.
    pub fn program(&self, name: &str) -> Option<PathBuf> {
        // A name with a slash would lead elsewhere.
        let may_be = names_a_compiler(name) && !name.contains('/');
        self.found(&self.root().ok().filter(|_| may_be)?, name)
    }

    fn found(&self, root: &Root, name: &str) -> Option<PathBuf> {
        let programs = self.directories().into_iter().map(|directory| directory.join(name));
        programs
            .into_iter()
            .find(|program| root.is_program(program).unwrap_or(false) && !leads_to_distcc(root, program))
    }

    fn root(&self) -> io::Result<Root> {
        Root::open(match self {
            Place::Root(path) => path,
            Place::Directory(_) => Path::new("/"),
        })
    }

    fn directories(&self) -> Vec<PathBuf> {
        match self {
            Place::Root(_) => std::env::split_paths(PATH_IN_ROOT).collect(),
            Place::Directory(directory) => vec![directory.clone()],
        }
    }
}

/// Such a link would send a job round in a circle.
fn leads_to_distcc(root: &Root, program: &Path) -> bool {
    let real = root.behind_links(program).ok().flatten();
    real.is_none_or(|real| real.file_name().is_some_and(|name| name.to_string_lossy().contains("distcc")))
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
            "arch32/bin>usr/bin",
            "arch32/usr/bin/cc>/bin/gcc",
            "arch32/usr/bin/distcc*",
            "arch32/usr/bin/objcopy*",
            "arch32/usr/local/bin/gcc>/usr/bin/distcc",
            "arch32/usr/local/bin/g++>/usr/bin/distcc",
            "arch32/usr/sbin/arm-none-eabi-gcc*",
            "arch32/opt/x-tools/b-none-eabi/bin/b-none-eabi-gcc*",
            "arch32/usr/bin/out-gcc>../../../bin/a-b-c-gcc",
            "empty/usr/bin/cc",
            "bin/a-b-c-gcc*",
            "bin/a-b-c-ld*",
            "bin/to-us-gcc>../arch32/usr/bin/distcc",
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
        check(root("arch32"), &["arm-none-eabi-gcc", "cc", "gcc"], None);
        check(root("empty"), &[], Some("no compiler is inside PATH; install gcc there, as with arch-chroot"));
        check(root("nowhere"), &[], Some(missing));
        check(root("file"), &[], Some(file));
        check(directory("bin"), &["a-b-c-gcc"], None);
        let none = "no compiler is in PATH; name the directory that holds TARGET-gcc, often its bin";
        check(directory("no-bin"), &[], Some(none));
        check(directory("nowhere/bin"), &[], Some(missing));
        check(directory("file"), &[], Some(file));
    }
    #[test]
    fn programs() {
        let fake = FakeRoot::with(&[
            "root/usr/bin/gcc*",
            "root/usr/bin/sh*",
            "root/usr/local/bin/gcc>/usr/bin/distcc",
            "root/usr/bin/distcc*",
            "root/usr/local/bin/clang*",
            "root/usr/bin/clang*",
            "distcc-tools/a-gcc*",
        ]);
        let check = |place: Place, name: &str, expected: Option<PathBuf>| {
            assert_eq!(place.program(name), expected, "{name}");
        };
        let inside = |path: &str| Some(PathBuf::from(path));
        let (root, tools) = (Place::Root(fake.path("root")), Place::Directory(fake.path("distcc-tools")));
        check(root.clone(), "gcc", inside("/usr/bin/gcc"));
        check(root.clone(), "clang", inside("/usr/local/bin/clang"));
        check(tools, "a-gcc", Some(fake.path("distcc-tools/a-gcc")));
        for none in ["sh", "../bin/gcc", "/usr/bin/gcc", "./gcc", ""] {
            check(root.clone(), none, None);
        }
    }
}
