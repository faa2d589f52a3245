//! Daemons that say where they are: announcing one, and finding them (DNS-SD over multicast DNS, through Avahi where it
//! runs). Knows nothing of host lists, jobs or compilers' work.

mod address;
mod announce;
mod avahi;
mod browse;
mod compiler;
mod mdns;
mod service;
mod sightings;

pub use address::Address;
pub use announce::{Progress, announce};
pub use browse::{View, follow};
pub use compiler::Compiler;
pub use service::{Announcement, Reach, SERVICE_TYPE, Service, Traits};
