//! What running jobs do, shown to people: as text for scripts, or as a live view. Knows nothing of how jobs are done.

mod cli;
mod devtools;
mod jobs;
mod live;
mod settings;
mod text;

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::thread::sleep;

pub use cli::command;

use cli::{Options, Typed};
use jobs::Source;
use settings::Settings;

/// The command line makes no sense; the number that distcc 3.4 uses for that.
const USAGE: u8 = 1;
/// There is no telling where DISTCC_DIR is (distcc(1), exit codes).
const NO_DIRECTORY: u8 = 101;
/// A file or directory cannot be used (distcc(1), exit codes).
const IO_ERROR: u8 = 107;

/// Shows jobs as `args` ask (the first is the program's own name), on `out` and, what is wrong, on `err`. Returns the exit
/// code; a signal that ends the live view ends the process once the terminal is as it was.
pub fn run(args: impl IntoIterator<Item = OsString>, out: &mut impl Write, err: &mut impl Write) -> u8 {
    let options = match cli::parse(args) {
        Ok(Typed::Options(options)) => options,
        // A closed pipe is not worth a message, here and below.
        Ok(Typed::Help(text)) => return out.write_all(text.as_bytes()).map_or(0, |()| 0),
        Err(usage) => return complain(err, USAGE, usage),
    };
    let settings = Settings::read();
    let directories = match directories(&settings, &options) {
        Ok(directories) => directories,
        Err((code, problem)) => return complain(err, code, format_args!("distccmon-text: {problem}\n")),
    };
    let mut source = Source::new(directories, Path::new(devtools::CHROOTS));
    let shown = if options.live && io::stdout().is_terminal() {
        live::show(&mut source, &settings, out)
    } else {
        repeat(&mut source, &options, out, err)
    };
    match shown {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            complain(err, IO_ERROR, format_args!("distccmon-text: {error}\n"))
        }
        _ => 0,
    }
}

fn complain(err: &mut impl Write, code: u8, text: impl fmt::Display) -> u8 {
    let _ = write!(err, "{text}");
    code
}

/// Those with jobs to show, the user's own first. Its `state` is made, so that there is something to watch.
fn directories(settings: &Settings, options: &Options) -> Result<Vec<PathBuf>, (u8, String)> {
    let Some(own) = &settings.state_dir else {
        return Err((NO_DIRECTORY, "neither DISTCC_DIR nor HOME is set: set DISTCC_DIR".to_owned()));
    };
    let state = own.path.join("state");
    let made = if own.create { fs::create_dir_all(&state) } else { fs::create_dir(&state) };
    match made {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            return Err((IO_ERROR, format!("cannot make {}: {error}", state.display())));
        }
        _ => {}
    }
    for directory in &options.directories {
        fs::read_dir(directory)
            .map_err(|error| (IO_ERROR, format!("cannot read --dir {}: {error}", directory.display())))?;
    }
    Ok([own.path.clone()].into_iter().chain(options.directories.iter().cloned()).collect())
}

/// One pass, or one after each delay until nobody reads.
fn repeat(
    source: &mut Source,
    options: &Options,
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<()> {
    loop {
        source.look_around();
        let jobs = source.read()?;
        for warning in source.warnings() {
            let _ = writeln!(err, "distccmon-text: {warning}");
        }
        out.write_all(&text::page(&jobs))?;
        out.flush()?;
        if options.live || options.delay.is_zero() {
            return Ok(());
        }
        sleep(options.delay);
    }
}
