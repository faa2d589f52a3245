//! Hosts on a network of their own: wrong ports, machines that are off, firewalls. Knows nothing of compilers.

use test_hosts::distccd::{Distccd, Setup};
use test_hosts::need;
use test_hosts::netns::{Netns, Network};
use test_hosts::process::run;

use crate::daemon::Start;
use crate::said::{Looker, can_look};

const DISTCCD: &str = env!("CARGO_BIN_EXE_distccd");

fn nft(host: &Netns, words: &str) {
    let mut nft = host.command("nft");
    nft.args(words.split(' '));
    run(nft).good();
}

#[test]
fn ports_and_daemons() {
    if !can_look() || !need::network_namespaces() || !need::compiler_link("gcc") {
        return;
    }
    let network = Network::new(2);
    let looker = Looker { on: Some(network.builder()), ..Looker::default() };
    let [first, second] = [0, 1].map(|index| network.others()[index].address());
    let down = format!("on {second}: sudo systemctl enable --now distccd && systemctl status distccd");
    looker.names(&format!("{second}/2"), "host-daemon-down", "nothing listens", &down);

    let daemon = Distccd::start(&Setup { on: Some(&network.others()[0]), ..Setup::of(DISTCCD) });
    let wrong = format!("{first}:4000/4,lzo");
    let remedy = format!(" --hosts \"{first}/4,lzo localhost\"");
    looker.names(&format!("{wrong} localhost"), "host-wrong-port", "port 3632", &remedy);
    looker.is_content_with(&format!("{first}/4,lzo"));
    drop(daemon);

    let denied = Start { on: Some(&network.others()[1]), allow: "192.0.2.0/24", ..Start::ours() }.start();
    let ours = network.builder().address();
    let remedy = format!("on {second}: sudo distcc-arch setup --server --allow {ours}/32");
    looker.names(&denied.host, "host-access", &ours.to_string(), &remedy);
    drop(denied);
    let range = format!("{ours}/32");
    let allowed = Start { on: Some(&network.others()[1]), allow: &range, ..Start::ours() }.start();
    looker.is_content_with(&allowed.host);
    let found = looker.look(&allowed.host);
    assert!(found.iter().all(|finding| !finding.what.contains("same machine")), "{found:#?}");
}

#[test]
fn machines_that_are_off_and_firewalls() {
    if !can_look() || !need::network_namespaces() || need::program("nft", "install nftables").is_none() {
        return;
    }
    let network = Network::new(1);
    let looker = Looker { on: Some(network.builder()), ..Looker::default() };
    let silent = network.silent_address().to_string();
    let ours = network.builder().address();
    let allow = format!("on {silent}: sudo distcc-arch setup --server --open-firewall");
    looker.names(&silent, "host-silent", "it is off, or a firewall there drops port 3632", &allow);
    looker.names("10.83.0.99", "host-unreachable", "no route to host", "ip route get 10.83.0.99");
    looker.names("192.0.2.1", "host-unreachable", "network is unreachable", "ip route get 192.0.2.1");

    let host = &network.others()[0];
    let daemon = Start { on: Some(host), allow: "10.83.0.0/24", ..Start::ours() }.start();
    nft(host, "add table inet filter");
    nft(host, "add chain inet filter input { type filter hook input priority 0 ; policy accept ; }");
    nft(host, "add rule inet filter input tcp dport 3632 reject with icmpx type admin-prohibited");
    let allow = format!("on {}: sudo distcc-arch setup --server --open-firewall", host.address());
    looker.names(&daemon.host, "host-firewall", "a firewall rejects", &allow);
    nft(host, &format!("insert rule inet filter input ip saddr {ours} tcp dport 3632 accept"));
    looker.is_content_with(&daemon.host);
}
