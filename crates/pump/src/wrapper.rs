//! The command around a build: `pump CMD`, `pump --startup`, `pump --shutdown`. Knows nothing of what the include server
//! does.

use std::ffi::OsString;
use std::io::Write;

/// pump's general failure.
const FAILED: u8 = 1;

/// Runs the command; returns the exit code.
pub(crate) fn run(_args: &[OsString], _out: &mut impl Write, err: &mut impl Write) -> u8 {
    complain("no command can be run in pump mode yet", err)
}

/// Says what is wrong with the command line.
pub(crate) fn complain(complaint: &str, err: &mut impl Write) -> u8 {
    // A closed stderr is not worth another failure.
    let _ = writeln!(err, "pump: {complaint}");
    FAILED
}
