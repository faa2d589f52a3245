//! Asks a compiler about itself, where and as it would compile. Knows nothing of what is asked.

use std::ffi::OsStr;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::time::Duration;

use tokio::time::timeout;

use crate::compiler::Compiler;
use crate::execution::Execution;
use crate::inside::Inside;
use crate::job::unhurried;
use crate::server::Server;
use crate::workbench::Workbench;

/// No compiler thinks longer about itself, unless its disk is very slow.
const PATIENCE: Duration = Duration::from_secs(10);

/// In bytes; what compilers have to say is a few thousand.
const LONGEST_ANSWER: usize = 1 << 20;

/// What the compiler prints when it gets these `words`: stdout, then stderr.
///
/// # Errors
/// It cannot be run, says too much, or takes too long.
pub(crate) async fn ask(server: &Server, compiler: &Compiler, words: &[&OsStr]) -> io::Result<Vec<u8>> {
    let workspace = server.workspaces.make(Path::new("question"), "i", b"")?;
    let Compiler { program, root, place, .. } = compiler;
    let start = || {
        let inside = root.as_deref().map(|root| Inside::of(server, program, root, &workspace)).transpose();
        let inside = inside.map_err(|outcome| io::Error::other(outcome.to_string()))?;
        let workbench = Workbench::of_question(words, workspace, inside);
        let execution = Execution::start(program, &workbench, server)?;
        io::Result::Ok((workbench, execution))
    };
    let (_workbench, mut execution) = unhurried(place.is_some(), start)?;
    if timeout(PATIENCE, execution.wait()).await.is_err() {
        execution.kill().await;
        return Err(ErrorKind::TimedOut.into());
    }
    if execution.printed_length() > LONGEST_ANSWER {
        return Err(io::Error::other("the answer is too long"));
    }
    let (mut answer, stderr) = execution.printed()?;
    answer.extend(stderr);
    Ok(answer)
}
