//! One thing that was found out, and the command that mends it. Knows nothing of how it was found out or is shown.

/// How well something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    /// As it should be.
    Well,
    /// Nothing could be found out; never the same as well.
    Skipped,
    /// Builds are distributed, but not as they could be.
    Warning,
    /// It keeps builds from being distributed, or spoils them.
    Failure,
}

/// What one check says about one subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// Its name for programs, such as `masquerade-links`; part of the interface.
    pub(crate) check: &'static str,
    pub(crate) verdict: Verdict,
    /// What it is about: a file with line, a host, a program.
    pub(crate) subject: String,
    /// A lowercase fragment that reads after the subject and a colon.
    pub(crate) what: String,
    /// The command to type; every failure has one.
    pub(crate) remedy: Option<String>,
}

impl Verdict {
    /// Its name for programs.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Verdict::Well => "well",
            Verdict::Skipped => "skipped",
            Verdict::Warning => "warning",
            Verdict::Failure => "failure",
        }
    }
}

impl Finding {
    /// All is as it should be.
    pub(crate) fn well(check: &'static str, subject: impl Into<String>, what: impl Into<String>) -> Finding {
        Finding { check, verdict: Verdict::Well, subject: subject.into(), what: what.into(), remedy: None }
    }

    /// Nothing could be found out, and why.
    pub(crate) fn skipped(
        check: &'static str,
        subject: impl Into<String>,
        why: impl Into<String>,
    ) -> Finding {
        Finding { verdict: Verdict::Skipped, ..Finding::well(check, subject, why) }
    }

    /// It could be better, and `remedy` is the command that makes it so.
    pub(crate) fn warning(
        check: &'static str,
        subject: impl Into<String>,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Finding {
        let remedy: String = remedy.into();
        // So that every test of every check says what does not work.
        #[cfg(debug_assertions)]
        assert_eq!(super::advice::misunderstood(&remedy), None);
        let remedy = Some(remedy);
        Finding { verdict: Verdict::Warning, remedy, ..Finding::well(check, subject, what) }
    }

    /// It keeps builds from being distributed until `remedy`, a command, was typed.
    pub(crate) fn failure(
        check: &'static str,
        subject: impl Into<String>,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Finding {
        Finding { verdict: Verdict::Failure, ..Finding::warning(check, subject, what, remedy) }
    }
}
