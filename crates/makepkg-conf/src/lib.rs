//! makepkg.conf as text that can be read and edited without losing a byte. Knows no file, no process and no bash.

mod array_edit;
mod chain;
mod conf;
mod edit;
mod gaps;
mod grammar;
mod make_flags;
mod outline;
mod quote;
mod refusal;
mod take_back;
mod tree;
mod word;

pub use conf::{Assignment, Conf};
pub use make_flags::{Jobs, MakeFlags};
pub use quote::assignment;
pub use refusal::Refusal;
pub use take_back::take_back;
