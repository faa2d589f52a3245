//! What jobs are doing and what became of them, where monitors look for it. Knows no job's course.

mod counts;
mod directory;
mod process;
mod record;
mod slot_record;
mod tally;
mod tally_file;
mod task;

pub use counts::{Counts, HostCount};
pub use directory::{Reader, Sighting, Sightings};
pub use record::Record;
pub use slot_record::SlotRecord;
pub use tally::{Entry, Outcome};
pub use tally_file::Tally;
pub use task::{Phase, Task, WhyNot, decode, encode};
