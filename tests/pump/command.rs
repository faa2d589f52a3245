//! The command around a build: forms, words, variables and exit codes as distcc 3.4's pump has them, and what it leaves
//! behind, which is nothing. Knows nothing of compiles.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;
use test_hosts::distccd::{Distccd, Setup};
use test_hosts::need;
use test_hosts::process::{Outcome, Running, clean, run};
use test_hosts::wait::wait_until;
use test_hosts::workdir::{Workdir, names_in};

use crate::{OURS, PUMP};

const SOON: Duration = Duration::from_secs(10);
const HOSTS: (&str, &str) = ("DISTCC_HOSTS", "127.0.0.1:1,lzo,cpp");

#[test]
fn forms() {
    for words in [&[][..], &["-h"], &["--help"], &["--help", "make"], &[""]] {
        let usage = pump(&Workdir::new(), words, &[]).good();
        assert!(usage.out().starts_with("Usage: pump COMMAND"), "{words:?}");
        assert_eq!(usage.err(), "", "{words:?}");
    }
    let version = pump(&Workdir::new(), &["--version"], &[]).good();
    assert_eq!(version.out(), format!("pump {}\n", env!("CARGO_PKG_VERSION")));
}

/// Words, variables, and whether what stderr says is the same, too: a shell names its script and line.
type Case = (&'static [&'static str], &'static [(&'static str, &'static str)], bool);

#[test]
fn as_distcc_3_4_does_it() {
    let Some(theirs) = need::c_pump() else { return };
    let cases: &[Case] = &[
        (&["true"], &[HOSTS], true),
        (&["sh", "-c", "echo out; echo err >&2; exit 7"], &[HOSTS], true),
        (&["sh", "-c", "kill -9 $$"], &[HOSTS], false),
        (&["sh", "-c", "kill -TERM $$"], &[HOSTS], false),
        (&["no-such-program"], &[HOSTS], false),
        (&["/etc/passwd"], &[HOSTS], false),
        (&["eval", "exit 5"], &[HOSTS], true),
        (&["sh", "-c", "echo \"$DISTCC_HOSTS\""], &[HOSTS], true),
        (&["sh", "-c", "test -S \"$INCLUDE_SERVER_PORT\""], &[HOSTS], true),
        (&["--startup", "x"], &[HOSTS], false),
        (&["true"], &[("DISTCC_HOSTS", "a,lzo,cpp b c/2,lzo")], true),
        (&["true"], &[("DISTCC_HOSTS", "a b,lzo")], true),
        (&["true"], &[("DISTCC_HOSTS", "")], false),
        (&["--startup"], &[("DISTCC_HOSTS", "a")], true),
        (&["true"], &[HOSTS, ("DISTCC_MAX_DISCREPANCY", "0")], true),
        (&["true"], &[HOSTS, ("DISTCC_LOCATION", "/nowhere")], true),
        (&["sh", "-c", "exit 3"], &[("DISTCC_POTENTIAL_HOSTS", "127.0.0.1:1")], true),
        (&["sh", "-c", "echo \"$DISTCC_HOSTS\""], &[("DISTCC_POTENTIAL_HOSTS", "127.0.0.1:1")], true),
        (&["--shutdown"], &[], true),
    ];
    // Theirs takes two seconds to start, most of which it sleeps.
    std::thread::scope(|scope| {
        for case in cases {
            scope.spawn(|| compare(&theirs, *case));
        }
    });
}

#[track_caller]
fn compare(theirs: &Path, (words, variables, also_stderr): Case) {
    let ours = pump(&Workdir::new(), words, variables);
    let work = Workdir::new();
    let mut command = in_place(theirs, &work);
    command.env("DISTCC_LOCATION", "/usr/bin").args(words).envs(variables.iter().copied());
    let theirs_said = run(command);
    let [ours_said, theirs_said] = [(&ours, PUMP), (&theirs_said, path(theirs))].map(|(said, program)| {
        let plain = |text: String| text.replace(program, "pump").replace(&own_directory(), "/usr/bin");
        let status = said.code().or(said.signal().map(|signal| 128 + signal));
        (status, plain(said.out()), if also_stderr { plain(said.err()) } else { String::new() })
    });
    assert_eq!(ours_said, theirs_said, "{words:?} {variables:?}\n{}", ours.err());
}

#[test]
fn the_build_has_distcc_first_on_its_path() {
    let found = pump(&Workdir::new(), &["sh", "-c", "command -v distcc"], &[HOSTS]).good();
    assert!(found.out().contains(&format!("{}\n", OURS.distcc)), "{}", found.out());
}

#[test]
fn progress_is_not_told_to_tests() {
    let quiet =
        pump(&Workdir::new(), &["echo", "x"], &[HOSTS, ("DISTCC_TESTING_INCLUDE_SERVER", "1")]).good();
    assert_eq!((quiet.out().as_str(), quiet.err().as_str()), ("x\n", ""));
}

#[test]
fn hosts_that_are_up_become_the_list() {
    if !need::compiler_link("cc") {
        return;
    }
    let daemon = Distccd::start(&Setup::of(OURS.distccd));
    let host = daemon.host();
    let (address, port) = host.split_once(':').expect("an address and a port");
    let list = |words: &str| {
        let variables = [("DISTCC_POTENTIAL_HOSTS", address), ("LSDISTCC_ARGS", words)];
        pump(&Workdir::new(), &["sh", "-c", "echo \"<$DISTCC_HOSTS>\""], &variables).good().out()
    };
    // A machine under load may need longer than pump's own patience.
    let told = list(&format!("-c9999 -r{port}"));
    assert!(told.contains("__________Found 1 available distcc servers\n"), "{told}");
    assert!(told.contains(&format!("<--randomize {},cpp,lzo>\n", daemon.host())), "{told}");
}

#[test]
fn options_of_the_old_include_server() {
    let check = |args: &str, verify: &str, told: bool| {
        let script = "echo \"<$DISTCC_VERIFY_INCLUDES>\"";
        let said =
            pump(&Workdir::new(), &["sh", "-c", script], &[HOSTS, ("INCLUDE_SERVER_ARGS", args)]).good();
        assert!(said.out().contains(&format!("<{verify}>")), "{args}: {}", said.out());
        assert_eq!(said.err().lines().count(), usize::from(told), "{args}: {}", said.err());
    };
    check("-v", "1", false);
    check("--stat_reset_triggers='*.h' -t", "", true);
}

#[test]
fn discrepancies_are_told() {
    let check = |script: &str, most: &str, lines: &[&str]| {
        let script = format!("cd \"$INCLUDE_SERVER_DIR\" && {script}");
        let said =
            pump(&Workdir::new(), &["sh", "-c", &script], &[HOSTS, ("DISTCC_MAX_DISCREPANCY", most)]).good();
        let err = said.err();
        let got: Vec<&str> = err.lines().collect();
        assert!(
            got.len() == lines.len() && got.iter().zip(lines).all(|(got, begin)| got.starts_with(begin)),
            "{err}"
        );
    };
    let warning = "__________Warning: 2 pump-mode compilation(s) failed on server, but succeeded locally.";
    check("true", "", &[]);
    check("printf xx >discrepancy_counter", "", &[warning, "See the DISCREPANCIES section"]);
    check(
        "printf xx >discrepancy_counter; echo 'a.c: b.h' >discrepancies",
        "",
        &[warning, "    a.c: b.h", "See"],
    );
    check("printf xx >discrepancy_counter", "2", &[warning, "__________Distcc-pump was demoted", "See"]);
}

#[test]
fn a_shell_starts_a_server_up_and_shuts_it_down() {
    let work = Workdir::new();
    // A directory that is awkward to quote, and no text.
    let odd = work.open_dir("t").join(OsStr::from_bytes(b"it's $(x) \xff"));
    fs::create_dir(&odd).expect("a directory of ours");
    let script = r#"
        eval "$("$PUMP" --startup)" || exit 9
        [ -S "$INCLUDE_SERVER_PORT" ] && kill -0 "$INCLUDE_SERVER_PID" || exit 8
        [ "$(stat -c %a "$INCLUDE_SERVER_DIR")" = 700 ] || exit 7
        case $INCLUDE_SERVER_DIR in "$TMPDIR"/distcc-pump.??????) ;; *) exit 6 ;; esac
        [ "$DISTCC_HOSTS" = 127.0.0.1:1,lzo,cpp ] || exit 5
        [ "$(command -v distcc)" = "$DISTCC" ] || exit 4
        "$PUMP" --shutdown || exit 3
        [ -e "$INCLUDE_SERVER_DIR" ] && exit 1
        "$PUMP" --shutdown
    "#;
    let mut shell = in_place(Path::new("/bin/sh"), &work);
    shell
        .args(["-c", script])
        .env("PUMP", PUMP)
        .env("DISTCC", OURS.distcc)
        .env(HOSTS.0, HOSTS.1)
        .env("TMPDIR", &odd);
    let done = run(shell);
    assert_eq!((done.code(), done.err().as_str()), (Some(0), ""));
    assert_eq!(done.out(), "__________Shutting down distcc-pump include server\n");
    assert_eq!(names_in(&odd), [""; 0]);
    assert_eq!(servers_below(&odd), [""; 0].map(PathBuf::from));
}

#[test]
fn startup_prints_lines_for_a_shell_and_nothing_else() {
    let work = Workdir::new();
    let started = pump(&work, &["--startup"], &[HOSTS]).good();
    assert_eq!(started.err(), "");
    let out = started.out();
    let variables: Vec<&str> = out
        .lines()
        .map(|line| line.strip_prefix("export ").and_then(|line| line.split('=').next()).unwrap_or(line))
        .collect();
    let names = ["INCLUDE_SERVER_PID", "INCLUDE_SERVER_DIR", "INCLUDE_SERVER_PORT", "DISTCC_HOSTS", "PATH"];
    assert_eq!(variables, names, "{out}");
    let mut end = in_place(Path::new("/bin/sh"), &work);
    end.args(["-c", &format!("{out}\n{PUMP} --shutdown")]);
    run(end).good();
    assert_nothing_is_left(&work);
}

#[test]
fn a_signal_ends_the_build_and_leaves_nothing() {
    let check = |signal: Signal, script: &str, code: Option<i32>, by: Option<i32>| {
        let work = Workdir::new();
        let mut command = in_place(Path::new(PUMP), &work);
        let script = format!("{script}\necho ready >\"$HOME/ready\"\nread -r wait <\"$HOME/pipe\"\nexit 4");
        command.args(["sh", "-c", &script]).env(HOSTS.0, HOSTS.1);
        let mut pipe = clean("mkfifo");
        pipe.arg(work.home().join("pipe"));
        run(pipe).good();
        let running = Running::start(command);
        wait_until(SOON, "a build that runs", || work.home().join("ready").exists());
        assert!(running.signal(signal));
        if code == Some(4) {
            fs::write(work.home().join("pipe"), "go on\n").expect("a pipe of ours");
        }
        let ended = running.finish(SOON);
        assert_eq!((ended.code(), ended.signal()), (code, by), "{signal}\n{}", ended.err());
        assert_nothing_is_left(&work);
    };
    check(Signal::SIGTERM, "", None, Some(15));
    check(Signal::SIGINT, "", None, Some(2));
    check(Signal::SIGHUP, "", None, Some(1));
    check(Signal::SIGINT, "trap 'exit 3' INT", Some(3), None);
    check(Signal::SIGTERM, "trap '' TERM", Some(4), None);
}

#[test]
fn a_server_that_cannot_start_is_told() {
    let said = pump(&Workdir::new(), &["true"], &[HOSTS, ("TMPDIR", "/nowhere")]);
    assert_eq!(said.code(), Some(1));
    assert!(said.err().contains("Could not make temp \"distcc-pump\""), "{}", said.err());
}

/// `pump WORDS…`, after which nothing may be left but what `--startup` started.
#[track_caller]
fn pump(work: &Workdir, words: &[&str], variables: &[(&str, &str)]) -> Outcome {
    let mut command = in_place(Path::new(PUMP), work);
    command.args(words).envs(variables.iter().copied());
    let outcome = run(command);
    if words != ["--startup"] {
        assert_nothing_is_left(work);
    }
    outcome
}

#[track_caller]
fn assert_nothing_is_left(work: &Workdir) {
    assert_eq!(names_in(&work.tmp()), [""; 0]);
    let servers = servers_below(&work.tmp());
    assert!(servers.is_empty(), "{servers:?} still run");
}

/// The processes whose command line names a directory below this one.
fn servers_below(directory: &Path) -> Vec<PathBuf> {
    let below = [directory.as_os_str().as_bytes(), b"/distcc-pump"].concat();
    let processes = fs::read_dir("/proc").expect("processes").flatten().map(|entry| entry.path());
    let names = |process: &PathBuf| {
        let command = fs::read(process.join("cmdline")).unwrap_or_default();
        command.split(|byte| *byte == 0).any(|word| word.starts_with(&below))
    };
    processes.filter(names).collect()
}

fn in_place(program: &Path, work: &Workdir) -> Command {
    let mut command = clean(program);
    command.env("TMPDIR", work.tmp()).env("HOME", work.home()).env("DISTCC_DIR", work.distcc_dir());
    command.current_dir(work.src());
    command
}

fn own_directory() -> String {
    path(Path::new(PUMP).parent().expect("a file in a directory")).to_owned()
}

fn path(path: &Path) -> &str {
    path.to_str().expect("a name that is text")
}
