//! The command line of distccmon-text. Knows nothing of what is shown.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{ArgAction, Command, CommandFactory, Parser};

/// What was typed (distccmon-text(1)).
#[derive(Debug, Parser)]
#[command(
    name = "distccmon-text",
    version,
    about = "Shows what the distcc clients of this user are doing",
    disable_help_flag = true,
    disable_version_flag = true,
    after_help = "A pass is one line for each job (process, phase, file, host and slot) and an empty line."
)]
pub(crate) struct Options {
    /// Repeat after so many seconds, which may be a fraction; without it, or with 0, there is one pass
    #[arg(value_name = "DELAY", value_parser = delay, default_value = "0", hide_default_value = true)]
    pub(crate) delay: Duration,
    /// A view of hosts and jobs that follows them until q is pressed; one pass if this is no terminal
    #[arg(long, conflicts_with = "delay")]
    pub(crate) live: bool,
    /// Show also the clients whose DISTCC_DIR is DIR, in a chroot for example; may be given several times
    #[arg(long = "dir", value_name = "DIR")]
    pub(crate) directories: Vec<PathBuf>,
    /// Show this help
    #[arg(long, action = ArgAction::Help)]
    help: Option<bool>,
    /// Show the version
    #[arg(long, action = ArgAction::Version)]
    version: Option<bool>,
}

/// What a command line that makes sense asks for.
#[derive(Debug)]
pub(crate) enum Typed {
    /// To show jobs.
    Options(Options),
    /// To print this.
    Help(String),
}

const USAGE: &str = "\
usage: distccmon-text [DELAY]
       distccmon-text --live
       distccmon-text --help

Shows what distcc clients are doing, once or again after every DELAY seconds (fractions too).
";

/// The definition of the command line, for documentation.
#[must_use]
pub fn command() -> Command {
    Options::command()
}

/// The error is what to print about a command line that makes no sense.
pub(crate) fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Typed, String> {
    match Options::try_parse_from(args) {
        Ok(options) => Ok(Typed::Options(options)),
        Err(text) if matches!(text.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            Ok(Typed::Help(text.to_string()))
        }
        Err(_) => Err(USAGE.to_owned()),
    }
}

/// As strtod(3) reads it: white space may come first, and no text at all is 0.
fn delay(text: &str) -> Result<Duration, String> {
    let text = text.trim_start();
    let seconds: f64 = if text.is_empty() { 0.0 } else { text.parse().map_err(|_| "not a number")? };
    if !seconds.is_finite() || seconds < 0.0 {
        return Err("not a time".to_owned());
    }
    Ok(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(words: &[&str], expected: Option<Duration>) {
        let words = [&"distccmon-text"].into_iter().chain(words).map(OsString::from);
        let delay = match parse(words) {
            Ok(Typed::Options(options)) => Some(options.delay),
            Ok(Typed::Help(text)) => panic!("{text}"),
            Err(usage) => {
                assert!(usage.starts_with("usage: distccmon-text [DELAY]\n"), "{usage}");
                None
            }
        };
        assert_eq!(delay, expected);
    }

    #[test]
    fn delays() {
        check(&[], Some(Duration::ZERO));
        check(&["0"], Some(Duration::ZERO));
        check(&[""], Some(Duration::ZERO));
        check(&[" 1"], Some(Duration::from_secs(1)));
        check(&["0.25"], Some(Duration::from_millis(250)));
        check(&["1e-1"], Some(Duration::from_millis(100)));
        check(&["1e30"], Some(Duration::MAX));
        for wrong in ["x", "1x", "0 ", "-1", "nan", "inf", "--alive", "-5", "-h", "-V"] {
            check(&[wrong], None);
        }
        check(&["1", "2"], None);
        check(&["--live", "1"], None);
    }

    #[test]
    fn the_definition_is_sound() {
        command().debug_assert();
    }
}
