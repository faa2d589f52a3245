//! One job's view of the disk: which name is which file, and what it says. Knows no grammar.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::dialect::Dialect;
use crate::directive::Directives;
use crate::not_covered::NotCovered;
use crate::symbol::Symbols;

/// A directory that this job met.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct DirId(pub u32);

/// A file that this job found, by its canonical name. Dense from 0 within the job.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct FileId(pub u32);

/// Where a name led.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Found {
    /// The file.
    pub file: FileId,
    /// The directory it was found in: where its own `"..."` are looked for first.
    pub directory: DirId,
}

/// What the compiler says of `__has_attribute(x)` and its kin.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// The value in `#if`.
    Value(i64),
    /// It could not be asked.
    Unknown,
}

/// What this job has seen so far. What is found counts as used.
pub struct Sight<'a> {
    symbols: &'a Symbols,
    dialect: Dialect,
    directories: Vec<PathBuf>,
    files: Vec<PathBuf>,
    numbers: HashMap<PathBuf, FileId>,
}

impl<'a> Sight<'a> {
    /// A view from a working directory.
    pub fn new(symbols: &'a Symbols, dialect: Dialect, working_directory: PathBuf) -> Sight<'a> {
        let directories = vec![working_directory];
        Sight { symbols, dialect, directories, files: Vec::new(), numbers: HashMap::new() }
    }

    /// Where the compiler runs.
    pub fn working_directory(&self) -> DirId {
        DirId(0)
    }

    /// The handle of a directory, given as the command or the compiler spells it.
    pub fn directory(&mut self, spelling: &[u8]) -> DirId {
        let path = self.directories[0].join(OsStr::from_bytes(spelling));
        self.directories.push(path);
        DirId(u32::try_from(self.directories.len() - 1).expect("fewer than 2^32 directories"))
    }

    /// The regular file of that name below a directory (the name may be absolute, and may hold `/` and `..`).
    ///
    /// # Errors
    /// What is there cannot be promised to be the same on the server.
    pub fn find(&mut self, directory: DirId, name: &[u8]) -> Result<Option<Found>, NotCovered> {
        let path = self.directories[directory.0 as usize].join(OsStr::from_bytes(name));
        if !path.is_file() {
            return Ok(None);
        }
        let path = path.canonicalize().map_err(|error| NotCovered::new("unreadable", error.to_string()))?;
        let next = FileId(u32::try_from(self.files.len()).expect("fewer than 2^32 files"));
        let file = *self.numbers.entry(path.clone()).or_insert(next);
        if file == next {
            self.files.push(path.clone());
        }
        let parent = path.parent().unwrap_or(&path).to_path_buf();
        let known = self.directories.iter().position(|directory| *directory == parent);
        let index = known.unwrap_or_else(|| {
            self.directories.push(parent);
            self.directories.len() - 1
        });
        let directory = DirId(u32::try_from(index).expect("fewer than 2^32 directories"));
        Ok(Some(Found { file, directory }))
    }

    /// What a found file says.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn directives(&mut self, file: FileId) -> Result<Arc<Directives>, NotCovered> {
        let text = std::fs::read(&self.files[file.0 as usize])
            .map_err(|error| NotCovered::new("unreadable", error.to_string()))?;
        Ok(Arc::new(Directives::parse(&text, self.dialect, self.symbols)))
    }

    /// What the compiler says of a question such as `__has_attribute` with its argument.
    ///
    /// # Errors
    /// The compiler cannot be run.
    pub fn asks(&mut self, question: &str, argument: &[u8]) -> Result<Answer, NotCovered> {
        let _ = (question, argument);
        Ok(Answer::Unknown)
    }

    /// Whether the compiler has a macro of its own of that name, such as `__has_include`.
    ///
    /// # Errors
    /// The compiler cannot be run.
    pub fn knows(&mut self, name: &str) -> Result<bool, NotCovered> {
        Ok(matches!(name, "__has_include" | "__has_include_next" | "__has_attribute" | "__has_builtin"))
    }

    /// The canonical names of all files found so far.
    pub fn found(&self) -> &[PathBuf] {
        &self.files
    }
}
