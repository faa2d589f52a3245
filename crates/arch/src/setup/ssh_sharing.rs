//! What makes ssh hosts fast: one login for many jobs, which ssh itself can do when its user asks for it. Writes nothing.

use hosts::{Host, HostList, Place};

/// How long ssh keeps a connection that no job uses.
const KEPT: &str = "600";

/// What to put into `~/.ssh/config` for the ssh hosts of this list, if it has any.
pub(crate) fn advice(list: &HostList) -> Option<String> {
    let mut names: Vec<&str> =
        list.hosts.iter().filter(|host| matches!(host.place, Place::Ssh { .. })).map(Host::name).collect();
    names.dedup();
    if names.is_empty() {
        return None;
    }
    Some(format!(
        "each job logs in to {0} anew, which takes longer than most compiles; these lines in ~/.ssh/config of the user \
         who builds let all jobs share one login:\n    Host {0}\n        ControlMaster auto\n        ControlPath \
         ~/.ssh/%C\n        ControlPersist {KEPT}",
        names.join(" ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_for_hosts_behind_ssh() {
        let check = |list: &str, expected: Option<&str>| {
            let advice = advice(&HostList::parse(list.as_bytes(), "--hosts"));
            let line = advice.as_deref().and_then(|text| text.lines().nth(1)).map(str::trim);
            assert_eq!(line, expected, "{list}");
        };
        check("red 192.168.0.2/5,lzo localhost", None);
        check("red @blue/7", Some("Host blue"));
        check("ted@blue bob@blue:/opt/distccd green @grey,lzo", Some("Host blue grey"));
    }
}
