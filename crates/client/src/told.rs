//! Warnings that a build gets once, though each of its many client processes has cause for them. Knows no job.

use crate::settings::Settings;
use logging::{Level, Log};
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::unistd::geteuid;
use std::fmt;
use std::fs::{self, DirBuilder, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What was neither said nor held back for so long is news again, beside the time for which hosts are left alone.
const FORGOTTEN: Duration = Duration::from_secs(300);

/// After so long a mark is of no use to anybody.
const LITTER: Duration = Duration::from_secs(24 * 3600);

/// Says things, and remembers in a directory what the build that this process belongs to has been told. What has been said
/// goes on to logs that want every detail.
#[derive(Debug)]
pub(crate) struct Told<'a> {
    log: &'a Log,
    /// Where marks may be kept, the best place first; nowhere means that everything is said each time.
    places: Vec<PathBuf>,
    forgotten: Duration,
    /// Whoever looks for the reason of a failure finds it beside that.
    jobs_may_fail: bool,
}

impl<'a> Told<'a> {
    /// Where a build cannot go on without being sent, what may be the reason of a failure is said each time.
    pub(crate) fn once_a_build(settings: &Settings, log: &'a Log) -> Told<'a> {
        let state = settings.state_dir.iter().map(|state| state.path.join("told"));
        let shared = settings.temporary.join(format!("distcc-told-{}", geteuid()));
        Told {
            log,
            places: state.chain([shared]).collect(),
            forgotten: FORGOTTEN.saturating_add(settings.backoff_period),
            jobs_may_fail: !settings.fallback,
        }
    }

    /// Holds nothing back.
    pub(crate) fn each_time(log: &'a Log) -> Told<'a> {
        Told { log, places: Vec::new(), forgotten: FORGOTTEN, jobs_may_fail: false }
    }

    /// Says things through another log.
    pub(crate) fn through<'b>(&self, log: &'b Log) -> Told<'b> {
        Told { log, places: self.places.clone(), ..*self }
    }

    /// A warning; `subject` is what makes two of them the same.
    pub(crate) fn warning(&self, subject: fmt::Arguments, message: fmt::Arguments) {
        self.say(Level::Warning, subject, message);
    }

    /// Likewise about something for which no job fails.
    pub(crate) fn remark(&self, subject: fmt::Arguments, message: fmt::Arguments) {
        self.log.write(if self.is_news(subject) { Level::Warning } else { Level::Info }, message);
    }

    /// Likewise an error.
    pub(crate) fn error(&self, subject: fmt::Arguments, message: fmt::Arguments) {
        self.say(Level::Error, subject, message);
    }

    fn say(&self, level: Level, subject: fmt::Arguments, message: fmt::Arguments) {
        self.log
            .write(if self.jobs_may_fail || self.is_news(subject) { level } else { Level::Info }, message);
    }

    /// Whether this build hears of it for the first time: of clients that ask at the same time, one is told so. What cannot
    /// be remembered is news each time.
    fn is_news(&self, subject: fmt::Arguments) -> bool {
        let mut hasher = DefaultHasher::new();
        subject.to_string().hash(&mut hasher);
        let name = format!("{}-{:016x}", build(), hasher.finish());
        let tries = self.places.iter().map(|place| claim(place, &name, self.forgotten));
        tries.flat_map(Result::ok).next().unwrap_or(true)
    }
}

/// Leaves a mark of this name; true if there was none, or one that was forgotten.
fn claim(place: &Path, name: &str, forgotten: Duration) -> io::Result<bool> {
    prepare(place)?;
    let path = place.join(name);
    match File::options().write(true).create_new(true).open(&path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => renew(&path, forgotten),
        Err(error) => Err(error),
        Ok(_) => {
            tidy_up(place);
            Ok(true)
        }
    }
}

fn renew(path: &Path, forgotten: Duration) -> io::Result<bool> {
    let file = File::options().write(true).open(path)?;
    let file = match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
        // Who has the lock says it, if it has to be said.
        Err((_, Errno::EWOULDBLOCK)) => return Ok(false),
        locked => locked.map_err(|(_, error)| error)?,
    };
    let quiet = file.metadata()?.modified()?.elapsed().unwrap_or_default();
    // By writing, because setting the time itself is for the file's owner only.
    file.write_all_at(b"x", 0)?;
    Ok(quiet >= forgotten)
}

/// Makes the directory, but not the one it is in. In a place that everybody may write to, it must be ours alone.
fn prepare(place: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(place) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        made => return made,
    }
    let found = fs::symlink_metadata(place)?;
    let ours = found.is_dir() && found.uid() == geteuid().as_raw() && found.mode() & 0o022 == 0;
    if ours { Ok(()) } else { Err(io::Error::from(io::ErrorKind::PermissionDenied)) }
}

/// Removes what builds of former days have left.
fn tidy_up(place: &Path) {
    let Ok(marks) = fs::read_dir(place) else { return };
    let is_litter = |mark: &fs::DirEntry| {
        let written = mark.metadata().and_then(|mark| mark.modified());
        written.is_ok_and(|written| written.elapsed().is_ok_and(|age| age > LITTER))
    };
    for mark in marks.flatten().filter(is_litter) {
        // Another client may have been faster.
        let _ = fs::remove_file(mark.path());
    }
}

/// What the processes of one build have in common: the session and, on a terminal, what was started there in the
/// foreground. Their own process group would not do: ninja gives every job one.
fn build() -> String {
    build_of(|process| fs::read_to_string(format!("/proc/{process}/stat")).ok()).unwrap_or_default()
}

/// From texts as in proc(5), `/proc/pid/stat`.
fn build_of(stat: impl Fn(&str) -> Option<String>) -> Option<String> {
    let own = stat("self")?;
    let own = fields(&own)?;
    let (session, foreground) = (*own.get(3)?, *own.get(5)?);
    // The same numbers come again in the next container, but later. Of a leader outside nothing is seen.
    let leader = stat(if session == "0" { "1" } else { session });
    let born = leader.as_deref().and_then(|leader| Some(*fields(leader)?.get(19)?)).unwrap_or_default();
    let foreground = if foreground == "-1" { String::new() } else { format!(".{foreground}") };
    Some(format!("{session}.{born}{foreground}"))
}

/// From the state on: the program's name before it stands in parentheses and may hold anything.
fn fields(stat: &str) -> Option<Vec<&str>> {
    Some(stat.rsplit_once(") ")?.1.split(' ').collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use logging::Sink;
    use std::thread;
    use std::time::SystemTime;

    fn told<'a>(log: &'a Log, places: &[&Path]) -> Told<'a> {
        Told {
            log,
            places: places.iter().map(|place| place.join("told")).collect(),
            forgotten: FORGOTTEN,
            jobs_may_fail: false,
        }
    }

    fn log() -> Log {
        Log::new("distcc", Sink::Stderr, Level::Emergency)
    }

    #[track_caller]
    fn check(told: &Told, subject: &str, expected: bool) {
        assert_eq!(told.is_news(format_args!("{subject}")), expected, "{subject}");
    }

    #[test]
    fn each_subject_is_news_once() {
        let (dir, log) = (tempfile::tempdir().unwrap(), log());
        let told = told(&log, &[dir.path()]);
        for (subject, expected) in [("red", true), ("red", false), ("blue", true), ("red", false)] {
            check(&told, subject, expected);
        }
        check(&Told::each_time(&log), "red", true);
        check(&Told::each_time(&log), "red", true);
    }

    #[test]
    fn the_next_place_serves_where_the_first_is_missing() {
        let (dir, log) = (tempfile::tempdir().unwrap(), log());
        let told = told(&log, &[&dir.path().join("none"), dir.path()]);
        check(&told, "red", true);
        check(&told, "red", false);
        assert!(!dir.path().join("none").exists());
    }

    #[test]
    fn what_anyone_could_write_is_not_believed() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let (dir, log) = (tempfile::tempdir().unwrap(), log());
        let open = dir.path().join("told");
        fs::create_dir(&open).unwrap();
        fs::set_permissions(&open, PermissionsExt::from_mode(0o777)).unwrap();
        check(&told(&log, &[dir.path()]), "red", true);
        assert_eq!(fs::read_dir(open).unwrap().count(), 0);
        let (other, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        symlink(target.path(), other.path().join("told")).unwrap();
        check(&told(&log, &[other.path()]), "red", true);
        assert_eq!(fs::read_dir(target.path()).unwrap().count(), 0);
    }

    #[test]
    fn of_many_at_once_one_tells() {
        let (dir, log) = (tempfile::tempdir().unwrap(), log());
        let count_news = || {
            thread::scope(|scope| {
                let one = || told(&log, &[dir.path()]).is_news(format_args!("red"));
                let threads: Vec<_> = (0..16).map(|_| scope.spawn(one)).collect();
                threads.into_iter().filter_map(|thread| thread.join().unwrap().then_some(())).count()
            })
        };
        assert_eq!((count_news(), count_news()), (1, 0));
        age(dir.path(), FORGOTTEN + Duration::from_secs(1));
        assert_eq!((count_news(), count_news()), (1, 0));
    }

    fn age(dir: &Path, by: Duration) {
        for mark in fs::read_dir(dir.join("told")).unwrap() {
            let file = File::options().write(true).open(mark.unwrap().path()).unwrap();
            file.set_modified(SystemTime::now() - by).unwrap();
        }
    }

    #[test]
    fn marks_of_former_days_are_removed() {
        let (dir, log) = (tempfile::tempdir().unwrap(), log());
        let told = told(&log, &[dir.path()]);
        check(&told, "red", true);
        age(dir.path(), LITTER * 2);
        check(&told, "blue", true);
        assert_eq!(fs::read_dir(dir.path().join("told")).unwrap().count(), 1);
    }

    #[test]
    fn what_a_build_is() {
        let born_at = |time: &str| format!("9 (sh) S 1 9 9 34816 8 0 0 0 0 0 0 0 0 0 20 0 1 0 {time} 99");
        let check = |own: &str, leader: (&str, Option<&str>), expected: Option<&str>| {
            let stat = |process: &str| match process {
                "self" => Some(own.to_owned()),
                _ => leader.1.filter(|_| process == leader.0).map(born_at),
            };
            assert_eq!(build_of(stat).as_deref(), expected, "{own}");
        };
        check("12 (distcc) R 11 10 9 34816 8 4194304", ("9", Some("700")), Some("9.700.8"));
        check("12 (distcc) R 11 10 9 34816 8 4194304", ("9", None), Some("9..8"));
        check("12 (a) b) S 11 10 9 0 -1 4194304", ("9", Some("701")), Some("9.701"));
        check("12 (distcc) R 0 0 0 0 -1 4194304", ("1", Some("702")), Some("0.702"));
        check("12 (distcc) R 11 10", ("9", None), None);
        assert_ne!(build(), "");
    }
}
