//! A second daemon inside a chroot, on a port of its own: plans the files of its unit and its start, and that both go
//! again. Knows nothing of compilers.

use crate::services::{Services, UnitState};
use crate::setup::environment_file;
use crate::setup::server::{Served, Server, VARIABLE, served};
use changes::{Plan, Site};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use toolchain::{DIRECTORIES, Root, find, refresh};

/// What runs inside; any distccd serves.
pub(crate) const PROGRAM: &str = "/usr/bin/distccd";
/// What reloads it is not in the root; and it can still be told to when its arguments are being taken away.
const IN_ROOT: &str = "MountAPIVFS=yes\nRootDirectoryStartOnly=yes\nEnvironmentFile=\n\
    EnvironmentFile=-/etc/conf.d/distccd-%i\n";
/// distcc 3.4 does not tell systemd when it is ready, and ends at a SIGHUP.
const OF_OTHERS: &str = "Type=exec\nExecReload=\nExecReload=true\n";
const READY: &[u8] = b"READY=1";
const UNITS: &str = "/etc/systemd/system";
const DROP_IN: &str = "root.conf";
const OPENING: &str =
    "# Written by distcc-arch chroot daemon; distcc-arch undo or chroot remove takes it away.\n";

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ChrootDaemon {
    /// The instance, such as i686.
    pub(crate) name: String,
    /// The chroot's root directory.
    pub(crate) root: PathBuf,
}

impl ChrootDaemon {
    /// All that have been set up on this machine, sorted by name.
    pub(crate) fn all(site: &Site) -> Vec<ChrootDaemon> {
        let entries = fs::read_dir(site.outside(Path::new(UNITS))).into_iter().flatten().flatten();
        let mut all: Vec<ChrootDaemon> = entries
            .filter_map(|entry| {
                let name = entry.file_name().into_string().ok()?;
                let name = name.strip_prefix("distccd@")?.strip_suffix(".service.d")?.to_owned();
                let text = fs::read_to_string(entry.path().join(DROP_IN)).ok()?;
                let root = text.lines().find_map(|line| line.strip_prefix("RootDirectory="))?;
                Some(ChrootDaemon { name, root: root.into() })
            })
            .collect();
        all.sort_by(|one, other| one.name.cmp(&other.name));
        all
    }

    /// As systemd calls it.
    pub(crate) fn unit(&self) -> String {
        format!("distccd@{}.service", self.name)
    }

    /// Where it listens, and who may connect.
    pub(crate) fn served(&self, site: &Site) -> Served {
        served(&fs::read_to_string(site.outside(&self.arguments())).unwrap_or_default())
    }

    /// Plans that it serves so, now and after each start of the machine.
    ///
    /// # Errors
    /// One line that names the file or the unit.
    pub(crate) fn plan(
        &self,
        server: &Server,
        plan: &mut Plan,
        site: &Site,
        services: &Services,
    ) -> Result<Served, String> {
        let state = services.state(&self.unit())?;
        self.has_no_other_root(site)?;
        let (unit, arguments) = (self.drop_in(), self.arguments());
        let (old_unit, old_arguments) = (text(plan, &unit)?, text(plan, &arguments)?);
        let begun = old_arguments.clone().unwrap_or_else(|| {
            environment_file::with_value(&format!("# Options of {}.\n", self.unit()), VARIABLE, "")
        });
        let new_arguments = server.text(&begun).map_err(|why| format!("{}: {why}", arguments.display()))?;
        let is_changed =
            old_unit.as_ref() != Some(&self.text()) || old_arguments.as_ref() != Some(&new_arguments);
        let served = served(&new_arguments);
        self.permit(plan)?;
        let directory = unit.parent().expect("it is in a directory of the unit's");
        plan.make_directory(directory, 0o755, None).map_err(|error| error.to_string())?;
        for (path, text) in [(&arguments, new_arguments), (&unit, self.text())] {
            plan.write(path, text.into_bytes(), 0o644).map_err(|error| error.to_string())?;
        }
        if is_changed {
            plan.run(services.read_units());
        }
        services.start(&self.unit(), state, is_changed).into_iter().for_each(|action| plan.run(action));
        Ok(served)
    }

    /// Whether its unit is the one for the program that is there now: distcc 3.4 in the place of ours never says that it is
    /// ready, so systemd ends it again and again.
    pub(crate) fn fits(&self, site: &Site) -> bool {
        let there = fs::read_to_string(site.outside(&self.drop_in()));
        there.is_ok_and(|there| there.contains(OF_OTHERS) != self.tells_systemd())
    }

    fn has_no_other_root(&self, site: &Site) -> Result<(), String> {
        let other = ChrootDaemon::all(site).into_iter().find(|other| other.name == self.name);
        let Some(other) = other.filter(|other| other.root != self.root) else { return Ok(()) };
        Err(format!(
            "{} serves {} already: use another name, or type distcc-arch chroot remove {} first",
            self.unit(),
            other.root.display(),
            self.name
        ))
    }

    /// Plans the links by which it may run the compilers there; those that makepkg needs are another matter.
    fn permit(&self, plan: &mut Plan) -> Result<(), String> {
        let cannot = |error: std::io::Error| format!("{}: {error}", self.root.display());
        let root = Root::open(&self.root).map_err(cannot)?;
        let links = refresh(&root, &find(&root).map_err(cannot)?).map_err(|failure| failure.to_string())?;
        let permits = DIRECTORIES.iter().find(|directory| !directory.on_path);
        let permits = |path: &&Path| permits.is_some_and(|permits| *path == Path::new(permits.path));
        for directory in links.directories.iter().filter(|path| permits(&path.as_path())) {
            plan.make_directory(&self.outside(directory), 0o755, None).map_err(|error| error.to_string())?;
        }
        for link in links.add.iter().filter(|link| link.path.parent().as_ref().is_some_and(permits)) {
            plan.link(&self.outside(&link.path), &link.target).map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    fn outside(&self, inside: &Path) -> PathBuf {
        self.root.join(inside.strip_prefix("/").unwrap_or(inside))
    }

    /// Plans that it ends. The links in the chroot permit nothing then; they stay until all is undone, for the chroot may be on
    /// a disk that does not answer.
    ///
    /// # Errors
    /// One line that names the file or the unit.
    pub(crate) fn remove(&self, plan: &mut Plan, services: &Services) -> Result<(), String> {
        let UnitState { enabled, active } = services.state(&self.unit())?;
        if enabled || active {
            plan.run(services.stop(&self.unit()));
        }
        let unit = self.drop_in();
        for path in [&self.arguments(), &unit] {
            plan.remove(path).map_err(|error| error.to_string())?;
        }
        let directory = unit.parent().expect("it is in a directory of the unit's");
        plan.remove_if_empty(directory).map_err(|failure| failure.to_string())?;
        plan.run(services.read_units());
        Ok(())
    }

    /// Whether the program there says when it is ready, as sd_notify(3) has it.
    fn tells_systemd(&self) -> bool {
        let program = Root::open(&self.root).and_then(|root| root.file(Path::new(PROGRAM)));
        let mut bytes = Vec::new();
        let read = program.ok().flatten().map(|mut file| file.read_to_end(&mut bytes));
        read.is_some_and(|read| read.is_ok()) && bytes.windows(READY.len()).any(|words| words == READY)
    }

    fn drop_in(&self) -> PathBuf {
        Path::new(UNITS).join(format!("{}.d", self.unit())).join(DROP_IN)
    }

    fn arguments(&self) -> PathBuf {
        format!("/etc/conf.d/distccd-{}", self.name).into()
    }

    fn text(&self) -> String {
        let root = self.root.display();
        let others = if self.tells_systemd() { "" } else { OF_OTHERS };
        format!("{OPENING}[Service]\nRootDirectory={root}\n{IN_ROOT}{others}")
    }
}

fn text(plan: &Plan, path: &Path) -> Result<Option<String>, String> {
    let bytes = plan.read(path).map_err(|error| error.to_string())?;
    let text = bytes.map(String::from_utf8).transpose();
    text.map_err(|_| format!("{} is no text: remove it first", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_says_when_it_is_ready() {
        let house = tempfile::tempdir().unwrap();
        let daemon = ChrootDaemon { name: "x".into(), root: house.path().to_owned() };
        fs::create_dir_all(house.path().join("usr/bin")).unwrap();
        let site = Site { root: house.path().to_owned(), journal: "/j".into() };
        let unit = site.outside(&daemon.drop_in());
        fs::create_dir_all(unit.parent().unwrap()).unwrap();
        for (program, expected) in [("\0READY=1\0", false), ("distccd 3.4", true), ("\0READY=1\0", false)] {
            fs::write(house.path().join("usr/bin/distccd"), program).unwrap();
            assert!(!daemon.fits(&site), "{program}");
            assert_eq!(daemon.text().contains("\nType=exec\n"), expected, "{program}");
            fs::write(&unit, daemon.text()).unwrap();
            assert!(daemon.fits(&site), "{program}");
        }
    }

    #[test]
    fn what_is_there() {
        let house = tempfile::tempdir().unwrap();
        let site = Site { root: house.path().to_owned(), journal: "/j".into() };
        let write = |path: &Path, text: &str| {
            let path = site.outside(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let daemon = |name: &str| ChrootDaemon { name: name.into(), root: format!("/opt/{name}").into() };
        let (one, other) = (daemon("i686"), daemon("arm.v7"));
        assert_eq!(ChrootDaemon::all(&site), []);
        for daemon in [&one, &other] {
            write(&daemon.drop_in(), &daemon.text());
        }
        write(Path::new("/etc/systemd/system/distccd@x.service.d/limits.conf"), "[Service]\nNice=1\n");
        write(&one.arguments(), "DISTCC_ARGS=\"--allow 10.0.0.0/8 --port 3692\"\n");
        assert_eq!(ChrootDaemon::all(&site), [other, one.clone()]);
        let moved = ChrootDaemon { root: "/opt/elsewhere".into(), ..one.clone() };
        assert!(one.has_no_other_root(&site).is_ok());
        assert!(moved.has_no_other_root(&site).unwrap_err().contains("chroot remove i686 first"));
        assert_eq!(one.served(&site), Served { port: 3692, ranges: vec!["10.0.0.0/8".parse().unwrap()] });
    }
}
