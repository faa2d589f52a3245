//! What `distcc-arch check --json` says. Knows nothing of what may be wrong.

use std::fmt;

use serde_json::Value;
use test_hosts::process::Outcome;

/// One thing that was found out.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    pub(crate) check: String,
    pub(crate) verdict: String,
    pub(crate) subject: String,
    pub(crate) what: String,
    pub(crate) remedy: Option<String>,
}

/// All that was found out at once.
pub(crate) struct Report {
    pub(crate) code: Option<i32>,
    pub(crate) verdict: String,
    pub(crate) findings: Vec<Finding>,
}

impl Report {
    /// Panics with all that was said if that is no report.
    #[track_caller]
    pub(crate) fn of(outcome: &Outcome) -> Report {
        let no_report = || panic!("no report: {}\n{}{}", outcome.status, outcome.out(), outcome.err());
        let Ok(said) = serde_json::from_slice::<Value>(&outcome.stdout) else { no_report() };
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let finding = |value: &Value| {
            Some(Finding {
                check: text(&value["check"])?,
                verdict: text(&value["verdict"])?,
                subject: text(&value["subject"])?,
                what: text(&value["what"])?,
                remedy: text(&value["remedy"]),
            })
        };
        let findings = said["findings"].as_array().and_then(|all| all.iter().map(finding).collect());
        let (Some(verdict), Some(findings)) = (text(&said["verdict"]), findings) else { no_report() };
        Report { code: outcome.code(), verdict, findings }
    }

    /// Panics unless all is well.
    #[track_caller]
    pub(crate) fn assert_well(&self) {
        assert_eq!((self.code, self.verdict.as_str()), (Some(0), "well"), "{self}");
    }

    /// The first finding that is not well; panics unless all of those are this check's, or if the exit status hides it.
    #[track_caller]
    pub(crate) fn only_trouble(&self, check: &str) -> &Finding {
        let bad = |finding: &&Finding| ["warning", "failure"].contains(&finding.verdict.as_str());
        let troubles: Vec<&Finding> = self.findings.iter().filter(bad).collect();
        let only = !troubles.is_empty() && troubles.iter().all(|finding| finding.check == check);
        assert!(only, "not {check} alone:\n{self}");
        let expected = if self.verdict == "failure" { 2 } else { 1 };
        assert_eq!(self.code, Some(expected), "{self}");
        troubles[0]
    }
}

impl fmt::Display for Report {
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        writeln!(to, "status {:?}, {}", self.code, self.verdict)?;
        self.findings.iter().try_for_each(|finding| writeln!(to, "{finding}"))
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        let Finding { check, verdict, subject, what, remedy } = self;
        write!(to, "{verdict:8} {check}: {subject}: {what}")?;
        remedy.iter().try_for_each(|remedy| write!(to, "\n         type: {remedy}"))
    }
}
