//! Which compilers there are: finding them, telling them apart, masquerade links for them, and what an object file says
//! of the one that made it. Knows nothing of jobs, hosts or makepkg.

mod carry_out;
mod closure;
mod config;
mod config_edit;
mod daemon_path;
mod evidence;
#[cfg(test)]
mod fake_root;
mod find;
mod fingerprint;
mod hashes;
mod identity;
pub mod kept_file;
mod language;
mod linkage;
mod listing;
mod loader;
mod loader_cache;
mod machine;
mod maker;
mod masquerade;
mod memory;
mod namespaces;
mod native_flags;
mod native_specs;
mod native_words;
mod object_file;
mod places;
mod prints;
mod root;
mod sight;
mod stamp;

pub use config::{CONFIG, Config, ConfigError, Entry, Place, is_name};
pub use config_edit::{with_entry, without_entry};
pub use evidence::Evidence;
pub use find::{Compilers, Toolchain, find, names_a_compiler};
pub use fingerprint::{Fingerprint, NotAFingerprint};
pub use hashes::Hashes;
pub use identity::{Ask, Identity, Languages, Surroundings, identify};
pub use language::{Language, NotALanguage};
pub use loader_cache::LoaderCache;
pub use machine::Machine;
pub use maker::{Family, Maker};
pub use masquerade::{DIRECTORIES, Directory, Failure, Link, Plan, refresh, removal};
pub use memory::{Memory, machine_start};
pub use namespaces::{PERMIT_AROUND, Switch, forbidding, how_to_permit_namespaces};
pub use native_flags::native_words;
pub use native_specs::Processor;
pub use native_words::{Commands, Likeness};
pub use object_file::ObjectFile;
pub use places::PATH_IN_ROOT;
pub use prints::Prints;
pub use root::Root;
