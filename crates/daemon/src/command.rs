//! What a client wants done, judged by its words: of preprocessed text or of sources. Knows nothing of what comes with
//! them.

use std::ffi::{OsStr, OsString};

use cc_args::{Refusal, ServerCommand, SourcesCommand};
use protocol::Version;

/// A command that may be run.
pub(crate) enum Command {
    /// Versions 1 and 2.
    Text(ServerCommand),
    /// Version 3.
    Sources(SourcesCommand),
}

impl Command {
    /// Understands the words that came in this version.
    ///
    /// # Errors
    /// Why they are not run.
    pub(crate) fn parse(version: Version, args: Vec<OsString>) -> Result<Command, Refusal> {
        Ok(match version {
            Version::Three => Command::Sources(SourcesCommand::parse(args)?),
            Version::Zero | Version::One | Version::Two => Command::Text(ServerCommand::parse(args)?),
        })
    }

    /// The compiler's name as the client wrote it.
    pub(crate) fn compiler(&self) -> &OsStr {
        match self {
            Command::Text(command) => command.compiler(),
            Command::Sources(command) => command.compiler(),
        }
    }

    /// The input's name as the client wrote it.
    pub(crate) fn input(&self) -> &OsStr {
        match self {
            Command::Text(command) => command.input(),
            Command::Sources(command) => command.input(),
        }
    }

    /// The output's name as the client wrote it.
    pub(crate) fn output(&self) -> &OsStr {
        match self {
            Command::Text(command) => command.output(),
            Command::Sources(command) => command.output(),
        }
    }
}
