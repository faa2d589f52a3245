//! Which compilers there are: finding them, masquerade links for them, and what an object file says of the one that
//! made it. Knows nothing of jobs, hosts or makepkg.

mod carry_out;
mod daemon_path;
#[cfg(test)]
mod fake_root;
mod find;
mod listing;
mod maker;
mod masquerade;
mod native_flags;
mod object_file;
mod root;

pub use find::{Compilers, Toolchain, find};
pub use maker::{Family, Maker};
pub use masquerade::{DIRECTORIES, Directory, Failure, Link, Plan, refresh, removal};
pub use native_flags::native_words;
pub use object_file::ObjectFile;
pub use root::Root;
