//! A client's message as it comes in: a job, judged as soon as its command is there, or an inquiry. Knows nothing of
//! answers.

use std::ffi::OsString;
use std::time::Instant;

use logging::Field;
use protocol::inquiry::Inquiry;
use protocol::{Arrived, Progress, RequestDecoder, Version};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::time::timeout_at;

use super::{HEAD_TIMEOUT, Job, LONG, SILENCES, unhurried};
use crate::budget::Share;
use crate::command::Command;
use crate::compiler::Refusal;
use crate::source::{self, Source};
use crate::summary::Outcome;
use crate::toolchains::Chosen;

/// What a client wants.
pub(super) enum Message<'a> {
    Job(Box<Judged>, Version, Source<'a>),
    Inquiry(Inquiry),
}

/// A command that may run, and the compiler for it or why there is none.
pub(super) struct Judged {
    pub(super) command: Command,
    pub(super) compiler: Result<Chosen, String>,
}

impl<'a, R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Job<'a, R, W> {
    /// The command is judged as soon as it has come: nobody sends megabytes for one that is refused.
    pub(super) async fn receive(&mut self) -> Result<Message<'a>, Outcome> {
        let started = Instant::now();
        let silence = self.server.io_timeout;
        let end = started + silence * SILENCES;
        let mut decoder = RequestDecoder::new(self.server.limits.clone());
        let mut share = self.server.budget.share();
        let (mut judged, mut received) = (None, 0);
        loop {
            source::allow(&mut share, decoder.will_hold(), silence).await?;
            let deadline = match &judged {
                None => started + HEAD_TIMEOUT.min(silence),
                // Others may be waiting for it.
                Some(_) if share.is_overdrawn() => (Instant::now() + HEAD_TIMEOUT.min(silence)).min(end),
                Some(_) => (Instant::now() + silence).min(end),
            };
            let read = timeout_at(deadline.into(), self.from.read(decoder.space())).await;
            let count =
                read.map_err(|_| Outcome::Silent("the request did not come"))?.map_err(Outcome::Broken)?;
            received += count;
            self.stats.received(count);
            let progress = unhurried(received >= LONG, || decoder.advance(count));
            let progress = progress.map_err(Outcome::BadRequest)?;
            if judged.is_none()
                && let (Some(version), Some(args)) = (decoder.version(), decoder.args())
            {
                judged = Some(self.judge(version, args.to_vec(), decoder.proof()).await?);
            }
            if let Progress::Done(arrived) = progress {
                return self.whole(arrived, judged, decoder.proof(), share).await;
            }
        }
    }

    async fn whole(
        &mut self,
        arrived: Arrived,
        judged: Option<Judged>,
        proof: Option<&str>,
        share: Share<'a>,
    ) -> Result<Message<'a>, Outcome> {
        Ok(match arrived {
            Arrived::Inquiry(inquiry) => Message::Inquiry(inquiry),
            Arrived::Text(text) => {
                let version = text.version;
                let judged = self.judged(judged, version, &text.args, proof).await?;
                Message::Job(
                    Box::new(judged),
                    version,
                    source::text(text, share, self.server.io_timeout).await?,
                )
            }
            Arrived::Files(files) => {
                let judged = self.judged(judged, Version::Three, &files.args, proof).await?;
                Message::Job(Box::new(judged), Version::Three, source::files(files, share))
            }
        })
    }

    /// A request without a source comes whole with the last of its command, and is not judged by then.
    async fn judged(
        &mut self,
        judged: Option<Judged>,
        version: Version,
        args: &[OsString],
        proof: Option<&str>,
    ) -> Result<Judged, Outcome> {
        match judged {
            Some(judged) => Ok(judged),
            None => self.judge(version, args.to_vec(), proof).await,
        }
    }

    async fn judge(
        &mut self,
        version: Version,
        args: Vec<OsString>,
        proof: Option<&str>,
    ) -> Result<Judged, Outcome> {
        let server = self.server;
        if let Some(reason) = server.sources.refused().filter(|_| version == Version::Three) {
            return Err(Outcome::Refused(reason.to_owned()));
        }
        let command = Command::parse(version, args)
            .map_err(|refusal| Outcome::Refused(format!("command refused: {refusal}")))?;
        self.log = self.log.about(Field::File, command.input()).about(Field::Compiler, command.compiler());
        let compiler = match server.toolchains.choose(server, command.compiler(), proof).await {
            Ok(compiler) => Ok(compiler),
            Err(Refusal::NotPermitted(reason)) => return Err(Outcome::Refused(reason)),
            Err(Refusal::Unproven(reason)) => return Err(Outcome::Unproven(reason)),
            Err(Refusal::Missing(reason)) => Err(reason),
        };
        self.stats.named(command.compiler(), command.input());
        Ok(Judged { command, compiler })
    }
}
