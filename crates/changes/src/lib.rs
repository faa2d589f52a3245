//! Sets of changes to a system: shown as a diff, made all or none, journalled, taken back. Knows nothing of distcc or makepkg.

mod apply;
mod attributes;
mod diff;
mod failure;
mod fold;
mod journal;
mod journal_directory;
mod lock;
mod place;
mod plan;
mod record;
mod roll_back;
mod state;
mod step;
mod swap;
mod undo;

pub use apply::Applied;
pub use diff::Difference;
pub use failure::Failure;
pub use journal::{Journal, Recovered};
pub use plan::Plan;
pub use step::Action;
pub use undo::{Merge, Undo, Undone, three_way};

use place::{Links, Place};
use std::path::{Path, PathBuf};

/// The system that is changed, and where its journal lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// The directory that every path of a plan is taken inside of: `/`, or for example a chroot's top.
    pub root: PathBuf,
    /// The directory of the journal, as a path of this process and not one inside the root. It is made when there is
    /// something to record, and removed with the last record.
    pub journal: PathBuf,
}

impl Site {
    /// How people, and the programs of this process, reach what is named as seen from inside the root.
    pub fn outside(&self, inside: &Path) -> PathBuf {
        self.root.join(inside.strip_prefix("/").unwrap_or(inside))
    }

    /// A root directory, and a journal at a path inside it that no link leads out of it.
    pub fn inside(root: &Path, journal: &Path) -> Result<Site, Failure> {
        let root = root.canonicalize().map_err(|error| Failure::of_io("open", root, &error))?;
        let site = Site { journal: PathBuf::new(), root };
        let place = Place::find(&site, journal, Links::Follow)?;
        Ok(Site { journal: site.outside(&place.path), ..site })
    }
}

/// Runs one program to its end; an error is a lowercase fragment that says why it did not do well.
pub type Run<'a> = &'a mut dyn FnMut(&[String]) -> Result<(), String>;
