//! What `nft -j list ruleset` tells of what comes in (libnftables-json(5)), also where iptables wrote it. Runs nothing.

use ipnet::IpNet;
use serde_json::Value;

/// A chain that lets nothing in but what one of its rules admits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Closed {
    /// As nft names it: family, table, chain.
    pub(super) chain: [String; 3],
    /// Ports that some rule admits, from first to last, from wherever.
    pub(super) admitted: Vec<(u16, u16)>,
    /// Some rule that admits something cannot be understood.
    pub(super) has_riddles: bool,
}

/// The first input chain that is closed; none when all let in what is not forbidden, or the text is not understood.
pub(super) fn closed(ruleset: &str) -> Option<Closed> {
    let ruleset: Value = serde_json::from_str(ruleset).ok()?;
    let objects = ruleset["nftables"].as_array()?;
    let rules: Vec<&Value> =
        objects.iter().map(|object| &object["rule"]).filter(|rule| !rule.is_null()).collect();
    let inputs = objects.iter().map(|object| &object["chain"]).filter(|chain| chain["hook"] == "input");
    let chain = inputs
        .into_iter()
        .find(|chain| chain["policy"] == "drop" || rules.iter().any(|rule| ends(rule, chain)))?;
    let name = |field: &str| chain[field].as_str().unwrap_or_default().to_owned();
    let same_table = |rule: &&&Value| rule["family"] == chain["family"] && rule["table"] == chain["table"];
    let admitting: Vec<&Value> =
        rules.iter().filter(same_table).copied().filter(|rule| does(rule, &["accept"])).collect();
    Some(Closed {
        chain: [name("family"), name("table"), name("name")],
        admitted: admitting.iter().flat_map(|rule| ports(rule)).collect(),
        has_riddles: admitting.iter().any(|rule| statements(rule).iter().any(|one| !one["xt"].is_null())),
    })
}

impl Closed {
    pub(super) fn admits(&self, port: u16) -> bool {
        self.admitted.iter().any(|(first, last)| (*first..=*last).contains(&port))
    }

    /// Commands that admit a port until the rules are loaded anew.
    pub(super) fn openings(&self, port: u16, ranges: &[IpNet]) -> Vec<String> {
        let [family, table, chain] = &self.chain;
        let rule =
            |from: String| format!("nft insert rule {family} {table} {chain} {from}tcp dport {port} accept");
        let from =
            |range: &IpNet| format!("{} saddr {range} ", if range.addr().is_ipv6() { "ip6" } else { "ip" });
        if ranges.is_empty() {
            vec![rule(String::new())]
        } else {
            ranges.iter().map(|range| rule(from(range))).collect()
        }
    }
}

fn statements(rule: &Value) -> &[Value] {
    rule["expr"].as_array().map_or(&[], Vec::as_slice)
}

fn does(rule: &Value, verdicts: &[&str]) -> bool {
    let is_verdict = |statement: &Value| verdicts.iter().any(|verdict| statement.get(verdict).is_some());
    statements(rule).iter().any(is_verdict)
}

/// Whether a rule ends a chain for whatever comes that far.
fn ends(rule: &Value, chain: &Value) -> bool {
    let is_there =
        ["family", "table"].iter().all(|field| rule[field] == chain[field]) && rule["chain"] == chain["name"];
    let any = statements(rule)
        .iter()
        .all(|statement| statement.get("match").is_none() && statement.get("xt").is_none());
    is_there && any && does(rule, &["drop", "reject"])
}

/// The destination ports that a rule is about.
fn ports(rule: &Value) -> Vec<(u16, u16)> {
    let is_port = |one: &&Value| {
        one["left"]["payload"]["field"] == "dport" && one["left"]["payload"]["protocol"] != "udp"
    };
    let matches = statements(rule).iter().map(|statement| &statement["match"]).filter(is_port);
    matches.filter(|one| one["op"] != "!=").flat_map(|one| numbers(&one["right"])).collect()
}

/// `3632`, `{"range": [1, 2]}` or `{"set": […]}` of these.
fn numbers(right: &Value) -> Vec<(u16, u16)> {
    let number = |value: &Value| value.as_u64().and_then(|number| u16::try_from(number).ok());
    if let Some(port) = number(right) {
        return vec![(port, port)];
    }
    if let (Some(first), Some(last)) = (number(&right["range"][0]), number(&right["range"][1])) {
        return vec![(first, last)];
    }
    right["set"].as_array().map_or_else(Vec::new, |set| set.iter().flat_map(numbers).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn ruleset(policy: &str, rules: &[Value]) -> String {
        let chain = json!({"chain": {"family": "inet", "table": "filter", "name": "input", "handle": 1,
            "type": "filter", "hook": "input", "prio": 0, "policy": policy}});
        let rule = |expr: &Value| json!({"rule": {"family": "inet", "table": "filter", "chain": "input", "expr": expr}});
        let objects: Vec<Value> = [chain].into_iter().chain(rules.iter().map(rule)).collect();
        json!({"nftables": objects}).to_string()
    }

    fn accept(right: &Value) -> Value {
        let left = json!({"payload": {"protocol": "tcp", "field": "dport"}});
        json!([{"match": {"op": "==", "left": left, "right": right}}, {"accept": null}])
    }

    /// None: nothing is closed.
    #[track_caller]
    fn check(policy: &str, rules: &[Value], expected: Option<bool>) {
        let admits = closed(&ruleset(policy, rules)).map(|closed| closed.admits(3632));
        assert_eq!(admits, expected, "{policy} {rules:?}");
    }

    #[test]
    fn policies_and_rules() {
        check("accept", &[], None);
        check("drop", &[], Some(false));
        check("drop", &[accept(&json!(22))], Some(false));
        check("drop", &[accept(&json!(3632))], Some(true));
        check("drop", &[accept(&json!({"set": [80, 3632]}))], Some(true));
        check("drop", &[accept(&json!({"range": [3600, 3700]}))], Some(true));
        let reject =
            json!([{"counter": {"packets": 0, "bytes": 0}}, {"reject": {"type": "icmpx", "expr": "x"}}]);
        check("accept", &[accept(&json!(22)), reject], Some(false));
        let some = json!([{"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": "invalid"}}, {"drop": null}]);
        check("accept", &[some], None);
        assert_eq!(closed("no JSON"), None);
    }

    #[test]
    fn riddles_of_iptables() {
        let multiport = json!([{"xt": {"type": "match", "name": "multiport"}}, {"accept": null}]);
        assert!(closed(&ruleset("drop", &[multiport])).unwrap().has_riddles);
    }

    #[test]
    fn commands() {
        let closed = closed(&ruleset("drop", &[])).unwrap();
        let opening = closed.openings(3632, &["10.0.0.0/8".parse().unwrap()]);
        assert_eq!(opening, ["nft insert rule inet filter input ip saddr 10.0.0.0/8 tcp dport 3632 accept"]);
    }
}
