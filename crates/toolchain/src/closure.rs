//! All files that do the compiling, and what they make of it in each language. What the compiler says of its parts is believed as far as
//! there are such files. Knows nothing of versions and targets.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::hashes::{Content, Mark};
use crate::identity::{Asked, Languages, Surroundings};
use crate::language::Language;
use crate::loader::Loader;
use crate::maker::Family;
use crate::prints::{Part, Prints, is_general};
use crate::root::plain;
use crate::sight::Sight;

/// The parts of one compiler.
pub(crate) struct Closure<'a, 'root> {
    sight: &'a mut Sight<'root>,
    loader: Loader,
    around: &'a Surroundings,
    family: Family,
    driver: PathBuf,
    /// For every language.
    programs: BTreeSet<PathBuf>,
    /// For one each, which there is no other for.
    compilers: BTreeMap<Language, Option<PathBuf>>,
    /// Files that are read, not run.
    settings: BTreeSet<PathBuf>,
    /// Whether these may be all.
    complete: bool,
    /// What has been read, by the paths by which it was looked for.
    read: BTreeMap<PathBuf, Part>,
}

/// What gcc runs in front of the assembler; collect2, lto1 and their plugin work for the linker, and what runs objcopy is
/// never sent.
const COMPILERS: &[(&str, Language)] = &[
    ("cc1", Language::C),
    ("cc1plus", Language::Cxx),
    ("cc1obj", Language::ObjC),
    ("cc1objplus", Language::ObjCxx),
];

/// Files that clang names when it reads them.
const CONFIGURATION: &str = "Configuration file: ";

/// Where it looks for them, in front of the directory that it is in: that of the system, or of the user.
const CONFIGURATIONS: &str = " configuration file directory: ";

/// Nobody compiles for more targets.
const MOST_SETTINGS: usize = 200;

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
            family,
            driver: driver.to_owned(),
            programs: BTreeSet::new(),
            compilers: BTreeMap::new(),
            settings: BTreeSet::new(),
            complete: true,
            read: BTreeMap::new(),
        })
    }

    /// Adds what gcc runs and reads, and remembers where it would look for more.
    pub(crate) fn gcc(&mut self, asked: &mut Asked) -> io::Result<()> {
        for (name, language) in COMPILERS {
            if let Some(found) = self.existing(&asked.line(&[&format!("-print-prog-name={name}")])?)? {
                self.compilers.insert(*language, Some(found));
            }
        }
        let assembler = asked.line(&["-print-prog-name=as"])?;
        let found = match assembler.contains('/') {
            true => self.existing(&assembler)?,
            false => self.on_search_path(&assembler)?,
        };
        self.programs.extend(found);
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

    /// Adds what clang reads, by what it said of that, and remembers where it would look for more. It compiles and
    /// assembles on its own.
    pub(crate) fn clang(&mut self, said: &str) -> io::Result<()> {
        self.compilers = Language::ALL.into_iter().map(|language| (language, None)).collect();
        for line in said.lines().map(str::trim) {
            if let Some(file) = line.strip_prefix(CONFIGURATION) {
                if let Some(file) = self.existing(file)? {
                    self.setting(file)?;
                }
            } else if let Some((_, directory)) = line.split_once(CONFIGURATIONS)
                && directory.starts_with('/')
            {
                self.settings_in(&plain(Path::new(directory)))?;
            }
        }
        let driver = self.sight.file(&self.driver)?;
        if let Some(directory) = driver.as_ref().and_then(|driver| driver.path.parent()) {
            self.settings_in(directory)?;
        }
        Ok(())
    }

    /// Adds all settings in a directory: which of them are read, the target in a job's words decides, too.
    fn settings_in(&mut self, directory: &Path) -> io::Result<()> {
        if !self.sight.directory(directory)? {
            return Ok(());
        }
        let mut names = self.sight.root().names(directory)?;
        names.retain(|name| name.as_bytes().ends_with(b".cfg"));
        self.complete &= names.len() <= MOST_SETTINGS;
        names.iter().take(MOST_SETTINGS).try_for_each(|name| self.setting(directory.join(name)))
    }

    /// Adds one, if it is a file, and looks whether it names others: those need not be among the ones that are known.
    fn setting(&mut self, file: PathBuf) -> io::Result<()> {
        if let Some(text) = self.sight.bytes(&file, LARGEST_SETTINGS)? {
            self.complete &= !text.contains(&b'@') && !text.windows(8).any(|word| word == b"--config");
            self.settings.insert(file);
        }
        Ok(())
    }

    /// The languages, each with what names and contents of all its parts and the libraries that the loader gives them
    /// make of it: the same wherever they are. Without that where something hides what compiles.
    pub(crate) fn languages(&mut self, target: &str) -> io::Result<Languages> {
        let driver = self.driver()?;
        let mut languages = Languages::new();
        for language in self.compilers.keys().copied().collect::<Vec<_>>() {
            let parts = match &driver {
                Some((driver, takes_c_for_cxx)) => {
                    let spoken = if *takes_c_for_cxx { language.under_a_cxx_driver() } else { language };
                    self.parts(driver, spoken)?
                }
                None => None,
            };
            languages.insert(language, parts.map(|parts| Prints::of(target, &parts)));
        }
        let certain = self.complete && !self.sight.closed();
        languages.values_mut().filter(|_| !certain).for_each(|prints| *prints = None);
        Ok(languages)
    }

    /// It has many names, which mean the same, but for g++, which takes C for C++ by any name. None without the mark
    /// that only a driver has in it: others only lead to one.
    fn driver(&mut self) -> io::Result<Option<(Part, bool)>> {
        let mark = if self.family == Family::Gcc { Mark::Gcc } else { Mark::Clang };
        let Some(seen) = self.sight.file(&self.driver)? else { return Ok(None) };
        let Content { hash, marked } = self.sight.content(&seen, mark)?;
        let real_name = seen.path.file_name().unwrap_or_default().to_string_lossy();
        let part = Part { name: "driver".into(), hash, is_general: false };
        Ok(marked.then(|| (part, self.family == Family::Gcc && real_name.contains("++"))))
    }

    /// All that compiles one language; none when the loader would miss something.
    fn parts(&mut self, driver: &Part, language: Language) -> io::Result<Option<BTreeSet<Part>>> {
        let compiler = self.compilers.get(&language).and_then(Option::as_ref);
        let programs: Vec<&PathBuf> = self.programs.iter().chain(compiler).chain([&self.driver]).collect();
        let mut files = self.settings.clone();
        for program in programs {
            let Some(loaded) = self.loader.files(self.sight, program)? else { return Ok(None) };
            files.extend(loaded);
        }
        files.remove(&self.driver);
        let mut parts = BTreeSet::from([driver.clone()]);
        for path in files {
            let Some(part) = self.part(&path)? else { return Ok(None) };
            parts.insert(part);
        }
        Ok(Some(parts))
    }

    fn part(&mut self, path: &Path) -> io::Result<Option<Part>> {
        if let Some(part) = self.read.get(path) {
            return Ok(Some(part.clone()));
        }
        let Some(seen) = self.sight.file(path)? else { return Ok(None) };
        let part = Part {
            name: seen.path.file_name().unwrap_or_default().to_owned(),
            hash: self.sight.content(&seen, Mark::None)?.hash,
            is_general: path.file_name().is_some_and(|name| is_general(self.family, name)),
        };
        self.read.insert(path.to_owned(), part.clone());
        Ok(Some(part))
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
