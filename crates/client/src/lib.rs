//! One compile from command line to object file, as `distcc` does it. `compile` tells the story; the others are its
//! nouns. Knows nothing of how a server works.

mod answered;
mod chatter;
mod compile;
mod compiler;
mod connection;
mod deliver;
mod dependencies;
mod discrepancy;
mod elsewhere;
mod exit;
mod include_server;
mod interrupts;
mod invocation;
mod local;
mod macro_lines;
mod make_rule;
mod messages;
mod native;
mod origin;
mod preparation;
mod question;
mod reach;
mod remote;
mod report;
mod scan_includes;
mod server_root;
mod settings;
mod site;
mod source;
mod ssh;
mod ssh_failure;
mod summary;
mod told;
mod tried;
mod trust;
mod watcher;
mod why_here;

pub use exit::Exit;

use compile::Job;
use exit::code;
use invocation::{CompilerCall, Invocation};
use logging::{Field, Level, Log, Sink};
use settings::Settings;
use site::Site;
use std::ffi::OsString;
use told::Told;

/// What one run leaves to be said and how it ends.
#[derive(Debug)]
pub struct Answer {
    /// For standard output; empty after a compile, whose output is not ours.
    pub text: Vec<u8>,
    /// For standard error, about our own command line.
    pub complaint: String,
    /// How to end.
    pub exit: Exit,
}

/// Runs the client with the words it was called with. A command that runs here replaces this process, so then this
/// never returns.
#[must_use]
pub fn run(args: Vec<OsString>) -> Answer {
    let settings = Settings::read();
    let log = open_log(&settings);
    match invocation::understand(args, &settings) {
        Invocation::Help => say(report::help()),
        Invocation::Version => say(report::version()),
        Invocation::ShowHosts => about_hosts(&settings, &log, report::host_specs),
        Invocation::CountSlots => about_hosts(&settings, &log, report::slot_count),
        Invocation::Summary => say_or_complain(summary::since_the_last(&settings)),
        Invocation::BeginSummary => say_or_complain(summary::begin(&settings)),
        Invocation::Why(call) => {
            warn_of_unheeded(&settings, &log);
            let site = Site::read(&settings, Told::each_time(&log));
            say(report::why(&Job { call: &call, settings: &settings, log: &log, site: &site }))
        }
        Invocation::ScanIncludes(call) => {
            let site = Site::read(&settings, Told::each_time(&log));
            match scan_includes::list(&Job { call: &call, settings: &settings, log: &log, site: &site }) {
                Ok(list) => say(list),
                Err((message, code)) => {
                    log.error(format_args!("{message}"));
                    end(Exit::Code(code))
                }
            }
        }
        Invocation::Mistake(complaint) => complain(complaint, code::BAD_ARGUMENTS),
        Invocation::Recursion => {
            log.critical(format_args!("distcc seems to have invoked itself recursively!"));
            end(Exit::Code(code::RECURSION))
        }
        Invocation::Compile(call) => end(compile(&call, &settings, &log.about(Field::File, call.subject()))),
    }
}

fn compile(call: &CompilerCall, settings: &Settings, log: &Log) -> Exit {
    if call.nested {
        return local::become_compiler(call, settings.depth, None, log);
    }
    for variable in &settings.unheeded {
        log.info(format_args!("{variable}"));
    }
    let site = Site::read(settings, Told::once_a_build(settings, log));
    Job { call, settings, log, site: &site }.run()
}

fn about_hosts(settings: &Settings, log: &Log, tell: fn(&hosts::HostList) -> String) -> Answer {
    let site = Site::read(settings, Told::each_time(log));
    site.warn_of_list();
    warn_of_unheeded(settings, log);
    match site.hosts() {
        Ok(list) => say(tell(list)),
        Err(error) => {
            log.critical(format_args!("Failed to get host list: {error}"));
            end(Exit::Code(code::BAD_HOSTSPEC))
        }
    }
}

/// Told where a person asks, or a build once, and in the log of each job: never for every file of a build.
fn warn_of_unheeded(settings: &Settings, log: &Log) {
    for variable in settings.unheeded.iter().filter(|variable| variable.missed) {
        log.warning(format_args!("{variable}"));
    }
}

fn say_or_complain(text: Result<String, String>) -> Answer {
    text.map_or_else(|problem| complain(format!("distcc: {problem}"), code::IO_ERROR), say)
}

fn say(text: impl Into<Vec<u8>>) -> Answer {
    Answer { text: text.into(), complaint: String::new(), exit: Exit::SUCCESS }
}

fn complain(complaint: String, code: u8) -> Answer {
    Answer { text: Vec::new(), complaint, exit: Exit::Code(code) }
}

fn end(exit: Exit) -> Answer {
    Answer { text: Vec::new(), complaint: String::new(), exit }
}

/// Messages go to `DISTCC_LOG`, else to the descriptor that ccache names, else to stderr or the journal that reads it. A
/// log file that was asked for also gets what is only informative.
fn open_log(settings: &Settings) -> Log {
    let threshold = |otherwise| if settings.verbose { Level::Debug } else { otherwise };
    let stderr = || Sink::stderr(settings.journal_stream.as_deref());
    let log = |sink, otherwise| Log::new("distcc", sink, threshold(otherwise));
    if let Some(path) = &settings.log_file {
        match Sink::append(path) {
            Ok(file) => return log(file, Level::Info),
            Err(error) => {
                let (log, path) = (log(stderr(), Level::Warning), path.display());
                let message = format_args!("failed to open logfile {path}: {error}");
                Told::once_a_build(settings, &log).error(format_args!("logfile"), message);
            }
        }
    }
    let uncached = settings.uncached_stderr.and_then(|fd| Sink::inherited(fd).ok());
    log(uncached.unwrap_or_else(stderr), Level::Warning)
}
