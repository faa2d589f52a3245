//! Whether a user lets a change happen: `--yes`, `--dry-run`, or an answer at the terminal after the diff was shown.
//! Knows nothing of the change but its diff.

use crate::processes::Processes;
use crate::settings::Settings;
use clap::Args;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io::{self, Read, Write, stdin};
use std::os::fd::AsFd;

/// The leave that was given on the command line.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Consent {
    /// Print what would be changed, as a unified diff, and change nothing
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
    /// Do not ask
    #[arg(short, long, conflicts_with = "dry_run")]
    pub(crate) yes: bool,
}

/// What came of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Do it.
    Granted,
    /// Only the diff was wanted.
    Shown,
    /// The user said no, or nothing.
    Declined,
}

/// How often a pending signal is looked for while nobody types.
const STEP_MS: u16 = 50;

impl Consent {
    /// Shows `diff` and, after it, `warnings` through `notes` where somebody is asked.
    ///
    /// # Errors
    /// When nobody can be asked, or the terminal fails.
    pub(crate) fn decide(
        self,
        diff: &str,
        warnings: &str,
        settings: &Settings,
        processes: &Processes,
        notes: &mut dyn Write,
    ) -> Result<Decision, String> {
        if self.dry_run {
            return Ok(Decision::Shown);
        }
        if self.yes {
            return Ok(Decision::Granted);
        }
        if !(settings.stdin_terminal && settings.stderr_terminal) {
            return Err("nobody can be asked here, and nothing was changed: add --yes to do it, or --dry-run to see it"
                .to_owned());
        }
        let asked =
            write!(notes, "{diff}{warnings}\nmake these changes? [y/N] ").and_then(|()| notes.flush());
        let answer = asked.and_then(|()| line(processes)).map_err(|error| format!("cannot ask: {error}"))?;
        Ok(if is_yes(&answer) { Decision::Granted } else { Decision::Declined })
    }
}

/// One line of stdin; what there is when its end or a signal comes first.
fn line(processes: &Processes) -> io::Result<String> {
    let mut line = Vec::new();
    let mut stdin = stdin().lock();
    while processes.interrupted_by().is_none() {
        match poll(&mut [PollFd::new(stdin.as_fd(), PollFlags::POLLIN)], PollTimeout::from(STEP_MS)) {
            Ok(0) | Err(Errno::EINTR) => continue,
            other => other?,
        };
        let mut byte = [0];
        if stdin.read(&mut byte)? == 0 || byte == *b"\n" {
            break;
        }
        line.extend(byte);
    }
    Ok(String::from_utf8_lossy(&line).into_owned())
}

fn is_yes(answer: &str) -> bool {
    ["y", "yes"].iter().any(|yes| answer.trim().eq_ignore_ascii_case(yes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_yes_is_a_yes() {
        for (answer, yes) in
            [("y", true), (" Yes\r", true), ("", false), ("n", false), ("yy", false), ("j", false)]
        {
            assert_eq!(is_yes(answer), yes, "{answer}");
        }
    }
}
