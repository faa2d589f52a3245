//! One job after another: from a command to what it reads. Knows neither who asks nor where it is sent.

#[cfg(test)]
mod tests;

use crate::closure::Closure;
use crate::command::Words;
use crate::comparison;
use crate::compiler::Compilers;
use crate::memory::{Budget, Memory};
use crate::not_covered::NotCovered;
use crate::search;
use crate::sight::{DirId, Sight};
use crate::task::Task;
use crate::walk::{Scratch, walk};
use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// Finds out what compiles read, and remembers what it read for that. Many threads may scan at once.
pub struct Scanner {
    memory: RwLock<Arc<Memory>>,
    compilers: Compilers,
    scratches: Mutex<Vec<Scratch>>,
    budget: Budget,
}

/// A compile that someone wants to send elsewhere.
#[derive(Clone, Debug)]
pub struct Command {
    /// Where it runs: absolute, spelled as `$PWD` where that is right.
    pub directory: PathBuf,
    /// The real compiler's absolute path, then the user's words with every `@file` replaced by what it holds.
    pub words: Vec<OsString>,
    /// The whole environment with which the compiler is asked.
    pub environment: Vec<(OsString, OsString)>,
}

impl Scanner {
    /// A scanner that remembers nothing yet.
    pub fn new(budget: Budget) -> Scanner {
        Scanner {
            memory: RwLock::default(),
            compilers: Compilers::default(),
            scratches: Mutex::default(),
            budget,
        }
    }

    /// What the compile reads.
    ///
    /// # Errors
    /// [`NotCovered`]: no scan can promise it.
    pub fn scan(&self, command: &Command) -> Result<Closure, NotCovered> {
        self.look(command, Closure::of)
    }

    /// Canonical names of all files that the compile reads or probes for, the system's own among them.
    ///
    /// # Errors
    /// As [`Scanner::scan`].
    pub fn reads(&self, command: &Command) -> Result<Vec<PathBuf>, NotCovered> {
        self.look(command, |sight, _| {
            let names = sight.found().map(|file| OsString::from_vec(sight.places.file_name(file)).into());
            Ok(names.collect())
        })
    }

    /// The files that the compiler itself names with -M and that the closure lacks, canonical. Runs the compiler.
    ///
    /// # Errors
    /// The compiler cannot be run, or fails.
    pub fn compare(&self, command: &Command, closure: &Closure) -> io::Result<Vec<PathBuf>> {
        comparison::missing(command, closure)
    }

    /// About how many bytes are kept.
    pub fn memory(&self) -> usize {
        self.current().bytes()
    }

    /// Closes the directories that are held open from job to job, which keep file systems busy; the next job opens them
    /// again.
    pub fn rest(&self) {
        self.current().directories.forget();
    }

    fn current(&self) -> Arc<Memory> {
        Arc::clone(&self.memory.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn look<T>(
        &self,
        command: &Command,
        then: impl FnOnce(&mut Sight, &[DirId]) -> Result<T, NotCovered>,
    ) -> Result<T, NotCovered> {
        let words = Words::of(&command.words)?;
        let setting = self.compilers.setting(&words, &command.directory, &command.environment)?;
        let memory = self.current();
        let dialect = setting.own.dialect;
        let mut sight = Sight::new(&memory, dialect, &command.directory)?;
        sight.set_compiler(Arc::clone(&setting.own));
        let system = search::system_directories(&mut sight, &setting)?;
        let search = search::path(&mut sight, &setting)?;
        search::check_companions(&mut sight, &words)?;
        let predefined = setting.macros.macros(&memory);
        let leaves_out = words.leaves_out_the_system() || setting.own.is_clang;
        let named_for_it = |name: &OsString| name.as_bytes().ends_with(b"_INCLUDE_PATH");
        let adds_to_the_system =
            words.adds_to_the_system() || command.environment.iter().any(|(name, _)| named_for_it(name));
        let task = Task {
            source: words.source.as_os_str().as_bytes().to_vec(),
            macros: words.macros,
            imacros: words.imacros,
            include: words.include,
            predefined,
            dialect,
            search,
            adds_to_the_system,
        };
        let mut scratch = self.scratch();
        walk(&task, &memory.symbols, &mut sight, &mut scratch)?;
        if !leaves_out {
            search::find_what_gcc_includes(&mut sight, &task.search)?;
        }
        self.scratches.lock().unwrap_or_else(PoisonError::into_inner).push(scratch);
        let looked = then(&mut sight, &system);
        drop(sight);
        self.tidy(&memory);
        looked
    }

    fn scratch(&self) -> Scratch {
        self.scratches.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    /// Jobs that run keep the memory with which they began.
    fn tidy(&self, memory: &Arc<Memory>) {
        if memory.keep_within(self.budget) {
            return;
        }
        let mut current = self.memory.write().unwrap_or_else(PoisonError::into_inner);
        if Arc::ptr_eq(&current, memory) {
            *current = Arc::default();
            self.scratches.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
    }
}
