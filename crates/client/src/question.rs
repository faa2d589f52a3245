//! A question to the compiler here, which has to answer soon and in few words: one that hangs when it is asked would hold up a
//! build that runs well without us. Knows nothing of what is asked.

use crate::interrupts::{Broken, Interrupts};
use crate::source::{NoSource, Preprocessing, Source};
use std::process::Command;
use std::time::{Duration, Instant};

/// How much is waited for.
#[derive(Clone, Copy)]
struct Patience {
    time: Duration,
    /// On each stream.
    bytes: u64,
}

impl Patience {
    fn deadline(self) -> Instant {
        Instant::now() + self.time
    }
}

const PATIENCE: Patience = Patience { time: TIME, bytes: 1 << 20 };

/// So long an answer may take.
pub(crate) const TIME: Duration = Duration::from_secs(20);

/// Starts `program` and takes what it says; one that has failed is `Rejected`.
///
/// # Errors
/// [`NoSource`]; `TimedOut` if it takes too long or says too much. It has ended when this returns.
pub(crate) fn answer(program: Command, interrupts: &Interrupts) -> Result<Source, NoSource> {
    let mut asked = Preprocessing::start(program, interrupts).map_err(NoSource::of_what_cannot_start)?;
    asked.wait_within(PATIENCE.deadline(), PATIENCE.bytes, interrupts).map_err(NoSource::Broken)?;
    asked.finish(interrupts)
}

/// Likewise all that it says on either stream, however it ends.
///
/// # Errors
/// It cannot be started or waited for, or `TimedOut`.
pub(crate) fn all_said_by(program: Command, interrupts: &Interrupts) -> Result<Vec<u8>, Broken> {
    said_within(PATIENCE, program, interrupts)
}

fn said_within(patience: Patience, program: Command, interrupts: &Interrupts) -> Result<Vec<u8>, Broken> {
    let mut asked = Preprocessing::start(program, interrupts)?;
    asked.wait_within(patience.deadline(), patience.bytes, interrupts)?;
    Ok(asked.all_said()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Patience = Patience { time: Duration::from_millis(200), bytes: 1000 };

    /// What a script says, if it has the time; in any case it is soon over.
    fn check(script: &str, expected: Option<&str>) {
        let (interrupts, begin) = (Interrupts::catch().unwrap(), Instant::now());
        let mut shell = Command::new("sh");
        shell.args(["-c", script]);
        let said = said_within(SHORT, shell, &interrupts);
        assert!(begin.elapsed() < Duration::from_secs(10), "{script}");
        match (said, expected) {
            (Ok(said), Some(expected)) => assert_eq!(String::from_utf8(said).unwrap(), expected),
            (Err(Broken::TimedOut), None) => {}
            (other, _) => panic!("{script}: {other:?}"),
        }
    }

    #[test]
    fn an_answer_comes_soon_or_not_at_all() {
        check("echo gcc; echo 12 >&2; exit 3", Some("gcc\n12\n"));
        check("exec sleep 60", None);
        check("sleep 60", None);
        check("trap '' TERM; while :; do sleep 1; done", None);
    }

    #[test]
    fn an_answer_is_short_or_none() {
        check("exec yes", None);
        check("head -c 1000 /dev/zero | tr '\\0' x", Some(&"x".repeat(1000)));
        check("head -c 1001 /dev/zero", None);
        check("head -c 1001 /dev/zero >&2", None);
    }
}
