//! One change of a set, in the order in which they are made. Knows nothing of how it is made.

use crate::state::State;
use std::path::{Path, PathBuf};

/// A program to run once all files are in place, and the one that takes it back.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
pub struct Action {
    /// The line that people read, for example `systemctl enable --now distccd.service`.
    pub shown: String,
    /// Program and arguments.
    pub run: Vec<String>,
    /// Program and arguments that take it back; empty if there is nothing to take back.
    pub undo: Vec<String>,
}

/// Paths are as seen inside the root and go through no link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Set { path: PathBuf, before: State, after: State },
    Rename { from: PathBuf, to: PathBuf },
}

impl Step {
    /// The path whose name the step is known by.
    pub(crate) fn path(&self) -> &Path {
        match self {
            Step::Set { path, .. } => path,
            Step::Rename { from, .. } => from,
        }
    }
}
