//! The story of `distcc-arch hosts probe`: examine the hosts and show one line for each. Knows no single step.

use crate::check::host::{End, Examined};
use crate::check::host_table::{self, Row};
use crate::check::printable::printable;
use crate::check::{Situation, Verdict, hosts, reach, telling};
use crate::cli;
use crate::processes::Processes;
use crate::settings::Settings;
use crate::{Answer, Exit};
use protocol::inquiry::Telling;
use std::thread;

/// Asks the hosts of the list that are named, or all; nothing is changed.
pub(crate) fn run(asked: &cli::Probe, settings: &Settings) -> Answer {
    let processes = match Processes::watched() {
        Ok(processes) => processes,
        Err(error) => return trouble(&format!("cannot catch signals: {error}")),
    };
    let look = asked.as_check();
    let answer = Situation::find(&look, settings, &processes).and_then(|situation| probe(asked, &situation));
    if let Some(signal) = processes.interrupted_by() {
        let complaint = "distcc-arch: interrupted; nothing was changed\n".to_owned();
        return Answer { text: String::new(), complaint, exit: Exit::Signal(signal) };
    }
    answer.unwrap_or_else(|why| trouble(&why))
}

fn probe(asked: &cli::Probe, situation: &Situation) -> Result<Answer, String> {
    let list = situation.hosts.as_ref().map_err(|error| format!("{error}: distcc-arch hosts add HOST"))?;
    let chosen = hosts::chosen(list, &asked.names);
    let unknown = asked.names.iter().find(|name| hosts::chosen(list, std::slice::from_ref(name)).is_empty());
    if let Some(unknown) = unknown {
        return Err(format!(
            "{unknown} is not in the list of hosts of {}: distcc-arch hosts list",
            list.source_name
        ));
    }
    let bench = hosts::set_up(situation);
    let examined = hosts::examine_all(&chosen, situation, bench.as_ref().ok());
    let tellings = tellings(&examined, situation);
    let row =
        |(examined, telling)| Row { findings: hosts::told(&examined, situation, list), examined, telling };
    let rows: Vec<Row> = examined.into_iter().zip(tellings).map(row).collect();
    let text = if asked.json {
        host_table::json(&rows)
    } else {
        host_table::text(&rows, situation.settings.stdout_colours)
    };
    let complaint =
        bench.err().map_or_else(String::new, |why| format!("distcc-arch: {}\n", printable(&why.what)));
    let exit = match host_table::verdict(&rows) {
        Verdict::Well | Verdict::Skipped => 0,
        Verdict::Warning => 1,
        Verdict::Failure => 2,
    };
    Ok(Answer { text, complaint, exit: Exit::Code(exit) })
}

/// What the daemons that serve us tell of themselves; all are asked at once.
fn tellings(examined: &[Examined], situation: &Situation) -> Vec<Option<Telling>> {
    let ask = |examined: &Examined| {
        let open = reach::connect(&examined.addresses, situation.processes).ok()?;
        telling::of_connection(open.into_stream())
    };
    // Who is silent when there is a job would be silent now, too.
    let serves_us = |examined: &&Examined| {
        let is_tcp = examined.round_trip.is_some();
        is_tcp && matches!(examined.end, None | Some(End::NoTrial | End::NotPermitted { .. }))
    };
    thread::scope(|scope| {
        let asked: Vec<_> = examined
            .iter()
            .map(|examined| {
                Some(examined).filter(serves_us).map(|examined| scope.spawn(move || ask(examined)))
            })
            .collect();
        asked.into_iter().map(|asked| asked?.join().ok()?).collect()
    })
}

fn trouble(why: &str) -> Answer {
    Answer {
        text: String::new(),
        complaint: format!("distcc-arch: {}\n", printable(why)),
        exit: Exit::Code(2),
    }
}
