//! What the scanner says that a compile reads is what gcc and clang were seen to read. Knows nothing of how the scanner finds it.

mod changes;
mod generator;
mod job;
mod libraries;
mod programs;
mod projects;
mod proof;
mod reading;
mod scene;
mod trap;
mod traps;
