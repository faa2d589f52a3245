//! A client's message as it comes in: a job, judged as soon as its command is there, or an inquiry. Knows nothing of
//! answers.

use std::ffi::OsString;
use std::time::Instant;

use logging::Field;
use protocol::inquiry::Inquiry;
use protocol::{Arrived, Progress, Proof, RequestDecoder, Version};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::select;
use tokio::time::timeout_at;

use super::judging::{Judged, Judgement, Judging};
use super::{HEAD_TIMEOUT, Job, LONG, SILENCES, gone, unhurried};
use crate::budget::Share;
use crate::command::Command;
use crate::refusal::Refusal;
use crate::source::{self, Source};
use crate::standing_in;
use crate::summary::Outcome;
use crate::toolchains::Chosen;

/// What a client wants.
pub(super) enum Message<'a> {
    Job(Box<Judged>, Version, Source<'a>),
    Inquiry(Inquiry),
}

impl<'a, R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Job<'a, R, W> {
    /// The command is judged as soon as it has come: nobody sends megabytes for one that is refused.
    pub(super) async fn receive(&mut self) -> Result<Message<'a>, Outcome> {
        let started = Instant::now();
        let silence = self.server.io_timeout;
        let mut decoder = RequestDecoder::new(self.server.limits.clone());
        let mut share = self.server.budget.share();
        let (mut judgement, mut received) = (Judgement::None, 0);
        loop {
            source::allow(&mut share, decoder.will_hold(), silence).await?;
            let deadline = self.deadline(&judgement, share.is_overdrawn(), started);
            let read = select! {
                biased;
                compiler = judgement.goes_on() => {
                    let compiler = compiler?;
                    judgement = match judgement {
                        Judgement::Begun(judging) => Judgement::Made(self.made(judging, compiler)),
                        other => other,
                    };
                    continue;
                }
                read = timeout_at(deadline.into(), self.from.read(decoder.space())) => read,
            };
            let count =
                read.map_err(|_| Outcome::Silent("the request did not come"))?.map_err(Outcome::Broken)?;
            received += count;
            self.stats.received(count);
            let progress = unhurried(received >= LONG, || decoder.advance(count));
            let progress = progress.map_err(Outcome::BadRequest)?;
            if matches!(judgement, Judgement::None)
                && let (Some(version), Some(args)) = (decoder.version(), decoder.args())
            {
                judgement = Judgement::Begun(self.judge(version, args.to_vec(), decoder.proof())?);
            }
            if let Progress::Done(arrived) = progress {
                return self.whole(arrived, judgement, decoder.proof(), share).await;
            }
        }
    }

    /// Until when the next bytes are waited for.
    fn deadline(&self, judgement: &Judgement, is_overdrawn: bool, started: Instant) -> Instant {
        let silence = self.server.io_timeout;
        let short = HEAD_TIMEOUT.min(silence);
        let patience = match judgement {
            Judgement::None => return started + short,
            // Others may be waiting for what it holds.
            _ if is_overdrawn => short,
            _ => silence,
        };
        (Instant::now() + patience).min(started + silence * SILENCES)
    }

    async fn whole(
        &mut self,
        arrived: Arrived,
        judgement: Judgement<'a>,
        proof: Option<&Proof>,
        share: Share<'a>,
    ) -> Result<Message<'a>, Outcome> {
        Ok(match arrived {
            Arrived::Inquiry(inquiry) => Message::Inquiry(inquiry),
            Arrived::Text(text) => {
                let version = text.version;
                let judged = self.judged(judgement, version, &text.args, proof).await?;
                Message::Job(
                    Box::new(judged),
                    version,
                    source::text(text, share, self.server.io_timeout).await?,
                )
            }
            Arrived::Files(files) => {
                let judged = self.judged(judgement, Version::Three, &files.args, proof).await?;
                Message::Job(Box::new(judged), Version::Three, source::files(files, share))
            }
        })
    }

    /// A request without a source comes whole with the last of its command, and nobody has begun to judge it by then.
    async fn judged(
        &mut self,
        judgement: Judgement<'a>,
        version: Version,
        args: &[OsString],
        proof: Option<&Proof>,
    ) -> Result<Judged, Outcome> {
        let mut judging = match judgement {
            Judgement::Made(judged) => return Ok(judged),
            Judgement::Begun(judging) => judging,
            Judgement::None => self.judge(version, args.to_vec(), proof)?,
        };
        let compiler = select! {
            biased;
            compiler = judging.compiler() => compiler?,
            () = gone(&mut self.from) => return Err(Outcome::ClientGone),
        };
        Ok(self.made(judging, compiler))
    }

    fn made(&mut self, judging: Judging<'a>, compiler: Result<Chosen, String>) -> Judged {
        let Judging { command, .. } = judging;
        self.stats.named(command.compiler(), command.input());
        Judged { command, compiler }
    }

    fn judge(
        &mut self,
        version: Version,
        args: Vec<OsString>,
        proof: Option<&Proof>,
    ) -> Result<Judging<'a>, Outcome> {
        let server = self.server;
        if let Some(reason) = server.sources.refused().filter(|_| version == Version::Three) {
            return Err(Outcome::Refused(reason.to_owned()));
        }
        let telltale = standing_in::gives_away(args.get(1..).unwrap_or_default()).cloned();
        let command = Command::parse(version, args)
            .map_err(|refusal| Outcome::Refused(format!("command refused: {refusal}")))?;
        self.log = self.log.about(Field::File, command.input()).about(Field::Compiler, command.compiler());
        let (name, proof) = (command.compiler().to_owned(), proof.cloned());
        let choosing = async move {
            let (fingerprint, processor) =
                proof.map_or((None, Vec::new()), |proof| (Some(proof.fingerprint), proof.processor));
            let chosen = server.toolchains.choose(server, &name, fingerprint.as_deref()).await?;
            match telltale.filter(|_| chosen.compiler.stands_in && chosen.proven.is_some()) {
                Some(word) => Err(Refusal::NotThisJob(format!(
                    "gcc -m32 stands in for {} here, but not with {}",
                    name.display(),
                    word.display()
                ))),
                None => chosen.told(processor),
            }
        };
        Ok(Judging::new(command, choosing))
    }
}
