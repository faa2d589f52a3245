//! Messages that are none: each gives its error, at once, and nothing is set aside for what they claim.

use super::{feed_request, feed_response};
use crate::{Limits, ProtocolError, RequestDecoder, Version};

/// The most that is held beyond twice what has arrived: one step of a long body and the room for headers.
const SURPLUS: usize = 1024 * 1024 + 32 * 1024;

/// The most that is held for a header and its claim.
const REFUSED: usize = 1024;

fn error_of_request(bytes: &[u8]) -> ProtocolError {
    let fed = feed_request(bytes, bytes.len(), &Limits::default());
    assert!(fed.surplus <= REFUSED, "{} bytes held", fed.surplus);
    fed.outcome.unwrap_err()
}

fn error_of_response(bytes: &[u8]) -> ProtocolError {
    let fed = feed_response(Version::One, bytes, bytes.len(), &Limits::default());
    assert!(fed.surplus <= REFUSED, "{} bytes held", fed.surplus);
    fed.outcome.unwrap_err()
}

fn too_long(what: &'static str, claimed: u64, limit: u64) -> ProtocolError {
    ProtocolError::TooLong { what, claimed, limit }
}

#[test]
fn requests_that_are_none() {
    let check = |bytes: &str, message: &str| {
        assert_eq!(error_of_request(bytes.as_bytes()).to_string(), message, "{bytes:?}");
    };
    check("", "connection closed without a word");
    check("GET / HTTP/1.1\r\n", "expected token \"DIST\", got \"GET / HTTP/1.1\\r\\n\"");
    check("\u{16}\u{3}\u{1}", "expected token \"DIST\", got \"\\x16\\x03\\x01\"");
    check("DIST0000000x", "bad number \"0000000x\" in DIST");
    check("DIST00000004", "protocol version 4 is not spoken here");
    check("DIST000f4240", "protocol version 1000000 is not spoken here");
    check("DIST00000001CDIR00000001/", "expected token \"ARGC\", got \"CDIR00000001\"");
    check("DIST00000001ARGC00000000", "no arguments, not even a compiler name");
    check("DIST00000001ARGC000186a0", "ARGC of 100000 is over the limit of 16384");
    check("DIST00000001ARGCffffffff", "ARGC of 4294967295 is over the limit of 16384");
    check("DIST00000001ARGC00000001ARGVffffffff", "ARGV of 4294967295 is over the limit of 2097152");
    check("DIST00000001ARGC00000001ARGV00000003g\0c", "NUL byte in an argument");
    check("DIST00000001ARGC00000001DOTI00000000", "expected token \"ARGV\", got \"DOTI00000000\"");
    let head = "DIST00000001ARGC00000001ARGV00000003gcc";
    check(&format!("{head}ARGV"), "expected token \"DOTI\", got \"ARGV\"");
    check(&format!("{head}DOTIffffffff"), "DOTI of 4294967295 is over the limit of 1073741824");
    check(head, "connection closed, expected DOTI");
    check(&format!("{head}DOTI000000"), "connection closed, expected DOTI");
    check(&format!("{head}DOTI00000007int"), "connection closed, expected the rest of DOTI");
}

#[test]
fn responses_that_are_none() {
    let check = |bytes: &str, message: &str| {
        assert_eq!(error_of_response(bytes.as_bytes()).to_string(), message, "{bytes:?}");
    };
    check("", "connection closed without a word");
    check("HTTP", "expected token \"DONE\", got \"HTTP\"");
    check("DONE00000002", "answered in version 2, asked in version 1");
    check("DONE00000001STAT00010000", "bad number \"00010000\" in STAT");
    check("DONE00000001STAT00000080", "bad number \"00000080\" in STAT");
    check("DONE00000001STAT00000000SOUT", "expected token \"SERR\", got \"SOUT\"");
    check("DONE00000001STAT00000000SERRffffffff", "SERR of 4294967295 is over the limit of 1073741824");
    let head = "DONE00000001STAT00000000SERR00000000";
    check(&format!("{head}SOUT40000001"), "SOUT of 1073741825 is over the limit of 1073741824");
    check(&format!("{head}SOUT00000000DOTOffffffff"), "DOTO of 4294967295 is over the limit of 1073741824");
    check(&format!("{head}SOUT00000002x"), "connection closed, expected the rest of SOUT");
    let failed = "DONE00000001STAT00000100SERR00000000SOUT00000000";
    check(&format!("{failed}DOTO00000001"), "compiler failed and yet sent an object of 1 bytes");
    check(&format!("{failed}DOTOffffffff"), "compiler failed and yet sent an object of 4294967295 bytes");
    check(&format!("{failed}DOT"), "connection closed, expected DOTO");
}

#[test]
fn compressed_bodies_that_are_none() {
    let check = |body: &[u8], limit: usize, message: &str| {
        let limits = Limits { unpacked_bytes: limit, ..Limits::default() };
        let head = format!("DONE00000002STAT00000000SERR{:08x}", body.len());
        let fed = feed_response(Version::Two, &[head.as_bytes(), body].concat(), 9, &limits);
        assert_eq!(fed.outcome.unwrap_err().to_string(), message, "{body:?}");
    };
    check(b"\x18int x;\n\x11\0", 100, "bad LZO data, cut short");
    check(b"\x18int x;\n\x11\0\0\0", 100, "bad LZO data, followed by other bytes");
    check(b"\x18int x;\n\x11\0\0", 6, "compressed body of more than 6 bytes");
    check(b"plain", 100, "bad LZO data, cut short");
}

#[test]
fn limits_count_what_is_claimed() {
    let limits = Limits { args: 3, arg_bytes: 10, args_bytes: 15, bulk_bytes: 20, ..Limits::default() };
    let check = |body: &str, error| {
        let bytes = format!("DIST00000001{body}");
        assert_eq!(feed_request(bytes.as_bytes(), 4, &limits).outcome.unwrap_err(), error, "{body:?}");
    };
    check("ARGC00000004", too_long("ARGC", 4, 3));
    check("ARGC00000003ARGV0000000b", too_long("ARGV", 11, 10));
    check("ARGC00000003ARGV0000000a1234567890ARGV00000006", too_long("ARGV", 6, 5));
    check("ARGC00000001ARGV00000002ccDOTI00000015", too_long("DOTI", 21, 20));
    let whole = b"DIST00000001ARGC00000002ARGV0000000a1234567890ARGV0000000512345DOTI00000014\
                  12345678901234567890";
    assert!(feed_request(whole, 4, &limits).outcome.is_ok());
}

#[test]
fn a_claim_within_limits_is_not_believed_either() {
    let head = b"DIST00000001ARGC00000001ARGV00000003gccDOTI40000000";
    let came = [&head[..], &vec![b'x'; 5_000_000]].concat();
    for chunk in [1000, 65_536, came.len()] {
        let fed = feed_request(&came, chunk, &Limits::default());
        assert_eq!(fed.outcome, Err(ProtocolError::Truncated { expected: "the rest of DOTI" }));
        assert!(fed.surplus <= SURPLUS, "{} bytes held", fed.surplus);
    }
}

#[test]
fn a_long_body_is_read_in_large_steps() {
    let mut decoder = RequestDecoder::new(Limits::default());
    let head = b"DIST00000001ARGC00000001ARGV00000003gccDOTI00300000";
    let mut came: &[u8] = &[&head[..], &vec![b'x'; 0x30_0000]].concat();
    let mut reads = 0;
    while !came.is_empty() {
        let count = super::fill(decoder.space(), came);
        decoder.advance(count).unwrap();
        came = &came[count..];
        reads += 1;
    }
    assert!(reads <= 8, "{reads} reads");
}

#[test]
#[should_panic(expected = "more bytes have come than there was space for")]
fn more_than_there_was_space_for() {
    let mut decoder = RequestDecoder::new(Limits::default());
    let room = decoder.space().len();
    let _ = decoder.advance(room + 1);
}
