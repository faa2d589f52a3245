//! Which files a compile reads: sources parsed once into directives, each unit evaluated. Knows no socket.
//!
//! | file | what it holds |
//! |---|---|
//! | `scanner.rs` | [`Scanner`]: one job after another, from a command to its [`Closure`] |
//! | `command.rs` | a command's words, sorted by what they change |
//! | `compiler.rs`, `predefined.rs`, `features.rs`, `usual_questions.rs` | what compilers say about themselves, asked once |
//! | `question.rs`, `search_list.rs`, `dialects.rs` | one run of a compiler, and how its answers are read |
//! | `search.rs` | where one job looks for headers |
//! | `walk.rs`, `task.rs`, `enter.rs`, `lookup.rs`, `doubt.rs` | one translation unit, evaluated |
//! | `table.rs`, `macros.rs`, `argument.rs`, `paste.rs`, `expression.rs`, `number.rs`, `command_line.rs` | its macros and conditions |
//! | `directive.rs`, `definition.rs`, `pragma.rs`, `operator.rs`, `alarm.rs`, `dialect.rs` | a file as its directives |
//! | `lines.rs`, `opening.rs`, `splice.rs`, `lexer.rs`, `token.rs`, `symbol.rs` | bytes as lines, lines as tokens |
//! | `sight.rs`, `places.rs` | one job's view of the disk |
//! | `memory.rs`, `files.rs`, `directories.rs`, `stamp.rs` | what is kept from job to job, and while what holds |
//! | `closure.rs` | what is sent |
//! | `comparison.rs` | the compiler's own -M against it |

mod alarm;
mod argument;
mod closure;
mod command;
mod command_line;
mod comparison;
mod compiler;
mod definition;
mod dialect;
mod dialects;
mod directive;
mod directories;
mod doubt;
mod enter;
mod expression;
mod features;
mod files;
mod lexer;
mod lines;
mod lookup;
mod macros;
mod memory;
mod not_covered;
mod number;
mod opening;
mod operator;
mod paste;
mod places;
mod pragma;
mod predefined;
mod question;
mod scanner;
mod search;
mod search_list;
mod sight;
mod splice;
mod stamp;
mod symbol;
mod table;
mod task;
mod token;
mod usual_questions;
mod walk;

pub use closure::{Closure, Entry};
pub use dialect::Dialect;
pub use directive::Directives;
pub use memory::{Budget, Memory};
pub use not_covered::NotCovered;
pub use scanner::{Command, Scanner};
pub use sight::{Answer, DirId, FileId, Found, Sight};
pub use symbol::{Symbol, Symbols};
pub use task::{MacroWord, SearchDir, SearchPath, Task};
pub use walk::{Scratch, walk};
