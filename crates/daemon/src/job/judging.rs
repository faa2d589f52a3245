//! Whether a job may run and which compiler it gets, found out while its source still comes in. Knows nothing of bytes.

use std::future::pending;
use std::pin::Pin;

use crate::command::Command;
use crate::refusal::Refusal;
use crate::summary::Outcome;
use crate::toolchains::Chosen;

type Choosing<'a> = Pin<Box<dyn Future<Output = Result<Chosen, Refusal>> + Send + 'a>>;

/// A command that may run, and the compiler for it or why there is none.
pub(super) struct Judged {
    pub(super) command: Command,
    pub(super) compiler: Result<Chosen, String>,
}

/// A command whose compiler is being chosen.
pub(super) struct Judging<'a> {
    pub(super) command: Command,
    choosing: Choosing<'a>,
}

/// How far it is.
pub(super) enum Judgement<'a> {
    /// The command has not come yet.
    None,
    Begun(Judging<'a>),
    Made(Judged),
}

impl<'a> Judging<'a> {
    pub(super) fn new(
        command: Command,
        choosing: impl Future<Output = Result<Chosen, Refusal>> + Send + 'a,
    ) -> Judging<'a> {
        Judging { command, choosing: Box::pin(choosing) }
    }

    /// The compiler, or what the client is told about it.
    ///
    /// # Errors
    /// The job is refused; nobody may ask again then, nor after any other answer.
    pub(super) async fn compiler(&mut self) -> Result<Result<Chosen, String>, Outcome> {
        match self.choosing.as_mut().await {
            Ok(chosen) => Ok(Ok(chosen)),
            Err(Refusal::Missing(reason)) => Ok(Err(reason)),
            Err(Refusal::NotPermitted(reason)) => Err(Outcome::Refused(reason)),
            Err(Refusal::Unproven(reason)) => Err(Outcome::Unproven(reason)),
            Err(Refusal::NotThisJob(reason)) => Err(Outcome::NotThisJob(reason)),
        }
    }
}

impl Judgement<'_> {
    /// Returns when it is made, if it has been begun. Dropping the future loses nothing.
    ///
    /// # Errors
    /// As above.
    pub(super) async fn goes_on(&mut self) -> Result<Result<Chosen, String>, Outcome> {
        match self {
            Judgement::Begun(judging) => judging.compiler().await,
            Judgement::None | Judgement::Made(_) => pending().await,
        }
    }
}
