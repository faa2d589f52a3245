//! Another root as a compiler in it sees it that gets no files of a client: the system there, and one directory that it
//! may write. Knows nothing of what the compiler is to do.

use std::io;
use std::path::{Path, PathBuf};

use tokio::process::Command;

use crate::names::Names;
use crate::server::Server;
use crate::summary::Outcome;
use crate::trees::{Kind, Tree, Trouble};
use crate::view::View;
use crate::workspace::Workspace;

/// Such a view of one root.
#[derive(Debug)]
pub(crate) struct Inside<'a> {
    view: View,
    work: PathBuf,
    _tree: Tree<'a>,
}

impl<'a> Inside<'a> {
    /// That of the compiler `program` in `root`, which may write to `workspace`.
    ///
    /// # Errors
    /// A job that ends: the root is of no use, this machine forbids views, or it has no room.
    pub(crate) fn of(
        server: &'a Server,
        program: &Path,
        root: &Path,
        workspace: &Workspace,
    ) -> Result<Inside<'a>, Outcome> {
        let workspaces = &server.workspaces;
        let (system, views) = server.sources.elsewhere(root, workspaces).map_err(Outcome::Refused)?;
        let mount_points = system.mount_points().collect();
        let mut names =
            Names::new(system.root(), Path::new("/"), mount_points, program).map_err(Outcome::Refused)?;
        let layout = views.lay_out(system, &mut names, program, true).map_err(Outcome::Refused)?;
        let failed = |why: String| Outcome::Failed(format!("cannot show {}: {why}", root.display()));
        let tree = server.sources.trees().take(names, Kind::ReadOnly, workspaces, &server.limits);
        let tree = tree.map_err(|trouble| match trouble {
            Trouble::Bad(why) => failed(why),
            Trouble::Io(error) => failed(error.to_string()),
        })?;
        let view = layout.view(tree.root(), workspace.path()).map_err(|error| failed(error.to_string()))?;
        Ok(Inside { view, work: layout.work().to_owned(), _tree: tree })
    }

    /// The workspace as it is called there.
    pub(crate) fn work(&self) -> &Path {
        &self.work
    }

    /// Has `command` run there, in the workspace.
    ///
    /// # Errors
    /// A path that no system call takes.
    pub(crate) fn apply(&self, command: &mut Command) -> io::Result<()> {
        self.view.apply(command, &self.work)
    }
}
