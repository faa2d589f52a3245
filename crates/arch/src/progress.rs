//! How far a step has come, for whoever waits: a bar on a terminal, else one line. Knows nothing of what is done.

use indicatif::{ProgressBar, ProgressStyle};
use std::io::Write;

/// A step of known length; dropped, its bar is gone.
#[derive(Debug)]
pub(crate) struct Progress(Option<ProgressBar>);

impl Progress {
    /// Begins a step of `length` parts.
    pub(crate) fn begin(what: &str, length: usize, terminal: bool, notes: &mut dyn Write) -> Progress {
        if !terminal {
            // Whoever closed stderr does not want to know.
            let _ = writeln!(notes, "{what}");
            return Progress(None);
        }
        let style =
            ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len}").expect("the template is constant");
        Progress(Some(ProgressBar::new(length as u64).with_style(style).with_message(what.to_owned())))
    }

    /// One part is done.
    pub(crate) fn step(&self) {
        self.0.iter().for_each(|bar| bar.inc(1));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.iter().for_each(ProgressBar::finish_and_clear);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_terminal_a_step_is_one_line() {
        let mut notes = Vec::new();
        let progress = Progress::begin("compiling 3 sources here", 3, false, &mut notes);
        (0..3).for_each(|_| progress.step());
        drop(progress);
        assert_eq!(notes, b"compiling 3 sources here\n");
    }
}
