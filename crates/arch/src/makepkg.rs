//! What makepkg makes of its configuration, asked of bash with makepkg's own functions, and where each value comes
//! from. Knows nothing of what the values should be.

mod answer;

pub(crate) use answer::{Effective, Origin};

use crate::ask::{Ended, ask};
use crate::build_user::BuildUser;
use crate::processes::Processes;
use crate::settings::Settings;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Whose configuration, and when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Question<'a> {
    pub(crate) settings: &'a Settings,
    /// `/`, or the directory that a chroot has for its root. There the files in it are read by our own bash, not one of
    /// its own, so a line `source /etc/x` reads this machine's file: see [`Effective::files`].
    pub(crate) root: &'a Path,
    /// The file that makepkg is told with `--config`; then no user's own file counts.
    pub(crate) config: Option<&'a Path>,
    /// Who builds. None: nobody in particular, so that only the machine's files count.
    pub(crate) user: Option<&'a BuildUser>,
    pub(crate) moment: Moment<'a>,
}

/// At which point of a run of makepkg the values are looked at.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Moment<'a> {
    /// When the configuration was read.
    Configured,
    /// Inside `build()`, of this PKGBUILD if one is named.
    Building(Option<&'a Path>),
}

/// Bash takes milliseconds for it.
const LIMIT: Duration = Duration::from_secs(10);

const QUESTION: &str = include_str!("makepkg/question.bash");

/// The values of `variables`. A user's file is run by bash with that user's rights and no others.
///
/// # Errors
/// One line: what is missing, or which line of which file keeps makepkg from reading its configuration.
pub(crate) fn effective(
    question: &Question,
    variables: &[&str],
    processes: &Arc<Processes>,
) -> Result<Effective, String> {
    let library = library(question.root, question.settings);
    if !library.join("util/config.sh").exists() {
        return Err(format!("makepkg is not installed: there is no {}/util/config.sh", library.display()));
    }
    let user = BuildUser::never_root(question.user);
    let mut bash = user.command("bash", question.settings);
    bash.args(["--noprofile", "--norc", "-c", QUESTION, "makepkg"]).arg(&library).arg(question.config());
    let other_root = question.root != Path::new("/") && question.config.is_none();
    bash.arg(if other_root { user.home.as_os_str() } else { "".as_ref() });
    match question.moment {
        Moment::Configured => bash.args(["", ""]),
        Moment::Building(None) => bash.args(["build", ""]),
        Moment::Building(Some(pkgbuild)) => {
            bash.current_dir(pkgbuild.parent().unwrap_or(question.root));
            bash.arg("build").arg(pkgbuild)
        }
    };
    let ended = ask(processes, bash.args(variables), LIMIT);
    answer::read(&ended.stdout, variables, &library).map_err(|last| question.why_not(&ended, last))
}

impl Question<'_> {
    /// The file that the loader begins with.
    pub(crate) fn config(&self) -> PathBuf {
        match self.config {
            Some(config) => config.to_owned(),
            None => self.root.join("etc/makepkg.conf"),
        }
    }

    /// One line of why there is no answer; `last` is what bash ran last in a file that is not makepkg's own.
    fn why_not(&self, ended: &Ended, last: Option<Origin>) -> String {
        let place = last.map_or_else(|| format!("{}:1", self.config().display()), |last| last.to_string());
        match &ended.status {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                "bash cannot be run: it is not installed".into()
            }
            Err(error) if error.kind() == ErrorKind::TimedOut => {
                format!("{place}: this does not come to an end within {} s", LIMIT.as_secs())
            }
            // Nothing else takes rights that its user may lack.
            Err(error) if error.kind() == ErrorKind::PermissionDenied => match self.moment {
                Moment::Building(Some(pkgbuild)) => {
                    format!(
                        "{}:1: its directory cannot be entered by the user who builds",
                        pkgbuild.display()
                    )
                }
                _ => format!("bash cannot be run: {error}"),
            },
            Err(error) => format!("bash cannot be run: {error}"),
            Ok(status) if status.code().is_none() => {
                format!("{place}: this goes on without end, or ends bash ({status})")
            }
            Ok(status) if status.success() => format!("{place}: this ends makepkg before it has begun"),
            Ok(status) => complaint(&String::from_utf8_lossy(&ended.stderr), &place, &status.to_string()),
        }
    }
}

/// Of bash's and makepkg's messages the one that tells most: bash begins its own with `FILE: line N: `.
fn complaint(said: &str, place: &str, status: &str) -> String {
    let of_bash = |line: &str| {
        let (file, rest) = line.split_once(": line ")?;
        let (number, what) = rest.split_once(": ")?;
        let number: usize = number.parse().ok()?;
        (file != "makepkg").then(|| format!("{file}:{number}: {what}"))
    };
    let lines = || said.lines().map(str::trim).filter(|line| !line.is_empty());
    let of_makepkg = || lines().find_map(|line| line.trim_start_matches("==> ").strip_prefix("ERROR: "));
    lines().find_map(of_bash).unwrap_or_else(|| {
        format!("{place}: {}", of_makepkg().or_else(|| lines().next_back()).unwrap_or(status))
    })
}

/// Whether makepkg is there at all.
pub(crate) fn is_installed(root: &Path, settings: &Settings) -> bool {
    library(root, settings).join("util/config.sh").exists()
}

/// The version that makepkg below `root` says it has.
pub(crate) fn version(root: &Path) -> Option<String> {
    let text = fs::read(root.join("usr/bin/makepkg")).ok()?;
    let text = String::from_utf8_lossy(&text);
    let rest = text.split_once("makepkg_version='")?.1;
    Some(rest.split_once('\'')?.0.to_owned())
}

/// Whether this makepkg reads `makepkg.conf.d/*.conf`, too.
pub(crate) fn reads_drop_ins(root: &Path, settings: &Settings) -> bool {
    let loader = fs::read(library(root, settings).join("util/config.sh")).unwrap_or_default();
    String::from_utf8_lossy(&loader).contains("MAKEPKG_CONF.d\"")
}

fn library(root: &Path, settings: &Settings) -> PathBuf {
    match &settings.makepkg_library {
        Some(library) if root == Path::new("/") => library.clone(),
        _ => root.join("usr/share/makepkg"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_bash_says_comes_before_what_makepkg_says() {
        for (said, expected) in [
            ("", "/c:3: status 6"),
            ("printed\n==> ERROR: Failed to source /c\n", "/c:3: Failed to source /c"),
            ("/c: line 7: x: command not found\n==> ERROR: Failed", "/c:7: x: command not found"),
            ("makepkg: line 7: x\n\n", "/c:3: makepkg: line 7: x"),
        ] {
            assert_eq!(complaint(said, "/c:3", "status 6"), expected, "{said}");
        }
    }
}
