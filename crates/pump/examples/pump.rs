//! The program itself, for the tests of this crate.

use std::io::{stderr, stdout};
use std::process::ExitCode;

fn main() -> ExitCode {
    pump::run(std::env::args_os(), &mut stdout(), &mut stderr()).into()
}
