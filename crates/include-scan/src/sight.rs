//! One job's view of the disk: which name is which file, and what it says. Knows no grammar.

#[cfg(test)]
mod tests;

use crate::compiler::Answer as Compiler;
use crate::dialect::Dialect;
use crate::directive::Directives;
use crate::files::KeptFile;
use crate::memory::Memory;
use crate::not_covered::NotCovered;
use crate::places::{Places, Target};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

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
    memory: &'a Memory,
    dialect: Dialect,
    compiler: Option<Arc<Compiler>>,
    pub(crate) places: Places<'a>,
    working_directory: DirId,
    /// By [`FileId`]: None where a file was only probed for.
    files: Vec<Option<Arc<KeptFile>>>,
    found: Vec<bool>,
}

impl<'a> Sight<'a> {
    /// A view from a working directory, as the job spells it (absolute).
    ///
    /// # Errors
    /// There is no such directory.
    pub fn new(memory: &'a Memory, dialect: Dialect, directory: &Path) -> Result<Sight<'a>, NotCovered> {
        let mut places = Places::new(&memory.directories)?;
        let root = DirId(0);
        let Target::Directory(working_directory) = places.go(root, directory.as_os_str().as_bytes())? else {
            return Err(NotCovered::new("directory", format!("{} is no directory", directory.display())));
        };
        places.declare_needed(working_directory);
        let (files, found) = (Vec::new(), Vec::new());
        Ok(Sight { memory, dialect, compiler: None, places, working_directory, files, found })
    }

    /// Whom to ask.
    pub(crate) fn set_compiler(&mut self, compiler: Arc<Compiler>) {
        self.compiler = Some(compiler);
    }

    /// Where the compiler runs.
    pub fn working_directory(&self) -> DirId {
        self.working_directory
    }

    /// The directory that the command names, which must then exist on the server, too. None if there is none.
    ///
    /// # Errors
    /// It cannot be looked at.
    pub fn directory(&mut self, spelling: &[u8]) -> Result<Option<DirId>, NotCovered> {
        let Target::Directory(directory) = self.places.go(self.working_directory, spelling)? else {
            return Ok(None);
        };
        self.places.declare_needed(directory);
        Ok(Some(directory))
    }

    /// A directory that no other machine has to reach by this name.
    pub(crate) fn own_directory(&mut self, spelling: &[u8]) -> Result<Option<DirId>, NotCovered> {
        let target = self.places.go_unnoticed(self.working_directory, spelling)?;
        Ok(if let Target::Directory(directory) = target { Some(directory) } else { None })
    }

    /// The regular file of that name below a directory (the name may be absolute, and may hold `/` and `..`).
    ///
    /// # Errors
    /// What is there cannot be promised to be the same on the server.
    pub fn find(&mut self, directory: DirId, name: &[u8]) -> Result<Option<Found>, NotCovered> {
        let arrival = self.places.arrive(directory, name)?;
        let file = match arrival.to {
            Target::Nothing | Target::Directory(_) => {
                if self.compiler.as_ref().is_some_and(|compiler| !compiler.is_clang) {
                    self.check_precompiled(directory, name)?;
                }
                return Ok(None);
            }
            Target::Odd => {
                let name = name.escape_ascii();
                return Err(NotCovered::new("not-a-file", format!("{name} is neither file nor directory")));
            }
            Target::File(file) => file,
        };
        let at = file.0 as usize;
        if self.found.len() <= at {
            self.found.resize(at + 1, false);
            self.files.resize(at + 1, None);
        }
        if !self.found[at] {
            self.found[at] = true;
            self.check_precompiled(directory, name)?;
        }
        Ok(Some(Found { file, directory: arrival.at }))
    }

    /// gcc prefers NAME.gch to NAME, and needs no NAME for it.
    fn check_precompiled(&mut self, directory: DirId, name: &[u8]) -> Result<(), NotCovered> {
        let sibling = [name, b".gch"].concat();
        match self.places.go_unnoticed(directory, &sibling)? {
            Target::Nothing => Ok(()),
            _ => {
                let sibling = sibling.escape_ascii();
                Err(NotCovered::new("precompiled-header", format!("{sibling} stands beside its header")))
            }
        }
    }

    /// What a found file says.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn directives(&mut self, file: FileId) -> Result<Arc<Directives>, NotCovered> {
        let kept = self.kept(file, true)?;
        if let Some(directives) = kept.directives(self.dialect) {
            return Ok(directives);
        }
        let name = self.places.file_name(file);
        self.memory.files.read_again(&kept, &name, self.dialect, &self.memory.symbols)
    }

    /// A found file as this job has read it. `to_scan`: more than its body will be asked for.
    pub(crate) fn kept(&mut self, file: FileId, to_scan: bool) -> Result<Arc<KeptFile>, NotCovered> {
        let at = file.0 as usize;
        if let Some(kept) = &self.files[at] {
            return Ok(Arc::clone(kept));
        }
        let with_body = !self.is_system(file);
        let kept = match self.memory.files.kept(self.places.stamp_of(file), with_body) {
            Some(kept) => kept,
            None => {
                let reading = to_scan.then_some((self.dialect, &self.memory.symbols));
                self.memory.files.read(&self.places.file_name(file), with_body, reading)?
            }
        };
        self.files[at] = Some(Arc::clone(&kept));
        Ok(kept)
    }

    /// True for files that the server has, too.
    pub(crate) fn is_system(&self, file: FileId) -> bool {
        self.places.is_system(self.places.directory_of(file))
    }

    /// What the compiler says of a question such as `__has_attribute` with its argument.
    ///
    /// # Errors
    /// None at present: a compiler that cannot be run does not know.
    pub fn asks(&mut self, question: &str, argument: &[u8]) -> Result<Answer, NotCovered> {
        let value = self.compiler.as_ref().and_then(|compiler| compiler.features.value(question, argument));
        Ok(value.map_or(Answer::Unknown, Answer::Value))
    }

    /// Whether the compiler has a macro of its own of that name, such as `__has_include`.
    ///
    /// # Errors
    /// None at present.
    pub fn knows(&mut self, name: &str) -> Result<bool, NotCovered> {
        Ok(self.compiler.as_ref().is_some_and(|compiler| compiler.features.knows(name)))
    }

    /// All files found so far.
    pub(crate) fn found(&self) -> impl Iterator<Item = FileId> {
        (0..).zip(&self.found).filter(|(_, found)| **found).map(|(number, _)| FileId(number))
    }
}
