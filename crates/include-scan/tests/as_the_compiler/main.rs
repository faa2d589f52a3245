//! What the scanner says that a compile reads is what gcc and clang were seen to read. Knows nothing of how the scanner finds it.
//!
//! Nothing is ever missing. Too much is sent only where a trap says `may`: a condition that nobody can compute takes both
//! branches. Where no promise can be made the job is refused, and a trap says so. Two differences are the compilers' own:
//! clang's `-M` names files that it looked for in vain (`proof.rs`), and gcc's `-M` neither names what is only probed for
//! nor obeys operators in text (`reading.rs`).

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
