//! Man pages and completions, written where packages install them. Knows nothing of what they say.

use crate::cli::Cli;
use crate::documentation::{Documented, Page, Parsed, pages};
use crate::{Answer, Exit};
use clap::CommandFactory;
use std::fs;
use std::io;
use std::path::Path;

/// Writes all files below `directory`, as they are to lie below /usr/share.
pub(crate) fn run(directory: &Path, documented: Documented) -> Answer {
    match all_pages(documented).and_then(|pages| write_below(directory, &pages)) {
        Ok(()) => Answer { text: String::new(), complaint: String::new(), exit: Exit::Code(0) },
        Err(error) => {
            let complaint = format!("distcc-arch: cannot write below {}: {error}\n", directory.display());
            Answer { text: String::new(), complaint, exit: Exit::Code(1) }
        }
    }
}

fn all_pages(documented: Documented) -> io::Result<Vec<Page>> {
    let ourselves = Parsed { command: Cli::command(), sections: "" };
    let mut all = Vec::new();
    for program in std::iter::once(ourselves).chain(documented.parsed) {
        all.extend(pages(&program)?);
    }
    all.extend(documented.written.into_iter().map(|file| (file.path.into(), file.text.into())));
    Ok(all)
}

fn write_below(directory: &Path, pages: &[Page]) -> io::Result<()> {
    for (place, text) in pages {
        let path = directory.join(place);
        fs::create_dir_all(path.parent().unwrap_or(directory))?;
        fs::write(path, text)?;
    }
    Ok(())
}
