//! Lists the machines that compile for others.

use std::io::{stderr, stdout};
use std::process::ExitCode;

fn main() -> ExitCode {
    survey::run(std::env::args_os().skip(1), &mut stdout(), &mut stderr()).into()
}
