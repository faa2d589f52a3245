//! Hosts that are reached through ssh, with one thing wrong. Knows nothing of other hosts.

use test_hosts::distccd::free_port;
use test_hosts::need;
use test_hosts::sshd::{Sshd, USER};

use crate::said::{Looker, can_look};

/// With DISTCC_SSH as a user would set it for a host with a port and a key of its own.
fn looker(sshd: &Sshd, key: &str) -> Looker<'static> {
    let wrapper = sshd.install(&format!("ssh-with-{key}"), &format!("exec {} \"$@\"", sshd.ssh(key)));
    let configuration = format!("export DISTCC_SSH={}", wrapper.display());
    Looker { user: Some(USER), configuration, ..Looker::default() }
}

#[test]
fn logins() {
    if !can_look() || !need::root() {
        return;
    }
    let Some(sshd) = Sshd::start() else { return };
    let host = "root@127.0.0.1";
    let with = |key: &str| looker(&sshd, key);
    with("key").names(host, "host-ssh-host-key", "never confirmed", "-l root 127.0.0.1 true");
    sshd.know_host("other-key");
    with("key").names(
        host,
        "host-ssh-host-key",
        "another one than before",
        "ssh-keygen -R 127.0.0.1 && sudo -iu nobody ",
    );
    sshd.know_host("host-key");
    with("other-key").names(
        host,
        "host-ssh-login",
        "no key of nobody's is accepted",
        "ssh-copy-id root@127.0.0.1",
    );
    with("locked-key").names(host, "host-ssh-login", "has a passphrase", "sudo -iu nobody ssh-add");
    let elsewhere = format!("{host}:{}/distccd", sshd.place().display());
    with("key").names(&elsewhere, "host-ssh-daemon", "/distccd there", "pacman -S --needed distcc-arch");
    sshd.install("distccd", &format!("exec {} \"$@\"", env!("CARGO_BIN_EXE_distccd")));
    let found = with("key").look(&elsewhere);
    let verdicts: Vec<_> =
        found.iter().map(|finding| (finding.check.as_str(), finding.verdict.as_str())).collect();
    let expected = [("host-compiles", "well"), ("host-compiles", "well"), ("host-ssh-login", "well")];
    assert_eq!(verdicts, expected, "{found:#?}");
}

#[test]
fn nobody_answers() {
    if !can_look() || !need::root() {
        return;
    }
    let looker = Looker {
        user: Some(USER),
        configuration: format!("export DISTCC_SSH='ssh -F none -p {}'", free_port()),
        ..Looker::default()
    };
    looker.names("@127.0.0.1", "host-ssh-connect", "Connection refused", "systemctl enable --now sshd");
}
