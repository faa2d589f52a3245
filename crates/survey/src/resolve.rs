//! Looks up one name. Knows nothing of retries, or of who else is asked for.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};

/// All addresses of a host, IPv4 first, as 3.4 knows only these; at least one. Waits as long as the resolver does.
///
/// # Errors
/// What the resolver says.
pub(crate) fn resolve(name: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let mut addresses: Vec<SocketAddr> = (name, port).to_socket_addrs()?.collect();
    addresses.sort_by_key(SocketAddr::is_ipv6);
    if addresses.is_empty() { Err(io::ErrorKind::NotFound.into()) } else { Ok(addresses) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_their_own_names() {
        for (name, expected) in [("192.0.2.7", "192.0.2.7:9"), ("2001:db8::7", "[2001:db8::7]:9")] {
            assert_eq!(resolve(name, 9).unwrap(), [expected.parse().unwrap()]);
        }
        assert!(resolve("", 9).is_err());
    }
}
