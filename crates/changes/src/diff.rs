//! Changes as people read them: unified diffs, and a line for what is not text. Knows nothing of how changes are made.

use crate::state::State;
use crate::step::{Action, Step};
use diffy::{DiffOptions, PatchFormatter};
use std::fmt::Write;
use std::path::{Path, PathBuf};

const CONTEXT: usize = 3;
const RED: &str = "\x1b[31m";
const GREEN: &str = "\x1b[32m";
const CYAN: &str = "\x1b[36m";
const BOLD: &str = "\x1b[1m";
const PLAIN: &str = "\x1b[0m";

/// What a file is now against what it was left as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The file, as seen from inside the root.
    pub path: PathBuf,
    /// What our changes left there; empty if it was removed.
    pub ours: Vec<u8>,
    /// What is there now; empty if it is gone.
    pub now: Vec<u8>,
    /// What was there before our changes; empty if there was nothing.
    pub original: Vec<u8>,
}

impl Difference {
    /// Unified diff from what was left to what is there now.
    pub fn diff(&self, colours: bool) -> String {
        let name = |side: char| format!("{side}{}", self.path.display());
        coloured(&unified(&name('a'), &name('b'), &self.ours, &self.now), colours)
    }
}

pub(crate) fn of_plan(steps: &[Step], actions: &[Action], colours: bool) -> String {
    let mut text: String = steps.iter().map(|step| coloured(&of_step(step), colours)).collect();
    for action in actions {
        let line = format!("# {}\n", visible(&action.shown));
        text.push_str(&if colours { format!("{CYAN}{}{PLAIN}\n", line.trim_end()) } else { line });
    }
    text
}

fn of_step(step: &Step) -> String {
    match step {
        Step::Rename { from, to } => format!("rename {} -> {}\n", from.display(), to.display()),
        Step::Set { path, before, after } => of_change(path, before, after),
    }
}

fn of_change(path: &Path, before: &State, after: &State) -> String {
    let shown = path.display();
    let [old, new] = [('a', before), ('b', after)].map(|(side, state)| match state {
        State::File { .. } => format!("{side}{shown}"),
        _ => "/dev/null".to_owned(),
    });
    match (before, after) {
        (State::Absent, State::File { mode, contents, .. }) => {
            let header = format!("new file {shown} (mode {mode:04o})\n");
            header + &unified(&old, &new, b"", contents)
        }
        (State::File { contents, .. }, State::Absent) => {
            format!("deleted file {shown}\n") + &unified(&old, &new, contents, b"")
        }
        (State::File { contents, .. }, State::File { contents: others, .. }) => {
            unified(&old, &new, contents, others)
        }
        (State::Link { target, .. }, State::Link { target: other, .. }) => {
            format!("link {shown} -> {} (was -> {})\n", other.display(), target.display())
        }
        (_, State::Link { target, .. }) => format!("new link {shown} -> {}\n", target.display()),
        (State::Link { target, .. }, _) => format!("deleted link {shown} -> {}\n", target.display()),
        (_, State::Directory { mode, .. }) => format!("new directory {shown} (mode {mode:04o})\n"),
        (State::Directory { .. }, _) => format!("deleted directory {shown}\n"),
        (State::Absent, State::Absent) => String::new(),
    }
}

fn unified(old: &str, new: &str, before: &[u8], after: &[u8]) -> String {
    let mut options = DiffOptions::new();
    options.set_context_len(CONTEXT);
    let mut patch = Vec::new();
    let formatted =
        PatchFormatter::new().write_patch_into(&options.create_patch_bytes(before, after), &mut patch);
    formatted.expect("memory takes what is written to it");
    let hunks: Vec<u8> = patch.split_inclusive(|byte| *byte == b'\n').skip(2).flatten().copied().collect();
    format!("--- {old}\n+++ {new}\n{}", visible(&String::from_utf8_lossy(&hunks)))
}

/// A file of somebody else's must not steer the terminal of who reads the diff.
fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() && !matches!(c, '\n' | '\t' | '\r') {
            let _ = write!(shown, "\\x{:02x}", u32::from(c));
        } else {
            shown.push(c);
        }
    }
    shown
}

fn coloured(text: &str, colours: bool) -> String {
    if !colours {
        return text.to_owned();
    }
    let paint = |line: &str| {
        let (body, end) = line.strip_suffix('\n').map_or((line, ""), |body| (body, "\n"));
        let colour = match body.bytes().next() {
            _ if body.starts_with("--- ") || body.starts_with("+++ ") => BOLD,
            Some(b'+') => GREEN,
            Some(b'-') => RED,
            Some(b'@') => CYAN,
            Some(b'n' | b'd' | b'l' | b'r') => BOLD,
            _ => return line.to_owned(),
        };
        format!("{colour}{body}{PLAIN}{end}")
    };
    text.split_inclusive('\n').map(paint).collect()
}
