//! The include server as a process: its words, how it leaves whoever started it, and how it says that it serves. Knows
//! nothing of how it serves.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use logging::{Level, Log, Sink};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::{close, dup2_stdin, dup2_stdout, setsid};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::serve::{IncludeServer, Serving};
use crate::settings::Settings;

/// What asks for the include server.
const WORD: &str = "--include-server";

/// Said on standard output when clients can connect.
const LISTENING: &str = "listening\n";

/// How long a server may take until then.
const START: Duration = Duration::from_secs(10);

/// One scan in so many is compared with the compiler's own list.
const COMPARED: u64 = 200;

/// What the words ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    serving: Serving,
    /// Serve from the background; this process ends when clients can connect.
    detach: bool,
}

/// What `--include-server DIRECTORY [--idle MINUTES] [--detach]` asks for, or what is wrong with it; `None`: it was not said.
pub(crate) fn asked_for(args: &[OsString]) -> Option<Result<Wanted, String>> {
    let (first, words) = args.get(1..)?.split_first()?;
    (first == WORD).then(|| understand(words, Settings::read().memory))
}

fn understand(words: &[OsString], memory: usize) -> Result<Wanted, String> {
    let mut words = words.iter();
    let directory = words.next().ok_or_else(|| format!("{WORD} wants a directory"))?;
    let directory =
        std::path::absolute(directory).map_err(|error| format!("{}: {error}", directory.display()))?;
    let serving = Serving { directory, idle: None, memory, compared: COMPARED };
    let mut wanted = Wanted { serving, detach: false };
    while let Some(word) = words.next() {
        match word.to_str() {
            Some("--detach") => wanted.detach = true,
            Some("--idle") => {
                let word = words.next().map_or(OsStr::new(""), OsString::as_os_str);
                wanted.serving.idle = Some(minutes(word)?);
            }
            _ => return Err(format!("{WORD} knows no {}", word.display())),
        }
    }
    Ok(wanted)
}

fn minutes(word: &OsStr) -> Result<Duration, String> {
    let minutes = word.to_str().and_then(|word| word.parse::<f64>().ok());
    let length = minutes.and_then(|minutes| Duration::try_from_secs_f64(minutes * 60.0).ok());
    length.ok_or_else(|| format!("--idle wants a number of minutes, not '{}'", word.display()))
}

/// Serves, or has a child serve. Returns the exit code.
pub(crate) fn run(wanted: &Wanted, out: &mut impl Write) -> u8 {
    let log = open_log(&Settings::read());
    let done =
        if wanted.detach { serve_detached(&wanted.serving) } else { serve(&wanted.serving, &log, out) };
    done.map_or_else(
        |problem| {
            log.error(format_args!("{problem}"));
            1
        },
        |()| 0,
    )
}

fn open_log(settings: &Settings) -> Log {
    let threshold = |otherwise| if settings.verbose { Level::Debug } else { otherwise };
    match settings.log_file.as_deref().map(Sink::append) {
        Some(Ok(file)) => Log::new("pump", file, threshold(Level::Info)),
        _ => Log::new("pump", Sink::Stderr, threshold(Level::Warning)),
    }
}

fn serve(serving: &Serving, log: &Log, out: &mut impl Write) -> Result<(), String> {
    prepare();
    let server = IncludeServer::listen(serving, log)?;
    // Nobody may care.
    let _ = out.write_all(LISTENING.as_bytes()).and_then(|()| out.flush());
    let _ = fall_silent();
    if let Some(server) = server {
        server.serve();
    }
    Ok(())
}

/// Lets go of what whoever started us may wait for the end of: its session, its directory and its descriptors.
fn prepare() {
    // The leader of a group stays where it is.
    let _ = setsid();
    let _ = std::env::set_current_dir("/");
    let descriptors = fs::read_dir("/proc/self/fd").map(|open| {
        let names = open.flatten().map(|entry| entry.file_name());
        names.filter_map(|name| name.to_str()?.parse::<i32>().ok()).collect::<Vec<_>>()
    });
    for descriptor in descriptors.unwrap_or_default().into_iter().filter(|descriptor| *descriptor > 2) {
        // The one that was read from is closed already.
        let _ = close(descriptor);
    }
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
}

fn fall_silent() -> io::Result<()> {
    let null = File::options().read(true).write(true).open("/dev/null")?;
    dup2_stdin(&null)?;
    dup2_stdout(&null)?;
    Ok(())
}

fn serve_detached(serving: &Serving) -> Result<(), String> {
    let program = std::env::current_exe().map_err(|error| format!("where is this program? {error}"))?;
    let mut child = command(&program, serving)
        .spawn()
        .map_err(|error| format!("cannot start {}: {error}", program.display()))?;
    let mut pipe = child.stdout.take().expect("it was asked for");
    let mut polled = [PollFd::new(std::os::fd::AsFd::as_fd(&pipe), PollFlags::POLLIN)];
    let patience = PollTimeout::try_from(START).unwrap_or(PollTimeout::MAX);
    let said = poll(&mut polled, patience).is_ok_and(|ready| ready > 0);
    let mut word = [0; LISTENING.len()];
    if said && pipe.read_exact(&mut word).is_ok() && word == LISTENING.as_bytes() {
        return Ok(());
    }
    let _ = child.kill();
    let _ = child.wait();
    Err(format!("the include server cannot serve in {}", serving.directory.display()))
}

fn command(program: &Path, serving: &Serving) -> Command {
    let mut command = Command::new(program);
    command.arg(WORD).arg(&serving.directory);
    if let Some(idle) = serving.idle {
        command.arg("--idle").arg((idle.as_secs_f64() / 60.0).to_string());
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_understood() {
        let check = |words: &str, expected: Option<(&str, Option<u64>, bool)>| {
            let words: Vec<OsString> = words.split(' ').map(OsString::from).collect();
            let understood = understand(&words, 7).ok();
            let expected = expected.map(|(directory, seconds, detach)| {
                let idle = seconds.map(Duration::from_secs);
                Wanted {
                    serving: Serving { directory: directory.into(), idle, memory: 7, compared: 200 },
                    detach,
                }
            });
            assert_eq!(understood, expected, "{words:?}");
        };
        check("/d", Some(("/d", None, false)));
        check("/d --idle 5", Some(("/d", Some(300), false)));
        check("/d --detach --idle 0.05", Some(("/d", Some(3), true)));
        check("/d --idle", None);
        check("/d --idle -1", None);
        check("/d --idle x", None);
        check("/d /e", None);
    }
}
