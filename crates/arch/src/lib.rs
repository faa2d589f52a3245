//! The subcommands of `distcc-arch`, each a story under `commands`; the other files are their nouns. Knows nothing of
//! how the client and the daemon are made: it runs them as programs.

mod ask;
mod build_user;
mod check;
mod cli;
mod commands;
mod demo;
mod documentation;
mod exit;
mod firewall;
mod makepkg;
mod processes;
mod programs;
mod progress;
mod scratch;
mod settings;

pub use documentation::{Documented, Parsed, Written};
pub use exit::Exit;

use clap::Parser;
use cli::{Cli, Command};
use settings::Settings;
use std::ffi::OsString;
use std::io::Write;

/// What one run leaves to be said and how it ends.
#[derive(Debug)]
pub struct Answer {
    /// For standard output.
    pub text: String,
    /// For standard error: one line per problem.
    pub complaint: String,
    /// How to end.
    pub exit: Exit,
}

/// Does what the words ask for; the first is our own name. While something takes long, `notes` gets a line for each
/// step, unless there is a terminal to draw a bar on. `documented` is what `docs` writes about the other programs.
pub fn run(
    args: impl IntoIterator<Item = OsString>,
    documented: Documented,
    notes: &mut dyn Write,
) -> Answer {
    let settings = Settings::read();
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => return not_understood(&error, &settings),
    };
    match cli.command {
        Command::Check(asked) => commands::check::run(&asked, &settings, notes),
        Command::Demo(asked) => commands::demo::run(&asked, &settings, notes),
        Command::Hosts { command: cli::Hosts::Probe(asked) } => commands::probe::run(&asked, &settings),
        Command::Masquerade(asked) => commands::masquerade::run(&asked),
        Command::Cidr(asked) => commands::cidr::run(&asked),
        Command::Docs { directory } => commands::docs::run(&directory, documented),
    }
}

/// Help and version are answers, too.
fn not_understood(error: &clap::Error, settings: &Settings) -> Answer {
    let said = error.render();
    if error.use_stderr() {
        let complaint = if settings.stderr_colours { said.ansi().to_string() } else { said.to_string() };
        return Answer { text: String::new(), complaint, exit: Exit::Code(2) };
    }
    let text = if settings.stdout_colours { said.ansi().to_string() } else { said.to_string() };
    Answer { text, complaint: String::new(), exit: Exit::Code(0) }
}
