//! Thousands of jobs, hundreds at once, and clients that mean no good: what is left of them, and what it costs meanwhile.
//! Knows nothing of what is compiled.

mod crowd;
mod daemon;
mod memory;
mod row;
mod under_systemd;
mod wire;
