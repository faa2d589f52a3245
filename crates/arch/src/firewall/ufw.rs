//! What `ufw status verbose` tells, and ufw's rules for a port. Runs nothing.

use super::{Step, network, strings};
use ipnet::IpNet;
use std::fs;
use std::path::Path;

/// Everywhere, in both families.
const ANYWHERE: [&str; 2] = ["0.0.0.0/0", "::/0"];

/// Whether it filters.
pub(super) fn is_active(status: &str) -> bool {
    status.lines().any(|line| line.trim() == "Status: active")
}

/// Whether its configuration, which everybody may read, says that it filters.
pub(super) fn is_enabled(root: &Path) -> bool {
    let text = fs::read_to_string(root.join("etc/ufw/ufw.conf")).unwrap_or_default();
    text.lines().any(|line| line.trim().eq_ignore_ascii_case("ENABLED=yes"))
}

/// From where TCP connections to `port` come in.
pub(super) fn open_to(status: &str, port: u16) -> Vec<IpNet> {
    let default = status.lines().find_map(|line| line.strip_prefix("Default: "));
    if default.is_some_and(|default| default.starts_with("allow (incoming)")) {
        return anywhere();
    }
    status.lines().filter_map(|line| rule(line, port)).flatten().collect()
}

/// `3632/tcp   ALLOW IN   192.168.0.0/24   # comment`: from where, if the rule is about this port.
fn rule(line: &str, port: u16) -> Option<Vec<IpNet>> {
    let (to, from) =
        ["ALLOW IN", "LIMIT IN", "ALLOW", "LIMIT"].iter().find_map(|verb| line.split_once(verb))?;
    let from = from.trim().trim_start_matches("IN ").trim();
    let to = to.trim().trim_end_matches("(v6)").trim();
    let from = from.split('#').next().unwrap_or_default().replace("(v6)", "");
    if !is_about(to, port) {
        return None;
    }
    match from.trim() {
        "Anywhere" => Some(anywhere()),
        from => from.split_whitespace().next().and_then(network).map(|range| vec![range]),
    }
}

/// `Anywhere`, `3632`, `3632/tcp`, `80,3632/tcp`, `3600:3700/tcp`. One of several addresses before it narrows it down
/// in a way that is not looked into.
fn is_about(to: &str, port: u16) -> bool {
    let ports = match to.split_once('/') {
        _ if to == "Anywhere" => return true,
        Some((ports, "tcp")) => ports,
        Some(_) => return false,
        None => to,
    };
    ports.split(',').any(|ports| match ports.split_once(':') {
        Some((first, last)) => {
            first.parse().is_ok_and(|first: u16| first <= port)
                && last.parse().is_ok_and(|last: u16| port <= last)
        }
        None => ports.parse() == Ok(port),
    })
}

/// Everywhere.
fn anywhere() -> Vec<IpNet> {
    ANYWHERE.iter().filter_map(|range| range.parse().ok()).collect()
}

/// The rule that lets a port in, and its deletion.
pub(super) fn opening(port: u16, range: Option<IpNet>) -> Step {
    let from = range.map_or_else(|| "any".to_owned(), |range| range.to_string());
    let port = port.to_string();
    let rule = ["allow", "from", &from, "to", "any", "port", &port, "proto", "tcp"];
    (strings(&[&["ufw"], &rule[..]].concat()), strings(&[&["ufw", "delete"], &rule[..]].concat()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(rule: &str, expected: &str) {
        let status =
            format!("Status: active\nDefault: deny (incoming), allow (outgoing)\n\nTo Action From\n{rule}\n");
        let open: Vec<_> = open_to(&status, 3632).iter().map(ToString::to_string).collect();
        assert_eq!(open.join(" "), expected, "{rule}");
    }

    #[test]
    fn rules() {
        check("3632/tcp                   ALLOW IN    192.168.0.0/24             # distcc", "192.168.0.0/24");
        check("3632                       ALLOW       10.1.2.3", "10.1.2.3/32");
        check("3632/tcp (v6)              ALLOW IN    Anywhere (v6)", "0.0.0.0/0 ::/0");
        check("3600:3700/tcp              ALLOW IN    fd00::/8", "fd00::/8");
        check("22,3632/tcp                LIMIT IN    10.0.0.0/8", "10.0.0.0/8");
        check("Anywhere                   ALLOW IN    10.0.0.0/8", "10.0.0.0/8");
        check("3632/udp                   ALLOW IN    10.0.0.0/8", "");
        check("OpenSSH                    ALLOW IN    Anywhere", "");
        check("3632/tcp                   DENY IN     10.0.0.0/8", "");
        check("3632/tcp                   ALLOW OUT   Anywhere", "");
    }

    #[test]
    fn what_is_allowed_by_default() {
        let status = "Status: active\nDefault: allow (incoming), allow (outgoing)\n";
        assert_eq!(open_to(status, 3632), anywhere());
        assert!(is_active(status) && !is_active("Status: inactive\n"));
    }
}
