//! Hosts that are reached through ssh: that they compile, what is said when they cannot, and that nothing of it stays.
//! Knows nothing of how the client does it.

mod compiling;
mod ending;
mod failing;
mod host;
