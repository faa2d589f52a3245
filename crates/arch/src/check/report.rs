//! What was found, as text for people or JSON for programs. Finds out nothing by itself.

use crate::check::Section;
use crate::check::finding::{Finding, Verdict};
use crate::check::printable::printable;
use serde_json::{Value, json};
use std::fmt::Write;

/// How text may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// Signs and colours.
    Terminal,
    /// Words.
    Plain,
}

/// The worst of all verdicts. What was skipped does not count, but where nothing else was found nothing is well.
pub(crate) fn verdict(sections: &[Section]) -> Verdict {
    let worst = findings(sections).map(|finding| finding.verdict).max();
    match worst.unwrap_or(Verdict::Skipped) {
        Verdict::Skipped if findings(sections).any(|finding| finding.verdict == Verdict::Well) => {
            Verdict::Well
        }
        Verdict::Skipped => Verdict::Failure,
        worst => worst,
    }
}

/// One object; `check --help` documents its shape.
pub(crate) fn json(sections: &[Section]) -> String {
    let all: Vec<Value> = findings(sections).map(as_json).collect();
    format!("{:#}\n", json!({ "verdict": verdict(sections).name(), "findings": all }))
}

/// One finding as an object.
pub(crate) fn as_json(finding: &Finding) -> Value {
    json!({
        "check": finding.check,
        "verdict": finding.verdict.name(),
        "subject": finding.subject,
        "what": finding.what,
        "remedy": finding.remedy,
    })
}

/// A line for each finding below the title of its check, and one that sums up.
pub(crate) fn text(sections: &[Section], style: Style) -> String {
    let mut text = String::new();
    for section in sections.iter().filter(|section| !section.findings.is_empty()) {
        line(&mut text, &style.title(section.title));
        for finding in &section.findings {
            line(&mut text, &format!("  {} {}", style.mark(finding.verdict), printable(&said(finding))));
            finding.remedy.iter().for_each(|remedy| line(&mut text, &style.remedy(&printable(remedy))));
        }
    }
    line(&mut text, "");
    line(&mut text, &summary(sections));
    text
}

fn findings(sections: &[Section]) -> impl Iterator<Item = &Finding> {
    sections.iter().flat_map(|section| &section.findings)
}

fn said(finding: &Finding) -> String {
    match (finding.subject.as_str(), finding.verdict) {
        ("", Verdict::Skipped) => format!("not checked: {}", finding.what),
        ("", _) => finding.what.clone(),
        (subject, Verdict::Skipped) => format!("{subject}: not checked: {}", finding.what),
        (subject, _) => format!("{subject}: {}", finding.what),
    }
}

fn summary(sections: &[Section]) -> String {
    let count = |verdict| findings(sections).filter(|finding| finding.verdict == verdict).count();
    let parts = [(Verdict::Failure, "failure"), (Verdict::Warning, "warning"), (Verdict::Well, "well")];
    let parts = parts.into_iter().map(|(verdict, name)| match (count(verdict), name) {
        (1, _) | (_, "well") => format!("{} {name}", count(verdict)),
        (several, _) => format!("{several} {name}s"),
    });
    let skipped = match count(Verdict::Skipped) {
        0 => String::new(),
        some => format!(", {some} not checked"),
    };
    parts.collect::<Vec<_>>().join(", ") + &skipped
}

impl Style {
    fn title(self, title: &str) -> String {
        match self {
            Style::Terminal => format!("\x1b[1m{title}\x1b[0m"),
            Style::Plain => title.to_owned(),
        }
    }

    /// Select Graphic Rendition (ECMA-48) around a sign; in plain text a word of even width.
    fn mark(self, verdict: Verdict) -> &'static str {
        match (self, verdict) {
            (Style::Terminal, Verdict::Well) => "\x1b[32m✓\x1b[0m",
            (Style::Terminal, Verdict::Skipped) => "\x1b[36m-\x1b[0m",
            (Style::Terminal, Verdict::Warning) => "\x1b[1;33m!\x1b[0m",
            (Style::Terminal, Verdict::Failure) => "\x1b[1;31m✗\x1b[0m",
            (Style::Plain, Verdict::Well) => "ok     ",
            (Style::Plain, Verdict::Skipped) => "skipped",
            (Style::Plain, Verdict::Warning) => "warning",
            (Style::Plain, Verdict::Failure) => "FAILURE",
        }
    }

    fn remedy(self, remedy: &str) -> String {
        match self {
            Style::Terminal => format!("      \x1b[1m{remedy}\x1b[0m"),
            Style::Plain => format!("          type: {remedy}"),
        }
    }
}

fn line(text: &mut String, line: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sections() -> Vec<Section> {
        let hosts = vec![
            Finding::well("hosts", "$DISTCC_HOSTS", "2 hosts"),
            Finding::failure(
                "host-port",
                "red:3632",
                "connection refused",
                "ssh red systemctl start distccd",
            ),
        ];
        let skipped = vec![Finding::skipped("firewall", "", "this is not root")];
        [("Hosts", hosts), ("Firewall", skipped), ("Empty", vec![])]
            .map(|(title, findings)| Section { title, findings })
            .into()
    }

    #[test]
    fn for_people() {
        let expected = "Hosts\n  ok      $DISTCC_HOSTS: 2 hosts\n  FAILURE red:3632: connection refused\n          \
            type: ssh red systemctl start distccd\nFirewall\n  skipped not checked: this is not root\n\n\
            1 failure, 0 warnings, 1 well, 1 not checked\n";
        assert_eq!(text(&sections(), Style::Plain), expected);
        let shown = text(&sections(), Style::Terminal);
        assert!(shown.contains("✓\x1b[0m $DISTCC_HOSTS") && shown.contains("✗"), "{shown}");
    }

    #[test]
    fn what_others_say_controls_no_terminal() {
        let finding = Finding::failure("x", "red", "says \x1b[2J\nx", "rm $'\x1b'");
        let shown = text(&[Section { title: "X", findings: vec![finding] }], Style::Plain);
        assert!(!shown.contains('\x1b') && shown.contains("says \\u{1b}[2J\\nx\n"), "{shown}");
    }

    #[test]
    fn for_programs() {
        let read: Value = serde_json::from_str(&json(&sections())).unwrap();
        assert_eq!(read["verdict"], "failure");
        let second = json!({"check": "host-port", "verdict": "failure", "subject": "red:3632",
            "what": "connection refused", "remedy": "ssh red systemctl start distccd"});
        assert_eq!(read["findings"][1], second);
        assert_eq!(read["findings"][2]["remedy"], Value::Null);
    }

    #[test]
    fn the_worst_counts_and_skipping_is_not_success() {
        let one = |finding| Section { title: "x", findings: vec![finding] };
        let (well, skipped) = (|| one(Finding::well("x", "", "")), || one(Finding::skipped("x", "", "")));
        let warning = || one(Finding::warning("x", "", "", ""));
        assert_eq!(verdict(&[]), Verdict::Failure);
        assert_eq!(verdict(&[skipped()]), Verdict::Failure);
        assert_eq!(verdict(&[well(), skipped()]), Verdict::Well);
        assert_eq!(verdict(&[warning(), well(), skipped()]), Verdict::Warning);
    }
}
