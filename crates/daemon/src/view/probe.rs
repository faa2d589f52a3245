//! Whether this machine lets us have views: one is made, entered, and a program run in it. Knows nothing of clients, nor
//! of other roots than ours.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use protocol::{Content, FileEntry, Limits, pack_file};

use super::layout::Layout;
use super::root::Root;
use super::system::System;
use super::why_not_entered;
use crate::names::Names;
use crate::trees::{Kind, Trees, Trouble};
use crate::workspace::{self, Workspaces};

/// A program that every system has, and that only says that it could be run.
const PROGRAM: &str = "/usr/bin/true";

/// A place where a client's files may stand among those of this machine.
const AMONG_OURS: &str = "/usr/src/distcc-arch/probe/include/x.h";

/// Views are possible on this machine.
#[derive(Debug)]
pub(crate) struct Views {
    /// What may be written, as every compiler knows it.
    work: PathBuf,
    /// Whether a client's files can stand beside those of a system.
    merges: bool,
}

impl Views {
    /// Tries it with the `system` of this machine.
    ///
    /// # Errors
    /// What this machine does not allow.
    pub(crate) fn probe(
        system: &Arc<System>,
        trees: &Trees,
        workspaces: &Workspaces,
    ) -> Result<Views, String> {
        let work = Path::new("/").join(workspace::name_for_all());
        let mut views = Views { work, merges: true };
        views.try_out(system, trees, workspaces, Vec::new())?;
        let name = PathBuf::from(AMONG_OURS);
        let file = FileEntry { name, content: Content::File(pack_file(b"")) };
        views.merges = views.try_out(system, trees, workspaces, vec![file]).is_ok();
        // Until the first job there is nothing to keep.
        trees.forget();
        Ok(views)
    }

    /// A plan for one job's files and the system that its compiler is in; `names` has the mount points of that.
    ///
    /// # Errors
    /// Why it cannot be done in a view.
    pub(crate) fn lay_out(
        &self,
        system: Arc<System>,
        names: &mut Names,
        compiler: &Path,
        may_merge: bool,
    ) -> Result<Layout, String> {
        let layout = Layout::plan(system, names, compiler, &self.work)?;
        if layout.merges() && !(may_merge && self.merges) {
            return Err("it has files among the programs of the system".to_owned());
        }
        Ok(layout)
    }

    fn try_out(
        &self,
        system: &Arc<System>,
        trees: &Trees,
        workspaces: &Workspaces,
        mut files: Vec<FileEntry>,
    ) -> Result<(), String> {
        let program = Path::new(PROGRAM);
        files.extend(system.mount_points());
        let mut names = Names::new(&Root::here(), Path::new("/"), files, program)?;
        let layout = self.lay_out(system.clone(), &mut names, program, true)?;
        let tree =
            trees.take(names, Kind::ReadOnly, workspaces, &Limits::default()).map_err(
                |trouble| match trouble {
                    Trouble::Bad(why) => why,
                    Trouble::Io(error) => error.to_string(),
                },
            )?;
        let (work, _alive) = workspaces.make_shared(0).map_err(|error| error.to_string())?;
        let tried = run_in(&layout, tree.root(), &work);
        workspace::remove(&work);
        tried
    }
}

/// Runs the program in the view of the tree at `root`.
fn run_in(layout: &Layout, root: &Path, work: &Path) -> Result<(), String> {
    let mut command = tokio::process::Command::new(PROGRAM);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).env_clear();
    let view = layout.view(root, work).map_err(|error| error.to_string())?;
    view.apply(&mut command, Path::new("/")).map_err(|error| error.to_string())?;
    let ended = command.into_std().status();
    match ended {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{PROGRAM} ended with {status}")),
        Err(error) => Err(why_not_entered(&error).unwrap_or_else(|| format!("{PROGRAM}: {error}"))),
    }
}
