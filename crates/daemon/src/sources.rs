//! How jobs are done whose sources and headers have come: in a view at the client's own paths where the kernel allows
//! that, else in a mirror, which only compilers of our own root can use. Knows nothing of connections.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use cc_args::SourcesCommand;
use protocol::{ArrivedFiles, Limits};

use crate::belief::Belief;
use crate::fence::{Fence, May};
use crate::mirror::Mirror;
use crate::names::Names;
use crate::summary::Outcome;
use crate::trees::{Kind, Trees, Trouble};
use crate::view::{self, Layout, Root, System, Views};
use crate::workbench::{Paths, Workbench};
use crate::workspace::Workspaces;

/// What becomes of jobs that come as sources and headers (`--pump`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Pump {
    /// At the client's own paths where the kernel allows that, else in a mirror.
    #[default]
    Auto,
    /// At the client's own paths or not at all.
    Namespace,
    /// Below another directory.
    Mirror,
    /// They are refused.
    Off,
}

/// How long clients' files are kept when no more come: who builds again soon finds them, and who does not has the memory.
pub(crate) const KEPT_FOR: Duration = Duration::from_secs(600);

const CANNOT_SHOW: &str = "files cannot be shown at the clients' own paths";

/// What all such jobs share.
#[derive(Debug)]
pub(crate) struct Sources {
    asked: Pump,
    system: Arc<System>,
    trees: Trees,
    views: Belief<Views>,
}

/// One such job, planned: it is known where it will be done.
pub(crate) struct Plan<'a> {
    sources: &'a Sources,
    names: Names,
    /// As the client calls it.
    directory: PathBuf,
    compiler: PathBuf,
    /// None for a mirror.
    layout: Option<Layout>,
}

impl Sources {
    /// Does them as it is `asked`, so many at a time.
    pub(crate) fn new(asked: Pump, jobs: usize) -> Sources {
        let system = Arc::new(System::look(Root::here()));
        Sources { asked, system, trees: Trees::new(jobs), views: Belief::new() }
    }

    /// Why such jobs are refused, if they are.
    pub(crate) fn refused(&self) -> Option<&'static str> {
        (self.asked == Pump::Off).then_some("sources are refused: the daemon runs with --pump=off")
    }

    /// For the log: how they are done. Finds that out if nobody has before.
    pub(crate) fn describe(&self, workspaces: &Workspaces) -> String {
        let mirror = match Fence::build() {
            Some(_) => "in a mirror",
            None => {
                "in a mirror, from where compilers can read what the daemon can (this kernel has no Landlock)"
            }
        };
        match (self.asked, self.views(workspaces)) {
            (Pump::Off, _) => "refused".to_owned(),
            (Pump::Mirror, _) => format!("done {mirror}"),
            (_, Ok(_)) => "done at the clients' own paths".to_owned(),
            (Pump::Namespace, Err(why)) => format!("refused, because {CANNOT_SHOW}: {why}"),
            (Pump::Auto, Err(why)) => format!("done {mirror}, because {CANNOT_SHOW}: {why}"),
        }
    }

    /// Removes what is kept for the next jobs.
    pub(crate) fn forget(&self) {
        self.trees.forget();
    }

    /// Tries again what this machine did not allow.
    pub(crate) fn doubt(&self) {
        self.views.doubt();
    }

    fn views(&self, workspaces: &Workspaces) -> Result<Arc<Views>, String> {
        match self.asked {
            Pump::Off | Pump::Mirror => Err("it is not wanted".to_owned()),
            Pump::Auto | Pump::Namespace => self.possible_views(workspaces),
        }
    }

    /// Those that this machine allows, whatever is asked for.
    fn possible_views(&self, workspaces: &Workspaces) -> Result<Arc<Views>, String> {
        self.views.or_find(|| Views::probe(&self.system, &self.trees, workspaces))
    }

    /// What can be shown to the compilers in another root.
    ///
    /// # Errors
    /// Why they cannot be run, and what to do about it.
    pub(crate) fn elsewhere(
        &self,
        root: &Path,
        workspaces: &Workspaces,
    ) -> Result<(Arc<System>, Arc<Views>), String> {
        let cannot = |why: String| format!("compilers in {} cannot be run: {why}", root.display());
        let system = System::look(Root::open(root).map_err(cannot)?);
        let views = self
            .possible_views(workspaces)
            .map_err(|why| cannot(format!("{why}; {}", toolchain::how_to_permit_namespaces())))?;
        Ok((Arc::new(system), views))
    }

    /// The trees in which views are made.
    pub(crate) fn trees(&self) -> &Trees {
        &self.trees
    }

    /// Judges the files, and says where the job is done. The compiler is in another root if there is one.
    ///
    /// # Errors
    /// A job that ends: names that lead elsewhere, or a command that cannot be done there.
    pub(crate) fn plan(
        &self,
        command: &SourcesCommand,
        compiler: &Path,
        root: Option<&Path>,
        files: ArrivedFiles,
        workspaces: &Workspaces,
    ) -> Result<Plan<'_>, Outcome> {
        let ArrivedFiles { directory, mut entries, .. } = files;
        let (system, views) = match root {
            None => (self.system.clone(), self.views(workspaces)),
            Some(root) => self
                .elsewhere(root, workspaces)
                .map(|(system, views)| (system, Ok(views)))
                .map_err(Outcome::Refused)?,
        };
        let may_merge = view::only_text_among_programs(system.root(), &entries);
        if views.is_ok() {
            entries.extend(system.mount_points());
        }
        let mut names = Names::new(system.root(), &directory, entries, compiler).map_err(Outcome::Refused)?;
        let layout = views.and_then(|views| views.lay_out(system, &mut names, compiler, may_merge));
        let layout = match layout {
            Err(why) if root.is_some() || self.asked == Pump::Namespace => {
                return Err(Outcome::Refused(format!("{CANNOT_SHOW}: {why}")));
            }
            other => other.ok(),
        };
        if layout.is_none() {
            command
                .check_below()
                .map_err(|refusal| Outcome::Refused(format!("command refused: {refusal}")))?;
        }
        Ok(Plan { sources: self, names, directory, compiler: compiler.to_owned(), layout })
    }
}

impl<'a> Plan<'a> {
    /// Memory that carrying it out takes, at most, in bytes.
    pub(crate) fn will_hold(&self, limits: &Limits) -> usize {
        self.names.will_hold(limits)
    }

    /// Puts everything in its place. It takes as long as it takes to write what is new of the files.
    ///
    /// # Errors
    /// A job that ends: damaged files, or a full disk.
    pub(crate) fn carry_out(
        self,
        command: &SourcesCommand,
        workspaces: &Workspaces,
        limits: &Limits,
    ) -> Result<Workbench<'a>, Outcome> {
        let failed = |error| Outcome::Failed(format!("cannot make a workspace: {error}"));
        let workspace = workspaces.make(Path::new(command.input()), "d", b"").map_err(failed)?;
        let kind = if self.layout.is_some() { Kind::ReadOnly } else { Kind::Writable };
        let tree =
            self.sources.trees.take(self.names, kind, workspaces, limits).map_err(
                |trouble| match trouble {
                    Trouble::Bad(reason) => Outcome::Refused(reason),
                    Trouble::Io(error) => {
                        Outcome::Failed(format!("cannot put the client's files in their places: {error}"))
                    }
                },
            )?;
        let Some(layout) = self.layout else {
            let (root, work) = (tree.root(), workspace.path());
            let fence = fence(&self.sources.system, &self.compiler, root, work).map_err(failed)?;
            let mirror = Mirror::new(root, &self.directory, command.family(), fence).map_err(failed)?;
            return Ok(Workbench::of_mirror(command, workspace, tree, mirror));
        };
        let view = layout.view(tree.root(), workspace.path()).map_err(failed)?;
        let paths = Paths { directory: self.directory, work: layout.work().to_owned() };
        Ok(Workbench::of_view(command, workspace, tree, view, paths))
    }
}

/// Around a mirror: what a compiler there must not reach, it could name.
fn fence(system: &System, compiler: &Path, root: &Path, work: &Path) -> io::Result<Option<Fence>> {
    let Some(fence) = Fence::build() else { return Ok(None) };
    system.open(&fence, compiler)?;
    fence.open(root, May::Read)?;
    fence.open(work, May::Change)?;
    Ok(Some(fence))
}
