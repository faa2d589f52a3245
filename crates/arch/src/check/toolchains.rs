//! Whether the daemon here can run the compilers of toolchains.toml: the file, its directories and chroots, and what
//! stands between the daemon's user and each compiler. Knows nothing of jobs.

use crate::ask::ask;
use crate::check::namespaces::forbidden;
use crate::check::remedy::word;
use crate::check::usable_program::Account;
use crate::check::{Finding, Situation};
use crate::processes::Processes;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use toolchain::{CONFIG, Config, ConfigError, Place};

const NAME: &str = "toolchains";
const LIMIT: Duration = Duration::from_secs(10);
/// Whom distccd becomes, the first there is: its package's user, Debian's, anybody.
const USERS: [&str; 3] = ["distcc", "distccd", "nobody"];
/// What distccd.service sees nothing of, and the line of its unit that makes it so.
const HIDDEN: &[(&str, &str)] = &[
    ("/home", "ProtectHome=yes"),
    ("/root", "ProtectHome=yes"),
    ("/run/user", "ProtectHome=yes"),
    ("/tmp", "PrivateTmp=yes"),
    ("/var/tmp", "PrivateTmp=yes"),
];

/// The compilers of one place.
#[derive(Debug)]
pub(crate) struct Compilers {
    /// Sorted.
    pub(crate) names: Vec<String>,
    place: Place,
}

/// Something that keeps the daemon from running a compiler.
#[derive(Debug)]
pub(crate) struct Obstacle {
    pub(crate) subject: String,
    /// A lowercase fragment.
    pub(crate) what: String,
    /// The command that mends it.
    pub(crate) remedy: String,
}

/// `toolchains`: the file, and all that it names.
pub(super) fn toolchains(situation: &Situation) -> Vec<Finding> {
    let path = situation.at(CONFIG);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return vec![Finding::skipped(NAME, CONFIG, "no other toolchains are named")];
        }
        Err(error) => {
            return vec![Finding::failure(NAME, CONFIG, error.to_string(), format!("ls -l {CONFIG}"))];
        }
    };
    let config = match Config::parse(&text, &path) {
        Ok(config) => config,
        Err(error) => return vec![wrong(&error, situation)],
    };
    if situation.elsewhere() {
        return vec![Finding::skipped(NAME, CONFIG, "what it names is looked at on its own machine")];
    }
    let mut findings: Vec<_> = config.check(&path).iter().map(|error| wrong(error, situation)).collect();
    let account = daemon_account(situation.processes);
    let ready = config.toolchains.iter().filter_map(|entry| {
        let compilers = Compilers::of(&entry.place).ok().filter(|compilers| !compilers.names.is_empty())?;
        let found: Vec<_> =
            account.iter().flat_map(|account| obstacles(&compilers, account, situation.processes)).collect();
        findings.extend(found.iter().map(Obstacle::finding));
        found.is_empty().then(|| format!("{} ({})", entry.name, compilers.shown()))
    });
    let ready: Vec<_> = ready.collect();
    findings.extend(config.multilib.then(|| stand_in("gcc", situation.processes)));
    if !ready.is_empty() {
        findings.push(Finding::well(NAME, CONFIG, format!("the daemon may run {}", ready.join("; "))));
    }
    findings
}

/// Whether the native compiler makes 32-bit objects, as `multilib = true` has it.
fn stand_in(compiler: &str, processes: &Arc<Processes>) -> Finding {
    let mut command = Command::new(compiler);
    command.args(["-m32", "-x", "c", "-c", "-", "-o", "/dev/null"]);
    let ended = ask(processes, &mut command, LIMIT);
    if ended.well() {
        return Finding::well(NAME, "multilib", format!("{compiler} -m32 stands in for i686 compilers"));
    }
    let what = format!("{compiler} -m32 cannot stand in for an i686 compiler: {}", ended.how());
    Finding::failure(NAME, "multilib", what, "sudo distcc-arch toolchain multilib off")
}

/// The daemon heeds none of a file with an error.
fn wrong(error: &ConfigError, situation: &Situation) -> Finding {
    let (file, line) = (error.file.display(), error.line);
    let remedy = situation.as_owner(&error.file, format!("${{EDITOR:-vi}} +{line} {file}"));
    Finding::failure(NAME, format!("{file}:{line}"), &error.sentence, remedy)
}

/// Whom the daemon runs as; none where nobody can tell.
pub(crate) fn daemon_account(processes: &Arc<Processes>) -> Option<Account> {
    let mut command = Command::new("systemctl");
    command.args(["show", "distccd.service", "--property=User", "--value"]);
    let of_unit = if Path::new("/run/systemd/system").is_dir() {
        String::from_utf8_lossy(&ask(processes, &mut command, LIMIT).stdout).trim().to_owned()
    } else {
        String::new()
    };
    [of_unit.as_str()].into_iter().filter(|user| !user.is_empty()).chain(USERS).find_map(Account::named)
}

impl Compilers {
    /// Those of `place`.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub(crate) fn of(place: &Place) -> Result<Compilers, String> {
        let names = place.compilers().map_err(|error| format!("{}: {error}", place.path().display()))?;
        // Scripts of these names call the compiler beside them.
        let is_script = |name: &String| name.starts_with("c89") || name.starts_with("c99");
        let names = names.into_iter().filter(|name| !is_script(name)).collect();
        Ok(Compilers { names, place: place.clone() })
    }

    /// A place that cannot be looked at.
    pub(crate) fn none(place: &Place) -> Compilers {
        Compilers { names: Vec::new(), place: place.clone() }
    }

    /// Those that are called after their target, if any are, for people.
    pub(crate) fn shown(&self) -> String {
        let is_targeted = |name: &&String| {
            name.matches('-').count() > 1 && !name.ends_with(|end: char| end.is_ascii_digit())
        };
        let targeted: Vec<_> = self.names.iter().filter(is_targeted).cloned().collect();
        if targeted.is_empty() { self.names.join(", ") } else { targeted.join(", ") }
    }

    /// Each compiler's file as this machine sees it: a link inside a chroot leads to what is inside.
    fn files(&self) -> Vec<PathBuf> {
        let programs = self.names.iter().filter_map(|name| self.place.program(name));
        let Place::Root(root) = &self.place else { return programs.collect() };
        let outside = programs.map(|program| root.join(program.strip_prefix("/").unwrap_or(&program)));
        // Only the way to the chroot and the directories in it are this machine's to judge.
        outside.filter(|path| fs::symlink_metadata(path).is_ok_and(|found| found.is_file())).collect()
    }
}

/// What keeps this user from running them; distcc 3.4 logs what comes of it as "code 110".
pub(crate) fn obstacles(
    compilers: &Compilers,
    account: &Account,
    processes: &Arc<Processes>,
) -> Vec<Obstacle> {
    let mut found: Vec<Obstacle> = Vec::new();
    found.extend(hidden(compilers.place.path()));
    if matches!(compilers.place, Place::Root(_)) {
        found.extend(forbidden(account, processes));
    }
    for file in compilers.files() {
        let Some(barrier) = account.barrier(&file) else { continue };
        let path = barrier.path.display().to_string();
        let obstacle = match barrier.mode {
            Some(mode) => Obstacle {
                what: format!(
                    "{} may not pass {path}, whose mode is {mode:o}, so its jobs end with code 110",
                    account.name
                ),
                remedy: format!(
                    "sudo chmod {} {}",
                    if barrier.path == file { "a+rx" } else { "o+x" },
                    word(&path)
                ),
                subject: file.display().to_string(),
            },
            None => Obstacle {
                what: format!("{path} does not exist"),
                remedy: format!("ls -l {}", word(&file.display().to_string())),
                subject: file.display().to_string(),
            },
        };
        // One command mends all that are behind the same barrier.
        if !found.iter().any(|other| other.remedy == obstacle.remedy) {
            found.push(obstacle);
        }
    }
    found
}

impl Obstacle {
    fn finding(&self) -> Finding {
        Finding::failure(NAME, &self.subject, &self.what, &self.remedy)
    }
}

/// What lies where the unit lets the daemon see nothing.
fn hidden(directory: &Path) -> Option<Obstacle> {
    let (place, line) = HIDDEN.iter().find(|(place, _)| directory.starts_with(place))?;
    Some(Obstacle {
        subject: directory.display().to_string(),
        what: format!("distccd.service sees nothing of {place} ({line} in its unit)"),
        // Nothing that moves it: a chroot may have other file systems bound inside.
        remedy: "ls -ld /opt /srv   # what lies there is seen: install it there, and name it anew".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::unistd::geteuid;
    use std::os::unix::fs::PermissionsExt;

    /// A directory with a gcc, closed where `mode` says so, and what nobody gets to hear of it.
    #[track_caller]
    fn check(directory: u32, gcc: u32, expected: &[&str]) {
        let Some(nobody) = Account::named("nobody").filter(|_| geteuid().is_root()) else { return };
        let top = tempfile::tempdir_in("/var/lib").unwrap();
        let bin = top.path().join("bin");
        fs::create_dir(&bin).unwrap();
        let at = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        for name in ["x-gcc", "x-g++", "x-ld"] {
            fs::write(bin.join(name), "").unwrap();
            at(&bin.join(name), gcc);
        }
        at(top.path(), 0o755);
        at(&bin, directory);
        let compilers = Compilers::of(&Place::Directory(bin.clone())).unwrap();
        assert_eq!(compilers.names, ["x-g++", "x-gcc"]);
        let remedies: Vec<_> = obstacles(&compilers, &nobody, &Arc::default())
            .into_iter()
            .map(|obstacle| obstacle.remedy.replace(&bin.display().to_string(), "BIN"))
            .collect();
        assert_eq!(remedies, expected);
    }

    #[test]
    fn what_nobody_may_run() {
        check(0o755, 0o755, &[]);
        check(0o750, 0o755, &["sudo chmod o+x BIN"]);
        check(0o755, 0o750, &["sudo chmod a+rx BIN/x-g++", "sudo chmod a+rx BIN/x-gcc"]);
    }

    #[test]
    fn stand_ins() {
        assert_eq!(stand_in("true", &Arc::default()).remedy, None);
        for none in ["false", "/nowhere/gcc"] {
            assert!(
                stand_in(none, &Arc::default()).what.starts_with(&format!("{none} -m32 cannot")),
                "{none}"
            );
        }
    }

    #[test]
    fn what_the_unit_hides() {
        for (place, is_hidden) in
            [("/home/me/x", true), ("/tmp/x", true), ("/opt/x", false), ("/homes", false)]
        {
            assert_eq!(hidden(Path::new(place)).is_some(), is_hidden, "{place}");
        }
    }
}
