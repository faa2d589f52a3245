//! Looks at compilers that take long, or never end: who waits for them, and who does not. Knows nothing of our client.

use std::fs::{self, Permissions};
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use test_hosts::distccd::make_executable;
use test_hosts::need;
use test_hosts::process::{clean, run};
use test_hosts::wait::wait_until;
use test_hosts::workdir::Workdir;

use crate::daemon::{DISTCCD, Daemon, SOON};
use crate::inquiries::{fingerprint, proof, told};
use crate::wire::{answer, ask, connect, exchange, request};

const SOURCE: &str = "int f(int a) { return a + 1; }\n";

/// The daemon gives a place so long to answer.
const PATIENCE: Duration = Duration::from_secs(5);

const ARGS: [&str; 5] = ["gcc", "-c", "t.c", "-o", "t.o"];

/// A compiler that says what it is only when its pipe is written to, and keeps a diary of who asked.
struct Slow {
    work: Workdir,
    script: PathBuf,
}

impl Slow {
    fn new() -> Slow {
        let work = Workdir::new();
        let open = work.open_dir("open");
        let [pipe, diary] = ["pipe", "diary"].map(|name| open.join(name));
        mkfifo(&pipe, Mode::S_IRUSR).unwrap();
        fs::set_permissions(&pipe, Permissions::from_mode(0o666)).unwrap();
        let [pipe, diary] = [pipe, diary].map(|path| path.display().to_string());
        let script = work.write(
            "gcc",
            format!(
                "#!/bin/sh\ncase $1 in --version) echo >>{diary}; read line <{pipe};; esac\nexec gcc \"$@\"\n"
            ),
        );
        make_executable(&script);
        Slow { work, script }
    }

    fn name(&self) -> &str {
        self.script.to_str().unwrap()
    }

    /// How often it was asked for its version.
    fn asked(&self) -> usize {
        fs::read(self.work.path().join("open/diary")).map_or(0, |diary| diary.len())
    }

    fn comes_to_be_asked(&self) {
        wait_until(SOON, "a compiler that is asked", || self.asked() > 0);
    }

    fn answers(&self) {
        fs::write(self.work.path().join("open/pipe"), "\n").unwrap();
    }
}

/// A daemon whose toolchains.toml names a mount of a file system that never answers; `LINK` leads to it.
struct Dead {
    mount: PathBuf,
    toolchains: PathBuf,
    daemon: Daemon,
    _work: Workdir,
}

impl Dead {
    fn new() -> Dead {
        // Nobody serves /dev/fuse, which the daemon inherits: with its last reader the mount fails, and so the test ends.
        const MOUNT: &str = r#"exec 3<>/dev/fuse && mount -i -t fuse -o allow_other,fd=3,rootmode=40000,user_id=0,group_id=0 dead "$1" &&
            shift && exec "$@""#;
        let work = Workdir::new();
        let mount = work.open_dir("dead");
        let text = format!("[toolchain.dead]\ndirectory = \"{}/bin\"\n", mount.display());
        let toolchains = work.write("toolchains.toml", text);
        let mut command = clean("unshare");
        command
            .args(["--mount", "--propagation", "private", "sh", "-c", MOUNT, "sh"])
            .arg(&mount)
            .arg(DISTCCD);
        let variables = [("DISTCCD_TOOLCHAINS", toolchains.to_str().unwrap())];
        let daemon = Daemon::start_by(command, &["--enable-tcp-insecure"], &variables);
        Dead { mount, toolchains, daemon, _work: work }
    }

    fn address(&self) -> SocketAddr {
        self.daemon.address()
    }

    /// Native jobs are done, and nobody waits for the mount.
    #[track_caller]
    fn serves_at_once(&self, what: &str) {
        let begun = Instant::now();
        assert_eq!(ask(self.address(), &ARGS, SOURCE).status, 0, "{what}");
        assert!(begun.elapsed() < PATIENCE, "{what}: a native job has waited {:?}", begun.elapsed());
    }
}

/// Whether this machine lets us mount a file system that never answers.
fn can_be_dead() -> bool {
    let remedy = "be root, and load the module fuse";
    need::root() && need::file("fuse", "/dev/fuse".as_ref(), remedy).is_some()
}

#[test]
fn a_dead_mount_costs_only_those_who_need_it() {
    if !can_be_dead() {
        return;
    }
    let dead = Dead::new();
    dead.serves_at_once("at the start");
    let mut machine = clean("gcc");
    machine.arg("-dumpmachine");
    let native = format!("{}-gcc", run(machine).out().trim());
    let fits = proof(&fingerprint(&told(&dead.daemon, &[&native]), &native));
    let gcc = request(&[&native, "-c", "t.c", "-o", "t.o"], SOURCE.as_bytes());
    let begun = Instant::now();
    assert_eq!(answer(&exchange(dead.address(), &[fits, gcc].concat())).status, 0);
    assert!(begun.elapsed() < PATIENCE, "a job with a proof has waited");
    thread::scope(|scope| {
        let waiting: Vec<_> = (0..16)
            .map(|_| {
                scope.spawn(|| ask(dead.address(), &["odd-cpu-gcc", "-c", "t.c", "-o", "t.o"], SOURCE).status)
            })
            .collect();
        dead.serves_at_once("while others wait for the mount");
        assert!(waiting.into_iter().all(|one| one.join().unwrap() == 0x6e00));
    });
    dead.daemon.wait_for_log("/dead/bin does not answer within 5 s; what is there counts as absent until");
    assert!(told(&dead.daemon, &[]).contains("\ncompiler gcc "));
    let begun = Instant::now();
    assert_eq!(ask(dead.address(), &["odd-cpu-gcc", "-c", "t.c", "-o", "t.o"], SOURCE).status, 0x6e00);
    assert!(begun.elapsed() < PATIENCE, "it is known by now");
    assert_eq!(dead.daemon.log().matches("does not answer within").count(), 1, "{}", dead.daemon.log());
}

#[test]
fn settings_on_a_dead_mount_keep_nobody_waiting() {
    if !can_be_dead() {
        return;
    }
    let mut dead = Dead::new();
    fs::remove_file(&dead.toolchains).unwrap();
    symlink(dead.mount.join("t.toml"), &dead.toolchains).unwrap();
    for _ in 0..4 {
        dead.daemon.signal(Signal::SIGHUP);
        dead.serves_at_once("while the settings are read");
    }
    dead.daemon.signal(Signal::SIGTERM);
    assert_eq!(dead.daemon.wait_for_end(), Some(Signal::SIGTERM as i32));
}

#[test]
fn a_look_goes_on_for_the_next_one_who_asks() {
    let slow = Slow::new();
    let daemon = Daemon::insecure(&[]);
    let text = format!("compiler {}\n", slow.name());
    let inquiry = format!("DIST0000da01ASKT{:08x}{text}", text.len());
    let mut impatient = connect(daemon.address());
    impatient.write_all(inquiry.as_bytes()).unwrap();
    slow.comes_to_be_asked();
    drop(impatient);
    daemon.wait_for_log("Client fd disconnected");
    slow.answers();
    assert!(told(&daemon, &[slow.name()]).contains("\ncompiler "));
    assert_eq!(slow.asked(), 1);
}

#[test]
fn a_client_that_goes_while_its_compiler_is_looked_at() {
    let slow = Slow::new();
    let daemon = Daemon::insecure(&[]);
    let job = request(&[slow.name(), "-c", "t.c", "-o", "t.o"], SOURCE.as_bytes());
    let mut client = connect(daemon.address());
    client.write_all(&[proof(&"5".repeat(64)), job].concat()).unwrap();
    slow.comes_to_be_asked();
    drop(client);
    daemon.wait_for_log(" CLI_DISCONN exit:107 ");
}

#[test]
fn what_there_is_waits_for_no_compiler() {
    let slow = Slow::new();
    let text = format!("[toolchain.slow]\ndirectory = \"{}\"\n", slow.script.parent().unwrap().display());
    let toolchains = slow.work.write("toolchains.toml", text);
    let variables = [("DISTCCD_TOOLCHAINS", toolchains.to_str().unwrap()), ("DISTCCD_PATH", "/nowhere")];
    let daemon = Daemon::start(&["--enable-tcp-insecure"], &variables);
    for _ in 0..2 {
        let begun = Instant::now();
        let answer = ask(daemon.address(), &["odd-cpu-cc", "-c", "t.c", "-o", "t.o"], SOURCE);
        assert!(begun.elapsed() < PATIENCE, "it took {:?}", begun.elapsed());
        assert!(answer.stderr.ends_with(" on the PATH of this server; it has gcc\n"), "{}", answer.stderr);
    }
    slow.comes_to_be_asked();
}
