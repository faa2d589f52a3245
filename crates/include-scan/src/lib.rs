//! Which files a compile reads: sources parsed once into directives, each unit evaluated. Knows no socket.

#![allow(dead_code, reason = "the walk that uses the names comes next")]

mod dialect;
mod directive;
mod not_covered;
mod sight;
mod symbol;
mod task;
mod walk;

pub use dialect::Dialect;
pub use directive::Directives;
pub use not_covered::NotCovered;
pub use sight::{Answer, DirId, FileId, Found, Sight};
pub use symbol::{Symbol, Symbols};
pub use task::{MacroWord, SearchDir, SearchPath, Task};
pub use walk::{Scratch, walk};
