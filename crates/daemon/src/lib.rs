//! distccd: compiles for distcc clients. This file is the order of start and end; the rooms know the rest.

mod access;
mod announce;
mod answer;
mod belief;
mod budget;
mod command;
mod compiler;
mod compiler_name;
mod detach;
mod ending;
mod execution;
mod fence;
mod identities;
mod inetd;
mod inquiry;
mod inside;
mod job;
mod journal;
mod listen;
mod memory;
mod mirror;
mod names;
mod options;
mod passed;
mod places;
mod privileges;
mod question;
mod refusal;
mod server;
mod settings;
mod signals;
mod source;
mod sources;
mod standing_in;
mod stats;
mod store;
mod strays;
mod summary;
mod toolchains;
mod tree;
mod trees;
mod view;
mod workbench;
mod workspace;

use std::io;
use std::net;
use std::os::fd::AsFd;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;

use logging::Log;
use sd_notify::NotifyState;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

pub use options::{Stop, command};
pub use settings::Settings;

use compiler::Compilers;
use detach::{PidFile, Starter};
use journal::Journal;
use server::Server;
use settings::Mode;
use signals::{End, Signals};
use toolchains::Toolchains;
use workspace::Workspaces;

/// Exit codes of distcc(1) for a daemon that cannot start.
mod exit {
    pub(crate) const BAD_ARGUMENTS: u8 = 101;
    pub(crate) const BIND_FAILED: u8 = 102;
    pub(crate) const IO_ERROR: u8 = 107;
    pub(crate) const COMPILER_MISSING: u8 = 110;
    pub(crate) const SETUID_FAILED: u8 = 112;
}

/// What to do about a daemon without permitted compilers.
const NO_MASQUERADE: &str = "no masquerade directory found, so there is no compiler that clients may run; run \
    update-distcc-symlinks to link those that are installed, or name them in DISTCC_CMDLIST";

/// The exit code of a daemon that cannot start, and why.
struct NoStart(u8, String);

impl NoStart {
    fn io(what: &'static str) -> impl FnOnce(io::Error) -> NoStart {
        move |error| NoStart(exit::IO_ERROR, format!("{what}: {error}"))
    }
}

/// Runs the daemon to its end. Call it before any thread is started.
#[must_use]
pub fn run(settings: &Settings) -> ExitCode {
    signals::forget_inherited();
    memory::share_one_heap();
    let before_start =
        journal::before_start(inetd::is_socket(io::stderr().as_fd()), settings.journal_stream.as_deref());
    let journal = match prepare(settings, &before_start) {
        Ok(journal) => journal,
        Err(NoStart(code, reason)) => {
            before_start.critical(format_args!("{reason}"));
            return code.into();
        }
    };
    let log = journal.log();
    let told = (!journal.is_read_by_starter()).then_some(before_start);
    let ended = match settings.mode {
        Mode::Inetd => serve_stdin(settings, journal),
        Mode::Standalone => serve_port(settings, journal),
    };
    match ended {
        Ok(End::Code(code)) => code.into(),
        Ok(End::Signal(signal)) => signals::die_of(signal),
        Err(NoStart(code, reason)) => {
            log.critical(format_args!("{reason}"));
            told.inspect(|stderr| stderr.critical(format_args!("{reason}")));
            code.into()
        }
    }
}

/// What must be done as root, giving up root, and what must not be done as root.
fn prepare(settings: &Settings, before_start: &Log) -> Result<Journal, NoStart> {
    let mut warnings = settings.warnings.clone();
    if let Err(error) = privileges::allow_open_files(listen::open_files(settings.jobs)) {
        warnings.push(format!("cannot open as many files as {} jobs may need: {error}", settings.jobs));
    }
    if let Err(error) = privileges::be_nice(settings.nice) {
        warnings.push(format!("nice {} failed: {error}", settings.nice));
    }
    if let Some(adjustment) = settings.oom_score_adj
        && let Err(error) = privileges::set_oom_score(adjustment)
    {
        warnings.push(format!("cannot set the out-of-memory score to {adjustment}: {error}"));
    }
    let odd = privileges::give_up_root(settings.user.as_deref());
    warnings
        .extend(odd.map_err(|error| NoStart(exit::SETUID_FAILED, format!("cannot give up root: {error}")))?);
    let (journal, problem) =
        Journal::open(settings.log.clone(), settings.journal_stream.clone(), settings.log_level);
    problem.inspect(|problem| before_start.error(format_args!("{problem}")));
    for warning in &warnings {
        journal.log().warning(format_args!("{warning}"));
        if !journal.is_read_by_starter() {
            before_start.warning(format_args!("{warning}"));
        }
    }
    let directory = settings.disk();
    std::env::set_current_dir(directory)
        .map_err(|error| NoStart(exit::IO_ERROR, format!("cannot go to {}: {error}", directory.display())))?;
    Ok(journal)
}

fn serve_stdin(settings: &Settings, journal: Journal) -> Result<End, NoStart> {
    let server = Arc::new(server(settings, journal)?);
    let runtime = Builder::new_current_thread().enable_all().build().map_err(NoStart::io("cannot start"))?;
    let ended = runtime.block_on(async {
        let mut signals =
            Signals::listen(settings.lifetime).map_err(NoStart::io("cannot listen to signals"))?;
        Ok(inetd::serve(&server, &mut signals, settings.drain).await)
    });
    runtime.shutdown_timeout(ending::LAST_MOMENT);
    ended
}

fn serve_port(settings: &Settings, journal: Journal) -> Result<End, NoStart> {
    let ports = Ports::open(settings).map_err(|reason| NoStart(exit::BIND_FAILED, reason))?;
    let mut starter = if settings.detach {
        Starter::fork().map_err(NoStart::io("cannot detach"))?
    } else {
        Starter::none()
    };
    let ended = serve_ports(settings, journal, ports, &mut starter);
    if let Err(NoStart(code, _)) = ended {
        starter.failed(code);
    }
    ended
}

/// Where the daemon listens.
struct Ports {
    jobs: Vec<net::TcpListener>,
    stats: Vec<net::TcpListener>,
}

impl Ports {
    fn open(settings: &Settings) -> Result<Ports, String> {
        let jobs = listeners(settings)?;
        let stats = settings.stats.as_ref().map(stats::open).transpose()?.unwrap_or_default();
        Ok(Ports { jobs, stats })
    }
}

/// Those that were passed, else one of our own.
fn listeners(settings: &Settings) -> Result<Vec<net::TcpListener>, String> {
    if settings.passed.is_any() {
        return settings
            .passed
            .listeners()?
            .into_iter()
            .map(|passed| listen::adopt(passed, settings.defer_accept))
            .collect();
    }
    Ok(vec![listen::open(settings.listen.as_deref(), settings.port, settings.defer_accept)?])
}

fn serve_ports(
    settings: &Settings,
    journal: Journal,
    ports: Ports,
    starter: &mut Starter,
) -> Result<End, NoStart> {
    let server = Arc::new(server(settings, journal)?);
    let runtime = runtime().map_err(NoStart::io("cannot start"))?;
    let ended = runtime.block_on(async {
        let mut signals =
            Signals::listen(settings.lifetime).map_err(NoStart::io("cannot listen to signals"))?;
        // Not before: whoever reads it may send a signal at once, and then nobody would remove it.
        let _pid_file = pid_file(settings, &server.log());
        let listeners = heard(ports.jobs)?;
        report_start(settings, &server, &listeners);
        let mut asides = JoinSet::new();
        let stats = heard(ports.stats)?;
        if !stats.is_empty() {
            report_stats(&server.log(), &stats);
            asides.spawn(stats::serve(stats, Arc::clone(&server), settings.disk().to_owned()));
        }
        starter.ready(server.journal.is_stderr()).map_err(NoStart::io("cannot leave the terminal"))?;
        ending::notify(&server.log(), &[NotifyState::Ready]);
        let limits = listen::Limits {
            places: listen::places(settings.jobs, privileges::open_files()),
            // Without a service manager that starts it again, a daemon that ended would be gone.
            idle: settings.idle_exit.filter(|_| settings.passed.is_any()),
            drain: settings.drain,
        };
        let announcing = announce::start(settings, &server, &listeners);
        let end = listen::serve(listeners, &server, &mut signals, limits).await;
        if let Some(announcing) = announcing {
            announcing.withdraw().await;
        }
        Ok(end)
    });
    runtime.shutdown_timeout(ending::LAST_MOMENT);
    ended
}

fn heard(listeners: Vec<net::TcpListener>) -> Result<Vec<TcpListener>, NoStart> {
    let listeners = listeners.into_iter().map(TcpListener::from_std).collect::<io::Result<_>>();
    listeners.map_err(NoStart::io("cannot listen"))
}

fn server(settings: &Settings, journal: Journal) -> Result<Server, NoStart> {
    let (compilers, problem) = Compilers::new(&settings.permitted, settings.path.clone());
    problem.inspect(|problem| journal.log().error(format_args!("{problem}")));
    let toolchains = Toolchains::new(compilers, settings.toolchains.clone());
    let toolchains = toolchains.map_err(|wrong| NoStart(exit::BAD_ARGUMENTS, wrong))?;
    if !toolchains.can_permit() {
        return Err(NoStart(exit::COMPILER_MISSING, NO_MASQUERADE.to_owned()));
    }
    let workspaces = Workspaces::open(settings.tmpdir.as_deref());
    let workspaces = workspaces.map_err(NoStart::io("cannot make a directory for jobs"))?;
    Ok(Server::new(settings, journal, toolchains, workspaces.keeping(settings.save_temps)))
}

/// A daemon without its file serves as well as one with it.
fn pid_file(settings: &Settings, log: &Log) -> Option<PidFile> {
    let path = settings.pid_file.as_deref()?;
    match PidFile::write(path) {
        Ok(file) => Some(file),
        Err(error) => {
            log.error(format_args!("cannot write the pid file {}: {error}", path.display()));
            None
        }
    }
}

fn report_start(settings: &Settings, server: &Arc<Server>, listeners: &[TcpListener]) {
    let log = server.log();
    let path = std::env::join_paths(&settings.path).unwrap_or_default();
    let sources = server.sources.describe(&server.workspaces);
    log.info(format_args!("daemon's PATH is {}", path.display()));
    for address in listeners.iter().flat_map(TcpListener::local_addr) {
        log.info(format_args!("listening on {address}"));
    }
    log.info(format_args!("serving clients in {}", settings.access));
    log.info(format_args!("allowing up to {} active jobs", settings.jobs));
    log.info(format_args!("sources of clients in pump mode are {sources}"));
    log.info(format_args!("jobs are done in {}", server.workspaces.describe()));
    let server = Arc::clone(server);
    tokio::spawn(async move { server.report_toolchains().await });
}

fn report_stats(log: &Log, listeners: &[TcpListener]) {
    for address in listeners.iter().flat_map(TcpListener::local_addr) {
        log.info(format_args!("statistics at http://{address}/ and http://{address}/metrics"));
    }
}

/// A thread serves some thousand jobs a second, and more than one only so that the (un)packing of megabytes and the
/// start of a process never make all others wait.
fn runtime() -> io::Result<Runtime> {
    let threads = thread::available_parallelism().map_or(1, usize::from).clamp(2, 4);
    Builder::new_multi_thread().worker_threads(threads).enable_all().build()
}
