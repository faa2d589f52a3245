//! A daemon of either make that shows statistics, jobs sent to it by hand, and what it answers. Knows nothing of what the
//! answers should be.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use test_hosts::distccd::{Distccd, Setup, free_port, listens, make_executable};
use test_hosts::wait::wait_until;
use test_hosts::workdir::Workdir;

pub(crate) const DISTCCD: &str = env!("CARGO_BIN_EXE_distccd");

/// Nothing that a daemon does may take longer.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// A daemon that serves; killed when dropped, with all that it started.
pub(crate) struct Daemon {
    distccd: Distccd,
    pub(crate) port: u16,
    pub(crate) stats: u16,
    pub(crate) work: Workdir,
}

impl Daemon {
    /// Ours, with more options.
    #[track_caller]
    pub(crate) fn ours(options: &[&str]) -> Daemon {
        Daemon::start(DISTCCD, options)
    }

    /// Starts it and waits until it listens. A port may be taken before the daemon has it; then it tries others.
    #[track_caller]
    pub(crate) fn start(distccd: &str, options: &[&str]) -> Daemon {
        let started = (0..5).find_map(|_| Daemon::try_start(distccd, options));
        started.expect("free ports for a daemon")
    }

    fn try_start(distccd: &str, options: &[&str]) -> Option<Daemon> {
        let stats = free_port();
        let of_stats = ["--stats", &format!("--stats-port={stats}")];
        let distccd =
            Distccd::try_start(&Setup { words: &[&of_stats, options].concat(), ..Setup::of(distccd) })?;
        wait_until(SOON, "statistics", || listens(distccd.pid(), stats));
        Some(Daemon { port: distccd.port(), distccd, stats, work: Workdir::new() })
    }

    pub(crate) fn log(&self) -> String {
        self.distccd.said() + &self.distccd.log()
    }

    /// A gcc that rests for so many seconds before it works.
    pub(crate) fn sleeper(&self, seconds: u32) -> String {
        let script = format!("#!/bin/sh\nsleep {seconds}\nexec gcc \"$@\"\n");
        let program = self.work.write(&format!("sleeper-{seconds}"), script);
        make_executable(&program);
        program.display().to_string()
    }

    /// Sends it a job and waits for the end of the answer.
    #[track_caller]
    pub(crate) fn compile(&self, compiler: &str, file: &str, source: &str) {
        let mut client = self.begin(compiler, file, source);
        let _ = client.read_to_end(&mut Vec::new());
    }

    /// Sends it a job and leaves the answer to the caller.
    #[track_caller]
    pub(crate) fn begin(&self, compiler: &str, file: &str, source: &str) -> TcpStream {
        let args = [compiler, "-c", file, "-o", "x.o"];
        let mut request = format!("DIST00000001ARGC{:08x}", args.len());
        request.extend(args.map(|arg| format!("ARGV{:08x}{arg}", arg.len())));
        request.push_str(&format!("DOTI{:08x}{source}", source.len()));
        self.send(request.as_bytes())
    }

    /// Sends bytes to the port for jobs.
    #[track_caller]
    pub(crate) fn send(&self, bytes: &[u8]) -> TcpStream {
        let mut client = connect(self.port);
        client.write_all(bytes).expect("a daemon that reads");
        client
    }

    /// Sends bytes to the port for statistics, and returns all that is answered.
    #[track_caller]
    pub(crate) fn ask(&self, request: &str) -> String {
        ask(self.stats, request)
    }

    /// The values that this daemon's text gives, in its order.
    #[track_caller]
    pub(crate) fn values(&self) -> Vec<(String, String)> {
        let answer = self.ask("GET / HTTP/1.0\r\n\r\n");
        let rows = answer.lines().filter(|line| line.starts_with("dcc_"));
        rows.map(|row| row.split_once(' ').expect("a name and a value"))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    /// One of them.
    #[track_caller]
    pub(crate) fn value(&self, name: &str) -> String {
        let found = self.values().into_iter().find(|(other, _)| other == name);
        found.unwrap_or_else(|| panic!("no {name}")).1
    }

    /// All metrics.
    #[track_caller]
    pub(crate) fn metrics(&self) -> String {
        let answer = self.ask("GET /metrics HTTP/1.0\r\n\r\n");
        answer.split_once("\r\n\r\n").expect("a head").1.to_owned()
    }

    /// The value of one metric, labels and all.
    #[track_caller]
    pub(crate) fn metric(&self, name: &str) -> f64 {
        let metrics = self.metrics();
        let value = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.unwrap_or_else(|| panic!("no {name} in\n{metrics}")).parse().expect("a number")
    }
}

#[track_caller]
pub(crate) fn connect(port: u16) -> TcpStream {
    let client = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).expect("a daemon");
    client.set_read_timeout(Some(SOON)).expect("our socket");
    client.set_write_timeout(Some(SOON)).expect("our socket");
    client
}

/// Sends bytes and returns all that is answered.
#[track_caller]
pub(crate) fn ask(port: u16, request: &str) -> String {
    let mut client = connect(port);
    client.write_all(request.as_bytes()).expect("somebody who reads");
    let mut answer = String::new();
    match client.read_to_string(&mut answer) {
        // The C daemon closes without having read all.
        Err(error) if error.kind() == ErrorKind::ConnectionReset && !answer.is_empty() => {}
        end => assert_eq!(end.expect("an end of the answer"), answer.len()),
    }
    answer
}
