//! Whether the daemon's user gets the namespaces in which it enters a chroot, and what to type if not. Knows nothing of
//! chroots.

use crate::ask::ask;
use crate::check::toolchains::Obstacle;
use crate::check::usable_program::Account;
use crate::processes::Processes;
use nix::unistd::geteuid;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use toolchain::{PERMIT_AROUND, Switch, forbidding};

const LIMIT: Duration = Duration::from_secs(5);
/// Settings of ours that hold when the machine starts again.
const SETTINGS: &str = "/etc/sysctl.d/60-distccd.conf";

/// What forbids them to this user.
pub(super) fn forbidden(account: &Account, processes: &Arc<Processes>) -> Option<Obstacle> {
    switched_off(&forbidding(Path::new("/proc/sys"))).or_else(|| {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "true"]).current_dir("/");
        if geteuid().is_root() {
            command.uid(account.uid).gid(account.gid);
        }
        refused(&mut command, account, processes)
    })
}

fn switched_off(switches: &[Switch]) -> Option<Obstacle> {
    let first = switches.first()?;
    let lines: Vec<String> =
        switches.iter().map(|Switch { key, permitting, .. }| format!("{key}={permitting}")).collect();
    Some(Obstacle {
        subject: first.key.to_owned(),
        what: format!("{} forbids the namespaces in which the daemon enters a chroot", first.forbidding),
        remedy: format!(
            "printf '%s\\n' {} | sudo tee {SETTINGS} && sudo sysctl -p {SETTINGS}",
            lines.join(" ")
        ),
    })
}

/// Containers and seccomp filters show only when it is tried.
fn refused(command: &mut Command, account: &Account, processes: &Arc<Processes>) -> Option<Obstacle> {
    let ended = ask(processes, command, LIMIT);
    let is_refused = ended.status.as_ref().is_ok_and(|status| status.code().is_some_and(|code| code != 0));
    is_refused.then(|| Obstacle {
        subject: "namespaces".to_owned(),
        what: format!("{} gets none, so the daemon cannot enter a chroot ({})", account.name, ended.how()),
        remedy: format!("systemd-detect-virt   # {PERMIT_AROUND}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn switches() {
        assert!(switched_off(&[]).is_none());
        let zero = |key, permitting| Switch { key, forbidding: "0", permitting };
        let found = switched_off(&[zero("user.a", "9"), zero("kernel.b", "1")]).unwrap();
        assert_eq!(found.subject, "user.a");
        assert_eq!(
            found.remedy,
            "printf '%s\\n' user.a=9 kernel.b=1 | sudo tee /etc/sysctl.d/60-distccd.conf && \
             sudo sysctl -p /etc/sysctl.d/60-distccd.conf"
        );
    }

    #[test]
    fn a_trial() {
        let Some(account) = Account::named("nobody") else { return };
        for (program, is_refused) in [("true", false), ("false", true), ("no-such-program-here", false)] {
            let found = refused(&mut Command::new(program), &account, &Arc::default());
            assert_eq!(found.is_some(), is_refused, "{program}");
        }
    }
}
