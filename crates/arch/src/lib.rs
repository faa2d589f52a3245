//! The subcommands of `distcc-arch`, each a story under `commands`; the other files are their nouns. Knows nothing of
//! how the client and the daemon are made: it runs them as programs.

mod ask;
mod build_user;
mod carry_out;
mod check;
mod cli;
mod commands;
mod consent;
mod demo;
mod detach;
mod documentation;
mod exit;
mod firewall;
mod makepkg;
mod processes;
mod programs;
mod progress;
mod scratch;
mod services;
mod settings;
mod setup;
mod site;
mod table;
mod zeroconf;

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

impl Answer {
    /// Nothing was done, and why.
    fn refusal(why: &str) -> Answer {
        Answer { text: String::new(), complaint: format!("distcc-arch: {why}\n"), exit: Exit::Code(2) }
    }

    /// Whoever was asked said no.
    fn declined() -> Answer {
        let complaint = "distcc-arch: nothing was changed\n".to_owned();
        Answer { text: String::new(), complaint, exit: Exit::Code(1) }
    }
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
        Command::Setup(asked) => commands::setup::run(&asked, &settings, notes),
        Command::Undo(asked) => commands::undo::run(&asked, &settings, notes),
        Command::Toolchain { command } => commands::toolchains::toolchain(&command, &settings, notes),
        Command::Chroot { command } => commands::toolchains::chroot(&command, &settings, notes),
        Command::Hosts { command } => commands::hosts::run(&command, &settings, notes),
        Command::Masquerade(asked) => commands::masquerade::run(&asked),
        Command::Cidr(asked) => commands::cidr::run(&asked),
        Command::WatchZeroconf(asked) => commands::watch_zeroconf::run(&asked, &settings),
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
