//! Examined hosts as a table for people, or as JSON for programs. Finds out nothing by itself.

use crate::check::host::{End, Examined};
use crate::check::host_trouble::shown;
use crate::check::printable::printable;
use crate::check::report::as_json;
use crate::check::telling;
use crate::check::trial_outcome::Outcome;
use crate::check::{Finding, Verdict};
use crate::table::aligned;
use protocol::inquiry::Telling;
use serde_json::{Value, json};
use std::fmt::Write;
use std::time::Duration;

/// A host and what was found about it.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) examined: Examined,
    pub(crate) findings: Vec<Finding>,
    /// What its daemon tells of itself; none of distcc 3.4's.
    pub(crate) telling: Option<Telling>,
}

const COLUMNS: [&str; 8] =
    ["host", "resolves", "port", "access", "compiler", "slots", "round trip", "compile"];

/// Shown where there is nothing to tell.
const NOTHING: &str = "-";

/// One line a host, and below all of them what is wrong and the command that mends it.
pub(crate) fn text(rows: &[Row], colours: bool) -> String {
    let cells = rows.iter().map(|row| cells(&row.examined));
    let table: Vec<_> = std::iter::once(COLUMNS.map(str::to_owned)).chain(cells).collect();
    let mut lines = aligned(&table, &[]).into_iter();
    let heading = lines.next().unwrap_or_default();
    let mut text = if colours { format!("\x1b[1m{heading}\x1b[0m\n") } else { format!("{heading}\n") };
    lines.for_each(|line| text += &format!("{}\n", printable(&line)));
    text += &servers(rows);
    for finding in rows.iter().flat_map(|row| &row.findings).filter(|finding| finding.remedy.is_some()) {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "\n{}", printable(&format!("{}: {}", finding.subject, finding.what)));
        let _ = finding.remedy.iter().try_for_each(|remedy| writeln!(text, "   type: {}", printable(remedy)));
    }
    text
}

/// One line for each daemon that tells of itself.
fn servers(rows: &[Row]) -> String {
    let told = rows.iter().filter_map(|row| Some((&row.examined.host.spec, row.telling.as_ref()?)));
    let cells = told.map(|(spec, telling)| {
        let slots = telling.slots.map_or_else(|| NOTHING.to_owned(), |slots| slots.to_string());
        let features = telling.features.join(", ");
        [spec.clone(), telling.server.clone(), slots, features, telling::targets(telling).join(", ")]
    });
    let heading = ["host", "server", "slots", "can", "compiles for"].map(str::to_owned);
    let table: Vec<_> = std::iter::once(heading).chain(cells).collect();
    if table.len() == 1 {
        return String::new();
    }
    let lines = aligned(&table, &[]).into_iter().map(|line| format!("{}\n", printable(&line)));
    std::iter::once("\n".to_owned()).chain(lines).collect()
}

fn cells(examined: &Examined) -> [String; 8] {
    let Examined { host, addresses, round_trip, trials, end, .. } = examined;
    let nothing = || NOTHING.to_owned();
    let took = |time: Option<Duration>| time.map_or_else(nothing, shown);
    let good: Vec<_> = trials.iter().filter(|trial| trial.outcome == Outcome::Equal).collect();
    let resolves = match (addresses.first(), end) {
        (_, Some(End::Unresolved(_))) => "no".to_owned(),
        (Some(address), _) => address.ip().to_string(),
        _ => nothing(),
    };
    let port = match (round_trip, end) {
        (Some(_), _) => "open".to_owned(),
        (None, Some(End::NoConnection(_) | End::OtherPort { .. })) => "no".to_owned(),
        _ => nothing(),
    };
    [
        host.spec.clone(),
        resolves,
        port,
        access(examined).to_owned(),
        compiler(examined),
        host.slots.to_string(),
        took(*round_trip),
        took(good.iter().map(|trial| trial.took).reduce(|one, other| one + other)),
    ]
}

fn access(examined: &Examined) -> &'static str {
    match &examined.end {
        Some(End::Denied) => "denied",
        Some(End::Stranger(_)) => "no distccd",
        None | Some(End::Trial | End::NotPermitted { .. } | End::NoTrial) => "yes",
        Some(_) => NOTHING,
    }
}

fn compiler(examined: &Examined) -> String {
    let Examined { trials, end, .. } = examined;
    match (trials.last().map(|trial| &trial.outcome), end) {
        (_, Some(End::NotPermitted { .. })) => "not permitted".to_owned(),
        (Some(Outcome::CompilerMissing(_)), _) => "missing".to_owned(),
        (Some(Outcome::Differs(_)), _) => "another one".to_owned(),
        (Some(Outcome::Equal), None) => {
            trials.iter().map(|trial| trial.compiler.as_str()).collect::<Vec<_>>().join(", ")
        }
        (Some(_), Some(End::Trial)) => "fails".to_owned(),
        _ => NOTHING.to_owned(),
    }
}

/// One object: the worst verdict, and for each host what is known of it; times are in milliseconds.
pub(crate) fn json(rows: &[Row]) -> String {
    let millis = |time: Duration| (time.as_secs_f64() * 100_000.0).round() / 100.0;
    let one = |row: &Row| {
        let examined = &row.examined;
        let trials = examined.trials.iter().map(|trial| {
            json!({"language": trial.language, "compiler": trial.compiler, "equal": trial.outcome == Outcome::Equal,
                "ms": millis(trial.took), "ms_here": millis(trial.here)})
        });
        json!({
            "host": examined.host.spec,
            "addresses": examined.addresses.iter().map(|address| address.ip().to_string()).collect::<Vec<_>>(),
            "this_machine": examined.is_this_machine,
            "slots": examined.host.slots,
            "server": row.telling.as_ref().map(telling::json),
            "round_trip_ms": examined.round_trip.map(millis),
            "compiles": trials.collect::<Vec<_>>(),
            "findings": row.findings.iter().map(as_json).collect::<Vec<Value>>(),
        })
    };
    let all: Vec<Value> = rows.iter().map(one).collect();
    format!("{:#}\n", json!({"verdict": verdict(rows).name(), "hosts": all}))
}

/// The worst of all.
pub(crate) fn verdict(rows: &[Row]) -> Verdict {
    rows.iter().flat_map(|row| &row.findings).map(|finding| finding.verdict).max().unwrap_or(Verdict::Well)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::trial_bench::Trial;
    use hosts::HostList;

    fn row(spec: &str, end: Option<End>, outcome: Outcome) -> Row {
        let millis = Duration::from_millis;
        let trial =
            Trial { language: "C", compiler: "gcc".into(), outcome, took: millis(40), here: millis(30) };
        let examined = Examined {
            host: HostList::parse(spec.as_bytes(), "x").hosts.remove(0),
            addresses: vec!["10.0.0.2:3632".parse().unwrap()],
            round_trip: Some(millis(2)),
            from: None,
            is_this_machine: false,
            trials: vec![trial],
            end,
        };
        Row { examined, findings: Vec::new(), telling: None }
    }

    #[test]
    fn one_line_for_each_host() {
        let good = row("red/8,lzo", None, Outcome::Equal);
        let mut bad = row("blue", Some(End::Denied), Outcome::NoAnswer);
        bad.findings.push(Finding::failure("host-access", "blue", "denied", "mend it"));
        let expected = "host       resolves  port  access  compiler  slots  round trip  compile\n\
                        red/8,lzo  10.0.0.2  open  yes     gcc       8      2.0 ms      40 ms\n\
                        blue       10.0.0.2  open  denied  -         4      2.0 ms      -\n\n\
                        blue: denied\n   type: mend it\n";
        assert_eq!(text(&[good, bad], false), expected);
    }

    #[test]
    fn who_tells_of_itself_has_a_line_more() {
        let mut told = row("red/8", None, Outcome::Equal);
        told.telling = Some(Telling {
            server: "distcc-arch 1".into(),
            slots: Some(12),
            features: vec!["lzo".into(), "pump".into()],
            targets: vec!["a-b".into(), "c-d".into()],
            ..Telling::default()
        });
        let expected = "\nhost   server         slots  can        compiles for\n\
                        red/8  distcc-arch 1  12     lzo, pump  a-b, c-d\n";
        assert!(text(&[row("blue", None, Outcome::Equal), told], false).ends_with(expected));
    }

    #[test]
    fn for_programs() {
        let read: Value = serde_json::from_str(&json(&[row("red/8,lzo", None, Outcome::Equal)])).unwrap();
        assert_eq!((&read["verdict"], &read["hosts"][0]["round_trip_ms"]), (&json!("well"), &json!(2.0)));
        assert_eq!(read["hosts"][0]["compiles"][0]["equal"], json!(true));
    }
}
