//! distccmon-text --live in a real terminal, driven and looked at through tmux. Knows nothing of how the view is made.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use test_hosts::client::Client;
use test_hosts::distccd::{Distccd, Setup, free_port};
use test_hosts::need;
use test_hosts::process::{Running, clean, run};
use test_hosts::stub::Stub;
use test_hosts::wait::{wait_for, wait_until};
use test_hosts::workdir::Workdir;

const DISTCC: &str = env!("CARGO_BIN_EXE_distcc");
const DISTCCD: &str = env!("CARGO_BIN_EXE_distccd");
const MONITOR: &str = env!("CARGO_BIN_EXE_distccmon-text");
const SOON: Duration = Duration::from_secs(10);
/// Longer than any test waits, short enough that nothing stays if a test fails.
const LONG: &str = "60";
/// What the shell of the test says when the view has ended, with its exit code.
const END: &str = "the view ended:";

#[test]
fn a_compile_is_followed_until_it_ends() {
    let Some(tmux) = tmux() else { return };
    let daemon = Distccd::start(&Setup::of(DISTCCD));
    let (work, hosts) = (Workdir::new(), format!("{}/3 red/2", daemon.host()));
    let terminal = Terminal::start(&tmux, &work, &hosts, "");
    terminal
        .until(|screen| has(screen, &["distcc: 0 jobs, 0 of 9 slots", "127.0.0.1", "0/3 ...", "q quits"]));

    let compile = Compile::start(&work, &hosts);
    let row = ["Compile", "127.0.0.1[0]", "hello.c"];
    let screen = terminal.until(|screen| row_with(screen, &row));
    assert!(
        has(&screen, &["distcc: 1 job, 1 of 9 slots; 1 Compile", "1/3 #..", "red", "0/2 .."]),
        "{screen}"
    );
    terminal.until(|screen| row_with(screen, &["0:01", "hello.c"]));

    terminal.resize(40, 10);
    terminal.until(|screen| row_with(screen, &row) && screen.lines().all(|line| line.len() <= 40));
    terminal.resize(100, 30);
    terminal.until(|screen| row_with(screen, &["PID", "PHASE", "FILE"]) && row_with(screen, &row));

    drop(compile);
    terminal.until(|screen| has(screen, &["distcc: 0 jobs, 0 of 9 slots"]) && !screen.contains("hello.c"));
}

#[test]
fn jobs_that_are_over_are_counted() {
    let Some(tmux) = tmux() else { return };
    let daemon = Distccd::start(&Setup::of(DISTCCD));
    let (work, dead) = (Workdir::new(), format!("127.0.0.1:{}", free_port()));
    let hosts = format!("{dead} {}/3", daemon.host());
    let client = Client::new(DISTCC, &work, &hosts);
    work.write("a.c", "int main(void) { return 0; }\n");
    let compile = |words: &[&str]| drop(client.run(words).good());
    compile(&["gcc", "-c", "a.c"]);
    let terminal = Terminal::start(&tmux, &work, &hosts, "");
    let failed = format!("failed {dead}, 0:0");
    terminal.until(|screen| {
        has(screen, &["since the last summary: 1 remote, 0 here"])
            && row_with(screen, &[&failed, "a.c: connect to "])
    });
    compile(&["gcc", "a.o", "-o", "a"]);
    compile(&["gcc", "-c", "a.c"]);
    terminal.until(|screen| has(screen, &["since the last summary: 2 remote, 1 here (1 link)"]));
    compile(&["--summary"]);
    terminal.until(|screen| !screen.contains("since the last summary") && !screen.contains("failed"));
}

#[test]
fn whatever_ends_it_the_terminal_is_as_before() {
    let Some(tmux) = tmux() else { return };
    check_end(&tmux, |terminal| terminal.press("q"), "0");
    check_end(&tmux, |terminal| terminal.press("C-c"), "0");
    // The shell's way to say that a signal did it.
    check_end(&tmux, |terminal| terminal.signal(Signal::SIGTERM), "143");
    check_end(&tmux, |terminal| terminal.signal(Signal::SIGHUP), "129");
}

#[track_caller]
fn check_end(tmux: &Path, end: impl Fn(&Terminal), code: &str) {
    let work = Workdir::new();
    let terminal = Terminal::start(tmux, &work, "", "");
    terminal.until(|screen| has(screen, &["distcc: 0 jobs", "q quits"]));
    assert_eq!(terminal.ask("#{alternate_on} #{cursor_flag}"), "1 0");
    end(&terminal);
    let screen = terminal.until(|screen| screen.contains(END));
    assert!(has(&screen, &["before", &format!("{END} {code}")]) && !screen.contains("q quits"), "{screen}");
    assert_eq!(terminal.ask("#{alternate_on} #{cursor_flag}"), "0 1");
    let modes: Vec<&str> = screen.lines().filter(|line| line.contains("modes")).collect();
    assert!(modes.len() == 2 && modes[0] == modes[1], "{screen}");
}

#[test]
fn colours_can_be_switched_off() {
    let Some(tmux) = tmux() else { return };
    for (variables, coloured) in [("", true), ("NO_COLOR=1", false)] {
        let work = Workdir::new();
        let terminal = Terminal::start(&tmux, &work, "red/2,down", variables);
        terminal.until(|screen| row_with(screen, &["red", "down"]));
        // Colour 1 of the foreground is red.
        assert_eq!(terminal.capture(&["-e"]).contains("\x1b[38;5;1m"), coloured, "{variables}");
    }
}

#[test]
fn without_a_terminal_it_is_one_pass() {
    let work = Workdir::new();
    let mut monitor = clean(MONITOR);
    monitor.arg("--live").env("DISTCC_DIR", work.distcc_dir());
    assert_eq!(run(monitor).good().out(), "\n");
}

fn tmux() -> Option<PathBuf> {
    need::program("tmux", "install tmux")
}

fn has(screen: &str, words: &[&str]) -> bool {
    words.iter().all(|word| screen.contains(word))
}

fn row_with(screen: &str, words: &[&str]) -> bool {
    screen.lines().any(|line| has(line, words))
}

/// A compile that goes on until this is dropped.
struct Compile {
    _running: Running,
}

impl Compile {
    fn start(work: &Workdir, hosts: &str) -> Compile {
        let stub = Stub::new(work, LONG);
        work.write("hello.c", "int x;\n");
        let client = Client::new(DISTCC, work, hosts);
        let running = client.start(&[stub.word(), "-c", "hello.c", "-o", "hello.o"]);
        wait_until(SOON, "a compiler at work", || stub.running().len() == 1);
        Compile { _running: running }
    }
}

/// A terminal with the view in it, of 80 x 24 at first. Dropping it ends both.
struct Terminal<'a> {
    tmux: &'a Path,
    work: &'a Workdir,
}

impl<'a> Terminal<'a> {
    fn start(tmux: &'a Path, work: &'a Workdir, hosts: &str, variables: &str) -> Terminal<'a> {
        let terminal = Terminal { tmux, work };
        let modes = "echo modes $(stty -g | cksum)";
        let view = format!(
            "echo before; {modes}; env DISTCC_DIR={} 'DISTCC_HOSTS={hosts}' {variables} {MONITOR} --live; \
             code=$?; {modes}; echo '{END}' $code; exec sleep 60",
            work.distcc_dir().display()
        );
        terminal.tmux(&["-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "24", &view]);
        terminal
    }

    fn tmux(&self, words: &[&str]) -> String {
        let mut command = clean(self.tmux);
        // A server of its own, which nobody else's sessions share.
        command.arg("-S").arg(self.work.tmp().join("tmux")).args(words).env("TERM", "xterm-256color");
        run(command).good().out()
    }

    #[track_caller]
    fn until(&self, shows: impl Fn(&str) -> bool) -> String {
        let mut last = String::new();
        let limit = std::time::Instant::now() + SOON;
        wait_for(SOON * 2, "the end of a look at the screen", || {
            last = self.capture(&[]);
            assert!(std::time::Instant::now() < limit, "in vain:\n{last}");
            shows(&last).then(|| last.clone())
        })
    }

    fn capture(&self, words: &[&str]) -> String {
        self.tmux(&[&["capture-pane", "-p"], words].concat())
    }

    fn ask(&self, format: &str) -> String {
        self.tmux(&["display-message", "-p", format]).trim_end().to_owned()
    }

    fn press(&self, key: &str) {
        self.tmux(&["send-keys", key]);
    }

    fn resize(&self, width: u16, height: u16) {
        self.tmux(&["resize-window", "-x", &width.to_string(), "-y", &height.to_string()]);
    }

    /// To the view alone, which is the child of the shell in the terminal.
    fn signal(&self, signal: Signal) {
        let shell = self.ask("#{pane_pid}");
        let children = fs::read_to_string(format!("/proc/{shell}/task/{shell}/children"));
        let view = children.expect("a shell that runs").trim().parse().expect("one child");
        kill(Pid::from_raw(view), signal).expect("a view that runs");
    }
}

impl Drop for Terminal<'_> {
    fn drop(&mut self) {
        let mut command = clean(self.tmux);
        command.arg("-S").arg(self.work.tmp().join("tmux")).arg("kill-server");
        let _ = command.output();
    }
}
