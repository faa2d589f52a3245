//! The port for statistics: takes a few connections at a time, and lets none of them last. Knows nothing of what is
//! counted.

use std::io;
use std::net::{self, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, Semaphore};
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{self, sleep, timeout, timeout_at};

use super::machine::{Machine, Readings};
use super::request::{self, ANYTHING, Form, LONGEST, Progress, Question, Refusal};
use super::{metrics, page, plain};
use crate::access::{AccessList, Peer};
use crate::listen::{accept, is_without_ipv6};
use crate::options::Options;
use crate::server::Server;
use crate::settings::{Mode, port};

const DEFAULT_PORT: i64 = 3633;

/// Who asks while so many are answered waits in the kernel's queue, so that jobs never lack a descriptor.
const CONNECTIONS: usize = 8;

/// Who has said nothing for so long wants what distcc 3.4 says to all.
const SILENCE: Duration = Duration::from_millis(500);
/// The whole head of a request must have come by then.
const HEAD: Duration = Duration::from_secs(5);
/// A directory on a machine that is gone may keep its reader waiting; then there is an answer without it.
const READING: Duration = Duration::from_secs(2);
/// For the answer to be taken.
const ANSWER: Duration = Duration::from_secs(5);
/// What is still sent after an answer is read for so long, and so far; else the kernel would throw the answer away.
const FAREWELL: Duration = Duration::from_millis(500);
const LAST_WORDS: u64 = 64 * 1024;

const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Where statistics can be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StatsPort {
    /// An address or host name; `None`: the loopback addresses of both families.
    pub(crate) listen: Option<String>,
    /// 0 takes any free port.
    pub(crate) port: u16,
}

impl StatsPort {
    /// What these options ask for, if it is to be had; what is not heeded is worth a warning.
    ///
    /// # Errors
    /// A port that does not exist, in one line.
    pub(crate) fn asked(
        options: &Options,
        mode: Mode,
        access: &AccessList,
        warnings: &mut Vec<String>,
    ) -> Result<Option<StatsPort>, String> {
        let port = port(options.stats_port, DEFAULT_PORT)?;
        let given = [
            ("--stats-port", options.stats_port.is_some()),
            ("--stats-listen", options.stats_listen.is_some()),
        ];
        if !options.stats {
            let unheeded = given.iter().filter(|(_, given)| *given);
            warnings.extend(unheeded.map(|(option, _)| format!("{option} not heeded: there is no --stats")));
            return Ok(None);
        }
        if mode == Mode::Inetd {
            // It is gone before anybody could ask it.
            warnings.push("--stats not heeded: a daemon for one client keeps no statistics".to_owned());
            return Ok(None);
        }
        let here = Peer::Network((Ipv4Addr::LOCALHOST, 0).into());
        if options.stats_listen.is_none() && access.admit(here).is_err() {
            warnings.push(
                "--stats: only this machine can ask, and it may not: add --allow 127.0.0.1, or see --stats-listen"
                    .to_owned(),
            );
        }
        Ok(Some(StatsPort { listen: options.stats_listen.clone(), port }))
    }
}

/// Listens there.
///
/// # Errors
/// Why that is not possible, in one line.
pub(crate) fn open(place: &StatsPort) -> Result<Vec<net::TcpListener>, String> {
    let failed = |address: &str, port: u16, error: io::Error| {
        let address = if address.contains(':') { format!("[{address}]") } else { address.to_owned() };
        format!("bind of {address}:{port} failed: {error}")
    };
    let bind = |address: &str, port| {
        let listener = net::TcpListener::bind((address, port))?;
        listener.set_nonblocking(true).map(|()| listener)
    };
    if let Some(address) = &place.listen {
        let listener = bind(address, place.port).map_err(|error| failed(address, place.port, error))?;
        return Ok(vec![listener]);
    }
    let (v4, v6) = (Ipv4Addr::LOCALHOST.to_string(), Ipv6Addr::LOCALHOST.to_string());
    let first = bind(&v4, place.port).map_err(|error| failed(&v4, place.port, error))?;
    let port = first.local_addr().map_or(place.port, |address| address.port());
    match bind(&v6, port) {
        Ok(second) => Ok(vec![first, second]),
        Err(error) if is_without_ipv6(&error) => Ok(vec![first]),
        Err(error) => Err(failed(&v6, port, error)),
    }
}

/// Answers all who ask, until it is dropped.
pub(crate) async fn serve(listeners: Vec<TcpListener>, server: Arc<Server>, disk: PathBuf) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let readings = Arc::new(Mutex::new(Readings::begin(disk, Instant::now())));
    let mut running = JoinSet::new();
    loop {
        let place = Arc::clone(&places).acquire_owned().await.expect("the semaphore is never closed");
        while running.try_join_next().is_some() {}
        match accept(&listeners).await {
            Ok((client, address)) => {
                let (server, readings) = (Arc::clone(&server), Arc::clone(&readings));
                running.spawn(async move {
                    serve_client(client, address, &server, readings).await;
                    drop(place);
                });
            }
            Err(error) => {
                server.log().error(format_args!("accept of who asks for statistics failed: {error}"));
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn serve_client(
    mut client: TcpStream,
    address: SocketAddr,
    server: &Server,
    readings: Arc<Mutex<Readings>>,
) {
    let peer = Peer::Network(address);
    if let Err(reason) = server.access.admit(peer) {
        server.log().error(format_args!("connection from client '{peer}' {reason}"));
        return;
    }
    let answer = match question(&mut client).await {
        Err(Gone) => return,
        Ok(Err(refusal)) => refused(refusal),
        Ok(Ok(question)) => {
            let machine = timeout(READING, machine(readings)).await.unwrap_or_default();
            answer(question, server, machine)
        }
    };
    let _ = timeout(ANSWER, async {
        client.write_all(&answer).await?;
        client.shutdown().await
    })
    .await;
    let rest = async { tokio::io::copy(&mut client.take(LAST_WORDS), &mut tokio::io::sink()).await };
    let _ = timeout(FAREWELL, rest).await;
}

/// The client has nothing to ask any more.
struct Gone;

async fn question(client: &mut TcpStream) -> Result<Result<Question, Refusal>, Gone> {
    let started = time::Instant::now();
    let mut bytes = Vec::with_capacity(LONGEST);
    loop {
        let progress = request::read(&bytes);
        let deadline = match progress {
            Progress::Asked(question) => return Ok(Ok(question)),
            Progress::Refused(refusal) => return Ok(Err(refusal)),
            Progress::Nothing => started + SILENCE,
            Progress::More => started + HEAD,
        };
        let is_silent = progress == Progress::Nothing;
        match timeout_at(deadline, client.read_buf(&mut bytes)).await {
            Ok(Err(_)) => return Err(Gone),
            Ok(Ok(0)) | Err(_) if is_silent => return Ok(Ok(ANYTHING)),
            Ok(Ok(0)) => return Ok(Err(Refusal::Malformed)),
            Err(_) => return Ok(Err(Refusal::TooSlow)),
            Ok(Ok(_)) => {}
        }
    }
}

/// One reader at a time: if the disk does not answer, one thread waits for it and not one for each who asks.
async fn machine(readings: Arc<Mutex<Readings>>) -> Machine {
    let mut readings = readings.lock_owned().await;
    spawn_blocking(move || readings.machine(Instant::now())).await.unwrap_or_default()
}

fn answer(question: Question, server: &Server, machine: Machine) -> Vec<u8> {
    let Some(figures) = server.stats.figures() else { return Vec::new() };
    let (mut head, body) = match question.form {
        Form::Plain => (plain::HEAD.to_owned(), plain::text(&figures, &machine)),
        Form::Metrics => with_head("200 OK", metrics::CONTENT_TYPE, "", metrics::text(figures, machine)),
        Form::Page => with_head("200 OK", page::CONTENT_TYPE, page::HEADERS, page::text(&figures, &machine)),
    };
    if !question.only_head {
        head.push_str(&body);
    }
    head.into_bytes()
}

fn refused(refusal: Refusal) -> Vec<u8> {
    let (status, headers, said) = match refusal {
        Refusal::Malformed => ("400 Bad Request", "", "this is no request that makes sense\n"),
        Refusal::WrongMethod => ("405 Method Not Allowed", "Allow: GET, HEAD\r\n", "there is only GET\n"),
        Refusal::TooSlow => ("408 Request Timeout", "", "the request did not come in time\n"),
        Refusal::TooLong => ("431 Request Header Fields Too Large", "", "the request is too long\n"),
    };
    let (head, body) = with_head(status, "text/plain", headers, said.to_owned());
    (head + &body).into_bytes()
}

fn with_head(status: &str, content_type: &str, headers: &str, body: String) -> (String, String) {
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n{headers}\
         Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n",
        body.len()
    );
    (head, body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options;

    #[test]
    fn what_is_asked_for() {
        let check = |line: &str, mode, expected: Option<(Option<&str>, u16)>, warned: &[&str]| {
            let words = ["distccd"].into_iter().chain(line.split_whitespace());
            let options = options::parse(words.map(Into::into)).unwrap();
            let mut warnings = Vec::new();
            let mut access = AccessList::default();
            options.allow.iter().for_each(|rule| access.add(rule).unwrap());
            let asked = StatsPort::asked(&options, mode, &access, &mut warnings).unwrap();
            let expected =
                expected.map(|(listen, port)| StatsPort { listen: listen.map(str::to_owned), port });
            assert_eq!(
                (asked, warnings),
                (expected, warned.iter().map(ToString::to_string).collect()),
                "{line}"
            );
        };
        check("", Mode::Standalone, None, &[]);
        check("--stats", Mode::Standalone, Some((None, 3633)), &[]);
        check("--stats --stats-port 9 --stats-listen ::", Mode::Standalone, Some((Some("::"), 9)), &[]);
        check("--stats-port 9", Mode::Standalone, None, &["--stats-port not heeded: there is no --stats"]);
        let unasked = "--stats: only this machine can ask, and it may not: add --allow 127.0.0.1, or see --stats-listen";
        check("--stats --allow 10.0.0.0/8", Mode::Standalone, Some((None, 3633)), &[unasked]);
        check("--stats --allow 10.0.0.0/8 -a 127.0.0.1", Mode::Standalone, Some((None, 3633)), &[]);
        check("--stats --allow ::1 --stats-listen ::", Mode::Standalone, Some((Some("::"), 3633)), &[]);
        let one = "--stats not heeded: a daemon for one client keeps no statistics";
        check("--stats --stats-port 9", Mode::Inetd, None, &[one]);
    }

    #[test]
    fn both_loopback_addresses_have_the_same_port() {
        let both = open(&StatsPort { listen: None, port: 0 }).unwrap();
        let addresses: Vec<SocketAddr> = both.iter().map(|one| one.local_addr().unwrap()).collect();
        assert!(addresses.iter().all(|address| address.ip().is_loopback()));
        assert!(addresses.iter().all(|address| address.port() == addresses[0].port()));
    }

    #[test]
    fn ports_that_cannot_be_had() {
        let taken = net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        let check = |listen: Option<&str>, expected: &str| {
            let problem = open(&StatsPort { listen: listen.map(str::to_owned), port }).unwrap_err();
            assert!(problem.starts_with(expected), "{problem}");
        };
        let in_use = format!("bind of 127.0.0.1:{port} failed: Address already in use");
        check(None, &in_use);
        check(Some("127.0.0.1"), &in_use);
        check(Some("1.2.3.4.5"), &format!("bind of 1.2.3.4.5:{port} failed: "));
    }
}
