//! The command around a build in pump mode, and the include server that it starts.

use std::io::{stderr, stdout};
use std::process::ExitCode;

fn main() -> ExitCode {
    pump::run(std::env::args_os(), &mut stdout(), &mut stderr()).into()
}
