//! Requests and answers as bytes, written and read by hand. Knows nothing of the code that is tested.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// No answer may take longer.
const LIMIT: Duration = Duration::from_secs(30);

/// What the daemon says to a request that it serves.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u32,
    pub(crate) stderr: String,
    pub(crate) stdout: String,
    pub(crate) object: Vec<u8>,
}

/// A whole request in version 1.
pub(crate) fn request(args: &[&str], source: &[u8]) -> Vec<u8> {
    let mut bytes = head(args);
    bytes.extend(format!("DOTI{:08x}", source.len()).into_bytes());
    bytes.extend(source);
    bytes
}

/// Everything before the source.
pub(crate) fn head(args: &[&str]) -> Vec<u8> {
    let mut text = format!("DIST00000001ARGC{:08x}", args.len());
    for arg in args {
        write!(text, "ARGV{:08x}{arg}", arg.len()).unwrap();
    }
    text.into_bytes()
}

/// Connects, for bytes that are sent by and by.
#[track_caller]
pub(crate) fn connect(to: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(to).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream.set_write_timeout(Some(LIMIT)).unwrap();
    stream
}

/// Sends a request and reads everything that comes back. A daemon that refuses may close while we still send.
#[track_caller]
pub(crate) fn exchange(to: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = connect(to);
    let _ = stream.write_all(bytes);
    read_all(&mut stream)
}

/// Sends a request that is to be served.
#[track_caller]
pub(crate) fn ask(to: SocketAddr, args: &[&str], source: &str) -> Answer {
    answer(&exchange(to, &request(args, source.as_bytes())))
}

/// Reads to the end, which must come in time.
#[track_caller]
pub(crate) fn read_all(stream: &mut impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {}
        Err(error) => panic!("no end of the answer: {error}"),
    }
    bytes
}

/// Takes an answer in version 1 apart.
#[track_caller]
pub(crate) fn answer(bytes: &[u8]) -> Answer {
    let mut rest = bytes;
    let number = |rest: &mut &[u8], token: &str| {
        assert!(rest.len() >= 12, "expected {token} in {:?}", String::from_utf8_lossy(bytes));
        let (header, behind) = rest.split_at(12);
        *rest = behind;
        let header = std::str::from_utf8(header).unwrap();
        assert_eq!(&header[..4], token);
        u32::from_str_radix(&header[4..], 16).unwrap()
    };
    assert_eq!(number(&mut rest, "DONE"), 1);
    let status = number(&mut rest, "STAT");
    let [stderr, stdout, object] = ["SERR", "SOUT", "DOTO"].map(|token| {
        let length = number(&mut rest, token) as usize;
        let (body, behind) = rest.split_at(length);
        rest = behind;
        body.to_vec()
    });
    assert!(rest.is_empty(), "more after the answer");
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Answer { status, stderr: text(stderr), stdout: text(stdout), object }
}
