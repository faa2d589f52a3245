//! Runs `distcc-arch check` with a host list and reads what it says of hosts. Knows nothing of what should be said.

use std::fs;

use serde_json::Value;
use test_hosts::need;
use test_hosts::netns::Netns;
use test_hosts::process::{clean, run};
use test_hosts::workdir::Workdir;

const DISTCC_ARCH: &str = env!("CARGO_BIN_EXE_distcc-arch");

/// One finding.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    pub(crate) check: String,
    pub(crate) verdict: String,
    pub(crate) what: String,
    pub(crate) remedy: String,
}

/// Who looks, and from where.
#[derive(Default)]
pub(crate) struct Looker<'a> {
    /// Another machine than this one.
    pub(crate) on: Option<&'a Netns>,
    /// The user who builds.
    pub(crate) user: Option<&'a str>,
    /// More lines for makepkg.conf.
    pub(crate) configuration: String,
}

/// False after a skip has been announced.
pub(crate) fn can_look() -> bool {
    need::program("makepkg", "install makepkg").is_some()
}

impl Looker<'_> {
    /// What is said of these hosts.
    #[track_caller]
    pub(crate) fn look(&self, hosts: &str) -> Vec<Finding> {
        let work = Workdir::new();
        let configuration = work.path().join("makepkg.conf");
        let lines = format!(
            "source /etc/makepkg.conf\nBUILDENV=(distcc !ccache)\nDISTCC_HOSTS='{hosts}'\n{}\n",
            self.configuration
        );
        fs::write(&configuration, lines).expect("a file in a directory of ours");
        let mut command = self.on.map_or_else(|| clean(DISTCC_ARCH), |host| host.command(DISTCC_ARCH));
        command.args(["check", "--json", "--config"]).arg(&configuration).env("HOME", work.home());
        command.args(self.user.iter().flat_map(|user| ["--user", user])).current_dir(work.src());
        let outcome = run(command);
        let read = in_json(&outcome.out());
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let findings = read.iter().map(|finding| Finding {
            check: text(&finding["check"]),
            verdict: text(&finding["verdict"]),
            what: text(&finding["what"]),
            remedy: text(&finding["remedy"]),
        });
        // What the list itself is like is another check's business.
        findings
            .filter(|finding| finding.check.starts_with("host-") && finding.check != "host-list")
            .collect()
    }

    /// Panics unless exactly this is wrong with the host, in words that hold `what`, and with such a remedy.
    #[track_caller]
    pub(crate) fn names(&self, host: &str, check: &str, what: &str, remedy: &str) {
        let found = self.look(host);
        let bad: Vec<_> = found.iter().filter(|finding| finding.verdict == "failure").collect();
        let names: Vec<_> = bad.iter().map(|finding| finding.check.as_str()).collect();
        assert_eq!(names, [check], "{found:#?}");
        assert!(bad[0].what.contains(what) && bad[0].remedy.contains(remedy), "{found:#?}");
    }

    /// Panics unless all is well with the host, and both languages were compiled there.
    #[track_caller]
    pub(crate) fn is_content_with(&self, host: &str) {
        let found = self.look(host);
        let compiled = found.iter().filter(|finding| finding.check == "host-compiles").count();
        assert!(compiled == 2 && found.iter().all(|finding| finding.verdict == "well"), "{found:#?}");
    }
}

/// Exactly this is wrong with a host that is asked from here.
#[track_caller]
pub(crate) fn names(host: &str, check: &str, what: &str, remedy: &str) {
    Looker::default().names(host, check, what, remedy);
}

/// All is well with a host that is asked from here.
#[track_caller]
pub(crate) fn is_content_with(host: &str) {
    Looker::default().is_content_with(host);
}

/// The findings as they are printed for programs.
#[track_caller]
pub(crate) fn in_json(text: &str) -> Vec<Value> {
    let read: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    read["findings"].as_array().expect("a list").clone()
}
