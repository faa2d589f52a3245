//! Who may take a job: the list of hosts, their slots and their back-off. Knows nothing of what a job is or how it is sent.

mod backoff;
mod candidates;
mod choose;
mod discovered;
mod host;
mod host_list;
mod lock_file;
mod queue;
mod signals;
mod slot;
mod sources;
mod spec;
mod text_only;
mod watch;

pub use backoff::Backoff;
pub use choose::{Choice, Pool, take, take_here};
pub use discovered::{Watcher, discovered};
pub use host::{Host, Place};
pub use host_list::HostList;
pub use slot::{LockDir, Slot};
pub use sources::{ListError, complete, load};
pub use text_only::TextOnly;
