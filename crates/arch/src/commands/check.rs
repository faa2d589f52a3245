//! The story of `distcc-arch check`: find out the situation, go through the table, tell. Knows no single check.

use crate::check::printable::printable;
use crate::check::report::{self, Style};
use crate::check::{CHECKS, Situation, Verdict, look};
use crate::cli::Check;
use crate::processes::Processes;
use crate::progress::Progress;
use crate::settings::Settings;
use crate::{Answer, Exit};
use std::io::Write;

/// Looks and tells; nothing is changed.
pub(crate) fn run(asked: &Check, settings: &Settings, notes: &mut dyn Write) -> Answer {
    let processes = match Processes::watched() {
        Ok(processes) => processes,
        Err(error) => return trouble(&format!("cannot catch signals: {error}")),
    };
    let situation = match Situation::find(asked, settings, &processes) {
        Ok(situation) => situation,
        Err(why) => return trouble(&why),
    };
    let long = CHECKS.iter().filter(|check| check.needs_network).count();
    let progress = (!asked.offline && long > 0)
        .then(|| Progress::begin("asking the hosts", long, settings.stderr_terminal, notes));
    let sections = look(&situation, asked.offline, || progress.iter().for_each(Progress::step));
    drop(progress);
    if let Some(signal) = processes.interrupted_by() {
        let complaint = "distcc-arch: interrupted; nothing was changed\n".to_owned();
        return Answer { text: String::new(), complaint, exit: Exit::Signal(signal) };
    }
    let style = if settings.stdout_colours { Style::Terminal } else { Style::Plain };
    let text = if asked.json { report::json(&sections) } else { report::text(&sections, style) };
    let exit = match report::verdict(&sections) {
        Verdict::Well | Verdict::Skipped => 0,
        Verdict::Warning => 1,
        Verdict::Failure => 2,
    };
    Answer { text, complaint: String::new(), exit: Exit::Code(exit) }
}

fn trouble(why: &str) -> Answer {
    Answer {
        text: String::new(),
        complaint: format!("distcc-arch: {}\n", printable(why)),
        exit: Exit::Code(2),
    }
}
