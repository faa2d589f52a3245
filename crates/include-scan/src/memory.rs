//! What is kept from job to job, within a bound. Knows no job.

use crate::directories::Directories;
use crate::files::Files;
use crate::symbol::Symbols;

/// How much a scanner may keep.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Directives, packed bodies, listings and spellings together. What running jobs use comes on top.
    pub bytes: usize,
}

/// Files, directories and spellings that were met.
#[derive(Default)]
pub struct Memory {
    pub(crate) symbols: Symbols,
    pub(crate) files: Files,
    pub(crate) directories: Directories,
}

impl Memory {
    /// About how many bytes it takes.
    pub fn bytes(&self) -> usize {
        self.symbols.memory() + self.files.memory() + self.directories.memory()
    }

    /// Lets go of what was not used for longest. False when that cannot help: spellings are never forgotten singly, so that
    /// with too many of them a new memory must begin.
    pub(crate) fn keep_within(&self, budget: Budget) -> bool {
        if self.bytes() <= budget.bytes {
            return true;
        }
        if self.symbols.memory() > budget.bytes / 2 {
            return false;
        }
        if self.directories.memory() > budget.bytes / 8 {
            self.directories.forget();
        }
        let others = self.symbols.memory() + self.directories.memory();
        // Down to three quarters, so that not every job must sort all files by age.
        self.files.shrink((budget.bytes / 4 * 3).saturating_sub(others));
        true
    }
}
