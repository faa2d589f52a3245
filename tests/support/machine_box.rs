//! A whole machine for one test: its own copy-on-write view of this machine's file system, its own processes and name, on
//! a network of the test's. Knows nothing of what is installed on it or what runs there.

use std::fs::{self, File};
use std::io::{Seek, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};

use crate::netns::Netns;
use crate::process::{LIMIT, Outcome, Running, clean, pid_of, run};
use crate::settings::PATH;
use crate::wait::wait_for;
use crate::workdir::Workdir;

const BOOT: Duration = Duration::from_secs(20);
const INIT: &str = include_str!("machine_init.sh");
/// As Arch gives it to a user who logs in.
const USER_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// A machine that is up. What is written on it stays in memory; dropped, its processes are killed and all of it is gone.
pub struct MachineBox {
    init: Child,
    /// Closed by the kernel if this process is killed, which ends the machine too.
    _held: ChildStdin,
    place: Workdir,
}

impl MachineBox {
    /// Boots a machine that starts as this one is now, without its other file systems, /tmp and /run.
    #[track_caller]
    pub fn boot(name: &str, on: &Netns) -> MachineBox {
        MachineBox::try_boot(name, on).unwrap_or_else(|why| panic!("{name} does not boot: {why}"))
    }

    /// Like [`MachineBox::boot`], but says why it cannot be done here.
    ///
    /// # Errors
    /// What the machine's first process said before it ended.
    pub fn try_boot(name: &str, on: &Netns) -> Result<MachineBox, String> {
        let place = Workdir::new();
        let said = place.path().join("said");
        let output = File::create(&said).expect("a file in a directory of ours");
        let also = output.try_clone().expect("a file that is open");
        let mut command = on.command("unshare");
        command.args(["--mount", "--propagation", "private", "--uts", "--pid", "--fork", "--kill-child"]);
        command.args(["bash", "-c", INIT, "machine"]).arg(place.src()).arg(name);
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        command.stdin(Stdio::piped()).stdout(output).stderr(also);
        let mut init = command.spawn().map_err(|error| error.to_string())?;
        let held = init.stdin.take().expect("a pipe was asked for");
        let mut machine = MachineBox { init, _held: held, place };
        let words = || fs::read_to_string(&said).unwrap_or_default();
        let up = wait_for(BOOT, "a machine that is up", || match machine.init.try_wait() {
            Ok(None) => words().contains("ready").then_some(true),
            _ => Some(false),
        });
        if up { Ok(machine) } else { Err(words().trim().replace('\n', "; ")) }
    }

    /// A command with a clean environment that root runs on this machine, in /.
    pub fn command(&self, program: impl AsRef<Path>) -> Command {
        let init = format!("/proc/{}", self.init.id());
        let mut command = clean("nsenter");
        command.args(["--target", &self.init.id().to_string(), "--mount", "--uts", "--net"]);
        // Without --wd it would keep a directory outside.
        command.args([
            "--root",
            &format!("--wd={init}/root"),
            &format!("--pid={init}/ns/pid_for_children"),
            "--",
        ]);
        command.arg(program.as_ref()).env("HOME", "/root").env("TERM", "dumb");
        command
    }

    /// The same for a user of this machine with a home directory below /home, in it, as after a fresh login.
    pub fn command_as(&self, user: &str, script: &str) -> Command {
        let mut command = self.command("setpriv");
        command.args(["--reuid", user, "--regid", user, "--init-groups", "--"]);
        command.args(["sh", "-c", &format!("cd && {script}")]);
        let home = if user == "root" { "/root".to_owned() } else { format!("/home/{user}") };
        command.env("PATH", USER_PATH).env("HOME", home);
        command.env("USER", user).env("LOGNAME", user);
        command
    }

    /// Runs a shell script as root.
    #[track_caller]
    pub fn run(&self, script: &str) -> Outcome {
        run(self.shell(script))
    }

    /// Runs a shell script as a user, in the home directory.
    #[track_caller]
    pub fn run_as(&self, user: &str, script: &str) -> Outcome {
        self.run_as_within(user, script, LIMIT)
    }

    /// Like [`MachineBox::run_as`], with a limit of its own.
    #[track_caller]
    pub fn run_as_within(&self, user: &str, script: &str, limit: Duration) -> Outcome {
        Running::start(self.command_as(user, script)).finish(limit)
    }

    /// Types a command line on a terminal, in a directory, and yes to whatever is asked.
    #[track_caller]
    pub fn type_as(&self, user: &str, directory: &str, line: &str) -> Outcome {
        // A program may throw away what was typed before it asked.
        let answers = "for time in $(seq 200); do sleep 0.1; echo y || exit; done 2>/dev/null";
        let mut command =
            self.command_as(user, &format!("cd \"$1\" && {answers} | script -qec \"$2\" /dev/null"));
        command.args(["typed", directory, line]).env("SHELL", "/bin/bash");
        run(command)
    }

    /// Starts a shell script as root; what it starts in turn lives on until the machine ends.
    #[track_caller]
    pub fn start(&self, script: &str) -> Running {
        Running::start(self.shell(script))
    }

    /// Writes a file as root and makes the directories that lead to it.
    #[track_caller]
    pub fn write(&self, path: &str, text: &str) {
        let mut source = tempfile::tempfile().expect("a temporary file");
        source.write_all(text.as_bytes()).and_then(|()| source.rewind()).expect("a temporary file of ours");
        self.receive(source, path, "0644");
    }

    /// Puts a program of the real machine there.
    #[track_caller]
    pub fn install(&self, program: &Path, path: &str) {
        let source = File::open(program).unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        self.receive(source, path, "0755");
    }

    // Written from inside: seen from outside, an absolute link of the machine would lead to the real one's files.
    #[track_caller]
    fn receive(&self, source: File, path: &str, mode: &str) {
        let mut command = self.command("sh");
        let script = "mkdir -p -- \"${0%/*}\" && rm -f -- \"$0\" && cat >\"$0\" && chmod \"$1\" \"$0\"";
        command.args(["-c", script, path, mode]).stdin(source);
        run(command).good();
    }

    /// The bytes of a file as text; empty if there is none.
    pub fn read(&self, path: &str) -> String {
        let mut command = self.command("cat");
        command.arg(path);
        run(command).out()
    }

    /// Adds a user with an empty home directory below /home, in place of one of that name whom this machine has.
    #[track_caller]
    pub fn add_user(&self, user: &str) {
        let remove = format!("if id {user}; then userdel --force {user}; fi; rm -rf /home/{user}");
        self.run(&format!("{remove}; useradd --user-group --create-home --shell /bin/bash {user}")).good();
    }

    /// A directory of the real machine, unpacked for a user of this one below the home directory.
    #[track_caller]
    pub fn copy_tree(&self, from: &Path, user: &str, to: &str) -> PathBuf {
        let archive = self.place.path().join("tree.tar");
        let mut pack = clean("tar");
        pack.arg("-cf").arg(&archive).arg("-C").arg(from).arg(".");
        run(pack).good();
        let mut unpack =
            self.command_as(user, &format!("mkdir -p {to} && tar -xf - --no-same-owner -C {to}"));
        unpack.stdin(File::open(archive).expect("a file of ours"));
        run(unpack).good();
        Path::new("/home").join(user).join(to)
    }

    fn shell(&self, script: &str) -> Command {
        let mut command = self.command("sh");
        command.args(["-c", script]).env("PATH", PATH);
        command
    }
}

impl Drop for MachineBox {
    fn drop(&mut self) {
        let _ = killpg(pid_of(&self.init), Signal::SIGKILL);
        let _ = self.init.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::need;
    use crate::netns::Network;

    #[test]
    fn what_happens_on_a_machine_stays_there() {
        if !need::machines() {
            return;
        }
        let network = Network::new(1);
        let builder = MachineBox::boot("builder", network.builder());
        let server = MachineBox::boot("server", &network.others()[0]);
        builder.add_user("someone");
        builder.write("/etc/distcc-arch-test", "here\n");
        builder.run("rm -r /usr/share/doc").good();
        assert_eq!(builder.read("/etc/distcc-arch-test"), "here\n");
        assert_eq!(
            builder.run_as("someone", "id -un; pwd; hostname").out(),
            "someone\n/home/someone\nbuilder\n"
        );
        for (look, said) in
            [("cat /etc/distcc-arch-test", ""), ("id -u someone", ""), ("hostname", "server\n")]
        {
            assert_eq!(server.run(look).out(), said);
        }
        assert!(!Path::new("/etc/distcc-arch-test").exists());
        let unending = builder.start("sleep 300");
        drop(builder);
        assert!(!unending.finish(BOOT).status.success());
    }
}
