//! Jobs as bytes. Knows nothing of the code that is tested.

use std::fmt::Write as _;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use test_hosts::stub::OBJECT;

/// Nothing that a daemon does for a crowd may take longer.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// Connects, for bytes that are sent by and by.
pub(crate) fn connect(to: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(to).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream.set_write_timeout(Some(LIMIT)).unwrap();
    stream
}

/// A request of `compiler` for this source, which is as long as is announced.
pub(crate) fn request(compiler: &str, name: &str, source: &[u8]) -> Vec<u8> {
    [&head(compiler, name, source.len()), source].concat()
}

/// Everything before the source.
pub(crate) fn head(compiler: &str, name: &str, length: usize) -> Vec<u8> {
    let mut text = "DIST00000001ARGC00000005".to_owned();
    for word in [compiler, "-c", &format!("{name}.c"), "-o", &format!("{name}.o")] {
        write!(text, "ARGV{:08x}{word}", word.len()).unwrap();
    }
    write!(text, "DOTI{length:08x}").unwrap();
    text.into_bytes()
}

/// Panics unless the answer is the object of a stub compiler.
#[track_caller]
pub(crate) fn take_object(stream: &mut TcpStream) {
    let answer = read_all(stream);
    assert!(is_object(&answer), "{}", String::from_utf8_lossy(&answer));
}

/// Whether an answer is the object of a stub compiler.
pub(crate) fn is_object(answer: &[u8]) -> bool {
    answer.ends_with(OBJECT) && answer.starts_with(b"DONE00000001STAT00000000SERR00000000")
}

/// Everything until the other end closes, which it does in time.
#[track_caller]
pub(crate) fn read_all(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Ok(_) => bytes,
        Err(error) if error.kind() == ErrorKind::ConnectionReset => bytes,
        Err(error) => panic!("no end of the answer: {error}"),
    }
}

/// Sends what the other end takes; one that refuses closes while we still send.
pub(crate) fn send(stream: &mut TcpStream, bytes: &[u8]) {
    let _ = stream.write_all(bytes);
}
