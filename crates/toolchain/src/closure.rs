//! All files that do the compiling, and their fingerprint. What the compiler says of its parts is believed as far as
//! there are such files. Knows nothing of versions and targets.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::fingerprint::Fingerprint;
use crate::identity::{Asked, Languages, Surroundings};
use crate::loader::Loader;
use crate::maker::Family;
use crate::root::plain;
use crate::sight::Sight;

/// The parts of one compiler.
pub(crate) struct Closure<'a, 'root> {
    sight: &'a mut Sight<'root>,
    loader: Loader,
    around: &'a Surroundings,
    driver: PathBuf,
    /// What only the driver has in it: others only lead to it.
    mark: &'static str,
    programs: BTreeSet<PathBuf>,
    /// Files that are read, not run.
    settings: BTreeSet<PathBuf>,
    languages: Languages,
    /// Whether these may be all.
    complete: bool,
}

/// The language of a program of gcc's; others are for every language.
type Speaks = fn(&mut Languages) -> &mut bool;

/// What gcc runs to make an object; lto1 and collect2 work for the linker.
const PROGRAMS: &[(&str, Option<Speaks>)] = &[
    ("cc1", Some(|languages| &mut languages.c)),
    ("cc1plus", Some(|languages| &mut languages.cxx)),
    ("cc1obj", Some(|languages| &mut languages.objc)),
    ("cc1objplus", Some(|languages| &mut languages.objcxx)),
    ("as", None),
];

/// Files that clang names when it reads them.
const CONFIGURATION: &str = "Configuration file: ";

/// A configuration file may read others.
const LARGEST_SETTINGS: u64 = 1 << 20;

impl<'a, 'root> Closure<'a, 'root> {
    /// Of the driver alone.
    pub(crate) fn of(
        sight: &'a mut Sight<'root>,
        family: Family,
        driver: &Path,
        around: &'a Surroundings,
    ) -> io::Result<Closure<'a, 'root>> {
        Ok(Closure {
            loader: Loader::of(sight, &around.library_path)?,
            sight,
            around,
            driver: driver.to_owned(),
            mark: match family {
                Family::Gcc => "%(cc1_options)",
                Family::Clang => "unknown integrated tool '",
            },
            programs: BTreeSet::new(),
            settings: BTreeSet::new(),
            languages: Languages::default(),
            complete: true,
        })
    }

    /// Adds what gcc runs and reads, and remembers where it would look for more.
    pub(crate) fn gcc(&mut self, asked: &mut Asked) -> io::Result<()> {
        for (name, speaks) in PROGRAMS {
            let answer = asked.line(&[&format!("-print-prog-name={name}")])?;
            let found = match *name {
                "as" if !answer.contains('/') => self.on_search_path(&answer)?,
                _ => self.existing(&answer)?,
            };
            if let (Some(_), Some(speaks)) = (&found, speaks) {
                *speaks(&mut self.languages) = true;
            }
            self.programs.extend(found);
        }
        let plugin = self.existing(&asked.line(&["-print-file-name=liblto_plugin.so"])?)?;
        self.programs.extend(plugin);
        let specs = self.existing(&asked.line(&["-print-file-name=specs"])?)?;
        self.settings.extend(specs);
        // The words before `=` are translated: where it is installed, programs, libraries.
        let said = asked.words(&["-print-search-dirs"])?;
        let programs = said.lines().nth(1).and_then(|line| line.split_once('=')).map_or("", |(_, list)| list);
        let directories: BTreeSet<PathBuf> = programs
            .split(':')
            .filter(|path| path.starts_with('/'))
            .map(|path| plain(Path::new(path)))
            .collect();
        let mut absent: Option<&PathBuf> = None;
        for directory in directories.iter().take(50) {
            // What is in a directory that is not there need not be looked for; it comes behind it.
            if !absent.is_some_and(|absent| directory.starts_with(absent)) {
                let exists = self.sight.directory(directory)?;
                absent = (!exists).then_some(directory);
            }
        }
        Ok(())
    }

    /// Adds what clang reads. It compiles and assembles on its own.
    pub(crate) fn clang(&mut self, said: &str) -> io::Result<()> {
        self.languages = Languages { c: true, cxx: true, objc: true, objcxx: true };
        for file in said.lines().filter_map(|line| line.trim().strip_prefix(CONFIGURATION)) {
            let Some(file) = self.existing(file)? else { continue };
            let text = self.sight.bytes(&file, LARGEST_SETTINGS)?.unwrap_or_default();
            self.complete &= !text.contains(&b'@') && !text.windows(8).any(|word| word == b"--config");
            self.settings.insert(file);
        }
        let driver = self.sight.file(&self.driver)?;
        if let Some(directory) = driver.as_ref().and_then(|driver| driver.path.parent()) {
            self.sight.directory(directory)?;
        }
        self.sight.directory(Path::new("/etc/clang"))?;
        Ok(())
    }

    pub(crate) fn languages(&self) -> Languages {
        self.languages
    }

    /// Hashes names and contents of all parts and the libraries that the loader gives them: the same wherever they
    /// are. None when something hides what compiles.
    pub(crate) fn fingerprint(&mut self, target: &str) -> io::Result<Option<Fingerprint>> {
        let mut parts = BTreeSet::new();
        let mut libraries = BTreeSet::new();
        for program in self.programs.iter().chain([&self.driver]) {
            let Some(files) = self.loader.files(self.sight, program)? else { return Ok(None) };
            libraries.extend(files);
        }
        for path in libraries.iter().chain(&self.settings).filter(|path| **path != self.driver) {
            let Some(seen) = self.sight.file(path)? else { return Ok(None) };
            let name = seen.path.file_name().unwrap_or_default().to_owned();
            parts.insert((name, *self.sight.content(&seen, b"")?.0.as_bytes()));
        }
        let Some(driver) = self.sight.file(&self.driver)? else { return Ok(None) };
        let (hash, marked) = self.sight.content(&driver, self.mark.as_bytes())?;
        // It has many names, which mean the same.
        parts.insert((OsStr::new("driver").to_owned(), *hash.as_bytes()));
        let mut hasher = blake3::Hasher::new();
        hasher.update(format!("compiler for {target}\0").as_bytes());
        for (name, hash) in &parts {
            hasher.update(name.as_bytes()).update(b"\0").update(hash);
        }
        let certain = marked && self.complete && !self.sight.closed();
        Ok(certain.then(|| Fingerprint(*hasher.finalize().as_bytes())))
    }

    /// What the compiler calls one of its files, if there is such a file.
    fn existing(&mut self, answer: &str) -> io::Result<Option<PathBuf>> {
        let path = Path::new(answer);
        Ok((path.is_absolute() && self.sight.file(path)?.is_some()).then(|| path.to_owned()))
    }

    fn on_search_path(&mut self, name: &str) -> io::Result<Option<PathBuf>> {
        let around = self.around;
        for directory in std::env::split_paths(&around.search_path).filter(|path| path.is_absolute()) {
            let path = directory.join(name);
            match self.sight.root().is_program(&path) {
                // What is closed to us is closed to the compiler.
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => continue,
                Err(error) => return Err(error),
                Ok(is_program) => {
                    if self.sight.file(&path)?.is_some() && is_program {
                        return Ok(Some(path));
                    }
                }
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::Evidence;
    use crate::fake_root::FakeRoot;
    use crate::identity::{Identity, identify};
    use std::fs;
    use std::process::Command;
    use std::sync::OnceLock;

    /// A system with a compiler that compiles nothing: its programs are real ones for the loader.
    fn system() -> FakeRoot {
        static LINKED: OnceLock<(Vec<u8>, Vec<u8>)> = OnceLock::new();
        let (library, program) = LINKED.get_or_init(linked);
        let fake =
            FakeRoot::with(&["ld.so=loader", "usr/lib/libx.so", "usr/bin/as*", "gcc/cc1*", "gcc/driver*"]);
        fs::write(fake.path("usr/lib/libx.so"), library).unwrap();
        for name in ["gcc/driver", "gcc/cc1", "usr/bin/as"] {
            fs::write(fake.path(name), program).unwrap();
        }
        fake.add("usr/bin/gcc>/gcc/driver");
        fake
    }

    /// A library, and a program that needs it and has gcc's mark.
    fn linked() -> (Vec<u8>, Vec<u8>) {
        let place = FakeRoot::with(&["x.c=int x = 1;"]);
        let main = "extern int x; const char mark[] = \"%(cc1_options)\"; int _start(void) { return x; }";
        fs::write(place.path("main.c"), main).unwrap();
        let gcc = |words: &[&str], output: &str| {
            let mut command = Command::new("gcc");
            command.current_dir(place.path("")).args(["-nostdlib", "-fPIC"]).args(words).args(["-o", output]);
            assert!(command.status().unwrap().success(), "{words:?}");
            fs::read(place.path(output)).unwrap()
        };
        let library = gcc(&["-shared", "x.c", "-Wl,-soname,libx.so"], "libx.so");
        let program = gcc(&["main.c", "-pie", "-Wl,--dynamic-linker=/ld.so", "libx.so"], "main");
        (library, program)
    }

    fn answer(fake: &FakeRoot, words: &[&OsStr]) -> String {
        let question = words[0].to_str().unwrap();
        if let Some((_, name)) = question.split_once("-name=") {
            let path = format!("/gcc/{name}");
            return if fake.path(&path[1..]).exists() { path } else { name.to_owned() };
        }
        match question {
            "--version" => "gcc (Test) 1.2.3\nCopyright (C) 2022 Free Software Foundation, Inc.\n",
            "-dumpmachine" => "a-b-c\n",
            "-dumpfullversion" => "1.2.3\n",
            "-print-search-dirs" => "install: /gcc/\nprograms: =/gcc/:/gcc/../a-b-c/bin/\nlibraries: =/\n",
            _ => "?",
        }
        .to_owned()
    }

    fn identified(fake: &FakeRoot) -> io::Result<(Identity, Evidence)> {
        let around = Surroundings {
            search_path: "/usr/local/bin:relative:/usr/bin".into(),
            library_path: "/usr/local/lib".into(),
            ..Surroundings::default()
        };
        let mut ask = |words: &[&OsStr]| Ok(answer(fake, words).into_bytes());
        identify(&fake.root(), Path::new("/usr/bin/gcc"), &around, &mut ask)
    }

    #[derive(Debug, PartialEq)]
    enum Then {
        /// Nobody need ask again.
        Holds,
        /// It has to be asked again, and is the same.
        Same,
        Another,
        /// Who knows what compiles.
        Unknown,
    }
    use Then::{Another, Holds, Same, Unknown};

    #[track_caller]
    fn check(change: impl Fn(&FakeRoot), expected: &Then) {
        let fake = system();
        let (before, evidence) = identified(&fake).unwrap();
        assert!(before.fingerprint.is_some(), "{before:?}");
        assert_eq!(before.languages.to_string(), "c");
        change(&fake);
        let holds = evidence.still_holds(&fake.root());
        let then = match identified(&fake).unwrap().0.fingerprint {
            None => Unknown,
            after if after != before.fingerprint => Another,
            _ if holds => Holds,
            _ => Same,
        };
        assert_eq!((&then, holds), (expected, *expected == Holds));
    }

    fn moved(from: &str, to: &str) -> impl Fn(&FakeRoot) {
        move |fake| {
            fs::create_dir_all(fake.path(to).parent().unwrap()).unwrap();
            fs::rename(fake.path(from), fake.path(to)).unwrap();
        }
    }

    fn copied(from: &str, to: &str, behind: &'static [u8]) -> impl Fn(&FakeRoot) {
        move |fake| {
            let bytes = [&fs::read(fake.path(from)).unwrap(), behind].concat();
            fake.add(&format!("{to}*"));
            fs::write(fake.path(to), bytes).unwrap();
        }
    }

    #[test]
    fn changes() {
        check(|_| {}, &Holds);
        check(|fake| fake.add("usr/bin/another*"), &Holds);
        check(copied("gcc/cc1", "gcc/cc1", b"\n"), &Another);
        check(copied("gcc/driver", "gcc/driver", b"\n"), &Another);
        check(copied("usr/bin/as", "usr/bin/as", b"\n"), &Another);
        check(copied("usr/lib/libx.so", "usr/lib/libx.so", b"\n"), &Another);
        check(|fake| fake.add("ld.so=other"), &Another);
    }

    #[test]
    fn additions() {
        check(copied("gcc/cc1", "gcc/cc1plus", b""), &Another);
        check(|fake| fake.add("gcc/specs=text"), &Another);
        check(|fake| fake.add("a-b-c/bin/as*"), &Same);
        check(copied("usr/bin/as", "usr/local/bin/as", b""), &Same);
        check(copied("usr/bin/as", "usr/local/bin/as", b"\n"), &Another);
        check(copied("usr/lib/libx.so", "usr/local/lib/libx.so", b"\n"), &Another);
        check(|fake| fake.add("usr/local/lib/libx.so=for another machine"), &Same);
    }

    #[test]
    fn places() {
        check(moved("usr/lib/libx.so", "lib64/libx.so"), &Same);
        check(
            |fake| {
                moved("gcc/driver", "elsewhere/gcc")(fake);
                moved("usr/bin/gcc", "old-link")(fake);
                fake.add("usr/bin/gcc>../../elsewhere/gcc");
            },
            &Same,
        );
    }

    #[test]
    fn what_hides_the_compiler() {
        check(|fake| fs::remove_file(fake.path("usr/lib/libx.so")).unwrap(), &Unknown);
        check(|fake| fs::remove_file(fake.path("ld.so")).unwrap(), &Unknown);
        check(|fake| fake.add("usr/local/bin/as*"), &Unknown);
        check(|fake| fake.add("gcc/cc1plus=#!/bin/sh"), &Unknown);
        check(
            |fake| {
                moved("usr/bin/gcc", "old-link")(fake);
                fake.add("usr/bin/gcc*");
            },
            &Unknown,
        );
        let without_mark = |fake: &FakeRoot| {
            let text = fs::read(fake.path("gcc/driver")).unwrap();
            let at = memchr::memmem::find(&text, b"cc1_options").unwrap();
            fs::write(fake.path("gcc/driver"), [&text[..at], b"xxx", &text[at + 3..]].concat()).unwrap();
        };
        check(without_mark, &Unknown);
    }

    #[test]
    fn no_compiler() {
        let fake = system();
        fs::remove_file(fake.path("gcc/driver")).unwrap();
        assert_eq!(identified(&fake).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
