//! A compile that has all that it needs but its place. Knows nothing of clients.

use std::path::Path;

use cc_args::{ServerCommand, SourcesCommand};

use crate::budget::Share;
use crate::compiler::Compiler;
use crate::inside::Inside;
use crate::server::Server;
use crate::sources::Plan;
use crate::summary::Outcome;
use crate::workbench::Workbench;

/// Such a compile, and the memory that it takes until it has one.
pub(super) enum Task<'a, 'c> {
    Text(&'c ServerCommand, &'c Compiler, Vec<u8>, Share<'a>),
    Sources(&'c SourcesCommand, Plan<'a>, Share<'a>),
}

impl<'a> Task<'a, '_> {
    pub(super) fn is_long(&self) -> bool {
        matches!(self, Task::Sources(..) | Task::Text(_, Compiler { root: Some(_), .. }, ..))
    }

    /// Puts it in its place. What came is there now, and may be several megabytes long.
    pub(super) fn prepare(self, server: &'a Server) -> Result<Workbench<'a>, Outcome> {
        let workspaces = &server.workspaces;
        match self {
            Task::Sources(command, plan, _share) => plan.carry_out(command, workspaces, &server.limits),
            Task::Text(command, Compiler { program, root, .. }, text, _share) => {
                let extension = command.language().preprocessed_extension();
                let workspace = workspaces.make(Path::new(command.input()), extension, &text);
                let workspace = workspace
                    .map_err(|error| Outcome::Failed(format!("cannot make a workspace: {error}")))?;
                let root = root.as_deref();
                let inside = root.map(|root| Inside::of(server, program, root, &workspace)).transpose()?;
                Ok(Workbench::of_text(command, workspace, inside))
            }
        }
    }
}
