//! One job's place of work: what the compiler finds there, what it is told, and where it leaves what it makes. Knows
//! nothing of clients' connections and of running processes.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use cc_args::{ServerCommand, SourcesCommand};
use tokio::process::Command;
use toolchain::Processor;

use crate::inside::Inside;
use crate::mirror::Mirror;
use crate::trees::Tree;
use crate::view::View;
use crate::workspace::Workspace;

/// The extension is none of a source's or an object's.
const SPECS: &str = "processor.specs";

/// A place of work with everything in it; dropping it clears it.
#[derive(Debug)]
pub(crate) struct Workbench<'a> {
    workspace: Workspace,
    pub(crate) args: Vec<OsString>,
    files: Files<'a>,
}

/// Where the client's files are.
#[derive(Debug)]
enum Files<'a> {
    /// There is only its text, in the workspace; the compiler may be in another root.
    Text(Option<Inside<'a>>),
    /// There are none, nor a text.
    Question(Option<Inside<'a>>),
    View {
        view: View,
        paths: Paths,
        _tree: Tree<'a>,
    },
    Mirror {
        mirror: Mirror,
        tree: Tree<'a>,
    },
}

/// Where the compiler is, as it sees it.
#[derive(Debug)]
pub(crate) struct Paths {
    /// As the client calls it.
    pub(crate) directory: PathBuf,
    /// What it may write to.
    pub(crate) work: PathBuf,
}

impl<'a> Workbench<'a> {
    /// For preprocessed text, which is in the workspace, and a compiler that may be in another root.
    pub(crate) fn of_text(
        command: &ServerCommand,
        workspace: Workspace,
        inside: Option<Inside<'a>>,
    ) -> Workbench<'a> {
        let work = inside.as_ref().map_or(workspace.path(), Inside::work);
        let args = text_args(command, &workspace, work);
        Workbench { workspace, args, files: Files::Text(inside) }
    }

    /// For a compiler that is asked about itself.
    pub(crate) fn of_question(
        words: &[&OsStr],
        workspace: Workspace,
        inside: Option<Inside<'a>>,
    ) -> Workbench<'a> {
        let args = words.iter().map(OsString::from).collect();
        Workbench { workspace, args, files: Files::Question(inside) }
    }

    /// For sources at the client's own paths.
    pub(crate) fn of_view(
        command: &SourcesCommand,
        workspace: Workspace,
        tree: Tree<'a>,
        view: View,
        paths: Paths,
    ) -> Workbench<'a> {
        let place = cc_args::Place::Same;
        let args = sources_args(command, place, &workspace, &paths.work);
        Workbench { workspace, args, files: Files::View { view, paths, _tree: tree } }
    }

    /// For sources at the client's paths below another directory.
    pub(crate) fn of_mirror(
        command: &SourcesCommand,
        workspace: Workspace,
        tree: Tree<'a>,
        mirror: Mirror,
    ) -> Workbench<'a> {
        let place = cc_args::Place::Below(tree.root());
        let args = sources_args(command, place, &workspace, workspace.path());
        Workbench { workspace, args, files: Files::Mirror { mirror, tree } }
    }

    /// Has gcc take the client's words for its processor as the client's own gcc would.
    ///
    /// # Errors
    /// There is no room for its specs.
    pub(crate) fn tell_of(&mut self, processor: &Processor) -> io::Result<()> {
        cc_args::read_native_of_client(&mut self.args);
        self.workspace.write(SPECS, processor.specs().as_bytes())?;
        let mut specs = OsString::from("-specs=");
        specs.push(self.home().join(SPECS));
        self.args.insert(0, specs);
        Ok(())
    }

    /// The workspace as the compiler sees it.
    fn home(&self) -> &Path {
        match &self.files {
            Files::Text(None) | Files::Question(None) | Files::Mirror { .. } => self.workspace.path(),
            Files::Text(Some(inside)) | Files::Question(Some(inside)) => inside.work(),
            Files::View { paths, .. } => &paths.work,
        }
    }

    /// Has `command` run here.
    ///
    /// # Errors
    /// A path that no system call takes.
    pub(crate) fn apply(&self, command: &mut Command) -> io::Result<()> {
        let home = self.home();
        command.envs([("TMPDIR", home), ("HOME", home)]);
        if matches!(self.files, Files::Question(_)) {
            command.env("LC_ALL", "C");
        }
        match &self.files {
            Files::Text(None) | Files::Question(None) => drop(command.current_dir(home)),
            Files::Text(Some(inside)) | Files::Question(Some(inside)) => inside.apply(command)?,
            Files::View { view, paths, .. } => {
                view.apply(command.env("PWD", &paths.directory), &paths.directory)?;
            }
            Files::Mirror { mirror, tree } => mirror.apply(command, tree.directory())?,
        }
        Ok(())
    }

    /// What the compiler printed, as it would have printed it where the client is.
    pub(crate) fn as_the_client_sees(&self, printed: Vec<u8>) -> Vec<u8> {
        match &self.files {
            Files::Mirror { mirror, .. } => mirror.hide(&printed),
            Files::Text(_) | Files::Question(_) | Files::View { .. } => printed,
        }
    }

    /// What the compiler wrote of what the object depends on; none where it is not asked for.
    ///
    /// # Errors
    /// It is longer than `limit` bytes, or no plain file.
    pub(crate) fn dependencies(&self, limit: usize) -> io::Result<Option<Vec<u8>>> {
        match &self.files {
            Files::Text(_) | Files::Question(_) => Ok(None),
            Files::View { .. } => self.workspace.read_beside(limit).map(Some),
            Files::Mirror { mirror, .. } => {
                self.workspace.read_beside(limit).map(|rules| Some(mirror.rewrite_rules(&rules)))
            }
        }
    }

    /// Where the object is, and whatever else the compiler wrote.
    pub(crate) fn workspace(&self) -> &Workspace {
        &self.workspace
    }
}

/// The client's options around our names. Debug information names the directory that the preprocessor noted in the
/// text; where it noted none, ours would be taken. The compiler knows the workspace as `work`.
fn text_args(command: &ServerCommand, workspace: &Workspace, work: &Path) -> Vec<OsString> {
    let mut args = command.args_for(workspace.beside(), workspace.object());
    if args.iter().any(|arg| arg.as_bytes().starts_with(b"-g") && arg != "-g0") {
        let mut hide = OsString::from("-fdebug-prefix-map=");
        hide.push(work);
        hide.push("=.");
        args.push(hide);
    }
    args
}

/// The compiler knows the workspace as `work`.
fn sources_args(
    command: &SourcesCommand,
    place: cc_args::Place<'_>,
    workspace: &Workspace,
    work: &Path,
) -> Vec<OsString> {
    let [object, rules] =
        [workspace.object(), workspace.beside()].map(|name: &OsStr| work.join(name).into_os_string());
    command.args_for(place, &object, &rules)
}
