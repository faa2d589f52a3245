//! What an administrator types where namespaces are forbidden. Knows nothing of what they are wanted for.

use std::fs;

/// The kernel's switches: where each is, what it must not be, and how it is set.
const SWITCHES: &[(&str, &str, &str)] = &[
    ("/proc/sys/user/max_user_namespaces", "0", "sysctl user.max_user_namespaces=10000"),
    ("/proc/sys/user/max_mnt_namespaces", "0", "sysctl user.max_mnt_namespaces=10000"),
    ("/proc/sys/kernel/unprivileged_userns_clone", "0", "sysctl kernel.unprivileged_userns_clone=1"),
    (
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "sysctl kernel.apparmor_restrict_unprivileged_userns=0",
    ),
];

/// Where no switch forbids it, something around the daemon does.
const AROUND: &str = "let what the daemon runs in permit user and mount namespaces (systemd: RestrictNamespaces=user mnt; \
    systemd-nspawn: --private-users=pick; docker: --security-opt seccomp=unconfined --security-opt systempaths=unconfined)";

/// How they are allowed on this machine.
pub(crate) fn how_to_permit() -> String {
    advice(|switch| fs::read_to_string(switch).ok())
}

fn advice(read: impl Fn(&str) -> Option<String>) -> String {
    let forbids = |(switch, forbidden, _): &&(&str, &str, &str)| {
        read(switch).is_some_and(|value| value.trim_ascii() == *forbidden)
    };
    let commands: Vec<&str> = SWITCHES.iter().filter(forbids).map(|(_, _, command)| *command).collect();
    if commands.is_empty() { AROUND.to_owned() } else { format!("type: {}", commands.join("; ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_to_type() {
        let check = |values: &[(&str, &str)], expected: &str| {
            let read = |asked: &str| {
                let value = values.iter().find(|(switch, _)| asked.ends_with(switch))?.1;
                Some(format!("{value}\n"))
            };
            assert_eq!(advice(read), expected, "{values:?}");
        };
        check(&[], AROUND);
        check(&[("max_user_namespaces", "15000"), ("apparmor_restrict_unprivileged_userns", "0")], AROUND);
        check(&[("max_user_namespaces", "0")], "type: sysctl user.max_user_namespaces=10000");
        check(
            &[("unprivileged_userns_clone", "0"), ("max_mnt_namespaces", "0")],
            "type: sysctl user.max_mnt_namespaces=10000; sysctl kernel.unprivileged_userns_clone=1",
        );
    }
}
