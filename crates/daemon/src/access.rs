//! Who is at the other end of a connection, and whether they are let in. Knows nothing of sockets.

use std::fmt;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};

use ipnet::IpNet;

/// The other end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Peer {
    /// A client that came over the network.
    Network(SocketAddr),
    /// A local socket, such as the pair that an ssh server makes.
    LocalSocket,
    /// A pipe.
    Pipe,
}

/// As the job summary of distcc 3.4 names it; a client that came over IPv4 is shown so.
impl Peer {
    /// Where it came from over the network; an IPv4 address as such, however it arrived.
    pub(crate) fn address(self) -> Option<SocketAddr> {
        match self {
            Peer::Network(address) => Some(SocketAddr::new(address.ip().to_canonical(), address.port())),
            Peer::LocalSocket | Peer::Pipe => None,
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Peer::Network(_) => self.address().map_or(Ok(()), |address| write!(f, "{address}")),
            Peer::LocalSocket => f.write_str("UNIX-DOMAIN"),
            Peer::Pipe => f.write_str("NOTSOCKET"),
        }
    }
}

/// The networks whose clients are served; an empty list serves everyone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct AccessList(Vec<IpNet>);

/// What `--allow-private` means: loopback, RFC 1918, link-local and unique local addresses.
const PRIVATE: &[&str] =
    &["192.168.0.0/16", "10.0.0.0/8", "172.16.0.0/12", "127.0.0.0/8", "fe80::/10", "fc00::/7", "::1/128"];

impl AccessList {
    /// Lets in the networks that are never routed on the internet.
    pub(crate) fn add_private(&mut self) {
        self.0.extend(PRIVATE.iter().map(|net| net.parse::<IpNet>().expect("the table is tested")));
    }

    /// Lets in `ADDRESS[/BITS]`; an address may be a host name, which is looked up now, once.
    ///
    /// # Errors
    /// Why `rule` cannot be understood, in one line.
    pub(crate) fn add(&mut self, rule: &str) -> Result<(), String> {
        let (host, bits) = rule.split_once('/').unwrap_or((rule, ""));
        for address in addresses(host)? {
            self.0.push(network(address, bits).ok_or_else(|| format!("invalid mask \"{bits}\""))?);
        }
        Ok(())
    }

    /// Whether `peer` is served, or why not. A pipe was opened by someone who could run us anyway.
    pub(crate) fn admit(&self, peer: Peer) -> Result<(), &'static str> {
        match peer {
            _ if self.0.is_empty() => Ok(()),
            Peer::Pipe => Ok(()),
            Peer::LocalSocket => Err("denied: --allow speaks of addresses and this socket has none"),
            Peer::Network(address) => {
                let address = address.ip().to_canonical();
                let listed = self.0.iter().any(|net| net.contains(&address));
                if listed { Ok(()) } else { Err("denied by access list; see --allow") }
            }
        }
    }
}

/// For the log: whom it lets in.
impl fmt::Display for AccessList {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("any network");
        }
        let networks: Vec<String> = self.0.iter().map(IpNet::to_string).collect();
        f.write_str(&networks.join(", "))
    }
}

fn addresses(host: &str) -> Result<Vec<IpAddr>, String> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![address.to_canonical()]);
    }
    let found = (host, 0).to_socket_addrs();
    let found = found.map_err(|error| format!("can't parse internet address \"{host}\": {error}"))?;
    Ok(found.map(|address| address.ip()).collect())
}

/// No bits at all mean the address alone.
fn network(address: IpAddr, bits: &str) -> Option<IpNet> {
    let bits = if bits.is_empty() { IpNet::from(address).max_prefix_len() } else { bits.parse().ok()? };
    IpNet::new(address, bits).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(rules: &[&str]) -> AccessList {
        let mut list = AccessList::default();
        rules.iter().for_each(|rule| list.add(rule).unwrap());
        list
    }

    #[track_caller]
    fn check(rules: &[&str], client: &str, admitted: bool) {
        let peer = Peer::Network(SocketAddr::new(client.parse().unwrap(), 40_000));
        assert_eq!(list(rules).admit(peer).is_ok(), admitted, "{rules:?} {client}");
    }

    #[test]
    fn masks() {
        check(&["127.0.0.1"], "127.0.0.1", true);
        check(&["127.0.0.1/"], "127.0.0.1", true);
        check(&["127.0.0.0"], "127.0.0.1", false);
        check(&["127.0.0.2"], "127.0.0.1", false);
        check(&["127.0.0.1/8"], "127.0.0.2", true);
        check(&["10.113.0.0/16"], "10.113.45.67", true);
        check(&["10.113.0.0/16"], "10.11.45.67", false);
        check(&["1.2.3.4/0"], "4.3.2.1", true);
        check(&["1.2.3.4/8"], "4.3.2.1", false);
        check(&["192.168.1.64/28"], "192.168.1.70", true);
        check(&["192.168.1.64/28"], "192.168.1.7", false);
        check(&["10.0.0.1", "10.0.0.2"], "10.0.0.1", true);
        check(&["2001:db8::/32"], "2001:db8:1::5", true);
        check(&["2001:db8::/32"], "2001:db9::5", false);
        check(&["localhost"], "127.0.0.1", true);
        check(&[], "4.3.2.1", true);
        assert_eq!(list(&["10.0.0.0/8", "::1"]).to_string(), "10.0.0.0/8, ::1/128");
        assert_eq!(list(&[]).to_string(), "any network");
    }

    #[test]
    fn an_ipv4_rule_matches_an_ipv4_client_on_an_ipv6_socket() {
        check(&["10.0.0.0/8"], "::ffff:10.1.2.3", true);
        check(&["::ffff:10.1.2.3"], "10.1.2.3", true);
        check(&["::/0"], "10.1.2.3", false);
        check(&["10.0.0.0/8"], "2001:db8::1", false);
    }

    #[test]
    fn private_networks() {
        let mut private = AccessList::default();
        private.add_private();
        for (client, admitted) in [
            ("127.9.9.9", true),
            ("10.0.0.1", true),
            ("172.31.255.255", true),
            ("172.32.0.0", false),
            ("192.168.0.2", true),
            ("192.169.0.2", false),
            ("::1", true),
            ("fe80::1", true),
            ("fd00::1", true),
            ("2001:db8::1", false),
            ("8.8.8.8", false),
            ("::ffff:192.168.0.2", true),
            ("::ffff:8.8.8.8", false),
        ] {
            let peer = Peer::Network(SocketAddr::new(client.parse().unwrap(), 1));
            assert_eq!(private.admit(peer).is_ok(), admitted, "{client}");
        }
    }

    #[test]
    fn rules_that_make_no_sense() {
        for (rule, expected) in [
            ("1.2.3.4/40", "invalid mask \"40\""),
            ("::1/129", "invalid mask \"129\""),
            ("1.2.3.4/x", "invalid mask \"x\""),
            ("1.2.3.4.5.6.7/8", "can't parse internet address \"1.2.3.4.5.6.7\""),
        ] {
            let error = AccessList::default().add(rule).unwrap_err();
            assert!(error.starts_with(expected), "{rule}: {error}");
        }
    }

    #[test]
    fn peers_without_an_address() {
        assert!(list(&[]).admit(Peer::LocalSocket).is_ok());
        assert!(list(&["10.0.0.0/8"]).admit(Peer::LocalSocket).is_err());
        assert!(list(&["10.0.0.0/8"]).admit(Peer::Pipe).is_ok());
        let mapped = Peer::Network("[::ffff:1.2.3.4]:5".parse().unwrap());
        assert_eq!(mapped.to_string(), "1.2.3.4:5");
        assert_eq!(Peer::Network("[::1]:5".parse().unwrap()).to_string(), "[::1]:5");
    }
}
