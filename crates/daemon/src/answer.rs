//! What a client is told of its job, from what the compiler made. Knows nothing of how the job was done.

use std::io;

use protocol::{Response, Version, WaitStatus};

use crate::command::Command;
use crate::execution::Execution;
use crate::summary::Outcome;
use crate::workbench::Workbench;

/// distcc's exit code for a compiler that cannot be executed.
const COMPILER_MISSING: u8 = 110;

/// What the client is told.
pub(crate) struct Answer {
    outcome: Outcome,
    pub(crate) status: WaitStatus,
    stderr: Vec<u8>,
    stdout: Vec<u8>,
    pub(crate) object: Vec<u8>,
    dependencies: Option<Vec<u8>>,
}

impl Answer {
    /// What a compiler that came to its end has made and printed.
    ///
    /// # Errors
    /// That cannot be read, or the object is longer than `longest` bytes.
    pub(crate) fn compiled(
        command: &Command,
        status: WaitStatus,
        execution: &Execution,
        workbench: &Workbench<'_>,
        longest: usize,
    ) -> io::Result<Answer> {
        let (object, dependencies) = match status.success() {
            true => (workbench.workspace().read_object(longest)?, workbench.dependencies(longest)?),
            false => (Vec::new(), None),
        };
        let (stdout, stderr) = execution.printed()?;
        let [stdout, stderr] = [stdout, stderr].map(|printed| workbench.as_the_client_sees(printed));
        Ok(Answer { outcome: outcome(command, status), status, stderr, stdout, object, dependencies })
    }

    /// What a compiler printed that was killed because it took too long, and that it was.
    ///
    /// # Errors
    /// That cannot be read.
    pub(crate) fn timed_out(execution: &Execution, workbench: &Workbench<'_>) -> io::Result<Answer> {
        let (stdout, stderr) = execution.printed()?;
        let [stdout, mut stderr] = [stdout, stderr].map(|printed| workbench.as_the_client_sees(printed));
        stderr.extend(our_line(&Outcome::TimedOut.to_string()));
        Ok(Answer {
            outcome: Outcome::TimedOut,
            status: Outcome::TIMED_OUT,
            stderr,
            stdout,
            object: Vec::new(),
            dependencies: None,
        })
    }

    /// That there is no compiler.
    pub(crate) fn not_run(command: &Command, reason: &str) -> Answer {
        let status = WaitStatus::exited(COMPILER_MISSING);
        let stderr = our_line(&format!("failed to exec {reason}"));
        let (stdout, object) = (Vec::new(), Vec::new());
        Answer { outcome: outcome(command, status), status, stderr, stdout, object, dependencies: None }
    }

    /// The bytes to send, and what will have become of the job when they are taken.
    ///
    /// # Errors
    /// A job that ends: it is more than an answer can hold.
    pub(crate) fn encode(self, version: Version) -> Result<(Outcome, Vec<u8>), Outcome> {
        let Answer { outcome, status, stderr, stdout, object, dependencies } = self;
        let response = Response { version, status, stderr, stdout, object, dependencies };
        match response.encode() {
            Ok(bytes) => Ok((outcome, bytes)),
            Err(error) => Err(Outcome::Failed(format!("cannot answer: {error}"))),
        }
    }
}

fn outcome(command: &Command, status: WaitStatus) -> Outcome {
    Outcome::Compiled { status, compiler: command.compiler().to_owned(), input: command.input().to_owned() }
}

/// What the client shows among the compiler's messages, in the form of our log.
fn our_line(message: &str) -> Vec<u8> {
    format!("distccd[{}] ERROR: {message}\n", std::process::id()).into_bytes()
}
