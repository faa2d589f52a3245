//! An ssh server on the loopback interface, with keys of its own, and the ways to reach it. Knows nothing of
//! what runs behind a login.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::unistd::User;

use crate::distccd::{free_port, listens, make_executable};
use crate::need;
use crate::process::{Running, clean, run};
use crate::wait::wait_until;
use crate::workdir::Workdir;

/// Whom the keys belong to but for those of root.
pub const USER: &str = "nobody";
const START: Duration = Duration::from_secs(20);

/// A server that lets root log in with `key` and, once it is unlocked, with `locked-key`; with `other-key` nobody gets
/// in. Root is on every machine, so that none of its accounts needs to be changed.
pub struct Sshd {
    work: Workdir,
    port: u16,
    _running: Running,
}

impl Sshd {
    /// Waits until it listens; None after a skip has been announced: only root's server lets root in.
    pub fn start() -> Option<Sshd> {
        if !need::root() {
            return None;
        }
        let sshd = need::program("sshd", "install openssh-server (Debian) or openssh (Arch)")?;
        let work = Workdir::new();
        let place = work.open_dir("ssh");
        for key in ["host-key", "key", "other-key", "locked-key"] {
            make_key(&place.join(key), if key == "locked-key" { "secret" } else { "" });
        }
        let port = free_port();
        authorize(&place, &["key", "locked-key"]);
        let [host_key, authorized] =
            ["host-key", "authorized"].map(|name| place.join(name).display().to_string());
        // Many log in at once, which a server with its defaults would take for an attack. Whatever root's own shell does
        // at a login is none of the tests' business.
        let configuration = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {host_key}\nPidFile none\nAuthorizedKeysFile {authorized}\n\
             PasswordAuthentication no\nKbdInteractiveAuthentication no\nUsePAM no\nStrictModes no\n\
             MaxStartups 100\nSetEnv HOME={}\n",
            work.home().display()
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

    /// A server whose key is known.
    pub fn start_known() -> Option<Sshd> {
        Sshd::start().inspect(|sshd| sshd.know_host("host-key"))
    }

    /// Where its keys are, and whatever a test puts there.
    pub fn place(&self) -> PathBuf {
        self.work.path().join("ssh")
    }

    /// The words that lead to it with this key, for a shell.
    pub fn ssh(&self, key: &str) -> String {
        format!(
            "ssh -F none -p {} -i {2}/{1} -o IdentitiesOnly=yes -o UserKnownHostsFile={2}/known",
            self.port,
            key,
            self.place().display()
        )
    }

    /// A program that does what `script` says, as a shell reads it; `"$@"` are its arguments.
    pub fn install(&self, name: &str, script: &str) -> PathBuf {
        let path = self.place().join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("a file in a directory of ours");
        make_executable(&path);
        path
    }

    /// Makes those who come believe that the server has this key.
    pub fn know_host(&self, key: &str) {
        let public =
            fs::read_to_string(self.place().join(format!("{key}.pub"))).expect("a key that was made");
        fs::write(self.place().join("known"), format!("[127.0.0.1]:{} {public}", self.port))
            .expect("a file of ours");
    }
}

/// ssh refuses keys that others may read, and reads them as the user who builds.
fn make_key(path: &Path, passphrase: &str) {
    let mut keygen = clean("ssh-keygen");
    keygen.args(["-q", "-t", "ed25519", "-N", passphrase, "-f"]).arg(path);
    run(keygen).good();
    fs::set_permissions(path, Permissions::from_mode(0o600)).expect("a file of ours");
    if !path.ends_with("host-key") {
        let user = User::from_name(USER).ok().flatten().expect("this user is everywhere");
        chown(path, Some(user.uid.as_raw()), None).expect("the rights of root");
    }
}

fn authorize(place: &Path, keys: &[&str]) {
    let public =
        |key: &&str| fs::read_to_string(place.join(format!("{key}.pub"))).expect("a key that was made");
    fs::write(place.join("authorized"), keys.iter().map(public).collect::<String>()).expect("a file of ours");
}
