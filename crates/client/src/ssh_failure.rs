//! Why a host that is reached through ssh gave no answer, in one line made of what we saw and of what ssh said. Runs
//! nothing.

use crate::remote::Failure;
use crate::ssh::Farewell;
use protocol::ProtocolError;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

/// ssh's own status, and a shell's for a command that cannot be run or is not there; any other is the daemon's.
const NOT_STARTED: [i32; 3] = [255, 126, 127];

/// A fragment that reads after "cannot compile x.c on @red: ".
#[must_use]
pub(crate) fn describe(failure: &Failure, farewell: &Farewell) -> String {
    let reason = reason(farewell.status, farewell.said.last().map(String::as_str));
    let Some(reason) = reason else { return failure.to_string() };
    let is_silence = matches!(
        failure,
        Failure::Protocol(ProtocolError::NoAnswer)
            | Failure::SourcesNotTaken(_)
            | Failure::NotTold
            | Failure::ProofNotTaken
    );
    if is_silence && !has_started(farewell) {
        return format!("ssh: {reason}");
    }
    format!("{failure}; ssh: {reason}")
}

/// Whether there was a daemon at the other end, as far as ssh tells.
pub(crate) fn has_started(farewell: &Farewell) -> bool {
    farewell.status.is_none_or(|status| status.code().is_some_and(|code| !NOT_STARTED.contains(&code)))
}

fn reason(status: Option<ExitStatus>, last: Option<&str>) -> Option<String> {
    let signal = status.and_then(|status| status.signal());
    match (signal, last, status) {
        (Some(signal), _, _) => Some(format!("ended by signal {signal}")),
        (None, Some(last), _) => Some(last.trim_start_matches("ssh: ").to_owned()),
        (None, None, Some(status)) => Some(format!("ended with status {} and said nothing", status.code()?)),
        (None, None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interrupts::Broken;

    #[track_caller]
    fn check(failure: &Failure, raw_status: Option<i32>, said: &[&str], expected: &str) {
        let status = raw_status.map(ExitStatus::from_raw);
        let farewell = Farewell { status, said: said.iter().map(|&line| line.to_owned()).collect() };
        let described = describe(failure, &farewell);
        assert_eq!(described, expected);
    }

    const KILLED: i32 = 9;
    const fn exit(code: i32) -> Option<i32> {
        Some(code << 8)
    }

    #[test]
    fn ssh_that_leads_nowhere() {
        let silent = Failure::Protocol(ProtocolError::NoAnswer);
        check(&silent, exit(255), &["Warning", "Permission denied"], "ssh: Permission denied");
        check(&silent, exit(255), &["ssh: connect to x: refused"], "ssh: connect to x: refused");
        check(&silent, exit(255), &[], "ssh: ended with status 255 and said nothing");
        check(&silent, exit(127), &["sh: distccd: not found"], "ssh: sh: distccd: not found");
        check(&silent, Some(KILLED), &["Warning"], "ssh: ended by signal 9");
        let cut_off = Failure::SourcesNotTaken("Broken pipe".into());
        check(&cut_off, exit(255), &["Permission denied"], "ssh: Permission denied");
        check(&Failure::NotTold, exit(255), &["Permission denied"], "ssh: Permission denied");
        check(&Failure::ProofNotTaken, exit(255), &["Permission denied"], "ssh: Permission denied");
    }

    #[test]
    fn daemons_that_give_no_answer() {
        let silent = Failure::Protocol(ProtocolError::NoAnswer);
        let end = |text: &str| format!("{silent}{text}");
        check(&silent, exit(110), &["distccd: no"], &end("; ssh: distccd: no"));
        check(&silent, exit(109), &[], &end("; ssh: ended with status 109 and said nothing"));
        check(&silent, None, &[], &end(""));
        let late = Failure::Connection { doing: "waiting for the answer", error: Broken::TimedOut };
        check(&late, None, &[], "IO timeout while waiting for the answer");
        check(
            &late,
            exit(255),
            &["Connection lost"],
            "IO timeout while waiting for the answer; ssh: Connection lost",
        );
    }
}
