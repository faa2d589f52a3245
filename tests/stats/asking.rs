//! Those who ask well, badly, slowly and too often. Knows nothing of what is counted.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use test_hosts::need;
use test_hosts::wait::wait_until;

use crate::daemon::{Daemon, SOON, connect};

#[test]
fn answers() {
    let daemon = Daemon::ours(&[]);
    let check = |request: &str, head: &str, expected: &str| {
        let answer = daemon.ask(request);
        assert!(answer.starts_with(head), "{request}: {answer}");
        assert!(answer.ends_with(expected), "{request}: {answer}");
    };
    let plain = "HTTP/1.0 200 OK\nContent-Type: text/plain\nConnection: close\n\n";
    check("", plain, "</distccstats>\n");
    check("\r\n", plain, "</distccstats>\n");
    check("GET / HTTP/1.1\r\nAccept: */*\r\n\r\n", plain, "</distccstats>\n");
    check("GET /any/path HTTP/1.1\r\nAccept: text/html\r\n\r\n", plain, "</distccstats>\n");
    check("HEAD / HTTP/1.1\r\n\r\n", plain, "Connection: close\n\n");
    check("GET / HTTP/1.1\r\nAccept: text/html\r\n\r\n", "HTTP/1.1 200 OK\r\n", "</html>\n");
    check("HEAD / HTTP/1.1\r\nAccept: text/html\r\n\r\n", "HTTP/1.1 200 OK\r\n", "close\r\n\r\n");
    let openmetrics = "HTTP/1.1 200 OK\r\nContent-Type: application/openmetrics-text; version=1.0.0;";
    check("GET /metrics HTTP/1.1\r\n\r\n", openmetrics, "# EOF\n");
    check("HEAD /metrics HTTP/1.1\r\n\r\n", openmetrics, "close\r\n\r\n");
    check("POST /metrics HTTP/1.1\r\nContent-Length: 2\r\n\r\nab", "HTTP/1.1 405 ", "there is only GET\n");
    check("GET / HTTP/1.1\r\nno colon\r\n\r\n", "HTTP/1.1 400 ", "this is no request that makes sense\n");
    let long = format!("GET / HTTP/1.1\r\nA: {}\r\n\r\n", "x".repeat(60_000));
    check(&long, "HTTP/1.1 431 ", "the request is too long\n");
    check("GET / HTTP/1.1\r\nHost:", "HTTP/1.1 408 ", "the request did not come in time\n");
}

#[test]
fn the_length_of_an_answer_is_told() {
    let daemon = Daemon::ours(&[]);
    for request in ["GET /metrics HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nAccept: text/html\r\n\r\n"] {
        let answer = daemon.ask(request);
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("\r\nContent-Length: {}\r\n", body.len())), "{head}");
    }
}

#[test]
fn those_who_never_finish_keep_neither_jobs_nor_other_askers_waiting() {
    let daemon = Daemon::ours(&[]);
    let mut slow: Vec<TcpStream> = (0..40).map(|_| connect(daemon.stats)).collect();
    slow.iter_mut().for_each(|client| client.write_all(b"GET / HTTP/1.1\r\n").unwrap());
    daemon.compile("gcc", "x.c", "int x;");
    let last = slow.last_mut().unwrap();
    last.set_nonblocking(true).unwrap();
    assert!(last.read(&mut [0]).is_err(), "the job did not wait for all of them");
    // Eight are thrown out every five seconds.
    slow.truncate(10);
    let before = Instant::now();
    assert!(daemon.ask("GET / HTTP/1.1\r\n\r\n").contains("dcc_compile_ok 1\n"));
    assert!(before.elapsed() < SOON);
    let mut answer = String::new();
    slow[0].read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
}

#[test]
fn a_stranger_is_sent_away_and_named_in_the_log() {
    if !need::ipv6() {
        return;
    }
    let daemon = Daemon::ours(&["--listen=::", "--stats-listen=::"]);
    let mut client = TcpStream::connect(("::1", daemon.stats)).unwrap();
    client.set_read_timeout(Some(SOON)).unwrap();
    let mut answer = Vec::new();
    let _ = client.read_to_end(&mut answer);
    assert!(answer.is_empty(), "{answer:?}");
    wait_until(SOON, "a line in the log", || {
        daemon.log().contains("]:") && daemon.log().contains("denied by")
    });
    // Here, over IPv4, nobody is a stranger; and who was denied statistics never asked for a job.
    assert!(daemon.metric("distccd_connections_denied_total").abs() < f64::EPSILON);

    let mut job = TcpStream::connect(("::1", daemon.port)).unwrap();
    let _ = job.write_all(b"DIST00000001");
    let _ = job.read_to_end(&mut Vec::new());
    wait_until(SOON, "a denied job", || {
        (daemon.metric("distccd_connections_denied_total") - 1.0).abs() < 0.1
    });
    assert_eq!(daemon.value("dcc_tcp_accept"), "1");
}
