//! What a running job is doing, where monitors look for it: one small file per client process. Knows no job's course.

mod record;
mod task;

pub use record::Record;
pub use task::{Phase, Task, WhyNot, decode, encode};
