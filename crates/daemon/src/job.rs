//! The story of one job: request, compiler, answer. Knows nothing of sockets and of other jobs.

use std::ffi::{OsStr, OsString};
use std::future::pending;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cc_args::ServerCommand;
use logging::{Level, Log};
use protocol::{Progress, Request, RequestDecoder, Response, Version, WaitStatus};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::select;
use tokio::sync::SemaphorePermit;
use tokio::time::{sleep, timeout, timeout_at};

use crate::access::Peer;
use crate::compiler::Refusal;
use crate::execution::Execution;
use crate::server::Server;
use crate::summary::{Outcome, Summary};
use crate::workspace::Workspace;

/// A client sends its command at once; only the source may take as long as a preprocessor does.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// A request that takes longer than so many of the longest permitted silences is not meant to end.
const REQUEST_SILENCES: u32 = 4;

/// Spares a client's many small packets as many reads.
const READ_AHEAD: usize = 16 * 1024;

/// distcc's exit code for a compiler that cannot be executed.
const COMPILER_MISSING: u8 = 110;

/// Serves the client that is connected to `from` and `to`, and leaves a summary in the log. Returns distcc's exit
/// code for what became of it.
pub(crate) async fn serve<R, W>(server: &Server, peer: Peer, from: R, to: W) -> u8
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let started = Instant::now();
    let log = server.log();
    log.info(format_args!("connection from {peer}"));
    let mut job = Job { server, log, from: BufReader::with_capacity(READ_AHEAD, from), to };
    let outcome = job.run().await.unwrap_or_else(|early| early);
    job.log.write(urgency(&outcome), format_args!("{outcome}"));
    job.log.notice(format_args!("{}", Summary { peer, outcome: &outcome, elapsed: started.elapsed() }));
    outcome.exit_code()
}

fn urgency(outcome: &Outcome) -> Level {
    match outcome {
        Outcome::Compiled { .. } | Outcome::Closing => Level::Info,
        Outcome::Refused(_) => Level::Warning,
        _ => Level::Error,
    }
}

struct Job<'a, R, W> {
    server: &'a Server,
    log: Arc<Log>,
    from: BufReader<R>,
    to: W,
}

impl<'a, R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Job<'a, R, W> {
    /// The error is an outcome, too: of a job that ended early and gets no answer.
    async fn run(&mut self) -> Result<Outcome, Outcome> {
        let server = self.server;
        let Request { version, args, source } = unless_closing(server, self.receive()).await?;
        let command = ServerCommand::parse(args)
            .map_err(|refusal| Outcome::Refused(format!("command refused: {refusal}")))?;
        let (input, output) = (base(command.input()), base(command.output()));
        self.log.info(format_args!("compile from {} to {}", input.display(), output.display()));
        let answer = match server.compilers.find(command.compiler()) {
            Ok(compiler) => self.compile(&compiler, &command, source).await?,
            Err(Refusal::NotPermitted(reason)) => return Err(Outcome::Refused(reason)),
            Err(Refusal::Missing(reason)) => Answer::not_run(&command, &reason),
        };
        let (outcome, response) = answer.encode(version)?;
        self.send(&response).await?;
        Ok(outcome)
    }

    async fn receive(&mut self) -> Result<Request, Outcome> {
        let started = Instant::now();
        let silence = self.server.io_timeout;
        let mut decoder = RequestDecoder::new(self.server.limits.clone());
        loop {
            let deadline = match decoder.args() {
                None => started + HEAD_TIMEOUT.min(silence),
                Some(_) => (Instant::now() + silence).min(started + silence * REQUEST_SILENCES),
            };
            let read = timeout_at(deadline.into(), self.from.read(decoder.space())).await;
            let count =
                read.map_err(|_| Outcome::Silent("the request did not come"))?.map_err(Outcome::Broken)?;
            if let Progress::Done(request) = decoder.advance(count).map_err(Outcome::BadRequest)? {
                return Ok(request);
            }
        }
    }

    async fn compile(
        &mut self,
        compiler: &Path,
        command: &ServerCommand,
        source: Vec<u8>,
    ) -> Result<Answer, Outcome> {
        let _slot = self.slot().await?;
        let extension = command.language().preprocessed_extension();
        let workspace = self.server.workspaces.make(Path::new(command.input()), extension, &source);
        let workspace =
            workspace.map_err(|error| Outcome::Failed(format!("cannot make a workspace: {error}")))?;
        // It is in the workspace now, and may be several megabytes long.
        drop(source);
        let args = compiler_args(command, &workspace);
        let mut execution = match Execution::start(compiler, &args, &workspace, &self.server.environment) {
            Ok(execution) => execution,
            Err(error) => return Ok(Answer::not_run(command, &format!("{}: {error}", compiler.display()))),
        };
        let answer = match self.supervise(&mut execution).await {
            Ok(status) => Answer::compiled(command, status, &execution, &workspace),
            Err(Outcome::TimedOut) => Answer::timed_out(&execution),
            Err(early) => return Err(early),
        };
        let answer = answer
            .map_err(|error| Outcome::Failed(format!("cannot read what the compiler made: {error}")))?;
        let ended = if answer.status.success() { "ok" } else { "failed" };
        let (compiler, input) = (command.compiler().display(), command.input().display());
        self.log.info(format_args!("{compiler} {input} on localhost completed {ended}"));
        Ok(answer)
    }

    /// Waits until fewer than `--jobs` compilers run.
    async fn slot(&mut self) -> Result<SemaphorePermit<'a>, Outcome> {
        let server = self.server;
        select! {
            biased;
            slot = server.slots.acquire() => Ok(slot.expect("the semaphore is never closed")),
            () = gone(&mut self.from) => Err(Outcome::ClientGone),
            () = server.closing() => Err(Outcome::Closing),
        }
    }

    /// Waits for the compiler as long as anyone wants its object.
    async fn supervise(&mut self, execution: &mut Execution) -> Result<WaitStatus, Outcome> {
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
        while !bytes.is_empty() {
            let written = timeout(self.server.io_timeout, self.to.write(bytes)).await;
            let written = written.map_err(|_| Outcome::Silent("the answer was not taken"))?;
            bytes = &bytes[written.map_err(Outcome::Broken)?..];
        }
        Ok(())
    }
}

async fn unless_closing<T>(
    server: &Server,
    work: impl Future<Output = Result<T, Outcome>>,
) -> Result<T, Outcome> {
    select! {
        biased;
        done = work => done,
        () = server.closing() => Err(Outcome::Closing),
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

/// The client's options around our names. Debug information names the directory that the preprocessor noted in the
/// text; where it noted none, ours would be taken.
fn compiler_args(command: &ServerCommand, workspace: &Workspace) -> Vec<OsString> {
    let mut args = command.args_for(workspace.source(), workspace.object());
    if args.iter().any(|arg| arg.as_bytes().starts_with(b"-g") && arg != "-g0") {
        let mut hide = OsString::from("-fdebug-prefix-map=");
        hide.push(workspace.path());
        hide.push("=.");
        args.push(hide);
    }
    args
}

fn base(name: &OsStr) -> &OsStr {
    Path::new(name).file_name().unwrap_or(name)
}

/// What the client is told.
struct Answer {
    outcome: Outcome,
    status: WaitStatus,
    stderr: Vec<u8>,
    stdout: Vec<u8>,
    object: Vec<u8>,
}

impl Answer {
    fn compiled(
        command: &ServerCommand,
        status: WaitStatus,
        execution: &Execution,
        workspace: &Workspace,
    ) -> io::Result<Answer> {
        let object = if status.success() { workspace.read_object()? } else { Vec::new() };
        let (stdout, stderr) = execution.printed()?;
        Ok(Answer { outcome: outcome(command, status), status, stderr, stdout, object })
    }

    fn timed_out(execution: &Execution) -> io::Result<Answer> {
        let (stdout, mut stderr) = execution.printed()?;
        stderr.extend(our_line(&Outcome::TimedOut.to_string()));
        Ok(Answer {
            outcome: Outcome::TimedOut,
            status: Outcome::TIMED_OUT,
            stderr,
            stdout,
            object: Vec::new(),
        })
    }

    fn not_run(command: &ServerCommand, reason: &str) -> Answer {
        let status = WaitStatus::exited(COMPILER_MISSING);
        let stderr = our_line(&format!("failed to exec {reason}"));
        Answer { outcome: outcome(command, status), status, stderr, stdout: Vec::new(), object: Vec::new() }
    }

    fn encode(self, version: Version) -> Result<(Outcome, Vec<u8>), Outcome> {
        let Answer { outcome, status, stderr, stdout, object } = self;
        let response = Response { version, status, stderr, stdout, object };
        match response.encode() {
            Ok(bytes) => Ok((outcome, bytes)),
            Err(error) => Err(Outcome::Failed(format!("cannot answer: {error}"))),
        }
    }
}

fn outcome(command: &ServerCommand, status: WaitStatus) -> Outcome {
    Outcome::Compiled { status, compiler: command.compiler().to_owned(), input: command.input().to_owned() }
}

/// What the client shows among the compiler's messages, in the form of our log.
fn our_line(message: &str) -> Vec<u8> {
    format!("distccd[{}] ERROR: {message}\n", std::process::id()).into_bytes()
}
