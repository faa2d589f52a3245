//! The story of one job: request, compiler, answer. Knows nothing of sockets and of other jobs.

mod judging;
mod message;
mod task;

use std::ffi::{OsStr, OsString};
use std::future::pending;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use logging::{Field, Level, Log};
use nix::errno::Errno;
use protocol::inquiry::Inquiry;
use protocol::{WaitStatus, refusal as encode_refusal};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::select;
use tokio::sync::SemaphorePermit;
use tokio::task::block_in_place;
use tokio::time::{sleep, timeout, timeout_at};

use crate::access::Peer;
use crate::answer::Answer;
use crate::budget::Share;
use crate::command::Command;
use crate::compiler::Compiler;
use crate::execution::Execution;
use crate::inquiry;
use crate::refusal;
use crate::server::Server;
use crate::source::{self, Content, Source};
use crate::standing_in;
use crate::stats::JobStats;
use crate::summary::{Outcome, Summary};
use crate::toolchains::{Chosen, Proven};
use crate::view::why_not_entered;
use crate::workbench::Workbench;

use judging::Judged;
use message::Message;
use task::Task;

/// A client sends its command at once; only the source may take as long as a preprocessor does.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// A request that takes longer than so many of the longest permitted silences is not meant to end, nor is the taking
/// of an answer.
const SILENCES: u32 = 4;

/// From so many bytes on, (un)packing takes long enough to keep other jobs waiting.
const LONG: usize = 256 * 1024;

/// What a compiler made is held as it is, and once more as it is sent.
const COPIES: usize = 2;

/// Spares a client's many small packets as many reads.
const READ_AHEAD: usize = 16 * 1024;

/// Serves the client that is connected to `from` and `to`, and leaves a summary in the log. Returns distcc's exit
/// code for what became of it.
pub(crate) async fn serve<R, W>(server: &Arc<Server>, peer: Peer, from: R, to: W) -> u8
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let started = Instant::now();
    let log = server.journal.log_about(peer);
    log.info(format_args!("connection from {peer}"));
    let stats = server.stats.job(peer);
    let mut job = Job { server, log, stats, from: BufReader::with_capacity(READ_AHEAD, from), to };
    let outcome = job.run().await.unwrap_or_else(|early| early);
    // The client finds out for itself that it got no answer.
    let _ = match &outcome {
        Outcome::Unproven(reason) => job.refuse("compiler", reason).await,
        Outcome::NotThisJob(reason) => job.refuse("job", reason).await,
        _ => Ok(()),
    };
    if let Outcome::Told = outcome {
        job.log.info(format_args!("{outcome} (from {peer})"));
        return outcome.exit_code();
    }
    job.stats.ended(&outcome, started.elapsed());
    job.log.write(urgency(&outcome), format_args!("{outcome} (from {peer})"));
    Summary { peer, outcome: &outcome, elapsed: started.elapsed() }.write(&job.log);
    outcome.exit_code()
}

fn urgency(outcome: &Outcome) -> Level {
    match outcome {
        Outcome::Compiled { .. } | Outcome::Told | Outcome::Closing => Level::Info,
        Outcome::Refused(_) | Outcome::Unproven(_) | Outcome::NotThisJob(_) => Level::Warning,
        _ => Level::Error,
    }
}

struct Job<'a, R, W> {
    server: &'a Arc<Server>,
    /// It knows as much of what the job is about as is known by then.
    log: Log,
    stats: JobStats<'a>,
    from: BufReader<R>,
    to: W,
}

impl<'a, R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Job<'a, R, W> {
    /// The error is an outcome, too: of a job that ended early and gets no answer.
    async fn run(&mut self) -> Result<Outcome, Outcome> {
        let server = self.server;
        let (judged, version, source) = match unless_draining(server, self.receive()).await? {
            Message::Job(judged, version, source) => (judged, version, source),
            Message::Inquiry(inquiry) => return self.tell(&inquiry).await,
        };
        let Judged { command, compiler } = *judged;
        let (input, output) = (base(command.input()), base(command.output()));
        self.log.info(format_args!("compile from {} to {}", input.display(), output.display()));
        let mut share = server.budget.share();
        let answer = match compiler {
            Ok(compiler) => self.compile(&compiler, &command, source, &mut share).await?,
            Err(missing) => self.not_run(&command, &missing),
        };
        let long = answer.object.len() >= LONG;
        let (outcome, response) = unhurried(long, || answer.encode(version))?;
        share.settle(response.len());
        self.send(&response).await?;
        Ok(outcome)
    }

    /// Answers who would know what there is here.
    async fn tell(&mut self, inquiry: &Inquiry) -> Result<Outcome, Outcome> {
        let server = self.server;
        let telling = select! {
            telling = inquiry::tell(server, inquiry) => telling,
            () = gone(&mut self.from) => return Err(Outcome::ClientGone),
            () = server.draining() => return Err(Outcome::Closing),
        };
        self.send(&telling.encode()).await?;
        Ok(Outcome::Told)
    }

    /// Says why a job with a proof is not done here, and lets the client finish sending, or it would not hear it.
    async fn refuse(&mut self, code: &str, reason: &str) -> Result<(), Outcome> {
        self.send(&encode_refusal(code, reason)).await?;
        self.to.shutdown().await.map_err(Outcome::Broken)?;
        let _ = timeout(HEAD_TIMEOUT.min(self.server.io_timeout), gone(&mut self.from)).await;
        Ok(())
    }

    async fn compile(
        &mut self,
        compiler: &Chosen,
        command: &Command,
        source: Source<'a>,
        share: &mut Share<'_>,
    ) -> Result<Answer, Outcome> {
        let Chosen { compiler, proven } = compiler;
        let task = self.plan(compiler, command, source).await?;
        let slot = self.slot().await?;
        let booked = self.stats.compiles();
        let mut workbench = unhurried(task.is_long(), || task.prepare(self.server))?;
        equip(&mut workbench, compiler, proven.as_ref())?;
        // Whatever hangs at its start cannot be broken off.
        self.server.toolchains.answers(self.server, compiler).await.map_err(Outcome::Failed)?;
        let start = || Execution::start(&compiler.program, &workbench, self.server);
        let mut execution = match unhurried(compiler.place.is_some(), start) {
            Ok(execution) => execution,
            Err(error) => {
                let reason = not_started(&compiler.program, &error)?;
                self.log.warning(format_args!("cannot run {}", refusal::in_full(compiler, &error)));
                return Ok(self.not_run(command, &reason));
            }
        };
        self.tell_of_kept(compiler, &workbench);
        let ended = match self.supervise(&mut execution).await {
            Err(Outcome::TimedOut) => None,
            ended => Some(ended?),
        };
        if let Some(proven) = &proven {
            self.still_proven(command, proven).await?;
        }
        // Whoever waits for memory must not keep others from compiling: they may hold it.
        drop((booked, slot));
        let made = ended
            .map_or(0, |_| workbench.workspace().object_length())
            .saturating_add(execution.printed_length());
        source::allow(share, made.saturating_mul(COPIES), self.server.io_timeout).await?;
        self.answer(command, ended, &execution, &workbench)
    }

    /// What was made is of the compiler that the client means.
    async fn still_proven(&self, command: &Command, proven: &Proven) -> Result<(), Outcome> {
        let compiler = command.compiler().display();
        let is_still = self.server.toolchains.is_still(self.server, proven).await;
        let why = match is_still {
            Ok(true) => return Ok(()),
            Ok(false) => format!("{compiler} has been replaced while it compiled"),
            Err(why) => format!("{compiler} may have been replaced while it compiled: {why}"),
        };
        Err(Outcome::Unproven(why))
    }

    fn tell_of_kept(&self, compiler: &Compiler, workbench: &Workbench) {
        let workspace = workbench.workspace();
        if workspace.is_kept() {
            let words = words(&compiler.program, &workbench.args);
            self.log.notice(format_args!("kept {}: {words}", workspace.path().display()));
        }
    }

    /// Where and how it will be compiled. Who waits for memory must not have a slot.
    async fn plan<'c>(
        &self,
        compiler: &'c Compiler,
        command: &'c Command,
        source: Source<'a>,
    ) -> Result<Task<'a, 'c>, Outcome> {
        let Source { content, mut share } = source;
        match (command, content) {
            (Command::Text(command), Content::Text(text)) => Ok(Task::Text(command, compiler, text, share)),
            (Command::Sources(command), Content::Files(files)) => {
                let Compiler { program, root, .. } = compiler;
                let server = self.server;
                let long = files.holds() >= LONG || root.is_some();
                let plan = unhurried(long, || {
                    server.sources.plan(command, program, root.as_deref(), files, &server.workspaces)
                })?;
                source::allow(&mut share, plan.will_hold(&server.limits), server.io_timeout).await?;
                Ok(Task::Sources(command, plan, share))
            }
            _ => Err(Outcome::Failed("the command and what came with it are of two versions".to_owned())),
        }
    }

    /// What the client is told about a compiler that ended so, or took too long.
    fn answer(
        &self,
        command: &Command,
        ended: Option<WaitStatus>,
        execution: &Execution,
        workbench: &Workbench<'_>,
    ) -> Result<Answer, Outcome> {
        let longest = self.server.limits.unpacked_bytes;
        let answer = match ended {
            Some(status) => Answer::compiled(command, status, execution, workbench, longest),
            None => Answer::timed_out(execution, workbench),
        };
        let answer = answer
            .map_err(|error| Outcome::Failed(format!("cannot read what the compiler made: {error}")))?;
        let ended = if answer.status.success() { "ok" } else { "failed" };
        let (compiler, input) = (command.compiler().display(), command.input().display());
        self.log.info(format_args!("{compiler} {input} on localhost completed {ended}"));
        Ok(answer)
    }

    /// What the client is told about a compiler that cannot run.
    fn not_run(&mut self, command: &Command, reason: &str) -> Answer {
        self.log = self.log.about(Field::Reason, reason);
        self.log.error(format_args!("failed to exec {reason}"));
        Answer::not_run(command, reason)
    }

    /// Waits until fewer than `--jobs` compilers run.
    async fn slot(&mut self) -> Result<SemaphorePermit<'a>, Outcome> {
        let server = self.server;
        let _booked = self.stats.waits();
        select! {
            biased;
            slot = server.slots.acquire() => Ok(slot.expect("the semaphore is never closed")),
            () = gone(&mut self.from) => Err(Outcome::ClientGone),
            () = server.draining() => Err(Outcome::Closing),
        }
    }

    /// Waits for the compiler as long as anyone wants its object.
    async fn supervise(&mut self, execution: &mut Execution<'_>) -> Result<WaitStatus, Outcome> {
        let stopped = select! {
            biased;
            ended = execution.wait() => {
                return ended.map_err(|error| Outcome::Failed(format!("cannot wait for the compiler: {error}")));
            }
            () = gone(&mut self.from) => Outcome::ClientGone,
            () = over(self.server.job_lifetime) => Outcome::TimedOut,
            () = self.server.closing() => Outcome::Closing,
        };
        execution.kill().await;
        Err(stopped)
    }

    async fn send(&mut self, mut bytes: &[u8]) -> Result<(), Outcome> {
        let silence = self.server.io_timeout;
        let end = Instant::now() + silence * SILENCES;
        while !bytes.is_empty() {
            let deadline = (Instant::now() + silence).min(end);
            let written = timeout_at(deadline.into(), self.to.write(bytes)).await;
            let written = written.map_err(|_| Outcome::Silent("the answer was not taken"))?;
            let written = written.map_err(Outcome::Broken)?;
            self.stats.sent(written);
            bytes = &bytes[written..];
        }
        Ok(())
    }
}

/// Does `work`, and lets other jobs move to another thread before if it is long. Where there is one thread there is
/// one job.
pub(crate) fn unhurried<T>(long: bool, work: impl FnOnce() -> T) -> T {
    if long && Handle::current().runtime_flavor() == RuntimeFlavor::MultiThread {
        block_in_place(work)
    } else {
        work()
    }
}

async fn unless_draining<T>(
    server: &Server,
    work: impl Future<Output = Result<T, Outcome>>,
) -> Result<T, Outcome> {
    select! {
        biased;
        done = work => done,
        () = server.draining() => Err(Outcome::Closing),
    }
}

/// Returns when the client has closed its end, be it only the half that it sends on; more bytes mean nothing.
async fn gone(from: &mut (impl AsyncRead + Unpin)) {
    let mut ignored = [0; 512];
    while !matches!(from.read(&mut ignored).await, Ok(0) | Err(_)) {}
}

async fn over(lifetime: Option<Duration>) {
    match lifetime {
        Some(lifetime) => sleep(lifetime).await,
        None => pending().await,
    }
}

/// What is wrong with the compiler or its command the client is told; what is wrong with this machine is no answer, so
/// that the client goes elsewhere.
fn not_started(compiler: &Path, error: &io::Error) -> Result<String, Outcome> {
    const OF_THE_COMMAND: [Errno; 5] =
        [Errno::ENOENT, Errno::EACCES, Errno::ENOEXEC, Errno::E2BIG, Errno::ENOTDIR];
    if let Some(why) = why_not_entered(error) {
        return Err(Outcome::Failed(format!("cannot show the client's files at its paths: {why}")));
    }
    let reason = format!("{}: {error}", compiler.display());
    if OF_THE_COMMAND.iter().any(|errno| error.raw_os_error() == Some(*errno as i32)) {
        return Ok(reason);
    }
    Err(Outcome::Failed(format!("cannot start {reason}")))
}

/// The words and files that the compiler needs besides the job's own.
fn equip(workbench: &mut Workbench, compiler: &Compiler, proven: Option<&Proven>) -> Result<(), Outcome> {
    if compiler.stands_in {
        let words = standing_in::words_for(&workbench.args);
        workbench.args.splice(0..0, words);
    }
    match proven.and_then(|proven| proven.processor.as_ref()) {
        Some(processor) => workbench
            .tell_of(processor)
            .map_err(|error| Outcome::Failed(format!("cannot write specs: {error}"))),
        None => Ok(()),
    }
}

fn words(compiler: &Path, args: &[OsString]) -> String {
    args.iter().fold(compiler.display().to_string(), |line, arg| format!("{line} {}", arg.display()))
}

fn base(name: &OsStr) -> &OsStr {
    Path::new(name).file_name().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compilers_that_do_not_start() {
        let check = |errno: Errno, expected: &str| {
            let told = not_started(Path::new("/bin/cc"), &errno.into());
            assert!(told.is_ok() != expected.starts_with("cannot start"), "{told:?}");
            let told = told.unwrap_or_else(|outcome| outcome.to_string());
            assert!(told.starts_with(expected), "{told}");
        };
        check(Errno::ENOENT, "/bin/cc: No such file");
        check(Errno::EACCES, "/bin/cc: Permission denied");
        check(Errno::E2BIG, "/bin/cc: Argument list too long");
        check(Errno::EMFILE, "cannot start /bin/cc: Too many open files");
        check(Errno::EAGAIN, "cannot start /bin/cc: Resource temporarily unavailable");
        check(Errno::ENOMEM, "cannot start /bin/cc: Cannot allocate memory");
    }
}
