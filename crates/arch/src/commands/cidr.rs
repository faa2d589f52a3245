//! Turns ranges of addresses into the blocks that --allow takes, and blocks into ranges. Knows nothing of who has them.

use crate::{Answer, Exit};
use clap::Args;
use ipnet::{IpNet, IpSubnets, Ipv4Subnets, Ipv6Subnets};
use std::net::IpAddr;

/// What `cidr` is asked to turn into what.
#[derive(Debug, Args)]
pub(crate) struct Cidr {
    /// Print the options of distccd that allow just these, on one line
    #[arg(long)]
    pub(crate) allow: bool,
    /// Addresses and ranges of them (192.168.0.2-192.168.0.20), or blocks (192.168.0.0/24); IPv4 and IPv6
    #[arg(required = true, value_name = "WORDS")]
    pub(crate) words: Vec<String>,
}

/// One word of the command line.
#[derive(Debug, Clone, Copy)]
enum Addresses {
    /// One address is a range, too.
    Range(IpSubnets),
    Block(IpNet),
}

/// The smallest set of blocks that hold exactly these addresses, or from where to where these blocks go.
pub(crate) fn run(asked: &Cidr) -> Answer {
    match turned(asked) {
        Ok(text) => Answer { text, complaint: String::new(), exit: Exit::Code(0) },
        Err(problem) => {
            let complaint = format!("distcc-arch: {problem}\n");
            Answer { text: String::new(), complaint, exit: Exit::Code(2) }
        }
    }
}

fn turned(asked: &Cidr) -> Result<String, String> {
    let all = asked.words.iter().map(|word| understood(word)).collect::<Result<Vec<_>, _>>()?;
    let lines = |lines: Vec<String>| lines.iter().map(|line| format!("{line}\n")).collect();
    if asked.allow {
        let options: Vec<String> = blocks(&all).iter().map(|block| format!("--allow {block}")).collect();
        return Ok(format!("{}\n", options.join(" ")));
    }
    match all.iter().filter(|word| matches!(word, Addresses::Block(_))).count() {
        0 => Ok(lines(blocks(&all).iter().map(IpNet::to_string).collect())),
        count if count == all.len() => Ok(lines(blocks_as_given(&all).map(range).collect())),
        _ => Err("blocks become ranges, and the rest becomes blocks: give one kind at a time, or --allow"
            .to_owned()),
    }
}

fn understood(word: &str) -> Result<Addresses, String> {
    if word.contains('/') {
        let block =
            word.parse().map_err(|_| format!("{word}: no block, such as 192.168.0.0/24 or fd00::/64"))?;
        return Ok(Addresses::Block(block));
    }
    let address = |text: &str| {
        text.trim().parse::<IpAddr>().map_err(|_| format!("{word}: \"{text}\" is no IPv4 or IPv6 address"))
    };
    let (first, last) = match word.split_once('-') {
        Some((first, last)) => (address(first)?, address(last)?),
        None => (address(word)?, address(word)?),
    };
    match (first, last) {
        (IpAddr::V4(_), IpAddr::V4(_)) | (IpAddr::V6(_), IpAddr::V6(_)) if last < first => {
            Err(format!("{word}: the range ends before it begins; did you mean {last}-{first}?"))
        }
        (IpAddr::V4(first), IpAddr::V4(last)) => {
            Ok(Addresses::Range(IpSubnets::V4(Ipv4Subnets::new(first, last, 0))))
        }
        (IpAddr::V6(first), IpAddr::V6(last)) => {
            Ok(Addresses::Range(IpSubnets::V6(Ipv6Subnets::new(first, last, 0))))
        }
        _ => Err(format!("{word}: there is no range from one kind of address to the other")),
    }
}

fn blocks(all: &[Addresses]) -> Vec<IpNet> {
    let mut blocks = Vec::new();
    for addresses in all {
        match addresses {
            Addresses::Range(subnets) => blocks.extend(*subnets),
            Addresses::Block(block) => blocks.push(block.trunc()),
        }
    }
    IpNet::aggregate(&blocks)
}

fn blocks_as_given(all: &[Addresses]) -> impl Iterator<Item = IpNet> {
    all.iter().filter_map(|addresses| match addresses {
        Addresses::Block(block) => Some(*block),
        Addresses::Range(_) => None,
    })
}

/// `192.168.0.0-192.168.0.255`; the address alone for a block of one.
fn range(block: IpNet) -> String {
    match (block.network(), block.broadcast()) {
        (first, last) if first == last => first.to_string(),
        (first, last) => format!("{first}-{last}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words, with --allow in front or not, and the lines or the complaint they give.
    #[track_caller]
    fn check(command: &str, expected: Result<&str, &str>) {
        let (allow, words) = match command.strip_prefix("--allow ") {
            Some(words) => (true, words),
            None => (false, command),
        };
        let asked = Cidr { allow, words: words.split(' ').map(str::to_owned).collect() };
        let answer = run(&asked);
        let (text, complaint, code) = match expected {
            Ok(lines) => (format!("{lines}\n"), String::new(), 0),
            Err(problem) => (String::new(), format!("distcc-arch: {problem}\n"), 2),
        };
        let text = if allow { text } else { text.replace(' ', "\n") };
        assert_eq!(
            (answer.text, answer.complaint, answer.exit),
            (text, complaint, Exit::Code(code)),
            "{command}"
        );
    }

    #[test]
    fn ranges_become_blocks() {
        check("192.168.0.0-192.168.0.255", Ok("192.168.0.0/24"));
        check(
            "192.168.0.2-192.168.0.20",
            Ok("192.168.0.2/31 192.168.0.4/30 192.168.0.8/29 192.168.0.16/30 192.168.0.20/32"),
        );
        check("10.0.0.7-10.0.0.7", Ok("10.0.0.7/32"));
        check("0.0.0.0-255.255.255.255", Ok("0.0.0.0/0"));
        check("fd00::-fd00::ffff", Ok("fd00::/112"));
        check("::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Ok("::/0"));
    }

    #[test]
    fn addresses_become_blocks_of_just_these() {
        check("10.0.0.1", Ok("10.0.0.1/32"));
        check("10.0.0.3 10.0.0.2 10.0.0.2", Ok("10.0.0.2/31"));
        check("10.0.0.1 10.0.0.2", Ok("10.0.0.1/32 10.0.0.2/32"));
        check("10.0.0.0-10.0.0.127 10.0.0.128-10.0.0.255", Ok("10.0.0.0/24"));
        check("fe80::1 10.0.0.1", Ok("10.0.0.1/32 fe80::1/128"));
    }

    #[test]
    fn blocks_become_ranges() {
        check("192.168.0.0/24", Ok("192.168.0.0-192.168.0.255"));
        check("192.168.0.9/30 10.0.0.1/32", Ok("192.168.0.8-192.168.0.11 10.0.0.1"));
        check("10.0.0.0/31 0.0.0.0/0", Ok("10.0.0.0-10.0.0.1 0.0.0.0-255.255.255.255"));
        check("fd00::/126", Ok("fd00::-fd00::3"));
    }

    #[test]
    fn options_of_the_daemon() {
        check("--allow 192.168.0.0-192.168.0.255 fd00::1", Ok("--allow 192.168.0.0/24 --allow fd00::1/128"));
        check("--allow 10.0.0.9/24 10.0.1.0-10.0.1.255", Ok("--allow 10.0.0.0/23"));
    }

    #[test]
    fn what_makes_no_sense() {
        let swapped = "10.0.0.9-10.0.0.1: the range ends before it begins; did you mean 10.0.0.1-10.0.0.9?";
        check("10.0.0.9-10.0.0.1", Err(swapped));
        check(
            "10.0.0.1-fd00::1",
            Err("10.0.0.1-fd00::1: there is no range from one kind of address to the other"),
        );
        check("10.0.0.0/33", Err("10.0.0.0/33: no block, such as 192.168.0.0/24 or fd00::/64"));
        check("10.0.0.1-20", Err("10.0.0.1-20: \"20\" is no IPv4 or IPv6 address"));
        check("my-host", Err("my-host: \"my\" is no IPv4 or IPv6 address"));
        check("10.0.0.256", Err("10.0.0.256: \"10.0.0.256\" is no IPv4 or IPv6 address"));
        check("-", Err("-: \"\" is no IPv4 or IPv6 address"));
        let mixed = "blocks become ranges, and the rest becomes blocks: give one kind at a time, or --allow";
        check("10.0.0.0/24 10.0.0.1", Err(mixed));
    }
}
