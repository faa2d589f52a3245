//! Where a daemon that was found can be reached, and which of its addresses serves best. Opens no connection.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// A literal address; what only means something on one network has the interface with it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Address {
    /// Without its interface.
    pub ip: IpAddr,
    /// The interface that leads to a link-local IPv6 address, such as `eth0`.
    pub scope: Option<String>,
}

impl Address {
    /// `interface` is kept where the address needs one; None where it needs one and has none, or can be nobody's.
    #[must_use]
    pub fn new(ip: IpAddr, interface: Option<&str>) -> Option<Address> {
        if ip.is_unspecified() || ip.is_multicast() {
            return None;
        }
        if !is_link_local(ip) {
            return Some(Address { ip, scope: None });
        }
        let name = interface.filter(|name| is_interface_name(name))?;
        Some(Address { ip, scope: Some(name.to_owned()) })
    }

    /// The smaller, the better: a daemon of distcc 3.4 announces both families, but may listen on IPv4 only.
    #[must_use]
    pub fn rank(&self) -> u8 {
        match self.ip {
            ip if ip.is_loopback() => 4,
            IpAddr::V4(ip) if ip.is_link_local() => 2,
            IpAddr::V4(_) => 0,
            IpAddr::V6(_) if self.scope.is_some() => 3,
            IpAddr::V6(_) => 1,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match &self.scope {
            Some(interface) => write!(f, "{}%{interface}", self.ip),
            None => write!(f, "{}", self.ip),
        }
    }
}

fn is_link_local(ip: IpAddr) -> bool {
    matches!(ip, IpAddr::V6(ip) if Ipv6Addr::is_unicast_link_local(&ip))
}

/// The kernel allows more than a host list could hold.
fn is_interface_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(ip: &str, interface: Option<&str>, expected: Option<(&str, u8)>) {
        let address = Address::new(ip.parse().unwrap(), interface);
        let got = address.as_ref().map(|address| (address.to_string(), address.rank()));
        assert_eq!(got, expected.map(|(text, rank)| (text.to_owned(), rank)), "{ip}");
    }

    #[test]
    fn texts_and_ranks() {
        check("10.0.0.2", Some("eth0"), Some(("10.0.0.2", 0)));
        check("fd00::2", Some("eth0"), Some(("fd00::2", 1)));
        check("2001:db8::2", None, Some(("2001:db8::2", 1)));
        check("169.254.1.2", None, Some(("169.254.1.2", 2)));
        check("fe80::2", Some("eth0"), Some(("fe80::2%eth0", 3)));
        check("127.0.0.1", None, Some(("127.0.0.1", 4)));
        check("fe80::2", None, None);
        check("fe80::2", Some("a b"), None);
        check("fe80::2", Some("a,b"), None);
        check("0.0.0.0", None, None);
        check("224.0.0.251", None, None);
    }
}
