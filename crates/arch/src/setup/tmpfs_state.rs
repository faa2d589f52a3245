//! Moves a user's ~/.distcc into memory: plans the tmpfiles.d(5) file, the move and the link. Knows nothing of what
//! distcc keeps there, but that the list of hosts must outlive a restart.

use crate::build_user::BuildUser;
use crate::site::inside;
use changes::{Action, Plan, Site};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// On a system that runs, /run is in memory as /tmp is, and only root can make a name in it: below /tmp anybody could
/// be first to make a directory of the name that distcc then trusts.
const MEMORY: &str = "/run";

/// Where everything of one user's is, as seen from inside the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TmpfsState<'a> {
    user: &'a BuildUser,
    /// What distcc uses.
    state: PathBuf,
    /// Where it is on disk from now on.
    disk: PathBuf,
    /// Where it is in memory.
    memory: PathBuf,
    settings_file: PathBuf,
}

impl<'a> TmpfsState<'a> {
    /// # Errors
    /// When names would need quotes that tmpfiles.d(5) has not.
    pub(crate) fn of(user: &'a BuildUser, site: &Site) -> Result<TmpfsState<'a>, String> {
        let home = inside(site, &user.home)?;
        let plain =
            |text: &str| text.chars().all(|letter| letter.is_ascii_alphanumeric() || "/._-".contains(letter));
        if user.name.contains('/') || !plain(&user.name) || !home.to_str().is_some_and(plain) {
            return Err(format!(
                "--state-on-tmpfs {}: the name or {} needs quotes",
                user.name,
                home.display()
            ));
        }
        Ok(TmpfsState {
            user,
            state: home.join(".distcc"),
            disk: home.join(".distcc.disk"),
            memory: Path::new(MEMORY).join(format!("distcc-{}", user.name)),
            settings_file: Path::new("/etc/tmpfiles.d").join(format!("distcc-{}.conf", user.name)),
        })
    }

    /// Plans all of it; nothing where it is so already.
    ///
    /// # Errors
    /// One line that names what is in the way.
    pub(crate) fn plan(&self, plan: &mut Plan, site: &Site) -> Result<(), String> {
        self.move_state(plan, site).and_then(|()| {
            plan.write(&self.settings_file, self.text().into_bytes(), 0o644)
                .map_err(|error| error.to_string())
        })?;
        if !plan.is_empty() || !site.outside(&self.memory).is_dir() {
            plan.run(self.create(site));
        }
        Ok(())
    }

    fn move_state(&self, plan: &mut Plan, site: &Site) -> Result<(), String> {
        self.refuse_home_of_others()?;
        let state = site.outside(&self.state);
        let owner = Some((self.user.uid, self.user.gid));
        match fs::symlink_metadata(&state) {
            Ok(found) if found.is_symlink() => {
                if fs::read_link(&state).is_ok_and(|target| target == self.memory) {
                    return Ok(());
                }
                return Err(format!("{} is a link already: remove it first", state.display()));
            }
            Ok(found) if found.is_dir() => {
                plan.rename(&self.state, &self.disk).map_err(|error| error.to_string())?;
            }
            Ok(_) => return Err(format!("{} is no directory: remove it first", state.display())),
            Err(_) => plan.make_directory(&self.disk, 0o755, owner).map_err(|error| error.to_string())?,
        }
        plan.link(&self.state, &self.memory).map_err(|error| error.to_string())
    }

    /// Of an account that is no person's, `/` or a directory that is not there is the home.
    fn refuse_home_of_others(&self) -> Result<(), String> {
        let BuildUser { name, uid, home, .. } = self.user;
        let refused = |why: &str| Err(format!("--state-on-tmpfs {name}: {} {why}", home.display()));
        match fs::metadata(home) {
            Ok(found) if found.is_dir() && found.uid() == *uid => Ok(()),
            Ok(_) => refused("is no home of theirs: name the user who builds"),
            Err(error) => refused(&format!("cannot be looked at ({error}): name the user who builds")),
        }
    }

    /// Private, because a home directory that nobody else may look into was so, too.
    fn text(&self) -> String {
        let TmpfsState { user, disk, memory, .. } = self;
        format!(
            "# Keeps what distcc writes for {name} in memory; written by distcc-arch setup --state-on-tmpfs {name},\n\
             # and removed by distcc-arch undo. The list of hosts stays on disk.\n\
             d {memory} 0700 {name} {group} -\n\
             L {memory}/hosts - - - - {disk}/hosts\n",
            name = user.name,
            group = user.gid,
            memory = memory.display(),
            disk = disk.display(),
        )
    }

    fn create(&self, site: &Site) -> Action {
        let name = self.settings_file.file_name().expect("named in `of`").to_string_lossy().into_owned();
        let mut run = vec!["systemd-tmpfiles".to_owned()];
        if site.root != Path::new("/") {
            run.push(format!("--root={}", site.root.display()));
        }
        run.extend(["--create".to_owned(), name]);
        let memory = site.outside(&self.memory).display().to_string();
        let undo = ["rm", "-rf", "--one-file-system", "--", &memory].map(str::to_owned).to_vec();
        Action { shown: run.join(" "), run, undo }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str, home: &str) -> BuildUser {
        BuildUser { name: name.into(), uid: 1000, gid: 1001, home: home.into() }
    }

    #[test]
    fn what_systemd_is_told() {
        let site = Site { root: "/srv/box".into(), journal: "/srv/box/j".into() };
        let builder = user("b.uild-er", "/srv/box/home/b");
        let state = TmpfsState::of(&builder, &site).unwrap();
        let lines = "d /run/distcc-b.uild-er 0700 b.uild-er 1001 -\n\
                     L /run/distcc-b.uild-er/hosts - - - - /home/b/.distcc.disk/hosts\n";
        assert!(state.text().ends_with(lines), "{}", state.text());
        let action = state.create(&site);
        assert_eq!(action.shown, "systemd-tmpfiles --root=/srv/box --create distcc-b.uild-er.conf");
        assert_eq!(action.undo.last().unwrap(), "/srv/box/run/distcc-b.uild-er");
    }

    #[test]
    fn names_that_need_quotes() {
        let site = Site { root: "/".into(), journal: "/j".into() };
        for (name, home) in [("a b", "/home/a"), ("a/b", "/home/a"), ("a", "/home/a b"), ("a", "/home/%h")] {
            assert!(TmpfsState::of(&user(name, home), &site).is_err(), "{name} {home}");
        }
    }
}
