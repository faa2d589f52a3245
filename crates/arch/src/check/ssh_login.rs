//! Whether the user who builds can log in to an ssh host without being asked, and whether there is a distccd there.
//! Knows nothing of jobs.

use crate::ask::ask;
use crate::build_user::BuildUser;
use crate::check::remedy::word;
use crate::check::{Finding, Situation};
use hosts::{Host, Place};
use nix::unistd::geteuid;
use std::ffi::OsString;
use std::time::Duration;

/// Where ssh's agent listens.
const AGENT: &str = "SSH_AUTH_SOCK";

/// ssh itself gives up connecting after 5 s; logging in takes some more.
const LIMIT: Duration = Duration::from_secs(20);

/// ssh's own status; any other is that of the command there.
const SSH_FAILED: i32 = 255;
/// A shell's status for a command that is not there.
const NOT_FOUND: i32 = 127;
const NOT_EXECUTABLE: i32 = 126;

/// How an attempt to log in ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Login {
    /// A distccd answered; the first line of its version.
    Works(String),
    /// The login worked, and there is no distccd of this name.
    NoDaemon,
    /// No key of ours is known there.
    KeyUnknown,
    /// The key is known there, but needs a passphrase, and no agent has it.
    KeyLocked,
    /// That machine's own key is not known here.
    HostKeyUnknown,
    /// That machine's own key is not the one that is known here.
    HostKeyChanged,
    /// No connection; ssh's words.
    NoConnection(String),
    /// Anything else; a fragment.
    Failed(String),
    /// Nobody knows who builds.
    NoUser,
}

/// Logs in as the building user and asks distccd for its version.
pub(crate) fn log_in(host: &Host, situation: &Situation) -> Login {
    let Some(user) = situation.user.as_ref().filter(|user| user.uid != 0) else { return Login::NoUser };
    let words = words(situation);
    let mut command = user.command(&words[0], situation.settings);
    // What ssh reports of a key with -v tells a key that is unknown there from one that cannot be unlocked here.
    command.args(&words[1..]).args(["-v", "-o", "BatchMode=yes", "-o", "ConnectTimeout=5"]);
    command.args(target(host)).arg(format!("{} --version", daemon(host)));
    let ended = ask(situation.processes, &mut command, LIMIT);
    match &ended.status {
        Ok(status) => judge(
            status.code().unwrap_or(SSH_FAILED),
            &String::from_utf8_lossy(&ended.stdout),
            &String::from_utf8_lossy(&ended.stderr),
        ),
        Err(error) => Login::Failed(format!("{} cannot be run: {error}", words[0])),
    }
}

fn judge(code: i32, stdout: &str, stderr: &str) -> Login {
    let says = |words: &str| stderr.contains(words);
    let last = || {
        let mut said = stderr.lines().filter(|line| !line.starts_with("debug1:") && !line.trim().is_empty());
        said.next_back().unwrap_or("it says nothing").trim().to_owned()
    };
    match code {
        0 => Login::Works(stdout.lines().next().unwrap_or_default().to_owned()),
        NOT_FOUND | NOT_EXECUTABLE => Login::NoDaemon,
        SSH_FAILED if says("REMOTE HOST IDENTIFICATION HAS CHANGED") => Login::HostKeyChanged,
        SSH_FAILED if says("Host key verification failed") => Login::HostKeyUnknown,
        SSH_FAILED if says("Permission denied") && says("Server accepts key") => Login::KeyLocked,
        SSH_FAILED if says("Permission denied") || says("Too many authentication failures") => {
            Login::KeyUnknown
        }
        SSH_FAILED if says("Could not resolve hostname") || says("connect to ") => {
            Login::NoConnection(last())
        }
        _ => Login::Failed(format!("status {code}: {}", last())),
    }
}

/// What is to be said of a login, and the command that mends it.
pub(crate) fn finding(login: &Login, host: &Host, situation: &Situation) -> Finding {
    let user = situation.user.as_ref();
    let ours = |command: String| as_user(user, &command);
    let who = user.map_or("?", |user| user.name.as_str());
    let ssh = typed(situation, host);
    let address = address(host);
    let failure = |check, what: String, remedy: String| Finding::failure(check, &host.spec, what, remedy);
    match login {
        Login::Works(version) => Finding::well(
            "host-ssh-login",
            &host.spec,
            format!("{who} gets in without a prompt and finds {version}"),
        ),
        Login::NoDaemon => failure(
            "host-ssh-daemon",
            format!("{who} gets in, and there is no {} there", daemon(host)),
            format!("on {}: sudo pacman -S --needed distcc-arch", host.name()),
        ),
        Login::KeyUnknown => failure(
            "host-ssh-login",
            format!("{who} cannot get in without a password: no key of {who}'s is accepted there"),
            ours(format!("ssh-copy-id {}", word(&address))),
        ),
        Login::KeyLocked => failure(
            "host-ssh-login",
            format!("{who}'s key is accepted there, but it has a passphrase and no ssh agent holds it"),
            ours("ssh-add".to_owned()),
        ),
        Login::HostKeyUnknown | Login::HostKeyChanged => host_key(login, host, situation),
        Login::NoConnection(why) => failure(
            "host-ssh-connect",
            why.trim_start_matches("ssh: ").to_owned(),
            format!("on {}: sudo systemctl enable --now sshd", host.name()),
        ),
        Login::Failed(why) => failure("host-ssh-login", why.clone(), ours(format!("{ssh} true"))),
        Login::NoUser => {
            Finding::skipped("host-ssh-login", &host.spec, "nobody knows who builds: say --user NAME")
        }
    }
}

fn host_key(login: &Login, host: &Host, situation: &Situation) -> Finding {
    let user = situation.user.as_ref();
    let ours = |command: String| as_user(user, &command);
    let confirm = ours(typed(situation, host) + " true");
    let (what, remedy) = if *login == Login::HostKeyChanged {
        let what = "that machine's key is another one than before: it was installed anew, or somebody stands in its place";
        (what.to_owned(), format!("{} && {confirm}", ours(format!("ssh-keygen -R {}", word(host.name())))))
    } else {
        let who = user.map_or("?", |user| user.name.as_str());
        (format!("{who} has never confirmed that machine's key"), confirm)
    };
    Finding::failure("host-ssh-host-key", &host.spec, what, remedy)
}

fn as_user(user: Option<&BuildUser>, command: &str) -> String {
    match user.filter(|user| user.uid != geteuid().as_raw()) {
        Some(user) => format!("sudo -iu {} {command}", user.name),
        None => command.to_owned(),
    }
}

/// The variables that tell a client of the user who builds how ssh gets in.
pub(crate) fn variables(situation: &Situation) -> Vec<(&'static str, OsString)> {
    let asked = Some(asked(situation)).filter(|asked| !asked.is_empty());
    let is_us = situation.user.as_ref().is_none_or(|user| user.uid == geteuid().as_raw());
    let handed_on = || situation.settings.handed_on.iter().find(|(name, _)| name == AGENT);
    let agent = is_us.then(handed_on).flatten().map(|(_, socket)| (AGENT, socket.clone()));
    asked.map(|asked| ("DISTCC_SSH", asked.into())).into_iter().chain(agent).collect()
}

/// `DISTCC_SSH` as a client of the user who builds sees it.
fn asked<'a>(situation: &'a Situation) -> &'a str {
    let building = situation.building.as_ref().ok().filter(|building| building.exported("DISTCC_SSH"));
    building.and_then(|building| building.scalar("DISTCC_SSH")).unwrap_or_default()
}

/// `DISTCC_SSH`, split as the client does, else ssh.
fn words(situation: &Situation) -> Vec<String> {
    // The client names an open quote by itself.
    let words = shell_words::split(asked(situation)).unwrap_or_default();
    if words.is_empty() { vec!["ssh".to_owned()] } else { words }
}

/// What to type to log in.
fn typed(situation: &Situation, host: &Host) -> String {
    let words = [words(situation), target(host)].concat();
    words.iter().map(|text| word(text)).collect::<Vec<_>>().join(" ")
}

fn target(host: &Host) -> Vec<String> {
    let Place::Ssh { user, name, .. } = &host.place else { return Vec::new() };
    let user = user.iter().flat_map(|user| ["-l".to_owned(), user.clone()]);
    user.chain([name.clone()]).collect()
}

fn address(host: &Host) -> String {
    match &host.place {
        Place::Ssh { user: Some(user), name, .. } => format!("{user}@{name}"),
        _ => host.name().to_owned(),
    }
}

fn daemon(host: &Host) -> &str {
    match &host.place {
        Place::Ssh { command: Some(command), .. } => command,
        _ => "distccd",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(code: i32, stderr: &str, expected: &Login) {
        assert_eq!(&judge(code, "distcc 3.4 x86_64-pc-linux-gnu\nmore\n", stderr), expected, "{stderr}");
    }

    #[test]
    fn what_ssh_says() {
        let verbose = "debug1: Offering public key: /home/b/.ssh/id_ed25519 ED25519 SHA256:x\n";
        let accepted = "debug1: Server accepts key: /home/b/.ssh/id_ed25519 ED25519 SHA256:x\n";
        let denied = "b@red: Permission denied (publickey).\n";
        let changed =
            "@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\nHost key verification failed.\n";
        check(0, verbose, &Login::Works("distcc 3.4 x86_64-pc-linux-gnu".into()));
        check(127, "sh: 1: distccd: not found\n", &Login::NoDaemon);
        check(255, &format!("{verbose}{denied}"), &Login::KeyUnknown);
        check(255, &format!("{verbose}{accepted}{denied}"), &Login::KeyLocked);
        check(255, changed, &Login::HostKeyChanged);
        check(
            255,
            "No ED25519 host key is known for red.\nHost key verification failed.\n",
            &Login::HostKeyUnknown,
        );
        let refused = "ssh: connect to host red port 22: Connection refused";
        check(255, &format!("debug1: x\n{refused}\r\n"), &Login::NoConnection(refused.into()));
        check(2, "oops\n", &Login::Failed("status 2: oops".into()));
    }
}
