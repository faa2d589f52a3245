//! What a running job is doing, where monitors look for it: one small file per job. Knows no job's course.

mod directory;
mod process;
mod record;
mod task;

pub use directory::{Sighting, Sightings, read};
pub use record::{Record, mark_slot};
pub use task::{Phase, Task, WhyNot, decode, encode};
