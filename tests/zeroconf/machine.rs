//! Machines on one network, each with a name and a /run of its own, and Avahi if it is to have it. Knows nothing of what any
//! test proves.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use test_hosts::need;
use test_hosts::netns::Netns;
use test_hosts::process::{Outcome, Running, run};
use test_hosts::wait::{wait_for, wait_until};
use test_hosts::workdir::Workdir;
use test_hosts::{Programs, distccd::listens};

pub(crate) const OURS: Programs =
    Programs { distcc: env!("CARGO_BIN_EXE_distcc"), distccd: env!("CARGO_BIN_EXE_distccd") };
pub(crate) const DISTCC_ARCH: &str = env!("CARGO_BIN_EXE_distcc-arch");

/// Announcements take a second or two; a machine under load, longer.
pub(crate) const SOON: Duration = Duration::from_secs(30);

/// Gives a program the machine's name and /run.
const ENTER: &str = r#"mount --bind "$1" /run && hostname "$0" && shift && exec "$@""#;

const AVAHI: &str =
    "[server]\nuse-ipv4=yes\nuse-ipv6=yes\nenable-dbus=yes\n[publish]\npublish-workstation=no\n";

/// Who speaks multicast DNS for a machine.
#[derive(Clone, Copy)]
pub(crate) enum Way {
    Avahi,
    /// Over IPv4 only: C clients take what comes first, and cannot use link-local addresses.
    AvahiForIpv4,
    /// Whoever wants to announce or find something, by itself.
    Alone,
}

/// A host of a network with a name.
pub(crate) struct Machine<'a> {
    host: &'a Netns,
    name: &'static str,
    place: Workdir,
    services: Vec<Running>,
    /// Whether Avahi is to use it.
    ipv6: &'static str,
}

impl<'a> Machine<'a> {
    pub(crate) fn new(way: Way, host: &'a Netns, name: &'static str) -> Machine<'a> {
        match way {
            Way::Avahi => Machine::with_avahi(host, name),
            Way::AvahiForIpv4 => Machine::alone(host, name).and_avahi("no"),
            Way::Alone => Machine::alone(host, name),
        }
    }

    /// Without a bus.
    pub(crate) fn alone(host: &'a Netns, name: &'static str) -> Machine<'a> {
        let place = Workdir::new();
        let run = place.open_dir("run");
        fs::create_dir(run.join("dbus")).expect("a new directory of ours");
        Machine { host, name, place, services: Vec::new(), ipv6: "yes" }
    }

    /// With a bus, and Avahi on it.
    pub(crate) fn with_avahi(host: &'a Netns, name: &'static str) -> Machine<'a> {
        Machine::alone(host, name).and_avahi("yes")
    }

    fn and_avahi(mut self, ipv6: &'static str) -> Machine<'a> {
        self.ipv6 = ipv6;
        let bus = self.start("dbus-daemon", &["--system", "--nofork", "--nopidfile"]);
        self.services.push(bus);
        let socket = self.run_dir().join("dbus/system_bus_socket");
        wait_until(SOON, "a system bus", || socket.exists());
        self.start_avahi();
        self
    }

    /// Again, if it was stopped.
    pub(crate) fn start_avahi(&mut self) {
        let [conf, log] = ["avahi.conf", "avahi.log"].map(|name| self.place.path().join(name));
        fs::write(&conf, AVAHI.replace("IPV6", self.ipv6)).expect("a file in a directory of ours");
        let _ = fs::remove_file(&log);
        let script = "exec avahi-daemon --no-drop-root --no-chroot --no-rlimits -f \"$0\" >\"$1\" 2>&1";
        let words = ["-c", script, &conf.display().to_string(), &log.display().to_string()];
        let avahi = self.start("sh", &words);
        self.services.push(avahi);
        wait_until(SOON, "Avahi", || {
            fs::read_to_string(&log).is_ok_and(|log| log.contains("Server startup complete"))
        });
    }

    /// As if its service crashed.
    pub(crate) fn stop_avahi(&mut self) {
        self.services.truncate(1);
        let _ = fs::remove_dir_all(self.run_dir().join("avahi-daemon"));
    }

    pub(crate) fn host(&self) -> &Netns {
        self.host
    }

    fn run_dir(&self) -> PathBuf {
        self.place.path().join("run")
    }

    /// A command on this machine.
    pub(crate) fn command(&self, program: &str, words: &[&str]) -> Command {
        let mut command = self.host.command("unshare");
        command.args(["--uts", "sh", "-c", ENTER, self.name]).arg(self.run_dir()).arg(program).args(words);
        command.current_dir("/");
        command
    }

    fn start(&self, program: &str, words: &[&str]) -> Running {
        Running::start(self.command(program, words))
    }

    /// A daemon that announces itself and listens on all addresses.
    pub(crate) fn daemon(&self, distccd: &str) -> Daemon {
        self.daemon_with(distccd, &[])
    }

    /// The same, with more options.
    pub(crate) fn daemon_with(&self, distccd: &str, options: &[&str]) -> Daemon {
        let place = Workdir::new();
        let log = place.open_dir("logs").join("log");
        let file = log.display().to_string();
        let words =
            ["--daemon", "--no-detach", "--zeroconf", "--jobs", "3", "--lifetime=1200", "--user", "nobody"];
        let access = ["--allow", "10.83.0.0/24", "--allow", "fe80::/10", "--enable-tcp-insecure"];
        let log_to = ["--log-level", "info", "--log-file", &file];
        let mut command = self.command(distccd, &[&words[..], &access, &log_to, options].concat());
        command.env("TMPDIR", place.open_dir("spool"));
        let running = Running::start(command);
        wait_until(SOON, "a daemon that listens", || listens(running.pid(), 3632));
        Daemon { running: Some(running), log, _place: place }
    }

    /// A client with `+zeroconf` as its list, and `work` as its place.
    pub(crate) fn client(&self, work: &Workdir, program: &str, words: &[&str]) -> Command {
        let mut command = self.command(program, words);
        command.env("DISTCC_HOSTS", "+zeroconf").env("DISTCC_DIR", work.distcc_dir());
        command.env("TMPDIR", work.tmp()).env("HOME", work.home()).current_dir(work.src());
        command
    }

    /// Runs it to its end.
    #[track_caller]
    pub(crate) fn run(&self, work: &Workdir, program: &str, words: &[&str]) -> Outcome {
        run(self.client(work, program, words))
    }

    /// Waits until the client's list is this, in any order; what it is then.
    #[track_caller]
    pub(crate) fn wait_for_hosts(&self, work: &Workdir, distcc: &str, expected: &[&str]) {
        let mut expected: Vec<_> = expected.iter().map(|&spec| spec.to_owned()).collect();
        expected.sort();
        let mut last = Vec::new();
        let what = format!("a list of {expected:?}");
        wait_until(SOON, &what, || {
            let shown = self.run(work, distcc, &["--show-hosts"]).out();
            last = shown.lines().map(str::to_owned).collect();
            last.sort();
            last == expected
        });
    }

    /// Waits until `hosts discover` shows so many; the table without its header, sorted.
    #[track_caller]
    pub(crate) fn wait_for_discovery(&self, work: &Workdir, count: usize) -> Vec<String> {
        wait_for(SOON, &format!("{count} daemons that are discovered"), || {
            let found = self.run(work, DISTCC_ARCH, &["hosts", "discover"]);
            assert_eq!(found.code(), Some(i32::from(found.out().is_empty())), "{}", found.err());
            let mut lines: Vec<String> = found.out().lines().skip(1).map(str::to_owned).collect();
            lines.sort();
            (lines.len() == count).then_some(lines)
        })
    }
}

/// A daemon that serves until it is dropped.
pub(crate) struct Daemon {
    running: Option<Running>,
    log: PathBuf,
    _place: Workdir,
}

impl Daemon {
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// How many jobs went well so far; the sample that a C daemon is given before the first is none.
    pub(crate) fn served(&self) -> usize {
        self.log().lines().filter(|line| line.contains("COMPILE_OK") && !line.ends_with(" canary.c")).count()
    }

    /// As a service manager ends it.
    pub(crate) fn terminate(&mut self) {
        let running = self.running.take().expect("it is ended only once");
        assert!(running.signal(nix::sys::signal::Signal::SIGTERM));
        running.finish(SOON);
    }
}

/// Whether there is all that these tests need; a skip has been announced if not.
pub(crate) fn has_avahi() -> bool {
    need::network_namespaces()
        && need::program("dbus-daemon", "install dbus-daemon (Debian) or dbus (Arch)").is_some()
        && need::program("avahi-daemon", "install avahi-daemon (Debian) or avahi (Arch)").is_some()
}

/// The compiler's name as the client sends it makes no difference to these sources.
pub(crate) const SOURCE: &str = "int answer(void) { return 42; }\n";

/// What a local compile makes of it.
pub(crate) fn local_object(work: &Workdir, source: &str) -> Vec<u8> {
    let mut gcc = test_hosts::process::clean("gcc");
    gcc.args(["-c", source, "-o", "local.o"]).current_dir(work.src());
    run(gcc).good();
    bytes(&work.src().join("local.o"))
}

pub(crate) fn bytes(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
