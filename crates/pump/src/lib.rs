//! Pump mode's two programs in one: the resident include server, and the wrapper command around a build. `serve` and
//! `wrapper` tell their stories. Knows nothing of how a client uses what it is told.

mod comparisons;
mod conversation;
mod guests;
mod lending;
mod peer;
mod place;
mod resident;
mod scans;
mod serve;
mod settings;
mod wrapper;

use std::ffi::OsString;
use std::io::Write;

pub use serve::{IncludeServer, Serving};

/// Runs `pump` with the words it was called with, its own name first; what it says goes to `out` and, what is wrong, to
/// `err`. Returns the exit code.
pub fn run(args: impl IntoIterator<Item = OsString>, out: &mut impl Write, err: &mut impl Write) -> u8 {
    let args: Vec<OsString> = args.into_iter().collect();
    match resident::asked_for(&args) {
        Some(Ok(wanted)) => resident::run(&wanted, out),
        Some(Err(complaint)) => wrapper::complain(&complaint, err),
        None => wrapper::run(&args, out, err),
    }
}
