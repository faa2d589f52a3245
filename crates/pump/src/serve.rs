//! The include server's life: from its directory and socket to its end. Knows nothing of what is said in a conversation.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::time::Duration;

use crate::settings::Settings;
use logging::{Level, Log, Sink};

/// Where and how long an include server serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Serving {
    /// A directory of ours with mode 0700; `socket` and `pid` are made in it.
    pub directory: PathBuf,
    /// The server ends when nobody was connected for so long; none: only when it is told to.
    pub idle: Option<Duration>,
    /// How much it keeps of what it has read, in bytes.
    pub memory: usize,
}

/// What `--include-server DIRECTORY [--idle MINUTES]` asks for, or what is wrong with it; `None`: it was not said.
pub(crate) fn asked_for(args: &[OsString]) -> Option<Result<Serving, String>> {
    let words = args.get(1..)?;
    let (first, words) = words.split_first()?;
    (first == "--include-server").then(|| understand(words, Settings::read().memory))
}

fn understand(words: &[OsString], memory: usize) -> Result<Serving, String> {
    let usage = || "--include-server wants DIRECTORY [--idle MINUTES]".to_owned();
    let (directory, idle) = match words {
        [directory] => (directory, None),
        [directory, word, minutes] if word == "--idle" => (directory, Some(minutes_of(minutes)?)),
        _ => return Err(usage()),
    };
    Ok(Serving { directory: directory.into(), idle, memory })
}

fn minutes_of(word: &OsStr) -> Result<Duration, String> {
    let minutes = word.to_str().and_then(|word| word.parse::<f64>().ok());
    let length = minutes.and_then(|minutes| Duration::try_from_secs_f64(minutes * 60.0).ok());
    length.ok_or_else(|| format!("--idle wants a number of minutes, not {}", word.display()))
}

/// Serves as the environment asks for the rest. Returns the exit code.
pub(crate) fn run(serving: &Serving) -> u8 {
    let settings = Settings::read();
    let sink = settings.log_file.and_then(|path| Sink::append(&path).ok()).unwrap_or(Sink::Stderr);
    let log = Log::new("pump", sink, if settings.verbose { Level::Debug } else { Level::Info });
    serve(serving, &log).map_or_else(
        |problem| {
            log.error(format_args!("{problem}"));
            1
        },
        |()| 0,
    )
}

/// Serves until it is told to end, or nobody has come for long, or its socket is no longer in its place. What it has made
/// in the directory is then gone.
///
/// # Errors
/// It cannot begin: a sentence.
pub fn serve(serving: &Serving, _log: &Log) -> Result<(), String> {
    Err(format!("cannot serve in {}", serving.directory.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_understood() {
        let check = |words: &str, expected: Option<(&str, Option<u64>)>| {
            let words: Vec<OsString> = words.split(' ').map(OsString::from).collect();
            let understood = understand(&words, 7).ok();
            let expected = expected.map(|(directory, seconds)| Serving {
                directory: directory.into(),
                idle: seconds.map(Duration::from_secs),
                memory: 7,
            });
            assert_eq!(understood, expected, "{words:?}");
        };
        check("/d", Some(("/d", None)));
        check("/d --idle 5", Some(("/d", Some(300))));
        check("/d --idle 0.05", Some(("/d", Some(3))));
        check("/d --idle", None);
        check("/d --idle -1", None);
        check("/d --idle x", None);
        check("/d /e", None);
    }
}
