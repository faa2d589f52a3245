//! What a running job is doing, where monitors look for it: one small file per job. Knows no job's course.

mod directory;
mod process;
mod record;
mod slot_record;
mod task;

pub use directory::{Reader, Sighting, Sightings};
pub use record::Record;
pub use slot_record::SlotRecord;
pub use task::{Phase, Task, WhyNot, decode, encode};
