//! What came of one compile that was sent to one host, read from the client's end, its log, and both objects. Runs
//! nothing.

use toolchain::ObjectFile;

/// How a compile on another machine went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The object equals the one that was compiled here.
    Equal,
    /// There is an object, and it is another one.
    Differs(Difference),
    /// The daemon was to run this compiler, and it is not there.
    CompilerMissing(String),
    /// The daemon was to run this compiler, and may not.
    CompilerForbidden(String),
    /// The connection was closed without an answer: access is denied, or the compiler is not permitted.
    NoAnswer,
    /// Nothing came for so long that the client gave up.
    Silence,
    /// What came was no answer; the client's words.
    Babble(String),
    /// The compiler there refused the source; the first line of its messages.
    Rejected { code: i32, said: String },
    /// The client did not send it; its reason.
    KeptHere(String),
    /// The client cannot use this kind of host; its words.
    Unsupported(String),
    /// The client failed; how.
    ClientFailed(String),
}

/// How two objects differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Difference {
    /// Other compilers made them: what each calls itself.
    Makers { here: String, there: String },
    /// They are for other machines.
    Machines { here: String, there: String },
    /// The same compiler, and yet other bytes, from this one on.
    Bytes(usize),
    /// What came back is no object file.
    NoObject,
}

/// What the client's end tells: its exit status, none when it was ended; its stderr; its log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ClientEnd<'a> {
    pub(crate) code: Option<i32>,
    pub(crate) stderr: &'a str,
    pub(crate) log: &'a str,
}

/// The client's status for a compiler that could not be started (distcc(1), "EXIT CODES").
const COMPILER_MISSING: i32 = 110;

impl ClientEnd<'_> {
    /// What went wrong; none when there is an object from that host.
    pub(crate) fn trouble(&self) -> Option<Outcome> {
        let said = |words: &str| {
            self.said().find_map(|line| line.split_once(words).map(|(_, rest)| rest.to_owned()))
        };
        if let Some(reason) = said("local: ") {
            return Some(Outcome::KeptHere(reason));
        }
        if let Some(reason) = self.cannot_compile() {
            return Some(no_answer(reason));
        }
        match (said("failed with exit code "), self.code) {
            (Some(_), Some(COMPILER_MISSING)) => Some(self.not_started()),
            (Some(_), code) => {
                Some(Outcome::Rejected { code: code.unwrap_or(-1), said: self.first_message() })
            }
            (None, Some(0)) if said(" completed ok").is_some() => None,
            (None, Some(code)) => {
                Some(Outcome::ClientFailed(format!("exit status {code}: {}", self.last_words())))
            }
            (None, None) => Some(Outcome::Silence),
        }
    }

    /// The log's lines without the process that wrote them.
    fn said(&self) -> impl Iterator<Item = &str> {
        self.log.lines().map(|line| line.split_once("] ").map_or(line, |(_, said)| said))
    }

    /// `Warning: cannot compile FILE on SPEC: REASON`.
    fn cannot_compile(&self) -> Option<&str> {
        let line = self.said().find_map(|line| line.strip_prefix("Warning: cannot compile "))?;
        line.split_once(" on ").and_then(|(_, rest)| rest.split_once(": ")).map(|(_, reason)| reason)
    }

    /// `ERROR: failed to exec NAME: …`, in the words of either daemon; a link named NAME with nothing behind it, or with
    /// something that the daemon's user may not run.
    fn not_started(&self) -> Outcome {
        let line = self.stderr.split_once("failed to exec ").and_then(|(_, rest)| rest.lines().next());
        let (name, why) = line.and_then(|line| line.split_once(':')).unwrap_or(("the compiler", ""));
        let is_forbidden = why.trim_start().starts_with("Permission denied");
        let outcome = if is_forbidden { Outcome::CompilerForbidden } else { Outcome::CompilerMissing };
        outcome(name.to_owned())
    }

    fn first_message(&self) -> String {
        let messages = || self.stderr.lines().filter(|line| !line.trim().is_empty());
        let error = messages().find(|line| line.contains("error: "));
        error.or_else(|| messages().next()).unwrap_or("it says nothing").trim().to_owned()
    }

    fn last_words(&self) -> &str {
        let last = self.said().last().or_else(|| self.stderr.lines().last());
        last.map_or("it says nothing", |line| line.trim_start_matches("ERROR: "))
    }
}

fn no_answer(reason: &str) -> Outcome {
    if reason.contains("server provided no answer") {
        Outcome::NoAnswer
    } else if reason.ends_with("not supported by this version") {
        Outcome::Unsupported(reason.to_owned())
    } else if reason.contains("IO timeout") {
        Outcome::Silence
    } else {
        Outcome::Babble(reason.to_owned())
    }
}

/// Compares an object from another machine with the one that was compiled here.
pub(crate) fn compare(there: &[u8], here: &[u8]) -> Outcome {
    if there == here {
        return Outcome::Equal;
    }
    let (Some(from_there), Some(from_here)) = (ObjectFile::parse(there), ObjectFile::parse(here)) else {
        return Outcome::Differs(Difference::NoObject);
    };
    let machine = |object: &ObjectFile| format!("{}, {} bit", object.machine, object.bits);
    let (machine_here, machine_there) = (machine(&from_here), machine(&from_there));
    if machine_here != machine_there {
        return Outcome::Differs(Difference::Machines { here: machine_here, there: machine_there });
    }
    if from_here.makers != from_there.makers {
        let (here, there) = (makers(&from_here), makers(&from_there));
        return Outcome::Differs(Difference::Makers { here, there });
    }
    let first = there.iter().zip(here).position(|(a, b)| a != b).unwrap_or(there.len().min(here.len()));
    Outcome::Differs(Difference::Bytes(first))
}

fn makers(object: &ObjectFile) -> String {
    let names: Vec<_> = object.makers.iter().map(|maker| maker.build.as_str()).collect();
    if names.is_empty() { "an unnamed compiler".to_owned() } else { names.join(" and ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(code: Option<i32>, stderr: &str, log: &str, expected: Option<Outcome>) {
        let log: String = log.lines().map(|line| format!("distcc[7] {line}\n")).collect();
        assert_eq!(ClientEnd { code, stderr, log: &log }.trouble(), expected, "{log}");
    }

    #[test]
    fn good_compiles() {
        check(Some(0), "", "compile t.c on h:1/4 completed ok", None);
    }

    #[test]
    fn no_compiles() {
        let cannot = |reason: &str| {
            format!(
                "Warning: cannot compile t.c on [::1]:4: {reason}\n\
                 ERROR: failed to distribute and fallbacks are disabled"
            )
        };
        let no_answer = "server provided no answer: see its log for the reason (is this address allowed there? is the \
                         compiler installed and linked there?)";
        check(Some(116), "", &cannot(no_answer), Some(Outcome::NoAnswer));
        check(Some(116), "", &cannot("IO timeout while waiting for the answer"), Some(Outcome::Silence));
        let derailed = "expected token \"DONE\", got \"HTTP\"";
        check(Some(116), "", &cannot(derailed), Some(Outcome::Babble(derailed.into())));
        let auth = "hosts that want authentication are not supported by this version";
        check(Some(116), "", &cannot(auth), Some(Outcome::Unsupported(auth.into())));
        let kept = "march-native: -march=native means this machine";
        check(Some(0), "", &format!("local: {kept}"), Some(Outcome::KeptHere(kept.into())));
        check(None, "", "", Some(Outcome::Silence));
        let failed = Outcome::ClientFailed("exit status 101: Bad DISTCC_IO_TIMEOUT".into());
        check(Some(101), "", "ERROR: Bad DISTCC_IO_TIMEOUT", Some(failed));
    }

    #[test]
    fn compilers_that_refuse_or_are_missing() {
        let failed = |code| format!("compile t.c on h:1 failed with exit code {code}");
        let rejected = Outcome::Rejected { code: 1, said: "t.c:1:1: error: x".into() };
        check(Some(1), "In file:\nt.c:1:1: error: x\n", &failed(1), Some(rejected));
        let missing = Some(Outcome::CompilerMissing("x86_64-linux-gnu-gcc".into()));
        let ours = "distccd[7] ERROR: failed to exec x86_64-linux-gnu-gcc: no such program on the PATH of this server\n";
        check(Some(110), ours, &failed(110), missing.clone());
        let theirs =
            "distccd[7] (dcc_execvp) ERROR: failed to exec x86_64-linux-gnu-gcc: No such file or directory\n";
        check(Some(110), theirs, &failed(110), missing);
        let forbidden = Some(Outcome::CompilerForbidden("/usr/bin/gcc".into()));
        let ours = "distccd[7] ERROR: failed to exec /usr/bin/gcc: Permission denied (os error 13)\n";
        check(Some(110), ours, &failed(110), forbidden);
    }

    #[test]
    fn what_is_no_object_is_named_so() {
        assert_eq!(compare(b"same", b"same"), Outcome::Equal);
        assert_eq!(compare(b"<html>", b"\x7fELF"), Outcome::Differs(Difference::NoObject));
    }
}
