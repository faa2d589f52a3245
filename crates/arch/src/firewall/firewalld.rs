//! What `firewall-cmd --list-all` tells of a zone, and firewalld's rules for a port. Runs nothing.

use super::{Step, strings};
use ipnet::IpNet;

/// From where TCP connections to `port` come in.
pub(super) fn open_to(zone: &str, port: u16) -> Vec<IpNet> {
    let anywhere = || ["0.0.0.0/0", "::/0"].iter().filter_map(|range| range.parse().ok()).collect();
    let line = |name: &str| {
        zone.lines().find_map(|line| line.trim().strip_prefix(name)).map(str::trim).unwrap_or_default()
    };
    if line("target:") == "ACCEPT" || line("ports:").split_whitespace().any(|ports| is_about(ports, port)) {
        return anywhere();
    }
    let rules = zone.lines().map(str::trim).filter(|line| line.starts_with("rule "));
    rules.filter_map(|rule| accepted(rule, port)).collect()
}

/// `3632/tcp` or `3600-3700/tcp`.
fn is_about(ports: &str, port: u16) -> bool {
    let Some(ports) = ports.strip_suffix("/tcp") else { return false };
    let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
    first.parse().is_ok_and(|first: u16| first <= port) && last.parse().is_ok_and(|last: u16| port <= last)
}

fn accepted(rule: &str, port: u16) -> Option<IpNet> {
    let value =
        |name: &str| rule.split_once(&format!("{name}=\"")).and_then(|(_, rest)| rest.split('"').next());
    let about = value("port port").is_some_and(|ports| is_about(&format!("{ports}/tcp"), port))
        && value("protocol") == Some("tcp")
        && rule.ends_with(" accept");
    let everywhere = if value("family") == Some("ipv6") { "::/0" } else { "0.0.0.0/0" };
    about.then(|| value("source address").unwrap_or(everywhere))?.parse().ok()
}

/// The rules that let a port in, now and after the next start, and their removal.
pub(super) fn openings(port: u16, range: Option<IpNet>) -> [Step; 2] {
    let rule = match range {
        None => format!("port={port}/tcp"),
        Some(range) => {
            let family = if range.addr().is_ipv6() { "ipv6" } else { "ipv4" };
            format!(
                "rich-rule=rule family=\"{family}\" source address=\"{range}\" port port=\"{port}\" protocol=\"tcp\" \
                 accept"
            )
        }
    };
    let (add, remove) = (format!("--add-{rule}"), format!("--remove-{rule}"));
    let step = |when: &[&str]| {
        let command = |what: &str| strings(&[&["firewall-cmd"], when, &[what]].concat());
        (command(&add), command(&remove))
    };
    [step(&[]), step(&["--permanent"])]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(lines: &str, expected: &str) {
        let zone = format!("public\n  target: default\n  interfaces: \n  services: ssh\n{lines}\n");
        let open: Vec<_> = open_to(&zone, 3632).iter().map(ToString::to_string).collect();
        assert_eq!(open.join(" "), expected, "{lines}");
    }

    #[test]
    fn zones() {
        check("  ports: \n  rich rules: ", "");
        check("  ports: 22/tcp 3632/tcp\n  rich rules: ", "0.0.0.0/0 ::/0");
        check("  ports: 3600-3700/tcp", "0.0.0.0/0 ::/0");
        check("  ports: 3632/udp", "");
        let rule =
            "rule family=\"ipv4\" source address=\"192.168.0.0/24\" port port=\"3632\" protocol=\"tcp\"";
        check(&format!("  ports: \n  rich rules: \n\t{rule} accept"), "192.168.0.0/24");
        check(&format!("  ports: \n  rich rules: \n\t{rule} drop"), "");
    }
}
