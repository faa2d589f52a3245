//! What became of the jobs since it was last asked, as text. Knows the tally and nothing of how jobs run.

use crate::settings::Settings;
use job_state::{Counts, Entry, HostCount, Tally};
use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, SystemTime};

/// What `distcc --summary` prints; what it has printed is not part of the next summary.
///
/// # Errors
/// There is no tally to be read, or it cannot be noted that it has been; what the user is to be told.
pub(crate) fn since_the_last(settings: &Settings) -> Result<String, String> {
    let directory = directory(settings)?;
    let mut tally = Tally::new(&directory);
    let until = end_of_this_millisecond();
    // A time to come was told by a clock that was wrong.
    let since = Some(tally.shown()).filter(|since| *since <= until).unwrap_or(SystemTime::UNIX_EPOCH);
    let in_directory = |error| format!("{}: {error}", directory.display());
    let mut entries = tally.read().map_err(in_directory)?;
    entries.retain(|entry| (since..until).contains(&entry.when));
    if entries.is_empty() {
        return Ok("no jobs since the last summary\n".to_owned());
    }
    tally.set_shown(until).map_err(in_directory)?;
    Ok(text(&Counts::of(&entries)))
}

/// `distcc --summary --begin`: what has been is not part of the next summary.
///
/// # Errors
/// It cannot be noted; what the user is to be told.
pub(crate) fn begin(settings: &Settings) -> Result<String, String> {
    let directory = directory(settings)?;
    match Tally::new(&directory).set_shown(end_of_this_millisecond()) {
        // A user's first build has no past; a directory that was named may be mistyped.
        Err(error) if error.kind() == io::ErrorKind::NotFound && is_made_on_demand(settings) => {}
        noted => noted.map_err(|error| format!("{}: {error}", directory.display()))?,
    }
    Ok(String::new())
}

fn is_made_on_demand(settings: &Settings) -> bool {
    settings.state_dir.as_ref().is_some_and(|directory| directory.create)
}

/// Waits for it: records tell time no better, and each job is to be told of once.
fn end_of_this_millisecond() -> SystemTime {
    let now = SystemTime::now();
    let nanos = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().subsec_nanos() % 1_000_000;
    let rest = Duration::from_nanos((1_000_000 - nanos).into());
    thread::sleep(rest);
    now + rest
}

fn directory(settings: &Settings) -> Result<PathBuf, String> {
    let directory = settings.state_dir.as_ref().map(|directory| directory.path.clone());
    directory.ok_or_else(|| "neither DISTCC_DIR nor HOME is set, so nothing is counted".to_owned())
}

fn text(counts: &Counts) -> String {
    let name_width = counts.hosts.iter().map(|host| host.host.chars().count()).max().unwrap_or(0);
    let count_width = counts.hosts.iter().map(|host| host.done.to_string().len()).max().unwrap_or(0);
    counts.hosts.iter().fold(plain(&counts.line()) + "\n", |mut text, host| {
        let (name, done) = (plain(&host.host), host.done);
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {name:<name_width$}  {done:>count_width$}{}", failures(host));
        text
    })
}

fn failures(host: &HostCount) -> String {
    let Some(Entry { reason, file, .. }) = &host.last_failure else { return String::new() };
    let times = if host.failed == 1 { "once" } else { "the last time" };
    let file = plain(&file.to_string_lossy());
    format!(", failed {}, {times} with {file}: {}", host.failed, plain(reason))
}

/// A file may be called anything, a tally have been written by anybody, and a terminal obeys some of that.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::StateDir;
    use job_state::Outcome;

    #[track_caller]
    fn check(entries: &[(Outcome, &str, &str)], expected: &str) {
        let entries = entries.iter().map(|(outcome, host, reason)| Entry {
            when: SystemTime::UNIX_EPOCH,
            outcome: *outcome,
            host: (*host).to_owned(),
            reason: (*reason).to_owned(),
            file: "a\x1b.c".into(),
        });
        assert_eq!(text(&Counts::of(&entries.collect::<Vec<_>>())), expected);
    }

    #[test]
    fn hosts_stand_in_columns() {
        check(&[(Outcome::Here, "", "a\x1bb")], "0 remote, 1 here (1 a?b)\n");
        let (here, link) = ((Outcome::Here, "", "probe"), (Outcome::Here, "", "link"));
        check(&[here, link, here], "0 remote, 3 here (2 probe, 1 link)\n");
        let done = [(Outcome::Remote, "red:99/5,lzo", ""); 10];
        let failed = (Outcome::Failed, "blue", "Connection refused while connecting");
        let last = "with a?.c: Connection refused while connecting";
        check(
            &[&done[..], &[failed]].concat(),
            &format!("10 remote, 0 here\n  red:99/5,lzo  10\n  blue           0, failed 1, once {last}\n"),
        );
        check(&[failed; 2], &format!("0 remote, 0 here\n  blue  0, failed 2, the last time {last}\n"));
    }

    /// However soon one asks, and asks again.
    #[test]
    fn each_job_is_told_of_once() {
        let dir = tempfile::tempdir().unwrap();
        let state_dir = Some(StateDir { path: dir.path().to_owned(), create: false });
        let settings = Settings { state_dir, ..Settings::read() };
        let add = || {
            let (host, reason) = (String::new(), "link".to_owned());
            let (when, file) = (SystemTime::now(), "a.c".into());
            Tally::new(dir.path()).add(&Entry { when, outcome: Outcome::Here, host, reason, file }).unwrap();
        };
        Tally::new(dir.path()).set_shown(SystemTime::now() + Duration::from_secs(3600)).unwrap();
        for _ in 0..100 {
            add();
            assert_eq!(since_the_last(&settings).unwrap(), "0 remote, 1 here (1 link)\n");
            assert_eq!(since_the_last(&settings).unwrap(), "no jobs since the last summary\n");
            add();
            begin(&settings).unwrap();
            assert_eq!(since_the_last(&settings).unwrap(), "no jobs since the last summary\n");
        }
    }

    #[test]
    fn the_first_build_has_no_past() {
        let dir = tempfile::tempdir().unwrap();
        for create in [true, false] {
            let state_dir = Some(StateDir { path: dir.path().join("missing"), create });
            assert_eq!(begin(&Settings { state_dir, ..Settings::read() }).is_ok(), create);
        }
    }
}
