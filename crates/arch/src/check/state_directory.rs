//! Whether the client can keep its locks: the state directory of the building user. Knows nothing of what is in them.

use crate::build_user::BuildUser;
use crate::check::remedy::word;
use crate::check::{Finding, Situation};
use nix::sys::statvfs::{FsFlags, statvfs};
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

const NAME: &str = "state-directory";

/// More directories and files than this hold no locks of ours.
const MOST: usize = 10_000;

/// `state-directory`: it is that user's, with all that is in it, and there is room.
pub(super) fn state_directory(situation: &Situation) -> Vec<Finding> {
    let (Some(user), Some(directory)) = (&situation.user, &situation.state_directory) else {
        return vec![Finding::skipped(NAME, "~/.distcc", "nobody is known who builds")];
    };
    let shown = directory.display().to_string();
    let quoted = word(&shown);
    let metadata = match fs::metadata(directory) {
        Ok(metadata) => metadata,
        Err(_) if directory.is_symlink() => {
            let what = "a link that leads nowhere, so every file is compiled here";
            let remedy = situation.as_root("systemd-tmpfiles --create");
            return vec![Finding::failure(NAME, shown, what, remedy)];
        }
        Err(_) => return vec![absent(situation, user, directory)],
    };
    if !metadata.is_dir() {
        let remedy = situation.as_root(format!("rm {quoted}"));
        return vec![Finding::failure(NAME, shown, "it is no directory", remedy)];
    }
    let foreign = foreign(directory, &metadata, user);
    if let Some(first) = foreign.first() {
        let what = match foreign.len() {
            1 => format!("{} cannot be written by {}", first.display(), user.name),
            all => format!("{} and {} more cannot be written by {}", first.display(), all - 1, user.name),
        };
        let remedy = remedy(situation, user, directory, &foreign);
        return vec![Finding::failure(NAME, &shown, what, remedy)];
    }
    if let Some(finding) = read_only(situation, directory, &shown) {
        return vec![finding];
    }
    match statvfs(directory) {
        Ok(room) if room.blocks_available() == 0 || (room.files() > 0 && room.files_available() == 0) => {
            vec![Finding::failure(NAME, &shown, "its file system is full", format!("df -h {quoted}"))]
        }
        _ => vec![Finding::well(NAME, &shown, format!("can be written by {}", user.name))],
    }
}

/// On a file system that nobody may write to.
fn read_only(situation: &Situation, directory: &Path, shown: &str) -> Option<Finding> {
    let is = statvfs(directory).is_ok_and(|room| room.flags().contains(FsFlags::ST_RDONLY));
    let remedy =
        format!("mount -o remount,rw \"$(findmnt -no TARGET -T {})\"", word(&directory.to_string_lossy()));
    is.then(|| Finding::failure(NAME, shown, "its file system is read-only", situation.as_root(remedy)))
}

/// Gives the directory to that user, if not all of it belongs there, and lets the owner write, if that is not so. chown
/// stops at a link, and nobody shall give away what a link of somebody's happens to lead to.
fn remedy(situation: &Situation, user: &BuildUser, directory: &Path, foreign: &[PathBuf]) -> String {
    let is_theirs = |metadata: &Metadata| metadata.uid() == user.uid;
    if directory.is_symlink() && !fs::metadata(directory).is_ok_and(|target| is_theirs(&target)) {
        return situation.as_root(format!("rm {}", word(&directory.to_string_lossy())));
    }
    let directory = &fs::canonicalize(directory).unwrap_or_else(|_| directory.to_owned());
    let all: Vec<_> = foreign.iter().filter_map(|path| fs::metadata(path).ok()).collect();
    let quoted = word(&directory.to_string_lossy());
    // Another root has users that this machine does not know.
    let owner =
        if situation.elsewhere() { format!("{}:{}", user.uid, user.gid) } else { format!("{}:", user.name) };
    let chown = situation.as_root(format!("chown -R {owner} {quoted}"));
    let chmod = format!("chmod -R u+rwX {quoted}");
    match (all.iter().all(is_theirs), all.iter().any(|metadata| !has(metadata, 0o700))) {
        (true, _) => situation.as_owner(directory, chmod),
        (false, true) => format!("{chown} && {}", situation.as_root(chmod)),
        (false, false) => chown,
    }
}

/// The client makes the default directory itself, but not one that `DISTCC_DIR` names.
fn absent(situation: &Situation, user: &BuildUser, directory: &Path) -> Finding {
    let shown = directory.display().to_string();
    let is_default = *directory == user.home.join(".distcc");
    let home = directory.parent().and_then(|parent| fs::metadata(parent).ok());
    if let Some(finding) = directory.parent().and_then(|home| read_only(situation, home, &shown)) {
        return finding;
    }
    if is_default && home.is_some_and(|home| may_write(&home, user)) {
        return Finding::well(NAME, shown, "is made when it is needed");
    }
    let what = "there is none, and the client cannot make it";
    let remedy = format!("install -d -o {} -g {} {}", user.uid, user.gid, word(&shown));
    Finding::failure(NAME, shown, what, situation.as_root(remedy))
}

/// What below the directory, and the directory itself, that user could not write.
fn foreign(directory: &Path, metadata: &Metadata, user: &BuildUser) -> Vec<PathBuf> {
    let mut found = Vec::new();
    if !may_write(metadata, user) {
        found.push(directory.to_owned());
    }
    let mut waiting = vec![directory.to_owned()];
    let mut seen = 0;
    while let Some(directory) = waiting.pop() {
        for entry in fs::read_dir(&directory).into_iter().flatten().flatten() {
            let Ok(metadata) = entry.metadata() else { continue };
            seen += 1;
            if seen > MOST {
                return found;
            }
            if !metadata.is_symlink() && !may_write(&metadata, user) {
                found.push(entry.path());
            }
            if metadata.is_dir() {
                waiting.push(entry.path());
            }
        }
    }
    found.sort();
    found
}

/// By the bits for owner and others; whoever gives a group the right to write means it.
fn may_write(metadata: &Metadata, user: &BuildUser) -> bool {
    let bits = match (metadata.uid() == user.uid, metadata.gid() == user.gid) {
        (true, _) => 0o700,
        (false, true) => 0o070,
        (false, false) => 0o007,
    };
    has(metadata, bits)
}

/// Whether it has the rights to write, and for a directory to enter, among these bits.
fn has(metadata: &Metadata, bits: u32) -> bool {
    let wanted = if metadata.is_dir() { 0o333 } else { 0o222 };
    metadata.mode() & wanted & bits == wanted & bits
}
