//! The story of `distcc-arch undo`: what would be taken back, whether that is wanted, taking it back, what is left. Knows
//! nothing of how changes are journalled, and of makepkg.conf only which of its variables are ours.

use crate::carry_out::{Work, answer, listed, runner};
use crate::consent::{Consent, Decision};
use crate::settings::Settings;
use crate::setup::server;
use crate::site::site;
use crate::{Answer, Exit};
use changes::{Difference, Journal, Site, Undo, Undone, three_way};
use clap::Args;
use std::fmt::Write as _;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The variables of makepkg.conf that setup sets; the rest of a file that was edited since is not ours.
const VARIABLES: &[&str] = &["BUILDENV", "DISTCC_HOSTS", "MAKEFLAGS"];

/// What `undo` is asked for.
#[derive(Debug, Args)]
pub(crate) struct Undoing {
    /// Take back what was set up below DIR, a chroot for example
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    #[command(flatten)]
    consent: Consent,
}

/// Takes back what setup and hosts changed. Exits with 0 when nothing of it is left, 1 when something is
/// left for a person to decide or when the answer was no, 2 after a failure.
pub(crate) fn run(asked: &Undoing, settings: &Settings, notes: &mut dyn Write) -> Answer {
    answer(asked.consent, settings, notes, |work| take_back(asked, work))
}

fn take_back(asked: &Undoing, work: &mut Work) -> Result<Answer, String> {
    let site = site(asked.root.as_deref(), work.settings)?;
    work.recover(&site)?;
    let journal = Journal::open(&site).map_err(|failure| failure.to_string())?;
    if journal.is_empty() {
        let text = "nothing to take back: distcc-arch has changed nothing here\n".to_owned();
        return Ok(Answer { text, complaint: String::new(), exit: Exit::Code(0) });
    }
    let undo = plan(&journal)?;
    let colours =
        if asked.consent.dry_run { work.settings.stdout_colours } else { work.settings.stderr_colours };
    let (diff, left) = (undo.plan.diff(colours), left(&undo, &site, colours));
    let conflicts = undo.conflicts.len();
    match asked.consent.decide(&diff, &left, work.settings, work.processes, work.notes)? {
        Decision::Shown => {
            let exit = Exit::Code(u8::from(conflicts > 0));
            Ok(Answer { text: diff + &left, complaint: String::new(), exit })
        }
        Decision::Declined => Ok(Answer::declined()),
        Decision::Granted => {
            let undone = undo.apply(&mut runner(work.processes)).map_err(|failure| failure.to_string())?;
            let left = if asked.consent.yes { left } else { String::new() };
            Ok(report(&undone, &site, conflicts, &left))
        }
    }
}

fn plan(journal: &Journal) -> Result<Undo, String> {
    let mut undo = journal.undo(&mut merge).map_err(|failure| failure.to_string())?;
    // makepkg 7.0 reads *.conf there and fails when there is none.
    let is_drop_in =
        |path: &PathBuf| path.parent().is_some_and(|above| above.to_string_lossy().ends_with(".conf.d"));
    let drop_ins: Vec<PathBuf> = undo.paths().into_iter().filter(is_drop_in).collect();
    for directory in drop_ins.iter().filter_map(|path| path.parent()) {
        undo.remove_if_empty(directory).map_err(|failure| failure.to_string())?;
    }
    Ok(undo)
}

/// Lines first; where they touch, the variables or options that are ours are told apart from the rest.
fn merge(path: &Path, original: &[u8], ours: &[u8], now: &[u8]) -> Option<Vec<u8>> {
    three_way(original, ours, now).or_else(|| server::taken_back(path, original, ours, now)).or_else(|| {
        // All of a file that setup made is ours, and what somebody made of it is for them to look at.
        let is_theirs = path.extension().is_some_and(|extension| extension == "conf") && !original.is_empty();
        is_theirs.then(|| makepkg_conf::take_back(original, ours, now, VARIABLES).ok()).flatten()
    })
}

/// What was changed since and stays, for people.
fn left(undo: &Undo, site: &Site, colours: bool) -> String {
    let mut text = String::new();
    let mut list = |what: &str, differences: &[Difference]| {
        for difference in differences {
            let path = site.outside(&difference.path);
            if difference.now.is_empty() && !path.exists() {
                let _ = writeln!(text, "{} was removed since, and stays so", path.display());
                continue;
            }
            let _ = write!(text, "{} {what}\n{}", path.display(), difference.diff(colours));
        }
    };
    list("was changed since; these changes stay:", &undo.kept);
    list(
        "was changed since and is left alone: take our part out by hand, then run undo again:",
        &undo.conflicts,
    );
    text
}

fn report(undone: &Undone, site: &Site, conflicts: usize, left: &str) -> Answer {
    let taken = listed(site, &undone.changed, &undone.ran);
    let mut text = if taken.is_empty() { taken } else { format!("taken back:\n{taken}") };
    if conflicts == 0 {
        text.push_str("nothing of what distcc-arch changed here is left\n");
    }
    let not_run = undone.not_run.iter();
    let complaint =
        not_run.map(|line| format!("distcc-arch: this failed and is left to you: {line}\n")).collect();
    let exit = Exit::Code(u8::from(conflicts > 0 || !undone.not_run.is_empty()));
    Answer { text: text + left, complaint, exit }
}
