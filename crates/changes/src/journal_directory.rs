//! The journal's directory, held so that no one else changes it: made, numbered, and removed with the last record.
//! Knows nothing of what the records say.

use crate::failure::Failure;
use crate::lock::Lock;
use crate::record::{Record, sync_directory};
use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};
use nix::unistd::geteuid;
use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

const LOCK: &str = "lock";
/// Says that the directory was made by us, and how many directories with it.
const MADE: &str = "made-here";
/// What a directory is called while it is made or removed, after its own name; it never counts.
const SCRAP: &str = ".scrap";
/// Somebody may remove the directory as often while we make it.
const TRIES: usize = 5;

#[derive(Debug)]
pub(crate) struct JournalDirectory {
    path: PathBuf,
    _lock: Lock,
}

impl JournalDirectory {
    /// Makes the directory if there is none, and waits until it is ours alone.
    pub(crate) fn enter(path: &Path) -> Result<JournalDirectory, Failure> {
        for _ in 0..TRIES {
            if !path.exists() {
                make(path)?;
            }
            refuse_strangers(path)?;
            if let Some(lock) = Lock::take(&path.join(LOCK)).inspect_err(|_| remove_if_empty(path))? {
                return Ok(JournalDirectory { path: path.to_owned(), _lock: lock });
            }
        }
        Err(Failure::new(format!("{} is removed again and again by another run", path.display())))
    }

    /// All records, oldest first.
    pub(crate) fn records(&self) -> Result<Vec<Record>, Failure> {
        records(&self.path)
    }

    /// Makes a record count from here on; its directory and number are given here.
    pub(crate) fn begin(&self, record: Record) -> Result<Record, Failure> {
        let id = numbers(&self.path)?.last().map_or(1, |last| last + 1);
        let directory = self.path.join(id.to_string());
        let unborn = Record { id, directory: scrap_of(&directory), ..record };
        remove_tree(&unborn.directory)?;
        let begun = unborn.write().and_then(|()| {
            fs::rename(&unborn.directory, &directory)
                .map_err(|error| Failure::of_io("write", &directory, &error))?;
            sync_directory(&self.path)
        });
        match begun {
            Ok(()) => Ok(Record { directory, ..unborn }),
            Err(failure) => {
                // What cannot be removed here is scrap that the next run removes.
                let _ = remove_tree(&unborn.directory).and_then(|()| remove_tree(&directory));
                Err(failure)
            }
        }
    }

    /// Puts a finished record in the place of the one with its number, in one step for whoever looks.
    pub(crate) fn replace(&self, record: &Record) -> Result<(), Failure> {
        let directory = self.path.join(record.id.to_string());
        let new = Record { directory: scrap_of(&directory), ..record.clone() };
        remove_tree(&new.directory)?;
        let replaced =
            new.write().and_then(|()| new.finish()).and_then(|()| new.is_tidy_now()).and_then(|()| {
                renameat2(AT_FDCWD, &new.directory, AT_FDCWD, &directory, RenameFlags::RENAME_EXCHANGE)
                    .map_err(|errno| Failure::of("replace", &directory, errno))?;
                sync_directory(&self.path)
            });
        remove_tree(&new.directory).and(replaced)
    }

    /// Removes a record, in one step for whoever looks.
    pub(crate) fn discard(&self, id: u32) -> Result<(), Failure> {
        let directory = self.path.join(id.to_string());
        let scrap = scrap_of(&directory);
        match fs::rename(&directory, &scrap) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            other => other.map_err(|error| Failure::of_io("remove", &directory, &error))?,
        }
        sync_directory(&self.path)?;
        remove_tree(&scrap)
    }

    /// Removes what runs that were cut off left of records that do not count.
    pub(crate) fn sweep(&self) -> Result<(), Failure> {
        names(&self.path)?
            .iter()
            .filter(|name| name.ends_with(SCRAP))
            .try_for_each(|name| remove_tree(&self.path.join(name)))
    }
}

impl Drop for JournalDirectory {
    fn drop(&mut self) {
        remove_if_empty(&self.path);
    }
}

/// A journal without records is removed as it was made. Whatever fails here is found by the next run.
fn remove_if_empty(path: &Path) {
    if !numbers(path).is_ok_and(|numbers| numbers.is_empty()) {
        return;
    }
    let Some(made) = fs::read_to_string(path.join(MADE)).ok().and_then(|text| text.trim().parse().ok())
    else {
        let _ = fs::remove_file(path.join(LOCK));
        return;
    };
    let Some(above) = path.ancestors().nth(made + 1) else { return };
    let Ok(_held) = Lock::of_directory(above) else { return };
    let scrap = scrap_of(path);
    if fs::rename(path, &scrap).is_ok() && remove_tree(&scrap).is_ok() {
        let above: Vec<&Path> = path.ancestors().skip(1).take(made).collect();
        let _ = above.into_iter().try_for_each(fs::remove_dir);
    }
}

/// All records below a journal's directory, oldest first, without holding it; those that go meanwhile are left out.
pub(crate) fn records(path: &Path) -> Result<Vec<Record>, Failure> {
    let mut found = Vec::new();
    for id in numbers(path)? {
        match Record::read(path, id) {
            Ok(record) => found.push(record),
            Err(failure) if path.join(id.to_string()).exists() => return Err(failure),
            Err(_) => {}
        }
    }
    Ok(found)
}

/// Whether something is left of a record or a journal that was being made or removed.
pub(crate) fn has_scrap(path: &Path) -> bool {
    scrap_of(path).exists()
        || names(path).is_ok_and(|names| names.iter().any(|name| name.ends_with(SCRAP)))
        || path.exists() && numbers(path).is_ok_and(|numbers| numbers.is_empty())
}

/// Removes the remains of a journal that was being made or removed; there is no journal.
pub(crate) fn sweep_absent(path: &Path) -> Result<(), Failure> {
    let scrap = scrap_of(path);
    let Some(above) = path.parent().filter(|_| scrap.exists()) else { return Ok(()) };
    let _held = Lock::of_directory(above)?;
    remove_tree(&scrap)
}

fn numbers(path: &Path) -> Result<Vec<u32>, Failure> {
    let mut numbers: Vec<u32> = names(path)?.iter().filter_map(|name| name.parse().ok()).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

fn names(path: &Path) -> Result<Vec<String>, Failure> {
    let failed = |error| Failure::of_io("read", path, &error);
    let entries = match fs::read_dir(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(failed)?,
    };
    entries.map(|entry| Ok(entry.map_err(failed)?.file_name().to_string_lossy().into_owned())).collect()
}

/// In one step for whoever looks: all that is missing on the way appears at once, with the note that it is ours.
fn make(path: &Path) -> Result<(), Failure> {
    let failed = |error| Failure::of_io("make", path, &error);
    let missing: Vec<&Path> = path.ancestors().take_while(|above| !above.exists()).collect();
    let Some(outermost) = missing.last() else { return Ok(()) };
    let Some(above) = outermost.parent() else { return Ok(()) };
    // Another run may be making it in the same place, or removing it.
    let _held = Lock::of_directory(above)?;
    if outermost.exists() {
        return Ok(());
    }
    let scrap = scrap_of(outermost);
    remove_tree(&scrap)?;
    let inside = path.strip_prefix(outermost).expect("one of its ancestors");
    let unborn = if inside.as_os_str().is_empty() { scrap.clone() } else { scrap.join(inside) };
    let made = fs::create_dir_all(&unborn)
        .and_then(|()| fs::write(unborn.join(MADE), format!("{}\n", missing.len() - 1)))
        .and_then(|()| fs::rename(&scrap, outermost));
    made.map_err(|error| {
        let _ = remove_tree(&scrap);
        failed(error)
    })
}

/// Records say what root writes where, so nobody else may have written them.
fn refuse_strangers(path: &Path) -> Result<(), Failure> {
    let owner = fs::metadata(path).map_err(|error| Failure::of_io("look at", path, &error))?.uid();
    if owner == 0 || owner == geteuid().as_raw() {
        return Ok(());
    }
    Err(Failure::new(format!("{} belongs to user {owner}, so it is not trusted: remove it", path.display())))
}

fn remove_tree(path: &Path) -> Result<(), Failure> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Failure::of_io("remove", path, &error)),
        _ => Ok(()),
    }
}

fn scrap_of(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(SCRAP);
    name.into()
}
