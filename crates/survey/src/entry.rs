//! One host as one line of output, which a host list takes as it is but for the latency. Knows nothing of how the host
//! was found.

use crate::options::Options;
use crate::probe::Finding;
use std::net::SocketAddr;

/// The port that a host list leaves out.
const USUAL_PORT: u16 = 3632;

/// `NAME[:PORT][,lzo[,cpp]][,down][ MILLISECONDS]`; none for a host that is down, unless those are wanted.
pub(crate) fn entry(options: &Options, name: &str, finding: &Finding) -> Option<String> {
    if !finding.up && !options.down {
        return None;
    }
    let mut entry = match finding.address {
        Some(address) if options.numeric => numeric(address),
        _ if name.contains(':') => format!("[{name}]"),
        _ => name.to_owned(),
    };
    if options.port != USUAL_PORT {
        entry.push_str(&format!(":{}", options.port));
    }
    entry.push_str(options.protocol.suffix());
    if !finding.up {
        entry.push_str(",down");
    }
    if options.latency {
        entry.push_str(&format!(" {}", finding.took.as_millis()));
    }
    Some(entry)
}

fn numeric(address: SocketAddr) -> String {
    match address {
        SocketAddr::V4(address) => address.ip().to_string(),
        SocketAddr::V6(address) if address.scope_id() == 0 => format!("[{}]", address.ip()),
        SocketAddr::V6(address) => format!("[{}%{}]", address.ip(), address.scope_id()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::{Asked, parse};
    use std::time::Duration;

    fn check(line: &str, name: &str, address: &str, up: bool, expected: Option<&str>) {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let Asked::Hosts(options) = parse(&words) else { panic!("{line}") };
        let address = Some(address.parse().unwrap());
        let finding = Finding { address, up, took: Duration::from_micros(12_999) };
        assert_eq!(entry(&options, name, &finding).as_deref(), expected, "{line}");
    }

    #[test]
    fn lines() {
        let v4 = "192.0.2.7:3632";
        check("", "red", v4, true, Some("red"));
        check("", "red", v4, false, None);
        check("-x", "red", v4, false, Some("red,down"));
        check("-x", "red", v4, true, Some("red"));
        check("-P2 -l", "red", v4, true, Some("red,lzo 12"));
        check("-r99 -P3 -x -l", "red", v4, false, Some("red:99,lzo,cpp,down 12"));
        check("-n", "red", v4, true, Some("192.0.2.7"));
        check("-n -r99", "red", "[2001:db8::7]:99", true, Some("[2001:db8::7]:99"));
        check("-n", "red", "[fe80::7%3]:3632", true, Some("[fe80::7%3]"));
        check("", "2001:db8::7", "[2001:db8::7]:3632", true, Some("[2001:db8::7]"));
    }
}
