//! distccd: the daemon. Knows only how a command line becomes an exit code.

use std::process::ExitCode;

use daemon::{Settings, Stop};

/// The command line makes no sense (distccd(1)).
const BAD_ARGUMENTS: u8 = 101;

fn main() -> ExitCode {
    match Settings::read(std::env::args_os()) {
        Ok(settings) => daemon::run(&settings),
        Err(Stop::Text(text)) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(Stop::BadUsage(problem)) => {
            eprintln!("distccd: ERROR: {problem}");
            BAD_ARGUMENTS.into()
        }
    }
}
