//! What forbids the user and mount namespaces in which a daemon shows a compiler another root, and what is typed against
//! it. Knows nothing of what they are wanted for.

use std::fs;
use std::path::Path;

/// One of the kernel's settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Switch {
    /// As sysctl(8) calls it.
    pub key: &'static str,
    /// The value that forbids them.
    pub forbidding: &'static str,
    /// A value that does not.
    pub permitting: &'static str,
}

/// namespaces(7), Debian's and Ubuntu's kernels.
const SWITCHES: &[Switch] = &[
    Switch { key: "user.max_user_namespaces", forbidding: "0", permitting: "10000" },
    Switch { key: "user.max_mnt_namespaces", forbidding: "0", permitting: "10000" },
    Switch { key: "kernel.unprivileged_userns_clone", forbidding: "0", permitting: "1" },
    Switch { key: "kernel.apparmor_restrict_unprivileged_userns", forbidding: "1", permitting: "0" },
];

/// Where no switch forbids it, something around the daemon does.
pub const PERMIT_AROUND: &str = "let what the daemon runs in permit user and mount namespaces (systemd: \
    RestrictNamespaces=user mnt; systemd-nspawn: --private-users=pick; docker: --security-opt seccomp=unconfined \
    --security-opt systempaths=unconfined)";

/// The switches that forbid them here; `sysctls` is /proc/sys.
pub fn forbidding(sysctls: &Path) -> Vec<Switch> {
    let forbids = |switch: &&Switch| {
        let value = fs::read_to_string(sysctls.join(switch.key.replace('.', "/")));
        value.is_ok_and(|value| value.trim() == switch.forbidding)
    };
    SWITCHES.iter().filter(forbids).copied().collect()
}

/// How they are allowed on this machine, in a few words for a log.
pub fn how_to_permit_namespaces() -> String {
    advice(&forbidding(Path::new("/proc/sys")))
}

fn advice(switches: &[Switch]) -> String {
    let commands: Vec<String> =
        switches.iter().map(|Switch { key, permitting, .. }| format!("sysctl {key}={permitting}")).collect();
    if commands.is_empty() { PERMIT_AROUND.to_owned() } else { format!("type: {}", commands.join("; ")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake_root::FakeRoot;

    #[test]
    fn what_to_type() {
        let check = |files: &[&str], expected: &str| {
            let fake = FakeRoot::with(files);
            assert_eq!(advice(&forbidding(&fake.path(""))), expected, "{files:?}");
        };
        check(&[], PERMIT_AROUND);
        check(
            &["user/max_user_namespaces=15000\n", "kernel/apparmor_restrict_unprivileged_userns=0\n"],
            PERMIT_AROUND,
        );
        check(&["user/max_user_namespaces=0\n"], "type: sysctl user.max_user_namespaces=10000");
        check(
            &["kernel/unprivileged_userns_clone=0\n", "user/max_mnt_namespaces=0\n"],
            "type: sysctl user.max_mnt_namespaces=10000; sysctl kernel.unprivileged_userns_clone=1",
        );
        check(
            &["kernel/apparmor_restrict_unprivileged_userns=1"],
            "type: sysctl kernel.apparmor_restrict_unprivileged_userns=0",
        );
    }
}
