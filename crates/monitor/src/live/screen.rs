//! The terminal as a screen of ours, given back as it was. Knows nothing of what is on it.

use std::io::{self, BufWriter, Write};

use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::{Frame, Terminal};

/// The whole terminal, without echo and without line editing. Dropping it gives the terminal back.
pub(crate) struct Screen<W: Write> {
    terminal: Terminal<CrosstermBackend<BufWriter<W>>>,
}

impl<W: Write> Screen<W> {
    /// Takes the terminal that `out` leads to.
    ///
    /// # Errors
    /// It is none, or does not do as told.
    pub(crate) fn open(out: W) -> io::Result<Screen<W>> {
        let terminal = Terminal::new(CrosstermBackend::new(BufWriter::new(out)))?;
        // Made first: whatever fails from here on, its drop takes back.
        let mut screen = Screen { terminal };
        enable_raw_mode()?;
        execute!(screen.terminal.backend_mut(), EnterAlternateScreen, Hide)?;
        screen.terminal.clear()?;
        Ok(screen)
    }

    /// Draws anew, as large as the terminal is now.
    ///
    /// # Errors
    /// The terminal is gone.
    pub(crate) fn draw(&mut self, paint: impl FnOnce(&mut Frame)) -> io::Result<()> {
        self.terminal.draw(paint).map(drop)
    }
}

impl<W: Write> Drop for Screen<W> {
    fn drop(&mut self) {
        // A terminal that is gone needs nothing back.
        let _ = execute!(self.terminal.backend_mut(), LeaveAlternateScreen, Show);
        let _ = disable_raw_mode();
    }
}
