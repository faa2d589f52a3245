//! The story of `distcc-arch demo`: compile here, compile through two daemons, compare, tell. Knows nothing of how a
//! daemon is watched or a command run.

use crate::ask::Ended;
use crate::cli::Demo;
use crate::demo::comparison::{Comparison, compare};
use crate::demo::compilers::Compilers;
use crate::demo::crew::Crew;
use crate::demo::host::DemoHost;
use crate::demo::report::{Count, HostRow, Lap, Remark, Report};
use crate::demo::sample;
use crate::demo::source::{Language, Source};
use crate::demo::source_tree;
use crate::demo::workshop::{Piece, Workshop};
use crate::processes::Processes;
use crate::programs::Programs;
use crate::progress::Progress;
use crate::scratch::Scratch;
use crate::settings::Settings;
use crate::{Answer, Exit};
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

const HOSTS: usize = 2;

/// Compiling through daemons on the same machine takes longer than without, but never this many times as long.
const SLOWER: u32 = 20;
const START: Duration = Duration::from_secs(60);

/// Shows what `asked` for. Whatever happens on the way, nothing that was started or written is left.
pub(crate) fn run(asked: &Demo, settings: &Settings, notes: &mut dyn Write) -> Answer {
    let processes = match Processes::watched() {
        Ok(processes) => processes,
        Err(error) => return trouble(&format!("cannot catch signals: {error}")),
    };
    let shown = show(asked, settings, &processes, notes);
    if let Some(signal) = processes.interrupted_by() {
        let complaint = "distcc-arch: interrupted; nothing is left behind\n".to_owned();
        return Answer { text: String::new(), complaint, exit: Exit::Signal(signal) };
    }
    match shown {
        Ok(report) => Answer {
            text: report.text(settings.stdout_colours),
            complaint: report.problems.iter().map(|problem| format!("distcc-arch: {problem}\n")).collect(),
            exit: Exit::Code(u8::from(!report.is_good())),
        },
        Err(why) => trouble(&why),
    }
}

fn trouble(why: &str) -> Answer {
    Answer { text: String::new(), complaint: format!("distcc-arch: {why}\n"), exit: Exit::Code(1) }
}

fn show(
    asked: &Demo,
    settings: &Settings,
    processes: &Arc<Processes>,
    notes: &mut dyn Write,
) -> Result<Report, String> {
    let programs = Programs::find(settings)?;
    let compilers = Compilers::find(asked.compiler.as_deref(), &settings.path)?;
    let jobs = asked.jobs.map_or(settings.processors.max(HOSTS), NonZeroUsize::get);
    let mut report = Report { jobs, ..Report::default() };
    let scratch = Scratch::make().map_err(cannot("make a temporary directory"))?;
    let sources = sources(asked, &scratch, &mut report)?;
    let crew = Crew { workers: jobs, processes: Arc::clone(processes) };
    let workshop = Workshop::open(settings, &compilers, programs, crew, &scratch)
        .map_err(cannot("prepare a temporary directory"))?;
    let mut stage = Stage { asked, workshop, report, terminal: settings.stderr_terminal, notes };

    let pieces = stage.pieces(sources);
    let pieces = stage.compile_here(pieces)?;
    let hosts = stage.start_hosts(&scratch)?;
    let ended = stage.compile_there(&pieces, &hosts);
    let served = stage.look_at_jobs(&pieces, &ended, &hosts);
    stage.look_at_hosts(&served, hosts);
    stage.look_at_programs(&pieces);
    Ok(stage.report)
}

fn cannot(what: &str) -> impl Fn(io::Error) -> String {
    move |error| format!("cannot {what}: {error}")
}

fn sources(asked: &Demo, scratch: &Scratch, report: &mut Report) -> Result<Vec<Source>, String> {
    let Some(directory) = &asked.directory else {
        let place = scratch.private("sample").map_err(cannot("write the sample"))?;
        return sample::unpack(&place).map_err(cannot("write the sample"));
    };
    let tree = source_tree::below(directory)?;
    if !tree.unreadable.is_empty() {
        report.remarks.push(Remark { what: "directories that cannot be read".into(), of: tree.unreadable });
    }
    if tree.sources.is_empty() {
        return Err(format!(
            "there are no C or C++ sources below {}: name a directory that has some, or none for the sample",
            directory.display()
        ));
    }
    Ok(tree.sources)
}

/// What the acts of the story share.
struct Stage<'a> {
    asked: &'a Demo,
    workshop: Workshop<'a>,
    report: Report,
    terminal: bool,
    notes: &'a mut dyn Write,
}

/// What came from one host.
#[derive(Debug, Default, Clone, Copy)]
struct Served {
    jobs: usize,
    bytes: u64,
}

impl Stage<'_> {
    /// Gives each source its compiler; those without one are left out.
    fn pieces(&mut self, sources: Vec<Source>) -> Vec<Piece> {
        let mut left_out = Vec::new();
        let mut pieces = Vec::new();
        for (number, source) in sources.into_iter().enumerate() {
            let shown = source.shown.clone();
            match self.workshop.piece(number, source) {
                Some(piece) => pieces.push(piece),
                None => left_out.push(shown),
            }
        }
        self.remark("left out, because there is no C++ compiler to go with the C compiler", left_out);
        for piece in &pieces {
            let variable = if piece.source.language == Language::C { "CC" } else { "CXX" };
            self.report.compilers.insert(variable, piece.compiler.command.display().to_string());
        }
        pieces
    }

    /// Compiles all pieces without distcc and returns those that can be compiled alone and may be sent away.
    fn compile_here(&mut self, pieces: Vec<Piece>) -> Result<Vec<Piece>, String> {
        let progress = self.progress("here, without distcc", pieces.len());
        let started = Instant::now();
        let ended = self.workshop.compile_here(&pieces, || progress.step());
        self.report.here = Lap { sources: pieces.len(), took: started.elapsed() };

        let (good, bad): (Vec<_>, Vec<_>) =
            pieces.into_iter().zip(ended).partition(|(_, ended)| ended.well());
        let mut failures =
            bad.iter().map(|(piece, ended)| format!("{}: {}", piece.source.shown, ended.how()));
        if self.asked.directory.is_none() {
            if let Some(first) = failures.next() {
                return Err(format!("the sample cannot be compiled here, even without distcc: {first}"));
            }
        } else {
            self.remark("not compilable alone", failures.collect());
        }
        let away = self.pieces_to_send(good.into_iter().map(|(piece, _)| piece));
        if away.is_empty() {
            let remarks = self.report.remarks.iter().map(Remark::in_one_line).collect::<Vec<_>>();
            return Err(format!("no source is left that daemons could compile: {}", remarks.join("; ")));
        }
        Ok(away)
    }

    /// Returns those that a client sends away at all.
    fn pieces_to_send(&mut self, pieces: impl Iterator<Item = Piece>) -> Vec<Piece> {
        let may_go = |piece: &Piece| {
            let compilation = cc_args::analyze(&piece.words(&piece.object_there), |_| None)?.as_text()?;
            compilation.probe_in(Path::new("/")).map_or(Ok(()), Err)
        };
        let (away, local): (Vec<_>, Vec<_>) = pieces.partition(|piece| may_go(piece).is_ok());
        let reasons = local.iter().filter_map(|piece| Some((piece, may_go(piece).err()?)));
        let reasons = reasons.map(|(piece, why)| format!("{}: {}: {why}", piece.source.shown, why.code()));
        self.remark("always compiled on one's own machine", reasons.collect());
        away
    }

    fn start_hosts(&self, scratch: &Scratch) -> Result<Vec<DemoHost>, String> {
        let slots = self.report.jobs.div_ceil(HOSTS);
        let lifetime = START + self.report.here.took * SLOWER;
        let start = |number: usize| {
            let spool = scratch.open_to_all(&format!("host-{number}"));
            self.workshop.start_host(&spool.map_err(cannot("make a temporary directory"))?, slots, lifetime)
        };
        (0..HOSTS).map(start).collect()
    }

    fn compile_there(&mut self, pieces: &[Piece], hosts: &[DemoHost]) -> Vec<Ended> {
        let names: Vec<_> = hosts.iter().map(DemoHost::name).collect();
        let progress = self.progress(&format!("through {}", names.join(" and ")), pieces.len());
        let started = Instant::now();
        let ended = self.workshop.compile_there(pieces, hosts, || progress.step());
        self.report.there = Lap { sources: pieces.len(), took: started.elapsed() };
        ended
    }

    /// Looks at each object, and at where the client says that it comes from.
    fn look_at_jobs(&mut self, pieces: &[Piece], ended: &[Ended], hosts: &[DemoHost]) -> Vec<Served> {
        let mut served = vec![Served::default(); hosts.len()];
        self.report.objects.all = pieces.len();
        for (piece, ended) in pieces.iter().zip(ended) {
            let log = piece.client_log();
            let host = hosts.iter().position(|host| came_from(&log, host));
            let served = host.map(|host| &mut served[host]);
            match judge(piece, ended, &log, served) {
                Ok(()) => self.report.objects.good += 1,
                Err(problem) => self.report.problems.push(format!("{}: {problem}", piece.source.shown)),
            }
        }
        served
    }

    /// Looks whether the daemons' own accounts agree, and ends them.
    fn look_at_hosts(&mut self, served: &[Served], hosts: Vec<DemoHost>) {
        for (host, served) in hosts.into_iter().zip(served) {
            let (name, jobs) = (host.name(), host.served(served.jobs));
            if jobs != served.jobs {
                self.report.problems.push(format!(
                    "the daemon at {name} has {jobs} good jobs in its log, and {} objects came from it: \
                     please report this",
                    served.jobs
                ));
            }
            let words = host.last_words();
            if !self.report.is_good() && !words.is_empty() {
                self.report.problems.push(format!("the daemon at {name} said last: {}", words.join("; ")));
            }
            host.stop();
            self.report.hosts.push(HostRow { name, jobs, bytes: served.bytes });
        }
    }

    /// The programs of the sample must do what they are for.
    fn look_at_programs(&mut self, pieces: &[Piece]) {
        if self.asked.directory.is_some() || !self.report.is_good() {
            return;
        }
        let mut count = Count::default();
        for program in &sample::PROGRAMS {
            let parts: Vec<_> =
                pieces.iter().filter(|piece| piece.source.language == program.language).collect();
            let Some(first) = parts.first() else { continue };
            let name = &first.source.shown;
            count.all += 1;
            match self.workshop.link_and_run(&parts) {
                Ok(printed) if printed == program.prints.as_bytes() => count.good += 1,
                Ok(_) => self
                    .report
                    .problems
                    .push(format!("the program of {name} prints something else: report this")),
                Err(how) => self.report.problems.push(format!("the program of {name} {how}")),
            }
        }
        self.report.programs = Some(count);
    }

    fn progress(&mut self, how: &str, count: usize) -> Progress {
        let noun = if count == 1 { "source" } else { "sources" };
        Progress::begin(&format!("compiling {count} {noun} {how}"), count, self.terminal, self.notes)
    }

    fn remark(&mut self, what: &str, of: Vec<String>) {
        if !of.is_empty() {
            self.report.remarks.push(Remark { what: format!("{} {what}", of.len()), of });
        }
    }
}

/// Whether an object came from a host, whose account then grows, and equals ours; or what is wrong and what to do.
fn judge(piece: &Piece, ended: &Ended, log: &str, host: Option<&mut Served>) -> Result<(), String> {
    let said = log.lines().last().unwrap_or("no reason in its log");
    if !ended.well() {
        return Err(format!("distcc failed: {}; its log ends with: {said}", ended.how()));
    }
    let Some(host) = host else {
        return Err(format!("was not compiled by a daemon; the client's log ends with: {said}"));
    };
    host.jobs += 1;
    match compare(&piece.object_there, &piece.object_here) {
        Comparison::Equal(bytes) => {
            host.bytes += bytes;
            Ok(())
        }
        Comparison::Different(how) => Err(format!(
            "the object differs from the one compiled here: {how}; see whether two compiles without distcc differ, \
             too, and if not, please report it"
        )),
    }
}

/// The client's line about a job that a host has done: `compile FILE on HOST completed ok`.
fn came_from(log: &str, host: &DemoHost) -> bool {
    let end = format!(" on {} completed ok", host.spec());
    log.lines().any(|line| line.ends_with(&end))
}
