//! Runs the compiler here, by becoming it or by waiting for it. Knows nothing of hosts and of why.

use crate::compiler::SearchPath;
use crate::exit::{Exit, code};
use crate::interrupts::{Broken, Interrupts};
use crate::invocation::CompilerCall;
use hosts::Slot;
use logging::Log;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// The command that runs `name` here with `args`, as the user's own call would: same name, same `PATH`, and one level
/// deeper, so that a compiler that leads back to us is noticed.
#[must_use]
pub(crate) fn command(name: &OsStr, args: &[OsString], search: &SearchPath, depth: u32) -> Command {
    // With a path, starting it needs no search and so no full copy of this process.
    let (program, path) = match search.find(name) {
        Some(found) => (found.program.into_os_string(), found.path),
        None => (name.to_owned(), search.text().to_owned()),
    };
    let mut command = Command::new(program);
    command.arg0(name).args(args).env("PATH", path).env("_DISTCC_SAFEGUARD", (depth + 1).min(9).to_string());
    command
}

/// Becomes the compiler; the slot stays taken until that process ends. Returns only if it cannot be started.
pub(crate) fn become_compiler(call: &CompilerCall, depth: u32, slot: Option<Slot>, log: &Log) -> Exit {
    if let Some(Err(error)) = slot.as_ref().map(Slot::keep_over_exec) {
        log.warning(format_args!("the local slot cannot be kept while the compiler runs: {error}"));
    }
    let error = whole_command(call, depth).exec();
    cannot_start(call, &error, log)
}

/// Runs the compiler and waits for it.
pub(crate) fn run(call: &CompilerCall, depth: u32, interrupts: &Interrupts, log: &Log) -> Exit {
    let ended = interrupts
        .spawn_to_speak(&mut whole_command(call, depth))
        .map_err(Broken::Io)
        .and_then(|mut child| interrupts.wait_child(&mut child));
    match ended {
        Ok(status) => Exit::from(status),
        Err(Broken::Interrupted(signal)) => Exit::Signal(signal),
        Err(Broken::Io(error)) => cannot_start(call, &error, log),
        Err(Broken::TimedOut) => Exit::Code(code::IO_ERROR),
    }
}

fn whole_command(call: &CompilerCall, depth: u32) -> Command {
    command(&call.words[0], &call.words[1..], &call.path, depth)
}

fn cannot_start(call: &CompilerCall, error: &io::Error, log: &Log) -> Exit {
    log.error(format_args!("failed to exec {}: {error}", call.words[0].to_string_lossy()));
    Exit::Code(code::COMPILER_MISSING)
}
