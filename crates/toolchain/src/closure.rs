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

/// What gcc runs: the first four take a source each.
const PROGRAMS: &[(&str, Option<Speaks>)] = &[
    ("cc1", Some(|languages| &mut languages.c)),
    ("cc1plus", Some(|languages| &mut languages.cxx)),
    ("cc1obj", Some(|languages| &mut languages.objc)),
    ("cc1objplus", Some(|languages| &mut languages.objcxx)),
    ("as", None),
    ("lto1", None),
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
                Family::Clang => "-cc1gen-reproducer",
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
        directories.iter().take(50).try_for_each(|directory| self.sight.directory(directory))
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
        self.sight.directory(Path::new("/etc/clang"))
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
            if self.sight.file(&path)?.is_some() && self.sight.root().is_program(&path)? {
                return Ok(Some(path));
            }
        }
        Ok(None)
    }
}
