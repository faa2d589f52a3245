//! A list of hosts for people, as a table, and for programs, as JSON. Knows nothing of where either goes.

use crate::setup::host_source::HostSource;
use crate::setup::host_words::address;
use crate::table::aligned;
use hosts::{Host, HostList, Place};
use serde_json::json;

/// Where the list is written, then a line for each host: way, slots, options.
pub(crate) fn text(source: &HostSource, list: &HostList) -> String {
    let hosts = &list.hosts;
    let rows = hosts.iter().map(|host| [address(host), host.slots.to_string(), options(host)]);
    let header = ["host", "slots", "options"].map(str::to_owned);
    let rows: Vec<_> = std::iter::once(header).chain(rows).collect();
    let table: String = aligned(&rows, &[1]).iter().map(|line| format!("{line}\n")).collect();
    let total = list.total_slots();
    let many = |count: u64, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let totals = [many(hosts.len() as u64, "host"), many(total, "slot")].join(", ");
    let others = if list.zeroconf.is_some() {
        "and who announces itself with a compiler as here (+zeroconf): distcc-arch hosts discover\n"
    } else {
        ""
    };
    format!("from {}\n\n{table}\n{totals}\n{others}", source.place)
}

/// One object.
pub(crate) fn json(source: &HostSource, list: &HostList) -> String {
    let hosts: Vec<_> = list
        .hosts
        .iter()
        .map(|host| {
            let (way, port) = match &host.place {
                Place::Local => ("local", None),
                Place::Tcp { port, .. } => ("tcp", Some(port)),
                Place::Ssh { .. } => ("ssh", None),
            };
            json!({
                "spec": host.spec, "name": host.name(), "way": way, "port": port, "slots": host.slots,
                "lzo": host.lzo, "cpp": host.pump, "down": host.down, "auth": host.auth,
            })
        })
        .collect();
    let object = json!({
        "source": source.place.to_string(), "hosts": hosts, "slots": list.total_slots(),
        "zeroconf": list.zeroconf.is_some(), "warnings": list.warnings,
    });
    format!("{object:#}\n")
}

fn options(host: &Host) -> String {
    let words = [(host.lzo, "lzo"), (host.pump, "cpp"), (host.down, "down"), (host.auth, "auth")];
    words.iter().filter(|(on, _)| *on).map(|(_, word)| *word).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setup::host_source;

    #[test]
    fn columns_and_object() {
        let place = host_source::Place::List { path: "/etc/distcc/hosts".into() };
        let source = HostSource { place, text: "red/15,cpp,lzo @[::1] localhost".into(), make_flags: None };
        let list = HostList::parse(source.text.as_bytes(), "");
        let expected = "from /etc/distcc/hosts\n\n\
            host       slots  options\n\
            red:3632      15  lzo,cpp\n\
            @::1           4\n\
            localhost      2\n\n\
            3 hosts, 21 slots\n";
        assert_eq!(text(&source, &list), expected);
        assert!(text(&source, &HostList::parse(b"red/1", "")).ends_with("\n1 host, 1 slot\n"));
        assert!(text(&source, &HostList::parse(b"+zeroconf red", "")).ends_with(
            "1 host, 4 slots\n\
            and who announces itself with a compiler as here (+zeroconf): distcc-arch hosts discover\n"
        ));
        let object: serde_json::Value = serde_json::from_str(&json(&source, &list)).unwrap();
        assert_eq!((&object["slots"], &object["hosts"][0]["port"]), (&json!(21), &json!(3632)));
        assert_eq!(object["hosts"][1]["way"], "ssh");
    }
}
