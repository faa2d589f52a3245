//! The command around a build: `pump CMD`, `pump --startup`, `pump --shutdown`. Knows nothing of what the include server
//! does.

mod build;
mod exports;
mod farm;
mod no_effect;
mod session;
mod settings;

use std::ffi::{OsStr, OsString};
use std::io::Write;

use build::{Build, Ended};
use session::Session;
use settings::Settings;

/// pump's general failure.
const FAILED: u8 = 1;

const USAGE: &str = "\
Usage: pump COMMAND [WORD...]
       pump --startup
       pump --shutdown

Runs a build whose sources are preprocessed on the machines that compile: starts
an include server, runs COMMAND with distcc first on PATH, ends the server.
--startup starts a server and prints what a shell needs to know of it;
--shutdown ends that server:

    eval \"$(pump --startup)\"
    make -j20 CC=\"distcc gcc\"
    pump --shutdown

Hosts of DISTCC_HOSTS take sources when they have ,lzo,cpp. Without pump, too:
distcc then starts an include server by itself. pump(1) has the rest.
";

/// What the command line asks for (pump.1).
#[derive(Debug, PartialEq, Eq)]
enum Asked<'a> {
    Usage,
    Version,
    Startup,
    Shutdown,
    Build(&'a [OsString]),
}

/// Runs the command; returns the exit code.
pub(crate) fn run(args: &[OsString], out: &mut impl Write, err: &mut impl Write) -> u8 {
    let name = args.first().map_or(OsStr::new("pump"), OsString::as_os_str).display();
    let words = args.get(1..).unwrap_or_default();
    let asked = asked(words);
    if matches!(asked, Asked::Usage | Asked::Version) {
        let version = concat!("pump ", env!("CARGO_PKG_VERSION"), "\n");
        // A closed pipe (`pump | head -1`) is not worth a message.
        let _ = out.write_all(if asked == Asked::Usage { USAGE } else { version }.as_bytes());
        return 0;
    }
    let ended = Settings::read().and_then(|settings| match asked {
        Asked::Startup => start_up(&settings, out, err).map(|()| 0),
        Asked::Shutdown => {
            shut_down(&settings, out, err);
            Ok(0)
        }
        _ => around(words, &settings, out, err),
    });
    ended.unwrap_or_else(|complaint| {
        let _ = if complaint.starts_with('_') {
            writeln!(err, "{complaint}")
        } else {
            writeln!(err, "{name}: {complaint}")
        };
        FAILED
    })
}

/// Says what is wrong with the command line.
pub(crate) fn complain(complaint: &str, err: &mut impl Write) -> u8 {
    // A closed stderr is not worth another failure.
    let _ = writeln!(err, "pump: {complaint}");
    FAILED
}

fn asked(words: &[OsString]) -> Asked<'_> {
    match words {
        [] => Asked::Usage,
        [first, ..] if ["", "-h", "--help"].iter().any(|word| first == word) => Asked::Usage,
        [only] if only == "--version" => Asked::Version,
        [only] if only == "--startup" => Asked::Startup,
        [only] if only == "--shutdown" => Asked::Shutdown,
        _ => Asked::Build(words),
    }
}

fn start_up(settings: &Settings, out: &mut impl Write, err: &mut impl Write) -> Result<(), String> {
    let quiet = Settings { quiet: true, ..settings.clone() };
    let mut build = Build::catch().map_err(|error| format!("cannot wait for signals: {error}"))?;
    let (session, exported) = farm::prepare(&quiet, out, err)?;
    if let Some(signal) = build.interrupted() {
        drop(session);
        build::die_of(signal);
    }
    let mut all = session.exports();
    all.extend(exported);
    all.push(("PATH", settings.path_for_build()));
    out.write_all(&exports::for_shell(&all)).map_err(|error| format!("cannot print: {error}"))?;
    session.leave();
    Ok(())
}

fn shut_down(settings: &Settings, out: &mut impl Write, err: &mut impl Write) {
    if let Some(directory) = settings.session.clone() {
        let session = Session::of(directory, settings.server);
        session.report(settings, err);
        session.end(settings, out, err);
    }
}

fn around(
    words: &[OsString],
    settings: &Settings,
    out: &mut impl Write,
    err: &mut impl Write,
) -> Result<u8, String> {
    settings.program("distcc")?;
    settings.say(out, format_args!("Using distcc-pump from {}", settings.location.display()));
    let mut build = Build::catch().map_err(|error| format!("cannot wait for signals: {error}"))?;
    let (session, exported) = farm::prepare(settings, out, err)?;
    let mut environment = session.exports();
    environment.extend(exported);
    environment.push(("PATH", settings.path_for_build()));
    let _ = out.flush();
    let ended = build.run(words, &environment);
    session.report(settings, err);
    session.end(settings, out, err);
    let _ = out.flush();
    match ended {
        Ok(ended) => {
            // A shell that runs us goes on after an exit code and stops after a signal.
            if let Some(signal) = build.interrupted().filter(|signal| ended == Ended::Signal(*signal)) {
                build::die_of(signal);
            }
            Ok(ended.code())
        }
        Err(error) => Err(format!("cannot start {}: {error}", words[0].display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        let check = |words: &[&str], expected: Asked| {
            let words: Vec<OsString> = words.iter().map(OsString::from).collect();
            let expected = if let Asked::Build([]) = expected { Asked::Build(&words) } else { expected };
            assert_eq!(asked(&words), expected, "{words:?}");
        };
        check(&[], Asked::Usage);
        check(&["", "make"], Asked::Usage);
        check(&["-h", "x"], Asked::Usage);
        check(&["--help"], Asked::Usage);
        check(&["--version"], Asked::Version);
        check(&["--startup"], Asked::Startup);
        check(&["--shutdown"], Asked::Shutdown);
        // As ever: with anything behind it, it is a command of that name.
        check(&["--startup", "x"], Asked::Build(&[]));
        check(&["make", "-j20"], Asked::Build(&[]));
    }
}
