//! Ends processes that compilers left behind in process groups or sessions of their own. Knows nothing of jobs.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, TryLockError};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::prctl::set_child_subreaper;
use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, getpgrp};
use tokio::process::Child;
use tokio::time::{Instant, sleep};

use crate::workspace;

/// A process that has been killed takes a moment to be gone, and its children become ours only then.
const MOMENT: Duration = Duration::from_millis(1);

/// How long the killed may take: a disk that does not answer holds a process for as long as it likes.
const PATIENCE: Duration = Duration::from_millis(300);

/// PF_EXITING of the kernel's flags in /proc/PID/stat.
const EXITING: u32 = 4;

/// The compilers at work; what else is a child of the daemon, in a process group of its own, and has its HOME in a job's
/// directory, is a stray. Others have become our children because we are the first process of a container, or were
/// those of the shell that we were before.
#[derive(Debug, Default)]
pub(crate) struct Strays {
    /// Held shared from before a compiler is started until it is known.
    starting: RwLock<()>,
    /// By process, which is its process group, too. A number can come round before its last use is forgotten.
    compilers: Mutex<HashMap<Pid, usize>>,
}

/// A compiler that is no stray; it leads its process group.
#[derive(Debug)]
pub(crate) struct Known<'a> {
    strays: &'a Strays,
    group: Pid,
    /// There is no such group any more, so that its number may be another's.
    gone: bool,
}

impl Strays {
    /// Makes orphans of compilers children of this process, where the kernel can do that.
    pub(crate) fn adopt() -> Strays {
        let _ = set_child_subreaper(true);
        Strays::default()
    }

    /// Starts a compiler as leader of a process group. Without a `Known` it has ended and been waited for already.
    ///
    /// # Errors
    /// Those of `start`.
    pub(crate) fn start(
        &self,
        start: impl FnOnce() -> io::Result<Child>,
    ) -> io::Result<(Child, Option<Known<'_>>)> {
        let _starting = self.starting.read().unwrap_or_else(PoisonError::into_inner);
        let child = start()?;
        let known = child.id().map(|id| Known::of(self, Pid::from_raw(id.cast_signed())));
        Ok((child, known))
    }

    /// Kills the strays there are now, and says whether there may be more: what they started becomes a stray only then,
    /// and while a compiler is being started nobody knows.
    pub(crate) fn kill(&self) -> bool {
        let strays: Vec<(Pid, Kind)> = {
            // Not waited for: a disk that does not answer may take as long as it likes to start a compiler.
            let _nobody_starts = match self.starting.try_write() {
                Ok(nobody) => nobody,
                Err(TryLockError::Poisoned(nobody)) => nobody.into_inner(),
                Err(TryLockError::WouldBlock) => return true,
            };
            let known = self.compilers();
            let is_known = |pid: Pid| known.contains_key(&pid);
            let kind = |child: Pid| {
                let facts =
                    facts_of(child).filter(|facts| !is_known(facts.group) && facts.group != getpgrp());
                Some((child, kind(child, &facts?)))
            };
            children().into_iter().filter(|child| !is_known(*child)).filter_map(kind).collect()
        };
        for (child, kind) in &strays {
            if *kind == Kind::Ours {
                let _ = kill(*child, Signal::SIGKILL);
            }
            if *kind != Kind::Foreign {
                let _ = waitpid(*child, Some(WaitPidFlag::WNOHANG));
            }
        }
        strays.iter().any(|(_, kind)| *kind != Kind::Foreign)
    }

    /// Kills strays until there are none, for a bounded time.
    pub(crate) async fn kill_all(&self) {
        let end = Instant::now() + PATIENCE;
        while self.kill() && Instant::now() < end {
            sleep(MOMENT).await;
        }
    }

    fn compilers(&self) -> MutexGuard<'_, HashMap<Pid, usize>> {
        self.compilers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<'a> Known<'a> {
    fn of(strays: &'a Strays, group: Pid) -> Known<'a> {
        *strays.compilers().entry(group).or_default() += 1;
        Known { strays, group, gone: false }
    }

    /// Asks the whole group to end.
    pub(crate) fn terminate(&self) {
        // The group may be gone already.
        let _ = killpg(self.group, Signal::SIGTERM);
    }

    /// Kills the whole group.
    pub(crate) fn kill(&self) {
        let _ = killpg(self.group, Signal::SIGKILL);
    }

    /// Kills what is left of the group, whose leader has been waited for, and waits for a bounded time until it is
    /// gone.
    pub(crate) async fn bury(mut self) {
        let end = Instant::now() + PATIENCE;
        // While anyone is in the group nobody else can get its number, and if nobody is, the number would have to come
        // round and be made a group again since then.
        loop {
            self.gone = killpg(self.group, Signal::SIGKILL).is_err();
            if self.gone || Instant::now() >= end {
                return;
            }
            let everyone = Pid::from_raw(-self.group.as_raw());
            match waitpid(everyone, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::StillAlive) | Err(Errno::ECHILD) => sleep(MOMENT).await,
                _ => {}
            }
        }
    }
}

impl Drop for Known<'_> {
    fn drop(&mut self) {
        if !self.gone {
            self.kill();
        }
        let mut compilers = self.strays.compilers();
        if let Some(count) = compilers.get_mut(&self.group) {
            *count -= 1;
            if *count == 0 {
                compilers.remove(&self.group);
            }
        }
    }
}

/// Those of all threads; the kernel may leave some out while others end.
fn children() -> Vec<Pid> {
    let threads = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let lists = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    let numbers = lists.flat_map(|list| {
        list.split_whitespace().filter_map(|number| number.parse().ok()).collect::<Vec<i32>>()
    });
    numbers.map(Pid::from_raw).collect()
}

/// What a child is that is no compiler.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A compiler's.
    Ours,
    Foreign,
    /// It ends, or becomes another program just now.
    Vague,
}

fn kind(child: Pid, facts: &Facts) -> Kind {
    match fs::read(format!("/proc/{child}/environ")) {
        _ if facts.exiting => Kind::Vague,
        Ok(variables) if is_of_a_job(&variables) => Kind::Ours,
        Ok(variables) if !variables.is_empty() => Kind::Foreign,
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Kind::Foreign,
        _ => Kind::Vague,
    }
}

/// Whether an environment, as proc(5) has it, is one that a compiler was given.
fn is_of_a_job(environment: &[u8]) -> bool {
    let mut variables = environment.split(|byte| *byte == 0);
    let home = variables.find_map(|variable| variable.strip_prefix(b"HOME="));
    home.is_some_and(|home| workspace::is_ours(Path::new(OsStr::from_bytes(home))))
}

#[derive(Debug, PartialEq, Eq)]
struct Facts {
    group: Pid,
    exiting: bool,
}

/// None of a process that is not there.
fn facts_of(process: Pid) -> Option<Facts> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    facts_in(&stat)
}

/// `42 (any ) name) S PARENT GROUP SESSION TERMINAL ITS_GROUP FLAGS …`, as proc(5) has it.
fn facts_in(stat: &str) -> Option<Facts> {
    let (_, facts) = stat.rsplit_once(") ")?;
    let mut facts = facts.split(' ').skip(2);
    let group = Pid::from_raw(facts.next()?.parse().ok()?);
    let flags: u32 = facts.nth(3)?.parse().ok()?;
    Some(Facts { group, exiting: flags & EXITING != 0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::process::Command;
    use tokio::time::timeout;

    const SOON: Duration = Duration::from_secs(20);

    #[test]
    fn facts_of_processes() {
        let check = |stat: &str, expected: Option<(i32, bool)>| {
            let expected = expected.map(|(group, exiting)| Facts { group: Pid::from_raw(group), exiting });
            assert_eq!(facts_in(stat), expected, "{stat}");
        };
        check("42 (cc1) S 7 40 40 0 -1 4194304 99", Some((40, false)));
        check("42 (cc1) Z 7 40 40 0 -1 4228108 0", Some((40, true)));
        check("42 (a) b) (c) ) R 7 41 40 0 -1 0", Some((41, false)));
        check("42 (cc1) S", None);
        check("", None);
    }

    #[test]
    fn environments_of_jobs() {
        let pid = std::process::id();
        let check = |environment: &str, expected| {
            assert_eq!(is_of_a_job(environment.as_bytes()), expected, "{environment:?}");
        };
        check(&format!("PATH=/bin\0HOME=/dev/shm/distccd-{pid}-7\0"), true);
        check(&format!("HOME=/tmp/distccd_kept-{pid}-7"), true);
        check(&format!("HOME=/tmp/distccd-{pid}7-7\0"), false);
        check(&format!("HOME=/root\0TMPDIR=/tmp/distccd-{pid}-7\0"), false);
        check("PATH=/bin\0HOME=/\0", false);
        check("", false);
    }

    /// A compiler that starts `script` in the background; the process that this writes the number of.
    async fn left_by(strays: &Strays, home: &Path, script: &str) -> Pid {
        let place = tempfile::tempdir().unwrap();
        let number = place.path().join("pid");
        let script = format!("{script} & until [ -s {} ]; do sleep 0.01; done", number.display());
        let mut command = Command::new("sh");
        command.args(["-c", &script]).env("PID", &number).env("HOME", home).process_group(0);
        let (mut child, known) = strays.start(|| command.spawn()).unwrap();
        timeout(SOON, child.wait()).await.unwrap().unwrap();
        known.unwrap().bury().await;
        Pid::from_raw(fs::read_to_string(number).unwrap().trim().parse().unwrap())
    }

    async fn until_there_is_none(strays: &Strays) {
        let killing = async {
            while strays.kill() {
                sleep(MOMENT).await;
            }
        };
        timeout(SOON, killing).await.unwrap();
    }

    /// One test for all: a process has only one set of children.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_compilers_leave_is_killed() {
        let strays = Strays::adopt();
        let home = Path::new("/tmp").join(format!("distccd-{}-7", std::process::id()));
        let sleeper = r#"sh -c 'echo $$ >"$PID".new; mv "$PID".new "$PID"; exec sleep 60'"#;
        for script in [sleeper.to_owned(), format!("setsid {sleeper}"), format!("setsid setsid -f {sleeper}")]
        {
            let left = left_by(&strays, &home, &script).await;
            strays.kill_all().await;
            assert_eq!(kill(left, None), Err(Errno::ESRCH), "{script}");
        }

        // What is no compiler's is left alone, though it became our child in the same way.
        let foreign = left_by(&strays, Path::new("/root"), &format!("setsid {sleeper}")).await;
        until_there_is_none(&strays).await;
        kill(foreign, None).unwrap();
        kill(foreign, Signal::SIGKILL).unwrap();
        waitpid(foreign, None).unwrap();
        until_there_is_none(&strays).await;

        // One that another part of the daemon started is none of them, nor is a compiler at work.
        let mut other = Command::new("sleep").arg("60").kill_on_drop(true).spawn().unwrap();
        let mut sleep = Command::new("sleep");
        let (mut compiler, known) = strays.start(|| sleep.arg("60").process_group(0).spawn()).unwrap();
        assert!(!strays.kill());
        assert!(other.try_wait().unwrap().is_none() && compiler.try_wait().unwrap().is_none());
        drop(known);
        timeout(SOON, compiler.wait()).await.unwrap().unwrap();
        assert!(strays.compilers().is_empty());
    }

    /// A disk that does not answer holds the thread that starts a compiler, and no other.
    #[test]
    fn a_compiler_that_does_not_start_keeps_nobody_waiting() {
        let (say, hear) = std::sync::mpsc::channel();
        let strays = std::sync::Arc::new(Strays::default());
        let starting = std::sync::Arc::clone(&strays);
        let _ = strays.start(|| {
            std::thread::spawn(move || say.send(starting.kill()));
            assert_eq!(hear.recv_timeout(SOON), Ok(true));
            Err(io::ErrorKind::NotFound.into())
        });
    }
}
