//! A daemon that is told to end while it compiles: at once and leaving nothing, or with `--drain` when its compilers
//! have ended. Knows nothing of other early ends.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use nix::fcntl::OFlag;
use nix::sys::signal::{Signal, kill};
use test_hosts::distccd::make_executable;
use test_hosts::foreground::port_in;
use test_hosts::process::pid_of;
use test_hosts::stub::{OBJECT, Stub};
use test_hosts::wait::{wait_for, wait_until};
use test_hosts::workdir::{Workdir, names_in};

use crate::daemon::{Daemon, SOON, distccd};
use crate::wire::{Answer, answer, connect, head, read_all, request};

const JOBS: usize = 8;
/// How long a daemon that is told to end may take, whatever its compilers do.
const AT_ONCE: Duration = Duration::from_secs(2);

/// What compilers do that makes them hard to get rid of.
const KINDS: [(&str, &str); 5] = [
    ("a compiler", "exec sleep 61"),
    ("one that ignores SIGTERM", "trap '' TERM; sleep 61; sleep 61"),
    ("one with grandchildren", "sh -c 'sh -c \"touch left; sleep 61; :\" & sleep 61; :' & sleep 61; :"),
    ("one whose child has left its group", "setsid sh -c 'touch left; sleep 61; :' & sleep 61; :"),
    ("one whose grandchild hides and ignores", "trap '' TERM; setsid setsid -f sleep 61; sleep 61; :"),
];

#[test]
fn at_once_whatever_the_compilers_do() {
    for (kind, script) in KINDS {
        for signal in [Signal::SIGTERM, Signal::SIGINT] {
            check_at_once(&[], kind, script, |daemon| daemon.signal(signal));
        }
    }
    let (kind, script) = KINDS[1];
    // With --drain: SIGINT, and the second SIGTERM.
    check_at_once(&["--drain"], kind, script, |daemon| daemon.signal(Signal::SIGINT));
    check_at_once(&["--drain"], kind, script, |daemon| {
        daemon.signal(Signal::SIGTERM);
        daemon.wait_for_log("no new jobs; those that compile may take 300 s");
        daemon.signal(Signal::SIGTERM);
    });
    check_at_once(&["--drain", "1"], kind, script, |daemon| {
        daemon.signal(Signal::SIGTERM);
        daemon.wait_for_log("jobs that took longer than 1 s are killed");
    });
}

#[track_caller]
fn check_at_once(options: &[&str], kind: &str, script: &str, end: impl Fn(&Daemon)) {
    let work = Workdir::new();
    let compiler = work.path().join("cc");
    fs::write(&compiler, format!("#!/bin/sh\n{script}\n")).unwrap();
    make_executable(&compiler);
    let mut daemon = Daemon::insecure(&[&["--jobs", "8"], options].concat());
    let clients: Vec<TcpStream> =
        (0..JOBS).map(|_| start(daemon.address(), compiler.to_str().unwrap(), "t")).collect();
    // Each is at its last sleep.
    wait_until(SOON, kind, || {
        sleeping_for(&daemon.work).len() >= JOBS * script.matches("& sleep").count().max(1)
            && daemon.spool().len() == JOBS
    });
    end(&daemon);
    let told = Instant::now();
    daemon.wait_for_end();
    assert!(told.elapsed() < AT_ONCE, "{kind}: {:?}\n{}", told.elapsed(), daemon.log());
    assert_eq!(processes_of(&daemon.work), [""; 0], "{kind}");
    assert_eq!(daemon.spool(), [""; 0], "{kind}");
    for mut client in clients {
        assert_eq!(read_all(&mut client), b"", "{kind}");
    }
}

/// A client whose request is on its way.
fn start(to: SocketAddr, compiler: &str, name: &str) -> TcpStream {
    let mut client = connect(to);
    let words = [compiler, "-c", &format!("{name}.c"), "-o", &format!("{name}.o")];
    client.write_all(&request(&words, b"int x;\n")).unwrap();
    client
}

/// The command lines of what jobs started: their HOME is in the spool of the daemon, which has this directory. The killed that are not gone yet have
/// none.
fn processes_of(work: &Workdir) -> Vec<String> {
    let home = format!("HOME={}/", work.path().join("spool").display());
    let processes = fs::read_dir("/proc").unwrap().flatten().map(|process| process.path());
    let bytes = |path| fs::read(path).unwrap_or_default();
    let ours = processes.filter(|process| {
        let environment = bytes(process.join("environ"));
        environment.split(|byte| *byte == 0).any(|variable| variable.starts_with(home.as_bytes()))
    });
    ours.map(|process| String::from_utf8(bytes(process.join("cmdline"))).unwrap().replace('\0', " "))
        .collect()
}

fn sleeping_for(work: &Workdir) -> Vec<String> {
    let mut found = processes_of(work);
    found.retain(|line| line.starts_with("sleep 61"));
    found
}

#[test]
fn draining_lets_compilers_finish_and_takes_nobody() {
    let work = Workdir::new();
    let stub = Stub::new(&work, "2");
    let mut daemon = Daemon::insecure(&["--jobs", "2", "--drain=30"]);
    let mut compiling = ["a", "b"].map(|name| start(daemon.address(), stub.word(), name));
    wait_until(SOON, "two compilers at work", || stub.running().len() == 2);
    let mut queued = start(daemon.address(), stub.word(), "c");
    daemon.wait_for_log("] compile from c.c to c.o\n");
    let mut sending = connect(daemon.address());
    sending.write_all(&head(&[stub.word(), "-c", "d.c", "-o", "d.o"])).unwrap();

    daemon.signal(Signal::SIGTERM);
    // Those without a compiler go elsewhere at once, and so does whoever comes.
    for client in [&mut queued, &mut sending] {
        assert_eq!(read_all(client), b"");
    }
    assert_eq!(stub.running().len(), 2, "they were told before any compiler ended");
    let refused = TcpStream::connect(daemon.address()).map(drop).map_err(|error| error.kind());
    assert_eq!(refused, Err(std::io::ErrorKind::ConnectionRefused));
    for client in &mut compiling {
        let Answer { status, object, .. } = answer(&read_all(client));
        assert_eq!((status, object.as_slice()), (0, OBJECT));
    }
    assert_eq!(daemon.wait_for_end(), Some(Signal::SIGTERM as i32));
    let diary = stub.diary();
    assert_eq!((diary.started, diary.ended, diary.open), (2, 2, Vec::new()));
    assert_eq!((daemon.spool(), processes_of(&daemon.work)), (Vec::new(), Vec::new()));
    assert_eq!(daemon.log().matches(" COMPILE_OK ").count(), 2, "{}", daemon.log());
}

#[test]
fn nothing_to_drain_is_drained_at_once() {
    let mut daemon = Daemon::insecure(&["--drain"]);
    let _says_nothing = connect(daemon.address());
    daemon.signal(Signal::SIGTERM);
    let told = Instant::now();
    assert_eq!(daemon.wait_for_end(), Some(Signal::SIGTERM as i32));
    assert!(told.elapsed() < AT_ONCE, "{:?}", told.elapsed());
}

/// A thread that waits for ever, here for who reads the log, does not keep the others from their end.
#[test]
fn at_once_though_a_thread_never_returns() {
    let work = Workdir::new();
    work.open_dir("spool");
    let (mut log, said) = std::io::pipe().unwrap();
    let options = ["--daemon", "--no-detach", "--port=0", "--log-stderr", "--log-level=info"];
    let mut command = distccd(&options, &work);
    let mut daemon = command.arg("--enable-tcp-insecure").stderr(said.try_clone().unwrap()).spawn().unwrap();
    let mut text = Vec::new();
    while !String::from_utf8_lossy(&text).contains("] jobs are done in ") {
        let mut piece = [0; 1000];
        let count = log.read(&mut piece).unwrap();
        text.extend(&piece[..count]);
    }
    let path = format!("/proc/self/fd/{}", said.as_raw_fd());
    let mut full = File::options().write(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path).unwrap();
    while full.write(b"x").is_ok() {}
    let _client = connect(([127, 0, 0, 1], port_in(&String::from_utf8_lossy(&text)).unwrap()).into());
    wait_until(SOON, "a thread that waits for the log", || waits_for_a_pipe(daemon.id()));
    kill(pid_of(&daemon), Signal::SIGTERM).unwrap();
    let told = Instant::now();
    let ended = wait_for(SOON, "the end of the daemon", || daemon.try_wait().unwrap());
    assert!(told.elapsed() < AT_ONCE, "{:?}", told.elapsed());
    assert_eq!(ended.signal(), Some(Signal::SIGTERM as i32));
}

fn waits_for_a_pipe(process: u32) -> bool {
    let threads = fs::read_dir(format!("/proc/{process}/task")).unwrap().flatten();
    threads
        .filter_map(|thread| fs::read_to_string(thread.path().join("wchan")).ok())
        .any(|function| function.contains("pipe_write"))
}

/// Who left its process group is no child of a compiler any more when it is found.
#[test]
fn strays_do_not_outlive_their_job_for_long() {
    let work = Workdir::new();
    let compiler = work.path().join("cc");
    let text =
        "#!/bin/sh\nsetsid sh -c 'touch here; exec sleep 61' & until [ -e here ]; do :; done; : >t.o\n";
    fs::write(&compiler, text).unwrap();
    make_executable(&compiler);
    let daemon = Daemon::insecure(&[]);
    let answer = answer(&read_all(&mut start(daemon.address(), compiler.to_str().unwrap(), "t")));
    assert_eq!(answer.status, 0);
    wait_until(SOON, "the end of a stray", || processes_of(&daemon.work).is_empty());
    let children = || fs::read_to_string(format!("/proc/{0}/task/{0}/children", daemon.pid())).unwrap();
    wait_until(SOON, "a daemon without zombies", || children().is_empty());
}

/// One for a single client, as inetd starts it, that is told to end while it compiles.
#[test]
fn a_daemon_for_one_client() {
    check_one_client(&[], "trap '' TERM; setsid sleep 61 & sleep 61; sleep 61", b"");
    check_one_client(&["--drain"], "setsid sleep 61 & sleep 1; : >t.o", b"DONE00000001STAT00000000");
}

#[track_caller]
fn check_one_client(options: &[&str], script: &str, answer: &[u8]) {
    let work = Workdir::new();
    work.open_dir("spool");
    let compiler = work.path().join("cc");
    fs::write(&compiler, format!("#!/bin/sh\n{script}\n")).unwrap();
    make_executable(&compiler);
    let (mut client, there) = UnixStream::pair().unwrap();
    client.set_read_timeout(Some(SOON)).unwrap();
    let mut command = distccd(&[&["--inetd", "--enable-tcp-insecure"], options].concat(), &work);
    command.arg("--log-file").arg(work.path().join("log"));
    let mut daemon = command
        .stdin(OwnedFd::from(there.try_clone().unwrap()))
        .stdout(OwnedFd::from(there))
        .spawn()
        .unwrap();
    drop(command);
    let words = [compiler.to_str().unwrap(), "-c", "t.c", "-o", "t.o"];
    client.write_all(&request(&words, b"int x;\n")).unwrap();
    wait_until(SOON, "a compiler and its stray", || {
        processes_of(&work).iter().filter(|line| line.starts_with("sleep")).count() == 2
    });
    kill(pid_of(&daemon), Signal::SIGTERM).unwrap();
    let told = Instant::now();
    let ended = wait_for(SOON, "the end of the daemon", || daemon.try_wait().unwrap());
    assert_eq!(ended.signal(), Some(Signal::SIGTERM as i32));
    assert!(told.elapsed() < AT_ONCE, "{:?}", told.elapsed());
    let got = read_all(&mut client);
    assert!(
        got.starts_with(answer) && got.is_empty() == answer.is_empty(),
        "{}",
        String::from_utf8_lossy(&got)
    );
    assert_eq!((processes_of(&work), names_in(&work.path().join("spool"))), (Vec::new(), Vec::new()));
}
