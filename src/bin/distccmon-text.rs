//! Shows what distcc clients are doing. Knows only how a command line becomes an exit code.

use std::io::{stderr, stdout};
use std::process::ExitCode;

fn main() -> ExitCode {
    monitor::run(std::env::args_os(), &mut stdout().lock(), &mut stderr().lock()).into()
}
