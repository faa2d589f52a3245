//! Hosts that are reached through ssh: an unprivileged sshd of the test's own, with one thing wrong. Knows nothing of
//! other hosts.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::unistd::User;
use test_hosts::distccd::{free_port, listens, make_executable};
use test_hosts::need;
use test_hosts::process::{Running, clean, run};
use test_hosts::wait::wait_until;
use test_hosts::workdir::Workdir;

use crate::said::{Looker, can_look};

const USER: &str = "nobody";
const START: Duration = Duration::from_secs(20);

/// An sshd that lets root log in with some keys.
struct Sshd {
    work: Workdir,
    port: u16,
    _running: Running,
}

impl Sshd {
    /// Root is on every machine, so that none of its accounts needs to be changed.
    fn start() -> Option<Sshd> {
        let sshd = need::program("sshd", "install openssh-server (Debian) or openssh (Arch)")?;
        let work = Workdir::new();
        let place = work.open_dir("ssh");
        for key in ["host-key", "key", "other-key", "locked-key"] {
            make_key(&place.join(key), if key == "locked-key" { "secret" } else { "" });
        }
        let port = free_port();
        let [host_key, authorized] =
            ["host-key", "authorized"].map(|name| place.join(name).display().to_string());
        authorize(&place, &["key", "locked-key"]);
        let configuration = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {host_key}\nPidFile none\nAuthorizedKeysFile {authorized}\n\
             PasswordAuthentication no\nKbdInteractiveAuthentication no\nUsePAM no\nStrictModes no\n"
        );
        fs::write(place.join("sshd_config"), configuration).expect("a file in a directory of ours");
        // Root's sshd wants its directory for privilege separation.
        let _ = fs::create_dir_all("/run/sshd");
        let mut command = clean(sshd);
        command.args(["-D", "-e", "-f"]).arg(place.join("sshd_config"));
        let running = Running::start(command);
        let pid = running.pid();
        wait_until(START, "an sshd that listens", || listens(pid, port));
        Some(Sshd { work, port, _running: running })
    }

    fn place(&self) -> PathBuf {
        self.work.path().join("ssh")
    }

    /// DISTCC_SSH as a user would set it for a host with a port and a key of its own.
    fn looker<'a>(&self, key: &str, user: &'a str) -> Looker<'a> {
        let place = self.place();
        let wrapper = place.join(format!("ssh-with-{key}"));
        let script = format!(
            "#!/bin/sh\nexec ssh -F none -p {} -i {2}/{1} -o IdentitiesOnly=yes -o UserKnownHostsFile={2}/known \"$@\"\n",
            self.port,
            key,
            place.display()
        );
        fs::write(&wrapper, script).expect("a file in a directory of ours");
        make_executable(&wrapper);
        let configuration = format!("export DISTCC_SSH={}", wrapper.display());
        Looker { user: Some(user), configuration, ..Looker::default() }
    }

    fn know_host(&self, key: &str) {
        let public =
            fs::read_to_string(self.place().join(format!("{key}.pub"))).expect("a key that was made");
        fs::write(self.place().join("known"), format!("[127.0.0.1]:{} {public}", self.port))
            .expect("a file of ours");
    }

    fn install_distccd(&self) {
        let distccd = self.place().join("distccd");
        fs::write(&distccd, "#!/bin/sh\necho 'distcc 3.4 x86_64-pc-linux-gnu'\n").expect("a file of ours");
        make_executable(&distccd);
    }
}

/// ssh refuses keys that others may read, and reads them as the user who builds.
fn make_key(path: &Path, passphrase: &str) {
    let mut keygen = clean("ssh-keygen");
    keygen.args(["-q", "-t", "ed25519", "-N", passphrase, "-f"]).arg(path);
    run(keygen).good();
    fs::set_permissions(path, Permissions::from_mode(0o600)).expect("a file of ours");
    if !path.ends_with("host-key") {
        chown(path, Some(user().uid.as_raw()), None).expect("the rights of root");
    }
}

fn authorize(place: &Path, keys: &[&str]) {
    let public =
        |key: &&str| fs::read_to_string(place.join(format!("{key}.pub"))).expect("a key that was made");
    fs::write(place.join("authorized"), keys.iter().map(public).collect::<String>()).expect("a file of ours");
}

fn user() -> User {
    User::from_name(USER).ok().flatten().expect("this user is everywhere")
}

#[test]
fn logins() {
    if !can_look() || !need::root() {
        return;
    }
    let Some(sshd) = Sshd::start() else { return };
    let host = "root@127.0.0.1";
    let with = |key: &str| sshd.looker(key, USER);
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
    sshd.install_distccd();
    let found = with("key").look(&elsewhere);
    let verdicts: Vec<_> =
        found.iter().map(|finding| (finding.check.as_str(), finding.verdict.as_str())).collect();
    // The second becomes "well", and the third is gone, when the client can use such hosts.
    let expected = [("host-ssh-login", "well"), ("host-compiles", "skipped"), ("host-none", "failure")];
    assert_eq!(verdicts, expected, "{found:#?}");
    assert!(found[1].what.contains("ssh hosts are not supported"), "{found:#?}");
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
