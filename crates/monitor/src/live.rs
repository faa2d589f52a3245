//! A view that follows hosts and jobs until it is ended. Knows nothing of how it looks.

mod board;
mod events;
mod past;
mod screen;
mod view;

use std::io::{self, Write};
use std::path::Path;
use std::time::SystemTime;

use nix::sys::signal::raise;

use crate::jobs::Source;
use crate::settings::Settings;
use board::Board;
use events::{Event, Events};
use past::Past;
use screen::Screen;

/// Where the host list of the whole system is, as `distcc/hosts`.
const ETC: &str = "/etc";

/// Shows the jobs of `source` and the hosts in force on the terminal that `out` leads to. A signal ends the process after
/// the terminal is as it was.
///
/// # Errors
/// The terminal or a directory cannot be used.
pub(crate) fn show(source: &mut Source, settings: &Settings, out: &mut impl Write) -> io::Result<()> {
    // First of all, so that no signal finds the terminal changed and nobody to change it back.
    let mut events = Events::catch()?;
    let ended = follow(source, settings, Screen::open(out)?, &mut events)?;
    drop(events);
    if let Event::Signal(signal) = ended {
        raise(signal)?;
    }
    Ok(())
}

fn follow(
    source: &mut Source,
    settings: &Settings,
    mut screen: Screen<impl Write>,
    events: &mut Events,
) -> io::Result<Event> {
    let mut past = Past::new(source.directories());
    loop {
        source.look_around();
        past.follow(source.directories());
        // Watched first and read then, or a change in between would go unseen.
        events.watch(source.directories());
        let jobs = source.read()?;
        past.read();
        let directory = settings.state_dir.as_ref().map(|directory| directory.path.as_path());
        // Read anew each time: the list may be edited while we watch.
        let list = hosts::load(settings.hosts.as_deref(), directory, Path::new(ETC));
        let board = Board::new(&list, &jobs, &past, SystemTime::now());
        screen.draw(|frame| view::paint(frame, &board, !settings.no_color))?;
        match events.wait()? {
            Event::Change => {}
            end => return Ok(end),
        }
    }
}
