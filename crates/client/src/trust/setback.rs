//! What follows when a host breaks off, at whichever step: one table. Asks nobody.

use crate::remote::Failure;
use protocol::ProtocolError;

/// What the host was to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// To tell of its compiler.
    Inquiry,
    /// To compile the sample.
    Sample,
    /// To do a job for which it was trusted from before.
    Job,
    /// To do it after it was asked anew.
    JobAgain,
}

/// What is to be done.
#[derive(Debug)]
pub(crate) enum Follows {
    /// It is given a sample: its daemon knows no questions.
    Sample,
    /// It is asked anew what it has.
    AskAgain,
    /// It gets no jobs for this compiler for a while, and nothing else is held against it; a sentence about it.
    Stranger(String),
    /// It has failed and is left alone for a while, or the trouble is on this side.
    Failed(Failure),
}

impl Follows {
    /// Of a host for which nothing else is left to try: why it is a stranger.
    ///
    /// # Errors
    /// It has failed.
    pub(crate) fn at_last(self) -> Result<String, Failure> {
        match self {
            Follows::Stranger(why) => Ok(why),
            Follows::Failed(failure) => Err(failure),
            Follows::Sample | Follows::AskAgain => Err(Failure::Protocol(ProtocolError::NoAnswer)),
        }
    }
}

/// What follows from a `failure` of a host at this step. Silence, as of a host that is busy, garbage, and a daemon that knows
/// no questions and closes on what it is given, for whatever reason, are failures at each.
pub(crate) fn follows(step: Step, failure: Failure) -> Follows {
    match (step, failure) {
        (Step::Inquiry, Failure::NotTold) => Follows::Sample,
        // What is known is from before; another daemon may serve there now.
        (Step::Job, Failure::Refused(_) | Failure::ProofNotTaken) => Follows::AskAgain,
        (Step::Sample | Step::JobAgain, Failure::Refused(why)) => Follows::Stranger(why),
        // It has just told of that compiler.
        (Step::Sample | Step::JobAgain, Failure::ProofNotTaken) => {
            Follows::Failed(Failure::Protocol(ProtocolError::NoAnswer))
        }
        (_, failure) => Follows::Failed(failure),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interrupts::Broken;

    /// A failure of each kind that a host can cause.
    fn kinds() -> [(&'static str, Failure); 7] {
        let silent = Failure::Connection { doing: "waiting for the answer", error: Broken::TimedOut };
        [
            ("refused", Failure::Refused("no gcc".to_owned())),
            ("closed on a question", Failure::NotTold),
            ("closed on a proof", Failure::ProofNotTaken),
            ("closed", Failure::Protocol(ProtocolError::NoAnswer)),
            ("garbage", Failure::Protocol(ProtocolError::NoArguments)),
            ("silent", silent),
            // Whoever sends another job finds it as willing as before.
            ("refused this job", Failure::NotThisJob("not with -g".to_owned())),
        ]
    }

    #[track_caller]
    fn check(step: Step, expected: [&str; 7]) {
        for ((kind, failure), expected) in kinds().into_iter().zip(expected) {
            let found = match follows(step, failure) {
                Follows::Sample => "sample",
                Follows::AskAgain => "ask again",
                Follows::Stranger(_) => "stranger",
                Follows::Failed(_) => "failed",
            };
            assert_eq!(found, expected, "{step:?} {kind}");
        }
    }

    #[test]
    fn every_step_and_every_end() {
        check(Step::Inquiry, ["failed", "sample", "failed", "failed", "failed", "failed", "failed"]);
        check(Step::Sample, ["stranger", "failed", "failed", "failed", "failed", "failed", "failed"]);
        check(Step::Job, ["ask again", "failed", "ask again", "failed", "failed", "failed", "failed"]);
        check(Step::JobAgain, ["stranger", "failed", "failed", "failed", "failed", "failed", "failed"]);
    }

    #[test]
    fn what_is_said() {
        let said =
            |step, failure: Failure| follows(step, failure).at_last().map_err(|failure| failure.to_string());
        assert_eq!(said(Step::JobAgain, Failure::Refused("no gcc".to_owned())), Ok("no gcc".to_owned()));
        let failed = said(Step::Sample, Failure::ProofNotTaken).unwrap_err();
        assert!(failed.starts_with("server provided no answer"), "{failed}");
    }
}
