//! Who builds, and how a program is run as that user. Knows nothing of makepkg.

use crate::settings::Settings;
use nix::unistd::{User, geteuid};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// One user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BuildUser {
    pub(crate) name: String,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// The home directory as this machine sees it: below the other root, if one is looked at.
    pub(crate) home: PathBuf,
}

/// What a login gives when nothing else is configured.
const LOGIN_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/bin:/bin";

impl BuildUser {
    /// Who builds below `root`: the user who is `named`, else whoever called sudo, else we, unless we are root, whom
    /// makepkg refuses, else the owner of the PKGBUILD in `directory`. None: nobody can tell.
    ///
    /// # Errors
    /// One line: there is no such user, or only root may run programs as that user.
    pub(crate) fn find(
        named: Option<&str>,
        directory: &Path,
        root: &Path,
        settings: &Settings,
    ) -> Result<Option<BuildUser>, String> {
        let accounts = Accounts::of(root)?;
        let us = geteuid();
        if let Some(name) = named {
            let user = accounts.by_name(name).ok_or_else(|| no_such_user(name, root))?;
            return user.reachable().map(Some);
        }
        if !us.is_root() {
            let user = accounts.by_uid(us.as_raw()).unwrap_or_else(|| BuildUser::without_account(settings));
            return Ok(Some(BuildUser { home: settings.home.clone().unwrap_or(user.home), ..user }));
        }
        let caller = settings.sudo_user.as_deref().and_then(|name| accounts.by_name(name));
        let owner = || {
            accounts.by_uid(fs::metadata(directory.join("PKGBUILD")).ok()?.uid()).filter(|user| user.uid != 0)
        };
        Ok(caller.filter(|user| user.uid != 0).or_else(owner))
    }

    /// Somebody who owns nothing: for looking at what everybody may see.
    pub(crate) fn nobody() -> BuildUser {
        BuildUser { name: "nobody".into(), uid: 65534, gid: 65534, home: "/nonexistent".into() }
    }

    /// Who runs what a configuration or a package names: its user, and never root, whom makepkg refuses, too.
    pub(crate) fn never_root(user: Option<&BuildUser>) -> BuildUser {
        user.filter(|user| user.uid != 0).cloned().unwrap_or_else(BuildUser::nobody)
    }

    /// A command that runs as this user, in `/`, with little more in its environment than a login gives.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>, settings: &Settings) -> Command {
        let mut command = Command::new(program);
        command.env_clear().current_dir("/");
        if geteuid().as_raw() == self.uid {
            command
                .env("PATH", LOGIN_PATH)
                .envs(settings.handed_on.iter().map(|(name, value)| (name, value)));
            return command;
        }
        let locale = settings.handed_on.iter().filter(|(name, _)| {
            name.to_str().is_some_and(|name| name == "LANG" || name == "TERM" || name.starts_with("LC_"))
        });
        command.envs(locale.map(|(name, value)| (name, value)));
        command.env("PATH", LOGIN_PATH).env("HOME", &self.home);
        command.env("USER", &self.name).env("LOGNAME", &self.name);
        command.uid(self.uid).gid(self.gid);
        command
    }

    fn reachable(self) -> Result<BuildUser, String> {
        let us = geteuid();
        if us.is_root() || us.as_raw() == self.uid {
            return Ok(self);
        }
        Err(format!("only root can look as {0}: sudo distcc-arch check --user {0}", self.name))
    }

    fn without_account(settings: &Settings) -> BuildUser {
        let uid = geteuid().as_raw();
        let home = settings.home.clone().unwrap_or_else(|| "/".into());
        BuildUser { name: uid.to_string(), uid, gid: nix::unistd::getegid().as_raw(), home }
    }
}

fn no_such_user(name: &str, root: &Path) -> String {
    if root == Path::new("/") {
        return format!("there is no user {name}: useradd -m {name}");
    }
    let root = root.display();
    format!("there is no user {name} below {root}: useradd -R {root} -m {name}")
}

/// Where users are looked up.
enum Accounts {
    /// As this machine is configured.
    Here,
    /// In another root's file.
    Below { root: PathBuf, passwd: String },
}

impl Accounts {
    fn of(root: &Path) -> Result<Accounts, String> {
        if root == Path::new("/") {
            return Ok(Accounts::Here);
        }
        let passwd = root.join("etc/passwd");
        match fs::read(&passwd) {
            Ok(text) => {
                Ok(Accounts::Below { root: root.to_owned(), passwd: String::from_utf8_lossy(&text).into() })
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Ok(Accounts::Below { root: root.to_owned(), passwd: String::new() })
            }
            Err(error) => Err(format!("cannot read {}: {error}", passwd.display())),
        }
    }

    fn by_name(&self, name: &str) -> Option<BuildUser> {
        match self {
            Accounts::Here => User::from_name(name).ok().flatten().map(from_account),
            Accounts::Below { root, passwd } => from_passwd(passwd, root, |user| user.name == name),
        }
    }

    fn by_uid(&self, uid: u32) -> Option<BuildUser> {
        match self {
            Accounts::Here => User::from_uid(uid.into()).ok().flatten().map(from_account),
            Accounts::Below { root, passwd } => from_passwd(passwd, root, |user| user.uid == uid),
        }
    }
}

fn from_account(user: User) -> BuildUser {
    BuildUser { name: user.name, uid: user.uid.as_raw(), gid: user.gid.as_raw(), home: user.dir }
}

/// The first line of passwd(5) that fits.
fn from_passwd(passwd: &str, root: &Path, fits: impl Fn(&BuildUser) -> bool) -> Option<BuildUser> {
    passwd.lines().filter_map(|line| user_of(line, root)).find(fits)
}

fn user_of(line: &str, root: &Path) -> Option<BuildUser> {
    let fields: Vec<_> = line.split(':').collect();
    let [name, _, uid, gid, _, home, ..] = fields[..] else { return None };
    Some(BuildUser {
        name: name.to_owned(),
        uid: uid.parse().ok()?,
        gid: gid.parse().ok()?,
        home: root.join(home.trim_start_matches('/')),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_of_another_root() {
        let root = Path::new("/chroot");
        let passwd = "root:x:0:0::/root:/bin/sh\n+\nbuilder:x:1001:1002:Build:/home/b:/bin/sh\n";
        let found = |name: &str| from_passwd(passwd, root, |user| user.name == name);
        let builder =
            BuildUser { name: "builder".into(), uid: 1001, gid: 1002, home: "/chroot/home/b".into() };
        assert_eq!(found("builder"), Some(builder));
        assert_eq!(found("+"), None);
    }

    #[test]
    fn a_missing_user_is_an_error() {
        let found = BuildUser::find(Some("no-such-user"), Path::new("/"), Path::new("/"), &Settings::read());
        assert_eq!(found, Err("there is no user no-such-user: useradd -m no-such-user".into()));
    }
}
