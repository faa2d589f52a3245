//! Small files that remember something for the next process of the same user, in directories where others may write,
//! too. Knows nothing of what they say.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, SystemTime};

use nix::fcntl::OFlag;
use nix::unistd::geteuid;

/// So long a file stays that nobody reads or writes.
const OLD: Duration = Duration::from_secs(30 * 24 * 3600);

/// So many files are looked at, and so many removed, by one process.
const LOOKED_AT: usize = 1000;
const REMOVED: usize = 50;

/// Neither a pipe nor a link of another user is to hold us up or lead us elsewhere.
pub fn with_care() -> OpenOptions {
    let mut options = File::options();
    options.custom_flags((OFlag::O_NONBLOCK | OFlag::O_NOFOLLOW).bits());
    options
}

/// What another user has put there is not believed.
///
/// # Errors
/// `PermissionDenied` if that is so, or it is no file.
pub fn ours(file: File) -> io::Result<(File, Metadata)> {
    let about = file.metadata()?;
    if is_ours(&about) { Ok((file, about)) } else { Err(io::ErrorKind::PermissionDenied.into()) }
}

fn is_ours(about: &Metadata) -> bool {
    about.is_file() && about.uid() == geteuid().as_raw()
}

/// At most the first `longest` bytes of a file of ours, unless it was written longer ago than it is `believed`.
pub fn recall(file: &Path, longest: u64, believed: Duration) -> Option<String> {
    let (file, about) = ours(with_care().read(true).open(file).ok()?).ok()?;
    let age = about.modified().ok()?.elapsed().ok()?;
    let mut text = String::new();
    file.take(longest).read_to_string(&mut text).ok()?;
    (age < believed).then_some(text)
}

/// Has these bytes in the file and no others: who reads it meanwhile finds all of the old or the new ones. Its directory is
/// made if need be, and what nobody used for long is removed there. What cannot be written is found out again.
pub fn keep(file: &Path, bytes: &[u8]) {
    let Some(directory) = file.parent() else { return };
    match write(file, bytes) {
        Ok(()) => remove_old(directory),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            // Another may have made it meanwhile.
            let _ = fs::create_dir(directory);
            let _ = write(file, bytes);
        }
        Err(_) => {}
    }
}

fn write(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut unfinished = file.as_os_str().to_owned();
    unfinished.push(format!(".{}", std::process::id()));
    let create = || with_care().write(true).create_new(true).mode(0o600).open(&unfinished);
    let mut opened = create().or_else(|error| match error.kind() {
        // Of a process that was killed, long ago.
        io::ErrorKind::AlreadyExists => fs::remove_file(&unfinished).and_then(|()| create()),
        _ => Err(error),
    })?;
    let written = opened.write_all(bytes).and_then(|()| fs::rename(&unfinished, file));
    written.inspect_err(|_| drop(fs::remove_file(&unfinished)))
}

/// Removes the files of ours in a directory that nobody has read or written for 30 days; some of them, where there are very
/// many. Who reads one just now can read on.
pub fn remove_old(directory: &Path) {
    let Some(old) = SystemTime::now().checked_sub(OLD) else { return };
    let entries = fs::read_dir(directory).into_iter().flatten().flatten().take(LOOKED_AT);
    let is_old = |about: Metadata| {
        // Where reading leaves no trace, the time of writing counts alone.
        let touched = [about.accessed(), about.modified()].into_iter().flatten().max();
        is_ours(&about) && touched.is_some_and(|touched| touched < old)
    };
    entries
        .filter(|entry| entry.metadata().is_ok_and(is_old))
        .take(REMOVED)
        .for_each(|entry| drop(fs::remove_file(entry.path())));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::FileTimes;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::PathBuf;

    /// Whether it can be recalled after something has been done to it.
    #[track_caller]
    fn check(change: impl Fn(&Path), expected: Option<&str>) {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("new/kept");
        keep(&file, b"once");
        keep(&file, b"text");
        assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 1);
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        change(&file);
        assert_eq!(recall(&file, 4, Duration::from_secs(60)).as_deref(), expected);
    }

    #[test]
    fn what_is_recalled() {
        check(|_| {}, Some("text"));
        check(|file| fs::write(file, "texts").unwrap(), Some("text"));
        check(|file| keep(file, b"new"), Some("new"));
        check(|file| fs::remove_file(file).unwrap(), None);
        check(|file| age(file, 60), None);
        check(
            |file| {
                fs::rename(file, file.with_extension("away")).unwrap();
                symlink("kept.away", file).unwrap();
            },
            None,
        );
        check(
            |file| {
                fs::remove_file(file).unwrap();
                nix::unistd::mkfifo(file, nix::sys::stat::Mode::S_IRWXU).unwrap();
            },
            None,
        );
    }

    #[test]
    fn what_a_killed_process_left_is_in_nobodys_way() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("kept");
        fs::write(place.path().join(format!("kept.{}", std::process::id())), "left").unwrap();
        keep(&file, b"text");
        assert_eq!(recall(&file, 9, Duration::from_secs(60)).as_deref(), Some("text"));
    }

    fn age(file: &Path, seconds: u64) {
        let then = SystemTime::now() - Duration::from_secs(seconds);
        let times = FileTimes::new().set_accessed(then).set_modified(then);
        File::options().write(true).open(file).unwrap().set_times(times).unwrap();
    }

    #[test]
    fn what_nobody_uses_goes() {
        let place = tempfile::tempdir().unwrap();
        let made = |name: &str, days: u64| -> PathBuf {
            let file = place.path().join(name);
            fs::write(&file, "").unwrap();
            age(&file, days * 24 * 3600);
            file
        };
        let check = |file: &Path, stays: bool| {
            keep(&place.path().join("other"), b"");
            assert_eq!(fs::symlink_metadata(file).is_ok(), stays, "{}", file.display());
        };
        check(&made("fresh", 29), true);
        check(&made("old", 31), false);
        let read = made("read", 31);
        let file = File::options().write(true).open(&read).unwrap();
        file.set_times(FileTimes::new().set_accessed(SystemTime::now())).unwrap();
        check(&read, true);
        let link = place.path().join("link");
        symlink("/etc/hostname", &link).unwrap();
        check(&link, true);
        if geteuid().is_root() {
            let of_another = made("of-another", 31);
            std::os::unix::fs::chown(&of_another, Some(1), None).unwrap();
            check(&of_another, true);
        }
        (0..REMOVED + 1).for_each(|number| drop(made(&format!("many{number}"), 31)));
        keep(&place.path().join("other"), b"");
        let left = fs::read_dir(place.path()).unwrap().flatten();
        assert_eq!(left.filter(|entry| entry.file_name().to_str().unwrap().starts_with("many")).count(), 1);
    }
}
