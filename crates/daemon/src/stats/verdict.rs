//! What statistics call the end of a job: its result, as distcc 3.4 counts it, and why. Knows nothing of who counts.

use protocol::ProtocolError;

use crate::summary::Outcome;

/// A result of distcc(1)'s log, in small letters, and a word for its reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Verdict {
    pub(super) result: &'static str,
    pub(super) reason: &'static str,
}

const fn verdict(result: &'static str, reason: &'static str) -> Verdict {
    Verdict { result, reason }
}

const OK: Verdict = verdict("compile_ok", "done");
const EXIT: Verdict = verdict("compile_error", "exit");
const SIGNAL: Verdict = verdict("compile_error", "signal");
const TOO_LONG: Verdict = verdict("compile_timeout", "job-lifetime");
const LEFT: Verdict = verdict("cli_disconn", "left");
const SILENT: Verdict = verdict("cli_disconn", "silent");
const BROKEN: Verdict = verdict("cli_disconn", "broken");
const NO_REQUEST: Verdict = verdict("rej_bad_req", "protocol");
const CUT_SHORT: Verdict = verdict("other", "truncated");
const REFUSED: Verdict = verdict("other", "refused");
const UNPROVEN: Verdict = verdict("other", "compiler");
const FAILED: Verdict = verdict("other", "failed");
const CLOSING: Verdict = verdict("other", "closing");

/// Every end that a job can have, with what the page says of it.
pub(super) const VERDICTS: &[(Verdict, &str)] = &[
    (OK, "compiled"),
    (EXIT, "the compiler found errors"),
    (SIGNAL, "the compiler was ended by a signal"),
    (TOO_LONG, "the compiler ran longer than --job-lifetime"),
    (LEFT, "the client went away"),
    (SILENT, "the client fell silent"),
    (BROKEN, "the connection broke"),
    (NO_REQUEST, "what came was no request"),
    (CUT_SHORT, "the request was cut short"),
    (REFUSED, "not permitted here"),
    (UNPROVEN, "no compiler here is the client's"),
    (FAILED, "this machine could not do it"),
    (CLOSING, "the daemon ended"),
];

impl Verdict {
    pub(super) fn of(outcome: &Outcome) -> Verdict {
        match outcome {
            Outcome::Compiled { status, .. } if status.success() => OK,
            Outcome::Compiled { status, .. } if status.signal().is_some() => SIGNAL,
            Outcome::Compiled { .. } => EXIT,
            Outcome::TimedOut => TOO_LONG,
            Outcome::ClientGone => LEFT,
            Outcome::Silent(_) => SILENT,
            Outcome::Broken(_) => BROKEN,
            Outcome::BadRequest(ProtocolError::NoAnswer | ProtocolError::Truncated { .. }) => CUT_SHORT,
            Outcome::BadRequest(_) => NO_REQUEST,
            Outcome::Refused(_) => REFUSED,
            Outcome::Unproven(_) | Outcome::NotThisJob(_) => UNPROVEN,
            Outcome::Told => OK,
            Outcome::Failed(_) => FAILED,
            Outcome::Closing => CLOSING,
        }
    }

    /// Whether the client got its object.
    pub(super) fn is_ok(self) -> bool {
        self == OK
    }

    /// Whether a compiler ran to its end.
    pub(super) fn is_compiled(self) -> bool {
        [OK, EXIT, SIGNAL].contains(&self)
    }

    /// Whether the job cost more than a moment; distcc 3.4 counts these as compiles of the last minutes.
    pub(super) fn is_work(self) -> bool {
        self.is_compiled() || [TOO_LONG, LEFT, SILENT, BROKEN].contains(&self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Peer;
    use crate::summary::Summary;
    use protocol::WaitStatus;
    use std::io;
    use std::time::Duration;

    #[test]
    fn each_end_is_booked_as_the_log_calls_it() {
        let compiled =
            |raw| Outcome::Compiled { status: WaitStatus(raw), compiler: "cc".into(), input: "x.c".into() };
        let outcomes = [
            compiled(0),
            compiled(0x100),
            compiled(9),
            Outcome::TimedOut,
            Outcome::ClientGone,
            Outcome::Silent("x"),
            Outcome::Broken(io::Error::other("x")),
            Outcome::BadRequest(ProtocolError::UnsupportedVersion(9)),
            Outcome::BadRequest(ProtocolError::NoAnswer),
            Outcome::Refused(String::new()),
            Outcome::Unproven(String::new()),
            Outcome::Failed(String::new()),
            Outcome::Closing,
        ];
        for (outcome, (expected, _)) in outcomes.iter().zip(VERDICTS) {
            let verdict = Verdict::of(outcome);
            assert_eq!(verdict, *expected);
            let line = Summary { peer: Peer::Pipe, outcome, elapsed: Duration::ZERO }.to_string();
            assert!(line.contains(&format!(" {} exit:", verdict.result.to_uppercase())), "{line}");
        }
        assert_eq!(outcomes.len(), VERDICTS.len());
    }
}
