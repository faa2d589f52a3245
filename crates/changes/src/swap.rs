//! Makes one step of a set in two moves, and takes it back: first the new is put beside the old, which needs room and
//! rights, then names change hands, which needs neither. Knows nothing of journals and other steps.

use crate::Site;
use crate::attributes;
use crate::failure::Failure;
use crate::place::{Links, Place};
use crate::record::Record;
use crate::state::{Owner, State};
use crate::step::Step;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, RenameFlags, openat, renameat, renameat2};
use nix::sys::stat::{Mode, fchmod, mkdirat};
use nix::unistd::{
    AccessFlags, Gid, Uid, UnlinkatFlags, faccessat, fchown, fchownat, fsync, linkat, symlinkat, unlinkat,
};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Steps of one record, as they are made on one system.
#[derive(Clone, Copy)]
pub(crate) struct Swaps<'a> {
    pub(crate) site: &'a Site,
    pub(crate) record: &'a Record,
}

/// A place, and the names near it of what is to come and what was there.
struct Spot {
    place: Place,
    /// In the same directory, or above it if that is removed by the same set: it must be empty then.
    new: Place,
    old: Place,
}

impl Swaps<'_> {
    /// Whether everything is as the steps expect it, and may be changed. Changes nothing.
    pub(crate) fn verify(self) -> Result<(), Failure> {
        let mut renamed: Vec<&Path> = Vec::new();
        for (number, step) in self.record.steps.iter().enumerate() {
            match step {
                Step::Rename { from, to } => {
                    may_change(&self.find(from)?)?;
                    may_change(&self.find(to)?)?;
                    renamed.extend([from.as_path(), to.as_path()]);
                }
                Step::Set { path, .. } if renamed.contains(&path.as_path()) => {}
                Step::Set { path, before, .. } => {
                    let spot = self.spot(number, path)?;
                    check_unchanged(&spot.place, before)?;
                    may_change(&spot.place)?;
                    spot.refuse_taken_names()?;
                }
            }
        }
        Ok(())
    }

    /// Puts beside the place what shall be there, and a second name on what is there. Directories are made.
    pub(crate) fn prepare(self, number: usize) -> Result<(), Failure> {
        let Step::Set { path, before, after } = &self.record.steps[number] else { return Ok(()) };
        let spot = self.spot(number, path)?;
        let prepared = match after {
            State::Directory { mode, owner } => make_directory(&spot.place, *mode, *owner),
            _ => spot.put_beside(after).and_then(|()| match before {
                State::File { .. } | State::Link { .. } => spot.keep_old(),
                State::Absent | State::Directory { .. } => Ok(()),
            }),
        };
        prepared.inspect_err(|_| {
            // The failure that is reported is the first one.
            let _ = spot.tidy();
        })
    }

    /// Whether the step may still be made: nobody changed the place since it was read.
    pub(crate) fn check(self, number: usize) -> Result<(), Failure> {
        match &self.record.steps[number] {
            Step::Set { after: State::Directory { .. }, .. } => Ok(()),
            Step::Set { path, before, .. } => check_unchanged(&self.find(path)?, before),
            Step::Rename { to, .. } => check_unchanged(&self.find(to)?, &State::Absent),
        }
    }

    /// Lets the names change hands.
    pub(crate) fn commit(self, number: usize) -> Result<(), Failure> {
        match &self.record.steps[number] {
            Step::Rename { from, to } => rename(&self.find(from)?, &self.find(to)?),
            Step::Set { path, before, after } => {
                let spot = self.spot(number, path)?;
                spot.exchange(before, after)?;
                sync(&spot.place)
            }
        }
    }

    /// Undoes a commit that may have happened in part or not at all. False if somebody else has changed the place
    /// since; then it stays as it is.
    pub(crate) fn put_back(self, number: usize) -> Result<bool, Failure> {
        match &self.record.steps[number] {
            Step::Rename { from, to } => {
                let (from, to) = (self.find(from)?, self.find(to)?);
                if from.state()? == State::Absent && to.state()? != State::Absent {
                    rename(&to, &from)?;
                }
                Ok(true)
            }
            Step::Set { path, before, after } => {
                let spot = self.spot(number, path)?;
                let was_ours = match (before, after) {
                    (_, State::Directory { .. }) => remove_directory(&spot.place).map(|()| true),
                    (State::Directory { mode, owner }, _) => match spot.place.state()? {
                        State::Absent => make_directory(&spot.place, *mode, *owner).map(|()| true),
                        _ => Ok(true),
                    },
                    _ => spot.put_back(before, after),
                }?;
                spot.tidy()?;
                Ok(was_ours)
            }
        }
    }

    /// Undoes a preparation.
    pub(crate) fn withdraw(self, number: usize) -> Result<(), Failure> {
        let Step::Set { path, after, .. } = &self.record.steps[number] else { return Ok(()) };
        let spot = self.spot(number, path)?;
        match after {
            State::Directory { .. } => remove_directory(&spot.place),
            _ => spot.tidy(),
        }
    }

    /// Removes what stands near the place once all steps are made; a later one may have moved it along with its
    /// directory. What cannot be reached any more is no longer ours to remove.
    pub(crate) fn tidy(self, number: usize) -> Result<(), Failure> {
        let Step::Set { path, .. } = &self.record.steps[number] else { return Ok(()) };
        for mut near in self.near(number, path) {
            for step in &self.record.steps[number..] {
                if let Step::Rename { from, to } = step
                    && let Ok(rest) = near.strip_prefix(from)
                {
                    near = to.join(rest);
                }
            }
            self.find(&near).map_or(Ok(()), |near| remove(&near))?;
        }
        Ok(())
    }

    fn find(self, path: &Path) -> Result<Place, Failure> {
        Place::find(self.site, path, Links::Refuse)
    }

    fn spot(self, number: usize, path: &Path) -> Result<Spot, Failure> {
        let [new, old] = self.near(number, path);
        Ok(Spot { place: self.find(path)?, new: self.find(&new)?, old: self.find(&old)? })
    }

    /// The new and the old one's paths near a place. Their names are made of the record's number and the step's, so that
    /// they can be found again after a crash.
    fn near(self, number: usize, path: &Path) -> [PathBuf; 2] {
        let goes = |directory: &Path| {
            let goes = |step: &Step| matches!(step, Step::Set { path, after: State::Absent, .. } if path == directory);
            self.record.steps.iter().any(goes)
        };
        let stays = path.ancestors().skip(1).find(|directory| !goes(directory)).expect("the root stays");
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        ["new", "old"].map(|suffix| stays.join(format!(".{name}.{}-{}.{suffix}", self.record.id, number + 1)))
    }
}

impl Spot {
    fn refuse_taken_names(&self) -> Result<(), Failure> {
        for near in [&self.new, &self.old] {
            if near.state()? != State::Absent {
                return Err(Failure::new(format!("{} is in the way: remove it", near.shown.display())));
            }
        }
        Ok(())
    }

    fn put_beside(&self, after: &State) -> Result<(), Failure> {
        let Place { directory, name, .. } = &self.new;
        let failed = |errno| self.failed("write", errno);
        match after {
            State::File { contents, mode, owner } => {
                let flags =
                    OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
                let opened = openat(directory, name.as_os_str(), flags, Mode::S_IRUSR | Mode::S_IWUSR);
                let mut file = File::from(opened.map_err(failed)?);
                file.write_all(contents)
                    .map_err(|error| Failure::of_io("write", &self.place.shown, &error))?;
                let (user, group) = owner.ids();
                fchown(&file, user, group).map_err(|errno| self.failed("keep the owner of", errno))?;
                fchmod(&file, Mode::from_bits_truncate(*mode)).map_err(failed)?;
                self.carry_attributes(&file).map_err(|errno| self.failed("keep the attributes of", errno))?;
                fsync(&file).map_err(failed)
            }
            State::Link { target, owner } => {
                symlinkat(target, directory, name.as_os_str()).map_err(failed)?;
                let (user, group) = owner.ids();
                let no_follow = AtFlags::AT_SYMLINK_NOFOLLOW;
                fchownat(directory, name.as_os_str(), user, group, no_follow)
                    .map_err(|errno| self.failed("keep the owner of", errno))
            }
            State::Absent | State::Directory { .. } => Ok(()),
        }
    }

    fn carry_attributes(&self, to: &File) -> Result<(), Errno> {
        let Place { directory, name, .. } = &self.place;
        // A pipe that took the file's place since must not hold us.
        let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
        match openat(directory, name.as_os_str(), flags, Mode::empty()) {
            Ok(from) => attributes::carry(&from, to),
            Err(Errno::ENOENT | Errno::ELOOP) => Ok(()),
            Err(errno) => Err(errno),
        }
    }

    /// A second name keeps the old file itself, with all that belongs to it: to bring it back needs no room.
    fn keep_old(&self) -> Result<(), Failure> {
        link(&self.place, &self.old).map_err(|errno| self.failed("replace", errno))
    }

    fn exchange(&self, before: &State, after: &State) -> Result<(), Failure> {
        let exchanged = match (before, after) {
            (_, State::Directory { .. }) => Ok(()),
            (State::Directory { .. }, _) => return remove_directory(&self.place),
            (_, State::Absent) => unlink(&self.place),
            // A link, because a rename would replace what somebody put there just now.
            (State::Absent, _) => link(&self.new, &self.place).and_then(|()| unlink(&self.new)),
            _ => replace(&self.new, &self.place),
        };
        exchanged.map_err(|errno| self.failed("replace", errno))
    }

    fn put_back(&self, before: &State, after: &State) -> Result<bool, Failure> {
        let now = self.place.state()?;
        let is_ours = now.says_the_same(after);
        let put_back = match self.old.inode() {
            Some(old) if self.place.inode() == Some(old) => return Ok(true),
            Some(_) if is_ours || now == State::Absent => replace(&self.old, &self.place),
            None if now.says_the_same(before) => return Ok(true),
            None if is_ours && *before == State::Absent => unlink(&self.place),
            // The second name did not outlive a power cut: the journal has the bytes.
            None if is_ours => {
                self.tidy()?;
                self.put_beside(before)?;
                replace(&self.new, &self.place)
            }
            _ => return Ok(false),
        };
        put_back.map_err(|errno| self.failed("put back", errno))?;
        sync(&self.place)?;
        Ok(true)
    }

    fn tidy(&self) -> Result<(), Failure> {
        remove(&self.new).and_then(|()| remove(&self.old))
    }

    fn failed(&self, what: &str, errno: Errno) -> Failure {
        Failure::of(what, &self.place.shown, errno)
    }
}

impl Owner {
    fn ids(self) -> (Option<Uid>, Option<Gid>) {
        (Some(Uid::from_raw(self.user)), Some(Gid::from_raw(self.group)))
    }
}

fn link(from: &Place, to: &Place) -> Result<(), Errno> {
    linkat(&from.directory, from.name.as_os_str(), &to.directory, to.name.as_os_str(), AtFlags::empty())
}

fn replace(by: &Place, place: &Place) -> Result<(), Errno> {
    renameat(&by.directory, by.name.as_os_str(), &place.directory, place.name.as_os_str())
}

/// Removes what may be there.
fn remove(place: &Place) -> Result<(), Failure> {
    if !place.missing.is_empty() {
        return Ok(());
    }
    match unlink(place) {
        Ok(()) | Err(Errno::ENOENT) => Ok(()),
        Err(errno) => Err(Failure::of("remove", &place.shown, errno)),
    }
}

fn unlink(place: &Place) -> Result<(), Errno> {
    unlinkat(&place.directory, place.name.as_os_str(), UnlinkatFlags::NoRemoveDir)
}

fn check_unchanged(place: &Place, before: &State) -> Result<(), Failure> {
    let now = place.state()?;
    // A file's mode and owner count too: what replaces it has those that were read.
    let same = if let State::File { .. } = before { now == *before } else { now.says_the_same(before) };
    if same {
        return Ok(());
    }
    Err(Failure::new(format!(
        "{} was changed by somebody else just now: run it again",
        place.shown.display()
    )))
}

/// Finds a file system that is read-only before anything is tried.
pub(crate) fn may_change(place: &Place) -> Result<(), Failure> {
    faccessat(&place.directory, ".", AccessFlags::W_OK, AtFlags::AT_EACCESS)
        .map_err(|errno| Failure::of("change", &place.shown, errno))
}

fn make_directory(place: &Place, mode: u32, owner: Owner) -> Result<(), Failure> {
    let failed = |errno| Failure::of("make", &place.shown, errno);
    mkdirat(&place.directory, place.name.as_os_str(), Mode::S_IRWXU).map_err(failed)?;
    let set = || {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let made = openat(&place.directory, place.name.as_os_str(), flags, Mode::empty())?;
        let (user, group) = owner.ids();
        fchown(&made, user, group)?;
        fchmod(&made, Mode::from_bits_truncate(mode))?;
        fsync(&made)
    };
    set().map_err(failed).and_then(|()| sync(place)).inspect_err(|_| {
        // The failure that is reported is the first one.
        let _ = remove_directory(place);
    })
}

/// A directory that somebody put something in stays.
fn remove_directory(place: &Place) -> Result<(), Failure> {
    if !place.missing.is_empty() {
        return Ok(());
    }
    match unlinkat(&place.directory, place.name.as_os_str(), UnlinkatFlags::RemoveDir) {
        Ok(()) | Err(Errno::ENOENT | Errno::ENOTEMPTY | Errno::EEXIST) => Ok(()),
        Err(errno) => Err(Failure::of("remove", &place.shown, errno)),
    }
}

fn rename(from: &Place, to: &Place) -> Result<(), Failure> {
    let (old, new) = (from.name.as_os_str(), to.name.as_os_str());
    let renamed = match renameat2(&from.directory, old, &to.directory, new, RenameFlags::RENAME_NOREPLACE) {
        // Some file systems know no such flag; that nothing is there was looked at just before.
        Err(Errno::EINVAL) => renameat(&from.directory, old, &to.directory, new),
        other => other,
    };
    renamed.map_err(|errno| match errno {
        Errno::EXDEV => {
            let (old, new) = (from.shown.display(), to.shown.display());
            Failure::new(format!("cannot rename {old} to {new}: they are on different file systems"))
        }
        _ => Failure::of("rename", &from.shown, errno),
    })?;
    sync(from)?;
    sync(to)
}

/// Makes the names of a place's directory durable.
fn sync(place: &Place) -> Result<(), Failure> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    match openat(&place.directory, ".", flags, Mode::empty()) {
        Ok(directory) => fsync(directory).map_err(|errno| Failure::of("write", &place.shown, errno)),
        // One that may be written and not read cannot be asked to.
        Err(Errno::EACCES) => Ok(()),
        Err(errno) => Err(Failure::of("write", &place.shown, errno)),
    }
}
