//! What is to be done to a system, step by step; nothing is done here. Knows nothing of the journal.

use crate::Site;
use crate::diff;
use crate::failure::Failure;
use crate::place::{Links, Place};
use crate::state::{Owner, State, check_size, stat_at};
use crate::step::{Action, Step};
use crate::swap::may_change;
use nix::dir::Dir;
use nix::fcntl::OFlag;
use nix::sys::stat::Mode;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Changes to files, in order, and then programs to run. Paths are absolute and as seen from inside the root.
///
/// A plan knows what its own earlier steps will have done: reading a path gives what was planned for it. What a plan
/// renames it cannot change afterwards.
#[derive(Clone, Debug)]
pub struct Plan {
    pub(crate) site: Site,
    pub(crate) steps: Vec<Step>,
    pub(crate) actions: Vec<Action>,
}

impl Plan {
    /// A plan to do nothing.
    pub fn new(site: &Site) -> Plan {
        Plan { site: site.clone(), steps: Vec::new(), actions: Vec::new() }
    }

    /// The bytes of a file as planned so far, through links; None if there is none, or if a link leads nowhere.
    pub fn read(&self, path: &Path) -> io::Result<Option<Vec<u8>>> {
        let place = self.place_of_file(path)?;
        match self.now(&place)? {
            State::Absent => Ok(None),
            State::File { contents, .. } => Ok(Some(contents)),
            State::Link { .. } | State::Directory { .. } => Err(not_a_file(&place.shown).into()),
        }
    }

    /// Gives a file these contents. A file that is there keeps its owner and mode; a new one gets `mode` and, as do the
    /// directories that are missing on the way, the owner of its directory. Through a link, the file that it leads to
    /// is written. Contents that are there already are no step.
    pub fn write(&mut self, path: &Path, contents: Vec<u8>, mode: u32) -> io::Result<()> {
        let place = self.place_of_file(path)?;
        check_size(&contents, &place.shown)?;
        let before = self.now(&place)?;
        let after = match &before {
            State::File { contents: there, .. } if *there == contents => return Ok(()),
            State::File { mode, owner, .. } => State::File { contents, mode: *mode, owner: *owner },
            State::Absent => State::File { contents, mode: mode & 0o7777, owner: place.directory_owner()? },
            State::Link { .. } | State::Directory { .. } => return Err(not_a_file(&place.shown).into()),
        };
        Ok(self.set_at(&place, before, after)?)
    }

    /// Puts a symbolic link there, in place of nothing or of another symbolic link.
    pub fn link(&mut self, path: &Path, target: &Path) -> io::Result<()> {
        let place = Place::find(&self.site, path, Links::FollowButLast)?;
        if target.to_str().is_none() {
            return Err(Failure::new(format!("{} is not in UTF-8", target.display())).into());
        }
        let before = self.now(&place)?;
        let owner = match &before {
            State::Absent => place.directory_owner()?,
            State::Link { target: there, .. } if there == target => return Ok(()),
            State::Link { owner, .. } => *owner,
            State::File { .. } | State::Directory { .. } => {
                return Err(Failure::new(format!("{} is no symbolic link", place.shown.display())).into());
            }
        };
        Ok(self.set_at(&place, before, State::Link { target: target.to_owned(), owner })?)
    }

    /// Removes a file, or a symbolic link and not what it leads to. What is not there is no step.
    pub fn remove(&mut self, path: &Path) -> io::Result<()> {
        let place = Place::find(&self.site, path, Links::FollowButLast)?;
        let before = self.now(&place)?;
        if let State::Directory { .. } = before {
            return Err(not_a_file(&place.shown).into());
        }
        Ok(self.set_at(&place, before, State::Absent)?)
    }

    /// Removes a directory, whoever made it, if the plan leaves nothing in it.
    pub fn remove_if_empty(&mut self, directory: &Path) -> Result<(), Failure> {
        let place = Place::find(&self.site, directory, Links::FollowButLast)?;
        let before = self.now(&place)?;
        let is_directory = |state: &State| matches!(state, State::Directory { .. });
        if !is_directory(&before) || !is_directory(&place.state()?) {
            return Ok(());
        }
        for name in names(&place)? {
            let inside = Place::find(&self.site, &place.path.join(OsStr::from_bytes(&name)), Links::Refuse)?;
            if self.now(&inside)? != State::Absent {
                return Ok(());
            }
        }
        self.set_at(&place, before, State::Absent)
    }

    /// Makes a directory, owned by `owner` (user, group) or else by the owner of the directory it is in. One that is
    /// there is left as it is.
    pub fn make_directory(&mut self, path: &Path, mode: u32, owner: Option<(u32, u32)>) -> io::Result<()> {
        let place = Place::find(&self.site, path, Links::Follow)?;
        let before = self.now(&place)?;
        match before {
            State::Directory { .. } => return Ok(()),
            State::Absent => {}
            State::File { .. } | State::Link { .. } => {
                return Err(Failure::new(format!("{} is no directory", place.shown.display())).into());
            }
        }
        let owner = match owner {
            Some((user, group)) => Owner { user, group },
            None => place.directory_owner()?,
        };
        Ok(self.set_at(&place, before, State::Directory { mode: mode & 0o7777, owner })?)
    }

    /// Moves a file, link or directory with all that is in it to a name on the same file system where nothing is.
    pub fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        let [old, new] = [from, to].map(|path| Place::find(&self.site, path, Links::FollowButLast));
        let (old, new) = (old?, new?);
        if self.now(&old)? == State::Absent {
            return Err(Failure::new(format!("{} is not there", old.shown.display())).into());
        }
        if self.now(&new)? != State::Absent {
            return Err(Failure::new(format!("{} is there already", new.shown.display())).into());
        }
        self.make_missing(&new)?;
        self.steps.push(Step::Rename { from: old.path, to: new.path });
        Ok(())
    }

    /// Adds a program to run once all files are in place, after those added before.
    pub fn run(&mut self, action: Action) {
        self.actions.push(action);
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty() && self.actions.is_empty()
    }

    /// Whether we may change the directories that all of it is in, as far as that can be told without trying.
    pub fn may_be_made(&self) -> Result<(), Failure> {
        let places = self.steps.iter().map(|step| Place::find(&self.site, step.path(), Links::FollowButLast));
        places.into_iter().try_for_each(|place| may_change(&place?))
    }

    /// All of it for people: a unified diff of each file with three lines of context (`a/etc/x`, `b/etc/x`; `/dev/null`
    /// for a file that is new or goes), a line for each link and directory, then a line `# …` for each program.
    pub fn diff(&self, colours: bool) -> String {
        diff::of_plan(&self.steps, &self.actions, colours)
    }

    /// Where a file is that may be reached through a link; not through one that this plan changes itself.
    fn place_of_file(&self, path: &Path) -> Result<Place, Failure> {
        let named = Place::find(&self.site, path, Links::FollowButLast)?;
        if self.steps.iter().any(|step| step.path() == named.path) {
            return Ok(named);
        }
        Place::find(&self.site, path, Links::Follow)
    }

    /// What lies at a place as planned so far.
    pub(crate) fn now(&self, place: &Place) -> Result<State, Failure> {
        self.after(self.steps.len(), place)
    }

    fn after(&self, steps: usize, place: &Place) -> Result<State, Failure> {
        for (number, step) in self.steps[..steps].iter().enumerate().rev() {
            match step {
                Step::Set { path, after, .. } if *path == place.path => return Ok(after.clone()),
                Step::Set { path, after, .. } if place.path.starts_with(path) => match after {
                    State::Directory { .. } => {}
                    State::Absent => return Ok(State::Absent),
                    State::File { .. } | State::Link { .. } => {
                        return Err(Failure::new(format!(
                            "{} will be no directory",
                            self.site.outside(path).display()
                        )));
                    }
                },
                Step::Set { .. } => {}
                Step::Rename { from, to } => {
                    if let Ok(rest) = place.path.strip_prefix(to) {
                        return self
                            .after(number, &Place::find(&self.site, &from.join(rest), Links::Refuse)?);
                    }
                    if place.path.starts_with(from) {
                        return Ok(State::Absent);
                    }
                }
            }
        }
        place.state()
    }

    /// Plans the change of one place; earlier changes of the same place become one with it.
    pub(crate) fn set_at(&mut self, place: &Place, before: State, after: State) -> Result<(), Failure> {
        if before == after {
            return Ok(());
        }
        refuse_other_names(place)?;
        let moves = |step: &Step| match step {
            Step::Rename { from, to } => {
                place.path.starts_with(to) || place.path != *from && place.path.starts_with(from)
            }
            Step::Set { .. } => false,
        };
        if self.steps.iter().any(moves) {
            let shown = place.shown.display();
            return Err(Failure::new(format!(
                "{shown} is renamed by the same plan, which cannot change it, too"
            )));
        }
        if after != State::Absent {
            self.make_missing(place)?;
        }
        let earlier = self.steps.iter().rposition(|step| step.path() == place.path);
        let Some(Step::Set { before: first, after: planned, .. }) = earlier.map(|at| &mut self.steps[at])
        else {
            self.steps.push(Step::Set { path: place.path.clone(), before, after });
            return Ok(());
        };
        if !first.can_become(&after) {
            return Err(Failure::new(format!(
                "{} cannot become a directory or cease to be one",
                place.shown.display()
            )));
        }
        *planned = after;
        self.steps.retain(|step| !matches!(step, Step::Set { before, after, .. } if before == after));
        Ok(())
    }

    fn make_missing(&mut self, place: &Place) -> Result<(), Failure> {
        let owner = place.directory_owner()?;
        for path in place.missing_paths() {
            if !self.makes(&path) {
                let after = State::Directory { mode: 0o755, owner };
                self.steps.push(Step::Set { path, before: State::Absent, after });
            }
        }
        Ok(())
    }

    fn makes(&self, directory: &PathBuf) -> bool {
        let makes = |step: &Step| matches!(step, Step::Set { path, after: State::Directory { .. }, .. } if path == directory);
        self.steps.iter().any(makes)
    }
}

/// A file that is replaced parts from its other names, and taking it back would not join them again.
fn refuse_other_names(place: &Place) -> Result<(), Failure> {
    if !place.missing.is_empty() {
        return Ok(());
    }
    match stat_at(&place.directory, &place.name) {
        Ok(stat) if stat.st_nlink > 1 && stat.st_mode & 0o170_000 == 0o100_000 => {
            let shown = place.shown.display();
            Err(Failure::new(format!(
                "{shown} has {} names (hard links), which would part: make it a file of its own (cp -p {shown} {shown}.new && mv {shown}.new {shown})",
                stat.st_nlink
            )))
        }
        _ => Ok(()),
    }
}

fn not_a_file(path: &Path) -> Failure {
    Failure::new(format!("{} is no file", path.display()))
}

fn names(place: &Place) -> Result<Vec<Vec<u8>>, Failure> {
    let failed = |errno| Failure::of("read", &place.shown, errno);
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let mut opened =
        Dir::openat(&place.directory, place.name.as_os_str(), flags, Mode::empty()).map_err(failed)?;
    let mut names = Vec::new();
    for entry in opened.iter() {
        let name = entry.map_err(failed)?.file_name().to_bytes().to_vec();
        if name != b"." && name != b".." {
            names.push(name);
        }
    }
    Ok(names)
}
