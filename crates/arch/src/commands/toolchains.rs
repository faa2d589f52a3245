//! The stories of `distcc-arch toolchain` and `distcc-arch chroot`: what the daemon here may run besides the compilers on
//! its search path, added and removed. Knows nothing of how the file is written, or shown.

use crate::Answer;
use crate::carry_out::{Work, answer};
use crate::check::toolchains::{Compilers, Obstacle, daemon_account, obstacles};
use crate::commands::chroot_daemon::{self, Daemon};
use crate::commands::chroot_renew::{self, Renew};
use crate::commands::toolchain_list;
use crate::consent::Consent;
use crate::settings::Settings;
use crate::setup::toolchains_file::ToolchainsFile;
use crate::site::site;
use changes::Plan;
use clap::{Args, Subcommand, ValueEnum};
use std::io::Write;
use std::path::{Path, PathBuf, absolute};
use toolchain::{Entry, Place, is_name};

/// What is asked of toolchains that are directories.
#[derive(Debug, Subcommand)]
pub(crate) enum Toolchain {
    /// Let the daemon run the compilers of a directory
    Add {
        /// What to call it, such as aarch64
        #[arg(value_parser = name)]
        name: String,
        /// The directory of its programs, or one that holds it in bin or TRIPLE/bin, such as /mnt/data/x-tools8
        #[arg(value_name = "DIR")]
        directory: PathBuf,
        #[command(flatten)]
        added: Added,
    },
    /// Show the toolchains that are named, their compilers, and whether the daemon can run them
    List {
        #[command(flatten)]
        shown: Shown,
    },
    /// Take a toolchain's name away; its files stay
    Remove {
        #[command(flatten)]
        removed: Removed,
    },
    /// Let gcc -m32 stand in for a missing i686 compiler, or no longer
    Multilib {
        /// Whether it may
        wish: Wish,
        #[command(flatten)]
        file: File,
        #[command(flatten)]
        consent: Consent,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Wish {
    On,
    Off,
}

/// What is asked of chroots.
#[derive(Debug, Subcommand)]
pub(crate) enum Chroot {
    /// Let the daemon run the compilers of a chroot, inside it
    Add {
        /// What to call it, such as i686
        #[arg(value_parser = name)]
        name: String,
        /// Its root directory, such as /opt/arch32
        #[arg(long, value_name = "DIR")]
        root: PathBuf,
        #[command(flatten)]
        added: Added,
    },
    /// Run a second daemon inside a chroot, on a port of its own, for clients that name that port
    Daemon(Daemon),
    /// Show the chroots that are named, their compilers, and whether the daemon can run them, and those with a daemon
    /// of their own
    List {
        #[command(flatten)]
        shown: Shown,
    },
    /// Renew the client that setup --root gave chroots, after an upgrade; the package does so itself
    ///
    /// Looks at the chroots of schroot, those of devtools below /var/lib/archbuild, and those of toolchains.toml.
    Renew(Renew),
    /// Take a chroot's name away; its files stay
    Remove {
        #[command(flatten)]
        removed: Removed,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Added {
    /// Take only compilers for this target, as gcc -dumpmachine says it
    #[arg(long, value_name = "TRIPLE")]
    target: Option<String>,
    #[command(flatten)]
    file: File,
    #[command(flatten)]
    consent: Consent,
}

#[derive(Debug, Args)]
pub(crate) struct Removed {
    /// What it is called
    name: String,
    #[command(flatten)]
    file: File,
    #[command(flatten)]
    consent: Consent,
}

#[derive(Debug, Args)]
pub(crate) struct Shown {
    /// Print it as JSON
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) file: File,
}

#[derive(Debug, Args)]
pub(crate) struct File {
    /// The file that a daemon is told with DISTCCD_TOOLCHAINS=FILE, instead of /etc/distcc/toolchains.toml
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// The two kinds: a place of one is none of the other's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Toolchain,
    Chroot,
}

/// Does what is asked of toolchains.
pub(crate) fn toolchain(asked: &Toolchain, settings: &Settings, notes: &mut dyn Write) -> Answer {
    match asked {
        Toolchain::Add { name, directory, added } => answer(added.consent, settings, notes, |work| {
            let directory = programs_below(&of(directory)?)?;
            add(name, Place::Directory(directory), added, work)
        }),
        Toolchain::List { shown } => toolchain_list::run(Kind::Toolchain, shown, settings, notes),
        Toolchain::Remove { removed } => remove(Kind::Toolchain, removed, settings, notes),
        Toolchain::Multilib { wish, file, consent } => answer(*consent, settings, notes, |work| {
            change(file, work, &[], "", |file, plan| file.allow_multilib(plan, *wish == Wish::On))
        }),
    }
}

/// Does what is asked of chroots.
pub(crate) fn chroot(asked: &Chroot, settings: &Settings, notes: &mut dyn Write) -> Answer {
    match asked {
        Chroot::Add { name, root, added } => {
            answer(added.consent, settings, notes, |work| add(name, Place::Root(of(root)?), added, work))
        }
        Chroot::Daemon(asked) => chroot_daemon::run(asked, settings, notes),
        Chroot::Renew(asked) => chroot_renew::run(asked, settings, notes),
        Chroot::List { shown } => toolchain_list::run(Kind::Chroot, shown, settings, notes),
        Chroot::Remove { removed } => remove(Kind::Chroot, removed, settings, notes),
    }
}

fn add(name: &str, place: Place, added: &Added, work: &mut Work) -> Result<Answer, String> {
    let compilers = Compilers::of(&place)?;
    if compilers.names.is_empty() {
        return Err(format!("no compiler in {}: install gcc there first", place.path().display()));
    }
    let account = daemon_account(work.processes);
    let found = account.iter().flat_map(|account| obstacles(&compilers, account, work.processes));
    let told =
        |obstacle: Obstacle| format!("{}: {}; type: {}", obstacle.subject, obstacle.what, obstacle.remedy);
    let warnings: Vec<String> = found.map(told).collect();
    let entry = Entry { name: name.to_owned(), place, target: added.target.clone(), line: 0 };
    let next = format!("the daemon now has {}\nnext: distcc-arch check\n", compilers.shown());
    change(&added.file, work, &warnings, &next, |file, plan| file.add(plan, &entry))
}

fn remove(kind: Kind, removed: &Removed, settings: &Settings, notes: &mut dyn Write) -> Answer {
    answer(removed.consent, settings, notes, |work| {
        let name = &removed.name;
        if kind == Kind::Chroot && removed.file.is_the_machines() && chroot_daemon::is_one(name, work)? {
            return chroot_daemon::remove(name, &removed.file.find()?, work);
        }
        change(&removed.file, work, &[], "", |file, plan| {
            let entry = file.entries(plan)?.into_iter().find(|entry| entry.name == *name);
            if entry.as_ref().is_some_and(|entry| Kind::of(entry) != kind) {
                let other = if kind == Kind::Chroot { "toolchain" } else { "chroot" };
                return Err(format!("{name} is a {other}: distcc-arch {other} remove {name}"));
            }
            file.remove(plan, name)
        })
    })
}

fn change(
    file: &File,
    work: &mut Work,
    warnings: &[String],
    next: &str,
    edit: impl FnOnce(&ToolchainsFile, &mut Plan) -> Result<(), String>,
) -> Result<Answer, String> {
    let site = site(None, work.settings)?;
    work.recover(&site)?;
    let file = file.find()?;
    let mut plan = Plan::new(&site);
    edit(&file, &mut plan)?;
    let mut next = next.to_owned();
    if !plan.is_empty() && !file.has_it_read(&mut plan, work) {
        next.push_str("a daemon that runs reads it when it gets SIGHUP: kill -HUP PID\n");
    }
    next.push_str("to take it all back: distcc-arch undo\n");
    let done = work.carry_out(plan, warnings)?;
    Ok(done.told(&site, work.consent, warnings, ("it is so already", &next)))
}

impl Kind {
    pub(super) fn of(entry: &Entry) -> Kind {
        match entry.place {
            Place::Root(_) => Kind::Chroot,
            Place::Directory(_) => Kind::Toolchain,
        }
    }
}

impl File {
    /// Whether it is the one that the machine's daemon reads.
    pub(super) fn is_the_machines(&self) -> bool {
        self.config.is_none()
    }

    pub(super) fn find(&self) -> Result<ToolchainsFile, String> {
        self.config
            .as_ref()
            .map_or(Ok(ToolchainsFile::of_the_machine()), |path| Ok(ToolchainsFile::at(of(path)?)))
    }
}

fn of(typed: &Path) -> Result<PathBuf, String> {
    absolute(typed).map_err(|error| format!("{}: {error}", typed.display()))
}

/// Where the programs are: in `top` itself, in its bin, or in the bin of one directory in it, as crosstool-NG and Arch
/// Linux ARM have it.
fn programs_below(top: &Path) -> Result<PathBuf, String> {
    let has_compilers = |directory: &PathBuf| {
        Compilers::of(&Place::Directory(directory.clone())).is_ok_and(|found| !found.names.is_empty())
    };
    if let Some(found) = [top.to_owned(), top.join("bin")].into_iter().find(has_compilers) {
        return Ok(found);
    }
    let below = std::fs::read_dir(top).map_err(|error| format!("{}: {error}", top.display()))?;
    let mut found: Vec<PathBuf> =
        below.flatten().map(|entry| entry.path().join("bin")).filter(has_compilers).collect();
    found.sort();
    match &found[..] {
        [one] => Ok(one.clone()),
        [] => {
            Err(format!("no compiler in {0}, {0}/bin or {0}/*/bin: name the directory of one", top.display()))
        }
        several => {
            let several: Vec<_> = several.iter().map(|path| path.display().to_string()).collect();
            Err(format!("there are several: name one of {}", several.join(", ")))
        }
    }
}

fn name(typed: &str) -> Result<String, String> {
    let named = is_name(typed).then(|| typed.to_owned());
    named.ok_or_else(|| "write letters, digits and - _ . + only".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    #[track_caller]
    fn check(files: &[&str], expected: Result<&str, &str>) {
        let top = tempfile::tempdir().unwrap();
        for file in files {
            let path = top.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        match (programs_below(top.path()), expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found, top.path().join(expected)),
            (Err(why), Err(part)) => assert!(why.contains(part), "{why}"),
            (found, expected) => panic!("{found:?} for {expected:?}"),
        }
    }

    #[test]
    fn where_programs_are() {
        check(&["a-b-gcc"], Ok(""));
        check(&["bin/a-b-gcc", "a-b/bin/ld"], Ok("bin"));
        check(&["a-b/bin/a-b-gcc", "lib/x"], Ok("a-b/bin"));
        check(&["a/bin/a-gcc", "b/bin/b-gcc"], Err("there are several: name one of "));
        check(&["bin/ld"], Err("no compiler in "));
    }

    #[test]
    fn names() {
        for (typed, good) in
            [("i686", true), ("a_b-c", true), ("", false), ("gcc-13.2", true), ("a b", false), ("ü", false)]
        {
            assert_eq!(name(typed).is_ok(), good, "{typed}");
        }
    }
}
