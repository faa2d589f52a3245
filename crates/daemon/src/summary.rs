//! One line per job, as distcc 3.4 writes it and as administrators' scripts read it. Knows nothing of how a job is done.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::time::Duration;

use logging::{Field, Log};
use protocol::{ProtocolError, WaitStatus};

use crate::access::Peer;

/// What became of a job. Its `Display` is the reason, for the log.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The compiler ran to its end and the client has the answer.
    Compiled { status: WaitStatus, compiler: OsString, input: OsString },
    /// The compiler ran longer than `--job-lifetime`; the client has been told.
    TimedOut,
    /// The client closed the connection before it had its answer.
    ClientGone,
    /// The client said nothing, or took nothing, for too long.
    Silent(&'static str),
    /// The connection broke.
    Broken(io::Error),
    /// What the client sent is no request.
    BadRequest(ProtocolError),
    /// A request that is not served here.
    Refused(String),
    /// There is no such compiler as the client's proof asks for; the client is told.
    Unproven(String),
    /// The compiler that its proof asks for would make another object of it; the client is told.
    NotThisJob(String),
    /// It was no job: the client has been told what there is here. This is never booked.
    Told,
    /// The daemon cannot do what it should.
    Failed(String),
    /// The daemon was told to end.
    Closing,
}

/// Exit codes of distcc, which the summary shows as `ret`.
mod ret {
    pub(super) const OK: u8 = 0;
    pub(super) const FAILED: u8 = 100;
    pub(super) const IO_ERROR: u8 = 107;
    pub(super) const TRUNCATED: u8 = 108;
    pub(super) const PROTOCOL_ERROR: u8 = 109;
}

impl Outcome {
    /// The status that stands for a compiler that ran too long: distcc's code for it.
    pub(crate) const TIMED_OUT: WaitStatus = WaitStatus(118 << 8);
    /// The status that stands for a compiler whose client left: distcc's code for it.
    const CLIENT_GONE: WaitStatus = WaitStatus(107 << 8);

    /// How the summary calls it, the status it shows, and distcc's exit code.
    fn booked(&self) -> (&'static str, WaitStatus, u8) {
        let none = WaitStatus::exited(0);
        match self {
            Outcome::Compiled { status, .. } if status.success() => ("COMPILE_OK", *status, ret::OK),
            Outcome::Compiled { status, .. } => ("COMPILE_ERROR", *status, ret::OK),
            Outcome::Told => ("OTHER", none, ret::OK),
            Outcome::TimedOut => ("COMPILE_TIMEOUT", Outcome::TIMED_OUT, ret::OK),
            Outcome::ClientGone => ("CLI_DISCONN", Outcome::CLIENT_GONE, ret::IO_ERROR),
            Outcome::Silent(_) | Outcome::Broken(_) => ("CLI_DISCONN", none, ret::IO_ERROR),
            Outcome::BadRequest(ProtocolError::NoAnswer | ProtocolError::Truncated { .. }) => {
                ("OTHER", none, ret::TRUNCATED)
            }
            Outcome::BadRequest(_) => ("REJ_BAD_REQ", none, ret::PROTOCOL_ERROR),
            Outcome::Refused(_)
            | Outcome::Unproven(_)
            | Outcome::NotThisJob(_)
            | Outcome::Failed(_)
            | Outcome::Closing => ("OTHER", none, ret::FAILED),
        }
    }

    /// distcc's exit code for the job, for a daemon that does just this one.
    pub(crate) fn exit_code(&self) -> u8 {
        self.booked().2
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Outcome::Compiled { .. } => f.write_str("job complete"),
            Outcome::TimedOut => f.write_str("Compilation takes too long, timeout."),
            Outcome::ClientGone => f.write_str("Client fd disconnected, killing job"),
            Outcome::Silent(what) => write!(f, "IO timeout: {what}"),
            Outcome::Broken(error) => write!(f, "connection lost: {error}"),
            Outcome::BadRequest(error) => write!(f, "bad request: {error}"),
            Outcome::Refused(reason)
            | Outcome::Unproven(reason)
            | Outcome::NotThisJob(reason)
            | Outcome::Failed(reason) => f.write_str(reason),
            Outcome::Told => f.write_str("told what there is here"),
            Outcome::Closing => f.write_str("the daemon ends"),
        }
    }
}

/// The line of one job.
pub(crate) struct Summary<'a> {
    pub(crate) peer: Peer,
    pub(crate) outcome: &'a Outcome,
    pub(crate) elapsed: Duration,
}

impl Summary<'_> {
    /// Leaves the line in the log of the job; in the journal, each of its facts and the reason by itself, too.
    pub(crate) fn write(&self, log: &Log) {
        let (result, status, _) = self.outcome.booked();
        let log = log
            .about(Field::Result, result)
            .about(Field::Exit, status.code().unwrap_or(0).to_string())
            .about(Field::Signal, status.signal().unwrap_or(0).to_string())
            .about(Field::Milliseconds, self.elapsed.as_millis().to_string());
        match self.outcome {
            Outcome::Compiled { .. } => log.notice(format_args!("{self}")),
            reason => log.about(Field::Reason, reason.to_string()).notice(format_args!("{self}")),
        }
    }
}

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let (result, status, ret) = self.outcome.booked();
        let code = status.code().unwrap_or(0);
        let signal = status.signal().unwrap_or(0);
        // The raw flag, as distcc 3.4 prints it.
        let core = if status.core_dumped() { 128 } else { 0 };
        let time = self.elapsed.as_millis();
        write!(f, "(dcc_job_summary) client: {} {result} ", self.peer)?;
        write!(f, "exit:{code} sig:{signal} core:{core} ret:{ret} time:{time}ms ")?;
        match self.outcome {
            Outcome::Compiled { compiler, input, .. } => {
                write!(f, "{} {}", compiler.display(), input.display())
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(peer: Peer, outcome: Outcome, milliseconds: u64, expected: &str) {
        let elapsed = Duration::from_millis(milliseconds);
        assert_eq!(
            Summary { peer, outcome: &outcome, elapsed }.to_string(),
            format!("(dcc_job_summary) {expected}")
        );
    }

    fn compiled(raw: u32, compiler: &str, input: &str) -> Outcome {
        Outcome::Compiled { status: WaitStatus(raw), compiler: compiler.into(), input: input.into() }
    }

    #[test]
    fn lines_of_distcc() {
        let peer = |port| Peer::Network(([127, 0, 0, 1], port).into());
        check(
            peer(42640),
            compiled(0, "x86_64-linux-gnu-gcc", "hello.c"),
            45,
            "client: 127.0.0.1:42640 COMPILE_OK exit:0 sig:0 core:0 ret:0 time:45ms x86_64-linux-gnu-gcc hello.c",
        );
        check(
            peer(55604),
            compiled(0x100, "gcc", "bad.c"),
            13,
            "client: 127.0.0.1:55604 COMPILE_ERROR exit:1 sig:0 core:0 ret:0 time:13ms gcc bad.c",
        );
        check(
            peer(55610),
            compiled(0x8b, "gcc", "hello.c"),
            16,
            "client: 127.0.0.1:55610 COMPILE_ERROR exit:0 sig:11 core:128 ret:0 time:16ms gcc hello.c",
        );
        check(
            peer(53540),
            Outcome::BadRequest(ProtocolError::Truncated { expected: "DOTI" }),
            20,
            "client: 127.0.0.1:53540 OTHER exit:0 sig:0 core:0 ret:108 time:20ms ",
        );
        check(
            peer(53540),
            Outcome::ClientGone,
            713,
            "client: 127.0.0.1:53540 CLI_DISCONN exit:107 sig:0 core:0 ret:107 time:713ms ",
        );
        check(
            Peer::Pipe,
            Outcome::TimedOut,
            2008,
            "client: NOTSOCKET COMPILE_TIMEOUT exit:118 sig:0 core:0 ret:0 time:2008ms ",
        );
        check(
            Peer::Pipe,
            Outcome::BadRequest(ProtocolError::UnsupportedVersion(9)),
            0,
            "client: NOTSOCKET REJ_BAD_REQ exit:0 sig:0 core:0 ret:109 time:0ms ",
        );
        check(
            Peer::LocalSocket,
            Outcome::Refused("no".to_owned()),
            0,
            "client: UNIX-DOMAIN OTHER exit:0 sig:0 core:0 ret:100 time:0ms ",
        );
    }
}
