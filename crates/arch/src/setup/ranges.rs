//! Which clients a daemon is to serve: addresses and CIDR blocks as typed, checked. Knows no daemon and no firewall.

use ipnet::IpNet;
use std::net::IpAddr;

/// Wider than this is no home or office: 10.0.0.0/8 is the widest private IPv4 network.
const WIDEST_V4: u8 = 8;
/// A provider's whole allocation; private networks (fc00::/7) may be wider.
const WIDEST_V6: u8 = 32;

/// Reads `ADDRESS` or `ADDRESS/BITS`.
///
/// # Errors
/// One line that says what is wrong and what to write instead.
pub(crate) fn parse(typed: &str) -> Result<IpNet, String> {
    let range = match (typed.parse::<IpNet>(), typed.parse::<IpAddr>()) {
        (Ok(range), _) => range,
        (_, Ok(address)) => IpNet::from(address),
        _ => return Err(format!("--allow {typed}: {}", why_not(typed))),
    };
    if range.trunc() == range {
        return Ok(range);
    }
    Err(format!(
        "--allow {typed}: bits are set behind the first {}: write {} for the network or {} for the one machine",
        range.prefix_len(),
        range.trunc(),
        range.addr()
    ))
}

fn why_not(typed: &str) -> String {
    let Some((address, bits)) = typed.split_once('/') else {
        return "no address: write one such as 192.168.0.2, or a block such as 192.168.0.0/24".to_owned();
    };
    match address.parse::<IpAddr>() {
        Err(_) => format!("\"{address}\" is no address: write a block such as 192.168.0.0/24"),
        Ok(address) => {
            let most = if address.is_ipv4() { 32 } else { 128 };
            format!("\"{bits}\" is no number of bits from 0 to {most}")
        }
    }
}

/// Why a range is alarmingly wide, if it is.
pub(crate) fn warning(range: &IpNet) -> Option<String> {
    let private = |range: &IpNet| match range {
        IpNet::V6(range) => range.addr().segments()[0] & 0xfe00 == 0xfc00 && range.prefix_len() >= 7,
        IpNet::V4(_) => false,
    };
    let widest = if range.addr().is_ipv4() { WIDEST_V4 } else { WIDEST_V6 };
    if range.prefix_len() >= widest || private(range) {
        return None;
    }
    let who = if range.prefix_len() == 0 { "every machine that reaches it" } else { "millions of machines" };
    Some(format!(
        "--allow {range} lets {who} run compilers here: allow only your own network, such as 192.168.0.0/24"
    ))
}

/// As distccd(1) takes it: a single machine without its bits.
pub(crate) fn spelled(range: &IpNet) -> String {
    if range.prefix_len() == range.max_prefix_len() { range.addr().to_string() } else { range.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(typed: &str, expected: Result<&str, &str>) {
        let got = parse(typed).map(|range| spelled(&range));
        match (&got, expected) {
            (Err(why), Err(part)) => assert!(why.contains(part) && !why.contains('\n'), "{why}"),
            _ => assert_eq!(got.as_deref().map_err(String::as_str), expected),
        }
    }

    #[test]
    fn what_is_a_range() {
        check("192.168.0.0/24", Ok("192.168.0.0/24"));
        check("192.168.0.5", Ok("192.168.0.5"));
        check("192.168.0.5/32", Ok("192.168.0.5"));
        check("fd00:1::/64", Ok("fd00:1::/64"));
        check("::1", Ok("::1"));
        check("192.168.0.5/24", Err("write 192.168.0.0/24 for the network or 192.168.0.5 for"));
        check("192.168.0.0/33", Err("\"33\" is no number of bits from 0 to 32"));
        check("192.168.0.0/", Err("\"\" is no number of bits"));
        check("192.168.0/24", Err("\"192.168.0\" is no address"));
        check("red", Err("no address: write one such as"));
        check("", Err("no address"));
    }

    #[test]
    fn what_is_too_wide() {
        for (typed, part) in [
            ("10.0.0.0/8", None),
            ("10.0.0.0/7", Some("millions of machines")),
            ("0.0.0.0/0", Some("every machine that reaches it")),
            ("::/0", Some("every machine that reaches it")),
            ("2001:db8::/32", None),
            ("2001::/16", Some("millions")),
            ("fc00::/7", None),
            ("fe80::/10", Some("millions")),
        ] {
            let warning = warning(&parse(typed).unwrap());
            assert_eq!(warning.is_some(), part.is_some(), "{typed}: {warning:?}");
            assert!(warning.is_none_or(|warning| warning.contains(part.unwrap())), "{typed}");
        }
    }
}
